#include "models/eval/case_run.h"

#include <cassert>

namespace sfumato {

namespace {

weight_format format_of(dtype type) {
    return type == dtype::f16 ? weight_format::f16 : type == dtype::bf16 ? weight_format::bf16 : weight_format::f32;
}

// `to`[i, x, y] = `from`[i, y, x] for [count, rows, columns].
std::vector<float> transposed(std::vector<float> const& from, std::size_t count, std::size_t rows,
                              std::size_t columns) {
    std::vector<float> to(from.size());
    for (std::size_t i = 0; i < count; ++i)
        for (std::size_t y = 0; y < rows; ++y)
            for (std::size_t x = 0; x < columns; ++x)
                to[(i * columns + x) * rows + y] = from[(i * rows + y) * columns + x];
    return to;
}

case_tensor in_torch_order(shape const& s, std::vector<float> values, torch_layout layout) {
    switch (layout) {
    case torch_layout::picture: return {{s.n, s.c, s.h, s.w}, transposed(values, s.n, std::size_t(s.h) * s.w, s.c)};
    case torch_layout::tokens: assert(s.h == 1); return {{s.n, s.w, s.c}, std::move(values)};
    default: assert(s.h == 1 && s.w == 1); return {{s.n, s.c}, std::move(values)};
    }
}

} // namespace

case_run::case_run(device& d, std::shared_ptr<checkpoint const> file, eval_options const& o)
    : device_(d), options_(o), store_(std::move(file), {.format = format_of(o.type), .waiting = o.waiting}),
      graph_(d.target().storing(o.type)) {}

tensor case_run::input(case_tensor const& t, torch_layout layout) {
    auto const extent = [&](std::size_t i) { return int(t.shape.at(i)); };
    if (layout != torch_layout::picture) {
        shape const s = layout == torch_layout::tokens ? shape{.n = extent(0), .w = extent(1), .c = extent(2)}
                                                       : shape{.n = extent(0), .c = extent(1)};
        return uploads_.emplace_back(graph_.input(s), t.values).first;
    }
    shape const s{extent(0), extent(2), extent(3), extent(1)};
    return uploads_.emplace_back(graph_.input(s), transposed(t.values, s.n, s.c, std::size_t(s.h) * s.w)).first;
}

tensor case_run::numbers(case_tensor const& t) {
    return uploads_.emplace_back(graph_.input({.c = int(t.values.size())}), t.values).first;
}

tensor case_run::ids(case_tensor const& t) {
    std::vector<std::uint32_t> numbers(t.values.begin(), t.values.end());
    shape const s{.n = t.shape.size() == 2 ? int(t.shape[0]) : 1, .w = int(t.shape.back())};
    return id_uploads_.emplace_back(graph_.input(s, dtype::u32), std::move(numbers)).first;
}

void case_run::output(std::string const& name, tensor const& t, torch_layout layout) {
    tensor const result = cast(graph_, t, dtype::f32);
    graph_.output(result);
    results_.push_back({"out." + name, result, layout});
}

case_tensors case_run::run(torch_layout (*tap_layout)(std::string_view)) {
    for (auto const& [name, t] : noted_) results_.push_back({"tap." + name, t, tap_layout(name)});
    store_.load(device_);
    plan p(device_, std::move(graph_));
    for (auto const& [t, values] : uploads_) p.upload<float>(t, values);
    for (auto const& [t, values] : id_uploads_) p.upload<std::uint32_t>(t, values);
    p.run();
    case_tensors all;
    for (auto const& [name, t, layout] : results_) all[name] = in_torch_order(t.shape, p.download<float>(t), layout);
    return all;
}

} // namespace sfumato
