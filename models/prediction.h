// What a network was trained to predict from a noisy sample x = α·x0 + σ·n.
#pragma once

namespace sfumato {

/// The noise n; v = α·n − σ·x0 where α² + σ² = 1 (Salimans & Ho 2022); or the flow's velocity n − x0.
enum class prediction { epsilon, v, flow };

} // namespace sfumato
