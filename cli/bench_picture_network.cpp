// Networks that make a picture of a picture: upscalers, LaMa and MI-GAN.
#include "cli/bench.h"

#include "models/pipelines/lama/lama_model.h"
#include "models/pipelines/upscale/upscale_model.h"

#include <format>

namespace sfumato {

namespace {

struct picture_network {
    weight_store& weights;
    graph g;
    tensor in, out;
    int size = 0; // of the picture, without a margin
};

std::optional<bench_result> measure(device& d, picture_network n, int runs, job const& j) {
    n.g.output(n.out);
    double const operations = n.g.products();
    d.memory_peak(true);
    double start = now();
    if (!n.weights.load(d, j)) return {};
    double const load = now() - start;
    plan p(d, std::move(n.g));
    std::uint64_t const planned = n.weights.bytes(d, residence::device) + p.peak_bytes();

    std::vector<float> picture(n.in.shape.count());
    for (std::size_t i = 0; i < picture.size(); ++i) picture[i] = float(i * 2654435761u % 256u) / 255;
    std::vector<double> seconds, transfers;
    for (int run = 0; run <= runs; ++run) {
        double const begin = now();
        p.upload<float>(n.in, picture);
        double const uploaded = now();
        bool const going = p.run([&](sentence const&, double fraction) {
            j.report({say("run {}", run), fraction});
            return !j.is_cancelled();
        });
        if (!going) return {};
        double const done = now();
        p.download<float>(n.out);
        seconds.push_back(done - uploaded);
        transfers.push_back(now() - done + uploaded - begin);
    }
    double const first = seconds.front(), median_run = median({seconds.begin() + 1, seconds.end()}),
                 transfer = median({transfers.begin() + 1, transfers.end()}),
                 megapixels = double(n.size) * n.size / 1e6;
    return bench_result{
        .text = std::format("{}² → {}²\n{}\nload {:.2f} s, first run {:.2f} s\n"
                            "{:.3f} s and {:.3f} s of transfers: {:.2f} s a megapixel of the picture, {:.1f} GFLOP/s",
                            n.size, n.out.shape.w, peak(planned, d.memory_peak()), load, first, median_run, transfer,
                            (median_run + transfer) / megapixels, operations / median_run * 1e-9),
        .json = {{"size", n.size},
                 {"gflop", operations * 1e-9},
                 {"seconds", {{"load", load}, {"first_run", first}, {"run", median_run}, {"transfers", transfer}}},
                 {"memory", {{"planned", planned}, {"measured", d.memory_peak()}}}}};
}

int runs_of(options const& given) { return int(given.number("--steps", 1, 1000, 3)); }

} // namespace

std::optional<bench_result> bench_upscaler(device& d, options const& given, job const& j) {
    int const size = int(given.number("--size", 8, 4096, 128)) / 4 * 4;
    dtype const storage = given.precision().value_or(d.target().storage());
    upscale_model model({.source = given.value("--model"), .precision = given.precision()});
    int const side = size + 2 * model.shape().margin;
    picture_network n{.weights = model.weights(), .g = graph(d.target().storing(storage)), .in = {}, .out = {}};
    n.in = n.g.input({.h = side, .w = side, .c = 3});
    n.out = upscaler({n.g, n.weights, ""}, model.network(), n.in, storage);
    n.size = size;
    return measure(d, std::move(n), runs_of(given), j);
}

std::optional<bench_result> bench_filler(device& d, options const& given, job const& j) {
    dtype const storage = given.precision().value_or(d.target().storage());
    lama_model model(given.value("--model"));
    auto const size_of = [&](auto const& network) {
        if constexpr (std::is_same_v<decltype(network), migan_config const&>)
            return network.side; // no other
        else
            return int(given.number("--size", 2 * network.multiple(), 4096, 512)) / network.multiple() *
                   network.multiple();
    };
    int const size = std::visit(size_of, model.network());
    picture_network n{.weights = model.weights(), .g = graph(d.target().storing(storage)), .in = {}, .out = {}};
    n.in = n.g.input({.h = size, .w = size, .c = 4});
    n.out = filler(n.g, n.weights, model.network(), cast(n.g, n.in, storage));
    n.size = size;
    return measure(d, std::move(n), runs_of(given), j);
}

} // namespace sfumato
