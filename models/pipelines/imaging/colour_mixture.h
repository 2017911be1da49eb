// Which colours something has: Gaussians in Oklab, as C. Rother, V. Kolmogorov, A. Blake, "GrabCut", SIGGRAPH 2004.
#pragma once

#include "models/pipelines/diffusion/oklab.h"

#include <vector>

namespace sfumato {

class colour_mixture {
  public:
    /// Of at least one colour.
    explicit colour_mixture(std::vector<lab_colour> const& samples);

    /// −ln of how likely the colour is.
    double cost(lab_colour const&) const;

  private:
    struct gaussian {
        lab_colour mean{};
        std::array<double, 6> inverse{}; // of the covariance: LL, La, Lb, aa, ab, bb
        double factor = 0;               // its share, over the root of the determinant
    };
    static gaussian fitted(std::vector<lab_colour> const& all, std::vector<int> const& of, int which);

    std::vector<gaussian> gaussians_;
};

} // namespace sfumato
