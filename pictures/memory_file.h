// A file in memory, for libraries that do not notice a full disk, or end the process there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace sfumato {

class memory_file {
  public:
    memory_file();
    explicit memory_file(std::filesystem::path const& from); // with a file's bytes
    memory_file(memory_file const&) = delete;
    ~memory_file();

    /// To be opened like any other, as long as this lives.
    std::filesystem::path const path;
    std::uintmax_t size() const;
    /// Writes it to the disk, with the permissions of a new file. Throws error that names the file `name`.
    void copy_to(std::filesystem::path const&, std::string const& name) const;

  private:
    memory_file(int descriptor);
    int const descriptor_;
};

} // namespace sfumato
