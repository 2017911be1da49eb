// Any bytes as a .yaml of the training code: a short value, or none.
#include "models/files/training_yaml.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    auto const found = sfumato::parameterization_in({reinterpret_cast<char const*>(data), size});
    if (found && (found->empty() || found->size() > 40)) std::abort();
    return 0;
}
