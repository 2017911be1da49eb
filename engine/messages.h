// What the messages of protocol.h say, on both sides. Decoding throws error where a message is not as it should be.
#pragma once

#include "engine/protocol.h"
#include "request/job.h"
#include "request/model_summary.h"
#include "request/run.h"

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

namespace sfumato {

nlohmann::json to_json(sentence const&);
/// Whatever it is, something is said.
sentence sentence_from_json(nlohmann::json const&);

/// The sentence of an exception; an error's own, translatable.
sentence sentence_of(std::exception const&);

std::int64_t id_of(message const&); // 0 without one

// ---- From the client

/// `type`: "run" or "estimate".
outgoing encode_run(char const* type, std::int64_t id, run_input const&);
struct run_message {
    run_input input;                  // its request resolved, its pictures checked
    std::vector<std::string> unknown; // keys of the request that this version does not know
};
run_message decode_run(message const&);

// The pixels must outlive the `outgoing`, which only points to them. Throws error where one is no finite number, or
// lies outside a mask's 0 … 1.
outgoing encode_pixels(std::int64_t id, std::uint64_t want, picture const&);
outgoing encode_pixels(std::int64_t id, std::uint64_t want, mask const&);
std::uint64_t number_of_want(nlohmann::json const& head);
/// Of what a "pixels" message announces: one blob of the area's size.
void check_shape(message const& begun, rect const& area, int channels);
/// Every number is finite, a mask's within 0 … 1.
void check_values(blob const&);
picture picture_of(blob&&);
mask mask_of(blob&&);

outgoing encode_models(std::int64_t id, model_kind);
model_kind kind_of(message const&);
outgoing encode_describe(std::int64_t id, std::string const& model);
std::string model_of(message const&);

outgoing encode_devices(std::int64_t id);

// ---- From the engine

struct want_message {
    std::uint64_t number = 0; // answered by pixels of the same
    std::string name;
    rect area;
};
outgoing encode_want(std::int64_t id, want_message const&);
want_message decode_want(message const&);

/// `preview` may be null, and must outlive the `outgoing`.
outgoing encode_progress(std::int64_t id, progress const&, picture const* preview);
progress decode_progress(message const&);

outgoing encode_plan(std::int64_t id, run_plan const&);
nlohmann::json to_json(run_plan const&);
run_plan run_plan_from_json(nlohmann::json const&);

outgoing encode_warning(std::int64_t id, sentence const&);

/// The result must outlive the `outgoing`. Throws error when its picture is empty or over the limit.
outgoing encode_result(std::int64_t id, run_result const&);
run_result decode_result(message&&);

/// A member of what "done" says.
nlohmann::json to_json(std::vector<device_choice> const&);
std::vector<device_choice> devices_from_json(nlohmann::json const& done);

outgoing encode_model(std::int64_t id, model_summary const&);
model_summary decode_model(message const&);

} // namespace sfumato
