// Any instructions for the pickle machine: an error in one short sentence or a list of tensors.
#include "models/files/pickle.h"

#include "compute/error.h"

#include <cstdlib>

using namespace sfumato;

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    try {
        read_pickle(std::as_bytes(std::span(data, size)), "m");
    } catch (error const& e) {
        if (std::string_view(e.what()).size() > 500) std::abort();
    }
    return 0;
}
