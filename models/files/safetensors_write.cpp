#include "models/files/safetensors_write.h"

#include "compute/error.h"

#include <algorithm>
#include <cassert>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <format>
#include <nlohmann/json.hpp>
#include <unistd.h>
#include <utility>

namespace sfumato {

using nlohmann::json;

namespace {

// A file beside its final place; gone at the end unless it was put there.
struct file_in_progress {
    std::filesystem::path final, now;
    int number;

    explicit file_in_progress(std::filesystem::path const& path)
        : final(path), now(std::format("{}.{}.part", path.string(), getpid())),
          number(open(now.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {
        if (number < 0) failed();
    }
    ~file_in_progress() {
        if (number >= 0) close(number);
        if (!now.empty()) unlink(now.c_str());
    }

    [[noreturn]] void failed() const { fail("'{}' cannot be written: {}.", final.string(), system_says()); }

    void put(std::span<std::byte const> bytes) {
        while (!bytes.empty()) {
            ssize_t const written = write(number, bytes.data(), bytes.size());
            if (written < 0 && errno != EINTR) failed();
            bytes = bytes.subspan(written < 0 ? 0 : std::size_t(written));
        }
    }

    void finish() {
        int const closed = close(std::exchange(number, -1));
        if (closed != 0 || rename(now.c_str(), final.c_str()) != 0) failed();
        now.clear();
    }
};

std::string dtype_of(stored_type type) {
    assert(type <= stored_type::boolean); // blocks have no name in this format
    std::string name(type == stored_type::boolean ? "bool" : name_of(type));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
    return name;
}

} // namespace

stored_tensor f32_tensor(std::vector<std::int64_t> shape, std::span<float const> values) {
    stored_tensor t{.type = stored_type::f32, .shape = std::move(shape), .mapped = std::as_bytes(values)};
    assert(t.count() == values.size());
    return t;
}

void write_safetensors(std::filesystem::path const& path, std::map<std::string, stored_tensor, std::less<>> const& all,
                       json const& metadata) {
    json header = json::object();
    if (!metadata.empty()) header["__metadata__"] = metadata;
    std::size_t end = 0;
    for (auto const& [name, tensor] : all) {
        std::size_t const begin = std::exchange(end, end + tensor.bytes());
        header[name] = {{"dtype", dtype_of(tensor.type)}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' '); // so that the data is aligned
    std::uint64_t const length = text.size();

    file_in_progress file(path);
    file.put(std::as_bytes(std::span(&length, 1)));
    file.put(std::as_bytes(std::span(text)));
    std::vector<std::byte> scratch;
    for (auto const& [name, tensor] : all) file.put(tensor.read(scratch));
    file.finish();
}

} // namespace sfumato
