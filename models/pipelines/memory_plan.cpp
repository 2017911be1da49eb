#include "models/pipelines/memory_plan.h"

#include "compute/device.h"
#include "models/pipelines/denoise.h"
#include "models/pipelines/prompt_context.h"

#include <algorithm>
#include <format>
#include <map>

namespace sfumato {

namespace {

using part = diffusion_model::part;

// A stage of a run: its network's weights, and what lies beside them on the device.
struct stage_bytes {
    std::uint64_t weights = 0;
    std::uint64_t loading = 0; // beside them, while they are loaded
    std::uint64_t running = 0; // and while the network runs
    bool loaded = false;       // since an earlier run

    std::uint64_t kept() const { return loaded ? weights : 0; }
    std::uint64_t peak() const { return weights + std::max(loaded ? 0 : loading, running); }
};

stage_bytes measure(device& d, diffusion_model const& model, part p, weight_store& recorded_into, std::uint64_t arena) {
    return {recorded_into.bytes(d, residence::device), recorded_into.loading_bytes(d), arena,
            model.loaded_bytes(d, p) > 0};
}

stage_bytes text_stage(device& d, diffusion_model& model, run_size const& size, dtype storage) {
    weight_store weights = model.sketch();
    int const chunks = size.chunks * (size.guided ? 2 : 1);
    text_graph const recorded = record_text(d.target(), weights, model.text(), chunks, storage);
    return measure(d, model, part::text, weights, plan::peak_bytes(recorded.g));
}

stage_bytes unet_stage(device& d, diffusion_model& model, run_size const& size, memory_choice const& c, dtype storage) {
    weight_store weights = model.sketch(c.unet_weights);
    denoise_bytes const bytes = measure_denoise(d, weights, model, size, c, storage);
    stage_bytes stage = measure(d, model, part::unet, weights, std::max(bytes.context_arena, bytes.step_arena));
    std::uint64_t const beside = bytes.context + (c.decoded_previews ? size.preview_bytes : 0);
    stage.loading += beside;
    stage.running += beside;
    stage.loaded &= model.weights_lie_in(part::unet) == c.unet_weights;
    return stage;
}

stage_bytes vae_stage(device& d, diffusion_model& model, run_size const& size, tiling const& cut, dtype storage) {
    weight_store weights = model.sketch();
    int const h = cut.tile ? std::min(cut.tile, size.height) : size.height,
              w = cut.tile ? std::min(cut.tile, size.width) : size.width;
    std::size_t arena = plan::peak_bytes(record_decode(d.target(), weights, model.vae(), h, w, storage).g);
    if (size.encodes_picture)
        arena = std::max(arena, plan::peak_bytes(record_encode(d.target(), weights, model.vae(), h, w, storage).g));
    return measure(d, model, part::vae, weights, arena);
}

// The most that lies on the device at a time: the text encoder comes first and is let go; then, from a picture, the
// VAE; the UNet; the VAE again; for the next picture the UNet.
std::uint64_t peak_of(memory_choice const& c, run_size const& size, stage_bytes const& text, stage_bytes const& unet,
                      stage_bytes const& vae) {
    if (!c.keep_weights) return std::max({text.peak(), unet.peak(), vae.peak()});
    std::uint64_t const vae_before = size.encodes_picture ? vae.weights : vae.kept();
    std::uint64_t peak =
        std::max({unet.kept() + vae.kept() + text.peak(), vae_before + unet.peak(), unet.weights + vae.peak()});
    if (size.encodes_picture) peak = std::max(peak, unet.kept() + vae.peak());
    if (size.pictures > 1) peak = std::max(peak, vae.weights + unet.weights + unet.running);
    return peak;
}

std::vector<memory_choice> choices(run_size const& size) {
    std::vector<memory_choice> all{{}};
    auto const then = [&](auto const& change) {
        memory_choice next = all.back();
        change(next);
        if (next != all.back()) all.push_back(next);
    };
    int const longest = std::max(size.height, size.width);
    then([](memory_choice& c) { c.keep_weights = false; });
    then([&](memory_choice& c) { c.decoded_previews = size.preview_bytes == 0; });
    for (int tile : {96, 64})
        if (tile < longest) then([&](memory_choice& c) { c.vae = {.tile = tile, .overlap = 16}; });
    then([&](memory_choice& c) { c.guidance_in_one_batch = !size.guided; });
    then([](memory_choice& c) { c.unet_weights = residence::host; });
    for (int tile : {48, 32})
        if (tile < longest) then([&](memory_choice& c) { c.vae = {.tile = tile, .overlap = 8}; });
    return all;
}

std::string gigabytes(std::uint64_t bytes) {
    if (bytes < 100'000'000) return std::format("{} MB", (bytes + 999'999) / 1'000'000);
    return std::format("{:.1f} GB", double(bytes) / 1e9);
}

} // namespace

std::string memory_plan::text() const {
    int const side = choice.vae.tile * latent_scale;
    return std::format("needs {}, {} free: weights {}, guidance in {}, VAE {}{}", gigabytes(needed),
                       gigabytes(available), choice.unet_weights == residence::host ? "streamed" : "resident",
                       choice.guidance_in_one_batch ? "one batch" : "two runs",
                       side ? std::format("in tiles of {} pixels", side) : "whole",
                       choice.decoded_previews ? "" : ", previews without TAESD");
}

memory_plan plan_memory(device& d, diffusion_model& model, run_size const& size, dtype storage) {
    // What the model has on the device already can be let go.
    std::uint64_t available = d.memory_available();
    for (part p : {part::text, part::unet, part::vae}) available += model.loaded_bytes(d, p);

    stage_bytes const text = text_stage(d, model, size, storage);
    std::map<int, stage_bytes> vaes; // by tile
    memory_plan plan{.available = available, .storage = storage};
    std::uint64_t least = ~std::uint64_t(0);
    for (memory_choice const& c : choices(size)) {
        if (!vaes.contains(c.vae.tile)) vaes[c.vae.tile] = vae_stage(d, model, size, c.vae, storage);
        plan.choice = c;
        plan.needed = peak_of(c, size, text, unet_stage(d, model, size, c, storage), vaes[c.vae.tile]);
        if (plan.needed <= available) return plan;
        least = std::min(least, plan.needed);
    }
    fail("{} at {} × {} pixels needs {} of GPU memory at least, and {} can be had on {}: choose a smaller picture, "
         "close other programs that use the GPU, or take a smaller model.",
         model.choice().source, size.width * latent_scale, size.height * latent_scale, gigabytes(least),
         gigabytes(available), d.info().name);
}

} // namespace sfumato
