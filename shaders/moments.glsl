// What shaders/moments.comp leaves for each column of each slab, [images, slabs, fields, columns], and how it is merged.
const uint moments_fields = 3u;    // origin, mean − origin, sum of squares about the mean
const uint statistics_fields = 6u; // and minimum, maximum, count of values that are not finite
const float largest = 3.4028234e38;

struct moments4 {
    float count; // the same for all four
    vec4 mean, squares;
};

void merge(inout moments4 a, moments4 b) {
    float count = a.count + b.count;
    vec4 between = b.mean - a.mean;
    a.squares += b.squares + between * between * (a.count * b.count / count);
    a.mean += between * (b.count / count);
    a.count = count;
}

// Columns first … first + width − 1 of all slabs of an image, merged by a subgroup.
struct merged {
    float mean, variance; // of the population
};

merged merge_slabs(f32s partial, uint image, uint fields, uint columns, uint first, uint width, uint rows, uint slabs,
                   uint slab_rows) {
    uint start = image * slabs * fields * columns + first;
    float origin = partial.at[start], share = 1.0 / (float(width) * float(rows)), sum = 0.0, squares = 0.0;
    for (uint slab = 0u, at = start; slab < slabs; ++slab, at += fields * columns) {
        float size = float(min(slab_rows, rows - slab * slab_rows));
        for (uint i = lane; i < width; i += lanes)
            sum += size * (partial.at[at + i] - origin + partial.at[at + columns + i]);
    }
    float mean = subgroupAdd(sum) * share; // − origin
    for (uint slab = 0u, at = start; slab < slabs; ++slab, at += fields * columns) {
        float size = float(min(slab_rows, rows - slab * slab_rows));
        for (uint i = lane; i < width; i += lanes) {
            float between = partial.at[at + i] - origin + partial.at[at + columns + i] - mean;
            squares += partial.at[at + 2u * columns + i] + size * between * between;
        }
    }
    return merged(origin + mean, subgroupAdd(squares) * share);
}
