// How network code is written: a scope is a place in a checkpoint and the graph that is recorded, so that a line reads
// as in the reference implementation: `h = conv2d(w["in_layers.2"], h)`.
#pragma once

#include "compute/ops.h"
#include "models/nets/weight_store.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sfumato {

/// Intermediate results for comparison with the reference: name without the network's prefix, and the tensor as f32, an
/// output of the graph.
using taps = std::vector<std::pair<std::string, tensor>>;

class scope {
  public:
    /// `root`: the network's prefix, "model.diffusion_model", a dot behind it or not, or empty.
    scope(graph& g, weight_store& store, std::string root, taps* noted = nullptr)
        : g(g), store(store), root_(std::move(root)), noted_(noted) {
        if (root_.ends_with('.')) root_.pop_back();
    }

    graph& g;
    weight_store& store;

    /// The part named so below this one.
    scope operator[](std::string_view part) const;
    scope operator[](int part) const { return (*this)[std::to_string(part)]; }

    /// Of this part, below the network.
    std::string const& path() const { return path_; }
    /// Full name of a tensor of this part.
    std::string name(std::string_view tensor) const;
    bool has(std::string_view tensor) const { return store.source().find(name(tensor)) != nullptr; }

    /// Whether somebody wants taps: then what a fused op hides is computed once more.
    bool tapped() const { return noted_ != nullptr; }
    /// Notes t under this part's name (and `suffix`) where somebody wants taps; returns t.
    tensor const& tap(tensor const& t, std::string_view suffix = "") const;

  private:
    std::string root_, path_; // of the network; below it
    taps* noted_;
};

/// The ops of compute/ops.h with the weights of a part: `weight`, and `bias` where there is one.
tensor linear(scope const&, tensor const& x, epilogue = {});
/// Outputs first … first + count − 1 alone; both are multiples of 16.
tensor linear_rows(scope const&, tensor const& x, int first, int count, epilogue = {});
/// x [.., k] → value·gelu(gate), weight [2n, k].
tensor linear_geglu(scope const&, tensor const& x);
tensor conv2d(scope const&, tensor const& x, conv2d_options const& = same_3x3, epilogue = {});
/// torch's ConvTranspose2d with square kernels; + the middle of `base`, as interleave() takes it.
tensor conv_transpose2d(scope const&, tensor const& x, int stride, int pad, epilogue = {},
                        std::optional<tensor> const& base = {});
tensor group_norm(scope const&, tensor const& x, float eps, activation = activation::none, int groups = 32);
/// What conv2d's `affine` takes; with `second`: of concat(x, second).
tensor group_norm_affine(scope const&, tensor const& x, float eps, std::optional<tensor> const& second = {},
                         int groups = 32);
tensor layer_norm(scope const&, tensor const& x, float eps = 1e-5f);

} // namespace sfumato
