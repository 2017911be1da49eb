#include "compute/self_check.h"

#include "compute/cache.h"
#include "compute/cache_key.h"
#include "compute/half.h"
#include "compute/self_check_questions.h"
#include "compute/vulkan.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <csignal>
#include <fstream>
#include <set>
#include <unistd.h>

namespace sfumato {

// What is known of a device's kernels: which questions they answered rightly and which not, "nv2 gemm 128x64x32".
struct known_kernels {
    std::string file, identity;
    std::set<std::string> right, wrong;
    std::set<std::string> suspect; // a process ended while it asked: by the question, or killed by somebody
    falsify change;
    bool asking = false;

    void read();
    void write(std::string const& begun = {}) const;
};

namespace {

using floats = std::vector<float>;

void upload(plan& p, tensor const& t, floats const& values) {
    if (t.type == dtype::f32) return p.upload(t, std::span(values));
    std::vector<std::uint16_t> halves(values.size());
    std::ranges::transform(values, halves.begin(), f16_bits);
    p.upload(t, std::span<std::uint16_t const>(halves));
}

floats download(plan& p, tensor const& t) {
    if (t.type == dtype::f32) return p.download<float>(t);
    auto const halves = p.download<std::uint16_t>(t);
    floats values(halves.size());
    std::ranges::transform(halves, values.begin(), f16_value);
    return values;
}

// Every number within 1 % of the answer's size: roundings to fp16 are far below, a wrong index or a lost lane far
// above.
bool near(floats const& got, floats const& wanted) {
    double power = 0;
    for (float v : wanted) power += double(v) * v;
    double const limit = 0.01 * std::sqrt(power / double(wanted.size()));
    for (std::size_t i = 0; i < wanted.size(); ++i)
        if (!(std::abs(double(got[i]) - wanted[i]) <= limit)) return false; // NaN too
    return true;
}

bool answers(device& d, question& q, falsify const& change) {
    try {
        plan p(d, q.g);
        for (auto const& [t, values] : q.inputs) upload(p, t, values);
        p.run();
        floats got = download(p, q.answer);
        if (change) change(q.family, d.target().matrix, got);
        return near(got, q.wanted);
    } catch (device_lost const&) {
        throw;
    } catch (error const&) {
        return false; // a pipeline that the driver cannot make, for one
    }
}

char const* name_of(matrix_path path) { return matrix_path_names[int(path)]; }

// Asks unless the answer is known. While it runs the file says so: a driver that takes the process down with it, twice,
// is known by that.
bool is_right(device& d, question& q) {
    known_kernels& known = *d.vk->kernels;
    std::string const name = std::format("{} {}", name_of(d.target().matrix), q.family);
    if (known.right.contains(name)) return true;
    if (known.wrong.contains(name)) return false;
    known.write(name);
    known.asking = true;
    bool right = false;
    try {
        right = answers(d, q, known.change);
    } catch (device_lost const&) {
        known.wrong.insert(name);
        known.write();
        throw;
    }
    known.asking = false;
    known.suspect.erase(name);
    (right ? known.right : known.wrong).insert(name);
    known.write();
    return right;
}

VkPhysicalDeviceProperties properties_of(device& d) {
    VkPhysicalDeviceProperties2 properties{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    vkGetPhysicalDeviceProperties2(d.vk->physical, &properties);
    return properties.properties;
}

// Which device, driver and kernels a result is for.
std::string identity(device& d) {
    auto const p = properties_of(d);
    std::uint64_t sum = 14695981039346656037u; // FNV-1a over the kernels' code
    for (auto const& q : questions(d.target()))
        for (auto const& node : q.g.nodes())
            for (std::uint32_t word : node.program.kernel->spirv) sum = (sum ^ word) * 1099511628211u;
    std::string uuid;
    for (std::uint8_t byte : p.pipelineCacheUUID) uuid += std::format("{:02x}", byte);
    return std::format("sfumato {} {} {} {:016x}", SFUMATO_VERSION, cache_key(p), uuid, sum);
}

std::string listed(std::vector<std::string> const& names) {
    std::string all;
    for (auto const& name : names) all += (all.empty() ? "" : ", ") + name;
    return all;
}

// What is known to be wrong on the path that the device would take: of a start's questions, and of those that plans
// asked before.
std::vector<std::string> wrong_here(device& d) {
    std::string const path = std::format("{} ", name_of(d.target().matrix));
    std::vector<std::string> wrong;
    auto const collect = [&] {
        for (auto const& name : d.vk->kernels->wrong)
            if (name.starts_with(path)) wrong.push_back(name.substr(path.size()));
    };
    collect();
    if (!wrong.empty()) return wrong;
    for (auto& q : questions(d.target())) is_right(d, q);
    collect();
    return wrong;
}

} // namespace

// A line with the identity, then one for each question: right, wrong, or begun once or again, by which process.
void known_kernels::read() {
    std::ifstream in(file);
    std::string line;
    if (!std::getline(in, line) || line != identity) return;
    while (std::getline(in, line)) {
        auto const space = line.find(' ');
        if (space == line.npos) continue;
        std::string_view const how = std::string_view(line).substr(0, space);
        std::string const what = line.substr(space + 1);
        if (how == "right" || how == "wrong") {
            (how == "right" ? right : wrong).insert(what);
            continue;
        }
        auto const name = what.find(' ');
        int pid = 0;
        std::from_chars(what.data(), what.data() + std::min(name, what.size()), pid);
        if (name == what.npos || (pid > 0 && pid != ::getpid() && ::kill(pid, 0) == 0)) continue; // it is still asking
        (how == "again" ? wrong : suspect).insert(what.substr(name + 1));
    }
}

void known_kernels::write(std::string const& begun) const {
    std::string text = identity + "\n";
    for (auto const& name : right) text += "right " + name + "\n";
    for (auto const& name : wrong) text += "wrong " + name + "\n";
    for (auto const& name : suspect)
        if (name != begun) text += "begun 0 " + name + "\n";
    if (!begun.empty())
        text += std::format("{} {} {}\n", suspect.contains(begun) ? "again" : "begun", ::getpid(), begun);
    cache_write(file, text);
}

self_check_result self_check(device& d, falsify const& change) {
    auto& h = *d.vk;
    self_check_result r{.checked = d.target().matrix};
    h.kernels = std::make_shared<known_kernels>();
    h.kernels->change = change;
    h.kernels->file = cache_path(std::format("self-check-{}.txt", cache_key(properties_of(d))));
    h.kernels->identity = identity(d);
    h.kernels->read();
    h.unusable = {};

    r.wrong = wrong_here(d);
    r.wrong_even_scalar = r.wrong;
    while (!r.wrong_even_scalar.empty() && !h.plainer.empty()) {
        h.target = h.plainer.front();
        h.plainer.erase(h.plainer.begin());
        r.wrong_even_scalar = wrong_here(d);
    }
    r.used = d.target().matrix;
    if (!r.wrong_even_scalar.empty())
        h.unusable = say("{} computes wrongly even with the plainest kernels: {}; update its driver.", d.info().name,
                         listed(r.wrong_even_scalar));
    return r;
}

void check_kernels(device& d, graph const& g) {
    auto& h = *d.vk;
    if (!h.unusable.empty()) throw error(h.unusable);
    if (!h.kernels || h.kernels->asking) return;
    for (auto const& node : g.nodes()) {
        if (node.recorded || node.program.kernel->variant < kernel_variant::scalar) continue;
        auto const& c = node.program.constants;
        bool const product = std::string_view(node.name).starts_with("gemm.");
        target t = d.target();
        if (product && node.program.kernel->variant == kernel_variant::cooperative) t.flexible = {}; // as this one
        question q = product ? question_of_block(t, c[24], c[25], c[26])
                             : question_of_head_size(d.target(), int(c[4]), int(c[7]) + 5);
        if (is_right(d, q)) continue;
        std::string const path = name_of(d.target().matrix);
        if (h.plainer.empty())
            fail("{} computes {} wrongly even with the plainest kernels: update its driver.", d.info().name, q.family);
        h.target = h.plainer.front();
        h.plainer.erase(h.plainer.begin());
        fail("{} computes {} wrongly with {} kernels; from now on {} ones are used: try again.", d.info().name,
             q.family, path, name_of(h.target.matrix));
    }
}

std::string self_check_result::sentence() const {
    if (wrong.empty()) return std::format("computes rightly ({} kernels)", name_of(checked));
    if (wrong_even_scalar.empty())
        return std::format("wrong with {} kernels: {}; the {} ones are used", name_of(checked), listed(wrong),
                           name_of(used));
    return std::format("computes wrongly even with the plainest kernels: {}; update its driver",
                       listed(wrong_even_scalar));
}

} // namespace sfumato
