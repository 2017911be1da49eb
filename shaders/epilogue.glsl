// What follows a matrix product before it is stored. The including kernel's parameters are called p and have the fields
// bias, channel_add, slopes, gate, residual, y, columns, slope and image_rows.
layout(constant_id = 0) const uint y_type = 0u;
layout(constant_id = 1) const uint bias_type = 0u; // of these five, `absent` = not there
layout(constant_id = 2) const uint channel_add_type = 0u;
layout(constant_id = 3) const uint slopes_type = 0u;
layout(constant_id = 4) const uint gate_type = 0u;
layout(constant_id = 5) const uint residual_type = 0u;
layout(constant_id = 6) const uint activation = 0u;
layout(constant_id = 7) const bool geglu = false; // pairs of columns are a value and its gate
layout(constant_id = 8) const uint y_pitch = 0u; // elements from one row to the next; 0: p.columns
layout(constant_id = 9) const uint residual_pitch = 0u;

const uint absent = 255u;

float bias_of(uint column) { return bias_type != absent ? load(p.bias, bias_type, column) : 0.0; }
float slope_of(uint column) { return slopes_type != absent ? load(p.slopes, slopes_type, column) : p.slope; }

// f(sum + bias + channel_add) · gate, for column `column` (of p.columns) of image `image`.
float finish(float value, float bias, float slope, uint image, uint column) {
    value += bias;
    if (channel_add_type != absent) value += load(p.channel_add, channel_add_type, image * p.columns + column);
    value = activate(activation, value, slope);
    if (gate_type != absent) value *= load(p.gate, gate_type, image * p.columns + column);
    return value;
}

float finish(float value, uint image, uint column) {
    return finish(value, bias_of(column), slope_of(column), image, column);
}

uint pitch_of(uint pitch) { return pitch != 0u ? pitch : p.columns; }

// row: of the result.
void store_result(float value, uint row, uint column) {
    if (residual_type != absent)
        value += load(p.residual, residual_type, row * pitch_of(residual_pitch) + column);
    store(p.y, y_type, row * pitch_of(y_pitch) + column, value);
}

// The GEGLU of a value's sum and its gate's; the gates' biases stand behind all others.
float gated(vec2 sums, uint column) {
    if (bias_type != absent)
        sums += vec2(load(p.bias, bias_type, column), load(p.bias, bias_type, p.columns + column));
    return sums.x * activate(activation_gelu, sums.y, 0.0);
}

// Stores the sums of a pair of columns; to_row: of the result.
void store_pair(vec2 sums, uint image, uint to_row, uint pair) {
    if (geglu) {
        if (pair < p.columns) store_result(gated(sums, pair), to_row, pair);
        return;
    }
    uint column = 2u * pair;
    if (column < p.columns) store_result(finish(sums.x, image, column), to_row, column);
    if (column + 1u < p.columns) store_result(finish(sums.y, image, column + 1u), to_row, column + 1u);
}

// Four or eight neighbouring columns at once, where columns and pitches are multiples of 8 and everything begins at a multiple
// of 16 bytes.
vec4 finish4(vec4 v, uint image, uint column) {
    if (bias_type != absent) v += load4_aligned(p.bias, bias_type, column);
    if (channel_add_type != absent) v += load4_aligned(p.channel_add, channel_add_type, image * p.columns + column);
    vec4 slopes = slopes_type != absent ? load4_aligned(p.slopes, slopes_type, column) : vec4(p.slope);
    [[unroll]] for (uint i = 0u; i < 4u; ++i) v[i] = activate(activation, v[i], slopes[i]);
    if (gate_type != absent) v *= load4_aligned(p.gate, gate_type, image * p.columns + column);
    return v;
}

void store_result4(vec4 v, uint row, uint column) {
    if (residual_type != absent) v += load4_aligned(p.residual, residual_type, row * pitch_of(residual_pitch) + column);
    store4_aligned(p.y, y_type, row * pitch_of(y_pitch) + column, v);
}

// column: of the sums; GEGLU has two for one of the result.
void store_octet(vec4 a, vec4 b, uint image, uint to_row, uint column) {
    if (geglu) {
        uint to = column / 2u;
        if (to < p.columns) {
            vec4 values = vec4(a.x, a.z, b.x, b.z), gates = vec4(a.y, a.w, b.y, b.w);
            if (bias_type != absent) {
                values += load4_aligned(p.bias, bias_type, to);
                gates += load4_aligned(p.bias, bias_type, p.columns + to);
            }
            [[unroll]] for (uint i = 0u; i < 4u; ++i) values[i] *= activate(activation_gelu, gates[i], 0.0);
            store_result4(values, to_row, to);
        }
    } else if (column < p.columns) {
        store_result4(finish4(a, image, column), to_row, column);
        store_result4(finish4(b, image, column + 4u), to_row, column + 4u);
    }
}
