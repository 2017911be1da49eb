#include "models/pipelines/generate.h"

#include "compute/device.h"
#include "models/pipelines/denoise.h"
#include "models/pipelines/latent_codec.h"
#include "models/pipelines/latent_preview.h"
#include "models/pipelines/prompt_context.h"
#include "models/sampling/names.h"
#include "models/sampling/noise.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <format>

namespace sfumato {

namespace {

using part = diffusion_model::part;

// Says what is done now, and how much of the whole that is.
class stages {
  public:
    stages(job const& whole, int pictures) : whole_(whole), pictures_(pictures) {}

    /// A stage's job: its fractions 0 … 1 become `from` … `to` of picture `k`.
    job part(int k, double from, double to) {
        job j;
        j.cancelled = whole_.cancelled;
        j.report = [=, this](progress p) {
            if (pictures_ > 1) p.stage = std::format("picture {} of {}, {}", k + 1, pictures_, p.stage);
            p.fraction = (k + from + (to - from) * p.fraction) / pictures_;
            double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
            p.seconds_left = p.fraction > 0.05 ? seconds * (1 - p.fraction) / p.fraction : -1;
            whole_.report(p);
        };
        return j;
    }

  private:
    job const& whole_;
    int pictures_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Shares of a run's time, about as they are for 20 steps.
constexpr double text_ends = 0.03, encode_ends = 0.08, denoise_ends = 0.88;

sampling_settings settings_of(diffusion_settings const& d, model_description const& what, bool from_picture) {
    return {.sampler = d.sampler,
            .scheduler = d.scheduler.value_or(default_scheduler(d.sampler)),
            .steps = d.steps,
            .prediction = what.prediction,
            .zero_terminal_snr = d.zero_terminal_snr,
            .strength = from_picture ? d.strength : 1,
            .rule = d.strength_rule};
}

text_encoder_config with_clip_skip(text_encoder_config c, int clip_skip) {
    c.layers_used = std::max(1, c.layers_used - (clip_skip - 1));
    return c;
}

// A latent of the VAE's own scale as the UNet has it, and back.
void to_unet(latent& l, vae_config const& c) {
    for (float& v : l.values) v = float((v - c.shift) * c.scale);
}
void to_vae(latent& l, vae_config const& c) {
    for (float& v : l.values) v = float(v / c.scale + c.shift);
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
         "numbers have (try "
         "--dtype fp32, or another VAE).",
         finite ? "a flat picture" : "values that are no numbers", d.info().name);
}

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

// What was decoded, as it is given back: within 0 … 1, of the size and transparency of what it was made from.
picture finish(picture decoded, picture const* from) {
    for (float& v : decoded.pixels) v = std::clamp(v, 0.0f, 1.0f);
    if (!from) return decoded;
    decoded = crop(decoded, {0, 0, from->width, from->height});
    for (std::size_t i = 3; i < decoded.pixels.size(); i += 4) decoded.pixels[i] = from->pixels[i];
    return decoded;
}

} // namespace

diffusion_model& open_models::open(diffusion_settings const& s, std::optional<dtype> precision) {
    if (!last || last->source() != s.model || last->precision() != precision ||
        last->asked_prediction() != s.prediction) {
        last.reset(); // its memory, before the next one's
        last = std::make_shared<diffusion_model>(s.model, s.prediction, precision);
    }
    return *last;
}

pixel_size size_of(diffusion_settings const& s, model_description const& what, picture const* from) {
    auto const up = [](int side) { return (side + latent_scale - 1) / latent_scale * latent_scale; };
    if (from) return {up(from->width), up(from->height)};
    return {s.width ? s.width : what.native_size, s.height ? s.height : what.native_size};
}

std::optional<std::vector<picture>> generate(device& d, open_models& models, request const& r, picture const* from,
                                             std::optional<dtype> precision, job const& j,
                                             generate_watch const& watch) {
    diffusion_settings const& s = r.diffusion;
    assert(r.seed >= 0 && "resolve_seed() comes first");
    if (s.model.empty()) fail("The request names no model; give it a \"model\": a checkpoint's file or folder.");
    diffusion_model& model = models.open(s, precision);
    pixel_size const pixels = size_of(s, model.what(), from);
    if (pixels.width < 64 || pixels.height < 64)
        fail("The picture is smaller than 64 × 64 pixels; that is too small for {}.", s.model);

    text_encoder_config const text = with_clip_skip(model.text(), s.clip_skip);
    clip_vocabulary const vocabulary{.size = text.vocabulary, .pad = text.pad};
    bool const guided = s.cfg != 1;
    std::vector<prompt_chunks> chunks{make_chunks(s.prompt, vocabulary)};
    if (guided) {
        chunks.push_back(make_chunks(s.negative_prompt, vocabulary));
        match_chunk_counts(chunks[0], chunks[1], vocabulary);
    }
    sampling_run const run = plan_sampling(settings_of(s, model.what(), from));
    run_size const size{.height = pixels.height / latent_scale,
                        .width = pixels.width / latent_scale,
                        .chunks = int(chunks[0].ids.size()),
                        .guided = guided,
                        .from_picture = from != nullptr};
    memory_plan const memory = plan_memory(d, model, size, precision.value_or(d.target().storage()));
    watch.planned(memory);

    auto const make_room = [&](part p) {
        if (!memory.choice.keep_weights) model.release_all_but(p);
    };
    stages all(j, s.batch);
    make_room(part::text);
    auto const contexts = encode_prompts(d, model, text, chunks, memory.storage, all.part(0, 0, text_ends));
    if (!contexts) return std::nullopt;

    std::optional<latent_distribution> given;
    if (from) {
        make_room(part::vae);
        given = encode_picture(d, model.weights(part::vae), model.vae(), padded(*from, pixels), memory.choice.vae,
                               memory.storage, all.part(0, text_ends, encode_ends));
        if (!given) return std::nullopt;
    }

    int const z = model.vae().z_channels;
    shape const latents{.h = size.height, .w = size.width, .c = z};
    std::vector<picture> pictures;
    for (int k = 0; k < s.batch; ++k) {
        noise_source source(s.rng, std::uint64_t(r.seed) + std::uint64_t(k));
        auto const normals = [&] { return latent_noise(std::span(&source, 1), latents); };
        latent x{size.height, size.width, z, normals()};
        if (given) {
            latent image = given->mean;
            // The mean, as ComfyUI: a sample would differ in what no eye sees.
            to_unet(image, model.vae());
            for (std::size_t i = 0; i < x.values.size(); ++i)
                x.values[i] = float(run.from_image.image * image.values[i] + run.from_image.noise * x.values[i]);
        } else
            for (float& v : x.values) v = float(run.from_noise * v);

        make_room(part::unet);
        denoise_inputs in{.run = run,
                          .start = std::move(x),
                          .positive = contexts->front(),
                          .negative = guided ? &contexts->back() : nullptr,
                          .guidance = s.cfg,
                          .noise = normals};
        if (watch.preview) in.each = [&](int, latent const&, latent const& x0) { watch.preview(latent_preview(x0)); };
        auto done = denoise(d, model, memory, in, all.part(k, encode_ends, denoise_ends));
        if (!done) return std::nullopt;

        make_room(part::vae);
        to_vae(*done, model.vae());
        auto decoded = decode_latent(d, model.weights(part::vae), model.vae(), *done, memory.choice.vae, memory.storage,
                                     all.part(k, denoise_ends, 1));
        if (!decoded) return std::nullopt;
        check_picture(*decoded, d);
        pictures.push_back(finish(std::move(*decoded), from));
    }
    return pictures;
}

} // namespace sfumato
