#include "tests/bench/ops/peer.h"

#include "compute/error.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

namespace sfumato::bench {

namespace {

using nlohmann::json;

json described(op_case const& op) {
    return {{"name", op.name()}, {"family", name_of(op.of)}, {"work", op.work()},      {"h", op.h},
            {"w", op.w},         {"inputs", op.inputs},      {"outputs", op.outputs},  {"stride", op.stride},
            {"heads", op.heads}, {"keys", op.keys},          {"upsample", op.upsample}};
}

// What serves ggml best on a software device; it does not take one at all unless told to.
void set_best_environment(device_info const& device) {
    if (!device.is_software()) return;
    for (auto const& [name, value] :
         {std::pair{"GGML_VK_VISIBLE_DEVICES", "0"}, {"GGML_VK_DISABLE_COOPMAT", "1"}, {"GGML_VK_DISABLE_F16", "1"}})
        setenv(name, value, 0);
}

int run(std::vector<std::string> arguments) {
    pid_t const child = fork();
    if (child == 0) {
        std::vector<char*> values;
        for (auto& a : arguments) values.push_back(a.data());
        values.push_back(nullptr);
        execv(values[0], values.data());
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace

void time_peer(report& r, std::string const& program, std::string const& folder, bool fresh,
               std::vector<op_case> const& cases) {
    std::filesystem::create_directories(folder);
    std::string const wanted = folder + "/cases.json", timed = folder + "/times.json";
    json all = json::array();
    for (auto const& op : cases)
        if (op.of != family::gemm_pack) all.push_back(described(op)); // ggml reads weights as they lie
    std::ofstream(wanted) << all.dump(1);

    set_best_environment(r.device);
    std::vector<std::string> arguments{program, wanted, timed};
    if (fresh) arguments.push_back("--fresh");
    if (int const code = run(arguments))
        fail("the peer {} ended with {}: what it printed above says why", program, code);

    std::ifstream file(timed);
    json const times = json::parse(file);
    r.peer = times.at("peer");
    for (auto const& op : cases) {
        if (op.of == family::gemm_pack) continue;
        json const& t = times.at("times").at(op.name());
        r.peers[op] = {.seconds = t.value("seconds", 0.),
                       .busy = t.value("busy", 0.),
                       .variant = t.value("variant", ""),
                       .date = t.value("date", ""),
                       .error = t.value("error", "")};
    }
}

} // namespace sfumato::bench
