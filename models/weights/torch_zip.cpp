#include "models/weights/torch_zip.h"

#include "compute/error.h"
#include "models/weights/pickle.h"
#include "models/weights/zip.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace sfumato {

namespace {

std::string_view text_of(std::span<std::byte const> bytes) {
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

struct torch_archive {
    std::map<std::string, zip_entry, std::less<>> files;
    std::string folder; // before data.pkl: the archive's name and /
    std::size_t size;
    std::string const& source;

    zip_entry const* find(std::string_view name) const {
        auto const found = files.find(folder + std::string(name));
        return found == files.end() ? nullptr : &found->second;
    }
    std::span<std::byte const> bytes_of(std::string_view name) const {
        auto const file = find(name);
        if (!file) fail("'{}' is damaged: {} is not in it.", source, show_name(name));
        if (!file->stored)
            fail("'{}' is compressed, which is not supported; load and save the model again with PyTorch.", source);
        return file->bytes;
    }
};

torch_archive open_archive(mapped_file const& file, std::string const& source) {
    constexpr std::string_view pickle = "data.pkl";
    torch_archive all{read_zip(file.bytes, source), "", file.bytes.size(), source};
    for (auto const& [name, entry] : all.files)
        if (name.ends_with(pickle) && std::ranges::count(name, '/') <= 1) {
            all.folder = name.substr(0, name.size() - pickle.size());
            return all;
        }
    fail("'{}' is a zip archive, but not one of PyTorch: it has no data.pkl.", source);
}

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

bool is_contiguous(pickled_tensor const& t) {
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

stored_tensor tensor_of(std::string const& name, pickled_tensor const& t, torch_archive const& all) {
    auto const storage = all.bytes_of("data/" + t.storage);
    stored_tensor result{.type = t.type, .shape = t.shape};
    std::size_t const element = stored_bytes(t.type, {}).value();
    auto const size = stored_bytes(t.type, t.shape);
    auto const last = last_element(t);
    bool const inside = size && last && *last < std::int64_t(storage.size() / element);
    // Rows may be the same bytes again and again, but not more than any file of this size could have.
    if (!inside || *size > all.size)
        fail("'{}' is damaged: tensor {} of {} does not fit its {} bytes.", all.source, show_name(name),
             show_shape(result), storage.size());

    if (is_contiguous(t))
        result.mapped = storage.subspan(*size ? std::size_t(t.offset) * element : 0, *size);
    else
        result.make = [bytes = storage, t, element](std::span<std::byte> to) { gather(bytes, t, element, to); };
    return result;
}

// Training programs put the tensors into a dictionary of their own.
void unwrap(std::map<std::string, pickled_tensor, std::less<>>& tensors) {
    constexpr std::array wrappers = {"state_dict.", "model_state_dict.", "params_ema.", "params-ema.", "params."};
    for (std::string_view const wrapper : wrappers) {
        std::map<std::string, pickled_tensor, std::less<>> inner;
        for (auto& [name, tensor] : tensors)
            if (name.starts_with(wrapper)) inner.emplace(name.substr(wrapper.size()), std::move(tensor));
        if (inner.empty()) continue;
        tensors = std::move(inner);
        return;
    }
}

} // namespace

checkpoint read_torch_zip(mapped_file const& file, std::string const& source) {
    torch_archive const all = open_archive(file, source);
    if (all.find("constants.pkl")) fail("'{}' is a TorchScript program, which is not supported yet.", source);
    if (all.find("byteorder") && text_of(all.bytes_of("byteorder")) != "little")
        fail("'{}' holds big-endian numbers, which are not supported.", source);

    auto tensors = read_pickle(all.bytes_of("data.pkl"), source);
    unwrap(tensors);
    checkpoint c{.source = source, .format = "PyTorch zip", .metadata = nlohmann::json::object()};
    c.mappings = {file.mapping};
    c.files = {file.bytes};
    for (auto const& [name, tensor] : tensors) c.tensors.emplace(name, tensor_of(name, tensor, all));
    return c;
}

void refuse_old_torch_file(std::span<std::byte const> bytes, std::string const& source) {
    // A pickle of protocol 2 or later that begins with a number of ten bytes: 0x1950a86a20f9469cfc6c.
    constexpr std::array<unsigned char, 12> magic = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                                     0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    if (bytes.size() < 2 + magic.size() || bytes[0] != std::byte(0x80)) return;
    if (std::memcmp(&bytes[2], magic.data(), magic.size()) == 0)
        fail("'{}' is in PyTorch's format of before version 1.6; load and save it once with a newer PyTorch, or take "
             "its "
             ".safetensors.",
             source);
}

} // namespace sfumato
