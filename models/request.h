// A request: everything that influences the pixels of a result, and nothing else.
// The same JSON is the command line's --request, the engine's socket message, what tests use, and the recipe that stays
// on the finished layer.
#pragma once

#include "models/picture.h"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace sfumato {

enum class operation { inpaint };
enum class method { patchmatch };
/// How much of the surroundings a pipeline sees.
enum class context { automatic, image, selection };
/// Which pixels are read: the active layer alone or all that is visible.
enum class source { layer, visible };

struct request {
    static constexpr int version = 1; // key "sfumato"; raised when an old reader would misunderstand

    sfumato::operation operation = operation::inpaint;
    sfumato::method method = method::patchmatch;
    std::int64_t seed = -1; // 0 … 2³²−1; −1 = choose one (resolve_seed), never found in a recipe
    sfumato::context context = context::automatic;
    sfumato::source source = source::layer;
    rect area; // the crop that was sent, in image coordinates; empty = the whole picture

    bool operator==(request const&) const = default;
};

/// Checks types, ranges and the version; throws error naming the key and what it may be. Unknown keys are not an error
/// (a newer Sfumato wrote them) but are reported in `unknown`.
request request_from_json(nlohmann::json const&, std::vector<std::string>* unknown = nullptr);
nlohmann::json request_to_json(request const&);

/// The same request with seed −1 replaced by a random one.
request resolve_seed(request);

} // namespace sfumato
