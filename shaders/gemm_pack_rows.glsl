// The same where each output's numbers lie one behind the other, all taps of an input together, as in most checkpoints: eight
// lanes take 16 neighbouring numbers of each of a panel's rows at a time, two a lane, and store two lines of 16 columns.
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer pairs_of_pairs { u64vec2 at[]; };

uint lane;

uint word_of_lane(uint64_t at) {
    return software ? floatBitsToUint(lane_of(quads(at).at[0], quads(at).at[1])) : u32s(at).at[lane];
}

// Two numbers of 16 bits; the lanes' sixteen may begin in the middle of a word.
uint halves_of_lane(uint64_t at) {
    uint64_t word = at & ~3ul;
    uint low = word_of_lane(word);
    return word == at ? low : low >> 16 | word_of_lane(word + 4ul) << 16;
}

vec2 pair_of_lane(uint64_t at) {
    if (w_type == f16) return pair_of(format_f16, halves_of_lane(at));
    if (w_type == bf16) return pair_of(format_bf16, halves_of_lane(at));
    return software ? lane_pair(at) : uintBitsToFloat(unpackUint2x32(float_pairs(at).at[lane]));
}

uint pack16_of_lane(uint64_t at) {
    const bool as_it_is = (w_type == f16 && format == format_f16) || (w_type == bf16 && format == format_bf16);
    return as_it_is ? halves_of_lane(at) : pack16(pair_of_lane(at));
}

void store_four(uint64_t at, uvec4 words) {
    pairs_of_pairs(at).at[0] = u64vec2(packUint2x32(words.xy), packUint2x32(words.zw));
}

// Of the panel: where each row begins, and 0 for those that do not exist.
uint64_t row_at[16]; // the first of pair i, then the second
uint row_mask[16];

void choose_rows(uint panel) {
    [[unroll]] for (uint i = 0u; i < 16u; ++i) {
        uint o = output_of(panel, i / 2u, i % 2u);
        row_mask[i] = o == ~0u ? 0u : ~0u;
        row_at[i] = p.w + uint64_t(o & row_mask[i]) * p.k * bytes_of(w_type);
    }
}

// Four pairs from pair i on, their numbers at `offset` of the rows: words of the even line, and of the odd one.
void load_halves(uint i, uint64_t offset, out uvec4 even, out uvec4 odd) {
    [[unroll]] for (uint j = 0u; j < 4u; ++j) {
        uint r = (i + j) * 2u, a = pack16_of_lane(row_at[r] + offset) & row_mask[r],
             b = pack16_of_lane(row_at[r + 1u] + offset) & row_mask[r + 1u];
        even[j] = (a & 0xffffu) | b << 16;
        odd[j] = a >> 16 | (b & 0xffff0000u);
    }
}

// The same of one of each pair in fp32.
void load_floats(uint i, uint second, uint64_t offset, out uvec4 even, out uvec4 odd) {
    [[unroll]] for (uint j = 0u; j < 4u; ++j) {
        uint r = (i + j) * 2u + second;
        uvec2 pair = floatBitsToUint(pair_of_lane(row_at[r] + offset)) & row_mask[r];
        even[j] = pair.x;
        odd[j] = pair.y;
    }
}

// Where number q of a row belongs in its panel.
uint64_t line_of(uint q) { return uint64_t(q % taps * p.inputs + q / taps) * panel_bytes(format, 1u); }

void pack_sixteen(uint64_t panel_at, uint first) {
    uint q = first + 2u * lane;
    uint64_t offset = first * bytes_of(w_type), even_at = panel_at + line_of(q), odd_at = panel_at + line_of(q + 1u);
    const uint quarters = format == format_f32 ? 4u : 2u; // of a line, or halves: four words each
    [[unroll]] for (uint i = 0u; i < quarters; ++i) {
        uvec4 even, odd;
        if (format == format_f32)
            load_floats(i % 2u * 4u, i / 2u, offset, even, odd);
        else
            load_halves(i * 4u, offset, even, odd);
        if (q < p.k) store_four(even_at + i * 16u, even);
        if (q + 1u < p.k) store_four(odd_at + i * 16u, odd);
    }
}

// Eight lanes have `span` numbers of each of a panel's rows; those behind the last panel have as much of the row of zeros.
void pack_rows() {
    uint number = software ? subgroup_number() : flat_id() / 8u, spans = (p.k + span - 1u) / span,
         panel = number / spans, panels = (p.outputs + 15u) / 16u, begin = number % spans * span;
    lane = software ? gl_SubgroupInvocationID : gl_LocalInvocationIndex % 8u;
    if (panel >= panels) {
        begin = (number - panels * spans) * span;
        uint zeros = panels * panel_bytes(format, p.k) / 4u;
        for (uint i = begin + lane; i < min(begin + span, p.inputs); i += 8u) p.panels.at[zeros + i] = 0u;
        return;
    }
    choose_rows(panel);
    uint64_t panel_at = uint64_t(p.panels) + uint64_t(panel) * panel_bytes(format, p.k);
    for (uint first = begin; first < min(begin + span, p.k); first += 16u) pack_sixteen(panel_at, first);
}
