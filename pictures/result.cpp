#include "pictures/result.h"

#include "compute/error.h"
#include "pictures/scratch_file.h"
#include "request/rescue.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace sfumato {

namespace fs = std::filesystem;

namespace {

// An empty file is made, and gone again. False: errno says why not.
bool can_make(fs::path const& path) {
    int const file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) return false;
    ::close(file);
    ::unlink(path.c_str());
    return true;
}

// In a folder such as /tmp only its owner may replace a file.
bool may_replace(fs::path const& path) {
    struct stat file{}, folder{};
    if (::lstat(path.c_str(), &file) != 0 || ::stat(path.parent_path().c_str(), &folder) != 0) return true;
    uid_t const user = ::geteuid();
    return !(folder.st_mode & S_ISVTX) || user == 0 || user == file.st_uid || user == folder.st_uid;
}

void check_name(fs::path const& path) {
    std::error_code none;
    if (fs::is_directory(path, none)) fail("{} cannot be written: it is a directory.", path.string());
    fs::path const target = fs::absolute(behind_links(path));
    // A name that is taken is fine: that file is replaced.
    if ((!can_make(target) && errno != EEXIST) || !can_make(scratch_file(target).path))
        fail("{} cannot be written: {}.", path.string(), std::strerror(errno));
    if (!may_replace(target)) fail("{} cannot be written: the file there is another user's.", path.string());
}

void check_size(fs::path const& path, picture_format const& format, result_size const& size) {
    if (std::max(size.width, size.height) > format.longest)
        fail("{} cannot be written: {} × {} pixels are more than a {} picture can have ({}); end its name in .png or "
             ".tif.",
             path.string(), size.width, size.height, format.name, format.longest);
    double const bytes = double(size.width) * size.height * size.bytes_per_pixel;
    if (bytes > format.most_bytes)
        fail("{} cannot be written: its {:.1f} GB of pixels are more than an {} file can have here; end its name in "
             ".tif.",
             path.string(), bytes / 1e9, format.name);
    std::error_code failed;
    fs::space_info const room = fs::space(fs::absolute(behind_links(path)).parent_path(), failed);
    if (!failed && double(room.available) < bytes * format.least_part)
        fail("{} cannot be written: it takes {:.1f} GB at least, and {:.1f} GB are free there; make room, or name "
             "another place.",
             path.string(), bytes * format.least_part / 1e9, double(room.available) / 1e9);
}

// Where it is; nothing: it could not be kept there.
std::optional<fs::path> keep(picture_file const& made, fs::path const& folder, std::vector<text_entry> const& texts) {
    try {
        fs::path const path = rescue_name(folder, ".png");
        made.write(path, texts);
        return path;
    } catch (std::exception const&) {
        return {}; // the next place is tried
    }
}

} // namespace

void check_can_write(fs::path const& path, result_size size) {
    picture_format const& format = format_by_name(path);
    check_name(path);
    check_size(path, format, size);
}

void write_result(picture_file const& made, fs::path const& path, std::vector<text_entry> const& texts,
                  plain_colour const& background) try {
    made.write(path, texts, background);
} catch (std::exception const& e) {
    std::vector<fs::path> folders = rescue_folders();
    folders.insert(folders.begin(), fs::absolute(behind_links(path)).parent_path());
    for (fs::path const& folder : folders)
        if (auto const kept = keep(made, folder, texts))
            fail("{} The picture is finished: it is kept as {}.", e.what(), kept->string());
    throw;
}

} // namespace sfumato
