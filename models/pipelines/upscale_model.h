// An upscaling network that is open, and its weights on the device.
#pragma once

#include "models/nets/upscaler.h"
#include "models/nets/weight_store.h"
#include "models/weights/family.h"

#include <memory>
#include <optional>
#include <string>

namespace sfumato {

class upscale_model {
  public:
    struct choice {
        std::string source;             // as open_checkpoint takes it
        std::optional<dtype> precision; // of matrices; none: as the file has them
        bool operator==(choice const&) const = default;
    };

    /// Throws error: no such file, damaged, or no network of this kind in it.
    explicit upscale_model(choice);

    choice const& chosen() const { return choice_; }
    std::string const& family() const { return what_.family; }
    upscaler_config const& network() const { return *what_.upscaler; }
    upscaler_shape shape() const { return shape_of(network()); }

    weight_store& weights() { return weights_; }
    /// A store that nothing is loaded into: to record graphs for their memory.
    weight_store sketch() const { return weight_store(file_, options()); }

  private:
    weight_options options() const;

    choice choice_;
    std::shared_ptr<checkpoint const> file_;
    model_description what_;
    weight_store weights_;
};

/// Keeps the model of the last request, so that the next one with it starts warm.
struct open_upscalers {
    std::shared_ptr<upscale_model> last;
    upscale_model& open(upscale_model::choice const&);
};

} // namespace sfumato
