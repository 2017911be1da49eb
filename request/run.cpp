#include "request/run.h"

#include "compute/error.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace sfumato {

namespace {

constexpr std::int64_t most_at_once = 1 << 27;            // pixels that are read in one piece: 11,585 × 11,585
constexpr std::int64_t most_made = std::int64_t(1) << 36; // pixels of a result: 262,144 × 262,144

void check_read_whole(named_picture const& p) {
    if (std::int64_t(p.width) * p.height > most_at_once)
        fail("A picture of {} × {} pixels is too large: {} million pixels is the limit.", p.width, p.height,
             most_at_once / 1'000'000);
}

void check_fill(run_input const& in) {
    named_picture const &picture = find_picture(in, "picture", 4), &selection = find_picture(in, "selection", 1);
    check_read_whole(picture);
    if (picture.width != selection.width || picture.height != selection.height)
        fail("The picture has {} × {} pixels, but its mask {} × {}.", picture.width, picture.height, selection.width,
             selection.height);
}

void check_upscale(run_input const& in) {
    named_picture const& p = find_picture(in, "picture", 4);
    std::int64_t const width = upscaled(p.width, in.request.upscale.scale),
                       height = upscaled(p.height, in.request.upscale.scale);
    if (width * height > most_made)
        fail("{} × {} pixels are too many for a result: choose a smaller scale.", width, height);
}

} // namespace

named_picture const& find_picture(run_input const& in, std::string_view name, int channels) {
    auto const found = std::ranges::find(in.pictures, name, &named_picture::name);
    if (found == in.pictures.end()) fail("This request needs a picture called \"{}\".", name);
    constexpr int longest = 1 << 24; // GIMP ends at 2¹⁹
    if (found->width < 1 || found->height < 1 || found->width > longest || found->height > longest)
        fail("The picture \"{}\" cannot have {} × {} pixels.", name, found->width, found->height);
    if (found->channels != channels)
        fail("The picture \"{}\" must have {} channels, not {}.", name, channels, found->channels);
    return *found;
}

void check_pictures(run_input const& in) {
    switch (in.request.operation) {
    case operation::inpaint: check_fill(in); break;
    case operation::upscale: check_upscale(in); break;
    case operation::img2img: check_read_whole(find_picture(in, "picture", 4)); break;
    case operation::txt2img: break;
    }
}

int upscaled(int extent, double scale) { return std::max(1, int(std::lround(extent * scale))); }

} // namespace sfumato
