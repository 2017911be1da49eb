// An upscaling network that is open, and its weights on the device.
#pragma once

#include "models/nets/upscaler.h"
#include "models/nets/weight_store.h"
#include "models/networks/upscaler.h"
#include "models/pipelines/shelf.h"

#include <memory>
#include <optional>
#include <string>

namespace sfumato {

class upscale_model : public open_model {
  public:
    struct choice {
        std::string source;             // as open_checkpoint takes it
        std::optional<dtype> precision; // of matrices; none: as the file has them
        bool operator==(choice const&) const = default;
    };

    /// `file`: the source, if it is open already. Throws error: no such file, damaged, or no upscaler in it.
    explicit upscale_model(choice, std::shared_ptr<checkpoint const> file = {});

    choice const& chosen() const { return choice_; }
    bool is_current() const override { return file_->is_current(); }
    upscaler_config const& network() const { return network_; }
    upscaler_shape shape() const { return shape_of(network()); }

    std::vector<weight_slot*> slots() override { return {&slot_}; }
    weight_slot const& slot() const { return slot_; }
    weight_store& weights() { return slot_.open(file_, options()); }
    /// A store that nothing is loaded into: to record graphs for their memory.
    weight_store sketch() const { return weight_store(file_, options()); }

  private:
    weight_options options() const;

    choice choice_;
    std::shared_ptr<checkpoint const> file_;
    upscaler_config network_;
    weight_slot slot_;
};

} // namespace sfumato
