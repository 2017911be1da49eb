// NVIDIA: the nouveau kernel driver, as NVK asks it.
#include "absent_gpu.h"

#include <cerrno>
#include <cstdio>
#include <drm/drm.h>
#include <drm/nouveau_drm.h>

namespace absent_gpu {

namespace {

// The calls to objects inside DRM_NOUVEAU_NVIF, which <drm/nouveau_drm.h> leaves out; the kernel has them in
// nvif/ioctl.h.
struct nvif_head {
    std::uint8_t version, type, pad[4], owner, route;
    std::uint64_t token, object;
};
constexpr int nvif_list_classes = 1, nvif_method = 4;

struct nvif_classes {
    nvif_head head;
    std::uint8_t version, count, pad[6];
    struct {
        std::int32_t number;
        std::int16_t least, most;
    } list[32]; // as many as `count` says
};

struct nvif_device_info {
    nvif_head head;
    std::uint8_t version, method, pad[6];
    std::uint8_t info_version, platform;
    std::uint16_t chipset;
    std::uint8_t revision, family, pad2[2];
    std::uint64_t ram, ram_user;
    char chip[16], name[64];
};

int object_call(void* argument) {
    chip const& c = the_chip();
    auto const& head = *static_cast<nvif_head*>(argument);
    if (head.type == nvif_list_classes) {
        auto& k = *static_cast<nvif_classes*>(argument);
        for (int i = 0; i < k.count && i < 32; ++i) {
            k.list[i].number = i < 5 ? c.numbers[i] : 0;
            k.list[i].least = k.list[i].most = -1;
        }
        k.count = 5;
    } else if (head.type == nvif_method && static_cast<nvif_device_info*>(argument)->method == 0) {
        auto& v = *static_cast<nvif_device_info*>(argument);
        v.platform = 3, v.chipset = c.version, v.revision = c.revision, v.family = 9;
        v.ram = v.ram_user = std::uint64_t(c.memory_mib) << 20;
        std::snprintf(v.chip, sizeof v.chip, "%.5s", c.what);
        std::snprintf(v.name, sizeof v.name, "%s", c.what);
    }
    return 0;
}

// Parameters of later kernels than <drm/nouveau_drm.h> may be from.
constexpr std::uint64_t most_pushes = 17, visible_memory = 18, memory_in_use = 19, has_tiled_buffers = 20;

int parameter(drm_nouveau_getparam& p) {
    chip const& c = the_chip();
    switch (p.param) {
    case NOUVEAU_GETPARAM_PCI_VENDOR: p.value = std::uint16_t(c.maker); return 0;
    case NOUVEAU_GETPARAM_PCI_DEVICE: p.value = c.device; return 0;
    case NOUVEAU_GETPARAM_CHIPSET_ID: p.value = c.version; return 0;
    case NOUVEAU_GETPARAM_BUS_TYPE: p.value = 2; return 0;
    case NOUVEAU_GETPARAM_FB_SIZE:
    case visible_memory: p.value = std::uint64_t(c.memory_mib) << 20; return 0;
    case NOUVEAU_GETPARAM_AGP_SIZE: p.value = 16ull << 30; return 0;
    case NOUVEAU_GETPARAM_PTIMER_TIME: p.value = 1; return 0;
    case NOUVEAU_GETPARAM_GRAPH_UNITS: p.value = c.units | c.inner << 8; return 0;
    case most_pushes: p.value = 511; return 0;
    case memory_in_use: p.value = 1 << 20; return 0;
    case has_tiled_buffers: p.value = 0; return 0;
    default: return refuse(EINVAL);
    }
}

constexpr unsigned sizes_of_depth_buffers = 0x13; // a call of later kernels

} // namespace

int nouveau(unsigned number, void* argument) {
    switch (number) {
    case DRM_NOUVEAU_GETPARAM: return parameter(*static_cast<drm_nouveau_getparam*>(argument));
    case DRM_NOUVEAU_CHANNEL_ALLOC: {
        auto& a = *static_cast<drm_nouveau_channel_alloc*>(argument);
        a.channel = int(new_handle() & 0xff), a.pushbuf_domains = NOUVEAU_GEM_DOMAIN_VRAM | NOUVEAU_GEM_DOMAIN_GART;
        return 0;
    }
    case DRM_NOUVEAU_GEM_NEW: {
        auto& g = static_cast<drm_nouveau_gem_new*>(argument)->info;
        g.handle = new_handle(), g.map_handle = g.offset = window_of(g.handle);
        return allocate(g.size);
    }
    case DRM_NOUVEAU_GEM_INFO: {
        auto& g = *static_cast<drm_nouveau_gem_info*>(argument);
        g.map_handle = g.offset = window_of(g.handle);
        return 0;
    }
    case DRM_NOUVEAU_NVIF: return object_call(argument);
    case DRM_NOUVEAU_EXEC: return submit();
    case sizes_of_depth_buffers: return refuse(ENOSYS);
    case DRM_NOUVEAU_CHANNEL_FREE:
    case DRM_NOUVEAU_GEM_PUSHBUF:
    case DRM_NOUVEAU_GEM_CPU_PREP:
    case DRM_NOUVEAU_GEM_CPU_FINI:
    case DRM_NOUVEAU_VM_INIT:
    case DRM_NOUVEAU_VM_BIND: return 0;
    default: return unknown;
    }
}

} // namespace absent_gpu
