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

// A network: its weights, and what lies beside them on the device at its turn, in bytes.
struct network_costs {
    std::uint64_t weights = 0;
    std::uint64_t loading = 0; // while they are loaded
    std::uint64_t running = 0; // while the network runs
    bool loaded = false;
    double work = 0; // operations

    std::uint64_t kept() const { return loaded ? weights : 0; }
    std::uint64_t peak() const { return weights + std::max(loaded ? 0 : loading, running); }
};

network_costs measure(device& d, diffusion_model const& model, part p, weight_store& recorded_into, std::uint64_t arena,
                      double work) {
    return {recorded_into.bytes(d, residence::device), recorded_into.loading_bytes(d), arena,
            model.loaded_bytes(d, p) > 0, work};
}

network_costs text_encoder(device& d, diffusion_model& model, run_size const& size, dtype storage) {
    weight_store weights = model.sketch();
    int const chunks = size.chunks * (size.guided ? 2 : 1);
    text_graph const recorded = record_text(d.target(), weights, model.text(), chunks, storage);
    return measure(d, model, part::text, weights, plan::peak_bytes(recorded.g), recorded.g.work());
}

network_costs unet(device& d, diffusion_model& model, run_size const& size, memory_choice const& c, dtype storage) {
    weight_store weights = model.sketch(c.unet_weights);
    denoise_costs const costs = measure_denoise(d, weights, model, size, c, storage);
    network_costs n =
        measure(d, model, part::unet, weights, std::max(costs.context_arena, costs.step_arena), costs.step_work);
    std::uint64_t const beside = costs.context + (c.decoded_previews ? size.preview_bytes : 0);
    n.loading += beside;
    n.running += beside;
    n.loaded &= model.weights_lie_in(part::unet) == c.unet_weights;
    return n;
}

// One half of the VAE.
network_costs vae(device& d, diffusion_model& model, part half, run_size const& size, tiling const& cut,
                  dtype storage) {
    weight_store weights = model.sketch();
    int const h = cut.tile ? std::min(cut.tile, size.height) : size.height,
              w = cut.tile ? std::min(cut.tile, size.width) : size.width;
    auto const record = half == part::vae_encoder ? record_encode : record_decode;
    codec_graph const recorded = record(d.target(), weights, model.vae(), h, w, storage);
    std::size_t const tiles = tile_starts(size.height, cut).size() * tile_starts(size.width, cut).size();
    return measure(d, model, half, weights, plan::peak_bytes(recorded.g), recorded.g.work() * double(tiles));
}

using networks = std::map<part, network_costs>;

// In the order of a run; a second picture begins with the UNet again.
std::vector<part> stages_of(run_size const& size) {
    std::vector<part> all{part::text};
    if (size.encodes_picture) all.push_back(part::vae_encoder);
    all.insert(all.end(), {part::unet, part::vae_decoder});
    if (size.pictures > 1) all.push_back(part::unet);
    return all;
}

// The most that lies on the device at a time.
std::uint64_t peak_of(networks n, run_size const& size, bool keep_weights) {
    std::uint64_t peak = 0, beside = 0; // the weights of all other networks
    for (auto& [p, bytes] : n) {
        bytes.loaded &= keep_weights;
        beside += bytes.kept();
    }
    for (part p : stages_of(size)) {
        beside -= n[p].kept();
        peak = std::max(peak, beside + n[p].peak());
        n[p].loaded = keep_weights && p != part::text; // the text encoder is let go
        beside += n[p].kept();
    }
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

} // namespace

std::string gigabytes(std::uint64_t bytes) {
    if (bytes < 100'000'000) return std::format("{} MB", (bytes + 999'999) / 1'000'000);
    return std::format("{:.1f} GB", double(bytes) / 1e9);
}

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
    for (part p : diffusion_model::parts) available += model.loaded_bytes(d, p);

    std::map<int, networks> by_tile; // all but the UNet
    memory_plan plan{.available = available, .storage = storage};
    std::uint64_t least = ~std::uint64_t(0);
    for (memory_choice const& c : choices(size)) {
        networks& n = by_tile[c.vae.tile];
        if (n.empty()) {
            n[part::text] = text_encoder(d, model, size, storage);
            n[part::vae_decoder] = vae(d, model, part::vae_decoder, size, c.vae, storage);
            if (model.vae().encoder) n[part::vae_encoder] = vae(d, model, part::vae_encoder, size, c.vae, storage);
        }
        n[part::unet] = unet(d, model, size, c, storage);
        plan.choice = c;
        plan.needed = peak_of(n, size, c.keep_weights);
        for (auto const& [p, costs] : n) plan.work[p] = costs.work;
        if (plan.needed <= available) return plan;
        least = std::min(least, plan.needed);
    }
    fail("{} at {} × {} pixels needs {} of GPU memory at least, and {} can be had on {}: choose a smaller picture, "
         "close other programs that use the GPU, or take a smaller model.",
         model.chosen().source, size.width * latent_scale, size.height * latent_scale, gigabytes(least),
         gigabytes(available), d.info().name);
}

} // namespace sfumato
