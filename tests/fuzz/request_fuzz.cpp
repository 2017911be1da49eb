// Any bytes as a request: either an error in one short sentence, or a request that survives its own JSON.
#include "compute/error.h"
#include "request/json.h"
#include "request/request.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

using namespace sfumato;

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    try {
        std::vector<std::string> unknown;
        request const r =
            request_from_json(json_parse({reinterpret_cast<char const*>(data), size}, "The request"), &unknown);
        if (request_from_json(json_parse(json_line(request_to_json(r)), "The request")) != r) std::abort();
    } catch (error const& e) {
        if (std::string_view(e.what()).size() > 300) std::abort();
    }
    return 0;
}
