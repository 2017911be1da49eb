#include "absent_gpu.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace absent_gpu {

namespace {

using enum vendor;

// PCI numbers and sizes as the vendors publish them; the rest as Mesa's own tables of chips ask for it.
constexpr chip chips[] = {
    {"tgl", "Tiger Lake GT2 (Iris Xe, 96 EU)", intel, 0x9a49, 3, 6, 16, 1200, 0, {}},
    {"adl", "Alder Lake-P GT2 (Iris Xe, 96 EU)", intel, 0x46a6, 12, 6, 16, 1200, 0, {}},
    {"uhd770", "Alder Lake-S GT1 (UHD 770, 32 EU)", intel, 0x4680, 12, 2, 16, 1200, 0, {}},
    {"a770", "DG2-512 (Arc A770)", intel, 0x56a0, 8, 32, 16, 1255, 16384, {}},
    {"mtl", "Meteor Lake-H (Arc iGPU, no XMX)", intel, 0x7d55, 4, 8, 16, 1271, 0, {}},
    {"arl", "Arrow Lake-H (Arc 140T, XMX)", intel, 0x7d51, 4, 8, 16, 1274, 0, {}},
    {"lnl", "Lunar Lake (Arc 140V)", intel, 0x64a0, 4, 8, 8, 2004, 0, {}},
    {"b580", "Battlemage G21 (Arc B580)", intel, 0xe20b, 4, 20, 8, 2001, 12288, {}},
    {"ptl", "Panther Lake (Arc B390)", intel, 0xb080, 4, 12, 8, 3000, 0, {}},
    {"gp104", "GP104 (GTX 1080)", nvidia, 0x1b80, 0xa1, 4, 20, 0x134, 8192, {0xc1b5, 0x902d, 0xc197, 0xa140, 0xc1c0}},
    {"tu102",
     "TU102 (RTX 2080 Ti)",
     nvidia,
     0x1e07,
     0xa1,
     6,
     34,
     0x162,
     11264,
     {0xc5b5, 0x902d, 0xc597, 0xa140, 0xc5c0}},
    {"tu116", "TU116 (GTX 1660)", nvidia, 0x2184, 0xa1, 3, 11, 0x168, 6144, {0xc5b5, 0x902d, 0xc597, 0xa140, 0xc5c0}},
    {"ga102", "GA102 (RTX 3090)", nvidia, 0x2204, 0xa1, 7, 41, 0x172, 24576, {0xc7b5, 0x902d, 0xc797, 0xa140, 0xc7c0}},
    {"ga106", "GA106 (RTX 3060)", nvidia, 0x2503, 0xa1, 3, 14, 0x176, 12288, {0xc7b5, 0x902d, 0xc797, 0xa140, 0xc7c0}},
    {"ad102", "AD102 (RTX 4090)", nvidia, 0x2684, 0xa1, 11, 64, 0x192, 24576, {0xc7b5, 0x902d, 0xc997, 0xa140, 0xc9c0}},
    {"gb202", "GB202 (RTX 5090)", nvidia, 0x2b85, 0xa1, 11, 85, 0x1b2, 32768, {0xcab5, 0x902d, 0xce97, 0xa140, 0xcec0}},
    {"vega10", "Vega 10 (RX Vega 64)", amd, 0x687f, 0xc1, 4, 8, 0x0900, 8192, {141, 0x01, 256}},
    {"navi10", "Navi 10 (RX 5700 XT)", amd, 0x731f, 0xc1, 2, 10, 0x0a01, 8192, {143, 0x01, 1024}},
    {"navi21", "Navi 21 (RX 6800 XT)", amd, 0x73bf, 0xc1, 4, 10, 0x0a03, 16384, {143, 0x28, 1024}},
    {"navi31", "Navi 31 (RX 7900 XTX)", amd, 0x744c, 0xc8, 6, 8, 0x0b00, 24576, {145, 0x01, 1536}},
    {"navi33", "Navi 33 (RX 7600)", amd, 0x7480, 0xcf, 2, 8, 0x0b00, 8192, {145, 0x10, 1024}},
    {"phoenix", "Phoenix (Radeon 780M)", amd, 0x15bf, 0xc1, 1, 6, 0x0b00, 2048, {148, 0x01, 1024}},
    {"gfx1151", "Strix Halo (Radeon 8060S)", amd, 0x1586, 0xc1, 2, 10, 0x0b05, 8192, {150, 0xc0, 1536}},
    {"gfx1200", "Navi 44 (RX 9060 XT)", amd, 0x7590, 0xc0, 2, 8, 0x0c00, 16384, {152, 0x40, 1536}},
    {"gfx1201", "Navi 48 (RX 9070 XT)", amd, 0x7550, 0xc0, 4, 8, 0x0c00, 16384, {152, 0x50, 1536}},
};

chip chosen() {
    char const* const wish = std::getenv("ABSENT_GPU");
    for (chip c : chips) {
        if (!wish || std::strcmp(wish, c.name)) continue;
        char const* const memory = std::getenv("ABSENT_GPU_MEMORY");
        if (memory && c.memory_mib) c.memory_mib = std::uint32_t(std::atoi(memory));
        return c;
    }
    std::fprintf(stderr, "absent_gpu: ABSENT_GPU must be one of these:\n");
    for (chip const& c : chips) std::fprintf(stderr, "%-8s %s\n", c.name, c.what);
    _exit(2);
}

} // namespace

chip const& the_chip() {
    static chip const the = chosen();
    return the;
}

} // namespace absent_gpu
