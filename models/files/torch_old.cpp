#include "models/files/torch_old.h"

#include "compute/error.h"
#include "models/files/byte_reader.h"
#include "models/files/torch_tensors.h"

#include <algorithm>
#include <array>

namespace sfumato {

namespace {

pickled take_pickle(byte_reader& file) {
    auto const all = file.rest.first(std::min(file.rest.size(), longest_pickle));
    pickled one = read_pickle(all, file.source);
    file.take(one.bytes);
    return one;
}

named<std::span<std::byte const>> take_storages(byte_reader& file, pickled const& names,
                                                std::vector<std::string> const& keys) {
    named<std::span<std::byte const>> storages;
    for (std::string const& key : keys) {
        auto const known = names.storages.find(key);
        auto const count = file.number<std::int64_t>();
        if (known == names.storages.end() || known->second.count != count)
            fail("'{}' is damaged: storage {} has {} numbers, which its pickle does not say.", file.source,
                 show_name(key), count);
        auto const bytes = stored_bytes(known->second.type, std::array{count});
        if (!bytes) fail("'{}' is damaged: storage {} has {} numbers.", file.source, show_name(key), count);
        storages[key] = file.take(*bytes);
    }
    return storages;
}

} // namespace

bool is_old_torch_file(std::span<std::byte const> bytes) {
    // A pickle of protocol 2 or later that begins with a number of ten bytes: 0x1950a86a20f9469cfc6c.
    constexpr std::array<unsigned char, 12> magic = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                                     0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    return bytes.size() >= 2 + magic.size() && bytes[0] == std::byte(0x80) &&
           std::memcmp(&bytes[2], magic.data(), magic.size()) == 0;
}

checkpoint read_old_torch_file(mapped_file const& mapped, std::string const& source) {
    byte_reader file{mapped.bytes, source};
    take_pickle(file); // the magic number
    take_pickle(file); // the version, 1001 since the first
    if (!take_pickle(file).others.contains("little_endian"))
        fail("'{}' holds big-endian numbers, which are not supported.", source);
    pickled names = take_pickle(file);
    auto const storages = take_storages(file, names, take_pickle(file).texts);
    return torch_checkpoint(std::move(names), "PyTorch", mapped, source, [&](pickled_tensor const& t) {
        auto const found = storages.find(t.storage);
        if (found == storages.end()) fail("'{}' is damaged: storage {} is not in it.", source, show_name(t.storage));
        return found->second;
    });
}

} // namespace sfumato
