// LaMa's generator (models/networks/lama.h): halvings, residual blocks of fast Fourier convolutions (FFC), doublings.
// In a block some channels are local and see their neighbours; the others are global and see the whole picture, through
// a convolution of its spectrum.
//
// Easy to get wrong: every convolution pads by reflection, but the transposed ones; a spectrum's channels are real and
// imaginary parts by turns in the file; what comes back from the spectrum is added to what went there before conv2;
// norms follow the sums of local and global results.
#pragma once

#include "models/nets/scope.h"
#include "models/networks/lama.h"

namespace sfumato {

/// w: at lama_prefix, of what models/nets/lama_folded.h made. input [n, h, w, 4]: the picture in 0 … 1, 0 in the hole,
/// and the hole as 1; h and w multiples of c.multiple(), and larger than it → picture [n, h, w, 3] f32 in 0 … 1.
/// Spectra are f32.
tensor lama(scope const& w, lama_config const& c, tensor const& input);

} // namespace sfumato
