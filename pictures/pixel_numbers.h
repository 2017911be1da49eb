// How the numbers of a file or a drawable become those of a picture, and back: babl's formats without a colour space,
// and without babl's choice of a conversion, which it makes by timing: the same file gives the same pixels in every
// run. (Half floats and CMYK still go through babl.)
#pragma once

using Babl = union _Babl;

namespace sfumato {

/// Both formats leave the colour space out, so that numbers are converted and nothing else: colours stay in the
/// document's own space, and 16 bits come back to the last one. (With the space, babl goes through linear light even
/// from R' to R', several steps of 16 bits off.)
struct number_formats {
    Babl const* stored;
    Babl const* floats;
};

/// Of pixels that are stored as `format`; `floats` has 4 channels and follows a curve as people see. Under a linear
/// profile the marked components (R'), which follow the profile's own curve, are linear as well. Where there is neither
/// RGB nor grey (CMYK), the space stays: it takes its colours to RGB.
number_formats picture_numbers(Babl const* format, bool linear_profile);

/// `pixels` of them, from one format to another, neither with a space. A colour that becomes grey becomes its
/// luminance.
void convert_numbers(Babl const* from, void const* source, Babl const* to, void* target, long pixels);

} // namespace sfumato
