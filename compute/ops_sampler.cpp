#include "compute/ops_sampler.h"

#include "kernel_binaries.h"

#include <cassert>

namespace sfumato {

using kernel::uint;

sampler_state sampler_inputs(graph& g, shape latents) {
    shape four = latents;
    four.n *= 4;
    return {.coefficients = g.input({.c = int(sizeof(kernel::sampler_coefficients) / sizeof(float))}),
            .x = g.input(latents),
            .saved = g.input(latents),
            .kept = g.input(four),
            .noise = g.input(latents)};
}

namespace {

[[maybe_unused]] bool same_pictures(shape const& a, shape const& b, int channels) {
    return (a.n == b.n || a.n == 1) && a.h == b.h && a.w == b.w && a.c == channels;
}

} // namespace

void sampler_step(graph& g, sampler_state const& state, tensor const& output, sampler_step_options const& o) {
    shape const s = state.x.shape;
    std::size_t const count = s.count();
    bool const halves = output.shape.n == 2 * s.n;
    tensor const& positive = o.positive.value_or(output);
    assert(output.shape.count() == (halves ? 2 : 1) * count && output.shape.c == s.c);
    assert(!o.positive || (!halves && positive.shape == s && positive.type == output.type));

    kernel::sampler_step p{.coefficients = g.in(state.coefficients),
                           .negative = g.in(output),
                           .positive = g.in(positive),
                           .x = g.inout(state.x),
                           .saved = g.inout(state.saved),
                           .kept = g.inout(state.kept),
                           .noise = g.in(state.noise),
                           .positive_first = halves ? uint(count) : 0,
                           .count = uint(count),
                           .channels = uint(s.c)};
    if (o.known) {
        auto const& [mask, image, noise] = *o.known;
        assert(same_pictures(mask.shape, s, 1) && same_pictures(image.shape, s, s.c) && noise.shape == s);
        p.mask = g.in(mask);
        p.image = g.in(image);
        p.image_noise = g.in(noise);
        p.mask_count = uint(mask.shape.count());
        p.image_count = uint(image.shape.count());
    }
    int inputs = 0;
    if (o.input) {
        shape const& i = o.input->shape;
        inputs = i.n / s.n;
        assert((inputs == 1 || inputs == 2) && i.n == inputs * s.n && i.h == s.h && i.w == s.w && i.c >= s.c);
        p.network_input = g.inout(*o.input);
        p.input_channels = uint(i.c);
    }
    if (o.x0) {
        assert(o.x0->shape == s);
        p.x0 = g.out(*o.x0);
    }
    g.dispatch(p, launch::items(count), 60,
               {uint(output.type), o.input ? uint(o.input->type) : 0, uint(inputs), uint(o.known.has_value()),
                uint(o.x0.has_value())});
}

} // namespace sfumato
