#include "cli/bench.h"

#include "models/pipelines/upscale/upscale_model.h"

#include <format>

namespace sfumato {

std::optional<bench_result> bench_upscaler(device& d, options const& given, job const& j) {
    int const size = int(given.number("--size", 8, 4096, 128)) / 4 * 4, runs = int(given.number("--steps", 1, 1000, 3));
    dtype const storage = given.precision().value_or(d.target().storage());
    upscale_model model({.source = given.value("--model"), .precision = given.precision()});
    int const side = size + 2 * model.shape().margin;

    graph g(d.target().storing(storage));
    tensor const image = g.input({.h = side, .w = side, .c = 3}),
                 result = upscaler({g, model.weights(), ""}, model.network(), image, storage);
    g.output(result);
    double const operations = g.products();
    d.memory_peak(true);
    double start = now();
    if (!model.weights().load(d, j)) return {};
    double const load = now() - start;
    plan p(d, std::move(g));
    std::uint64_t const planned = model.weights().bytes(d, residence::device) + p.peak_bytes();

    std::vector<float> picture(image.shape.count());
    for (std::size_t i = 0; i < picture.size(); ++i) picture[i] = float(i * 2654435761u % 256u) / 255;
    std::vector<double> seconds, transfers;
    for (int run = 0; run <= runs; ++run) {
        double const begin = now();
        p.upload<float>(image, picture);
        double const uploaded = now();
        bool const going = p.run([&](sentence const&, double fraction) {
            j.report({say("run {}", run), fraction});
            return !j.is_cancelled();
        });
        if (!going) return {};
        double const done = now();
        p.download<float>(result);
        seconds.push_back(done - uploaded);
        transfers.push_back(now() - done + uploaded - begin);
    }
    double const first = seconds.front(), median_run = median({seconds.begin() + 1, seconds.end()}),
                 transfer = median({transfers.begin() + 1, transfers.end()}), megapixels = double(size) * size / 1e6;
    return bench_result{
        .text = std::format("{}² → {}²\n{}\nload {:.2f} s, first run {:.2f} s\n"
                            "{:.3f} s and {:.3f} s of transfers: {:.2f} s a megapixel of the picture, {:.1f} GFLOP/s",
                            size, size * model.shape().scale, peak(planned, d.memory_peak()), load, first, median_run,
                            transfer, (median_run + transfer) / megapixels, operations / median_run * 1e-9),
        .json = {{"size", size},
                 {"gflop", operations * 1e-9},
                 {"seconds", {{"load", load}, {"first_run", first}, {"run", median_run}, {"transfers", transfer}}},
                 {"memory", {{"planned", planned}, {"measured", d.memory_peak()}}}}};
}

} // namespace sfumato
