// The one user of VkFFT. Its calls of Vulkan find our functions, which are no symbols of the loader's.
#include "compute/fft.h"

#include "compute/memory.h"

#include <algorithm>
#include <cassert>
#include <optional>

#define X(name) using sfumato::vk##name;
SFUMATO_VULKAN_FUNCTIONS(X)
#undef X
#define VKFFT_BACKEND 0
#include <vkFFT.h>

namespace sfumato {

namespace {

// Where a transform's numbers and its scratch lie.
struct fft_place {
    fft_shape shape;
    VkBuffer arena = VK_NULL_HANDLE;
    std::uint64_t numbers = 0, scratch = ~0ull; // offsets
    auto operator<=>(fft_place const&) const = default;
};

void check(VkFFTResult result, fft_shape const& s) {
    if (result == VKFFT_SUCCESS) return;
    fail("The GPU could not be set up for a Fourier transform of {} × {} (VkFFT: {}): update its driver, or choose "
         "another size.",
         s.w, s.h, getVkFFTErrorString(result));
}

// What VkFFT transforms instead of a side of this length: if it has large prime factors, perhaps (Bluestein) the power
// of two behind its double.
std::uint32_t padded(std::uint32_t side) {
    std::uint32_t rest = side;
    for (std::uint32_t prime : {2, 3, 5, 7, 11, 13})
        while (rest % prime == 0) rest /= prime;
    return rest == 1 ? side : 4 * side;
}

// What VkFFT makes for one place: pipelines, tables, descriptors.
class application {
  public:
    application(buffer const& arena, fft_place const& at, std::vector<char>& compiled)
        : vk_(arena.vk), shape_(at.shape), numbers_(arena, at.numbers, at.shape.bytes()) {
        if (at.scratch != ~0ull) scratch_.emplace(arena, at.scratch, fft_scratch_bytes(shape_));
        VkCommandPoolCreateInfo const pool{.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                           .queueFamilyIndex = vk_.queue_family};
        VkFenceCreateInfo const fence{.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
        vk_check(vkCreateCommandPool(vk_.device, &pool, nullptr, &pool_), "vkCreateCommandPool");
        vk_check(vkCreateFence(vk_.device, &fence, nullptr, &fence_), "vkCreateFence");
        VkFFTResult const made = make(compiled);
        vkDestroyFence(vk_.device, fence_, nullptr);
        vkDestroyCommandPool(vk_.device, pool_, nullptr);
        check(made, shape_);
    }
    ~application() { deleteVkFFT(&app_); }
    application(application const&) = delete;
    application& operator=(application const&) = delete;

    void record(VkCommandBuffer commands) {
        VkFFTLaunchParams launch{};
        launch.commandBuffer = &commands;
        launch.buffer = &numbers_.handle;
        check(VkFFTAppend(&app_, shape_.inverse ? 1 : -1, &launch), shape_);
    }

  private:
    // `compiled`: VkFFT's kernels as SPIR-V; filled when empty.
    VkFFTResult make(std::vector<char>& compiled) {
        VkFFTConfiguration c{};
        c.FFTdim = 3;
        c.size[0] = shape_.pairs;
        c.size[1] = shape_.w;
        c.size[2] = shape_.h;
        c.omitDimension[0] = 1;
        c.numberBatches = shape_.n;
        c.makeForwardPlanOnly = !shape_.inverse;
        c.makeInversePlanOnly = shape_.inverse;
        c.useLUT = 1; // sines of drivers are not exact enough
        c.physicalDevice = &vk_.physical;
        c.device = &vk_.device;
        c.queue = &vk_.queue;
        c.commandPool = &pool_;
        c.fence = &fence_;
        c.pipelineCache = &vk_.cache;
        c.bufferSize = &bytes_; // the buffer itself comes later: VkFFT 1.3.4 forgets Bluestein's tables otherwise
        if (scratch_) {
            c.userTempBuffer = 1;
            c.tempBuffer = &scratch_->handle;
            c.tempBufferSize = &scratch_bytes_;
        }
        c.saveApplicationToString = compiled.empty();
        c.loadApplicationFromString = !compiled.empty();
        c.loadApplicationString = compiled.data();
        VkFFTResult const made = initializeVkFFT(&app_, c);
        if (made == VKFFT_SUCCESS && compiled.empty()) {
            auto const* text = static_cast<char const*>(app_.saveApplicationString);
            compiled.assign(text, text + app_.applicationStringSize);
        }
        return made;
    }

    device::handles& vk_;
    fft_shape shape_;
    pfUINT bytes_ = shape_.bytes(), scratch_bytes_ = fft_scratch_bytes(shape_); // VkFFT keeps pointers
    buffer_part numbers_;
    std::optional<buffer_part> scratch_;
    VkCommandPool pool_ = VK_NULL_HANDLE;
    VkFence fence_ = VK_NULL_HANDLE;
    VkFFTApplication app_{};
};

} // namespace

// Of a device: what was compiled, and what plans use now.
struct fft_cache {
    std::map<fft_shape, std::vector<char>> compiled;
    std::map<fft_place, std::weak_ptr<application>> applications;
};

std::uint64_t fft_scratch_bytes(fft_shape const& s) {
    constexpr std::uint32_t fits = 512; // in 32 KiB, eight neighbouring columns at a time
    std::uint32_t const h = padded(s.h), w = padded(s.w);
    return h <= fits && w <= fits ? 0 : s.bytes() * std::max(h / s.h, w / s.w);
}

recordable fft(fft_shape const& shape) {
    return [shape](std::span<place_of_tensor const> places) -> recording {
        assert(places.size() == (fft_scratch_bytes(shape) ? 2 : 1) && places.front().home == places.back().home);
        buffer const& arena = *places.front().home;
        auto& cache = arena.vk.ffts;
        if (!cache) cache = std::make_shared<fft_cache>();
        fft_place const at{shape, arena.handle, places.front().offset, places.size() > 1 ? places[1].offset : ~0ull};
        auto made = cache->applications[at].lock();
        if (!made) {
            made = std::make_shared<application>(arena, at, cache->compiled[shape]);
            std::erase_if(cache->applications, [](auto const& a) { return a.second.expired(); });
            cache->applications[at] = made;
        }
        return [made](VkCommandBuffer commands) { made->record(commands); };
    };
}

} // namespace sfumato
