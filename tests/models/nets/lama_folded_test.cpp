// The weights of LaMa as it is computed, from an ONNX export that has no norms any more.
#include "models/nets/lama_folded.h"

#include "models/files/made_tensor.h"
#include "models/library/family.h"
#include "models/library/open_checkpoint.h"
#include "tests/kernels/kernel_test.h"
#include "tests/models/files/lama_onnx.h"
#include "tests/scratch_folder.h"

namespace sfumato {
namespace {

TEST(lama_folded, of_an_export_with_folded_norms) {
    scratch_folder const folder;
    auto const original = std::make_shared<checkpoint const>(open_checkpoint("procedural:lama-tiny"));
    auto const sizes = std::get<lama_config>(require_filler(*original));
    auto const wanted = folded_lama(original, sizes);
    for (bool sums : {false, true}) {
        lama_export const how{.folds_norms = true, .folds_sums = sums};
        std::string const file = folder.put("lama.onnx", lama_onnx_file(*original, sizes, how));
        auto const got = folded_lama(std::make_shared<checkpoint const>(open_checkpoint(file)), sizes);
        ASSERT_EQ(got->tensors.size(), wanted->tensors.size());
        for (auto const& [name, tensor] : wanted->tensors)
            EXPECT_LT(nmse(numbers_of(got->at(name)), numbers_of(tensor)), 1e-12) << name;
    }
}

} // namespace
} // namespace sfumato
