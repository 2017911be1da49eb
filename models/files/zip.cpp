#include "models/files/zip.h"

#include "compute/error.h"
#include "models/files/byte_reader.h"

#include <algorithm>
#include <optional>

namespace sfumato {

namespace {

constexpr std::uint32_t local_signature = 0x04034b50, central_signature = 0x02014b50, end_signature = 0x06054b50,
                        end64_signature = 0x06064b50, locator64_signature = 0x07064b50;
constexpr std::size_t end_size = 22, locator64_size = 20, longest_comment = 0xffff;

struct directory {
    std::uint64_t entries = 0, size = 0, offset = 0;
};

struct archive_reader {
    std::span<std::byte const> archive;
    std::string const& source;

    [[noreturn]] void damaged(sentence const& what) const {
        fail("'{}' is damaged or cut off: {}; get the file again.", source, what);
    }
    byte_reader at(std::uint64_t offset) const {
        if (offset > archive.size()) damaged(say("its directory points behind its end"));
        return {archive.subspan(offset), source};
    }

    // Where the end record begins: it is the last thing in the file but for a comment.
    std::uint64_t end_record() const {
        std::size_t const least =
            archive.size() > end_size + longest_comment ? archive.size() - end_size - longest_comment : 0;
        for (std::size_t offset = archive.size() - std::min(archive.size(), end_size) + 1; offset-- > least;)
            if (archive.size() - offset >= end_size && at(offset).number<std::uint32_t>() == end_signature)
                return offset;
        damaged(say("the directory at its end is missing"));
    }

    // Where the record of the 64-bit format says so, beyond what the old one can.
    std::optional<directory> directory64(std::uint64_t end) const {
        if (end < locator64_size) return {};
        byte_reader locator = at(end - locator64_size);
        if (locator.number<std::uint32_t>() != locator64_signature) return {};
        locator.take(4);
        byte_reader record = at(locator.number<std::uint64_t>());
        if (record.number<std::uint32_t>() != end64_signature)
            damaged(say("its 64-bit directory is not where it should be"));
        record.take(28);
        directory d;
        d.entries = record.number<std::uint64_t>();
        d.size = record.number<std::uint64_t>();
        d.offset = record.number<std::uint64_t>();
        return d;
    }

    directory find_directory() const {
        std::uint64_t const end = end_record();
        if (auto const d = directory64(end)) return *d;
        byte_reader record = at(end);
        record.take(10);
        directory d;
        d.entries = record.number<std::uint16_t>();
        d.size = record.number<std::uint32_t>();
        d.offset = record.number<std::uint32_t>();
        return d;
    }
};

struct central_entry {
    std::string name;
    std::uint64_t packed, size, offset;
    bool stored;
};

// Numbers that do not fit 32 bits stand in an extra field, in this order.
void read_extra(byte_reader extra, central_entry& e) {
    while (extra.rest.size() >= 4) {
        auto const id = extra.number<std::uint16_t>();
        byte_reader field{extra.take(extra.number<std::uint16_t>()), extra.source};
        if (id != 1) continue;
        for (std::uint64_t* value : {&e.size, &e.packed, &e.offset})
            if (*value == 0xffffffff) *value = field.number<std::uint64_t>();
    }
}

central_entry read_central(byte_reader& directory, archive_reader const& zip) {
    if (directory.number<std::uint32_t>() != central_signature) zip.damaged(say("its directory is not one"));
    directory.take(4);
    auto const flags = directory.number<std::uint16_t>(), method = directory.number<std::uint16_t>();
    directory.take(8);
    central_entry e;
    e.packed = directory.number<std::uint32_t>();
    e.size = directory.number<std::uint32_t>();
    auto const name = directory.number<std::uint16_t>(), extra = directory.number<std::uint16_t>(),
               comment = directory.number<std::uint16_t>();
    directory.take(8);
    e.offset = directory.number<std::uint32_t>();
    e.name = directory.text(name);
    read_extra({directory.take(extra), directory.source}, e);
    directory.take(comment);
    e.stored = method == 0 && !(flags & 1) && e.packed == e.size;
    return e;
}

std::span<std::byte const> bytes_of(central_entry const& e, archive_reader const& zip) {
    byte_reader local = zip.at(e.offset);
    if (local.number<std::uint32_t>() != local_signature) zip.damaged(say("its directory points to no file"));
    local.take(22);
    auto const name = local.number<std::uint16_t>(), extra = local.number<std::uint16_t>();
    local.take(std::uint64_t(name) + extra);
    return local.take(e.packed);
}

} // namespace

bool is_zip(std::span<std::byte const> bytes) {
    constexpr std::byte local[] = {std::byte('P'), std::byte('K'), std::byte(3), std::byte(4)};
    return bytes.size() >= sizeof local && std::ranges::equal(bytes.first(sizeof local), local);
}

std::map<std::string, zip_entry, std::less<>> read_zip(std::span<std::byte const> archive, std::string const& source) {
    archive_reader const zip{archive, source};
    directory const d = zip.find_directory();
    byte_reader entries{zip.at(d.offset).take(d.size), source};
    std::map<std::string, zip_entry, std::less<>> files;
    for (std::uint64_t i = 0; i < d.entries; ++i) {
        central_entry e = read_central(entries, zip);
        zip_entry const file{bytes_of(e, zip), e.stored};
        if (!files.emplace(std::move(e.name), file).second) zip.damaged(say("a file comes twice in it"));
    }
    return files;
}

} // namespace sfumato
