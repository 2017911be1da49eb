#include "models/files/safetensors.h"

#include "tests/fuzz/checkpoint_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    return sfumato::fuzz_checkpoint(sfumato::read_safetensors, data, size);
}
