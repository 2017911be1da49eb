#version 460
#include "common.glsl"
#include "trigonometry.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint x_type = 0u;
layout(constant_id = 1) const uint y_type = 0u;
layout(constant_id = 2) const uint kind = 0u; // enum class filter in compute/ops.h
layout(constant_id = 3) const uint antialias = 1u;
layout(constant_id = 4) const uint width = 1u; // elements an invocation computes: 4, or 1 where `inner` is less
layout(constant_id = 5) const uint window = 0u; // y is a part of the whole result, at p.origin
layout(push_constant, scalar) uniform block { resize p; };

const uint nearest = 0u, bilinear = 1u, bicubic = 2u, lanczos = 3u;

float sinc(float x) { return x == 0.0 ? 1.0 : sin_pi(x) / (3.14159265358979 * x); }

// x in filter widths from the result's centre.
float weight(float x) {
    x = abs(x);
    if (kind == bilinear) return max(1.0 - x, 0.0);
    if (kind == lanczos) return x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
    const float a = antialias != 0u ? -0.5 : -0.75; // Keys 1981
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    return x < 2.0 ? a * (((x - 5.0) * x + 8.0) * x - 4.0) : 0.0;
}

vec4 fetch(uint i) { return width == 4u ? load4(p.x, x_type, i) : vec4(load(p.x, x_type, i)); }

void main() {
    uint id = flat_id();
    if (id >= p.count) return;
    uint quads = (p.inner + width - 1u) / width;
    uint line = id / quads;
    uint inner = min((id - line * quads) * width, p.inner - width); // the last quad overlaps the one before
    uint outer = line / p.to, at = line - outer * p.to;
    uint column = outer * p.from * p.inner + inner;

    // The centre as a whole number and a fraction: fp32 is too coarse for their sum, (at + ½)·from/to. (A window is
    // small enough.)
    int centre;
    float fraction;
    if (window != 0u) {
        float position = clamp(p.origin.at[p.axis] + (float(at) + 0.5) * p.step, 0.0, float(p.from));
        centre = int(position);
        fraction = position - float(centre);
    } else {
        uint numerator = (2u * at + 1u) * p.from;
        centre = int(numerator / (2u * p.to));
        fraction = float(numerator - uint(centre) * 2u * p.to) / float(2u * p.to);
    }

    vec4 sum = vec4(0.0);
    if (kind == nearest) {
        sum = fetch(column + (antialias != 0u ? uint(clamp(centre, 0, int(p.from) - 1)) : at * p.from / p.to) * p.inner);
    } else {
        float shrink = window != 0u ? p.step : float(p.from) / float(p.to);
        float narrow = antialias != 0u ? min(1.0 / shrink, 1.0) : 1.0, total = 0.0;
        int last = int(p.from) - 1;
        int first_tap = centre - p.reach, last_tap = centre + p.reach;
        if (antialias != 0u) {
            first_tap = max(first_tap, 0);
            last_tap = min(last_tap, last);
        }
        for (int tap = first_tap; tap <= last_tap; ++tap) {
            float w = weight((float(tap - centre) + (0.5 - fraction)) * narrow);
            sum += w * fetch(column + uint(clamp(tap, 0, last)) * p.inner);
            total += w;
        }
        sum /= total;
    }
    uint to = line * p.inner + inner;
    if (width == 4u)
        store4(p.y, y_type, to, sum);
    else
        store(p.y, y_type, to, sum.x);
}
