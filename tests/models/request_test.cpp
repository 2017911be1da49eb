#include "compute/error.h"
#include "models/json.h"
#include "models/request.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace sfumato;
using nlohmann::json;

namespace {

std::string error_of(std::string const& text) {
    try {
        request_from_json(json_parse(text, "The request"));
    } catch (error const& e) {
        return e.what();
    }
    return "";
}

struct bad_request {
    std::string text, mentions, also;
};

} // namespace

TEST(request, survives_the_round_trip) {
    for (auto context : {context::automatic, context::image, context::selection})
        for (auto source : {source::layer, source::visible})
            for (std::int64_t seed : {std::int64_t(-1), std::int64_t(0), std::int64_t(42), std::int64_t(0xFFFFFFFF)})
                for (rect area : {rect{}, rect{-7, 12, 640, 480}}) {
                    request const r{.seed = seed, .context = context, .source = source, .area = area};
                    std::vector<std::string> unknown;
                    EXPECT_EQ(request_from_json(json_parse(json_line(request_to_json(r)), "x"), &unknown), r);
                    EXPECT_TRUE(unknown.empty());
                }
}

TEST(request, is_written_as_documented) {
    request const r{.seed = 42, .area = {1, 2, 3, 4}};
    EXPECT_EQ(request_to_json(r),
              json::parse(R"({"sfumato": 1, "operation": "inpaint", "method": "patchmatch", "seed": 42,
        "context": "automatic", "source": "layer", "area": {"x": 1, "y": 2, "width": 3, "height": 4}})"));
    EXPECT_FALSE(request_to_json(request{}).contains("area"));
}

TEST(request, defaults_what_is_not_said) { EXPECT_EQ(request_from_json(json{{"sfumato", 1}}), request{}); }

TEST(request, reports_unknown_keys) {
    std::vector<std::string> unknown;
    request_from_json(
        json::parse(R"({"sfumato": 1, "prompt": "a cat", "area": {"x": 0, "y": 0, "width": 1, "height": 1, "z": 2}})"),
        &unknown);
    std::ranges::sort(unknown);
    EXPECT_EQ(unknown, (std::vector<std::string>{"area.z", "prompt"}));
}

TEST(request, errors_name_the_key_and_what_it_may_be) {
    bad_request const cases[] = {
        {R"([])", "object", "a list"},
        {R"({})", "\"sfumato\"", "missing"},
        {R"({"sfumato": 2})", "\"sfumato\"", "must be 1, not 2"},
        {R"({"sfumato": "1"})", "\"sfumato\"", "not \"1\""},
        {R"({"sfumato": 1, "operation": "outpaint"})", "\"operation\"", "must be \"inpaint\", not \"outpaint\""},
        {R"({"sfumato": 1, "method": 3})", "\"method\"", "\"patchmatch\", not 3"},
        {R"({"sfumato": 1, "context": null})", "\"context\"", "\"automatic\", \"image\" or \"selection\", not null"},
        {R"({"sfumato": 1, "source": ["layer"]})", "\"source\"", "\"layer\" or \"visible\", not a list"},
        {R"({"sfumato": 1, "seed": -2})", "\"seed\"", "from -1 to 4294967295, not -2"},
        {R"({"sfumato": 1, "seed": 4294967296})", "\"seed\"", "not 4294967296"},
        {R"({"sfumato": 1, "seed": 18446744073709551615})", "\"seed\"", "not 18446744073709551615"},
        {R"({"sfumato": 1, "seed": 1.5})", "\"seed\"", "not 1.5"},
        {R"({"sfumato": 1, "seed": true})", "\"seed\"", "not true"},
        {R"({"sfumato": 1, "area": 5})", "\"area\"", "\"width\""},
        {R"({"sfumato": 1, "area": {"x": 0, "y": 0, "width": 5}})", "\"area.height\"", "missing"},
        {R"({"sfumato": 1, "area": {"x": 0, "y": 0, "width": 0, "height": 5}})", "\"area.width\"", "not 0"},
        {R"({"sfumato": 1, "area": {"x": 1e10, "y": 0, "width": 1, "height": 5}})", "\"area.x\"", "not 1000000"},
        {R"({"sfumato": 1, "area": {"x": 0, "y": -99999999, "width": 1, "height": 5}})", "\"area.y\"", "not -99999999"},
    };
    for (bad_request const& c : cases) {
        std::string const message = error_of(c.text);
        EXPECT_NE(message.find(c.mentions), message.npos) << c.text << " → " << message;
        EXPECT_NE(message.find(c.also), message.npos) << c.text << " → " << message;
    }
}

TEST(request, text_that_is_not_json) {
    for (std::string text : {"", "{", "{\"sfumato\": 1", "{\"a\": 1e999}", "\xFF\xFE", "{\"sfumato\": 1}}", "nul"})
        EXPECT_NE(error_of(text).find("The request is not valid JSON"), std::string::npos)
            << text << " → " << error_of(text);
}

TEST(request, deep_nesting_is_refused_not_followed) {
    std::string const deep = std::string(500'000, '[') + std::string(500'000, ']');
    EXPECT_NE(error_of(deep).find("nested deeper"), std::string::npos);
    EXPECT_NE(error_of("{\"sfumato\": " + deep + "}").find("nested deeper"), std::string::npos);
}

TEST(request, a_long_value_is_shortened_in_the_message) {
    std::string const message = error_of("{\"sfumato\": 1, \"method\": \"" + std::string(100'000, 'x') + "\"}");
    EXPECT_LT(message.size(), 200u);
    EXPECT_NE(message.find("\"method\""), message.npos);
    std::string umlauts;
    for (int i = 0; i < 100; ++i) umlauts += "ü";
    EXPECT_NO_THROW(json(error_of("{\"sfumato\": 1, \"method\": \"" + umlauts + "\"}")).dump()); // still UTF-8
}

TEST(request, minus_one_becomes_a_seed_and_others_stay) {
    request const drawn = resolve_seed(request{});
    EXPECT_GE(drawn.seed, 0);
    EXPECT_LE(drawn.seed, 0xFFFFFFFF);
    EXPECT_EQ(resolve_seed(drawn), drawn);
    int different = 0;
    for (int i = 0; i < 8; ++i) different += resolve_seed(request{}).seed != drawn.seed;
    EXPECT_GT(different, 0);
}

TEST(json_line, replaces_bytes_that_are_not_utf8) { EXPECT_NO_THROW(json_line(json{{"file", "\xFF.png"}})); }
