#include "pictures/colour_profile.h"

#include <algorithm>
#include <lcms2.h>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace sfumato {

namespace {

struct close_profile {
    void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using profile_handle = std::unique_ptr<void, close_profile>;

struct free_curve {
    void operator()(cmsToneCurve* curve) const { cmsFreeToneCurve(curve); }
};
using curve_handle = std::unique_ptr<cmsToneCurve, free_curve>;

profile_handle open(std::string_view icc) {
    return profile_handle(icc.empty() ? cmsCreate_sRGBProfile()
                                      : cmsOpenProfileFromMem(icc.data(), cmsUInt32Number(icc.size())));
}

std::optional<colour_model> model_of(cmsHPROFILE profile) {
    switch (cmsGetColorSpace(profile)) {
    case cmsSigGrayData: return colour_model::grey;
    case cmsSigRgbData: return colour_model::rgb;
    case cmsSigCmykData: return colour_model::cmyk;
    case cmsSigLabData: return colour_model::lab;
    default: return {};
    }
}

cmsUInt32Number floats_of(colour_model m) {
    switch (m) {
    case colour_model::grey: return TYPE_GRAY_FLT;
    case colour_model::rgb: return TYPE_RGB_FLT;
    case colour_model::cmyk: return TYPE_CMYK_FLT;
    case colour_model::lab: return TYPE_Lab_FLT;
    }
    return 0;
}

bool is_linear(cmsHPROFILE profile, cmsTagSignature tag) {
    auto const curve = static_cast<cmsToneCurve const*>(cmsReadTag(profile, tag));
    return curve && cmsIsToneCurveLinear(curve);
}

constexpr int at_once = 4096; // pixels

} // namespace

std::optional<colour_model> model_of_profile(std::string_view icc) {
    profile_handle const profile = open(icc);
    auto const model = profile ? model_of(profile.get()) : std::nullopt;
    if (!model) return {};
    cmsProfileClassSignature const of = cmsGetDeviceClass(profile.get());
    if (of == cmsSigLinkClass || of == cmsSigNamedColorClass || of == cmsSigAbstractClass) return {};
    // A profile may open and yet lack what a conversion takes.
    profile_handle const srgb = open("");
    cmsHTRANSFORM const tried = cmsCreateTransform(profile.get(), floats_of(*model), srgb.get(), TYPE_RGB_FLT,
                                                   INTENT_PERCEPTUAL, cmsFLAGS_NOOPTIMIZE);
    if (!tried) return {};
    cmsDeleteTransform(tried);
    return model;
}

bool is_linear_profile(std::string_view icc) {
    profile_handle const profile = icc.empty() ? nullptr : open(icc);
    if (!profile) return false;
    if (cmsGetColorSpace(profile.get()) == cmsSigGrayData) return is_linear(profile.get(), cmsSigGrayTRCTag);
    return cmsIsMatrixShaper(profile.get()) && is_linear(profile.get(), cmsSigRedTRCTag) &&
           is_linear(profile.get(), cmsSigGreenTRCTag) && is_linear(profile.get(), cmsSigBlueTRCTag);
}

std::string profile_with(std::array<double, 8> const& c, double gamma) {
    cmsCIExyY const white{c[0], c[1], 1};
    cmsCIExyYTRIPLE const primaries{{c[2], c[3], 1}, {c[4], c[5], 1}, {c[6], c[7], 1}};
    curve_handle const curve(cmsBuildGamma(nullptr, gamma));
    cmsToneCurve* const curves[]{curve.get(), curve.get(), curve.get()};
    profile_handle const profile(cmsCreateRGBProfile(&white, &primaries, curves));
    cmsUInt32Number size = 0;
    if (!profile || !cmsSaveProfileToMem(profile.get(), nullptr, &size)) return "";
    std::string icc(size, '\0');
    cmsSaveProfileToMem(profile.get(), icc.data(), &size);
    return icc;
}

colour_transform::colour_transform(void* from_profile, void* to_profile)
    : from(model_of(from_profile).value_or(colour_model::rgb)), to(model_of(to_profile).value_or(colour_model::rgb)),
      transform(cmsCreateTransform(from_profile, floats_of(from), to_profile, floats_of(to), INTENT_PERCEPTUAL,
                                   cmsFLAGS_NOOPTIMIZE | cmsFLAGS_NOCACHE | cmsFLAGS_BLACKPOINTCOMPENSATION)) {
    cmsCloseProfile(from_profile);
    cmsCloseProfile(to_profile);
    if (!transform) throw std::runtime_error("The colours cannot be converted."); // model_of_profile was not asked
}

colour_transform::colour_transform(std::string_view from, std::string_view to)
    : colour_transform(open(from).release(), open(to).release()) {}

colour_transform colour_transform::from_lab(std::string_view to) {
    return {cmsCreateLab4Profile(nullptr), open(to).release()};
}

colour_transform::colour_transform(colour_transform&& other) noexcept
    : from(other.from), to(other.to), transform(std::exchange(other.transform, nullptr)) {}

colour_transform::~colour_transform() {
    if (transform) cmsDeleteTransform(transform);
}

// Little CMS counts ink in percent.
void colour_transform::operator()(float const* source, float* target, long pixels) const {
    if (from != colour_model::cmyk) {
        cmsDoTransform(transform, source, target, cmsUInt32Number(pixels));
        return;
    }
    std::vector<float> percent(std::size_t(at_once) * 4);
    std::size_t const channels = to == colour_model::grey ? 1 : 3;
    for (long done = 0; done < pixels; done += at_once) {
        std::size_t const now = std::size_t(std::min<long>(at_once, pixels - done));
        for (std::size_t i = 0; i < now * 4; ++i) percent[i] = 100 * source[std::size_t(done) * 4 + i];
        cmsDoTransform(transform, percent.data(), target + std::size_t(done) * channels, cmsUInt32Number(now));
    }
}

void convert_colours(std::string const& from, std::string const& to, float* rgba, long pixels) {
    if (from == to) return;
    colour_transform const transform(from, to);
    std::size_t const given = transform.from == colour_model::grey ? 1 : 3,
                      made = transform.to == colour_model::grey ? 1 : 3;
    std::vector<float> source(std::size_t(pixels) * given), target(std::size_t(pixels) * made);
    for (std::size_t i = 0; i < std::size_t(pixels); ++i)
        for (std::size_t c = 0; c < given; ++c) source[i * given + c] = rgba[i * 4 + c];
    transform(source.data(), target.data(), pixels);
    for (std::size_t i = 0; i < std::size_t(pixels); ++i)
        for (std::size_t c = 0; c < 3; ++c) rgba[i * 4 + c] = target[i * made + (made == 3 ? c : 0)];
}

ink_transform::ink_transform(std::string_view icc) {
    if (model_of_profile(icc) == colour_model::cmyk) transform.emplace(icc, "");
}

void ink_transform::operator()(float const* cmyk, float* rgb, long pixels) const {
    if (transform) return (*transform)(cmyk, rgb, pixels);
    for (long i = 0; i < pixels; ++i, cmyk += 4, rgb += 3)
        for (int c = 0; c < 3; ++c) rgb[c] = (1 - cmyk[c]) * (1 - cmyk[3]);
}

} // namespace sfumato
