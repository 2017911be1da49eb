// Patches of 7 × 7 pixels: what they are, how two are compared. Pixels are packed as four 8-bit channels for that.

const int radius = 3;
const int side = 2 * radius + 1;

// The state of a pixel.
const uint known = 0u; // its colour may be read
const uint hole = 1u;  // to be filled
const uint blank = 2u; // neither: transparent and not selected

// What a patch may be used for, by its centre; both bits unset where it leaves the picture.
const uint is_source = 1u; // every pixel is known
const uint is_target = 2u; // some pixel is in the hole

// A match: the centre of a source patch, x in the lower and y in the upper 16 bits.
const uint no_match = ~0u;
uint match_of(ivec2 centre) { return uint(centre.x) | uint(centre.y) << 16; }
ivec2 centre_of(uint match) { return ivec2(match & 0xffffu, match >> 16); }

ivec4 channels(uint pixel) { return ivec4(pixel & 255u, pixel >> 8 & 255u, pixel >> 16 & 255u, pixel >> 24); }

uint pack_pixel(vec4 colour) {
    uvec4 c = uvec4(clamp(colour, 0.0, 1.0) * 255.0 + 0.5);
    return c.x | c.y << 8 | c.z << 16 | c.w << 24;
}

// Random numbers without memory: a permutation of 32-bit integers (after M. O'Neill's PCG).
uint scramble(uint value) {
    value = value * 747796405u + 2891336453u;
    value = (value >> (value >> 28 & 15u) + 4u ^ value) * 277803737u;
    return value >> 22 ^ value;
}

// Patches are compared at every second pixel, as the black fields of a chessboard: as good, for half the loads.
const int samples = (side * side + 1) / 2;
ivec2 sample_at(int k) { return ivec2(2 * k % side, 2 * k / side) - radius; }

// The patch that is compared with many others.
uint wanted[samples];
float confidence_of[samples];

void want_patch(u32s pixels, f32s confidences, ivec2 centre, int width) {
    [[unroll]] for (int k = 0; k < samples; ++k) {
        int at = (centre.y + sample_at(k).y) * width + centre.x + sample_at(k).x;
        wanted[k] = pixels.at[at];
        confidence_of[k] = confidences.at[at];
    }
}

float mismatch_at(u32s pixels, ivec2 centre, int width, int k) {
    uint pixel = pixels.at[(centre.y + sample_at(k).y) * width + centre.x + sample_at(k).x];
    ivec4 d = channels(wanted[k]) - channels(pixel);
    return confidence_of[k] * float(d.x * d.x + d.y * d.y + d.z * d.z + d.w * d.w);
}

// Sum of squared differences in 8-bit steps, weighted by confidence; some number above `limit` where it is above that.
float mismatch(u32s pixels, ivec2 centre, int width, float limit) {
    float sum = 0.0;
    [[unroll]] for (int k = 0; k < samples / 2; ++k) sum += mismatch_at(pixels, centre, width, k);
    if (sum > limit) return sum;
    [[unroll]] for (int k = samples / 2; k < samples; ++k) sum += mismatch_at(pixels, centre, width, k);
    return sum;
}
