#include "request/model_summary.h"

#include "compute/error.h"

#include <nlohmann/json.hpp>

namespace sfumato {

using nlohmann::json;

namespace {

// What a file says of itself may be as long as that likes.
std::string shortened(std::string const& text) { return text.substr(0, 4096); }

} // namespace

json to_json(model_summary const& m) {
    json object{{"path", m.path}};
    if (!m.error.empty()) {
        object["error"] = shortened(m.error);
        return object;
    }
    object.update({{"family", shortened(m.family)},
                   {"bytes", m.bytes},
                   {"format", m.format},
                   {"supported", m.supported},
                   {"reason", shortened(m.reason)}});
    if (!m.missing.empty()) object["missing"] = m.missing;
    if (m.native_size)
        object.update({{"prediction", m.prediction},
                       {"prediction_reason", m.prediction_reason},
                       {"native_size", m.native_size},
                       {"in_channels", m.in_channels}});
    if (m.factor) object.update({{"scale", m.scale}, {"factor", m.factor}});
    return object;
}

model_summary model_summary_from_json(json const& object) try {
    model_summary m{.path = object.at("path"), .error = object.value("error", "")};
    if (!m.error.empty()) return m;
    m.family = object.at("family");
    m.bytes = object.at("bytes");
    m.format = object.at("format");
    m.supported = object.at("supported");
    m.reason = object.at("reason");
    m.missing = object.value("missing", std::vector<std::string>());
    m.prediction = object.value("prediction", "");
    m.prediction_reason = object.value("prediction_reason", "");
    m.native_size = object.value("native_size", 0);
    m.in_channels = object.value("in_channels", 0);
    m.scale = object.value("scale", 0);
    m.factor = object.value("factor", 0);
    return m;
} catch (json::exception const&) {
    fail("What is said of a model was not understood.");
}

} // namespace sfumato
