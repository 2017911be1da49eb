#include "models/pipelines/diffusion/inpaint_by_diffusion.h"

#include "compute/device.h"
#include "models/library/find_lama.h"
#include "models/pipelines/diffusion/detail_tiles.h"
#include "models/pipelines/diffusion/generation.h"
#include "models/pipelines/diffusion/inpaint_masks.h"
#include "models/pipelines/diffusion/inpaint_window.h"
#include "models/pipelines/diffusion/loras.h"
#include "models/pipelines/diffusion/prefill.h"
#include "models/pipelines/diffusion/seam.h"
#include "request/context.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace sfumato {

namespace {

// What an inpainting model is shown: grey where anything is made anew.
picture greyed(picture p, mask const& hole, inpaint_window const& w) {
    std::vector<float> const grey = latent_mask(hole, w, 1, mask_cells::maximum);
    for (std::size_t i = 0; i < grey.size(); ++i)
        if (grey[i] > 0) std::fill_n(&p.pixels[4 * i], 3, 0.5f);
    return p;
}

// Its cells are whole.
std::vector<float> whole_cells(mask const& hole, inpaint_window const& w, int cell, mask_cells rule) {
    std::vector<float> cells = latent_mask(hole, w, cell, rule);
    for (float& v : cells) v = v >= 0.5f;
    return cells;
}

// A part of the context, as the model begins with it.
struct beginning_of_part {
    std::vector<latent> encoded; // what stands there and, for an inpainting model, what it is shown
    std::vector<float> mask, hole;

    known_pictures known() const {
        bool const is_inpainting = encoded.size() > 1;
        return {
            .from = &encoded.front(), .mask = mask, .shown = is_inpainting ? &encoded.back() : nullptr, .hole = hole};
    }
};

// `seen`, with `denoise` of the same part of the context.
std::optional<beginning_of_part> encode(generation& g, diffusion_model const& model, mask_cells rule, picture seen,
                                        mask const& denoise, inpaint_window const& window, stages& all) {
    int const cell = model.latents().cell;
    beginning_of_part part{.encoded = {}, .mask = latent_mask(denoise, window, cell, rule), .hole = {}};
    std::vector<picture> pictures;
    if (model.is_inpainting()) {
        mask const hole = cut(denoise, 1e-6f);
        part.hole = whole_cells(hole, window, cell, rule);
        pictures.push_back(greyed(seen, hole, window));
    }
    pictures.insert(pictures.begin(), std::move(seen));
    auto encoded = g.encode(pictures, all);
    if (!encoded) return std::nullopt;
    part.encoded = std::move(*encoded);
    return part;
}

std::optional<picture> make_anew(generation& g, std::vector<conditioning> const& prompts, beginning_of_part const& part,
                                 std::uint64_t seed, stages& all, sentence const& name) {
    auto const denoised = g.denoise(prompts, part.known(), seed, all.next(g.work(role::denoiser), name));
    if (!denoised) return std::nullopt;
    auto decoded = g.decode(*denoised, all.next(g.work(role::vae_decoder), name));
    if (decoded)
        for (float& v : decoded->pixels) v = std::clamp(v, 0.0f, 1.0f);
    return decoded;
}

// ---- The second pass

// Of a request whose first pass has this recipe. Few steps are enough: most of it is there.
diffusion_settings settings_of_detail(request const& r, diffusion_settings const& decided) {
    constexpr int least_evaluations = 2;
    diffusion_settings s = r.diffusion;
    s.batch = 1;
    s.strength_rule = strength_rule::fewer_steps;
    s.steps = std::max(s.steps, int(std::ceil(least_evaluations / r.inpaint.detail)));
    s.encode_tile = decided.encode_tile, s.decode_tile = decided.decode_tile;
    if (decided.encode_precision == dtype::f32) s.encode_precision = dtype::f32;
    if (decided.decode_precision == dtype::f32) s.decode_precision = dtype::f32;
    return s;
}

generation_start start_of_detail(request const& r, detail_tiles const& tiles) {
    return {.pixels = tiles.window.seen, .from_picture = true, .strength = r.inpaint.detail, .masked = true};
}

// No tile has the noise of another.
std::uint64_t seed_of_tile(std::int64_t seed, std::size_t tile) {
    return (std::uint64_t(seed) + (tile + 1) * 0x9E3779B97F4A7C15u) >> 1;
}

// `seen`: the whole context, opaque; is what was made in the end.
bool make_detail(generation& g, diffusion_model const& model, request const& r,
                 std::vector<conditioning> const& prompts, picture& seen, mask const& denoise,
                 detail_tiles const& tiles, stages& all) {
    picture above;
    for (std::size_t i = 0; i < tiles.places.size(); ++i) {
        rect const& place = tiles.places[i];
        if (i == 0 || place.y != tiles.places[i - 1].y) above = seen;
        auto const part = encode(g, model, r.inpaint.mask_cells, padded(crop(seen, place), tiles.window.seen),
                                 crop(denoise, place), tiles.window, all);
        if (!part) return false;
        auto const made = make_anew(g, prompts, *part, seed_of_tile(r.seed, i), all,
                                    say("tile {} of {}", i + 1, tiles.places.size()));
        if (!made) return false;
        blend(seen, above, *made, place, tiles);
    }
    return true;
}

// ---- Before and after

// What was fitted in, over what the model is shown where the picture is transparent.
picture shown_again(picture fitted, picture const& filled) {
    for (std::size_t i = 0; i < fitted.pixels.size(); i += 4)
        if (fitted.pixels[i + 3] < 1) std::copy_n(&filled.pixels[i], 4, &fitted.pixels[i]);
    return fitted;
}

// What is seen of it, where it lies in the context.
run_result result_of(picture const& fitted, mask const& composite, request recipe) {
    rect const area = bounds(composite);
    return {area.x, area.y, crop(fitted, area), crop(composite, area), std::move(recipe)};
}

class inpaint_run {
  public:
    inpaint_run(device& d, shelf& models, diffusion_model& model, request const& r, picture const& context,
                mask const& selection, generate_watch const& watch)
        : device_(d), shelf_(models), request_(r), context_(context), selection_(selection), watch_(watch),
          model_(model),
          window_(window_of({context.width, context.height}, {r.inpaint.width, r.inpaint.height}, native(), step())) {}

    // False: cancelled.
    bool run(job const& j, std::function<void(run_result)> const& take) {
        check_size(window_.seen, model_);
        auto masks = masks_of(device_, shelf_, selection_, edge_of(request_, bounds(selection_)), part_of(j, 0, 0.01));
        if (!masks) return false;
        masks_ = std::move(*masks);
        if (bounds(masks_.composite).empty()) fail("Nothing is selected: select the part of the picture to fill.");
        if (request_.inpaint.detail > 0) tiles_ = tiles_of(masks_, window_, largest_tile(), step());
        prefill_plan const filling = plan_prefill(request_, context_, masks_);
        make_plan(filling);

        auto filled = prefill(device_, shelf_, request_, context_, filling, part_of(j, 0.01, 0.05));
        if (!filled) return false;
        filled_ = std::move(*filled);
        auto seen = to_model(device_, shelf_, filled_, window_, part_of(j, 0.05, 0.05));
        if (!seen) return false;
        stages all(part_of(j, 0.05, 1), first_->work());
        auto prompts = first_->read_prompts(all.next(first_->work_of_prompts()));
        if (!prompts) return false;
        prompts_ = std::move(*prompts);
        auto const part =
            encode(*first_, model_, request_.inpaint.mask_cells, std::move(*seen), masks_.denoise, window_, all);
        if (!part) return false;
        for (int k = 0; k < request_.diffusion.batch; ++k) {
            auto made = make(of_picture(request_, k), *part, all, first_->name_of_picture(k));
            if (!made) return false;
            take(std::move(*made));
        }
        return true;
    }

  private:
    int native() const { return model_.what().native_size; }
    int step() const { return model_.step(); }
    // Not larger than what the first pass sees, so that the VAE's tiles of that one fit.
    int largest_tile() const { return std::min(native(), std::max(window_.seen.width, window_.seen.height)); }

    // What the second pass will take is known before the first begins.
    void make_plan(prefill_plan const& filling) {
        memory_plan of_detail;
        double work_of_detail = 0;
        if (!tiles_.empty()) {
            diffusion_settings const settings = settings_of_detail(request_, request_.diffusion);
            generation detail(device_, model_, settings, unwatched_, start_of_detail(request_, tiles_));
            detail.make_plan();
            of_detail = detail.memory();
            work_of_detail = double(tiles_.places.size()) * (detail.work() - detail.work_of_prompts());
        }
        watched_ = watch_;
        watched_.planned = [this, of_detail](memory_plan const& p) {
            memory_plan larger = p.needed < of_detail.needed ? of_detail : p;
            larger.work = p.work;
            watch_.planned(larger);
        };
        first_.emplace(
            device_, model_, request_.diffusion, watched_,
            generation_start{
                .pixels = window_.seen,
                .from_picture = true,
                .strength = request_.inpaint.strength,
                .masked = true,
                .thinks = request_.inpaint.quality == quality::high,
                .work_after = work_of_detail,
                .before = std::max({bytes_of_masks(device_, window_.context), bytes_to_model(device_, window_),
                                    bytes_of_prefill(device_, shelf_, request_, context_, filling)}),
                .after = std::max(bytes_from_model(device_, window_), bytes_of_fit(device_, masks_.denoise))});
        first_->make_plan();
    }

    std::optional<picture> fitted(picture made, stages& all) {
        return fit(device_, shelf_, context_, std::move(made), selection_, masks_,
                   all.next(first_->work_of_passes() / 3));
    }

    std::optional<run_result> make(request const& r, beginning_of_part const& part, stages& all, sentence const& name) {
        auto const made = make_anew(*first_, prompts_, part, std::uint64_t(r.seed), all, name);
        if (!made) return std::nullopt;
        auto back = from_model(device_, shelf_, *made, window_, all.next(first_->work_of_passes() / 3));
        if (!back) return std::nullopt;
        auto result = fitted(std::move(*back), all);
        request recipe = first_->recipe(r);
        if (result && !tiles_.empty()) result = with_detail(std::move(*result), r, recipe, all);
        if (!result) return std::nullopt;
        return result_of(*result, masks_.composite, std::move(recipe));
    }
    std::optional<picture> with_detail(picture result, request const& r, request& recipe, stages& all) {
        diffusion_settings const settings = settings_of_detail(r, recipe.diffusion);
        generation detail(device_, model_, settings, unwatched_, start_of_detail(r, tiles_));
        detail.make_plan();
        picture seen = shown_again(std::move(result), filled_);
        if (!make_detail(detail, model_, r, prompts_, seen, masks_.denoise, tiles_, all)) return std::nullopt;
        // Made once more, both passes begin with the precision that either needed.
        diffusion_settings const needed = detail.recipe(r).diffusion;
        if (needed.encode_precision == dtype::f32) recipe.diffusion.encode_precision = dtype::f32;
        if (needed.decode_precision == dtype::f32) recipe.diffusion.decode_precision = dtype::f32;
        return fitted(std::move(seen), all);
    }

    device& device_;
    shelf& shelf_;
    request const& request_;
    picture const& context_;
    mask const& selection_;
    generate_watch const& watch_;
    diffusion_model& model_;
    inpaint_window window_;
    generate_watch watched_{}, unwatched_{.nearest = watch_.nearest};

    inpaint_masks masks_;
    detail_tiles tiles_;
    picture filled_;
    std::optional<generation> first_;
    std::vector<conditioning> prompts_;
};

} // namespace

bool inpaint_by_diffusion(device& d, shelf& models, request const& asked, picture const& context, mask const& selection,
                          job const& j, std::function<void(run_result)> const& take, generate_watch const& watch) {
    assert(asked.seed >= 0 && "resolve() comes first");
    assert(context.width == selection.width && context.height == selection.height);
    diffusion_model& model = open_model(models, asked.diffusion);
    request r = add_loras(asked, model, watch.warned);
    if (goes_on(r) && !r.inpaint.prefill) r.inpaint.prefill = find_lama();
    return inpaint_run(d, models, model, r, context, selection, watch).run(j, take);
}

} // namespace sfumato
