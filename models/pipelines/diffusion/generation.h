// What the runs of a diffusion model share, whatever they begin with: the request in the model's terms, the plan of the
// memory, and the stages, each at its turn.
#pragma once

#include "models/pipelines/diffusion/beginning.h"
#include "models/pipelines/diffusion/conditioning.h"
#include "models/pipelines/diffusion/generate.h"
#include "models/pipelines/diffusion/memory_plan.h"
#include "models/pipelines/stages.h"
#include "models/sampling/lanpaint.h"

#include <optional>
#include <vector>

namespace sfumato {

/// Larger, with the border repeated.
picture padded(picture const&, pixel_size);
picture mid_grey(pixel_size);

/// The request's model, on the shelf. Throws error when it names none.
diffusion_model& open_model(shelf&, diffusion_settings const&);

/// Throws error unless the model can make a picture of that size.
void check_size(pixel_size, diffusion_model const&);
void check_pixels(pixel_size); // that they are not too many to be sent

/// What a run is asked for picture `number` of its batch.
request of_picture(request, int number);

/// What a run begins with.
struct generation_start {
    pixel_size pixels;                   // of the picture that the model makes: whole cells
    bool from_picture = false;           // begins with one …
    double strength = 1;                 // … of which so much is made anew
    bool masked = false;                 // … within a mask …
    bool thinks = false;                 // … with thoughts before each step (lanpaint_settings)
    double work_after = 0;               // on each picture, beside what is done here: operations
    std::uint64_t before = 0, after = 0; // of the networks: bytes on the device for what is done with pictures
};

class generation {
  public:
    /// Warns of what the prompt has and is not done. Throws error when the model lacks what this needs. Whatever is
    /// given here lives longer.
    generation(device&, diffusion_model&, diffusion_settings const&, generate_watch const&, generation_start const&);

    /// First of all. Throws error when nothing fits.
    void make_plan() { make_plan(size_, watch_.nearest); }

    // Nothing returned: cancelled.

    /// The prompt and, where there is guidance, the negative one.
    std::optional<std::vector<conditioning>> read_prompts(job const&) const;
    /// All of these pictures in the same precision; each a job of its own.
    std::optional<std::vector<latent>> encode(std::vector<picture> const&, stages&);
    std::optional<latent> denoise(std::vector<conditioning> const&, known_pictures const&, std::uint64_t seed,
                                  job const&) const;
    /// Not clamped. Throws error when it is no picture.
    std::optional<picture> decode(latent const&, job const&);

    double work() const; // of all
    // Of one picture each.
    double work_of_prompts() const;
    double work_of_passes() const; // of an inpaint over pictures: little beside the networks
    double work(role) const;
    /// Of a batch, as progress::item; nothing where it is alone.
    sentence name_of_picture(int number) const;

    memory_plan const& memory() const { return memory_; }
    run_size const& size() const { return size_; }
    /// With everything that was decided and changes pixels.
    request recipe(request) const;

  private:
    turns turn() const { return {device_, model_, memory_}; }
    void make_plan(run_size const& left, bool nearest);
    template <class Pass>
    auto in_enough_range(dtype& storage, int& tile, bool is_asked, run_size const& left, Pass const&);
    std::optional<latent> encode(picture const&, job const&);

    device& device_;
    diffusion_model& model_;
    diffusion_settings const& settings_;
    generate_watch const& watch_;
    text_inputs texts_;
    run_size size_;
    sampling_run sampling_;
    std::optional<lanpaint_settings> thinks_;
    int evaluations_ = 0; // of the denoiser for a picture
    int encodings_ = 0;
    double work_after_ = 0;
    run_precision precision_;
    memory_plan memory_{};
};

} // namespace sfumato
