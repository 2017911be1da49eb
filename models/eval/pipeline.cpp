#include "models/eval/pipeline.h"

#include "compute/device.h"
#include "compute/error.h"
#include "models/json.h"
#include "models/pipelines/denoise.h"
#include "models/pipelines/latent_codec.h"
#include "models/sampling/diffusers.h"
#include "models/sampling/noise.h"

#include <algorithm>
#include <charconv>
#include <format>

namespace sfumato {

namespace {

using nlohmann::json;
using part = diffusion_model::part;

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

// The I-th random tensor, whatever it was drawn for.
latent random_latent(network_case const& c, int i) {
    std::string const start = std::format("in.random.{}.", i);
    for (auto const& [name, t] : c.tensors)
        if (name.starts_with(start)) {
            auto const& s = c.at(name, {1, any_extent, any_extent, any_extent}).shape;
            shape const to{.h = int(s[2]), .w = int(s[3]), .c = int(s[1])};
            return {to.h, to.w, to.c, channels_last(t.values, to)};
        }
    fail("The case '{}' lacks its random tensor '{}…'.", c.source, start);
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
std::vector<float> latent_mask(case_tensor const& mask, int height, int width) {
    std::int64_t const h = mask.shape[2], w = mask.shape[3];
    std::vector<float> small(std::size_t(height) * width);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            small[std::size_t(y) * width + x] = mask.values[y * h / height * w + x * w / width] >= 0.5f;
    return small;
}

prompt_chunks chunks_of(network_case const& c, char const* name) {
    case_tensor const& ids = c.at(name, {1, std::int64_t(prompt_chunks::length)});
    prompt_chunks chunks{.ids = std::vector<std::array<std::int32_t, prompt_chunks::length>>(1), .weights = {}};
    std::ranges::transform(ids.values, chunks.ids[0].begin(), [](float id) { return std::int32_t(id); });
    chunks.weights.resize(1);
    chunks.weights[0].fill(1);
    return chunks;
}

case_tensor context_tensor(prompt_context const& c) { return {{1, c.tokens, c.channels}, c.values}; }

struct pipeline_run {
    device& d;
    network_case const& c;
    diffusion_model& model;
    memory_plan memory;

    // The UNet's latent of a picture, sampled with given normals.
    latent encode(picture const& p, latent const& normals) const {
        auto const found = encode_picture(d, model.weights(part::vae_encoder), model.vae(), p, {}, memory.storage, {});
        latent l = found->mean;
        for (std::size_t i = 0; i < l.values.size(); ++i) l.values[i] += found->deviation.values[i] * normals.values[i];
        return l;
    }
};

// x at the beginning, what lies outside of the mask, and the further channels of an inpainting model.
struct beginning {
    latent x;
    std::optional<known_latent> known{};
    std::vector<float> further{};
};

beginning begin(pipeline_run const& r, sampling_run const& run, std::string const& mode, double strength, int h,
                int w) {
    if (mode == "txt2img") {
        int const z = r.model.vae().z_channels;
        shape const s{.h = h, .w = w, .c = z};
        latent const noise{h, w, z, channels_last(r.c.at("in.noise", {1, z, h, w}).values, s)};
        return {start_latent(run, noise, nullptr)};
    }
    case_tensor const& image = r.c.at("in.image", {1, 3, h * latent_scale, w * latent_scale});
    bool const masks = mode == "inpaint", from_image = !masks || strength < 1;
    int drawn = 0;
    std::optional<latent> encoded;
    if (from_image || !r.model.is_inpainting())
        encoded = r.encode(picture_of(image, nullptr), random_latent(r.c, drawn++));
    latent const noise = random_latent(r.c, drawn++);
    beginning b{start_latent(run, noise, from_image ? &*encoded : nullptr)};
    if (!masks) return b;

    case_tensor const& mask = r.c.at("in.mask", {1, 1, h * latent_scale, w * latent_scale});
    std::vector<float> const small = latent_mask(mask, h, w);
    if (r.model.is_inpainting())
        b.further = inpainting_channels(small, r.encode(picture_of(image, &mask.values), random_latent(r.c, drawn++)));
    else
        b.known = known_latent{small, *encoded, noise.values};
    return b;
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
    for (evaluation const& e : run.evaluations)
        if (e.uses_noise())
            fail("The case '{}' has a scheduler that draws noise, which no tensor of it gives.", c.source);

    diffusion_model model({.source = weights, .precision = type});
    if (model.is_inpainting() && mode != "inpaint")
        fail("The case '{}' has the mode '{}', but '{}' is an inpainting model.", c.source, mode, weights);
    int const h = int(number_of(c, "height", 512)) / latent_scale, w = int(number_of(c, "width", 512)) / latent_scale;
    run_size const size{.height = h,
                        .width = w,
                        .guided = guidance != 1,
                        .encodes_picture = mode != "txt2img",
                        .masked = mode == "inpaint"};
    pipeline_run const r{d, c, model, plan_memory(d, model, size, type)};

    case_tensors all;
    std::vector<prompt_chunks> prompts{chunks_of(c, "in.ids.clip")};
    if (size.guided) prompts.push_back(chunks_of(c, "in.ids_negative.clip"));
    auto const contexts = encode_prompts(d, model, model.text(), prompts, type, {});
    all["tap.context"] = context_tensor(contexts->front());
    if (size.guided) all["tap.context_negative"] = context_tensor(contexts->back());
    all["tap.timesteps"].shape = {std::int64_t(planned.timesteps.size())};
    for (double t : planned.timesteps) all["tap.timesteps"].values.push_back(float(t));

    beginning const b = begin(r, run, mode, strength, h, w);
    denoise_inputs const in{.run = run,
                            .start = b.x,
                            .positive = contexts->front(),
                            .negative = size.guided ? &contexts->back() : nullptr,
                            .guidance = guidance,
                            .further = b.further,
                            .known = b.known,
                            .each = [&](int i, latent const& x, latent const&) {
                                all[std::format("out.latents.{}", run.evaluations[i].step)] = torch_tensor(x);
                            }};
    latent const done = *denoise(d, model, r.memory, in, {});
    picture const decoded =
        *decode_latent(d, model.weights(part::vae_decoder), model.vae(), done, r.memory.choice.vae, type, {});
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
