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
