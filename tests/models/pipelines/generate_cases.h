// Short runs of a tiny model, and what they made.
#pragma once

#include "models/library/joined.h"
#include "models/pipelines/diffusion/generate.h"
#include "tests/kernels/kernel_test.h"

#include <cmath>

namespace sfumato {

inline request small_request() {
    request r{.operation = operation::txt2img, .seed = 7};
    r.diffusion = {.model = "procedural:sd1-tiny",
                   .prompt = "a (red:1.3) fox",
                   .negative_prompt = "blur",
                   .width = 128,
                   .height = 96,
                   .steps = 3,
                   .sampler = sampler::euler_a,
                   .dtype = dtype::f32};
    return r;
}

struct finished_run {
    picture made;
    request recipe;
    memory_plan plan;
    std::vector<picture> previews;
};

inline std::shared_ptr<checkpoint const> taesd() {
    static auto const file = std::make_shared<checkpoint const>(open_taesd("procedural:taesd-tiny"));
    return file;
}

// Fewer than asked for: cancelled.
inline std::vector<generated> results(device& d, shelf& models, request const& r, picture const* from = nullptr,
                                      job const& j = {}, generate_watch const& watch = {}) {
    std::vector<generated> all;
    generate(d, models, r, from, j, [&](generated g) { all.push_back(std::move(g)); }, watch);
    return all;
}

inline finished_run run(shelf& models, request r, dtype type = dtype::f32, picture const* from = nullptr,
                        std::shared_ptr<checkpoint const> preview_decoder = {}) {
    r.diffusion.dtype = type;
    finished_run result;
    generate_watch const watch{.planned = [&](memory_plan const& p) { result.plan = p; },
                               .preview = [&](picture const& p) { result.previews.push_back(p); },
                               .preview_decoder = std::move(preview_decoder)};
    auto made = results(test_device(), models, r, from, {}, watch);
    EXPECT_EQ(made.size(), std::size_t(r.diffusion.batch));
    result.made = std::move(made.at(0).made);
    result.recipe = made.at(0).recipe;
    return result;
}

inline finished_run run(request const& r, dtype type = dtype::f32, picture const* from = nullptr,
                        std::shared_ptr<checkpoint const> preview_decoder = {}) {
    shelf models;
    return run(models, r, type, from, std::move(preview_decoder));
}

// A picture with something in each corner; its sides are no multiples of 8.
inline picture sketch() {
    picture p(77, 90);
    for (std::size_t i = 0; i < p.pixels.size(); ++i) p.pixels[i] = i % 4 == 3 ? float(i % 5) / 4 : float(i % 97) / 97;
    return p;
}

inline double psnr(picture const& a, picture const& b) {
    double error = 0;
    for (std::size_t i = 0; i < a.pixels.size(); ++i) error += std::pow(double(a.pixels[i]) - b.pixels[i], 2);
    return a.pixels.size() == b.pixels.size() ? -10 * std::log10(error / double(a.pixels.size()) + 1e-20) : 0;
}

} // namespace sfumato
