// Random numbers as torch draws them, so that a seed gives the noise, and with it the picture, that other programs make
// of it. Computed on the host with nothing but +, ×, ÷ and √, so that they are the same bits on every machine.
#pragma once

#include "request/choices.h"

#include "compute/tensor.h"

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <vector>

namespace sfumato {

/// torch.Generator(…).manual_seed(seed), drawing float32.
class noise_source {
  public:
    noise_source(generator, std::uint64_t seed);

    /// The next torch.randn(count). A call is a call: two halves are other numbers than the whole.
    std::vector<float> normal(std::size_t count);

  private:
    std::vector<float> normal_cpu(std::size_t count);
    std::vector<float> normal_cuda(std::size_t count);
    double pair_member();

    generator generator_;
    std::uint64_t seed_;
    std::mt19937 engine_;
    std::optional<double> second_; // of a pair, not drawn yet
    std::uint32_t calls_ = 0;
};

/// Noise for latents s = [n, h, w, c] from n sources, each drawing [c, h, w] as torch does; channels last. (In a batch,
/// picture k has a source of its own, of seed + k.)
std::vector<float> latent_noise(std::span<noise_source>, shape s);

/// Where the noise of later steps comes from, after `first`, a source of that seed, gave what the run begins with.
/// A1111 (cuda) goes on drawing; ComfyUI (cpu) starts a generator of its own there, of the same seed, on the GPU.
noise_source later_noise(generator, std::uint64_t seed, noise_source const& first);

/// [n, c, h, w] ⇄ [n, h, w, c] of shape s.
std::vector<float> channels_last(std::span<float const>, shape s);
std::vector<float> channels_first(std::span<float const>, shape s);

} // namespace sfumato
