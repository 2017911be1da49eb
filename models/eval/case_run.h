// One run of a network on a case's tensors: torch's order becomes channels last on the way in, and comes back on the
// way out.
#pragma once

#include "models/eval/case.h"
#include "models/nets/scope.h"

namespace sfumato {

struct eval_options {
    dtype type = dtype::f32; // of weights and activations
    bool taps = false;       // intermediate results too
    waiting_weights waiting{};
};

/// How torch arranges what is [n, h, w, c] or [n, 1, w, c] or [n, 1, 1, c] here: [n, c, h, w], [n, w, c], [n, c].
enum class torch_layout : std::uint8_t { picture, tokens, list };

class case_run {
  public:
    case_run(device&, std::shared_ptr<checkpoint const>, eval_options const&);

    sfumato::graph& graph() { return graph_; }
    /// `prefix`: the network's, as scope takes it.
    scope network(std::string_view prefix) {
        return {graph_, store_, std::string(prefix), options_.taps ? &noted_ : nullptr};
    }

    /// Inputs, as f32.
    tensor input(case_tensor const&, torch_layout);
    /// [n] → {.c = n}
    tensor numbers(case_tensor const&);
    /// Whole numbers of any shape, as u32 {.n, .w}: token ids.
    tensor ids(case_tensor const&);
    /// As networks are to store it.
    tensor stored(tensor const& t) { return cast(graph_, t, options_.type); }

    /// The result "out.`name`".
    void output(std::string const& name, tensor const&, torch_layout);

    /// `tap_layout`: of each tap, by its name. → out.* and tap.*
    case_tensors run(torch_layout (*tap_layout)(std::string_view));

  private:
    struct result {
        std::string name;
        tensor value;
        torch_layout layout;
    };

    device& device_;
    eval_options options_;
    weight_store store_;
    sfumato::graph graph_;
    taps noted_;
    std::vector<std::pair<tensor, std::vector<float>>> uploads_;
    std::vector<std::pair<tensor, std::vector<std::uint32_t>>> id_uploads_;
    std::vector<result> results_;
};

} // namespace sfumato
