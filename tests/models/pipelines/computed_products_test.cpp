// What GPUs would compute of each network beyond what its results need: blocks reach over the edges of results. Nothing
// is run.
#include "models/files/prefixes.h"
#include "models/nets/denoiser.h"
#include "models/nets/upscaler.h"
#include "models/pipelines/diffusion/diffusion_model.h"
#include "models/pipelines/diffusion/latent_codec.h"
#include "models/pipelines/upscale/upscale_model.h"

#include <gtest/gtest.h>

namespace sfumato {
namespace {

// A discrete GPU of 60 cores, on each path that is not the software one.
std::vector<target> gpus() {
    std::vector<target> all;
    for (auto path : {matrix_path::scalar, matrix_path::khr, matrix_path::nv2}) {
        all.push_back({.matrix = path, .subgroup = 32, .shared_bytes = 49152, .cores = 60});
        if (path != matrix_path::nv2) continue;
        all.back().fragment = {64, 64, 32, true};
        all.back().flexible = {32, 32, 16, true};
        all.back().khr_fragment = {16, 16, 16};
    }
    return all;
}

void expect_little_waste(graph const& g, std::string const& what) {
    ASSERT_GT(g.products(), 0) << what;
    EXPECT_GE(g.computed_products(), g.products()) << what;
    EXPECT_LE(g.computed_products() / g.products(), 1.10)
        << what << " on " << matrix_path_names[int(g.target().matrix)];
}

TEST(computed_products, upscalers) {
    for (char const* name :
         {"procedural:rrdbnet-x4", "procedural:srvgg-x4", "sfumato:upscale-x2", "sfumato:upscale-x4"})
        for (target const& t : gpus())
            for (int tile : {128, 512}) {
                upscale_model m({.source = name});
                weight_store w = m.sketch();
                graph g(t);
                g.output(upscaler(scope(g, w, ""), m.network(), g.input({.h = tile, .w = tile, .c = 3}), dtype::f16));
                expect_little_waste(g, std::string(name) + " " + std::to_string(tile));
            }
}

TEST(computed_products, diffusion) {
    diffusion_model m({.source = "procedural:sd15"});
    for (target const& t : gpus())
        for (int size : {512, 1024}) {
            auto const w = m.sketch(), v = m.sketch();
            graph g(t);
            scope const s(g, *w, std::string(unet_prefix));
            tensor const context = g.input({.n = 2, .w = 77, .c = shape_of(m.denoiser()).context_channels}, dtype::f16);
            g.output(evaluate(s, m.denoiser(),
                              {.x = g.input({2, size / 8, size / 8, 4}, dtype::f16),
                               .timestep = g.input({.c = 2}),
                               .prompts = prepare(s, m.denoiser(), {.context = context, .pooled = {}, .sizes = {}})}));
            expect_little_waste(g, "UNet " + std::to_string(size));
            expect_little_waste(record_decode(t, *v, m.vae(), size / 8, size / 8, dtype::f16).g,
                                "decoder " + std::to_string(size));
        }
}

} // namespace
} // namespace sfumato
