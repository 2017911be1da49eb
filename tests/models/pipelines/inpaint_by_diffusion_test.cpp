// Inpainting by a diffusion model from a request: only what is selected and its edge change, the same recipe makes the
// same pixels, and memory is used as planned.
#include "models/pipelines/diffusion/inpaint_by_diffusion.h"

#include "models/library/procedural.h"
#include "request/context.h"
#include "request/json.h"
#include "tests/environment_variable.h"
#include "tests/models/files/torch_file.h"
#include "tests/models/pipelines/generate_cases.h"
#include "tests/models/pipelines/less_memory.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

namespace sfumato {
namespace {

request inpaint_request(std::string const& model = "procedural:sd1-tiny") {
    request r{.seed = 7};
    r.diffusion = {.model = model,
                   .prompt = "a red fox",
                   .negative_prompt = "blur",
                   .steps = 2,
                   .sampler = sampler::euler,
                   .dtype = dtype::f32};
    r.inpaint = {.edge = 12, .width = 128, .height = 96, .detail = 0};
    return resolve(r);
}

picture photo(int width = 176, int height = 132) {
    picture p(width, height);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            float* const to = &p.pixels[4 * (std::size_t(y) * width + x)];
            float const v = 0.5f + 0.3f * std::sin(0.05f * float(x)) * std::cos(0.08f * float(y));
            to[0] = v, to[1] = 0.9f * v, to[2] = 1 - v, to[3] = 1;
        }
    return p;
}

constexpr rect hole{70, 50, 40, 30};

mask selection_of(picture const& p, rect const& area = hole, float value = 1) {
    mask m(p.width, p.height);
    for (int y = area.y; y < area.bottom(); ++y)
        for (int x = area.x; x < area.right(); ++x) m.values[std::size_t(y) * p.width + x] = value;
    return m;
}

struct finished {
    run_result result;
    memory_plan plan;
    std::vector<picture> previews;
};

finished run_inpaint(shelf& models, request const& r, picture const& p, mask const& m, bool previews = false) {
    finished f;
    generate_watch watch{.planned = [&](memory_plan const& plan) { f.plan = plan; }};
    if (previews) watch.preview = [&](picture const& seen) { f.previews.push_back(seen); };
    auto const take = [&](run_result made) { f.result = std::move(made); };
    EXPECT_TRUE(inpaint_by_diffusion(test_device(), models, r, p, m, {}, take, watch));
    return f;
}
finished run_inpaint(request const& r, picture const& p, mask const& m) {
    shelf models;
    return run_inpaint(models, r, p, m);
}

double difference(picture const& a, picture const& b) {
    double sum = 0;
    EXPECT_EQ(a.pixels.size(), b.pixels.size());
    for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
    return sum / double(a.pixels.size());
}

TEST(inpaint_by_diffusion, changes_the_selection_and_its_edge_alone) {
    picture const p = photo();
    mask const m = selection_of(p);
    for (char const* model : {"procedural:sd1-tiny", "procedural:sd1-inpaint-tiny"}) {
        run_result const r = run_inpaint(inpaint_request(model), p, m).result;
        EXPECT_EQ((rect{r.x, r.y, r.picture.width, r.picture.height}), (rect{58, 38, 64, 54})) << model;
        int changed = 0;
        for (int y = 0; y < r.picture.height; ++y)
            for (int x = 0; x < r.picture.width; ++x) {
                std::size_t const i = std::size_t(r.y + y) * p.width + r.x + x,
                                  o = std::size_t(y) * r.picture.width + x;
                if (m.values[i] == 1) {
                    ASSERT_EQ(r.mask.values[o], 1);
                    changed += std::memcmp(&p.pixels[4 * i], &r.picture.pixels[4 * o], 12) != 0;
                }
                if (r.mask.values[o] == 0) {
                    ASSERT_EQ(std::memcmp(&p.pixels[4 * i], &r.picture.pixels[4 * o], 16), 0);
                }
            }
        EXPECT_GT(changed, hole.width * hole.height * 9 / 10) << model;
    }
}

TEST(inpaint_by_diffusion, a_recipe_makes_the_same_pixels) {
    picture const p = photo();
    mask const m = selection_of(p);
    request const r = inpaint_request();
    run_result const first = run_inpaint(r, p, m).result;
    request const recipe = request_from_json(request_to_json(first.recipe));
    EXPECT_EQ(recipe, first.recipe);
    EXPECT_NE(recipe, r) << "what was decided is in it";
    run_result const again = run_inpaint(recipe, p, m).result;
    EXPECT_EQ(again.picture.pixels, first.picture.pixels);
    EXPECT_EQ(again.mask.values, first.mask.values);
    EXPECT_EQ(again.recipe, first.recipe);
    request other = r;
    other.seed = 8;
    EXPECT_GT(difference(run_inpaint(other, p, m).result.picture, first.picture), 0.005);
}

// Of a batch each picture is what its recipe makes alone.
TEST(inpaint_by_diffusion, a_batch_has_the_seeds_that_follow) {
    picture const p = photo();
    mask const m = selection_of(p);
    request r = inpaint_request();
    r.diffusion.batch = 3;
    shelf models;
    std::vector<run_result> all;
    ASSERT_TRUE(inpaint_by_diffusion(test_device(), models, r, p, m, {},
                                     [&](run_result made) { all.push_back(std::move(made)); }));
    ASSERT_EQ(all.size(), 3u);
    for (int k = 0; k < 3; ++k) {
        EXPECT_EQ(all[k].recipe.seed, 7 + k);
        EXPECT_EQ(all[k].recipe.diffusion.batch, 1);
        EXPECT_EQ(run_inpaint(all[k].recipe, p, m).result.picture.pixels, all[k].picture.pixels);
    }
}

// The second pass: a context that the model sees smaller than it is is made anew in part at full size, by tiles.
TEST(inpaint_by_diffusion, detail_is_made_at_full_size) {
    picture const p = photo(700, 140); // two tiles
    mask const m = selection_of(p, {50, 50, 600, 40});
    auto const with = [&](double detail, char const* model) {
        request r = inpaint_request(model);
        r.inpaint.detail = detail;
        shelf models;
        return run_inpaint(models, r, p, m);
    };
    finished const none = with(0, "procedural:sd1-tiny"), some = with(0.4, "procedural:sd1-tiny"),
                   shown = with(0.4, "procedural:sd1-inpaint-tiny");
    EXPECT_GT(difference(none.result.picture, some.result.picture), 0.005);
    EXPECT_GT(difference(none.result.picture, shown.result.picture), 0.005);
    EXPECT_EQ(none.result.mask.values, some.result.mask.values);
    EXPECT_GT(some.plan.needed, none.plan.needed) << "the plan is of the larger pass";
    for (std::size_t i = 0; i < some.result.mask.values.size(); ++i)
        if (some.result.mask.values[i] == 0) {
            ASSERT_EQ(std::memcmp(&none.result.picture.pixels[4 * i], &some.result.picture.pixels[4 * i], 16), 0);
        }
    request const recipe = request_from_json(request_to_json(some.result.recipe));
    EXPECT_EQ(recipe.inpaint.detail, 0.4);
    EXPECT_EQ(run_inpaint(recipe, p, m).result.picture.pixels, some.result.picture.pixels);
}

// A warm model is no other model.
TEST(inpaint_by_diffusion, what_stays_loaded_changes_nothing) {
    picture const p = photo();
    mask const m = selection_of(p);
    shelf models;
    auto const first = run_inpaint(models, inpaint_request(), p, m),
               second = run_inpaint(models, inpaint_request(), p, m);
    EXPECT_EQ(first.result.picture.pixels, second.result.picture.pixels);
}

// Of the picture that it is given nothing in the hole matters when all of it is made anew, and less the less is.
TEST(inpaint_by_diffusion, strength_says_how_much_stays) {
    picture const p = photo();
    mask const m = selection_of(p);
    picture other = p;
    for (std::size_t i = 0; i < m.values.size(); ++i)
        if (m.values[i] > 0) std::fill_n(&other.pixels[4 * i], 3, 0.9f);
    auto const with = [&](double strength, std::string const& prompt) {
        request r = inpaint_request();
        r.inpaint.strength = strength;
        r.diffusion.prompt = prompt;
        return difference(run_inpaint(r, p, m).result.picture, run_inpaint(r, other, m).result.picture);
    };
    EXPECT_EQ(with(1, "a red fox"), 0);
    EXPECT_EQ(with(1, ""), 0);
    EXPECT_GT(with(0.3, "a red fox"), 0.001);
}

TEST(inpaint_by_diffusion, what_is_asked_changes_pixels) {
    picture const p = photo();
    mask const m = selection_of(p);
    std::set<std::vector<float>> all;
    auto const add = [&](std::function<void(request&)> const& change) {
        request r = inpaint_request();
        change(r);
        EXPECT_TRUE(all.insert(run_inpaint(r, p, m).result.picture.pixels).second) << request_to_json(r);
    };
    add([](request&) {});
    add([](request& r) { r.diffusion.prompt = "a tree"; });
    add([](request& r) { r.diffusion.prompt = ""; });
    for (mask_cells const rule : {mask_cells::maximum, mask_cells::mean, mask_cells::nearest}) // in two steps the same
        add([&](request& r) { r.diffusion.steps = 5, r.inpaint.mask_cells = rule; });
    add([](request& r) { r.inpaint.quality = quality::high; });
    add([](request& r) { r.inpaint.edge = 4; });
    add([](request& r) { r.inpaint.strength = 0.5; });
    add([](request& r) { r.inpaint.width = 160; });
}

// Without words it begins with what LaMa makes, where one is found; the recipe says which.
TEST(inpaint_by_diffusion, lama_goes_first) {
    picture const p = photo();
    mask const m = selection_of(p);
    scratch_folder const folder;
    environment_variable const home("HOME", folder.path), data("XDG_DATA_HOME", ""), at("SFUMATO_MODELS", folder.path);
    auto const made = [&](std::string const& prompt, std::optional<std::string> const& prefill) {
        request r = inpaint_request();
        r.diffusion.prompt = prompt, r.inpaint.prefill = prefill;
        return run_inpaint(r, p, m).result;
    };
    run_result const patches = made("", std::nullopt);
    EXPECT_EQ(patches.recipe.inpaint.prefill, "");
    std::string const lama = folder.put("my-lama.pt", torch_script_file(procedural_checkpoint("lama-tiny")));
    run_result const found = made("", std::nullopt);
    EXPECT_EQ(found.recipe.inpaint.prefill, lama);
    EXPECT_GT(difference(found.picture, patches.picture), 0.001);
    EXPECT_EQ(made("", lama).picture.pixels, found.picture.pixels);
    EXPECT_EQ(made("", "").picture.pixels, patches.picture.pixels);
    run_result const with_words = made("a red fox", std::nullopt);
    EXPECT_EQ(with_words.recipe.inpaint.prefill, std::nullopt);
    EXPECT_EQ(made("a red fox", lama).picture.pixels, with_words.picture.pixels);
}

TEST(inpaint_by_diffusion, any_selection_can_be_filled) {
    picture p = photo(96, 70);
    for (std::size_t i = 0; i < 96 * 10; ++i) std::fill_n(&p.pixels[4 * i], 4, 0.0f); // transparent above
    for (rect const& area : {rect{0, 0, 30, 70}, rect{0, 0, 96, 70}, rect{95, 69, 1, 1}})
        for (std::string const prompt : {"a red fox", ""}) {
            request r = inpaint_request();
            r.diffusion.prompt = prompt;
            run_result const made = run_inpaint(r, p, selection_of(p, area)).result;
            EXPECT_TRUE(std::ranges::all_of(made.picture.pixels, [](float v) { return std::isfinite(v); }));
            EXPECT_LE(made.x, area.x);
            EXPECT_GE(made.x + made.picture.width, area.right());
        }
}

TEST(inpaint_by_diffusion, previews_come_with_each_step) {
    shelf models;
    picture const p = photo();
    auto const seen = run_inpaint(models, inpaint_request(), p, selection_of(p), true).previews;
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].width, 16);
    EXPECT_EQ(seen[0].height, 12);
}

TEST(inpaint_by_diffusion, memory_is_used_as_planned) {
    std::uint64_t const before = test_device().memory_used();
    picture const p = photo();
    picture const large = photo(700, 600);
    for (char const* model : {"procedural:sd1-tiny", "procedural:sd1-inpaint-tiny"})
        for (std::string const words : {"a red fox", "", "LaMa"})
            for (picture const* of : {&p, &large}) { // of the large one, what lies beside the networks takes the most
                request r = inpaint_request(model);
                r.diffusion.prompt = words == "LaMa" ? "" : words;
                r.inpaint.prefill = words == "LaMa" ? "procedural:lama-tiny" : "";
                shelf models;
                test_device().memory_peak(true);
                memory_plan const plan = run_inpaint(models, r, *of, selection_of(*of)).plan;
                double const used = double(test_device().memory_peak() - before);
                EXPECT_LE(used, 1.01 * double(plan.needed)) << plan.text();
                EXPECT_GE(used, 0.9 * double(plan.needed)) << plan.text();
            }
}

TEST(inpaint_by_diffusion, is_cancelled_in_every_stage) {
    picture const p = photo();
    mask const m = selection_of(p);
    request r = inpaint_request();
    r.diffusion.prompt = "";
    r.inpaint.detail = 0.4;
    std::vector<std::string> stages;
    shelf models;
    double last = 0;
    job const all{.report = [&](progress const& now) {
        EXPECT_GE(now.fraction, last - 1e-9) << now.text();
        last = now.fraction;
        if (stages.empty() || stages.back() != now.text()) stages.push_back(now.text());
    }};
    ASSERT_TRUE(inpaint_by_diffusion(test_device(), models, r, p, m, all, [](run_result) {}));
    EXPECT_NEAR(last, 1, 0.03) << "all of the work was foreseen";
    std::set<std::string> const each(stages.begin(), stages.end());
    EXPECT_GE(each.size(), 8u);
    for (std::string const& stage : each) {
        std::atomic<bool> cancelled = false;
        job const j{.report = [&](progress const& now) { cancelled = cancelled || now.text() == stage; },
                    .cancelled = &cancelled};
        shelf fresh;
        bool const ended = inpaint_by_diffusion(test_device(), fresh, r, p, m, j, [](run_result) {});
        EXPECT_NE(ended, cancelled) << stage; // short stages are not told of each time
    }
}

TEST(inpaint_by_diffusion, of_later_families_changes_the_selection_and_its_edge_alone) {
    picture const p = photo();
    mask const m = selection_of(p);
    for (std::string const model : {"procedural:sdxl-tiny", "procedural:sd3-tiny"}) {
        run_result const r = run_inpaint(inpaint_request(model), p, m).result;
        rect const area{r.x, r.y, r.picture.width, r.picture.height};
        EXPECT_EQ(intersect(area, grown(hole, 12)), area) << model;
        EXPECT_GT(std::ranges::count(r.mask.values, 1.f), hole.width * hole.height / 2) << model;
        EXPECT_NE(r.picture.pixels, crop(p, area).pixels) << model;
    }
    request odd = inpaint_request("procedural:sd3-tiny");
    odd.inpaint.width = 120; // 15 cells, of which two make a patch
    EXPECT_THROW(run_inpaint(odd, p, m), error);
}

TEST(inpaint_by_diffusion, says_what_is_wrong) {
    picture const p = photo();
    struct {
        std::string says;
        std::function<void(request&)> change;
        bool selects = true;
    } const cases[] = {
        {"Nothing is selected", [](request&) {}, false},
        {"names no model", [](request& r) { r.diffusion.model = ""; }},
        {"/nowhere.safetensors", [](request& r) { r.diffusion.model = "/nowhere.safetensors"; }},
        {"holds no UNet", [](request& r) { r.diffusion.model = "procedural:taesd-tiny"; }},
        {"is an inpainting model: leave the quality out",
         [](request& r) { r.diffusion.model = "procedural:sd1-inpaint-tiny", r.inpaint.quality = quality::high; }},
        {"Strength 0.01 leaves none",
         [](request& r) { r.inpaint.strength = 0.01, r.diffusion.strength_rule = strength_rule::fewer_steps; }},
    };
    for (auto const& c : cases) {
        request r = inpaint_request();
        c.change(r);
        shelf models;
        try {
            inpaint_by_diffusion(test_device(), models, r, p, c.selects ? selection_of(p) : mask(p.width, p.height), {},
                                 [](run_result) {});
            ADD_FAILURE() << c.says;
        } catch (error const& e) {
            EXPECT_NE(std::string(e.what()).find(c.says), std::string::npos) << e.what();
        }
    }
}

} // namespace
} // namespace sfumato
