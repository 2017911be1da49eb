#include "models/pipelines/diffusion/generation.h"

#include "compute/device.h"
#include "models/pipelines/diffusion/denoise.h"
#include "models/pipelines/diffusion/embeddings.h"
#include "models/pipelines/diffusion/kept_latent.h"
#include "models/pipelines/diffusion/latent_preview.h"
#include "models/pipelines/range.h"
#include "models/sampling/noise.h"
#include "request/names.h"
#include "request/samplers.h"

#include <algorithm>
#include <format>
#include <utility>

namespace sfumato {

namespace {

// ---- What the request means for this model

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
                                      std::span<learnt_word const> learnt, std::vector<std::string>& warnings) {
    clip_vocabulary const vocabulary{.size = text.vocabulary, .pad = text.pad};
    std::vector<prompt_chunks> prompts{make_chunks(s.prompt, vocabulary, &warnings, learnt)};
    if (!is_guided(s)) return prompts;
    prompts.push_back(make_chunks(s.negative_prompt, vocabulary, &warnings, learnt));
    match_chunk_counts(prompts[0], prompts[1]);
    return prompts;
}

// As long as the longer one.
std::vector<t5_prompt> t5_prompts_of(diffusion_settings const& s, t5_config const& t5) {
    std::vector<t5_prompt> prompts{make_t5_prompt(s.prompt, t5.vocabulary)};
    if (!is_guided(s)) return prompts;
    prompts.push_back(make_t5_prompt(s.negative_prompt, t5.vocabulary));
    match_lengths(prompts[0], prompts[1]);
    return prompts;
}

text_inputs text_inputs_of(diffusion_settings const& s, diffusion_model const& model,
                           std::vector<std::string>& warnings) {
    text_inputs all;
    if (auto const& t5 = model.what().t5) all.t5 = t5_prompts_of(s, *t5);
    learnt_embeddings learnt = find_embeddings(s, model, warnings);
    std::vector<std::string> of_prompts;
    for (clip_config const& c : model.texts()) {
        clip_config const config = stopped(c, s);
        of_prompts.clear(); // every encoder has the same
        auto prompts = prompts_of(s, config, learnt.words, of_prompts);
        all.clips.push_back({config, std::move(prompts), std::move(learnt.vectors[all.clips.size()])});
    }
    warnings.insert(warnings.end(), of_prompts.begin(), of_prompts.end());
    return all;
}

// Euler, where thoughts would come between what the sampler does. A flow's levels are spaced as in its training.
sampling_run sampling_of(diffusion_settings const& s, diffusion_model const& model, generation_start const& start) {
    sampler const by = start.thinks && !can_think(s.sampler) ? sampler::euler : s.sampler;
    bool const flow = model.what().prediction == prediction::flow;
    return plan_sampling({.sampler = by,
                          .scheduler = s.scheduler.value_or(flow ? scheduler::normal : row_of(by).scheduler),
                          .steps = s.steps,
                          .prediction = model.what().prediction,
                          .zero_terminal_snr = s.zero_terminal_snr || model.what().zero_terminal_snr,
                          .xl = model.what().unet && model.what().unet->is_xl(),
                          .strength = start.from_picture ? start.strength : 1,
                          .rule = s.strength_rule});
}

// What the request asks for, and what it leaves to the device and its memory. In the VAE of Stable Diffusion XL numbers
// grow beyond what fp16 holds.
run_precision precision_of(diffusion_settings const& s, device& d, diffusion_model const& model) {
    dtype const storage = s.precision.value_or(s.dtype.value_or(d.target().storage()));
    bool const overflows = model.what().unet && model.what().unet->is_xl() && storage == dtype::f16 && !s.dtype;
    dtype const of_vae = overflows ? dtype::f32 : storage;
    int const cell = model.latents().cell;
    return {.text_and_denoiser = storage,
            .encode = s.encode_precision.value_or(of_vae),
            .decode = s.decode_precision.value_or(of_vae),
            .encode_tile = s.encode_tile / cell,
            .decode_tile = s.decode_tile / cell};
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

} // namespace

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

void check_pixels(pixel_size size) {
    constexpr int most = 1 << 27;
    if (double(size.width) * size.height > most)
        fail("{} × {} pixels are more than {}, the most that a run makes: choose a smaller picture.", size.width,
             size.height, most);
}

void check_size(pixel_size size, diffusion_model const& model) {
    std::string const& name = model.chosen().source;
    if (size.width < 64 || size.height < 64)
        fail("The picture is smaller than 64 × 64 pixels; that is too small for {}.", name);
    if (size.width % model.step() || size.height % model.step())
        fail("{} makes pictures whose sides are multiples of {} pixels, not {} × {}: choose another size.", name,
             model.step(), size.width, size.height);
    check_pixels(size);
}

request of_picture(request r, int number) {
    r.seed += number;
    return r;
}

diffusion_model& open_model(shelf& models, diffusion_settings const& s) {
    if (s.model.empty()) fail("The request names no model; give it a \"model\": a checkpoint's file or folder.");
    return models.open<diffusion_model>(
        {s.model, {s.vae, s.text_encoder, s.text_encoder_2, s.text_encoder_3}, s.prediction, s.dtype});
}

generation::generation(device& d, diffusion_model& model, diffusion_settings const& s, generate_watch const& watch,
                       generation_start const& start)
    : device_(d), model_(model), settings_(s), watch_(watch), sampling_(sampling_of(s, model, start)),
      precision_(precision_of(s, d, model)) {
    std::vector<std::string> warnings;
    texts_ = text_inputs_of(s, model, warnings);
    if (start.thinks) {
        if (model.is_inpainting())
            fail("The quality \"high\" is for ordinary models, and {} is an inpainting model: leave the quality out.",
                 s.model);
        if (!can_think(s.sampler))
            warnings.push_back(std::format("{} cannot be had with the quality \"high\": Euler is taken instead.",
                                           display_name(s.sampler)));
        thinks_.emplace();
    }
    if (s.prediction && model.what().prediction != *s.prediction)
        warnings.push_back(std::format("{} predicts as all models of its kind; the prediction that was chosen is left "
                                       "out.",
                                       s.model));
    evaluations_ = int(sampling_.evaluations.size());
    for (std::size_t i = 0; thinks_ && i < sampling_.evaluations.size(); ++i)
        evaluations_ += rounds_before(*thinks_, sampling_, i);
    encodings_ = start.from_picture + model.is_inpainting();
    work_after_ = start.work_after;
    int const cell = model.latents().cell;
    size_ = {.height = start.pixels.height / cell,
             .width = start.pixels.width / cell,
             .pictures = s.batch,
             .chunks = int(texts_.clips.front().prompts.front().ids.size()),
             .t5_tokens = texts_.t5.empty() ? 0 : int(texts_.t5.front().ids.size()),
             .guided = is_guided(s),
             .encodes_picture = start.from_picture || model.is_inpainting(),
             .masked = start.masked,
             .before = start.before,
             .after = start.after};
    if (size_.encodes_picture && !model.vae().encoder)
        fail("The VAE of {} has no encoder, which this needs: choose another one (--vae).", s.model);
    if (watch.preview && watch.preview_decoder && !model.latents().is_own) {
        check_preview_model(*watch.preview_decoder, model.latents());
        size_.preview_bytes =
            preview_decoder::bytes(d, watch.preview_decoder, size_.height, size_.width, precision_.text_and_denoiser);
    }
    for (encoder_input const& text : texts_.clips) size_.texts.push_back(text.config);
    size_.has_learnt_words = !texts_.clips.front().learnt.empty();
    for (std::string const& warning : warnings) watch.warned(warning);
}

double generation::work(role r) const {
    auto const of = memory_.parts.find({r});
    if (of == memory_.parts.end()) return 0;
    return r == role::denoiser ? of->second.work * evaluations_ : of->second.work;
}

double generation::work_of_passes() const {
    return size_.masked ? 0.03 * (work(role::denoiser) + work(role::vae_decoder)) : 0;
}

double generation::work() const {
    return work_of_prompts() + encodings_ * work(role::vae_encoder) +
           size_.pictures * (work(role::denoiser) + work(role::vae_decoder) + work_of_passes() + work_after_);
}

sentence generation::name_of_picture(int number) const {
    return size_.pictures > 1 ? say("picture {} of {}", number + 1, size_.pictures) : sentence();
}

double generation::work_of_prompts() const {
    double sum = 0;
    for (auto const& [part, p] : memory_.parts)
        if (part.role == role::text) sum += p.work;
    return sum;
}

// Of what is left to do: `left`. A tile that is asked for and does not fit gives way to one that does, if that is
// allowed.
void generation::make_plan(run_size const& left, bool nearest) {
    run_precision const asked = precision_;
    sentence reason;
    while (true) try {
            memory_ = plan_memory(device_, model_, left, precision_);
            break;
        } catch (no_room const& e) {
            bool const encodes = e.part.role == role::vae_encoder;
            int& tile = encodes ? precision_.encode_tile : precision_.decode_tile;
            if (!tile || (!encodes && e.part.role != role::vae_decoder)) throw;
            reason = e.said;
            tile = 0;
        }
    int const cell = model_.latents().cell;
    auto const side = [&](role r) {
        part_plan const& p = memory_.of({r});
        return cell * (p.tiles.tile ? p.tiles.tile : std::max(size_.height, size_.width));
    };
    if (precision_ != asked && !nearest) {
        bool const encodes = precision_.encode_tile != asked.encode_tile;
        fail("The recipe's \"{0}\" of {1} pixels does not fit: {2} The nearest that does is {3}, and almost the same "
             "picture; --nearest takes it.",
             encodes ? "encode_tile" : "decode_tile", cell * (encodes ? asked.encode_tile : asked.decode_tile), reason,
             side(encodes ? role::vae_encoder : role::vae_decoder));
    }
    // From now on it is what it is.
    if (left.encodes_picture) precision_.encode_tile = side(role::vae_encoder) / cell;
    precision_.decode_tile = side(role::vae_decoder) / cell;
    memory_.work = work();
    watch_.planned(memory_);
}

// ---- The stages

std::optional<std::vector<conditioning>> generation::read_prompts(job const& j) const {
    return encode_prompts(turn(), texts_, j);
}

// What a half of the VAE makes, in fp32 where 16 bits do not hold its numbers and nobody asked for these. That takes
// twice the memory, so the tile is chosen again.
template <class Pass>
auto generation::in_enough_range(dtype& storage, int& tile, bool is_asked, run_size const& left, Pass const& pass) {
    while (true) try {
            return pass();
        } catch (overflow const&) {
            if (storage == dtype::f32 || is_asked)
                fail("The VAE computed values that are no numbers on {}: the model's file may be damaged, or its VAE "
                     "needs more precision than 16-bit numbers have (try --dtype fp32, or another VAE).",
                     device_.info().name);
            storage = dtype::f32;
            tile = 0;
            make_plan(left, true);
        }
}

// The mean, as ComfyUI: a sample would differ in what no eye sees.
std::optional<latent> generation::encode(picture const& p, job const& j) {
    return in_enough_range(precision_.encode, precision_.encode_tile, settings_.encode_precision || settings_.dtype,
                           size_, [&]() -> std::optional<latent> {
                               part_plan const& planned = memory_.of({role::vae_encoder});
                               auto found = encode_picture(device_, turn().begin({role::vae_encoder}), model_.vae(), p,
                                                           planned.tiles, planned.storage, j);
                               if (!found) return std::nullopt;
                               check_numbers(found->mean.values);
                               return std::move(found->mean);
                           });
}

std::optional<std::vector<latent>> generation::encode(std::vector<picture> const& pictures, stages& all) {
    std::vector<job> jobs;
    for (std::size_t i = 0; i < pictures.size(); ++i) jobs.push_back(all.next(work(role::vae_encoder)));
    std::vector<latent> made;
    dtype storage;
    do {
        storage = precision_.encode;
        made.clear();
        for (std::size_t i = 0; i < pictures.size(); ++i) {
            auto encoded = encode(pictures[i], jobs[i]);
            if (!encoded) return std::nullopt;
            made.push_back(std::move(*encoded));
        }
    } while (storage != precision_.encode);
    return made;
}

std::optional<latent> generation::denoise(std::vector<conditioning> const& prompts, known_pictures const& known,
                                          std::uint64_t seed, job const& j) const {
    latent_format const& format = model_.latents();
    auto const draw = [&](noise_source& from) {
        return latent_noise(std::span(&from, 1), {.h = size_.height, .w = size_.width, .c = format.channels});
    };
    noise_source source(settings_.rng, seed);
    part_plan const& planned = memory_.of({role::denoiser});
    weight_store& weights = turn().begin({role::denoiser});
    std::optional<preview_decoder> decoder;
    if (size_.preview_bytes && planned.decoded_previews)
        decoder.emplace(device_, watch_.preview_decoder, size_.height, size_.width, planned.storage);

    latent noise{size_.height, size_.width, format.channels, draw(source)};
    noise_source later = later_noise(settings_.rng, seed, source);
    denoise_inputs in{.run = sampling_,
                      .pixels = {size_.width * format.cell, size_.height * format.cell},
                      .start = begin(sampling_, std::move(noise), known, model_.is_inpainting()),
                      .positive = prompts.front(),
                      .negative = size_.guided ? &prompts.back() : nullptr,
                      .guidance = settings_.cfg,
                      .noise = [&] { return draw(later); },
                      .thinks = thinks_};
    if (watch_.preview && (decoder || !format.preview_factors.empty()))
        in.each = [&](int, latent const&, latent const& x0) {
            if (auto const seen = decoder ? decoder->decode(x0, j) : latent_preview(x0, format)) watch_.preview(*seen);
        };
    return sfumato::denoise(device_, weights, model_.denoiser(), in, planned.storage, j);
}

// Where no picture comes of it, the latent is kept: all steps are in it.
std::optional<picture> generation::decode(latent const& l, job const& j) try {
    run_size left = size_;
    left.encodes_picture = false;
    return in_enough_range(precision_.decode, precision_.decode_tile, settings_.decode_precision || settings_.dtype,
                           left, [&] {
                               part_plan const& planned = memory_.of({role::vae_decoder});
                               auto decoded = decode_latent(device_, turn().begin({role::vae_decoder}), model_.vae(), l,
                                                            planned.tiles, planned.storage, j);
                               if (decoded) check_picture(*decoded, device_);
                               return decoded;
                           });
} catch (error const& e) {
    auto const kept = keep_latent(l, model_.latents());
    if (!kept) throw;
    sentence const said = say("{} All steps are done: their latent is kept as {}; ComfyUI's Load Latent reads it.",
                              e.said, kept->string());
    if (dynamic_cast<device_lost const*>(&e)) throw device_lost(said);
    throw error(said);
}

request generation::recipe(request r) const {
    int const cell = model_.latents().cell;
    r.diffusion.batch = 1;
    r.diffusion.precision = precision_.text_and_denoiser;
    r.diffusion.decode_precision = precision_.decode;
    r.diffusion.decode_tile = precision_.decode_tile * cell;
    if (!size_.encodes_picture) return r;
    r.diffusion.encode_precision = precision_.encode;
    r.diffusion.encode_tile = precision_.encode_tile * cell;
    return r;
}

} // namespace sfumato
