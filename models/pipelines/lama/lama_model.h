// A LaMa or MI-GAN that is open, and its weights on the device.
#pragma once

#include "models/nets/filler.h"
#include "models/pipelines/shelf.h"

#include <memory>
#include <string>

namespace sfumato {

class lama_model : public open_model {
  public:
    using choice = std::string; // as open_checkpoint takes it

    /// Throws error: no such file, damaged, or neither in it.
    explicit lama_model(choice);

    choice const& chosen() const { return choice_; }
    bool is_current() const override { return folded_->is_current(); }
    filler_config const& network() const { return network_; }

    std::vector<weight_slot*> slots() override { return {&slot_}; }
    weight_slot const& slot() const { return slot_; }
    void release() { slot_.release(); }
    weight_store& weights() { return slot_.open(folded_, {}); }
    /// A store that nothing is loaded into: to record graphs for their memory.
    weight_store sketch() const { return weight_store(folded_, {}); }

  private:
    choice choice_;
    filler_config network_;
    std::shared_ptr<checkpoint const> folded_; // models/nets/filler.h
    weight_slot slot_;
};

} // namespace sfumato
