#include "plugin/run_captured.h"

#include "engine/client.h"
#include "plugin/resize.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sfumato {

namespace {

struct captured_client final : run_client {
    captured const& from;
    std::function<void(run_result)> const& taken;
    std::function<void(picture const&)> const& show;

    captured_client(captured const& from, std::function<void(run_result)> const& taken,
                    std::function<void(picture const&)> const& show)
        : from(from), taken(taken), show(show) {}
    std::optional<picture> read_picture(std::string_view, rect const& area) override {
        return crop(from.picture, area);
    }
    std::optional<mask> read_mask(std::string_view, rect const& area) override { return crop(from.selection, area); }
    // An inpaint's has its place and its mask; others are to fill the area.
    void take(run_result r) override {
        if (r.recipe.operation != operation::inpaint) {
            r.picture = cover(r.picture, from.area.width, from.area.height);
            r.mask = from.selection;
        }
        taken(std::move(r));
    }
    void preview(picture const& p) override {
        if (show) show(p);
    }
};

// Of any family: two cells of the latent are the least that Stable Diffusion 3 takes.
int whole_cells(double pixels) { return std::clamp((int(std::ceil(pixels)) + 15) / 16 * 16, 64, 1 << 14); }

// Where the request leaves it open, the size follows from the place and the model.
request with_size(request r, rect const& place, job const& j) {
    if (r.operation != operation::txt2img || (r.diffusion.width && r.diffusion.height)) return r;
    auto const model = engine_describe(r.diffusion.model, j);
    rect const size = size_for(place, model ? model->native_size : 0);
    if (!r.diffusion.width) r.diffusion.width = size.width;
    if (!r.diffusion.height) r.diffusion.height = size.height;
    return r;
}

} // namespace

rect size_for(rect const& place, int native) {
    double const pixels = double(place.width) * place.height;
    double const least = native / 2.0, most = makes_small_pictures(native) ? largest_enlargement * native : native;
    bool const is_home = native == 0 || (pixels >= least * least && pixels <= most * most * 1.5);
    double const usual = pixels > most * most ? most : native;
    double const scale = is_home ? 1 : usual / std::sqrt(pixels);
    return {0, 0, whole_cells(place.width * scale), whole_cells(place.height * scale)};
}

run_input input_of(request const& asked, rect const& area, std::optional<std::string> device, job const& j) {
    run_input in{.request = with_size(resolve(asked), area, j), .device = std::move(device)};
    if (in.request.operation != operation::txt2img) in.pictures.push_back({"picture", area.width, area.height, 4});
    if (in.request.operation == operation::inpaint) in.pictures.push_back({"selection", area.width, area.height, 1});
    return in;
}

bool run_captured(captured const& from, request const& asked, job const& j, std::function<void(run_result)> const& take,
                  std::function<void(picture const&)> const& preview) {
    run_input in = input_of(asked, from.area, from.device, j);
    in.previews = bool(preview);
    captured_client client(from, take, preview);
    return engine_run(in, client, j);
}

std::optional<run_result> run_captured(captured const& from, job const& j) {
    std::optional<run_result> made;
    run_captured(from, from.request, j, [&](run_result r) { made = std::move(r); });
    return made;
}

} // namespace sfumato
