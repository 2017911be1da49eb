// An open TIFF, and what libtiff says of it.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <tiffio.h>

namespace sfumato {

// What libtiff says of a file, instead of saying it on standard error.
struct tiff_file {
    std::string complaint{};
    std::unique_ptr<TIFF, void (*)(TIFF*)> tiff{nullptr, TIFFClose};

    tiff_file(std::filesystem::path const& path, char const* mode) {
        TIFFOpenOptions* const options = TIFFOpenOptionsAlloc();
        TIFFOpenOptionsSetErrorHandlerExtR(options, note, this);
        TIFFOpenOptionsSetWarningHandlerExtR(options, note_loss, this);
        tiff.reset(TIFFOpenExt(path.c_str(), mode, options));
        TIFFOpenOptionsFree(options);
    }

    template <class T> T field(std::uint32_t tag, T otherwise = {}) const {
        T value{};
        return TIFFGetFieldDefaulted(tiff.get(), tag, &value) ? value : otherwise;
    }

  private:
    // Most are of tags that do no harm; but what is cut off is damage.
    static int note_loss(TIFF* tiff, void* self, char const* module, char const* format, va_list arguments) {
        return std::string_view(format).starts_with("IO error") ? note(tiff, self, module, format, arguments) : 1;
    }
    static int note(TIFF*, void* self, char const*, char const* format, va_list arguments) {
        char text[400];
        std::vsnprintf(text, sizeof text, format, arguments);
        std::string& complaint = static_cast<tiff_file*>(self)->complaint;
        if (complaint.empty()) complaint = text;
        return 1;
    }
};

} // namespace sfumato
