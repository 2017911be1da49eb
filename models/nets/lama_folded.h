// A LaMa's weights as it is computed: its norms, which do not look at what they norm once it is trained, are folded
// into the convolutions before them.
#pragma once

#include "models/networks/lama.h"

#include <memory>

namespace sfumato {

/// The tensors of `model` as f32, with a bias for each weight unless said otherwise. Names are the file's but for
///   N.ffc.weight                     convl2l and convl2g, one behind the other: of the last halving
///   N.convM.ffc.local.weight         convl2l and convg2l beside each other: to local from local and global channels
///   N.convM.ffc.convg2g.conv2.weight without a bias, which is in convl2g's: their sum was normed
///   N.convM.ffc.convg2g.fu.conv_layer.weight
///                                    takes and gives all real parts, then all imaginary ones; in the file they
///                                    alternate
///   N.00.weight, 01, 10, 11          of a transposed convolution N, and N.bias: what compute/ops.h packs for rows and
///                                    columns 2a (0) and 2a + 1 (1)
/// They are computed when they are read. Throws error, naming tensor and file: not f32, f16 or bf16.
std::shared_ptr<checkpoint const> folded_lama(std::shared_ptr<checkpoint const> const& model, lama_config const&);

} // namespace sfumato
