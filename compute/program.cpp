#include "compute/program.h"

#include "compute/cache.h"
#include "compute/cache_key.h"
#include "compute/vulkan.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <future>
#include <string>
#include <thread>

namespace sfumato {

// SPIR-V: 5 header words, then instructions whose first word is (length << 16 | opcode).
workgroup workgroup_of(kernel_binary const& kernel) {
    constexpr std::uint32_t op_execution_mode = 16, local_size = 17;
    for (std::size_t i = 5; i < kernel.spirv.size(); i += kernel.spirv[i] >> 16)
        if ((kernel.spirv[i] & 0xffff) == op_execution_mode && kernel.spirv[i + 2] == local_size)
            return {kernel.spirv[i + 3], kernel.spirv[i + 4], kernel.spirv[i + 5]};
    assert(!"a compute kernel declares its local size");
    return {};
}

VkPipeline make_pipeline(device::handles const& h, program const& wanted, VkPipelineCache cache,
                         VkPipelineCreateFlags flags) {
    kernel_binary const& kernel = *wanted.kernel;
    VkShaderModuleCreateInfo const module_info{.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                               .codeSize = kernel.spirv.size_bytes(),
                                               .pCode = kernel.spirv.data()};
    VkShaderModule module = VK_NULL_HANDLE;
    vk_check(vkCreateShaderModule(h.device, &module_info, nullptr, &module), kernel.name);
    std::vector<VkSpecializationMapEntry> entries;
    for (std::uint32_t i = 0; i < wanted.constants.size(); ++i)
        entries.push_back({.constantID = i, .offset = 4 * i, .size = 4});
    VkSpecializationInfo const constants{.mapEntryCount = std::uint32_t(entries.size()),
                                         .pMapEntries = entries.data(),
                                         .dataSize = 4 * wanted.constants.size(),
                                         .pData = wanted.constants.data()};
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo const subgroup{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = wanted.subgroup};
    bool const sized = wanted.subgroup && h.subgroup_control;
    if (can_be_cut(wanted)) flags |= VK_PIPELINE_CREATE_DISPATCH_BASE_BIT;
    VkComputePipelineCreateInfo const info{
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .flags = flags,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .pNext = sized ? &subgroup : nullptr,
                  .flags = sized ? VkPipelineShaderStageCreateFlags(
                                       VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT)
                                 : 0u,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = module,
                  .pName = "main",
                  .pSpecializationInfo = &constants},
        .layout = h.layout,
    };
    VkPipeline made = VK_NULL_HANDLE;
    VkResult const r = vkCreateComputePipelines(h.device, cache, 1, &info, nullptr, &made);
    vkDestroyShaderModule(h.device, module, nullptr);
    vk_check(r, kernel.name);
    return made;
}

bool compile_pipelines(device::handles& h, std::set<program> const& programs, std::function<bool()> const& keep_going) {
    std::vector<std::pair<program const*, VkPipeline>> wanted;
    for (program const& p : programs)
        if (!h.pipelines.contains(p)) wanted.emplace_back(&p, VK_NULL_HANDLE);
    std::atomic<std::size_t> next = 0;
    auto const compile_some = [&] {
        for (std::size_t i = next++; i < wanted.size(); i = next++)
            wanted[i].second = make_pipeline(h, *wanted[i].first, h.cache);
    };
    std::vector<std::future<void>> workers(
        std::min<std::size_t>(std::max(1u, std::thread::hardware_concurrency()), wanted.size()));
    for (auto& w : workers) w = std::async(std::launch::async, compile_some);
    bool going = true;
    for (auto& w : workers)
        while (w.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready)
            if (going && !keep_going()) {
                going = false;
                next = wanted.size(); // each worker ends with the one it has
            }
    for (auto const& [p, made] : wanted)
        if (made) h.pipelines.emplace(*p, made);
    for (auto& w : workers) w.get(); // rethrows
    return going;
}

namespace {

// The file: this header, then what the driver gave us. Only a file that this device, driver and format wrote is read.
struct cache_header {
    char magic[8] = {'s', 'f', 'u', 'm', 'p', 'c', '0', '1'};
    std::uint32_t vendor = 0, device = 0, driver = 0;
    std::uint8_t uuid[VK_UUID_SIZE] = {};
    std::uint32_t checksum = 0;
    std::uint64_t bytes = 0;
};

// FNV-1a, against truncation and bit rot.
std::uint32_t checksum_of(std::vector<char> const& data) {
    std::uint32_t sum = 2166136261u;
    for (char c : data) sum = (sum ^ std::uint8_t(c)) * 16777619u;
    return sum;
}

cache_header header_of(device::handles const& h, std::vector<char> const& data) {
    VkPhysicalDeviceProperties2 properties{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    vkGetPhysicalDeviceProperties2(h.physical, &properties);
    auto const& p = properties.properties;
    cache_header header;
    header.vendor = p.vendorID;
    header.device = p.deviceID;
    header.driver = p.driverVersion;
    std::memcpy(header.uuid, p.pipelineCacheUUID, VK_UUID_SIZE);
    header.checksum = checksum_of(data);
    header.bytes = data.size();
    return header;
}

std::vector<char> read_cache(device::handles const& h) {
    std::ifstream file(h.cache_file, std::ios::binary | std::ios::ate);
    if (!file || file.tellg() < std::streamoff(sizeof(cache_header))) return {};
    std::vector<char> data(std::size_t(file.tellg()) - sizeof(cache_header));
    cache_header found;
    file.seekg(0);
    file.read(reinterpret_cast<char*>(&found), sizeof found);
    file.read(data.data(), std::streamsize(data.size()));
    cache_header const wanted = header_of(h, data);
    return file && !std::memcmp(&found, &wanted, sizeof found) ? data : std::vector<char>{};
}

} // namespace

void pipeline_cache_open(device::handles& h) {
    VkPhysicalDeviceProperties2 properties{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    vkGetPhysicalDeviceProperties2(h.physical, &properties);
    h.cache_file = cache_path(std::format("pipelines-{}.bin", cache_key(properties.properties)));
    std::vector<char> const data = h.cache_file.empty() ? std::vector<char>{} : read_cache(h);
    h.cache_bytes = data.size();
    VkPipelineCacheCreateInfo const info{.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
                                         .initialDataSize = data.size(),
                                         .pInitialData = data.data()};
    vk_check(vkCreatePipelineCache(h.device, &info, nullptr, &h.cache), "vkCreatePipelineCache");
}

// A cache that cannot be written costs time at the next start, nothing else: so no errors here.
void pipeline_cache_save(device::handles& h) {
    if (h.cache_file.empty()) return;
    std::size_t bytes = 0;
    if (vkGetPipelineCacheData(h.device, h.cache, &bytes, nullptr) != VK_SUCCESS || bytes == h.cache_bytes) return;
    std::vector<char> data(bytes);
    if (vkGetPipelineCacheData(h.device, h.cache, &bytes, data.data()) != VK_SUCCESS) return;
    data.resize(bytes);
    cache_header const header = header_of(h, data);
    std::string file(reinterpret_cast<char const*>(&header), sizeof header);
    file.append(data.begin(), data.end());
    cache_write(h.cache_file, file);
    h.cache_bytes = bytes;
}

} // namespace sfumato
