// A model that stays open between requests.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace sfumato {

/// Keeps the model of the last request, so that the next one with it starts warm, unless its files have changed.
template <class Model> struct warm {
    using choice = std::remove_cvref_t<decltype(std::declval<Model>().chosen())>;

    std::shared_ptr<Model> last;

    /// Throws error as Model's constructor does.
    Model& open(choice const& c) {
        if (!last || last->chosen() != c || !last->is_current()) {
            last.reset(); // its memory, before the next one's
            last = std::make_shared<Model>(c);
        }
        return *last;
    }
};

} // namespace sfumato
