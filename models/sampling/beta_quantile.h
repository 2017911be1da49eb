// Quantiles of the beta distribution.
#pragma once

namespace sfumato {

/// x with I_x(a, b) = p, 0 ≤ p ≤ 1, to about 1e-14.
double beta_quantile(double p, double a, double b);

} // namespace sfumato
