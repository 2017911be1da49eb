#include "compute/recorder.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace sfumato {

// What is dispatched at once of a command.
struct recorder::slice {
    std::size_t command = 0;
    std::uint32_t first = 0, count = 0; // lines of workgroups
    double work = 0;
};

namespace {

constexpr double piece_seconds = 0.1; // keeps desktops alive, watchdogs quiet and Cancel quick

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

bool profiling() {
    static bool const on = [] {
        char const* wish = std::getenv("SFUMATO_KERNEL_TIMES");
        return wish && *wish && *wish != '0';
    }();
    return on;
}

// Which memory was touched since the last barrier.
class hazards {
  public:
    // Whether `next` reads what was written, or writes what was read or written.
    bool conflict(command const& next) const {
        for (auto const& a : next.accesses)
            for (auto const& b : touched_)
                if ((a.writes || b.writes) && a.begin < b.end && b.begin < a.end) return true;
        return false;
    }
    void add(command const& c) { touched_.insert(touched_.end(), c.accesses.begin(), c.accesses.end()); }
    void clear() { touched_.clear(); }

  private:
    std::vector<command::range> touched_;
};

void barrier(VkCommandBuffer commands) {
    constexpr VkAccessFlags accesses = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                                       VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
    constexpr VkPipelineStageFlags stages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    VkMemoryBarrier const memory{
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER, .srcAccessMask = accesses, .dstAccessMask = accesses};
    vkCmdPipelineBarrier(commands, stages, stages, 0, 1, &memory, 0, nullptr, 0, nullptr);
}

// Everything before it is visible to everything behind it, the host included, which ALL_COMMANDS leaves out.
void barrier_all(VkCommandBuffer commands) {
    VkMemoryBarrier const memory{.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                 .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                                 .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT};
    constexpr VkPipelineStageFlags all = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT;
    vkCmdPipelineBarrier(commands, all, all, 0, 1, &memory, 0, nullptr, 0, nullptr);
}

// Lines `first` … first + count − 1 of the command's workgroups.
void record_dispatch(device::handles const& h, VkCommandBuffer commands, command const& c, std::uint32_t first,
                     std::uint32_t count) {
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, h.pipelines.at(c.program));
    vkCmdPushConstants(commands, h.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, c.program.kernel->parameter_bytes,
                       c.parameters.data());
    if (count == c.groups[1])
        vkCmdDispatch(commands, c.groups[0], c.groups[1], c.groups[2]);
    else
        vkCmdDispatchBase(commands, 0, first, 0, c.groups[0], count, c.groups[2]);
}

void begin(VkCommandBuffer commands) {
    VkCommandBufferBeginInfo const info{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    vk_check(vkBeginCommandBuffer(commands, &info), "vkBeginCommandBuffer");
}

void submit_commands(device::handles& h, VkCommandBuffer commands) {
    std::uint64_t const value = h.submitted + 1;
    VkTimelineSemaphoreSubmitInfo const timeline{.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                 .signalSemaphoreValueCount = 1,
                                                 .pSignalSemaphoreValues = &value};
    VkSubmitInfo const info{
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .pNext = &timeline,
        .commandBufferCount = 1,
        .pCommandBuffers = &commands,
        .signalSemaphoreCount = 1,
        .pSignalSemaphores = &h.timeline,
    };
    vk_check(vkQueueSubmit(h.queue, 1, &info, VK_NULL_HANDLE), "vkQueueSubmit");
    h.submitted = value;
}

VkCommandPool make_pool(device::handles& h) {
    VkCommandPoolCreateInfo const info{.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                       .queueFamilyIndex = h.queue_family};
    VkCommandPool pool = VK_NULL_HANDLE;
    vk_check(vkCreateCommandPool(h.device, &info, nullptr, &pool), "vkCreateCommandPool");
    return pool;
}

VkCommandBuffer make_commands(device::handles& h, VkCommandPool pool) {
    VkCommandBufferAllocateInfo const info{.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                           .commandPool = pool,
                                           .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                           .commandBufferCount = 1};
    VkCommandBuffer commands = VK_NULL_HANDLE;
    vk_check(vkAllocateCommandBuffers(h.device, &info, &commands), "vkAllocateCommandBuffers");
    return commands;
}

// Two timestamps a dispatch, summed by kernel; null objects when not profiling.
class profile {
  public:
    profile(device::handles& h, std::size_t commands) : vk_(h) {
        if (!profiling()) return;
        VkQueryPoolCreateInfo const info{.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                         .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                         .queryCount = std::uint32_t(2 * commands)};
        vk_check(vkCreateQueryPool(h.device, &info, nullptr, &pool), "vkCreateQueryPool");
    }
    ~profile() {
        if (pool) vkDestroyQueryPool(vk_.device, pool, nullptr);
    }

    void reset(VkCommandBuffer commands, std::size_t first, std::size_t count) const {
        if (pool) vkCmdResetQueryPool(commands, pool, std::uint32_t(2 * first), std::uint32_t(2 * count));
    }
    void stamp(VkCommandBuffer commands, std::size_t index, bool end) const {
        if (!pool) return;
        barrier(commands); // times are of this dispatch alone
        vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, pool, std::uint32_t(2 * index + end));
    }
    template <class Slices> void print(std::span<command const> commands, Slices const& slices) const {
        if (!pool) return;
        std::vector<std::uint64_t> ticks(2 * slices.size());
        vk_check(vkGetQueryPoolResults(vk_.device, pool, 0, std::uint32_t(ticks.size()), ticks.size() * 8, ticks.data(),
                                       8, VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT),
                 "vkGetQueryPoolResults");
        struct line {
            double ms = 0, work = 0;
            int count = 0;
        };
        std::map<std::string, line> lines;
        for (std::size_t i = 0; i < slices.size(); ++i) {
            auto& l = lines[commands[slices[i].command].name];
            l.ms += double(ticks[2 * i + 1] - ticks[2 * i]) * vk_.limits.timestampPeriod * 1e-6;
            l.work += slices[i].work;
            l.count += slices[i].first == 0;
        }
        for (auto const& [name, l] : lines)
            std::fprintf(stderr, "profile: %-28s %5d × %10.3f ms  %8.2f G work/s\n", name.c_str(), l.count, l.ms,
                         l.work / l.ms * 1e-6);
    }

  private:
    device::handles& vk_;
    VkQueryPool pool = VK_NULL_HANDLE;
};

} // namespace

struct recorder::piece {
    VkCommandBuffer commands = VK_NULL_HANDLE;
    std::size_t first = 0, count = 0; // of the slices
    double work = 0;
    std::shared_ptr<profile const> times;
};

recorder::recorder(device::handles& h) : vk_(h), pool_(make_pool(h)) {}

recorder::~recorder() {
    try {
        wait_for(vk_, vk_.submitted);
    } catch (error const&) {
        // A lost device has nothing left to wait for.
    }
    vkDestroyCommandPool(vk_.device, pool_, nullptr);
}

void recorder::forget() {
    for (auto const& p : pieces_) vkFreeCommandBuffers(vk_.device, pool_, 1, &p.commands);
    pieces_.clear();
}

void recorder::cut(std::span<command const> commands) {
    double const most = vk_.work_per_second * piece_seconds;
    slices_.clear();
    for (std::size_t i = 0; i < commands.size(); ++i) {
        command const& c = commands[i];
        std::uint32_t const lines = c.groups[1];
        bool const possible = !c.record && can_be_cut(c.program) && lines > 1 && c.work > most;
        auto const parts = possible ? std::uint32_t(std::min(std::ceil(c.work / most), double(lines))) : 1;
        for (std::uint64_t k = 0; k < parts; ++k) {
            auto const first = std::uint32_t(lines * k / parts), end = std::uint32_t(lines * (k + 1) / parts);
            slices_.push_back({i, first, end - first, c.work / parts});
        }
    }
}

// Records slices from `first` on until about piece_seconds of work are in.
recorder::piece recorder::record(std::span<command const> commands, std::size_t first) {
    piece p{.commands = make_commands(vk_, pool_), .first = first};
    if (!pieces_.empty())
        p.times = pieces_.front().times;
    else
        p.times = std::make_shared<profile const>(vk_, slices_.size());

    double const limit = vk_.work_per_second * piece_seconds;
    std::size_t last = first;
    while (last < slices_.size() && (last == first || p.work + slices_[last].work <= limit))
        p.work += slices_[last++].work;
    p.count = last - first;

    begin(p.commands);
    p.times->reset(p.commands, first, p.count);
    barrier_all(p.commands);
    hazards since_barrier;
    bool const labels = vulkan_instance().labels;
    for (std::size_t i = first; i < last; ++i) {
        slice const& s = slices_[i];
        command const& c = commands[s.command];
        bool const continues = i > first && slices_[i - 1].command == s.command;
        if (!continues) {
            if (since_barrier.conflict(c)) {
                barrier(p.commands);
                since_barrier.clear();
            }
            since_barrier.add(c);
        }
        if (labels) {
            VkDebugUtilsLabelEXT const label{.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_LABEL_EXT, .pLabelName = c.name};
            vkCmdBeginDebugUtilsLabelEXT(p.commands, &label);
        }
        p.times->stamp(p.commands, i, false);
        if (c.record)
            c.record(p.commands);
        else
            record_dispatch(vk_, p.commands, c, s.first, s.count);
        p.times->stamp(p.commands, i, true);
        if (labels) vkCmdEndDebugUtilsLabelEXT(p.commands);
    }
    barrier_all(p.commands);
    vk_check(vkEndCommandBuffer(p.commands), "vkEndCommandBuffer");
    return p;
}

void recorder::submit(piece const& p) { submit_commands(vk_, p.commands); }

// Two pieces are in flight: the device works on one while the next is recorded and handed over.
bool recorder::run(std::span<command const> commands, std::function<bool(std::uint32_t, double)> const& keep_going) {
    if (too_long_) forget();
    too_long_ = false;
    bool const replay = !pieces_.empty();
    std::uint32_t const first_stage = commands.empty() ? 0 : commands.front().stage;
    if (!replay) {
        std::set<program> programs;
        for (auto const& c : commands)
            if (!c.record) programs.insert(c.program);
        bool const all_made = compile_pipelines(vk_, programs, [&] { return keep_going(first_stage, 0); });
        pipeline_cache_save(vk_);
        if (!all_made) return false;
        cut(commands);
    }
    double total = 0, done = 0;
    for (auto const& c : commands) total += c.work;

    std::size_t submitted = 0, finished = 0; // pieces
    double last_finish = now(), measured_work = 0, measured_seconds = 0;
    std::uint64_t const base = vk_.submitted;
    auto const finish_one = [&] {
        wait_for(vk_, base + finished + 1);
        piece const& p = pieces_[finished++];
        double const seconds = now() - last_finish;
        last_finish = now();
        done += p.work;
        // Small pieces measure latency, not speed: several together.
        measured_work += p.work, measured_seconds += seconds;
        if (measured_seconds > 0.02) {
            vk_.work_per_second = 0.5 * (vk_.work_per_second + measured_work / measured_seconds);
            measured_work = measured_seconds = 0;
        }
        too_long_ |= seconds > 2 * piece_seconds && (p.count > 1 || slices_[p.first].count > 1);
    };
    auto const more = [&] {
        return replay ? submitted < pieces_.size()
                      : pieces_.empty() || pieces_.back().first + pieces_.back().count < slices_.size();
    };

    bool going = keep_going(first_stage, 0);
    while (going && !commands.empty() && more()) {
        if (!replay)
            pieces_.push_back(record(commands, pieces_.empty() ? 0 : pieces_.back().first + pieces_.back().count));
        submit(pieces_[submitted++]);
        if (submitted - finished > 1) finish_one();
        going = keep_going(commands[slices_[pieces_[finished].first].command].stage, done / total);
    }
    while (finished < submitted) finish_one();
    if (going && !commands.empty()) {
        pieces_.front().times->print(commands, slices_);
        going = keep_going(commands.back().stage, 1);
    } else if (!replay) {
        forget();
    }
    return going;
}

void wait_for(device::handles& h, std::uint64_t value) {
    VkSemaphoreWaitInfo const info{.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                   .semaphoreCount = 1,
                                   .pSemaphores = &h.timeline,
                                   .pValues = &value};
    // Drivers' own watchdogs are far quicker. A software device does not hang; its processors are busy with other work.
    constexpr std::uint64_t two_minutes = 120'000'000'000; // ns
    VkResult const r = vkWaitSemaphores(h.device, &info, h.info.is_software() ? UINT64_MAX : two_minutes);
    if (r == VK_TIMEOUT)
        throw device_lost(say("The GPU did not finish a piece of work within two minutes: try again with a smaller "
                              "selection, or update its driver."));
    vk_check(r, "vkWaitSemaphores");
}

void submit_and_wait(device::handles& h, std::function<void(VkCommandBuffer)> const& record) {
    VkCommandPool const pool = make_pool(h);
    VkCommandBuffer const commands = make_commands(h, pool);
    begin(commands);
    barrier_all(commands);
    record(commands);
    barrier_all(commands);
    vk_check(vkEndCommandBuffer(commands), "vkEndCommandBuffer");
    submit_commands(h, commands);
    wait_for(h, h.submitted);
    vkDestroyCommandPool(h.device, pool, nullptr);
}

} // namespace sfumato
