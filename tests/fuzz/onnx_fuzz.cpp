#include "models/names/onnx_names.h"

#include "tests/fuzz/checkpoint_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    return sfumato::fuzz_checkpoint(sfumato::read_onnx, data, size);
}
