#include "pictures/embedded_profile.h"

#include "compute/error.h"
#include "pictures/metadata.h"

#include <exiv2/exiv2.hpp>

namespace sfumato {

std::string read_profile(std::filesystem::path const& path) try {
    start_metadata();
    auto const image = Exiv2::ImageFactory::open(path.string());
    image->readMetadata();
    if (!image->iccProfileDefined()) return "";
    Exiv2::DataBuf const& icc = image->iccProfile();
    return {reinterpret_cast<char const*>(icc.c_data()), icc.size()};
} catch (Exiv2::Error const&) {
    return "";
}

void write_profile(std::filesystem::path const& path, std::string const& icc, std::string const& name) try {
    start_metadata();
    auto const image = Exiv2::ImageFactory::open(path.string());
    image->readMetadata();
    if (icc.empty() && !image->iccProfileDefined()) return;
    if (icc.empty())
        image->clearIccProfile();
    else
        image->setIccProfile(Exiv2::DataBuf(reinterpret_cast<Exiv2::byte const*>(icc.data()), icc.size()), false);
    image->writeMetadata();
} catch (Exiv2::Error const& e) {
    fail("{} could not be written: its colour profile does not go into it ({}).", name, e.what());
}

} // namespace sfumato
