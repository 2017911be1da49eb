// pipelines FOLDER: what the driver's compiler makes of every matrix kernel that our networks use, at the constants
// that we choose for this device. A line for each on stdout, its fields separated by tabs, and the machine code into
// files of FOLDER. Pipelines are made and nothing else: it works where ./run drivers works. ./run bench isa reads it
// (isa.py).
#include "compute/vulkan.h"
#include "tests/bench/isa/graphs.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <fstream>

namespace sfumato {
namespace {

// How often a program is the work of each network: "sd15" → 0.31.
using shares = std::map<std::string, double>;

std::map<program, shares> programs_of(target const& t) {
    std::map<program, shares> all;
    for (auto const& [network, g] : graphs_of(t)) {
        double const whole = g.work();
        for (auto const& node : g.nodes())
            if (!node.recorded && node.program.kernel->variant != kernel_variant::plain)
                all[node.program][network] += node.work / whole;
    }
    return all;
}

class code_reader {
  public:
    explicit code_reader(device& d, std::filesystem::path folder) : vk_(*d.vk), folder_(std::move(folder)) {
        load(properties_, "vkGetPipelineExecutablePropertiesKHR");
        load(statistics_, "vkGetPipelineExecutableStatisticsKHR");
        load(representations_, "vkGetPipelineExecutableInternalRepresentationsKHR");
    }

    // NAME=VALUE of all that the compiler tells; the text that comes last of a pipeline's is its machine code.
    std::string read(VkPipeline pipeline, std::string const& name) const {
        std::string told;
        VkPipelineInfoKHR const whole{.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline};
        auto const parts = list<VkPipelineExecutablePropertiesKHR>(
            VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR,
            [&](std::uint32_t* n, auto* all) { return properties_(vk_.device, &whole, n, all); });
        // Intel's compiler may make a kernel several times, for more or fewer invocations at once, and takes the last.
        VkPipelineExecutableInfoKHR const which{.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
                                                .pipeline = pipeline,
                                                .executableIndex = std::uint32_t(parts.size() - 1)};
        told += std::format("\tsubgroup={}", parts.back().subgroupSize);
        for (auto const &s : list<VkPipelineExecutableStatisticKHR>(
                 VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR,
                 [&](std::uint32_t* n, auto* all) { return statistics_(vk_.device, &which, n, all); }))
            told += std::format("\t{}={}", s.name, s.value.u64);
        write(which, name);
        return told;
    }

  private:
    template <class F> void load(F& f, char const* name) {
        f = reinterpret_cast<F>(vkGetDeviceProcAddr(vk_.device, name));
        if (!f) fail("{} does not tell what its compiler makes (VK_KHR_pipeline_executable_properties)", vk_.info.name);
    }

    template <class T, class Ask> static std::vector<T> list(VkStructureType type, Ask const& ask) {
        std::uint32_t count = 0;
        vk_check(ask(&count, static_cast<T*>(nullptr)), "VK_KHR_pipeline_executable_properties");
        std::vector<T> all(count, T{.sType = type});
        vk_check(ask(&count, all.data()), "VK_KHR_pipeline_executable_properties");
        return all;
    }

    void write(VkPipelineExecutableInfoKHR const& which, std::string const& name) const {
        auto const ask = [&](std::uint32_t* n, auto* all) { return representations_(vk_.device, &which, n, all); };
        auto texts = list<VkPipelineExecutableInternalRepresentationKHR>(
            VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR, ask);
        if (texts.empty()) return;
        std::vector<std::vector<char>> bytes;
        for (auto& t : texts) t.pData = bytes.emplace_back(t.dataSize + 1).data();
        auto count = std::uint32_t(texts.size());
        vk_check(ask(&count, texts.data()), "vkGetPipelineExecutableInternalRepresentationsKHR");
        std::ofstream(folder_ / (name + ".txt")) << bytes.back().data();
    }

    device::handles& vk_;
    std::filesystem::path folder_;
    PFN_vkGetPipelineExecutablePropertiesKHR properties_ = nullptr;
    PFN_vkGetPipelineExecutableStatisticsKHR statistics_ = nullptr;
    PFN_vkGetPipelineExecutableInternalRepresentationsKHR representations_ = nullptr;
};

// "gemm.cooperative 128x96x16 3x3": what tells programs of a kernel apart for a reader. Constants as in
// shaders/gemm_tile.glsl and shaders/attention.comp.
std::string label_of(program const& p) {
    auto const& c = p.constants;
    std::string const kernel = p.kernel->name;
    if (kernel.starts_with("gemm.") && c.size() > 26)
        return std::format("{} {}x{}x{} {}x{}", kernel, c[24], c[25], c[26], c[12], c[13]);
    if (kernel.starts_with("attention.") && c.size() > 4) return std::format("{} {}", kernel, c[4]);
    return kernel;
}

void print(device& d, std::string const& folder) {
    std::filesystem::create_directories(folder);
    code_reader const reader(d, folder);
    std::printf("# %s, %s\n", d.info().name.c_str(), d.info().driver.c_str());
    int number = 0;
    for (auto const& [program, networks] : programs_of(d.target())) {
        auto const start = std::chrono::steady_clock::now();
        VkPipeline const pipeline = make_pipeline(*d.vk, program, VK_NULL_HANDLE,
                                                  VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR |
                                                      VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR);
        std::chrono::duration<double, std::milli> const took = std::chrono::steady_clock::now() - start;
        std::string const name = std::format("{:03}", number++);
        std::string line =
            std::format("{}\t{}\t{}\tms={:.0f}", name, label_of(program), program.kernel->name, took.count());
        for (auto const& [network, share] : networks) line += std::format("\tof {}={:.4f}", network, share);
        std::printf("%s%s\n", line.c_str(), reader.read(pipeline, name).c_str());
        vkDestroyPipeline(d.vk->device, pipeline, nullptr);
    }
}

} // namespace
} // namespace sfumato

int main(int count, char** arguments) {
    if (count != 2) return std::fprintf(stderr, "pipelines FOLDER\n"), 2;
    setenv("SFUMATO_COMPILED_CODE", "1", true);
    try {
        sfumato::device d;
        sfumato::print(d, arguments[1]);
    } catch (sfumato::error const& e) {
        return std::fprintf(stderr, "pipelines: %s\n", e.what()), 1;
    }
}
