#include "models/pipelines/diffusion/memory_plan.h"

#include "compute/device.h"
#include "models/pipelines/diffusion/conditioning.h"
#include "models/pipelines/diffusion/denoise.h"

#include <algorithm>
#include <cstdlib>
#include <format>
#include <functional>

namespace sfumato {

namespace {

// ---- What a network takes in one of its settings

// Its settings, but for the weights that wait: these are chosen for each of them.
struct setting {
    tiling tiles{};
    bool decoded_previews = true;
    bool weights_may_wait = true;
};

// Records what the network runs into `weights`; of the plan it fills in what lies beside the weights.
using measure = std::function<void(weight_store& weights, part_plan&)>;

void add_graph(part_plan& p, graph const& g) {
    p.running = std::max<std::uint64_t>(p.running, plan::peak_bytes(g));
    p.fetched += g.fetched_bytes();
    p.work += g.work();
}

// What waits in the computer's memory takes as much of the device's. $SFUMATO_BUDGET stands for a card with its own.
bool shares_memory(device const& d) {
    return (d.info().is_software() || d.info().kind == "integrated") && !std::getenv("SFUMATO_BUDGET");
}

struct planner {
    device& d;
    diffusion_model& model;
    run_size const& size;
    run_precision const& precision;
    std::uint64_t available;
    bool is_one_memory = shares_memory(d);

    measure text(int number) const {
        return [this, number](weight_store& weights, part_plan& p) {
            int const prompts = size.guided ? 2 : 1, chunks = size.chunks * prompts;
            if (number == model.t5_part().number)
                return add_graph(p, record_t5(d.target(), weights, *model.what().t5, prompts, size.t5_tokens).g);
            auto const& texts = size.texts.empty() ? model.texts() : size.texts;
            add_graph(p, record_text(d.target(), weights, texts[std::size_t(number)], chunks, p.storage,
                                     size.has_learnt_words)
                             .g);
        };
    }
    measure denoiser() const {
        return [this](weight_store& weights, part_plan& p) {
            denoise_costs const costs = measure_denoise(d, weights, model.denoiser(), size, p.storage);
            std::uint64_t const beside = costs.prompts + (p.decoded_previews ? size.preview_bytes : 0);
            p.loading += beside;
            p.running = beside + std::max(costs.prompts_arena, costs.step_arena);
            p.fetched = costs.step_fetched;
            p.work = costs.step_work;
        };
    }
    measure vae(role half) const {
        return [this, half](weight_store& weights, part_plan& p) {
            auto const record = half == role::vae_encoder ? record_encode : record_decode;
            tile_size const tile = tile_of(size.height, size.width, p.tiles);
            add_graph(p, record(d.target(), weights, model.vae(), tile.height, tile.width, p.storage).g);
            p.work *= double(tile_starts(size.height, p.tiles).size() * tile_starts(size.width, p.tiles).size());
        };
    }

    std::vector<setting> settings_of(model_part p) const {
        switch (p.role) {
        case role::text: return {{}};
        case role::denoiser:
            if (size.preview_bytes) return {{.weights_may_wait = false}, {.decoded_previews = false}};
            return {{}};
        case role::vae_encoder: return tilings(precision.encode_tile);
        case role::vae_decoder: return tilings(precision.decode_tile);
        }
        return {};
    }
    // The wished tile alone, or whole and then smaller and smaller.
    std::vector<setting> tilings(int wish) const {
        int const longest = std::max(size.height, size.width);
        if (wish) return {{.tiles = tiles_of_side(wish < longest ? wish : 0)}};
        std::vector<setting> all{{}};
        for (int side : {96, 64, 48, 32})
            if (side < longest) all.push_back({.tiles = tiles_of_side(side)});
        return all;
    }
    measure measure_of(model_part p) const {
        if (p.role == role::text) return text(p.number);
        return p.role == role::denoiser ? denoiser() : vae(p.role);
    }

    // The first of its settings that fits, with as few weights as that takes waiting in the computer's memory. Nothing:
    // none fits; then `least` says what would.
    std::optional<part_plan> choose(model_part which, std::uint64_t& least) const {
        for (setting const& s : settings_of(which)) {
            auto const sketch = model.sketch();
            weight_store& weights = *sketch;
            while (true) {
                part_plan p{
                    .storage = storage_of(which.role), .tiles = s.tiles, .decoded_previews = s.decoded_previews};
                measure_of(which)(weights, p);
                p.waiting = weights.waiting();
                p.weights = weights.bytes(d, residence::device);
                p.waiting_bytes = weights.bytes(d, residence::host);
                p.loading += weights.loading_bytes(d);
                if (p.peak() <= available) return p;
                least = std::min(least, p.peak());
                bool const hopeless = p.running >= plan::impossible || is_one_memory; // weights would wait in it
                if (hopeless || !s.weights_may_wait || !weights.move_to_host(p.peak() - available)) break;
            }
        }
        return {};
    }
    dtype storage_of(role r) const {
        if (r == role::vae_encoder) return precision.encode;
        return r == role::vae_decoder ? precision.decode : precision.text_and_denoiser;
    }
};

// In the order of a run; a second picture begins with the denoiser again.
std::vector<model_part> turns_of(diffusion_model const& model, run_size const& size) {
    std::vector<model_part> all;
    for (int i = 0; i < model.text_encoders(); ++i) all.push_back({role::text, i});
    if (size.encodes_picture) all.push_back({role::vae_encoder});
    all.insert(all.end(), {{role::denoiser}, {role::vae_decoder}});
    if (size.pictures > 1) all.push_back({role::denoiser});
    return all;
}

// The most that lies on the device at a time, when each turn makes room as open_model::make_room does.
std::uint64_t peak_of(device& d, diffusion_model& model, run_size const& size, memory_plan const& plan) {
    struct entry {
        weight_slot const* slot;
        std::uint64_t bytes;
        bool began = false; // in this run
    };
    std::vector<entry> there; // the one used longest ago first
    for (weight_slot const* slot : model.all_slots()) there.push_back({slot, slot->bytes(d)});
    std::uint64_t peak = 0;
    auto const add_pictures = [&](std::uint64_t bytes) {
        if (!bytes) return;
        std::uint64_t others = 0;
        for (entry const& e : there) others += e.bytes;
        for (; !there.empty() && others + bytes > plan.available; there.erase(there.begin()))
            others -= there.front().bytes;
        peak = std::max(peak, others + bytes);
    };
    add_pictures(size.before);
    for (model_part which : turns_of(model, size)) {
        part_plan p = plan.of(which);
        weight_slot const& own = model.slot(which);
        bool loaded = false;
        std::uint64_t others = 0;
        for (entry const& e : there)
            if (e.slot != &own)
                others += e.bytes;
            else if (e.began || own.is_loaded_as(p.waiting)) {
                loaded = e.bytes >= p.weights;
                p.weights = std::max(p.weights, e.bytes);
            }
        std::erase_if(there, [&](entry const& e) { return e.slot == &own; });
        while (!there.empty() && others + p.peak(loaded) > plan.available) {
            others -= there.front().bytes;
            there.erase(there.begin());
        }
        peak = std::max(peak, others + p.peak(loaded));
        there.push_back({&own, p.weights, true});
    }
    add_pictures(size.after);
    return peak;
}

// ---- In words

char const* word_for(model_part p) {
    switch (p.role) {
    case role::text: return "prompt";
    case role::vae_encoder: return "encode";
    case role::denoiser: return "steps";
    default: return "decode";
    }
}

std::string in_words(model_part which, part_plan const& p, run_size const& size, int cell) {
    std::string text = std::format("{} {}", word_for(which), gigabytes(p.peak()));
    std::vector<std::string> more;
    if (p.tiles.tile) more.push_back(std::format("in tiles of {} pixels", p.tiles.tile * cell));
    if (p.waiting_bytes)
        more.push_back(std::format("{} of {} of weights wait outside", gigabytes(p.waiting_bytes),
                                   gigabytes(p.weights + p.waiting_bytes)));
    if (which.role == role::denoiser && size.preview_bytes && !p.decoded_previews)
        more.push_back("previews without TAESD");
    for (std::size_t i = 0; i < more.size(); ++i) text += (i ? ", " : " (") + more[i];
    return more.empty() ? text : text + ")";
}

} // namespace

memory_plan plan_memory(device& d, diffusion_model& model, run_size const& size, run_precision const& precision) {
    int const cell = model.latents().cell;
    memory_plan plan{.available = model.available(d)};
    planner const by{d, model, size, precision, plan.available};
    for (model_part which : turns_of(model, size)) {
        if (plan.parts.contains(which)) continue;
        std::uint64_t least = ~std::uint64_t(0);
        auto const chosen = by.choose(which, least);
        if (!chosen)
            throw no_room(
                which, say("{} at {} × {} pixels needs {} of GPU memory at least ({}), and {} can be had on {}: choose "
                           "a smaller picture, close other programs that use the GPU, or take a smaller model.",
                           model.chosen().source, size.width * cell, size.height * cell, gigabytes(least),
                           word_for(which), gigabytes(plan.available), d.info().name));
        plan.parts[which] = *chosen;
        plan.words += (plan.words.empty() ? "" : ", ") + in_words(which, *chosen, size, cell);
    }
    if (auto const pictures = std::max(size.before, size.after))
        plan.words += std::format(", picture {}", gigabytes(pictures));
    plan.needed = peak_of(d, model, size, plan);
    return plan;
}

std::string memory_plan::text() const {
    return std::format("needs {}, {} free: {}", gigabytes(needed), gigabytes(available), words);
}

weight_store& turns::begin(model_part p) const {
    part_plan const& planned = memory.of(p);
    weight_store& weights = model.weights(p, planned.waiting);
    model.make_room(d, planned.peak(weights.loaded() && weights.loaded_bytes(d) >= planned.weights), model.slot(p));
    return weights;
}

} // namespace sfumato
