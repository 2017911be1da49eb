#include "models/pipelines/picture_pass.h"

#include "compute/device.h"
#include "compute/ops_fill.h"

#include <cassert>
#include <utility>

namespace sfumato {

namespace {

shape colours_of(pixel_size s) { return {.h = s.height, .w = s.width, .c = 4}; }
shape plane_of(pixel_size s) { return {.h = s.height, .w = s.width}; }

} // namespace

picture_pass record_distances(target const& to, pixel_size size, float low, float high, int reach) {
    picture_pass p{graph(to), {}, {}};
    p.g.stage(say("look at the selection"));
    p.in = {p.g.input(plane_of(size))};
    p.out = distance_to(p.g, p.in[0], low, high, reach);
    p.g.output(p.out);
    return p;
}

picture_pass record_resize(target const& to, pixel_size from, pixel_size size, filter f) {
    picture_pass p{graph(to), {}, {}};
    p.g.stage(say("scale the picture"));
    p.in = {p.g.input(colours_of(from))};
    p.out = resize(p.g, p.in[0], size.height, size.width, f);
    p.g.output(p.out);
    return p;
}

picture_pass record_smooth_fill(target const& to, pixel_size size) {
    picture_pass p{graph(to), {}, {}};
    p.g.stage(say("blend into the surroundings"));
    p.in = {p.g.input(colours_of(size)), p.g.input(plane_of(size))};
    p.out = smooth_fill(p.g, p.in[0], p.in[1]);
    p.g.output(p.out);
    return p;
}

std::optional<std::vector<float>> run(device& d, shelf const& models, picture_pass pass,
                                      std::initializer_list<std::span<float const>> inputs, job const& j) {
    assert(inputs.size() == pass.in.size());
    models.make_room(d, plan::peak_bytes(pass.g));
    plan p(d, std::move(pass.g));
    for (std::size_t i = 0; i < pass.in.size(); ++i) p.upload<float>(pass.in[i], inputs.begin()[i]);
    if (!p.run([&](sentence const& stage, double fraction) {
            j.report({stage, fraction});
            return !j.is_cancelled();
        }))
        return std::nullopt;
    return p.download<float>(pass.out);
}

std::optional<picture> resized(device& d, shelf const& models, picture const& p, pixel_size to, filter f,
                               job const& j) {
    if (pixel_size{p.width, p.height} == to) return p;
    auto values = run(d, models, record_resize(d.target(), {p.width, p.height}, to, f), {p.pixels}, j);
    if (!values) return std::nullopt;
    picture made;
    made.width = to.width, made.height = to.height;
    made.pixels = std::move(*values);
    return made;
}

} // namespace sfumato
