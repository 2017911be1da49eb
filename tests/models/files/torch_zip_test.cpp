// PyTorch's files: written here byte by byte and by CPython's own pickle; damaged, lying and malicious ones.
#include "models/files/torch_zip.h"
#include "models/library/open_checkpoint.h"

#include "models/files/pickle.h"
#include "models/files/torch_old.h"
#include "models/library/procedural.h"
#include "tests/models/files/hostile.h"
#include "tests/models/files/torch_file.h"

#include <numeric>

using namespace sfumato;
using namespace std::string_literals;

namespace {

TEST(torch_zip, a_whole_model) {
    scratch_folder const folder;
    checkpoint const model = procedural_checkpoint("sd1-inpaint-tiny");
    for (bool wide : {false, true}) {
        checkpoint const read = open_checkpoint(folder.put("m.ckpt", torch_checkpoint_file(model, wide)));
        EXPECT_EQ(read.format, "PyTorch zip");
        expect_equal(read, open_checkpoint("procedural:sd1-inpaint-tiny"));
    }
}

// {"x": …} where `put` writes the value.
template <class Put> std::string with_value(Put put, std::map<std::string, std::string> const& storages) {
    pickle_writer p;
    p.bytes += "}(";
    p.text("x");
    put(p);
    p.end_dict();
    p.stop();
    return torch_file(p.bytes, storages);
}

std::string floats(int count) {
    std::vector<float> values(std::size_t(count), 0.0f);
    std::iota(values.begin(), values.end(), 0.0f);
    std::string bytes;
    for (float v : values) bytes += little(v);
    return bytes;
}

// The floats of tensor x.
std::vector<float> values_of(std::string const& file) {
    scratch_folder const folder;
    checkpoint const c = open_checkpoint(folder.put("m.pt", file));
    std::vector<std::byte> scratch;
    auto const bytes = c.at("x").read(scratch);
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
}

TEST(torch_zip, tensors_in_any_order_of_their_storage) {
    auto const of = [](std::int64_t offset, std::vector<std::int64_t> shape, std::vector<std::int64_t> strides) {
        return values_of(with_value(
            [&](pickle_writer& p) { p.tensor("FloatStorage", "0", 12, offset, shape, strides); }, {{"0", floats(12)}}));
    };
    using list = std::vector<float>;
    EXPECT_EQ(of(0, {3, 4}, {4, 1}), (list{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
    EXPECT_EQ(of(0, {4, 3}, {1, 4}), (list{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11})); // transposed
    EXPECT_EQ(of(5, {2, 2}, {4, 1}), (list{5, 6, 9, 10}));                          // a window
    EXPECT_EQ(of(4, {4}, {1}), (list{4, 5, 6, 7}));
    EXPECT_EQ(of(11, {}, {}), (list{11}));
    EXPECT_EQ(of(0, {2, 3, 2}, {2, 4, 1}), (list{0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11}));
    EXPECT_EQ(of(2, {3, 1, 2}, {0, 99, 1}), (list{2, 3, 2, 3, 2, 3})); // the same row again
    EXPECT_EQ(of(0, {2, 0}, {1, 1}), list{});
    constexpr std::int64_t huge = std::int64_t(1) << 62;
    EXPECT_EQ(of(0, {0, huge, huge}, {1, huge, 1}), list{}); // whose extents' product is beyond every number
}

// What the file with this tensor says.
std::string told_of(std::int64_t offset, std::vector<std::int64_t> shape, std::vector<std::int64_t> strides,
                    std::string type = "FloatStorage") {
    return told_by(
        read_torch_zip,
        with_value([&](pickle_writer& p) { p.tensor(type, "0", 12, offset, shape, strides); }, {{"0", floats(12)}}));
}

TEST(torch_zip, tensors_that_do_not_fit_are_refused) {
    constexpr std::int64_t huge = std::int64_t(1) << 62;
    EXPECT_EQ(told_of(0, {3, 4}, {4, 1}), "");
    EXPECT_EQ(told_of(0, {3, 5}, {4, 1}), "'m' is damaged: tensor \"x\" of f32 [3, 5] does not fit its 48 bytes.");
    for (auto const& told : {told_of(1, {3, 4}, {4, 1}), told_of(-1, {3, 4}, {4, 1}), told_of(0, {3, 4}, {5, 1}),
                             told_of(0, {3, 4}, {-4, 1}), told_of(0, {-3, 4}, {4, 1}), told_of(0, {huge, 4}, {0, 1}),
                             told_of(0, {huge}, {huge}), told_of(huge, {1}, {1}), told_of(0, {2}, {huge}),
                             told_of(0, {100000}, {0}), told_of(0, {3, 4}, {4})})
        EXPECT_NE(told.find("does not fit"), told.npos) << told;
    EXPECT_NE(told_of(0, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}).find("no shape"), std::string::npos);
    EXPECT_NE(told_of(0, {3}, {1}, "QInt8Storage").find("of type \"torch.QInt8Storage\", which is not supported"),
              std::string::npos);
    EXPECT_NE(
        told_by(read_torch_zip, with_value([](pickle_writer& p) { p.tensor("FloatStorage", "7", 1, 0, {1}, {1}); }, {}))
            .find("\"data/7\" is not in it"),
        std::string::npos);
}

TEST(torch_zip, untyped_storages) {
    auto const file = with_value(
        [](pickle_writer& p) {
            p.global("torch._utils", "_rebuild_tensor_v3");
            p.bytes += "((";
            p.text("storage");
            p.global("torch.storage", "UntypedStorage");
            p.text("0");
            p.text("cpu");
            p.number(6);
            p.bytes += "tQ";
            p.number(1);
            p.numbers({2, 2});
            p.numbers({2, 1});
            p.bytes += "\x89";
            p.begin_dict();
            p.bytes += "u";
            p.global("torch", "float8_e4m3fn");
            p.bytes += "tR";
        },
        {{"0", "abcdef"}});
    scratch_folder const folder;
    checkpoint const c = open_checkpoint(folder.put("m.pt", file));
    EXPECT_EQ(show_shape(c.at("x")), "f8_e4m3 [2, 2]");
    EXPECT_EQ(std::memcmp(c.at("x").mapped.data(), "bcde", 4), 0);
}

// Opcode GLOBAL os.system, its argument, REDUCE: what unpickling in Python would run.
TEST(torch_zip, nothing_is_executed) {
    scratch_folder const folder;
    auto const file = with_value(
        [&](pickle_writer& p) {
            p.global("os", "system");
            p.bytes += "(";
            p.text("touch " + (folder / "executed"));
            p.bytes += "tR"; // an object of which nothing is known
            p.text("y");
            p.tensor("FloatStorage", "0", 12, 0, {12}, {1});
        },
        {{"0", floats(12)}});
    checkpoint const c = open_checkpoint(folder.put("m.ckpt", file));
    EXPECT_TRUE(c.find("y"));
    EXPECT_FALSE(c.find("x"));
    EXPECT_FALSE(std::filesystem::exists(folder / "executed"));
}

// Real pickles: CPython's own, of every protocol that PyTorch can be told to write.
TEST(torch_zip, pickles_of_cpython) {
    scratch_folder const folder;
    std::string const command =
        "python3 '" SOURCE "/make_torch_zips.py' '" + folder.path.string() + "' >'" + (folder / "log") + "' 2>&1";
    if (std::system(command.c_str()) != 0) GTEST_SKIP() << "python3 did not work: " << file_bytes(folder / "log");
    for (int protocol : {2, 3, 4, 5}) {
        checkpoint const c = open_checkpoint(folder / std::format("protocol-{}.ckpt", protocol));
        std::string names;
        for (auto const& [name, tensor] : c.tensors) names += name + " " + show_shape(tensor) + "\n";
        EXPECT_EQ(names, "a f32 [2, 3]\nb f16 [3]\nb again f16 [3]\nparameter f32 [2, 3]\nshared f32 [3]\n")
            << protocol;
        EXPECT_EQ(std::memcmp(c.at("a").mapped.data(), floats(6).data(), 24), 0);
        EXPECT_EQ(c.at("shared").mapped.data(), c.at("a").mapped.data() + 12); // the second row
    }
}

std::string small_file() {
    return with_value(
        [](pickle_writer& p) {
            p.tensor("FloatStorage", "0", 6, 0, {2, 3}, {3, 1});
            p.text("y");
            p.tensor("FloatStorage", "0", 6, 0, {3, 2}, {1, 3});
        },
        {{"0", floats(6)}});
}

TEST(torch_zip, cut_off_anywhere_is_an_error) { expect_every_cut_refused(read_torch_zip, small_file()); }

TEST(torch_zip, a_flipped_bit_is_an_error_or_another_model_but_no_crash) {
    EXPECT_GT(flip_every_bit(read_torch_zip, small_file()),
              1000); // of 8 bits × 1300 bytes, much of it names and padding
    scratch_folder const folder;
    zip_writer wide{.wide = true};
    wide.add("a/data.pkl", "\x80\x02}.");
    flip_every_bit(read_torch_zip, wide.finish());
}

TEST(torch_zip, other_files_are_told_apart) {
    scratch_folder const folder;
    auto const told = [&](std::string const& bytes) {
        return error_of([&] { open_checkpoint(folder.put("m.pth", bytes)); });
    };
    zip_writer other;
    other.add("word/document.xml", "<x/>");
    EXPECT_NE(told(other.finish()).find("not one of PyTorch (it has no data.pkl)"), std::string::npos);
    zip_writer packed;
    packed.add("m/data.pkl", "", 8);
    EXPECT_NE(told(packed.finish()).find("is compressed"), std::string::npos);
    zip_writer big;
    big.add("m/data.pkl", "\x80\x02}.");
    big.add("m/byteorder", "big");
    EXPECT_NE(told(big.finish()).find("big-endian"), std::string::npos);
    zip_writer twice;
    twice.add("m/data.pkl", "\x80\x02}.");
    twice.add("m/data.pkl", "\x80\x02}.");
    EXPECT_NE(told(twice.finish()).find("a file comes twice"), std::string::npos);
}

TEST(torch_zip, modules_of_torchscript) {
    scratch_folder const folder;
    checkpoint const model = procedural_checkpoint("srvgg-x4-tiny");
    checkpoint const c = open_checkpoint(folder.put("m.pt", torch_script_file(model)));
    EXPECT_EQ(c.format, "TorchScript");
    expect_equal(c, model);
    flip_every_bit(read_torch_zip, torch_script_file({.tensors = {{"a.b.c", model.tensors.at("body.0.bias")}}}));
}

// Real-CUGAN's "pro" models are told by something of this name that is no tensor.
TEST(torch_zip, a_mark_beside_the_tensors) {
    scratch_folder const folder;
    for (bool const wrapped : {false, true}) {
        pickle_writer p;
        p.begin_dict();
        if (wrapped) p.text("params_ema"), p.begin_dict();
        p.text("pro");
        p.number(1);
        p.text("x");
        p.tensor("HalfStorage", "0", 1, 0, {1}, {1});
        if (wrapped) p.end_dict();
        p.end_dict();
        p.stop();
        checkpoint const c = open_checkpoint(folder.put("m.pth", torch_file(p.bytes, {{"0", "ab"}})));
        EXPECT_EQ(c.metadata, nlohmann::json({{"pro", true}}));
        EXPECT_EQ(c.tensors.size(), 1u);
    }
}

// ---- Before version 1.6

TEST(old_torch, whole_model) {
    scratch_folder const folder;
    checkpoint const model = procedural_checkpoint("srvgg-x4-tiny");
    for (char const* wrapper : {"", "params_ema", "state_dict"}) {
        checkpoint const c = open_checkpoint(folder.put("m.pth", old_torch_file_of({{wrapper, &model}})));
        expect_equal(c, model);
        EXPECT_EQ(c.format, "PyTorch");
    }
}

TEST(old_torch, damage) {
    checkpoint c;
    std::string const numbers = "abcdef";
    c.tensors["x"] = {.type = stored_type::f16, .shape = {3}, .mapped = std::as_bytes(std::span(numbers))};
    std::string const good = old_torch_file_of({{"", &c}});
    expect_every_cut_refused(read_old_torch_file, good);
    EXPECT_GT(flip_every_bit(read_old_torch_file, good), int(good.size()) * 2);
    EXPECT_EQ(told_by(read_old_torch_file, old_torch_file_of({{"", &c}}, false)),
              "'m' holds big-endian numbers, which are not supported.");
    std::string other_count = good;
    other_count.replace(good.size() - 14, 8, little(std::int64_t(2)));
    EXPECT_EQ(told_by(read_old_torch_file, other_count),
              "'m' is damaged: storage \"0\" has 2 numbers, which its pickle does not say.");
}

// ---- The machine alone

std::string told_by_pickle(std::string const& instructions) {
    return error_of([&] { read_pickle(std::as_bytes(std::span(instructions)), "m"); });
}

TEST(pickle, damage_is_told) {
    for (std::string const bad : {"",
                                  ".",
                                  "\x80",
                                  "K",
                                  "X\xff\xff\xff\xff"
                                  "a",
                                  "t.",
                                  "(",
                                  "}(K\x01u.",
                                  "}K\x01s.",
                                  "0.",
                                  "h\x05.",
                                  "q\x01.",
                                  "\x93.",
                                  "K\x01K\x02\x93.",
                                  "K\x01K\x02R.",
                                  "R.",
                                  "Q.",
                                  "K\x01Q.",
                                  ")Q.",
                                  "cos",
                                  "cos\nsystem",
                                  "I01\n.",
                                  "\xff",
                                  "e.",
                                  "(e.",
                                  "d",
                                  "(K\x01"
                                  "d."})
        EXPECT_NE(told_by_pickle(bad), "") << bad;
    EXPECT_EQ(told_by_pickle("\x80\x02}."), "");
    EXPECT_EQ(told_by_pickle("K\x01."), ""); // a number: no tensors
}

TEST(pickle, dictionaries_within_themselves_end) {
    EXPECT_EQ(told_by_pickle("}q\x01(X\1\0\0\0ah\x01X\1\0\0\0bh\x01u."s), "");
    EXPECT_EQ(told_by_pickle("]q\x01h\x01"
                             "a."),
              "");
}

// One tensor under ever more names: dictionaries of 250 in 250 in 250, of which each item takes two bytes.
TEST(pickle, names_that_multiply_are_refused) {
    auto const nested = [](int outer, int middle, int inner) {
        pickle_writer p;
        for (int i = 0; i < 250; ++i) {
            p.text(std::to_string(i));
            p.bytes += "q" + little(std::uint8_t(i)) + "0";
        }
        p.tensor("FloatStorage", "0", 1, 0, {1}, {1});
        p.bytes += "q\xff"
                   "0";
        auto const dictionary = [](int count, std::string const& item) {
            std::string bytes = "}(";
            for (int i = 0; i < count; ++i) bytes += "h" + little(std::uint8_t(i)) + item;
            return bytes + "u";
        };
        p.bytes += dictionary(outer, dictionary(middle, dictionary(inner, "h\xff")));
        p.stop();
        return p.bytes;
    };
    EXPECT_EQ(told_by_pickle(nested(20, 20, 20)), "");
    EXPECT_NE(told_by_pickle(nested(20, 20, 200)).find("more than any model does"), std::string::npos); // names
    EXPECT_NE(told_by_pickle(nested(250, 125, 250)).find("more than any model does"), std::string::npos);
}

TEST(pickle, what_grows_without_end_is_refused) {
    EXPECT_NE(told_by_pickle(std::string(2'000'000, '}')).find("more than any model does"), std::string::npos);
    EXPECT_NE(told_by_pickle("}" + std::string(2'000'000, '2')).find("more than any model does"), std::string::npos);
    EXPECT_NE(told_by_pickle(std::string(2'000'000, '(')).find("more than any model does"), std::string::npos);
    // The same value in ever more places, two bytes each.
    std::string places = "}q\x01(", tuples;
    for (int i = 0; i < 2'000'000; ++i) places += "h\x01";
    for (int i = 0; i < 2'000'000; ++i) tuples += "h\x01\x85";
    EXPECT_NE(told_by_pickle(places + "t.").find("more than any model does"), std::string::npos);
    EXPECT_NE(told_by_pickle("}q\x01" + tuples).find("more than any model does"), std::string::npos);
    EXPECT_NE(told_by_pickle("c" + std::string(2'000'000, 'x')).find("without end"), std::string::npos);
    // A long name, copied again and again.
    std::string bytes = "X" + little(std::uint32_t(1'000'000)) + std::string(1'000'000, 'x') + "q\x01";
    EXPECT_NE(told_by_pickle(bytes + "h\x01\x93.").find("where a name belongs"), std::string::npos);
    EXPECT_NE(error_of([] {
                  std::vector<std::byte> const zeros(40 << 20);
                  read_pickle(zeros, "m");
              }).find("more than any model"),
              std::string::npos);
}

} // namespace
