// AMD: the amdgpu kernel driver, as RADV asks it.
#include "absent_gpu.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <drm/amdgpu_drm.h>
#include <drm/drm.h>

namespace absent_gpu {

namespace {

unsigned generation() { return the_chip().version >> 8; } // 9: Vega, 10: RDNA 1 and 2, 11: RDNA 3, 12: RDNA 4
unsigned stepping() { return the_chip().version & 0xff; }

bool is_integrated() { return !std::strcmp(the_chip().name, "phoenix") || !std::strcmp(the_chip().name, "gfx1151"); }

drm_amdgpu_info_hw_ip engine(std::uint32_t type, std::uint32_t instance) {
    drm_amdgpu_info_hw_ip e{};
    if (type > AMDGPU_HW_IP_DMA || instance) return e; // graphics, compute and copies; no video
    e.hw_ip_version_major = type == AMDGPU_HW_IP_DMA ? generation() - 5 : generation();
    e.hw_ip_version_minor = stepping();
    e.ib_start_alignment = e.ib_size_alignment = 32, e.available_rings = 1;
    e.ip_discovery_version = e.hw_ip_version_major << 16 | stepping() << 8;
    return e;
}

drm_amdgpu_memory_info memory() {
    drm_amdgpu_memory_info m{};
    auto const set = [](drm_amdgpu_heap_info& heap, std::uint64_t bytes) {
        heap.total_heap_size = heap.usable_heap_size = heap.max_allocation = bytes;
    };
    set(m.vram, std::uint64_t(the_chip().memory_mib) << 20);
    set(m.cpu_accessible_vram, std::uint64_t(the_chip().memory_mib) << 20);
    set(m.gtt, 16ull << 30);
    return m;
}

// Sizes of caches are invented: nothing that we look at depends on them.
drm_amdgpu_info_device about_the_device() {
    chip const& c = the_chip();
    unsigned const level = generation();
    drm_amdgpu_info_device d{};
    d.device_id = c.device, d.chip_rev = 1, d.pci_rev = c.revision, d.family = c.numbers[0],
    d.external_rev = c.numbers[1];
    d.num_shader_engines = c.units, d.num_shader_arrays_per_engine = level < 10 ? 1 : 2;
    d.num_cu_per_sh = level < 10 ? 16 : c.inner;
    for (unsigned engine = 0; engine < c.units; ++engine) // the fifth and later stand in the rows' other halves
        for (unsigned array = 0; array < d.num_shader_arrays_per_engine; ++array)
            d.cu_bitmap[engine % 4][array + 2 * (engine / 4)] = (1u << d.num_cu_per_sh) - 1;
    d.cu_active_number = c.units * d.num_shader_arrays_per_engine * d.num_cu_per_sh;
    d.gpu_counter_freq = 100000, d.max_engine_clock = 2500000, d.max_memory_clock = 1250000; // kHz
    d.num_rb_pipes = c.units * 2, d.enabled_rb_pipes_mask = (1u << c.units * 2) - 1, d.num_hw_gfx_contexts = 8;
    d.ids_flags = is_integrated() ? AMDGPU_IDS_FLAGS_FUSION : 0;
    d.vram_type = is_integrated() ? AMDGPU_VRAM_TYPE_DDR5 : AMDGPU_VRAM_TYPE_GDDR6;
    d.vram_bit_width = is_integrated() ? 128 : 256;
    d.virtual_address_offset = 0x200000, d.virtual_address_max = 1ull << 47, d.virtual_address_alignment = 4096;
    d.high_va_offset = 0xffff800000000000ull, d.high_va_max = 0xffffffffffe00000ull;
    d.pte_fragment_size = 1 << 21, d.gart_page_size = 4096;
    d.wave_front_size = level < 10 ? 64 : 32, d.num_shader_visible_vgprs = c.numbers[2];
    d.num_tcc_blocks = 16, d.gs_vgt_table_depth = 32, d.gs_prim_buffer_depth = 1792, d.max_gs_waves_per_vgt = 32;
    d.pcie_gen = 4, d.pcie_num_lanes = 16;
    d.tcp_cache_size = level < 11 ? 16 : 32, d.num_sqc_per_wgp = 1, d.sqc_data_cache_size = 16;
    d.sqc_inst_cache_size = 32, d.gl1c_cache_size = 256, d.gl2c_cache_size = 6144;
    return d;
}

int info(drm_amdgpu_info const& q) {
    std::uint8_t all[2048] = {};
    auto const answer = [&](auto const& a) { std::memcpy(all, &a, sizeof a); };
    auto const words = [&](std::uint32_t value, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) std::memcpy(all + 4 * i, &value, 4);
    };
    switch (q.query) {
    case AMDGPU_INFO_ACCEL_WORKING:
    case AMDGPU_INFO_HW_IP_COUNT: words(1, 1); break;
    case AMDGPU_INFO_HW_IP_INFO: answer(engine(q.query_hw_ip.type, q.query_hw_ip.ip_instance)); break;
    case AMDGPU_INFO_FW_VERSION: answer(drm_amdgpu_info_firmware{.ver = 3000, .feature = 60}); break;
    case AMDGPU_INFO_READ_MMR_REG:
        words(0x444, std::min(q.read_mmr_reg.count, 64u));
        break;                                       // pipes and banks of pictures
    case AMDGPU_INFO_MAX_IBS: words(192, 16); break; // with 0 RADV submits nothing, for ever
    case AMDGPU_INFO_MEMORY: answer(memory()); break;
    case AMDGPU_INFO_DEV_INFO: answer(about_the_device()); break;
    default: break; // zeros
    }
    std::memcpy(reinterpret_cast<void*>(q.return_pointer), all, std::min<std::size_t>(q.return_size, sizeof all));
    return 0;
}

} // namespace

int amdgpu(unsigned number, void* argument) {
    switch (number) {
    case DRM_AMDGPU_INFO: return info(*static_cast<drm_amdgpu_info*>(argument));
    case DRM_AMDGPU_GEM_CREATE: {
        auto& g = *static_cast<drm_amdgpu_gem_create*>(argument);
        std::uint64_t const bytes = g.in.bo_size; // in and out share their place
        g.out.handle = new_handle();
        return allocate(bytes);
    }
    case DRM_AMDGPU_GEM_MMAP: {
        auto& m = *static_cast<drm_amdgpu_gem_mmap*>(argument);
        m.out.addr_ptr = window_of(m.in.handle);
        return 0;
    }
    case DRM_AMDGPU_CTX: {
        auto& c = *static_cast<drm_amdgpu_ctx*>(argument);
        std::memset(&c.out, 0, sizeof c.out);
        c.out.alloc.ctx_id = new_handle();
        return 0;
    }
    case DRM_AMDGPU_BO_LIST: static_cast<drm_amdgpu_bo_list*>(argument)->out.list_handle = new_handle(); return 0;
    case DRM_AMDGPU_CS: static_cast<drm_amdgpu_cs*>(argument)->out.handle = new_handle(); return submit();
    case DRM_AMDGPU_WAIT_CS: static_cast<drm_amdgpu_wait_cs*>(argument)->out.status = 0; return 0;
    case DRM_AMDGPU_GEM_WAIT_IDLE: static_cast<drm_amdgpu_gem_wait_idle*>(argument)->out.status = 0; return 0;
    case DRM_AMDGPU_GEM_USERPTR: return refuse(EPERM); // what the kernel says of a file's pages
    case DRM_AMDGPU_GEM_METADATA:
    case DRM_AMDGPU_GEM_VA:
    case DRM_AMDGPU_GEM_OP:
    case DRM_AMDGPU_VM:
    case DRM_AMDGPU_SCHED: return 0;
    default: return unknown;
    }
}

} // namespace absent_gpu
