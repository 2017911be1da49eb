#include "models/eval/pipeline.h"

#include "compute/device.h"
#include "compute/error.h"
#include "models/eval/diffusers.h"
#include "models/pipelines/diffusion/denoise.h"
#include "models/pipelines/diffusion/inpaint_masks.h"
#include "models/pipelines/diffusion/inpaint_window.h"
#include "models/pipelines/diffusion/latent_codec.h"
#include "models/sampling/noise.h"
#include "request/json.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <map>

namespace sfumato {

namespace {

using nlohmann::json;

std::string text_of(network_case const& c, char const* key, std::string const& otherwise = "") {
    auto const found = c.metadata.find(key);
    if (found == c.metadata.end() || !found->is_string()) return otherwise;
    return *found;
}

double number_of(network_case const& c, char const* key, double otherwise) {
    std::string const text = text_of(c, key);
    double value = otherwise;
    auto const [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (!text.empty() && (status != std::errc() || end != text.data() + text.size()))
        fail("The case '{}' has the {} '{}', which is no number.", c.source, key, text);
    return value;
}

latent latent_of(network_case const& c, std::string const& name) {
    case_tensor const& t = c.at(name, {1, any_extent, any_extent, any_extent});
    shape const to{.h = int(t.shape[2]), .w = int(t.shape[3]), .c = int(t.shape[1])};
    return {to.h, to.w, to.c, channels_last(t.values, to)};
}

// The I-th random tensor, whatever it was drawn for.
latent random_latent(network_case const& c, int i) {
    std::string const start = std::format("in.random.{}.", i);
    for (auto const& [name, t] : c.tensors)
        if (name.starts_with(start)) return latent_of(c, name);
    fail("The case '{}' lacks its random tensor '{}…'.", c.source, start);
}

// The random tensors that steps draw, "in.random.I.step", by their I.
std::vector<std::string> step_tensors(network_case const& c) {
    constexpr std::string_view start = "in.random.", end = ".step";
    std::map<int, std::string> by_number;
    for (auto const& [name, t] : c.tensors) {
        if (!name.starts_with(start) || !name.ends_with(end) || name.size() <= start.size() + end.size()) continue;
        int number = -1;
        char const* const last = name.data() + name.size() - end.size();
        if (std::from_chars(name.data() + start.size(), last, number).ptr == last) by_number[number] = name;
    }
    std::vector<std::string> names;
    for (auto const& [number, name] : by_number) names.push_back(name);
    return names;
}

case_tensor torch_tensor(latent const& l) {
    return {{1, l.channels, l.height, l.width},
            channels_first(l.values, {.h = l.height, .w = l.width, .c = l.channels})};
}

// [1, 3, h, w] → a picture; with a mask [1, 1, h, w], mid-grey where that is set.
picture picture_of(case_tensor const& image, std::vector<float> const* mask) {
    int const h = int(image.shape[2]), w = int(image.shape[3]);
    picture p(w, h);
    for (int i = 0; i < h * w; ++i)
        for (int c = 0; c < 4; ++c)
            p.pixels[4 * i + c] = c == 3 ? 1 : mask && (*mask)[i] >= 0.5f ? 0.5f : image.values[c * h * w + i];
    return p;
}

// Binary, at the latent's size by nearest neighbour, as torch's interpolate.
std::vector<float> latent_mask_of(case_tensor const& values, int cell) {
    mask m(int(values.shape[3]), int(values.shape[2]));
    m.values = values.values;
    pixel_size const size{m.width, m.height};
    return latent_mask(cut(m, 0.5f), {.context = size, .seen = size}, cell, mask_cells::nearest);
}

prompt_chunks chunks_of(network_case const& c, char const* name) {
    case_tensor const& ids = c.at(name, {1, std::int64_t(prompt_chunks::length)});
    prompt_chunks chunks{.ids = std::vector<std::array<std::int32_t, prompt_chunks::length>>(1), .weights = {}};
    std::ranges::transform(ids.values, chunks.ids[0].begin(), [](float id) { return std::int32_t(id); });
    chunks.weights.resize(1);
    chunks.weights[0].fill(1);
    return chunks;
}

// in.ids.clip and, of models with several encoders, .clip_g and .t5; in.ids_negative.… where there is guidance.
text_inputs text_inputs_of(network_case const& c, diffusion_model const& model, bool guided) {
    text_inputs all;
    std::vector<std::string> starts{"in.ids."};
    if (guided) starts.push_back("in.ids_negative.");
    for (clip_config const& config : model.texts()) {
        auto& input = all.clips.emplace_back(config);
        for (std::string const& start : starts)
            input.prompts.push_back(chunks_of(c, (start + (all.clips.size() == 1 ? "clip" : "clip_g")).c_str()));
    }
    for (std::string const& start : starts) {
        if (!model.what().t5) break;
        case_tensor const& ids = c.at(start + "t5", {1, any_extent});
        auto& prompt = all.t5.emplace_back();
        for (float id : ids.values) prompt.ids.push_back(std::int32_t(id));
        prompt.weights.assign(prompt.ids.size(), 1);
    }
    return all;
}

// "tap.context" + `which` and, of models that take it, "tap.pooled" + `which`.
void add_conditioning(case_tensors& all, std::string const& which, conditioning const& c) {
    all["tap.context" + which] = {{1, c.tokens, c.channels}, c.context};
    if (!c.pooled.empty()) all["tap.pooled" + which] = {{1, std::int64_t(c.pooled.size())}, c.pooled};
}

struct pipeline_run {
    turns const& all;
    network_case const& c;

    // The denoiser's latent of a picture, sampled with given normals.
    latent encode(picture const& p, latent const& normals) const {
        part_plan const& planned = all.memory.of({role::vae_encoder});
        auto const found = encode_picture(all.d, all.begin({role::vae_encoder}), all.model.vae(), p, planned.tiles,
                                          planned.storage, {});
        latent l = found->mean;
        for (std::size_t i = 0; i < l.values.size(); ++i) l.values[i] += found->deviation.values[i] * normals.values[i];
        return l;
    }
};

// With the random tensors in the order in which diffusers draws them.
beginning begin_as(pipeline_run const& r, sampling_run const& run, std::string const& mode, double strength, int h,
                   int w) {
    latent_format const& format = r.all.model.latents();
    bool const is_inpainting = r.all.model.is_inpainting();
    if (mode == "txt2img") {
        shape const s{.h = h, .w = w, .c = format.channels};
        latent const noise{h, w, s.c, channels_last(r.c.at("in.noise", {1, s.c, h, w}).values, s)};
        return begin(run, noise, {}, false);
    }
    case_tensor const& image = r.c.at("in.image", {1, 3, h * format.cell, w * format.cell});
    bool const masks = mode == "inpaint", from_image = !masks || strength < 1;
    int drawn = 0;
    std::optional<latent> encoded, shown;
    if (from_image || !is_inpainting) encoded = r.encode(picture_of(image, nullptr), random_latent(r.c, drawn++));
    latent const noise = random_latent(r.c, drawn++);
    known_pictures pictures{.from = encoded ? &*encoded : nullptr};
    if (masks) {
        case_tensor const& mask = r.c.at("in.mask", {1, 1, h * format.cell, w * format.cell});
        std::vector<float> cells = latent_mask_of(mask, format.cell);
        if (is_inpainting) {
            shown = r.encode(picture_of(image, &mask.values), random_latent(r.c, drawn++));
            pictures.shown = &*shown;
            pictures.hole = std::move(cells);
        } else {
            pictures.mask = std::move(cells);
        }
    }
    return begin(run, noise, pictures, is_inpainting, !from_image);
}

} // namespace

case_tensors eval_pipeline(device& d, std::string const& weights, network_case const& c, dtype type) {
    std::string const mode = text_of(c, "mode", "txt2img");
    if (mode != "txt2img" && mode != "img2img" && mode != "inpaint")
        fail("The case '{}' has the mode '{}'; there are txt2img, img2img and inpaint.", c.source, mode);
    double const guidance = number_of(c, "guidance_scale", 7.5),
                 strength = mode == "txt2img" ? 1 : number_of(c, "strength", 1);
    diffusers_run const planned = plan_diffusers(
        text_of(c, "scheduler"),
        json_parse_python(text_of(c, "scheduler_config", "{}"), "The scheduler_config of the case '" + c.source + "'"),
        {.steps = int(number_of(c, "steps", 50)), .strength = strength});
    sampling_run const& run = planned.run;
    auto const draws = std::size_t(std::ranges::count_if(run.evaluations, &evaluation::uses_noise));
    std::vector<std::string> const step_names = step_tensors(c);
    if (step_names.size() < draws)
        fail("The case '{}' has a scheduler that draws noise {} times, but {} tensors 'in.random.I.step'.", c.source,
             draws, step_names.size());
    std::size_t drawn = 0;

    diffusion_model model({.source = weights, .precision = type});
    if (model.is_inpainting() && mode != "inpaint")
        fail("The case '{}' has the mode '{}', but '{}' is an inpainting model.", c.source, mode, weights);
    int const cell = model.latents().cell, h = int(number_of(c, "height", 512)) / cell,
              w = int(number_of(c, "width", 512)) / cell;
    run_size const size{.height = h,
                        .width = w,
                        .t5_tokens = model.what().t5 ? int(c.at("in.ids.t5", {1, any_extent}).values.size()) : 0,
                        .guided = guidance != 1,
                        .encodes_picture = mode != "txt2img",
                        .masked = mode == "inpaint" && !model.is_inpainting()};
    memory_plan const memory = plan_memory(d, model, size, {type, type, type});
    turns const turn{d, model, memory};

    case_tensors all;
    auto const contexts = encode_prompts(turn, text_inputs_of(c, model, size.guided), {});
    add_conditioning(all, "", contexts->front());
    if (size.guided) add_conditioning(all, "_negative", contexts->back());
    all["tap.timesteps"].shape = {std::int64_t(planned.timesteps.size())};
    for (double t : planned.timesteps) all["tap.timesteps"].values.push_back(float(t));

    beginning start = begin_as({turn, c}, run, mode, strength, h, w);
    std::size_t const count = start.x.values.size();
    denoise_inputs const in{
        .run = run,
        .pixels = {w * cell, h * cell},
        .start = std::move(start),
        .positive = contexts->front(),
        .negative = size.guided ? &contexts->back() : nullptr,
        .guidance = guidance,
        .noise =
            [&] {
                latent const l = latent_of(c, step_names.at(drawn++));
                if (l.values.size() != count)
                    fail("The case '{}' has a tensor '{}' of another size than its latents.", c.source,
                         step_names[drawn - 1]);
                return l.values;
            },
        .each = [&](int i, latent const& x,
                    latent const&) { all[std::format("out.latents.{}", run.evaluations[i].step)] = torch_tensor(x); }};
    latent const done = *denoise(d, turn.begin({role::denoiser}), model.denoiser(), in, type, {});
    picture const decoded = *decode_latent(d, turn.begin({role::vae_decoder}), model.vae(), done,
                                           memory.of({role::vae_decoder}).tiles, type, {});
    int const pixels = decoded.width * decoded.height;
    case_tensor& image =
        all["out.image"] = {{1, 3, decoded.height, decoded.width}, std::vector<float>(std::size_t(3) * pixels)};
    case_tensor& raw = all["out.decoded"] = image;
    for (int i = 0; i < 3 * pixels; ++i) {
        float const v = decoded.pixels[i % pixels * 4 + i / pixels];
        image.values[i] = std::clamp(v, 0.0f, 1.0f);
        raw.values[i] = 2 * v - 1;
    }
    return all;
}

} // namespace sfumato
