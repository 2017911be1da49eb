#include "models/pipelines/generate.h"

#include "compute/device.h"
#include "models/pipelines/denoise.h"
#include "models/pipelines/latent_codec.h"
#include "models/pipelines/latent_preview.h"
#include "models/pipelines/prompt_context.h"
#include "models/pipelines/stages.h"
#include "models/sampling/names.h"
#include "models/sampling/noise.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <format>

namespace sfumato {

namespace {

using part = diffusion_model::part;

// ---- What the request means for this model

struct pixel_size {
    int width = 0, height = 0;
};

// Multiples of 8: as asked for, or as large as the given picture.
pixel_size size_of(diffusion_settings const& s, diffusion_model const& model, picture const* from) {
    auto const up = [](int side) { return (side + latent_scale - 1) / latent_scale * latent_scale; };
    int const native = model.what().native_size;
    pixel_size const size = from ? pixel_size{up(from->width), up(from->height)}
                                 : pixel_size{s.width ? s.width : native, s.height ? s.height : native};
    if (size.width < 64 || size.height < 64)
        fail("The picture is smaller than 64 × 64 pixels; that is too small for {}.", s.model);
    return size;
}

text_encoder_config text_encoder_of(diffusion_settings const& s, diffusion_model const& model) {
    text_encoder_config c = model.text();
    c.layers_used = std::max(1, c.layers_used - (s.clip_skip - 1));
    return c;
}

bool is_guided(diffusion_settings const& s) { return s.cfg != 1; }

// The prompt and, for guidance, the negative one, of as many chunks.
std::vector<prompt_chunks> prompts_of(diffusion_settings const& s, text_encoder_config const& text) {
    clip_vocabulary const vocabulary{.size = text.vocabulary, .pad = text.pad};
    std::vector<prompt_chunks> prompts{make_chunks(s.prompt, vocabulary)};
    if (!is_guided(s)) return prompts;
    prompts.push_back(make_chunks(s.negative_prompt, vocabulary));
    match_chunk_counts(prompts[0], prompts[1], vocabulary);
    return prompts;
}

sampling_run sampling_of(diffusion_settings const& s, diffusion_model const& model, bool from_picture) {
    return plan_sampling({.sampler = s.sampler,
                          .scheduler = s.scheduler.value_or(default_scheduler(s.sampler)),
                          .steps = s.steps,
                          .prediction = model.what().prediction,
                          .zero_terminal_snr = s.zero_terminal_snr,
                          .strength = from_picture ? s.strength : 1,
                          .rule = s.strength_rule});
}

// ---- Pictures before and after

// Larger, with the border repeated.
picture padded(picture const& p, pixel_size size) {
    picture to(size.width, size.height);
    for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
            std::size_t const from = std::size_t(std::min(y, p.height - 1)) * p.width + std::min(x, p.width - 1);
            std::copy_n(&p.pixels[4 * from], 4, &to.pixels[4 * (std::size_t(y) * size.width + x)]);
        }
    return to;
}

picture mid_grey(pixel_size size) {
    picture p(size.width, size.height);
    std::ranges::fill(p.pixels, 0.5f);
    return p;
}

void check_picture(picture const& p, device& d) {
    float low = p.pixels[0], high = low;
    bool finite = true;
    for (std::size_t i = 0; i < p.pixels.size(); ++i) {
        if (i % 4 == 3) continue;
        finite &= std::isfinite(p.pixels[i]);
        low = std::min(low, p.pixels[i]);
        high = std::max(high, p.pixels[i]);
    }
    if (finite && high - low > 1e-4f) return;
    fail("The VAE decoded {} on {}: the model's file may be damaged, or its VAE needs more precision than 16-bit "
         "numbers have (try --dtype fp32, or another VAE).",
         finite ? "a flat picture" : "values that are no numbers", d.info().name);
}

// What was decoded, as it is given back: within 0 … 1, of the size and transparency of what it was made from.
picture finish(picture decoded, picture const* from) {
    for (float& v : decoded.pixels) v = std::clamp(v, 0.0f, 1.0f);
    if (!from) return decoded;
    decoded = crop(decoded, {0, 0, from->width, from->height});
    for (std::size_t i = 3; i < decoded.pixels.size(); i += 4) decoded.pixels[i] = from->pixels[i];
    return decoded;
}

// ---- The stages

// What all of them share.
struct generation {
    device& d;
    diffusion_model& model;
    diffusion_settings const& settings;
    generate_watch const& watch;
    pixel_size pixels;
    run_size size;
    memory_plan memory;
    sampling_run sampling;

    // A network's turn: without room for all of them, the others make way.
    void make_room(part p) const {
        if (!memory.choice.keep_weights) model.release_all_but(p);
    }
    // Of a network, for one picture.
    double work(part p) const {
        auto const of = memory.work.find(p);
        if (of == memory.work.end()) return 0;
        return p == part::unet ? of->second * double(sampling.evaluations.size()) : of->second;
    }
    // The mean, as ComfyUI: a sample would differ in what no eye sees.
    std::optional<latent> encode(picture const& p, job const& j) const {
        make_room(part::vae_encoder);
        auto found =
            encode_picture(d, model.weights(part::vae_encoder), model.vae(), p, memory.choice.vae, memory.storage, j);
        if (!found) return std::nullopt;
        return std::move(found->mean);
    }
};

// What is encoded before the first step.
struct encoded_pictures {
    std::optional<latent> from; // img2img begins with it
    std::vector<float> further; // an inpainting model is shown
};

std::optional<encoded_pictures> encode(generation const& g, picture const* from, stages& all) {
    encoded_pictures made;
    if (from) {
        made.from = g.encode(padded(*from, g.pixels), all.next(g.work(part::vae_encoder)));
        if (!made.from) return std::nullopt;
    }
    if (g.model.is_inpainting()) {
        auto const grey = g.encode(mid_grey(g.pixels), all.next(g.work(part::vae_encoder)));
        if (!grey) return std::nullopt;
        made.further = inpainting_channels(std::vector<float>(std::size_t(grey->height) * grey->width, 1), *grey);
    }
    return made;
}

std::optional<latent> denoise(generation const& g, std::vector<prompt_context> const& contexts,
                              encoded_pictures const& encoded, std::uint64_t seed, job const& j) {
    noise_source source(g.settings.rng, seed);
    int const channels = g.model.unet().out_channels;
    auto const normals = [&] {
        return latent_noise(std::span(&source, 1), {.h = g.size.height, .w = g.size.width, .c = channels});
    };
    g.make_room(part::unet);
    std::optional<preview_decoder> decoder;
    if (g.size.preview_bytes && g.memory.choice.decoded_previews)
        decoder.emplace(g.d, g.watch.preview_decoder, g.size.height, g.size.width, g.memory.storage);

    latent const noise{g.size.height, g.size.width, channels, normals()};
    denoise_inputs in{.run = g.sampling,
                      .start = start_latent(g.sampling, noise, encoded.from ? &*encoded.from : nullptr),
                      .positive = contexts.front(),
                      .negative = g.size.guided ? &contexts.back() : nullptr,
                      .guidance = g.settings.cfg,
                      .further = encoded.further,
                      .noise = normals};
    if (g.watch.preview)
        in.each = [&](int, latent const&, latent const& x0) {
            if (auto const seen = decoder ? decoder->decode(x0, j) : latent_preview(x0)) g.watch.preview(*seen);
        };
    return denoise(g.d, g.model, g.memory, in, j);
}

std::optional<picture> decode(generation const& g, latent const& l, job const& j) {
    g.make_room(part::vae_decoder);
    auto decoded = decode_latent(g.d, g.model.weights(part::vae_decoder), g.model.vae(), l, g.memory.choice.vae,
                                 g.memory.storage, j);
    if (decoded) check_picture(*decoded, g.d);
    return decoded;
}

} // namespace

std::optional<std::vector<picture>> generate(device& d, open_models& models, request const& r, picture const* from,
                                             job const& j, generate_watch const& watch) {
    diffusion_settings const& s = r.diffusion;
    assert(r.seed >= 0 && "resolve() comes first");
    if (s.model.empty()) fail("The request names no model; give it a \"model\": a checkpoint's file or folder.");
    diffusion_model& model = models.open({s.model, s.vae, s.prediction, s.dtype});
    pixel_size const pixels = size_of(s, model, from);
    text_encoder_config const text = text_encoder_of(s, model);
    auto const prompts = prompts_of(s, text);
    dtype const storage = s.dtype.value_or(d.target().storage());

    run_size size{.height = pixels.height / latent_scale,
                  .width = pixels.width / latent_scale,
                  .pictures = s.batch,
                  .chunks = int(prompts[0].ids.size()),
                  .guided = is_guided(s),
                  .encodes_picture = from || model.is_inpainting()};
    if (size.encodes_picture && !model.vae().encoder)
        fail("The VAE of {} has no encoder, which this needs: choose another one (--vae).", s.model);
    if (watch.preview && watch.preview_decoder) {
        check_preview_model(*watch.preview_decoder);
        size.preview_bytes = preview_decoder::bytes(d, watch.preview_decoder, size.height, size.width, storage);
    }
    generation const g{.d = d,
                       .model = model,
                       .settings = s,
                       .watch = watch,
                       .pixels = pixels,
                       .size = size,
                       .memory = plan_memory(d, model, size, storage),
                       .sampling = sampling_of(s, model, from)};
    watch.planned(g.memory);

    int const encodes = (from ? 1 : 0) + model.is_inpainting();
    stages all(j, g.work(part::text) + encodes * g.work(part::vae_encoder) +
                      s.batch * (g.work(part::unet) + g.work(part::vae_decoder)));
    g.make_room(part::text);
    auto const contexts = encode_prompts(d, model, text, prompts, storage, all.next(g.work(part::text)));
    if (!contexts) return std::nullopt;
    auto const encoded = encode(g, from, all);
    if (!encoded) return std::nullopt;

    std::vector<picture> pictures;
    for (int k = 0; k < s.batch; ++k) {
        std::string const name = s.batch > 1 ? std::format("picture {} of {}, ", k + 1, s.batch) : "";
        auto const seed = std::uint64_t(r.seed) + std::uint64_t(k);
        auto const made = denoise(g, *contexts, *encoded, seed, all.next(g.work(part::unet), name));
        if (!made) return std::nullopt;
        auto decoded = decode(g, *made, all.next(g.work(part::vae_decoder), name));
        if (!decoded) return std::nullopt;
        pictures.push_back(finish(std::move(*decoded), from));
    }
    return pictures;
}

} // namespace sfumato
