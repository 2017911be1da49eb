#include "cli/protocol.h"
#include "compute/error.h"

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

std::string run_bytes(int width = 5, int height = 3) {
    picture const p = ramp(width, height);
    mask const m = half(width, height);
    return bytes_of(encode_run({.request = {.seed = 7}, .picture = p, .selection = m}));
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
    run_input const run = decode_run(only_message(run_bytes())).input;
    EXPECT_EQ(run.request, request{.seed = 7});
    EXPECT_EQ(run.picture.width, 5);
    EXPECT_EQ(run.picture.height, 3);
    EXPECT_EQ(run.picture.pixels, ramp(5, 3).pixels);
    EXPECT_EQ(run.selection.values, half(5, 3).values);
}

TEST(protocol, a_result_arrives_as_it_was_sent) {
    run_result const sent{.x = 3, .y = 4, .filled = ramp(7, 2), .composite = half(7, 2)};
    run_result const got = decode_result(only_message(bytes_of(encode_result(sent, 0.5))));
    EXPECT_EQ(got.x, 3);
    EXPECT_EQ(got.y, 4);
    EXPECT_EQ(got.filled.pixels, sent.filled.pixels);
    EXPECT_EQ(got.composite.values, sent.composite.values);
}

TEST(protocol, an_upscale_arrives_as_it_was_sent) {
    run_input const sent{.request = {.operation = operation::upscale},
                         .picture = ramp(5, 3),
                         .part = {{10, 20, 5, 3}, {20, 40, 10, 6}},
                         .means = picture_means{{.colours = {{0.1f, -3e-20f}, {}}, .alpha = {{1}}}, {}}};
    run_input const run = decode_run(only_message(bytes_of(encode_run(sent)))).input;
    EXPECT_EQ(run.request, resolve(sent.request));
    EXPECT_EQ(run.means, sent.means);
    EXPECT_EQ(run.picture.pixels, sent.picture.pixels);
    EXPECT_EQ(run.part, sent.part);
    run_result const got =
        decode_result(only_message(bytes_of(encode_result({.filled = ramp(10, 6), .means = *sent.means}, 0.5))));
    EXPECT_EQ(got.means, sent.means);
    EXPECT_EQ(got.filled.pixels, ramp(10, 6).pixels);
    EXPECT_TRUE(got.composite.values.empty());
}

TEST(protocol, means_are_lists_of_numbers) {
    picture const p = ramp(5, 3);
    std::vector<json> all_wrong{json(), json(7), json{7}, json{{1}},
                                json(std::vector<json>(17, {{"colours", json::array()}, {"alpha", json::array()}}))};
    for (json const& lists : {json(), json(7), json{7}, json{{"x"}}, json{{1, nullptr}}, json{{1e300}},
                              json{std::vector<int>(1025)}, json(std::vector<json>(17, json::array()))}) {
        all_wrong.push_back({{{"colours", lists}, {"alpha", json::array()}}});
        all_wrong.push_back({{{"colours", json::array()}, {"alpha", lists}}});
    }
    all_wrong.push_back({{{"colours", json::array()}}});
    for (json const& wrong : all_wrong) {
        json const head{{"type", "run"},
                        {"request", {{"sfumato", 1}, {"operation", "upscale"}}},
                        {"from", {10, 20, 5, 3}},
                        {"to", {20, 40, 10, 6}},
                        {"means", wrong}};
        std::string const message =
            error_of([&] { decode_run(only_message(bytes_of(encode(head, {{"picture", {3, 5, 4}, p.pixels}})))); });
        EXPECT_NE(message.find("\"means\""), std::string::npos) << wrong;
    }
}

TEST(protocol, parts_that_cannot_be_computed_are_refused) {
    picture const p = ramp(5, 3);
    auto const run_with = [&](json from, json to) {
        json const head{{"type", "run"},
                        {"request", {{"sfumato", 1}, {"operation", "upscale"}}},
                        {"from", std::move(from)},
                        {"to", std::move(to)}};
        return error_of([&] { decode_run(only_message(bytes_of(encode(head, {{"picture", {3, 5, 4}, p.pixels}})))); });
    };
    EXPECT_EQ(run_with({10, 20, 5, 3}, {20, 40, 10, 6}), "");
    for (json const& wrong : {json(), json(7), json{1, 2, 3}, json{0, 0, -1, 1}, json{0, 0, 1.5, 1},
                              json{0, 0, 1, 4294967296}, json{"0", 0, 1, 1}}) {
        EXPECT_NE(run_with(wrong, {20, 40, 10, 6}).find("\"from\""), std::string::npos) << wrong;
        EXPECT_NE(run_with({10, 20, 5, 3}, wrong).find("\"to\""), std::string::npos) << wrong;
    }
    EXPECT_NE(run_with({10, 20, 6, 3}, {20, 40, 10, 6}).find("5 × 3"), std::string::npos);
    EXPECT_NE(run_with({10, 20, 5, 3}, {20, 40, 13, 6}).find("does not lie over"), std::string::npos);
}

TEST(protocol, pieces_of_any_size_make_the_same_messages) {
    std::string const bytes = run_bytes() + bytes_of(encode({{"type", "cancel"}})) + run_bytes(1, 1);
    for (std::size_t piece : {1, 2, 3, 7, 23, 24, 25, 100, 1000}) {
        message_reader reader;
        for (std::size_t at = 0; at < bytes.size(); at += piece)
            reader.feed(as_bytes(std::string_view(bytes).substr(at, piece)));
        EXPECT_EQ(decode_run(reader.next().value()).input.picture.pixels, ramp(5, 3).pixels);
        EXPECT_EQ(reader.next().value().type(), "cancel");
        EXPECT_EQ(decode_run(reader.next().value()).input.picture.width, 1);
        EXPECT_FALSE(reader.next());
        EXPECT_TRUE(reader.at_boundary());
    }
}

TEST(protocol, a_truncated_message_is_no_message) {
    std::string const bytes = run_bytes();
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
        {frame(R"({"type":"run","blobs":{}})", 0), "must be a list of at most 8"},
        {frame(R"({"type":"run","blobs":[0,0,0,0,0,0,0,0,0]})", 0), "must be a list of at most 8"},
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
    std::string const good = run_bytes(3, 2);
    std::mt19937 random(1);
    int errors = 0, whole = 0;
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        std::string bytes = good;
        bytes[bit / 8] = char(bytes[bit / 8] ^ (1 << (bit % 8)));
        message_reader reader;
        try {
            reader.feed(as_bytes(bytes));
            if (auto m = reader.next()) {
                decode_run(std::move(*m));
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

TEST(protocol, pixels_that_no_picture_has_are_refused) {
    mask const m = half(4, 4);
    for (float bad : {NAN, INFINITY, -INFINITY}) {
        picture p = ramp(4, 4);
        p.pixels[(2 * 4 + 1) * 4 + 3] = bad;
        std::string const message =
            error_of([&] { decode_run(only_message(bytes_of(encode_run({.picture = p, .selection = m})))); });
        EXPECT_NE(message.find("column 1, row 2"), message.npos) << message;
    }
    picture const p = ramp(4, 4);
    for (float bad : {NAN, -0.01f, 1.01f}) {
        mask outside = half(4, 4);
        outside.values[3 * 4 + 2] = bad;
        std::string const message =
            error_of([&] { decode_run(only_message(bytes_of(encode_run({.picture = p, .selection = outside})))); });
        EXPECT_NE(message.find("column 2, row 3"), message.npos) << message;
    }
}

TEST(protocol, runs_that_do_not_fit_together_are_refused) {
    picture const p = ramp(4, 4);
    mask const m = half(4, 3);
    auto const run_with = [&](json head, std::vector<blob_view> const& blobs) {
        return error_of([&] { decode_run(only_message(bytes_of(encode(std::move(head), blobs)))); });
    };
    json const head{{"type", "run"}, {"request", {{"sfumato", 1}}}};
    blob_view const pixels{"picture", {4, 4, 4}, p.pixels}, values{"selection", {3, 4}, m.values};
    EXPECT_NE(run_with({{"type", "run"}}, {pixels, values}).find("\"request\""), std::string::npos);
    EXPECT_NE(run_with(head, {values}).find("\"picture\""), std::string::npos);
    EXPECT_NE(run_with(head, {pixels}).find("\"selection\""), std::string::npos);
    EXPECT_NE(run_with(head, {pixels, values}).find("4 × 4"), std::string::npos);
    EXPECT_NE(run_with(head, {{"picture", {3, 4}, m.values}, values}).find("3 sizes"), std::string::npos);
    EXPECT_NE(run_with({{"type", "run"}, {"request", {{"sfumato", 7}}}}, {pixels, values}).find("must be 1"),
              std::string::npos);
    json const other{{"type", "run"}, {"request", {{"sfumato", 1}, {"operation", "img2img"}}}};
    EXPECT_NE(run_with(other, {pixels, values}).find("\"inpaint\" and \"upscale\""), std::string::npos);
}

TEST(protocol, an_empty_or_huge_picture_is_not_sent) {
    EXPECT_THROW(encode_run({}), error);
    picture huge;
    huge.width = huge.height = 20'000;
    EXPECT_THROW(encode_run({.picture = huge, .selection = mask(1, 1)}), error);
}
