// The functions of libdrm by which a Vulkan driver finds its device. They come before libdrm's own, being preloaded.
#include "absent_gpu.h"

#include <cerrno>
#include <cstdio>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

namespace absent_gpu {

namespace {

// libdrm's public structures, as its binary interface has them.
struct pci_bus {
    std::uint16_t domain;
    std::uint8_t bus, device, function;
};
struct pci_device {
    std::uint16_t vendor, device, subsystem_vendor, subsystem_device;
    std::uint8_t revision;
};
struct drm_device {
    char** nodes;
    int available, bus_type;
    pci_bus* bus;
    pci_device* info;
};

constexpr int render_node = 2; // of nodes; the others are a screen's

struct card : drm_device {
    char nowhere[16] = "/nonexistent", node[32] = {};
    char* all_nodes[3] = {nowhere, nowhere, node};
    pci_bus place{0, 1, 0, 0};
    pci_device number;

    card() {
        chip const& c = the_chip();
        number = {std::uint16_t(c.maker), c.device, 0x1028, 0x1234, c.revision};
        nodes = all_nodes, available = 1 << render_node, bus_type = 0;
        bus = &place, info = &number;
        int const memory = memfd_create("absent-gpu", MFD_CLOEXEC);
        if (memory < 0 || ftruncate(memory, off_t(1) << 61)) {
            std::perror("absent_gpu: memory for buffers");
            _exit(2);
        }
        std::snprintf(node, sizeof node, "/proc/self/fd/%d", memory);
    }
};

drm_device* the_card() {
    static card the;
    return &the;
}

} // namespace

} // namespace absent_gpu

extern "C" {

using absent_gpu::drm_device;

int drmGetDevices2(std::uint32_t, drm_device** list, int room) {
    if (list && room > 0) list[0] = absent_gpu::the_card();
    return 1;
}
int drmGetDevices(drm_device** list, int room) { return drmGetDevices2(0, list, room); }
int drmGetDevice2(int, std::uint32_t, drm_device** out) {
    *out = absent_gpu::the_card();
    return 0;
}
int drmGetDevice(int fd, drm_device** out) { return drmGetDevice2(fd, 0, out); }
int drmGetDeviceFromDevId(dev_t, std::uint32_t flags, drm_device** out) { return drmGetDevice2(-1, flags, out); }
int drmGetNodeTypeFromFd(int) { return absent_gpu::render_node; }
void drmFreeDevice(drm_device** device) { *device = nullptr; }
void drmFreeDevices(drm_device** list, int count) {
    while (count-- > 0) list[count] = nullptr;
}

} // extern "C"
