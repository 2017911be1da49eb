#include "models/files/torch_tensors.h"

#include "compute/error.h"
#include "models/files/wrapper.h"

#include <algorithm>
#include <cstring>

namespace sfumato {

namespace {

// The last element that a tensor reaches, counted from the storage's start; −1: none. Nothing: it is none.
std::optional<std::int64_t> last_element(pickled_tensor const& t) {
    std::int64_t last = t.offset;
    if (t.shape.size() != t.strides.size() || t.offset < 0) return {};
    if (std::ranges::count(t.shape, 0) > 0) return -1;
    for (std::size_t i = 0; i < t.shape.size(); ++i) {
        std::int64_t reach;
        if (t.shape[i] < 0 || t.strides[i] < 0 || __builtin_mul_overflow(t.shape[i] - 1, t.strides[i], &reach) ||
            __builtin_add_overflow(last, reach, &last))
            return {};
    }
    return last;
}

// Of a tensor that fits: its extents' product is no more than the file's bytes, unless one of them is 0.
bool is_contiguous(pickled_tensor const& t) {
    if (std::ranges::count(t.shape, 0) > 0) return true;
    std::int64_t expected = 1;
    for (std::size_t i = t.shape.size(); i-- > 0;) {
        if (t.shape[i] != 1 && t.strides[i] != expected) return false;
        expected *= t.shape[i];
    }
    return true;
}

// Elements of `size` bytes of a strided tensor, in order.
void gather(std::span<std::byte const> storage, pickled_tensor const& t, std::size_t size, std::span<std::byte> to) {
    std::vector<std::int64_t> index(t.shape.size());
    std::int64_t at = t.offset;
    for (std::size_t done = 0; done < to.size(); done += size) {
        std::memcpy(&to[done], &storage[std::size_t(at) * size], size);
        for (std::size_t axis = index.size(); axis-- > 0;) {
            at += t.strides[axis];
            if (++index[axis] < t.shape[axis]) break;
            at -= t.strides[axis] * t.shape[axis];
            index[axis] = 0;
        }
    }
}

// `largest`: bytes.
stored_tensor tensor_of(std::string const& name, pickled_tensor const& t, std::span<std::byte const> storage,
                        std::size_t largest, std::string const& source) {
    stored_tensor result{.type = t.type, .shape = t.shape};
    std::size_t const element = stored_bytes(t.type, {}).value();
    auto const size = stored_bytes(t.type, t.shape);
    auto const last = last_element(t);
    bool const inside = size && last && *last < std::int64_t(storage.size() / element);
    // Rows may be the same bytes again and again, but not more than any file of this size could have.
    if (!inside || *size > largest)
        fail("'{}' is damaged: tensor {} of {} does not fit its {} bytes.", source, show_name(name), show_shape(result),
             storage.size());

    if (is_contiguous(t))
        result.mapped = storage.subspan(*size ? std::size_t(t.offset) * element : 0, *size);
    else
        result.make = [bytes = storage, t, element](std::span<std::byte> to) { gather(bytes, t, element, to); };
    return result;
}

// Why a file of PyTorch's holds no tensor.
[[noreturn]] void refuse_without_tensors(pickled const& all, std::string const& source) {
    auto const of_training = [](std::string_view name) {
        return name.starts_with("optimizer") || name.starts_with("schedulers") || name.starts_with("lr_scheduler");
    };
    if (std::ranges::any_of(all.others, of_training))
        fail("'{}' holds the state of a training (its optimizer) and not the network: choose the file that the "
             "training saved beside it.",
             source);
    if (!all.object.empty())
        fail("'{}' holds a Python object (of class {}), and not tensors by their names: get the model's weights (a "
             "state_dict, .pth or .safetensors) instead.",
             source, show_name(all.object));
    fail("'{}' holds no tensors: choose another file.", source);
}

} // namespace

checkpoint torch_checkpoint(pickled all, std::string format, mapped_file const& file, std::string const& source,
                            std::function<std::span<std::byte const>(pickled_tensor const&)> const& storage_of) {
    checkpoint c{.source = source, .format = std::move(format), .metadata = nlohmann::json::object()};
    c.files = {file};
    if (all.tensors.empty()) refuse_without_tensors(all, source);
    std::string_view const wrapper = wrapper_of(all.tensors);
    for (auto const& [full, tensor] : all.tensors)
        if (full.starts_with(wrapper)) {
            std::string const name = full.substr(wrapper.size());
            c.tensors.emplace(name, tensor_of(name, tensor, storage_of(tensor), file.bytes.size(), source));
        }
    if (all.others.contains(std::string(wrapper) + "pro")) c.metadata["pro"] = true;
    return c;
}

} // namespace sfumato
