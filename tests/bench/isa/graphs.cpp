#include "tests/bench/isa/graphs.h"

#include "models/files/prefixes.h"
#include "models/nets/denoiser.h"
#include "models/nets/upscaler.h"
#include "models/pipelines/diffusion/diffusion_model.h"
#include "models/pipelines/diffusion/latent_codec.h"
#include "models/pipelines/upscale/upscale_model.h"

namespace sfumato {

namespace {

// One step with guidance: prompt and negative prompt.
graph step(target const& t, char const* model, int pixels, int tokens) {
    diffusion_model m({.source = model});
    auto const weights = m.sketch();
    denoiser_shape const shape = shape_of(m.denoiser());
    graph g(t);
    scope const s(g, *weights, std::string(unet_prefix));
    conditioning_tensors told{
        .context = g.input({.n = 2, .w = tokens, .c = shape.context_channels}, dtype::f16), .pooled = {}, .sizes = {}};
    if (shape.pooled_channels) told.pooled = g.input({.n = 2, .c = shape.pooled_channels});
    if (shape.sizes) told.sizes = g.input({.c = 2 * shape.sizes});
    g.output(evaluate(s, m.denoiser(),
                      {.x = g.input({2, pixels / 8, pixels / 8, shape.in_channels}, dtype::f16),
                       .timestep = g.input({.c = 2}),
                       .prompts = prepare(s, m.denoiser(), told)}));
    return g;
}

graph decoder(target const& t, char const* model, int pixels) {
    diffusion_model m({.source = model});
    auto const weights = m.sketch();
    return std::move(record_decode(t, *weights, m.vae(), pixels / 8, pixels / 8, dtype::f16).g);
}

graph enlarger(target const& t, char const* model, int pixels) {
    upscale_model m({.source = model});
    weight_store weights = m.sketch();
    graph g(t);
    g.output(upscaler(scope(g, weights, ""), m.network(), g.input({.h = pixels, .w = pixels, .c = 3}), dtype::f16));
    return g;
}

} // namespace

std::map<std::string, graph> graphs_of(target const& t) {
    std::map<std::string, graph> all;
    all.emplace("sd15", step(t, "procedural:sd15", 512, 77));
    all.emplace("sdxl", step(t, "procedural:sdxl", 1024, 77));
    all.emplace("sd35m", step(t, "procedural:sd35m", 1024, 333));
    all.emplace("decoder", decoder(t, "procedural:sd15", 512));
    all.emplace("rrdbnet", enlarger(t, "procedural:rrdbnet-x4", 512));
    all.emplace("srvgg", enlarger(t, "procedural:srvgg-x4", 512));
    all.emplace("upscale-x2", enlarger(t, "sfumato:upscale-x2", 512));
    all.emplace("upscale-x4", enlarger(t, "sfumato:upscale-x4", 512));
    return all;
}

} // namespace sfumato
