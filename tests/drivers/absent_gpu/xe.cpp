// Intel: the xe kernel driver, as ANV asks it.
#include "absent_gpu.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <drm/drm.h>
#include <drm/xe_drm.h>
#include <new>
#include <utility>
#include <vector>

namespace absent_gpu {

namespace {

// Answers in two steps: the size, then the bytes.
int give(drm_xe_device_query& q, void const* bytes, std::size_t size) {
    if (q.size == 0) {
        q.size = std::uint32_t(size);
        return 0;
    }
    if (q.size < size) return refuse(EINVAL);
    std::memcpy(reinterpret_cast<void*>(q.data), bytes, size);
    return 0;
}

// For answers that end in an array: zeros enough for all of them.
using room = std::uint64_t[256];

int engines(drm_xe_device_query& q) {
    alignas(8) room space = {};
    auto& e = *new (space) drm_xe_query_engines{};
    constexpr std::uint16_t kinds[] = {DRM_XE_ENGINE_CLASS_RENDER, DRM_XE_ENGINE_CLASS_COPY,
                                       DRM_XE_ENGINE_CLASS_COMPUTE};
    e.num_engines = the_chip().version >= 1255 ? 3 : 2;
    for (std::uint32_t i = 0; i < e.num_engines; ++i) e.engines[i].instance.engine_class = kinds[i];
    return give(q, &e, sizeof e + e.num_engines * sizeof e.engines[0]);
}

int memory_regions(drm_xe_device_query& q) {
    alignas(8) room space = {};
    auto& m = *new (space) drm_xe_query_mem_regions{};
    std::uint64_t const own = std::uint64_t(the_chip().memory_mib) << 20;
    m.num_mem_regions = own ? 2 : 1;
    auto &system = m.mem_regions[0], &local = m.mem_regions[1];
    system.mem_class = DRM_XE_MEM_REGION_CLASS_SYSMEM, system.min_page_size = 4096, system.total_size = 16ull << 30;
    local.mem_class = DRM_XE_MEM_REGION_CLASS_VRAM, local.instance = 1, local.min_page_size = 65536;
    local.total_size = local.cpu_visible_size = own;
    return give(q, &m, sizeof m + m.num_mem_regions * sizeof m.mem_regions[0]);
}

int configuration(drm_xe_device_query& q) {
    alignas(8) room space = {};
    auto& v = *new (space) drm_xe_query_config{};
    chip const& c = the_chip();
    v.num_params = DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY + 1;
    v.info[DRM_XE_QUERY_CONFIG_REV_AND_DEVICE_ID] = std::uint64_t(c.revision) << 16 | c.device;
    v.info[DRM_XE_QUERY_CONFIG_FLAGS] = c.memory_mib ? DRM_XE_QUERY_CONFIG_FLAG_HAS_VRAM : 0;
    v.info[DRM_XE_QUERY_CONFIG_MIN_ALIGNMENT] = c.memory_mib ? 65536 : 4096;
    v.info[DRM_XE_QUERY_CONFIG_VA_BITS] = 48;
    v.info[DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY] = 1;
    return give(q, &v, sizeof v + v.num_params * sizeof v.info[0]);
}

int tiles(drm_xe_device_query& q) {
    alignas(8) room space = {};
    auto& g = *new (space) drm_xe_query_gt_list{};
    chip const& c = the_chip();
    g.num_gt = 1;
    auto& main = g.gt_list[0];
    main.type = DRM_XE_QUERY_GT_TYPE_MAIN, main.reference_clock = 19200000;
    main.near_mem_regions = c.memory_mib ? 2 : 1, main.far_mem_regions = 1;
    main.ip_ver_major = c.version / 100, main.ip_ver_minor = c.version % 100, main.ip_ver_rev = c.revision;
    return give(q, &g, sizeof g + sizeof g.gt_list[0]);
}

// Masks of which cores there are, and which units in each: all.
int topology(drm_xe_device_query& q) {
    chip const& c = the_chip();
    std::uint64_t const cores = (1ull << c.units) - 1, banks = c.version >= 1255 ? 0xffff : 0xff;
    std::uint16_t const units = c.version >= 2000 ? DRM_XE_TOPO_SIMD16_EU_PER_DSS : DRM_XE_TOPO_EU_PER_DSS;
    std::pair<std::uint16_t, std::uint64_t> const masks[] = {{DRM_XE_TOPO_DSS_GEOMETRY, cores},
                                                             {DRM_XE_TOPO_DSS_COMPUTE, cores},
                                                             {DRM_XE_TOPO_L3_BANK, banks},
                                                             {units, (1ull << c.inner) - 1}};
    std::vector<char> all;
    for (auto const& [kind, mask] : masks) {
        drm_xe_query_topology_mask head{.gt_id = 0, .type = kind, .num_bytes = sizeof mask};
        auto const append = [&](void const* bytes, std::size_t size) {
            all.insert(all.end(), static_cast<char const*>(bytes), static_cast<char const*>(bytes) + size);
        };
        append(&head, sizeof head);
        append(&mask, sizeof mask);
    }
    return give(q, all.data(), all.size());
}

int firmware(drm_xe_device_query& q) {
    drm_xe_query_uc_fw_version v{};
    v.uc_type = XE_QUERY_UC_TYPE_GUC_SUBMISSION, v.major_ver = 1, v.minor_ver = 20;
    return give(q, &v, sizeof v);
}

int query(drm_xe_device_query& q) {
    switch (q.query) {
    case DRM_XE_DEVICE_QUERY_ENGINES: return engines(q);
    case DRM_XE_DEVICE_QUERY_MEM_REGIONS: return memory_regions(q);
    case DRM_XE_DEVICE_QUERY_CONFIG: return old_kernel() ? refuse(EINVAL) : configuration(q);
    case DRM_XE_DEVICE_QUERY_GT_LIST: return tiles(q);
    case DRM_XE_DEVICE_QUERY_GT_TOPOLOGY: return topology(q);
    case DRM_XE_DEVICE_QUERY_UC_FW_VERSION: return firmware(q);
    case DRM_XE_DEVICE_QUERY_HWCONFIG: return give(q, nullptr, 0); // an empty table: Mesa keeps its own numbers
    default: return refuse(EINVAL); // of later kernels: performance counters and the like
    }
}

} // namespace

int xe(unsigned number, void* argument) {
    switch (number) {
    case DRM_XE_DEVICE_QUERY: return query(*static_cast<drm_xe_device_query*>(argument));
    case DRM_XE_GEM_CREATE: {
        auto& g = *static_cast<drm_xe_gem_create*>(argument);
        g.handle = new_handle();
        return allocate(g.size);
    }
    case DRM_XE_GEM_MMAP_OFFSET: {
        auto& m = *static_cast<drm_xe_gem_mmap_offset*>(argument);
        m.offset = window_of(m.handle);
        return 0;
    }
    case DRM_XE_VM_CREATE: static_cast<drm_xe_vm_create*>(argument)->vm_id = new_handle(); return 0;
    case DRM_XE_EXEC_QUEUE_CREATE:
        static_cast<drm_xe_exec_queue_create*>(argument)->exec_queue_id = new_handle();
        return 0;
    case DRM_XE_EXEC_QUEUE_GET_PROPERTY: static_cast<drm_xe_exec_queue_get_property*>(argument)->value = 0; return 0;
    case DRM_XE_EXEC: return submit();
    case DRM_XE_VM_DESTROY:
    case DRM_XE_VM_BIND:
    case DRM_XE_EXEC_QUEUE_DESTROY:
    case DRM_XE_WAIT_USER_FENCE: return 0;
    default: return unknown;
    }
}

} // namespace absent_gpu
