// fit_files GIVEN MADE MASK OUT: fits what a model made of GIVEN into it where MASK selects, as an inpaint does after
// its networks; for `./run bench seam`. All are PNGs of one size.
#include "compute/device.h"
#include "models/pipelines/diffusion/seam.h"
#include "pictures/picture_file.h"
#include "request/context.h"

#include <cstdio>
#include <exception>

using namespace sfumato;

namespace {

void fit_files(char const* given_path, char const* made_path, char const* mask_path, char const* out) {
    picture_file file{std::filesystem::path(given_path)};
    picture_file const made_file{std::filesystem::path(made_path)};
    rect const all{0, 0, file.width(), file.height()};
    mask const selection = read_mask(mask_path, all.width, all.height);
    picture const given = file.crop(all, colours::srgb);
    device d{""};
    shelf models;
    request const r{.method = method::diffusion};
    auto const masks = masks_of(d, models, selection, edge_of(r, bounds(selection)), {});
    auto const fitted = fit(d, models, given, made_file.crop(all, colours::srgb), selection, *masks, {});
    file.paste(0, 0, *fitted, masks->composite, colours::srgb);
    file.write(out, {});
}

} // namespace

int main(int count, char** arguments) try {
    if (count != 5) {
        std::fprintf(stderr, "Usage: fit_files GIVEN MADE MASK OUT\n");
        return 2;
    }
    fit_files(arguments[1], arguments[2], arguments[3], arguments[4]);
} catch (std::exception const& e) {
    std::fprintf(stderr, "fit_files: %s\n", e.what());
    return 1;
}
