// Colour profiles for tests, made with Little CMS alone.
#pragma once

#include <cmath>
#include <lcms2.h>
#include <string>

namespace sfumato {

inline std::string bytes_of(cmsHPROFILE profile) {
    cmsUInt32Number size = 0;
    cmsSaveProfileToMem(profile, nullptr, &size);
    std::string icc(size, '\0');
    cmsSaveProfileToMem(profile, icc.data(), &size);
    cmsCloseProfile(profile);
    return icc;
}

/// Primaries wider than sRGB's, another curve.
inline std::string wide_rgb_profile(double gamma = 2.2) {
    cmsCIExyY const white{0.3127, 0.3290, 1};
    cmsCIExyYTRIPLE const primaries{{0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}};
    cmsToneCurve* const curve = cmsBuildGamma(nullptr, gamma);
    cmsToneCurve* const curves[]{curve, curve, curve};
    std::string const icc = bytes_of(cmsCreateRGBProfile(&white, &primaries, curves));
    cmsFreeToneCurve(curve);
    return icc;
}

inline std::string grey_profile(double gamma = 1.8) {
    cmsToneCurve* const curve = cmsBuildGamma(nullptr, gamma);
    std::string const icc = bytes_of(cmsCreateGrayProfile(cmsD50_xyY(), curve));
    cmsFreeToneCurve(curve);
    return icc;
}

/// From a table, as scanners and printers have them. `to_lab`: numbers from 0 to 1.
inline std::string table_profile(cmsColorSpaceSignature space, unsigned channels,
                                 void (*to_lab)(double const* numbers, cmsCIELab& lab)) {
    cmsHPROFILE const profile = cmsCreateProfilePlaceholder(nullptr);
    cmsSetProfileVersion(profile, 2.1);
    cmsSetDeviceClass(profile, cmsSigOutputClass);
    cmsSetColorSpace(profile, space);
    cmsSetPCS(profile, cmsSigLabData);
    cmsMLU* const name = cmsMLUalloc(nullptr, 1);
    cmsMLUsetASCII(name, "en", "US", "test");
    cmsWriteTag(profile, cmsSigProfileDescriptionTag, name);
    cmsMLUfree(name);
    cmsWriteTag(profile, cmsSigMediaWhitePointTag, cmsD50_XYZ());
    cmsStage* const table = cmsStageAllocCLut16bit(nullptr, channels == 4 ? 9 : 17, channels, 3, nullptr);
    cmsStageSampleCLut16bit(
        table,
        [](cmsUInt16Number const in[], cmsUInt16Number out[], void* cargo) -> cmsInt32Number {
            double numbers[4]{};
            for (int i = 0; i < 4; ++i) numbers[i] = in[i] / 65535.0;
            cmsCIELab lab{};
            reinterpret_cast<void (*)(double const*, cmsCIELab&)>(cargo)(numbers, lab);
            cmsFloat2LabEncodedV2(out, &lab);
            return 1;
        },
        reinterpret_cast<void*>(to_lab), 0);
    cmsPipeline* const pipeline = cmsPipelineAlloc(nullptr, channels, 3);
    cmsPipelineInsertStage(pipeline, cmsAT_END, table);
    cmsWriteTag(profile, cmsSigAToB0Tag, pipeline);
    cmsPipelineFree(pipeline);
    return bytes_of(profile);
}

/// Inks on paper that is not quite white; black is not quite black.
inline std::string ink_profile() {
    return table_profile(cmsSigCmykData, 4, [](double const* ink, cmsCIELab& lab) {
        double const light = (1 - ink[3] * 0.9), c = ink[0], m = ink[1], y = ink[2];
        lab.L = 95 * light * (1 - 0.35 * c) * (1 - 0.45 * m) * (1 - 0.08 * y);
        lab.a = light * (-35 * c + 70 * m - 5 * y);
        lab.b = light * (-45 * c - 5 * m + 85 * y);
    });
}

inline std::string table_rgb_profile() {
    return table_profile(cmsSigRgbData, 3, [](double const* v, cmsCIELab& lab) {
        lab.L = 100 * std::pow(0.3 * v[0] + 0.6 * v[1] + 0.1 * v[2], 0.8);
        lab.a = 80 * (v[0] - v[1]);
        lab.b = 80 * (0.5 * v[0] + 0.5 * v[1] - v[2]);
    });
}

} // namespace sfumato
