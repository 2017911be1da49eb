// bench_ops: how fast this device runs the operations of diffusion networks. --help
#include "compute/error.h"
#include "tests/bench/ops/peer.h"
#include "tests/bench/ops/quiet.h"
#include "tests/bench/ops/timing.h"

#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstdlib>
#include <format>
#include <optional>
#include <regex>
#include <set>

using namespace sfumato;
using namespace sfumato::bench;

namespace {

constexpr char const* help = R"(Usage: bench_ops [OPTION…]

Times every convolution, matrix product, attention, group norm and softmax of these networks, each size once, alone, and weighs
them by how often the network has them: sd15 (SD 1.5's UNet at 512²), sdxl (at 1024²), vae512, vae1024 (decoders), rrdb (RRDBNet
×4 of 128²). Batch 1; tensors and weights are fp16, on a software device fp32. Products are plain, without epilogues. loading: the
weights of sd15, fp16 in the checkpoint and in memory, put into the order that products read them in.

  --network NAMES   only these, with commas between
  --quick           only sd15
  --filter REGEX    only operations whose name matches
  --block MxNxK     on a GPU, products in blocks of so many rows and columns, with so many inputs at once, where that is
                    possible; else the engine chooses
  --min-time S      seconds for each operation (0.1)
  --json            closes with one line of JSON
  --peer PROGRAM    has PROGRAM (peer_ggml) time the same right after; of a software device sd15 alone, unless --network is given
  --peer-folder DIR where the peer's times are kept, with their dates (.)
  --fresh           the peer times everything anew

A time is the best of all runs, wall clock, with the submission. Peak is what this device was just measured to do at most.
Computed: products in all blocks of a result, in relation to those that the result needs.
Rates of gemm, conv3x3 and attention are GFLOP/s; of the others GB/s (everything read once and written once).
JSON: `weighted` and each of `networks` hold ours_gflops, peer_gflops, ratio (peer's time / ours), unit, ours_seconds and of_peak
for gemm, conv3x3 and attention together, and the same again in an object for each family; where `unit` is GB/s, so are
ours_gflops and peer_gflops. `weighted` is sd15's. null: not measured. SFUMATO_DEVICE chooses the device, SFUMATO_MATRIX
its matrix path.
)";

struct options {
    bool json = false, fresh = false, chosen = false;
    std::set<std::string> networks;
    std::string filter = ".", peer, peer_folder = ".";
    decltype(target::block) block;
    double min_time = 0.1;
};

[[noreturn]] void usage(std::string const& what) {
    std::fprintf(stderr, "bench_ops: %s; see bench_ops --help\n", what.c_str());
    std::exit(2);
}

options parse(int count, char** values) {
    options o;
    for (int i = 1; i < count; ++i) {
        std::string const name = values[i];
        auto const value = [&]() -> std::string {
            if (++i == count) usage(name + " needs a value");
            return values[i];
        };
        if (name == "--help" || name == "-h") {
            std::fputs(help, stdout);
            std::exit(0);
        } else if (name == "--json")
            o.json = true;
        else if (name == "--fresh")
            o.fresh = true;
        else if (name == "--quick")
            o.networks.insert("sd15");
        else if (name == "--network") {
            o.chosen = true;
            std::string const list = value();
            for (std::size_t at = 0; at <= list.size();) {
                std::size_t const end = std::min(list.find(',', at), list.size());
                o.networks.insert(list.substr(at, end - at));
                at = end + 1;
            }
        } else if (name == "--filter")
            o.filter = value();
        else if (name == "--block") {
            if (std::sscanf(value().c_str(), "%ux%ux%u", &o.block.m, &o.block.n, &o.block.k) != 3)
                usage("--block needs three numbers: 128x64x32");
        } else if (name == "--min-time")
            o.min_time = std::stod(value());
        else if (name == "--peer")
            o.peer = value();
        else if (name == "--peer-folder")
            o.peer_folder = value();
        else
            usage("no option " + name);
    }
    return o;
}

std::vector<network> chosen_networks(options const& o) {
    auto all = networks();
    for (auto const& name : o.networks)
        if (std::ranges::find(all, name, &network::key) == all.end()) usage("no network " + name);
    std::regex const wanted(o.filter);
    for (auto& n : all)
        std::erase_if(n.ops, [&](auto const& op) { return !std::regex_search(op.first.name(), wanted); });
    std::erase_if(
        all, [&](network const& n) { return n.ops.empty() || (!o.networks.empty() && !o.networks.contains(n.key)); });
    if (all.empty()) usage("no operation matches " + o.filter);
    return all;
}

std::vector<op_case> cases_of(std::vector<network> const& networks) {
    std::set<op_case> all;
    for (auto const& n : networks)
        for (auto const& [op, count] : n.ops) all.insert(op);
    return {all.begin(), all.end()};
}

// Google Benchmark decides how often a case runs; the table comes at the end.
class silence : public benchmark::BenchmarkReporter {
  public:
    bool ReportContext(Context const&) override { return true; }
    void ReportRuns(std::vector<Run> const&) override {}
};

// Google Benchmark calls a case again and again until it has run long enough: it stays placed meanwhile.
struct runner {
    device& on;
    target shaped; // for it
    report& into;
    op_case current;
    std::unique_ptr<timed_case> placed;

    void prepare(op_case const& op) {
        if (placed && current == op) return;
        std::fprintf(stderr, "%s\n", op.name().c_str());
        placed.reset();
        current = op;
        placed = std::make_unique<timed_case>(on, shaped, op);
        into.ours[op] = {
            .computed = placed->computed, .compile_seconds = placed->compile_seconds, .compiled = placed->compiled};
    }

    void time(benchmark::State& state, op_case const& op) try {
        prepare(op);
        our_time& t = into.ours[op];
        for (auto _ : state) {
            double const whole = placed->run(), seconds = whole / placed->copies;
            state.SetIterationTime(whole);
            t.seconds = t.runs++ ? std::min(t.seconds, seconds) : seconds;
        }
    } catch (error const& e) {
        placed.reset();
        into.ours[op].error = e.what();
        state.SkipWithError(e.what());
    }
};

void time_ours(report& r, device& d, target const& t, std::vector<op_case> const& cases, double min_time) {
    runner runs{d, t, r, {}, {}};
    for (auto const& op : cases)
        benchmark::RegisterBenchmark(op.name().c_str(), [&runs, op](benchmark::State& s) { runs.time(s, op); })
            ->UseManualTime()
            ->Unit(benchmark::kMillisecond)
            ->MinTime(min_time);
    silence quiet;
    benchmark::RunSpecifiedBenchmarks(&quiet);
}

// While it lives there is no shader cache, ours or the driver's, so that the times to make pipelines are honest.
class without_shader_cache {
  public:
    without_shader_cache() {
        for (auto const& [name, value] : {std::pair{"XDG_CACHE_HOME", "/nonexistent"},
                                          {"MESA_SHADER_CACHE_DISABLE", "true"},
                                          {"__GL_SHADER_DISK_CACHE", "0"}}) {
            char const* const old = std::getenv(name);
            before_.emplace_back(name, old ? std::optional<std::string>(old) : std::nullopt);
            setenv(name, value, 1);
        }
    }
    ~without_shader_cache() {
        for (auto const& [name, old] : before_)
            if (old)
                setenv(name, old->c_str(), 1);
            else
                unsetenv(name);
    }

  private:
    std::vector<std::pair<char const*, std::optional<std::string>>> before_;
};

int run(options const& o) {
    report r{.networks = chosen_networks(o), .busy_before = busy_now()};
    {
        without_shader_cache const honest;
        device d;
        r.device = d.info();
        r.matrix_path = matrix_path_names[int(d.target().matrix)];
        r.peak = measure_peak(d);
        other_work const others;
        target t = d.target();
        t.block = o.block;
        time_ours(r, d, t, cases_of(r.networks), o.min_time);
        r.busy_ours = others.percent();
    }
    if (!o.peer.empty()) {
        auto compared = r.networks;
        if (r.device.is_software() && !o.chosen)
            std::erase_if(compared, [](network const& n) { return n.key != "sd15"; });
        time_peer(r, o.peer, o.peer_folder, o.fresh, cases_of(compared));
    }
    print(r);
    if (o.json) std::printf("%s\n", as_json(r).c_str());
    return 0;
}

} // namespace

int main(int count, char** values) {
    try {
        return run(parse(count, values));
    } catch (std::exception const& e) {
        std::fprintf(stderr, "bench_ops: %s\n", e.what());
        return 1;
    }
}
