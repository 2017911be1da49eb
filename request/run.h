// A run: a request, the pictures that its client has, and what goes to and fro while it is done. Whoever computes owns
// the run: it asks for the rectangles that it needs, when it needs them. Its client owns the pixels, and never opens a
// model. It may be in the same process (the command line) or at the other end of a wire (engine/).
#pragma once

#include "compute/sentence.h"
#include "request/picture.h"
#include "request/request.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

/// A picture that the client has. check_pictures() says which names an operation reads.
struct named_picture {
    std::string name; // "picture", "selection"
    int width = 0, height = 0;
    int channels = 4; // 4: a picture; 1: a mask
    bool operator==(named_picture const&) const = default;
};

struct run_input {
    sfumato::request request; // resolved
    std::vector<named_picture> pictures;
    bool previews = false;     // the client wants to see how it comes along, where there is something to see
    bool nearest = false;      // if a recipe's tile does not fit, the nearest that does is taken
    std::string preview_model; // a file of TAESD that previews are decoded with; empty: they have a pixel a latent cell
    std::optional<std::string> device; // that does it, as device_choice has it; empty: the one that the engine was
                                       // started for; none: the one that is open
};

/// A device that can be chosen.
struct device_choice {
    std::string device; // run_input::device
    std::string name;   // as people know it
    bool operator==(device_choice const&) const = default;
};

/// The picture of that name. Throws error when there is none, or it has other channels.
named_picture const& find_picture(run_input const&, std::string_view name, int channels);

/// Throws error unless those pictures are there that the request's operation reads, of sizes that can be read: of a
/// fill "picture" and "selection", of the same size; of img2img and an upscale "picture". Others are not looked at.
void check_pictures(run_input const&);

/// What an enlarged picture's extent is, in pixels: rounded, at least 1.
int upscaled(int extent, double scale);

/// A rectangle of what was made.
struct run_result {
    int x = 0, y = 0; // where its first pixel lies: of a fill, in "picture"; of an upscale, in the whole result; else 0
    sfumato::picture picture; // of a fill: where `mask` is 0 it equals what was read, bit for bit
    sfumato::mask mask;       // how much of it is to be seen, of the same size; 0 × 0: all of it
    request recipe;           // makes it again
};

/// What a run takes, decided before it begins.
struct run_plan {
    sentence text;
    std::uint64_t needed = 0, available = 0; // bytes on the device: at the peak; free
    double seconds = -1;                     // about; negative: not known
    std::uint64_t pictures = 0;              // bytes of pictures in the computer's memory, where that is known
};

/// The one who asked for a run. Everything is called on the run's own thread.
class run_client {
  public:
    virtual ~run_client() = default;

    /// Pixels of a rectangle inside the picture of that name (see run_input::pictures). Nothing: cancelled. Throws
    /// error when they cannot be had, or are no numbers.
    virtual std::optional<picture> read_picture(std::string_view name, rect const&) = 0;
    virtual std::optional<mask> read_mask(std::string_view name, rect const&) = 0;
    /// That rectangle is the next that will be read of a picture: whoever is slow can begin.
    virtual void will_read(std::string_view, rect const&) {}

    /// May wait until the last one has been taken away.
    virtual void take(run_result) = 0;

    /// Told once, or again when the plan changes.
    virtual void planned(run_plan const&) {}
    /// Something that is not as the client may think, and no reason to stop.
    virtual void warn(sentence const&) {}
    /// How it comes along; smaller than the result, perhaps. Only where run_input::previews says so.
    virtual void preview(picture const&) {}
};

} // namespace sfumato
