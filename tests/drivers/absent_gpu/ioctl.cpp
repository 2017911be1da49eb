// ioctl() itself: calls to a DRM device are answered here, all others go to the kernel. And the faults.
#include "absent_gpu.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <drm/drm.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace absent_gpu {

namespace {

constexpr int window_bits = 34; // a buffer's window: 16 GiB

enum class fault { none, lost, hang, crash, memory, kernel };

struct wished_fault {
    fault kind = fault::none;
    unsigned at = 0;
};

wished_fault wished() {
    char const* const wish = std::getenv("ABSENT_GPU_FAULT");
    if (!wish) return {};
    constexpr char const* names[] = {"none", "lost", "hang", "crash", "memory", "kernel"};
    for (int i = 1; i < 6; ++i)
        if (std::size_t const length = std::strlen(names[i]);
            !std::strncmp(wish, names[i], length) && wish[length] == '@')
            return {fault(i), unsigned(std::atoi(wish + length + 1))};
    std::fprintf(stderr,
                 "absent_gpu: ABSENT_GPU_FAULT is \"%s\", which is none of lost, hang, crash, memory, kernel @N\n",
                 wish);
    _exit(2);
}

wished_fault const& the_fault() {
    static wished_fault const the = wished();
    return the;
}

std::atomic<unsigned> submissions = 0, allocations = 0;

// Said once, so that a test knows that it came to the fault.
bool is_now(fault kind, unsigned count) {
    auto const& f = the_fault();
    if (f.kind != kind || count < f.at) return false;
    if (count == f.at) std::fprintf(stderr, "absent_gpu: the fault is now\n");
    return true;
}

bool hangs() { return the_fault().kind == fault::hang && submissions >= the_fault().at; }

// Texts of DRM_IOCTL_VERSION: asked once for their lengths and once for themselves.
void tell(char* to, std::size_t& size, char const* text) {
    std::size_t const length = std::strlen(text);
    if (to) std::memcpy(to, text, std::min(size, length));
    size = length;
}

void tell_version(drm_version& v) {
    vendor const maker = the_chip().maker;
    bool const old = old_kernel();
    char const* name = "nouveau";
    v.version_major = 1, v.version_minor = old ? 3 : 4,
    v.version_patchlevel = 0; // 1.4: buffers are bound by the program
    if (maker == vendor::amd) name = "amdgpu", v.version_major = 3, v.version_minor = old ? 20 : 64;
    if (maker == vendor::intel) name = "xe", v.version_minor = 1;
    tell(v.name, v.name_len, name);
    tell(v.date, v.date_len, "20260101");
    tell(v.desc, v.desc_len, "a GPU that is not there");
}

std::uint64_t capability(std::uint64_t which) {
    switch (which) {
    case DRM_CAP_SYNCOBJ:
    case DRM_CAP_SYNCOBJ_TIMELINE:
    case DRM_CAP_TIMESTAMP_MONOTONIC: return 1;
    case DRM_CAP_PRIME: return DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT;
    default: return 0;
    }
}

// The calls that all DRM drivers share.
int common(unsigned number, void* argument) {
    switch (number) {
    case _IOC_NR(DRM_IOCTL_VERSION): tell_version(*static_cast<drm_version*>(argument)); return 0;
    case _IOC_NR(DRM_IOCTL_GET_CAP): {
        auto& c = *static_cast<drm_get_cap*>(argument);
        c.value = capability(c.capability);
        return 0;
    }
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_CREATE): static_cast<drm_syncobj_create*>(argument)->handle = new_handle(); return 0;
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_QUERY): { // every point has been reached
        auto const& q = *static_cast<drm_syncobj_timeline_array*>(argument);
        std::fill_n(reinterpret_cast<std::uint64_t*>(q.points), q.count_handles, hangs() ? 0 : UINT64_MAX >> 1);
        return 0;
    }
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_WAIT):
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT): return hangs() ? refuse(ETIME) : 0;
    case _IOC_NR(DRM_IOCTL_GEM_CLOSE):
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_DESTROY):
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_RESET):
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_SIGNAL):
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_TRANSFER):
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL): return 0;
    case _IOC_NR(DRM_IOCTL_AUTH_MAGIC): return refuse(EACCES);
    case _IOC_NR(DRM_IOCTL_PRIME_HANDLE_TO_FD):
    case _IOC_NR(DRM_IOCTL_PRIME_FD_TO_HANDLE):
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD):
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE): return refuse(EINVAL); // nobody to share with
    default: return unknown;
    }
}

int answer(unsigned number, void* argument) {
    if (number < DRM_COMMAND_BASE || number >= DRM_COMMAND_END) return common(number, argument);
    switch (the_chip().maker) {
    case vendor::amd: return amdgpu(number - DRM_COMMAND_BASE, argument);
    case vendor::intel: return xe(number - DRM_COMMAND_BASE, argument);
    default: return nouveau(number - DRM_COMMAND_BASE, argument);
    }
}

} // namespace

int refuse(int error) {
    errno = error;
    return -1;
}

std::uint32_t new_handle() {
    static std::atomic<std::uint32_t> next = 1;
    return next++;
}

std::uint64_t window_of(std::uint32_t handle) { return std::uint64_t(handle) << window_bits; }

int submit() {
    unsigned const count = ++submissions;
    is_now(fault::hang, count);
    if (is_now(fault::crash, count)) std::raise(SIGKILL); // no handler of a driver's or of ours sees it
    return is_now(fault::lost, count) ? refuse(ECANCELED) : 0;
}

int allocate(std::uint64_t bytes) { return bytes >> 20 && is_now(fault::memory, ++allocations) ? refuse(ENOMEM) : 0; }

bool old_kernel() { return is_now(fault::kernel, 1); }

bool chatty() {
    static bool const on = std::getenv("ABSENT_GPU_LOG") != nullptr;
    return on;
}

} // namespace absent_gpu

extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
    using namespace absent_gpu;
    std::va_list list;
    va_start(list, request);
    void* const argument = va_arg(list, void*);
    va_end(list);
    if (_IOC_TYPE(request) != DRM_IOCTL_BASE) return int(syscall(SYS_ioctl, fd, request, argument));
    int const result = answer(_IOC_NR(request), argument);
    if (result == unknown || chatty())
        std::fprintf(stderr, "absent_gpu: call %02x, %u bytes: %s\n", unsigned(_IOC_NR(request)),
                     unsigned(_IOC_SIZE(request)),
                     result == 0         ? "done"
                     : result == unknown ? "UNKNOWN"
                                         : "refused");
    return result == unknown ? refuse(EINVAL) : result;
}
