#include "pictures/damage.h"

#include <array>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <vector>

extern "C" {
#include <jerror.h>
#include <jpeglib.h>
}

namespace sfumato {

namespace fs = std::filesystem;

namespace {

// libjpeg's own handler, so that it ends this check and not the process.
struct checking : jpeg_error_mgr {
    std::jmp_buf on_error;
    char text[JMSG_LENGTH_MAX] = "";
};

checking& of(j_common_ptr jpeg) { return static_cast<checking&>(*jpeg->err); }

void note(j_common_ptr jpeg) {
    if (!of(jpeg).text[0]) jpeg->err->format_message(jpeg, of(jpeg).text);
}

void note_error(j_common_ptr jpeg) {
    note(jpeg);
    std::longjmp(of(jpeg).on_error, 1);
}

void note_warning(j_common_ptr jpeg, int level) {
    int const code = jpeg->err->msg_code;
    bool const harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM;
    if (level < 0 && !harmless) note(jpeg);
}

// Decodes everything at an eighth of its size. No object here may need its destructor: errors jump out.
void decode(jpeg_decompress_struct& jpeg, checking& errors, std::FILE* file, std::vector<JSAMPLE>& row) {
    if (setjmp(errors.on_error)) return;
    jpeg_create_decompress(&jpeg);
    jpeg_stdio_src(&jpeg, file);
    jpeg_read_header(&jpeg, TRUE);
    jpeg.out_color_space = jpeg.jpeg_color_space;
    jpeg.scale_num = 1;
    jpeg.scale_denom = 8;
    jpeg_start_decompress(&jpeg);
    row.resize(std::size_t(jpeg.output_width) * std::size_t(jpeg.output_components));
    JSAMPROW const rows[]{row.data()};
    while (jpeg.output_scanline < jpeg.output_height && !errors.text[0])
        jpeg_read_scanlines(&jpeg, const_cast<JSAMPARRAY>(rows), 1);
    if (!errors.text[0]) jpeg_finish_decompress(&jpeg);
}

} // namespace

std::string jpeg_damage(fs::path const& path) {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(std::fopen(path.c_str(), "rb"), std::fclose);
    if (!file) return "it cannot be opened";
    checking errors;
    jpeg_decompress_struct jpeg{};
    jpeg.err = jpeg_std_error(&errors);
    errors.error_exit = note_error;
    errors.emit_message = note_warning;
    std::vector<JSAMPLE> row;
    decode(jpeg, errors, file.get(), row);
    jpeg_destroy_decompress(&jpeg);
    return errors.text;
}

std::string webp_damage(fs::path const& path) {
    std::array<unsigned char, 8> b{}; // "RIFF", then the bytes that follow, little-endian
    std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(b.data()), b.size());
    std::uint64_t const length = 8 + (b[4] | b[5] << 8 | b[6] << 16 | std::uint64_t(b[7]) << 24);
    std::error_code none;
    return fs::file_size(path, none) < length ? "it ends too early" : "";
}

} // namespace sfumato
