#include "compute/error.h"
#include "request/json.h"
#include "request/request.h"
#include "request/samplers.h"

#include <format>
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

// Every setting other than it is by default.
request unusual_request(operation o) {
    request r{.operation = o, .seed = INT64_MAX - 2};
    r.diffusion = {.model = "models/ü.safetensors",
                   .vae = "vae.safetensors",
                   .text_encoder = "clip_l.safetensors",
                   .text_encoder_2 = "clip_g.safetensors",
                   .text_encoder_3 = "t5xxl.safetensors",
                   .loras = {{"loras/ü.safetensors", 0.5}, {"b", -1, 0.25, std::string(64, '0')}},
                   .prompt = "a \"cat\",\n猫",
                   .negative_prompt = "dog",
                   .steps = 1000,
                   .cfg = 7.1,
                   .sampler = sampler::unipc,
                   .scheduler = scheduler::ays,
                   .rng = generator::cuda,
                   .clip_skip = 12,
                   .batch = 3,
                   .prediction = prediction::v,
                   .zero_terminal_snr = true,
                   .dtype = dtype::bf16};
    if (o == operation::txt2img)
        r.diffusion.width = 16384, r.diffusion.height = 64;
    else
        r.diffusion.strength = 0.01, r.diffusion.strength_rule = strength_rule::fewer_steps;
    return r;
}

TEST(request, of_a_diffusion_model_survives_the_round_trip) {
    for (operation o : {operation::txt2img, operation::img2img})
        for (request const& r : {request{.operation = o}, unusual_request(o)}) {
            std::vector<std::string> unknown;
            EXPECT_EQ(request_from_json(json_parse(json_line(request_to_json(r)), "x"), &unknown), r);
            EXPECT_TRUE(unknown.empty());
        }
    for (sampler_row const& sampler : sampler_table)
        for (scheduler_row const& scheduler : scheduler_table) {
            request r{.operation = operation::txt2img};
            r.diffusion.sampler = sampler.value, r.diffusion.scheduler = scheduler.value;
            EXPECT_EQ(request_from_json(request_to_json(r)), r);
        }
}

// What is for a model alone stands in no recipe of a fill without one, and is told of there.
TEST(request, of_an_inpaint_may_be_a_diffusion_model_s) {
    request r = unusual_request(operation::inpaint);
    r.seed = 5, r.diffusion.batch = 2, r.diffusion.strength = 0.75;
    r.inpaint = {.strength = 0.3,
                 .quality = quality::high,
                 .mask_cells = mask_cells::mean,
                 .edge = 0,
                 .width = 640,
                 .height = 512,
                 .detail = 0.25,
                 .prefill = "lama.pt"};
    r.object = true;
    EXPECT_TRUE(by_diffusion(r));
    EXPECT_EQ(colours_of(r), colours::srgb);
    std::vector<std::string> unknown;
    EXPECT_EQ(request_from_json(request_to_json(r), &unknown), r);
    EXPECT_TRUE(unknown.empty());
    EXPECT_EQ(resolve(r).method, method::diffusion);
    r.method = method::patchmatch;
    r.object = false;
    EXPECT_FALSE(by_diffusion(r));
    EXPECT_EQ(request_to_json(r), request_to_json({.method = method::patchmatch, .seed = 5}));
    EXPECT_EQ(resolve(request()).method, method::patchmatch);
    request_from_json(json{{"sfumato", 1}, {"prompt", "a cat"}, {"edge", 3}, {"model", ""}}, &unknown);
    EXPECT_EQ(unknown, (std::vector<std::string>{"edge", "prompt"}));
}

// LaMa's file is a model, too, and nothing else of diffusion's is LaMa's.
TEST(request, of_an_inpaint_may_be_lama_s) {
    request r{.method = method::lama, .seed = 5, .diffusion = {.model = "big-lama.pt", .prompt = "a cat"}};
    EXPECT_FALSE(by_diffusion(r));
    EXPECT_EQ(colours_of(r), colours::srgb);
    EXPECT_EQ(resolve(r).method, method::lama);
    json const recipe = request_to_json(r);
    EXPECT_FALSE(recipe.contains("prompt"));
    std::vector<std::string> unknown;
    r.diffusion.prompt.clear();
    EXPECT_EQ(request_from_json(recipe, &unknown), r);
    EXPECT_TRUE(unknown.empty());
}

// What fills a selection where the request does not say.
TEST(request, method_follows_from_what_is_there) {
    auto const found = [] { return std::string("/models/big-lama.pt"); };
    auto const none = [] { return std::string(); };
    request const open{.seed = 5};
    request const by_lama{.method = method::lama, .seed = 5, .diffusion = {.model = "/models/big-lama.pt"}};
    EXPECT_EQ(choose_method(open, found), by_lama);
    EXPECT_EQ(choose_method(open, none), (request{.method = method::patchmatch, .seed = 5}));
    EXPECT_EQ(choose_method(open, {}).method, method::patchmatch);
    EXPECT_EQ(resolve(open, found), by_lama);
    request const with_model{.seed = 5, .diffusion = {.model = "sd.safetensors"}};
    EXPECT_EQ(choose_method(with_model, found).method, method::diffusion);
    EXPECT_EQ(choose_method(with_model, found).diffusion.model, "sd.safetensors");
    for (method said : {method::patchmatch, method::lama, method::diffusion}) {
        request const r{.method = said, .seed = 5, .diffusion = {.model = "m"}};
        EXPECT_EQ(choose_method(r, found), r);
    }
    EXPECT_EQ(resolve({.operation = operation::upscale}, found).method, std::nullopt);
}

TEST(request, of_an_upscale_survives_the_round_trip) {
    request r{.operation = operation::upscale};
    EXPECT_EQ(request_to_json(r),
              json::parse(R"({"sfumato": 3, "operation": "upscale", "model": "", "scale": 2.0, "source": "layer"})"));
    EXPECT_EQ(request_from_json(request_to_json(r)), r);
    r.source = source::visible;
    r.area = {-3, 4, 50, 60};
    r.upscale = {.model = "models/ü.pth", .scale = 1.37, .tile = 512, .dtype = dtype::f16};
    std::vector<std::string> unknown;
    EXPECT_EQ(request_from_json(json_parse(json_line(request_to_json(r)), "x"), &unknown), r);
    EXPECT_TRUE(unknown.empty());
    EXPECT_EQ(resolve(r), r);
    r.upscale.model = "";
    EXPECT_EQ(resolve(r).upscale.model, "sfumato:upscale-x2");
    r.upscale.scale = 2.5;
    EXPECT_EQ(resolve(r).upscale.model, "sfumato:upscale-x4");
    EXPECT_EQ(resolve({.operation = operation::txt2img}).diffusion.model, "sfumato:draw");
    EXPECT_EQ(resolve({.operation = operation::img2img}).diffusion.model, "sfumato:draw");
    EXPECT_EQ(resolve({.operation = operation::inpaint}).diffusion.model, "");
}

TEST(request, of_a_diffusion_model_is_written_as_documented) {
    EXPECT_EQ(request_to_json(unusual_request(operation::txt2img)), json::parse(R"({
        "sfumato": 3, "operation": "txt2img", "seed": 9223372036854775805, "model": "models/ü.safetensors",
        "vae": "vae.safetensors", "text_encoder": "clip_l.safetensors", "text_encoder_2": "clip_g.safetensors",
        "text_encoder_3": "t5xxl.safetensors",
        "loras": [{"file": "loras/ü.safetensors", "weight": 0.5}, {"file": "b", "weight": -1.0, "text_weight": 0.25,
            "sha256": "0000000000000000000000000000000000000000000000000000000000000000"}],
        "prompt": "a \"cat\",\n猫", "negative_prompt": "dog", "width": 16384, "height": 64,
        "steps": 1000, "cfg": 7.1, "sampler": "unipc", "scheduler": "ays", "rng": "cuda", "clip_skip": 12, "batch": 3,
        "prediction": "v", "zero_terminal_snr": true, "dtype": "bf16"})"));
    EXPECT_EQ(request_to_json({.operation = operation::img2img, .seed = 4}), json::parse(R"({
        "sfumato": 3, "operation": "img2img", "seed": 4, "model": "", "prompt": "", "negative_prompt": "",
        "steps": 20, "cfg": 7.0, "sampler": "dpmpp_2m", "rng": "cpu", "batch": 1,
        "zero_terminal_snr": false, "strength": 0.75, "strength_rule": "full_steps"})"));
}

// What an operation has no use for would be in its recipe and change nothing.
TEST(request, knows_the_keys_of_its_operation_alone) {
    auto const unknown_of = [](std::string const& operation) {
        std::vector<std::string> unknown;
        request_from_json(json{{"sfumato", 1},
                               {"operation", operation},
                               {"made_by", "x"},
                               {"seed", 1},
                               {"method", "patchmatch"},
                               {"model", "m"},
                               {"width", 64},
                               {"strength", 0.5}},
                          &unknown);
        return unknown;
    };
    using keys = std::vector<std::string>;
    EXPECT_EQ(unknown_of("inpaint"), (keys{"model", "strength", "width"}));
    EXPECT_EQ(unknown_of("txt2img"), (keys{"method", "strength"}));
    EXPECT_EQ(unknown_of("img2img"), (keys{"method", "width"}));
    EXPECT_EQ(unknown_of("upscale"), (keys{"method", "seed", "strength", "width"}));
}

// The layer that the model was trained with stood there as 1.
TEST(request, of_version_1_is_read) {
    auto const clip_skip = [](int version, json const& value) {
        json object{{"sfumato", version}, {"operation", "txt2img"}};
        if (!value.is_null()) object["clip_skip"] = value;
        return request_from_json(object).diffusion.clip_skip;
    };
    EXPECT_EQ(clip_skip(1, 1), std::nullopt);
    EXPECT_EQ(clip_skip(1, 2), 2);
    EXPECT_EQ(clip_skip(2, 1), 1);
    EXPECT_EQ(clip_skip(2, nullptr), std::nullopt);
    EXPECT_EQ(request_from_json(json{{"sfumato", 1}, {"seed", 7}}), (request{.seed = 7}));
}

// What a model began with was always patches.
TEST(request, of_version_2_is_read) {
    auto const prefill = [](json more) {
        more.update({{"operation", "inpaint"}, {"model", "sd.safetensors"}});
        return request_from_json(more).inpaint.prefill;
    };
    EXPECT_EQ(prefill({{"sfumato", 2}}), "");
    EXPECT_EQ(prefill({{"sfumato", 3}}), std::nullopt);
    EXPECT_EQ(prefill({{"sfumato", 3}, {"prefill", "lama.pt"}}), "lama.pt");
    EXPECT_EQ(prefill({{"sfumato", 3}, {"prefill", ""}}), "");
    json const open = request_to_json({.method = method::diffusion, .seed = 1, .diffusion = {.model = "m"}});
    EXPECT_FALSE(open.contains("prefill"));
}

TEST(request, takes_other_programs_names) {
    request const r = request_from_json(json::parse(
        R"({"sfumato": 1, "operation": "txt2img", "sampler": "DPM++ 2M SDE", "scheduler": "Align Your Steps"})"));
    EXPECT_EQ(r.diffusion.sampler, sampler::dpmpp_2m_sde);
    EXPECT_EQ(r.diffusion.scheduler, scheduler::ays);
}

TEST(request, is_written_as_documented) {
    request const r{.method = method::patchmatch, .seed = 42, .area = {1, 2, 3, 4}};
    EXPECT_EQ(request_to_json(r),
              json::parse(R"({"sfumato": 3, "operation": "inpaint", "method": "patchmatch", "seed": 42,
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
        {R"({"sfumato": 4})", "\"sfumato\"", "must be a whole number from 1 to 3, not 4"},
        {R"({"sfumato": "1"})", "\"sfumato\"", "not \"1\""},
        {R"({"sfumato": 1, "operation": "outpaint"})", "\"operation\"",
         "\"inpaint\", \"txt2img\", \"img2img\" or \"upscale\", not \"outpaint\""},
        {R"({"sfumato": 1, "method": 3})", "\"method\"", "\"patchmatch\", \"diffusion\" or \"lama\", not 3"},
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

TEST(request, errors_of_an_upscale_do_too) {
    for (auto const& [text, says] : {std::pair{R"("scale": 0.99)", "a number from 1 to 16, not 0.99"},
                                     {R"("scale": "2")", "a number from 1 to 16, not \"2\""},
                                     {R"("tile": -1)", "from 0 to 16384, not -1"},
                                     {R"("model": 3)", "a text of at most"},
                                     {R"("dtype": "fp8")", "\"fp32\", \"fp16\" or \"bf16\""}}) {
        std::string const message = error_of(std::format(R"({{"sfumato": 1, "operation": "upscale", {}}})", text));
        EXPECT_NE(message.find(says), message.npos) << text << " → " << message;
    }
}

TEST(request, errors_of_a_diffusion_model_do_too) {
    struct {
        std::string key;
        std::vector<std::string> wrong;
        std::string says;
    } const cases[] = {
        {"seed", {"-2", "1.5", "9223372036854775808", "null"}, "a whole number from -1 to 9223372036854775807"},
        {"model", {"7", "[]"}, "a text of at most 65536 bytes"},
        {"vae", {"null", '"' + std::string(65537, 'x') + '"'}, "a text of at most 65536 bytes"},
        {"prompt", {"true", '"' + std::string(65537, 'x') + '"'}, "a text of at most 65536 bytes"},
        {"negative_prompt", {"{}"}, "a text of at most 65536 bytes"},
        {"width", {"-8", "16392", "64.5", "\"64\""}, "a whole number from 0 to 16384"},
        {"width", {"8", "56", "65"}, "a multiple of 8, from 64 on (0: as suits the model)"},
        {"height", {"1e9"}, "a whole number from 0 to 16384"},
        {"height", {"100"}, "a multiple of 8"},
        {"steps", {"0", "1001"}, "a whole number from 1 to 1000"},
        {"cfg", {"0.9", "101", "\"7\"", "-1e300"}, "a number from 1 to 100"},
        {"sampler", {"\"dpm_fast\"", "3", '"' + std::string(60000, 'x') + '"'}, "\"euler\", \"euler_a\""},
        {"scheduler", {"\"\"", "null"}, "\"linspace\" or \"lcm\""},
        {"rng", {"\"gpu\"", "1"}, "\"cpu\" or \"cuda\""},
        {"clip_skip", {"0", "13"}, "a whole number from 1 to 12"},
        {"batch", {"0", "65"}, "a whole number from 1 to 64"},
        {"prediction", {"\"flow\"", "null"}, "\"epsilon\" or \"v\""},
        {"dtype", {"\"fp8\"", "16"}, "\"fp32\", \"fp16\" or \"bf16\""},
        {"zero_terminal_snr", {"1", "\"true\""}, "true or false"},
        {"strength", {"0", "0.009", "1.01"}, "a number from 0.01 to 1"},
        {"strength_rule", {"\"all\""}, "\"full_steps\" or \"fewer_steps\""},
    };
    for (auto const& c : cases)
        for (std::string const& wrong : c.wrong) {
            std::string const operation = c.key.starts_with("strength") ? "img2img" : "txt2img";
            std::string const message =
                error_of(std::format(R"({{"sfumato": 1, "operation": "{}", "{}": {}}})", operation, c.key, wrong));
            EXPECT_TRUE(message.starts_with(std::format("The request's \"{}\" must be ", c.key))) << message;
            EXPECT_NE(message.find(c.says), message.npos) << message;
            EXPECT_LT(message.size(), 300u);
        }
    EXPECT_NE(error_of(R"({"sfumato": 1, "operation": "txt2img", "seed": 9223372036854775807, "batch": 2})")
                  .find("too large for a \"batch\" of 2"),
              std::string::npos);
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
    request const drawn = resolve(request{});
    EXPECT_GE(drawn.seed, 0);
    EXPECT_LE(drawn.seed, 0xFFFFFFFF);
    EXPECT_EQ(resolve(drawn), drawn);
    int different = 0;
    for (int i = 0; i < 8; ++i) different += resolve(request{}).seed != drawn.seed;
    EXPECT_GT(different, 0);
}

TEST(json_line, replaces_bytes_that_are_not_utf8) { EXPECT_NO_THROW(json_line(json{{"file", "\xFF.png"}})); }
