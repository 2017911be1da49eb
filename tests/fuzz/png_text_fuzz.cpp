// Any bytes as a PNG that carries a recipe: an error in one short sentence, none, or a text of bounded length.
#include "compute/error.h"
#include "pictures/png_text.h"

#include <cstdlib>
#include <sstream>

using namespace sfumato;

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    std::istringstream png(std::string(reinterpret_cast<char const*>(data), size));
    try {
        auto const text = find_png_text(png, "Comment", "x.png");
        if (text && text->size() > (16u << 20)) std::abort();
    } catch (error const& e) {
        if (std::string_view(e.what()).size() > 300) std::abort();
    }
    return 0;
}
