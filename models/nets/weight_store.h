// The weights of a network on a device: what its graphs ask for is noted while they are recorded, so the memory is
// known; then all of it is loaded at once, and stays.
#pragma once

#include "compute/ops.h"
#include "models/files/checkpoint.h"
#include "models/names/weight_patch.h"
#include "request/job.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

/// Tensors that wait in the computer's memory: matrices are fetched each time that a graph needs them, and tables are
/// read where they lie.
struct waiting_weights {
    bool all = false;
    std::set<std::string, std::less<>> names{};

    bool contains(std::string_view name) const { return all || names.contains(name); }
    bool operator==(waiting_weights const&) const = default;
};

struct weight_options {
    /// How matrices are kept: the file's own type when not set (f64 and f32 as f16; f8 as f16; q8_0 and q4_0 stay, but
    /// with patches are f16).
    std::optional<weight_format> format;
    waiting_weights waiting{};
    bool operator==(weight_options const&) const = default;
};

/// The weight format that keeps matrices as numbers of that type; nothing where none is given.
std::optional<weight_format> format_of(std::optional<dtype>);

class weight_store {
  public:
    /// The checkpoint's mappings live as long as the store.
    explicit weight_store(std::shared_ptr<checkpoint const>, weight_options = {});
    ~weight_store();
    weight_store(weight_store const&) = delete;
    weight_store& operator=(weight_store const&) = delete;

    checkpoint const& source() const { return *checkpoint_; }
    weight_options const& options() const { return options_; }

    /// What a graph needs, by the full name of a tensor. Each may be asked for any number of times, by any graph; a
    /// graph that asked runs after the next load(). Throws error when the checkpoint's tensor is missing or has another
    /// number of dimensions.
    packed_weights linear(graph&, std::string const& name, bool geglu = false); // [n, k] or [n, k, 1, 1]
    packed_weights conv2d(graph&, std::string const& name);                     // [outputs, inputs, h, w]
    /// [inputs, outputs, k, k] of a transposed convolution, as models/nets/transposed.h makes an ordinary one of it.
    packed_weights transposed(graph&, std::string const& name, int stride, int pad);
    tensor vector(graph&, std::string const& name); // [c] as f32
    tensor table(graph&, std::string const& name);  // [rows, c] as {.w, .c}
    /// The middle h × w of a square table [1, side², c]; models/nets/table_window.h. One of another size is let go.
    tensor window(graph&, std::string const& name, int h, int w); // as {.h, .w, .c}

    /// From the next load() on these are added to the checkpoint's tensors, in place of those that were: what is
    /// patched otherwise than before is loaded anew, and without a patch it is what the file says, bit for bit. A patch
    /// of a tensor that no graph asks for does nothing. Graphs are recorded anew afterwards. load() throws error where
    /// one does not fit.
    void set_patches(std::vector<weight_patch>);

    /// Lets the largest matrices and tables wait in the computer's memory, until at least `bytes` are saved on the
    /// device or none is left. Returns how many are. Nothing is loaded yet, and graphs are recorded anew afterwards.
    std::uint64_t move_to_host(std::uint64_t bytes);
    /// Those that wait.
    waiting_weights waiting() const;

    /// What all that was asked for takes there; what of it has a place on the device takes; and what the device needs
    /// beside that while loading.
    std::uint64_t bytes(device&, residence) const;
    std::uint64_t loaded_bytes(device&) const;
    std::uint64_t loading_bytes(device&);

    /// All that was asked for is there.
    bool loaded() const;
    /// Reads and converts what is not there yet. False: cancelled. Throws error: damaged file, no memory.
    bool load(device&, job const& = {});

  private:
    struct entry;
    struct upload;
    struct batch;
    enum class kind { linear, geglu, conv2d, transposed, vector, table };
    /// `made`: not the checkpoint's tensor of that name, but one that is made of it.
    entry& ask(std::string const& name, kind, std::optional<stored_tensor> made = {});
    void give_home(entry&) const;
    packed_weights matrix(graph&, entry const&);
    std::vector<weight_patch> patches_of(std::string const& name) const;
    std::vector<resident> residents(residence, bool placed_too) const;
    batch next_batch(device&, std::size_t& first);

    std::shared_ptr<checkpoint const> checkpoint_;
    weight_options options_;
    std::vector<weight_patch> patches_;
    std::map<std::pair<std::string, kind>, std::unique_ptr<entry>, std::less<>> entries_;
    std::vector<entry*> in_order_;
    std::vector<std::unique_ptr<host_import>> imports_; // of the checkpoint's files; null: the device reads none itself
};

} // namespace sfumato
