// Colour and tone of what a model made, matched to what was there: a VAE shifts both a little, everywhere. What is
// known around the hole tells by how much.
#pragma once

#include "models/pipelines/diffusion/oklab.h"

#include <vector>

namespace sfumato {

/// A pixel that was known, and what the model made of it.
struct known_pixel {
    lab_colour given, made;
    double weight = 1;
};

struct tone_match {
    lab_colour offset{};
    double gain = 1, middle = 0; // lightness: gain · (L − middle) + middle + offset

    bool is_none() const { return gain == 1 && offset == lab_colour{}; }
    lab_colour apply(lab_colour const& c) const {
        return {gain * (c[0] - middle) + middle + offset[0], c[1] + offset[1], c[2] + offset[2]};
    }
};

/// The offset of most of them (an object that the model did not make again drags a mean along, but no median), and a
/// gain only where they show one for certain. None where they show nothing.
tone_match match_tone(std::vector<known_pixel> const&);

/// The value with as much weight below as above it. Some weight is more than 0.
double weighted_median(std::vector<double> const& values, std::vector<double> const& weights);

} // namespace sfumato
