// An upscaling network that is open, and its weights on the device.
#pragma once

#include "models/nets/upscaler.h"
#include "models/nets/weight_store.h"
#include "models/pipelines/warm.h"
#include "models/weights/upscalers.h"

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

    /// Throws error: no such file, damaged, or no upscaler in it.
    explicit upscale_model(choice);

    choice const& chosen() const { return choice_; }
    bool is_current() const { return file_->is_current(); }
    upscaler_config const& network() const { return network_; }
    upscaler_shape shape() const { return shape_of(network()); }
    bool needs_f32 = false; // 16 bits did not hold what it computed

    weight_store& weights() { return weights_; }
    /// A store that nothing is loaded into: to record graphs for their memory.
    weight_store sketch() const { return weight_store(file_, options()); }

  private:
    weight_options options() const;

    choice choice_;
    std::shared_ptr<checkpoint const> file_;
    upscaler_config network_;
    weight_store weights_;
};

using open_upscalers = warm<upscale_model>;

} // namespace sfumato
