#include "models/files/torch_zip.h"

#include "compute/error.h"
#include "models/files/torch_tensors.h"
#include "models/files/zip.h"

#include <algorithm>

namespace sfumato {

namespace {

std::string_view text_of(std::span<std::byte const> bytes) {
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

struct torch_archive {
    std::map<std::string, zip_entry, std::less<>> files;
    std::string folder; // before data.pkl: the archive's name and /
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
    torch_archive all{read_zip(file.bytes, source), "", source};
    for (auto const& [name, entry] : all.files)
        if (name.ends_with(pickle) && std::ranges::count(name, '/') <= 1) {
            all.folder = name.substr(0, name.size() - pickle.size());
            return all;
        }
    fail("'{}' is a zip archive, but not one of PyTorch (it has no data.pkl): if a model is in it, unpack it.", source);
}

} // namespace

checkpoint read_torch_zip(mapped_file const& file, std::string const& source) {
    torch_archive const all = open_archive(file, source);
    if (all.find("byteorder") && text_of(all.bytes_of("byteorder")) != "little")
        fail("'{}' holds big-endian numbers, which are not supported.", source);

    // A program's modules lie in a pickle, too; the program itself is not looked at.
    std::string const format = all.find("constants.pkl") ? "TorchScript" : "PyTorch zip";
    return torch_checkpoint(read_pickle(all.bytes_of("data.pkl"), source), format, file, source,
                            [&](pickled_tensor const& t) { return all.bytes_of("data/" + t.storage); });
}

} // namespace sfumato
