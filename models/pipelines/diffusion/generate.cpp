#include "models/pipelines/diffusion/generate.h"

#include "compute/device.h"
#include "models/pipelines/diffusion/beginning.h"
#include "models/pipelines/diffusion/denoise.h"
#include "models/pipelines/diffusion/kept_latent.h"
#include "models/pipelines/diffusion/latent_preview.h"
#include "models/pipelines/range.h"
#include "models/pipelines/stages.h"
#include "models/sampling/noise.h"
#include "request/samplers.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <format>
#include <utility>

namespace sfumato {

namespace {

// ---- What the request means for this model

constexpr int most_pixels = 1 << 27; // of a picture that can be sent

struct pixel_size {
    int width = 0, height = 0;
};

// Whole cells of the latent: as asked for, or as large as the given picture.
pixel_size size_of(diffusion_settings const& s, diffusion_model const& model, picture const* from) {
    auto const up = [cell = model.latents().cell](int side) { return (side + cell - 1) / cell * cell; };
    int const native = model.what().native_size;
    pixel_size const size = from ? pixel_size{up(from->width), up(from->height)}
                                 : pixel_size{s.width ? s.width : native, s.height ? s.height : native};
    if (size.width < 64 || size.height < 64)
        fail("The picture is smaller than 64 × 64 pixels; that is too small for {}.", s.model);
    if (double(size.width) * size.height > most_pixels)
        fail("{} × {} pixels are more than {}, the most that a run makes: choose a smaller picture.", size.width,
             size.height, most_pixels);
    return size;
}

// The encoder that stops where the request says, or where the model does.
clip_config stopped(clip_config c, diffusion_settings const& s) {
    if (!s.clip_skip) return c;
    c.layers_used = std::max(1, c.layers_used + c.stops_at - *s.clip_skip);
    if (c.layers_used > c.layers)
        fail("The text encoder of {} lacks the layer that clip_skip {} asks for; leave clip_skip out, or take {} or "
             "more.",
             s.model, *s.clip_skip, *s.clip_skip + c.layers_used - c.layers);
    return c;
}

bool is_guided(diffusion_settings const& s) { return s.cfg != 1; }

// The prompt and, for guidance, the negative one, of as many chunks.
std::vector<prompt_chunks> prompts_of(diffusion_settings const& s, clip_config const& text,
                                      std::vector<std::string>& warnings) {
    clip_vocabulary const vocabulary{.size = text.vocabulary, .pad = text.pad};
    std::vector<prompt_chunks> prompts{make_chunks(s.prompt, vocabulary, &warnings)};
    if (!is_guided(s)) return prompts;
    prompts.push_back(make_chunks(s.negative_prompt, vocabulary, &warnings));
    match_chunk_counts(prompts[0], prompts[1]);
    return prompts;
}

std::vector<encoder_input> encoder_inputs(diffusion_settings const& s, diffusion_model const& model,
                                          std::vector<std::string>& warnings) {
    std::vector<encoder_input> all;
    for (clip_config const& c : model.texts()) {
        clip_config const config = stopped(c, s);
        warnings.clear(); // every encoder has the same
        all.push_back({config, prompts_of(s, config, warnings)});
    }
    return all;
}

sampling_run sampling_of(diffusion_settings const& s, diffusion_model const& model, bool from_picture) {
    return plan_sampling({.sampler = s.sampler,
                          .scheduler = s.scheduler.value_or(row_of(s.sampler).scheduler),
                          .steps = s.steps,
                          .prediction = model.what().prediction,
                          .zero_terminal_snr = s.zero_terminal_snr || model.what().zero_terminal_snr,
                          .xl = model.what().unet->adm_in_channels > 0,
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
    check_numbers(p.pixels);
    float low = p.pixels[0], high = low;
    for (std::size_t i = 0; i < p.pixels.size(); ++i)
        if (i % 4 != 3) low = std::min(low, p.pixels[i]), high = std::max(high, p.pixels[i]);
    if (high - low > 1e-4f) return;
    fail("The VAE decoded a flat picture on {}: the model's file may be damaged, or its VAE needs more precision than "
         "16-bit numbers have (try --dtype fp32, or another VAE).",
         d.info().name);
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
    sampling_run sampling;
    run_precision precision;
    memory_plan memory{};

    turns turn() const { return {d, model, memory}; }
    // Of a network, for one picture.
    double work(role r) const {
        auto const of = memory.parts.find({r});
        if (of == memory.parts.end()) return 0;
        return r == role::denoiser ? of->second.work * double(sampling.evaluations.size()) : of->second.work;
    }
    double work_of_texts() const {
        double sum = 0;
        for (auto const& [part, p] : memory.parts)
            if (part.role == role::text) sum += p.work;
        return sum;
    }
    // Of what is left to do: `left`. `nearest`: as generate_watch has it.
    void make_plan(run_size const& left, bool nearest);
    // What a half of the VAE makes, in fp32 where 16 bits do not hold its numbers and nobody asked for these. That
    // takes twice the memory, so the tile is chosen again.
    template <class Pass>
    auto in_enough_range(dtype& storage, int& tile, bool is_asked, run_size const& left, Pass const& pass) {
        while (true) try {
                return pass();
            } catch (overflow const&) {
                if (storage == dtype::f32 || is_asked)
                    fail("The VAE computed values that are no numbers on {}: the model's file may be damaged, or its "
                         "VAE "
                         "needs more precision than 16-bit numbers have (try --dtype fp32, or another VAE).",
                         d.info().name);
                storage = dtype::f32;
                tile = 0;
                make_plan(left, true);
            }
    }
    // The mean, as ComfyUI: a sample would differ in what no eye sees.
    std::optional<latent> encode(picture const& p, job const& j) {
        return in_enough_range(precision.encode, precision.encode_tile, settings.encode_precision || settings.dtype,
                               size, [&]() -> std::optional<latent> {
                                   part_plan const& planned = memory.of({role::vae_encoder});
                                   auto found = encode_picture(d, turn().begin({role::vae_encoder}), model.vae(), p,
                                                               planned.tiles, planned.storage, j);
                                   if (!found) return std::nullopt;
                                   check_numbers(found->mean.values);
                                   return std::move(found->mean);
                               });
    }
    // Where no picture comes of it, the latent is kept: all steps are in it.
    std::optional<picture> decode(latent const& l, job const& j) try {
        run_size left = size;
        left.encodes_picture = false;
        return in_enough_range(precision.decode, precision.decode_tile, settings.decode_precision || settings.dtype,
                               left, [&] {
                                   part_plan const& planned = memory.of({role::vae_decoder});
                                   auto decoded = decode_latent(d, turn().begin({role::vae_decoder}), model.vae(), l,
                                                                planned.tiles, planned.storage, j);
                                   if (decoded) check_picture(*decoded, d);
                                   return decoded;
                               });
    } catch (error const& e) {
        auto const kept = keep_latent(l, model.latents());
        if (!kept) throw;
        sentence const said = say("{} All steps are done: their latent is kept as {}; ComfyUI's Load Latent reads it.",
                                  e.said, kept->string());
        if (dynamic_cast<device_lost const*>(&e)) throw device_lost(said);
        throw error(said);
    }
};

// A tile that is asked for and does not fit gives way to one that does, if that is allowed.
void generation::make_plan(run_size const& left, bool nearest) {
    run_precision const asked = precision;
    sentence reason;
    while (true) try {
            memory = plan_memory(d, model, left, precision);
            break;
        } catch (no_room const& e) {
            bool const encodes = e.part.role == role::vae_encoder;
            int& tile = encodes ? precision.encode_tile : precision.decode_tile;
            if (!tile || (!encodes && e.part.role != role::vae_decoder)) throw;
            reason = e.said;
            tile = 0;
        }
    int const cell = model.latents().cell;
    auto const side = [&](role r) {
        part_plan const& p = memory.of({r});
        return cell * (p.tiles.tile ? p.tiles.tile : std::max(size.height, size.width));
    };
    if (precision != asked && !nearest) {
        bool const encodes = precision.encode_tile != asked.encode_tile;
        fail("The recipe's \"{0}\" of {1} pixels does not fit: {2} The nearest that does is {3}, and almost the same "
             "picture; --nearest takes it.",
             encodes ? "encode_tile" : "decode_tile", cell * (encodes ? asked.encode_tile : asked.decode_tile), reason,
             side(encodes ? role::vae_encoder : role::vae_decoder));
    }
    // From now on it is what it is.
    if (left.encodes_picture) precision.encode_tile = side(role::vae_encoder) / cell;
    precision.decode_tile = side(role::vae_decoder) / cell;
    watch.planned(memory);
}

// What is encoded before the first step.
struct encoded_pictures {
    std::optional<latent> from, masked;
};

// All of them in the same precision.
std::optional<encoded_pictures> encode(generation& g, picture const* from, stages& all) {
    std::optional<picture> const begin = from ? std::optional(padded(*from, g.pixels)) : std::nullopt,
                                 grey = g.model.is_inpainting() ? std::optional(mid_grey(g.pixels)) : std::nullopt;
    job const of_begin = all.next(begin ? g.work(role::vae_encoder) : 0),
              of_grey = all.next(grey ? g.work(role::vae_encoder) : 0);
    encoded_pictures made;
    dtype storage;
    do {
        storage = g.precision.encode;
        if (begin && !(made.from = g.encode(*begin, of_begin))) return std::nullopt;
        if (grey && !(made.masked = g.encode(*grey, of_grey))) return std::nullopt;
    } while (storage != g.precision.encode);
    return made;
}

std::optional<latent> denoise(generation const& g, std::vector<conditioning> const& prompts,
                              encoded_pictures const& encoded, std::uint64_t seed, job const& j) {
    latent_format const& format = g.model.latents();
    auto const draw = [&](noise_source& from) {
        return latent_noise(std::span(&from, 1), {.h = g.size.height, .w = g.size.width, .c = format.channels});
    };
    noise_source source(g.settings.rng, seed);
    part_plan const& planned = g.memory.of({role::denoiser});
    weight_store& weights = g.turn().begin({role::denoiser});
    std::optional<preview_decoder> decoder;
    if (g.size.preview_bytes && planned.decoded_previews)
        decoder.emplace(g.d, g.watch.preview_decoder, g.size.height, g.size.width, planned.storage);

    known_pictures const pictures{.from = encoded.from ? &*encoded.from : nullptr,
                                  .masked = encoded.masked ? &*encoded.masked : nullptr};
    latent noise{g.size.height, g.size.width, format.channels, draw(source)};
    noise_source later = later_noise(g.settings.rng, seed, source);
    denoise_inputs in{.run = g.sampling,
                      .start = begin(g.sampling, std::move(noise), pictures, g.model.is_inpainting()),
                      .positive = prompts.front(),
                      .negative = g.size.guided ? &prompts.back() : nullptr,
                      .guidance = g.settings.cfg,
                      .noise = [&] { return draw(later); }};
    if (g.watch.preview && (decoder || !format.preview_factors.empty()))
        in.each = [&](int, latent const&, latent const& x0) {
            if (auto const seen = decoder ? decoder->decode(x0, j) : latent_preview(x0, format)) g.watch.preview(*seen);
        };
    return denoise(g.d, weights, g.model.denoiser(), in, planned.storage, j);
}

run_size size_of(diffusion_settings const& s, diffusion_model const& model, pixel_size pixels, picture const* from,
                 int chunks) {
    int const cell = model.latents().cell;
    return {.height = pixels.height / cell,
            .width = pixels.width / cell,
            .pictures = s.batch,
            .chunks = chunks,
            .guided = is_guided(s),
            .encodes_picture = from || model.is_inpainting()};
}

// What the request asks for, and what it leaves to the device and its memory.
run_precision precision_of(diffusion_settings const& s, device& d, int cell) {
    dtype const storage = s.precision.value_or(s.dtype.value_or(d.target().storage()));
    return {.text_and_denoiser = storage,
            .encode = s.encode_precision.value_or(storage),
            .decode = s.decode_precision.value_or(storage),
            .encode_tile = s.encode_tile / cell,
            .decode_tile = s.decode_tile / cell};
}

// Of picture `number` alone.
request recipe_of(request r, generation const& g, int number) {
    int const cell = g.model.latents().cell;
    r.seed += number;
    r.diffusion.batch = 1;
    r.diffusion.precision = g.precision.text_and_denoiser;
    r.diffusion.decode_precision = g.precision.decode;
    r.diffusion.decode_tile = g.precision.decode_tile * cell;
    if (!g.size.encodes_picture) return r;
    r.diffusion.encode_precision = g.precision.encode;
    r.diffusion.encode_tile = g.precision.encode_tile * cell;
    return r;
}

} // namespace

bool generate(device& d, shelf& models, request const& r, picture const* from, job const& j,
              std::function<void(generated)> const& take, generate_watch const& watch) {
    diffusion_settings const& s = r.diffusion;
    assert(r.seed >= 0 && "resolve() comes first");
    if (s.model.empty()) fail("The request names no model; give it a \"model\": a checkpoint's file or folder.");
    auto& model = models.open<diffusion_model>({s.model, {s.vae, s.text_encoder}, s.prediction, s.dtype});
    pixel_size const pixels = size_of(s, model, from);
    std::vector<std::string> warnings;
    std::vector<encoder_input> const texts = encoder_inputs(s, model, warnings);
    run_precision const precision = precision_of(s, d, model.latents().cell);

    run_size size = size_of(s, model, pixels, from, int(texts.front().prompts.front().ids.size()));
    if (size.encodes_picture && !model.vae().encoder)
        fail("The VAE of {} has no encoder, which this needs: choose another one (--vae).", s.model);
    if (watch.preview && watch.preview_decoder) {
        check_preview_model(*watch.preview_decoder, model.latents());
        size.preview_bytes =
            preview_decoder::bytes(d, watch.preview_decoder, size.height, size.width, precision.text_and_denoiser);
    }
    for (encoder_input const& text : texts) size.texts.push_back(text.config);
    for (std::string const& warning : warnings) watch.warned(warning);
    generation g{d, model, s, watch, pixels, size, sampling_of(s, model, from), precision};
    g.make_plan(size, watch.nearest);

    int const encodes = (from ? 1 : 0) + model.is_inpainting();
    stages all(j, g.work_of_texts() + encodes * g.work(role::vae_encoder) +
                      s.batch * (g.work(role::denoiser) + g.work(role::vae_decoder)));
    auto const prompts = encode_prompts(g.turn(), texts, all.next(g.work_of_texts()));
    if (!prompts) return false;
    auto const encoded = encode(g, from, all);
    if (!encoded) return false;
    for (int k = 0; k < s.batch; ++k) {
        sentence const name = s.batch > 1 ? say("picture {} of {}", k + 1, s.batch) : sentence();
        auto const seed = std::uint64_t(r.seed) + std::uint64_t(k);
        auto const denoised = denoise(g, *prompts, *encoded, seed, all.next(g.work(role::denoiser), name));
        if (!denoised) return false;
        auto decoded = g.decode(*denoised, all.next(g.work(role::vae_decoder), name));
        if (!decoded) return false;
        take({finish(std::move(*decoded), from), recipe_of(r, g, k)});
    }
    return true;
}

} // namespace sfumato
