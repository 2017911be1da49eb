#include "compute/error.h"
#include "engine/messages.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace sfumato;
using nlohmann::json;

namespace {

std::string bytes_of(outgoing const& out) {
    std::string bytes = out.start;
    for (auto const& b : out.blobs) bytes.append(reinterpret_cast<char const*>(b.data()), b.size_bytes());
    return bytes;
}

std::span<std::byte const> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

picture ramp(int width, int height) {
    picture p(width, height);
    for (std::size_t i = 0; i < p.pixels.size(); ++i) p.pixels[i] = float(i) * 0.25f - 3;
    return p;
}

mask half(int width, int height) {
    mask m(width, height);
    for (std::size_t i = 0; i < m.values.size(); ++i) m.values[i] = i % 2 ? 1.f : 0.5f;
    return m;
}

// A result, with blobs of both kinds.
std::string result_bytes(int width = 5, int height = 3) {
    run_result const r{
        .x = 3, .y = 4, .picture = ramp(width, height), .mask = half(width, height), .recipe = {.seed = 7}};
    return bytes_of(encode_result(9, r));
}

// A frame with any header and head.
std::string frame(std::string const& head, std::uint64_t blob_bytes, std::string const& blobs = "",
                  std::uint32_t head_bytes = 0, std::uint32_t version = protocol::version, std::uint32_t zero = 0) {
    std::string bytes = "SFUM";
    auto const add = [&](auto v) { bytes.append(reinterpret_cast<char const*>(&v), sizeof v); };
    add(version);
    add(head_bytes ? head_bytes : std::uint32_t(head.size()));
    add(zero);
    add(blob_bytes);
    return bytes + head + blobs;
}

std::string feed_error(std::string const& bytes) {
    message_reader reader;
    try {
        reader.feed(as_bytes(bytes));
    } catch (error const& e) {
        return e.what();
    }
    return "";
}

message only_message(std::string const& bytes) {
    message_reader reader;
    reader.feed(as_bytes(bytes));
    auto m = reader.next();
    EXPECT_TRUE(m && !reader.next() && reader.at_boundary());
    return std::move(m.value());
}

template <class F> std::string error_of(F f) {
    try {
        f();
    } catch (error const& e) {
        return e.what();
    }
    return "";
}

} // namespace

TEST(protocol, a_run_arrives_as_it_was_sent) {
    run_input const sent{.request = {.method = method::patchmatch, .seed = 7},
                         .pictures = {{"picture", 5, 3, 4}, {"selection", 5, 3, 1}, {"hint:0", 1, 1, 4}},
                         .previews = true,
                         .preview_model = "taesd.safetensors",
                         .device = "a GPU"};
    message const m = only_message(bytes_of(encode_run("run", 12, sent)));
    EXPECT_EQ(id_of(m), 12);
    run_input const got = decode_run(m).input;
    EXPECT_EQ(got.request, sent.request);
    EXPECT_EQ(got.pictures, sent.pictures);
    EXPECT_TRUE(got.previews);
    EXPECT_EQ(got.preview_model, sent.preview_model);
    EXPECT_EQ(got.device, sent.device);
}

// What is to be chosen is chosen before anything is done with it, for every operation.
TEST(protocol, a_run_is_resolved_when_it_arrives) {
    for (operation o : {operation::inpaint, operation::txt2img, operation::img2img, operation::upscale}) {
        run_input const sent{.request = {.operation = o}, .pictures = {{"picture", 5, 3, 4}, {"selection", 5, 3, 1}}};
        request const got = decode_run(only_message(bytes_of(encode_run("run", 1, sent)))).input.request;
        EXPECT_EQ(got.seed < 0, o == operation::upscale);
        EXPECT_EQ(got.upscale.model.empty(), o != operation::upscale);
    }
}

TEST(protocol, a_result_arrives_as_it_was_sent) {
    run_result const got = decode_result(only_message(result_bytes(7, 2)));
    EXPECT_EQ(got.x, 3);
    EXPECT_EQ(got.y, 4);
    EXPECT_EQ(got.picture.pixels, ramp(7, 2).pixels);
    EXPECT_EQ(got.mask.values, half(7, 2).values);
    EXPECT_EQ(got.recipe, request{.seed = 7});
    run_result const plain{.picture = ramp(1, 1)};
    EXPECT_TRUE(decode_result(only_message(bytes_of(encode_result(1, plain)))).mask.values.empty());
}

TEST(protocol, what_else_the_engine_says_arrives) {
    want_message const want = decode_want(only_message(bytes_of(encode_want(1, {3, "hint:0", {4, 5, 6, 7}}))));
    EXPECT_EQ(want.number, 3u);
    EXPECT_EQ(want.name, "hint:0");
    EXPECT_EQ(want.area, (rect{4, 5, 6, 7}));
    progress const p{say("fill {} × {}", 7, 8), 0.25, 12, say("picture {} of {}", 1, 2)};
    progress const told = decode_progress(only_message(bytes_of(encode_progress(1, p, nullptr))));
    EXPECT_EQ(told.stage, p.stage);
    EXPECT_EQ(told.item, p.item);
    EXPECT_EQ(told.fraction, 0.25);
    EXPECT_EQ(told.seconds_left, 12);
    run_plan const plan{say("needs {}", "1 GB"), 7, 8, 2.5};
    run_plan const planned = run_plan_from_json(only_message(bytes_of(encode_plan(1, plan))).head["plan"]);
    EXPECT_EQ(planned.text, plan.text);
    EXPECT_EQ(planned.needed, 7u);
    EXPECT_EQ(planned.available, 8u);
    EXPECT_EQ(planned.seconds, 2.5);
    model_summary const upscaler{.path = "/a/b.pth",
                                 .family = "upscaler",
                                 .format = "torch",
                                 .bytes = 7,
                                 .supported = true,
                                 .reason = "so",
                                 .scale = 4,
                                 .factor = 2};
    EXPECT_EQ(decode_model(only_message(bytes_of(encode_model(1, upscaler)))), upscaler);
    model_summary const broken{.path = "/a/b.pth", .error = "it is damaged"};
    EXPECT_EQ(decode_model(only_message(bytes_of(encode_model(1, broken)))), broken);
}

TEST(protocol, a_sentence_within_a_sentence_stays_one) {
    sentence const s = say("'{}' is damaged: {}.", "x.pth", say("tensor {} is missing", 3));
    EXPECT_EQ(sentence_from_json(to_json(s)), s);
    // More parts than places, and parts that are none.
    nlohmann::json const odd{{"format", "a {}"}, {"arguments", {"b"}}, {"parts", {7, 8}}};
    EXPECT_EQ(sentence_from_json(odd), say("a {}", "b"));
    EXPECT_EQ(sentence_from_json({{"format", "a {}"}, {"arguments", {"b"}}, {"parts", {7}}}).text(), "a b");
}

// What a hostile file says of itself in an error's text is bounded, too.
TEST(protocol, a_long_sentence_is_cut_and_one_that_makes_no_sense_is_said_all_the_same) {
    std::string const long_text(3 << 20, 'x');
    EXPECT_LT(bytes_of(encode_warning(1, say("'{}' and '{}'", long_text, long_text))).size(), 30'000u);
    EXPECT_LT(bytes_of(encode_model(1, {.path = "p", .error = long_text})).size(), 10'000u);
    EXPECT_EQ(sentence_from_json(json()).text(), "It was not said what.");
    EXPECT_EQ(sentence_from_json(json("plain {")).text(), "plain {");
    EXPECT_EQ(sentence_from_json({{"format", "a {} b"}, {"text", "a 7 b"}}).text(), "a 7 b");
    EXPECT_EQ(sentence_from_json({{"format", 7}, {"arguments", {1, json::array()}}}).text(), "7");
}

TEST(protocol, blobs_that_are_not_wanted_are_passed_over) {
    std::string const bytes = result_bytes() + bytes_of(encode({{"type", "cancel"}})) + result_bytes(1, 1);
    for (std::size_t piece : {1, 7, 100, 1000}) {
        int asked = 0;
        message_reader reader([&](message const& m) {
            EXPECT_EQ(m.blobs.size(), 2u);
            return ++asked > 1; // not the first
        });
        for (std::size_t at = 0; at < bytes.size(); at += piece)
            reader.feed(as_bytes(std::string_view(bytes).substr(at, piece)));
        EXPECT_TRUE(reader.next().value().blobs.empty());
        EXPECT_EQ(reader.next().value().type(), "cancel");
        EXPECT_EQ(decode_result(reader.next().value()).picture.width, 1);
        EXPECT_TRUE(reader.at_boundary());
    }
    message_reader refusing([](message const&) -> bool { fail("Not these."); });
    EXPECT_THROW(refusing.feed(as_bytes(bytes)), error);
}

TEST(protocol, pieces_of_any_size_make_the_same_messages) {
    std::string const bytes = result_bytes() + bytes_of(encode({{"type", "cancel"}})) + result_bytes(1, 1);
    for (std::size_t piece : {1, 2, 3, 7, 23, 24, 25, 100, 1000}) {
        message_reader reader;
        for (std::size_t at = 0; at < bytes.size(); at += piece)
            reader.feed(as_bytes(std::string_view(bytes).substr(at, piece)));
        EXPECT_EQ(decode_result(reader.next().value()).picture.pixels, ramp(5, 3).pixels);
        EXPECT_EQ(reader.next().value().type(), "cancel");
        EXPECT_EQ(decode_result(reader.next().value()).picture.width, 1);
        EXPECT_FALSE(reader.next());
        EXPECT_TRUE(reader.at_boundary());
    }
}

TEST(protocol, a_truncated_message_is_no_message) {
    std::string const bytes = result_bytes();
    for (std::size_t length = 1; length < bytes.size(); ++length) {
        message_reader reader;
        reader.feed(as_bytes(std::string_view(bytes).substr(0, length)));
        EXPECT_FALSE(reader.next()) << length;
        EXPECT_FALSE(reader.at_boundary()) << length;
    }
}

TEST(protocol, malformed_frames_are_errors) {
    std::string const hello = R"({"type":"hello"})";
    struct {
        std::string bytes, mentions;
    } const cases[] = {
        {"GET / HTTP/1.1\r\n", "not a Sfumato message"},
        {"X", "not a Sfumato message"},
        {frame(hello, 0, "", 1), "head has 1 bytes"},
        {frame(hello, 0, "", (1 << 20) + 1), "head has 1048577 bytes"},
        {frame(hello, 0, "", 0xFFFFFFFF), "head has 4294967295 bytes"},
        {frame(hello, ~std::uint64_t(0)), "is the limit"},
        {frame(hello, 0, "", 0, 1, 9), "header is damaged"},
        {frame("{\"type\"", 0), "not valid JSON"},
        {frame("[]", 0), "an object with a \"type\""},
        {frame("{}", 0), "an object with a \"type\""},
        {frame(R"({"type":5})", 0), "an object with a \"type\""},
        {frame("{\"type\":\"x\",\"y\":" + std::string(100, '[') + std::string(100, ']') + "}", 0), "nested deeper"},
        {frame(hello, 4, "abcd"), "announces 4 bytes of blobs, but describes 0"},
        {frame(R"({"type":"run","blobs":{}})", 0), "must be a list of at most 2"},
        {frame(R"({"type":"run","blobs":[0,0,0,0,0,0,0,0,0]})", 0), "must be a list of at most 2"},
        {frame(R"({"type":"run","blobs":[7]})", 0), "\"name\" and \"shape\""},
        {frame(R"({"type":"run","blobs":[{"name":"a"}]})", 0), "\"name\" and \"shape\""},
        {frame(R"({"type":"run","blobs":[{"name":1,"shape":[1,1]}]})", 4), "\"name\" and \"shape\""},
        {frame(R"({"type":"run","blobs":[{"name":"a","shape":[1]}]})", 4), "list of 2 or 3 sizes"},
        {frame(R"({"type":"run","blobs":[{"name":"a","shape":[0,1]}]})", 0), "whole number from 1"},
        {frame(R"({"type":"run","blobs":[{"name":"a","shape":[-1,-1]}]})", 4), "whole number from 1"},
        {frame(R"({"type":"run","blobs":[{"name":"a","shape":[1.5,1]}]})", 4), "whole number from 1"},
        {frame(R"({"type":"run","blobs":[{"name":"a","shape":[1,1,3]}]})", 12), "third size must be 4"},
        {frame(R"({"type":"run","blobs":[{"name":"a","shape":[1000000,1000000]}]})", 4), "too large"},
        {frame(R"({"type":"run","blobs":[{"name":"a","shape":[4294967296,4294967296]}]})", 0), "whole number from 1"},
        {frame(R"({"type":"run","blobs":[{"name":"a","shape":[2,2]}]})", 4, "abcd"),
         "announces 4 bytes of blobs, but describes 16"},
    };
    for (auto const& c : cases) {
        std::string const message = feed_error(c.bytes);
        EXPECT_NE(message.find(c.mentions), message.npos) << c.bytes.substr(0, 100) << " → " << message;
    }
}

// A header can claim 2.6 GB; what is allocated follows what has arrived.
TEST(protocol, memory_follows_the_bytes_not_the_claim) {
    message_reader reader;
    std::uint64_t const claimed = std::uint64_t(protocol::max_pixels) * 16;
    reader.feed(as_bytes(frame(R"({"type":"run","blobs":[{"name":"picture","shape":[8192,16384,4]}]})", claimed)));
    std::size_t const before = [] {
        std::size_t pages = 0, resident = 0;
        FILE* f = std::fopen("/proc/self/statm", "r");
        EXPECT_EQ(std::fscanf(f, "%zu %zu", &pages, &resident), 2);
        std::fclose(f);
        return pages; // address space, not only what was touched
    }();
    EXPECT_LT(before * 4096, claimed);
    reader.feed(as_bytes(std::string(100'000, 'x')));
    EXPECT_FALSE(reader.next());
}

TEST(protocol, a_flipped_bit_never_passes_the_limits) {
    std::string const good = result_bytes(3, 2);
    std::mt19937 random(1);
    int errors = 0, whole = 0;
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        std::string bytes = good;
        bytes[bit / 8] = char(bytes[bit / 8] ^ (1 << (bit % 8)));
        message_reader reader;
        try {
            reader.feed(as_bytes(bytes));
            if (auto m = reader.next()) {
                decode_result(std::move(*m));
                ++whole;
            }
        } catch (error const&) {
            ++errors;
        }
    }
    EXPECT_GT(errors, 500);
    EXPECT_GT(whole, 100); // a pixel's bits can be anything finite
}

TEST(protocol, another_version_is_read_and_named) {
    EXPECT_EQ(only_message(frame(R"({"type":"hello"})", 0, "", 0, 99)).version, 99u);
}

TEST(protocol, pixels_that_no_picture_has_are_not_sent) {
    for (float bad : {NAN, INFINITY, -INFINITY}) {
        picture p = ramp(4, 4);
        p.pixels[(2 * 4 + 1) * 4 + 3] = bad;
        std::string const message = error_of([&] { encode_pixels(1, 1, p); });
        EXPECT_NE(message.find("column 1, row 2"), message.npos) << message;
    }
    for (float bad : {NAN, -0.01f, 1.01f}) {
        mask outside = half(4, 4);
        outside.values[3 * 4 + 2] = bad;
        std::string const message = error_of([&] { encode_pixels(1, 1, outside); });
        EXPECT_NE(message.find("column 2, row 3"), message.npos) << message;
    }
}

TEST(protocol, a_result_that_does_not_fit_together_is_refused) {
    picture const p = ramp(4, 4);
    mask const m = half(4, 3);
    auto const result_with = [&](json more, std::vector<blob_view> const& blobs) {
        json head{{"type", "result"}, {"x", 0}, {"y", 0}, {"recipe", {{"sfumato", 1}}}};
        head.update(more);
        return error_of([&] { decode_result(only_message(bytes_of(encode(std::move(head), blobs)))); });
    };
    blob_view const pixels{"picture", {4, 4, 4}, p.pixels}, values{"mask", {3, 4}, m.values};
    EXPECT_EQ(result_with({{"x", 5}}, {pixels}), "");
    EXPECT_NE(result_with({{"x", -1}}, {pixels}).find("\"x\""), std::string::npos);
    EXPECT_NE(result_with({{"y", 1e30}}, {pixels}).find("\"y\""), std::string::npos);
    EXPECT_NE(result_with({{"recipe", {{"sfumato", 7}}}}, {pixels}).find("\"sfumato\""), std::string::npos);
    EXPECT_NE(result_with({{"x", 5}}, {values}).find("\"picture\""), std::string::npos);
    EXPECT_NE(result_with({{"x", 5}}, {pixels, values}).find("4 × 4"), std::string::npos);
    EXPECT_NE(result_with({{"x", 5}}, {{"picture", {3, 4}, m.values}}).find("3 sizes"), std::string::npos);
}

TEST(protocol, an_empty_or_huge_picture_is_not_sent) {
    EXPECT_THROW(encode_result(1, {}), error);
    picture huge;
    huge.width = huge.height = 20'000;
    EXPECT_THROW(encode_result(1, {.picture = huge}), error);
}
