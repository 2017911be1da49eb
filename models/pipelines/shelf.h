// Models that stay open between runs, whatever they are for, and what of them is on the device: loaded weights stay for
// the next run until another one needs their room.
#pragma once

#include "models/nets/weight_store.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sfumato {

/// Where one network's weights lie between runs.
class weight_slot {
  public:
    /// The store with these options; one with others is let go first.
    weight_store& open(std::shared_ptr<checkpoint const> const&, weight_options const&);
    /// Null: nothing of it is loaded.
    weight_store* store() const { return store_.get(); }
    /// Everything that was asked of such a store is on the device, or waits where it should.
    bool is_loaded_as(waiting_weights const& w) const {
        return store_ && store_->options().waiting == w && store_->loaded();
    }
    void release() { store_.reset(); }
    std::uint64_t bytes(device& d) const { return store_ ? store_->loaded_bytes(d) : 0; }
    std::chrono::steady_clock::time_point last_use() const { return last_use_; }

  private:
    std::unique_ptr<weight_store> store_;
    std::chrono::steady_clock::time_point last_use_{};
};

/// A model that is open; alone, or on a shelf with others.
class open_model {
  public:
    virtual ~open_model() = default;
    /// Its files are what they were when it was opened.
    virtual bool is_current() const = 0;
    virtual std::vector<weight_slot*> slots() = 0;

    /// The slots of all models on its shelf, the one that was used longest ago first.
    std::vector<weight_slot*> all_slots();
    /// What can be had on the device when all of them are let go.
    std::uint64_t available(device&);
    /// Lets them go, the one that was used longest ago first, until `bytes` can be had, those of `own` counted as free;
    /// that one stays.
    void make_room(device&, std::uint64_t bytes, weight_slot const& own);

  private:
    friend class shelf;
    class shelf const* shelf_ = nullptr;
};

class shelf {
  public:
    static constexpr std::size_t most = 3; // models

    shelf() = default;
    shelf(shelf const&) = delete;
    shelf& operator=(shelf const&) = delete;

    /// The model that was opened with this choice, unless its files have changed, or else a new one, in place of the
    /// one that was asked for longest ago where there are `most`. `More`: what else its constructor takes. It stays
    /// until `most` others were opened. Throws error as Model's constructor does.
    template <class Model, class... More> Model& open(typename Model::choice const&, More&&...);
    void clear() { models_.clear(); }
    /// Of all models, the one that was used longest ago first.
    std::vector<weight_slot*> slots() const;
    /// As of open_model, for what is no model.
    std::uint64_t available(device&) const;
    void make_room(device&, std::uint64_t bytes) const;

  private:
    std::vector<std::unique_ptr<open_model>> models_; // the last one is the one that was asked for last
};

template <class Model, class... More> Model& shelf::open(typename Model::choice const& c, More&&... more) {
    std::erase_if(models_, [](auto const& m) { return !m->is_current(); });
    for (auto it = models_.begin(); it != models_.end(); ++it)
        if (auto* const found = dynamic_cast<Model*>(it->get()); found && found->chosen() == c) {
            std::rotate(it, it + 1, models_.end());
            return *found;
        }
    if (models_.size() == most) models_.erase(models_.begin());
    auto made = std::make_unique<Model>(c, std::forward<More>(more)...);
    made->shelf_ = this;
    Model& model = *made;
    models_.push_back(std::move(made));
    return model;
}

/// As people read it: "870 MB", "2.9 GB".
std::string gigabytes(std::uint64_t bytes);

} // namespace sfumato
