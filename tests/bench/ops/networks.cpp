// Block by block as CompVis' and Stability's code has them: stable-diffusion's openaimodel.py, its autoencoder's
// Decoder, and BasicSR's RRDBNet. Batch 1, 77 tokens of text.
#include "tests/bench/ops/networks.h"

#include <format>

namespace sfumato::bench {

std::string name_of(family f) {
    constexpr char const* names[] = {"gemm", "conv3x3", "attention", "group_norm", "softmax", "gemm_pack"};
    return names[int(f)];
}

double op_case::work() const {
    double const positions = double(h) * w, scale = upsample ? 4 : 1;
    switch (of) {
    case family::gemm: return 2e-9 * positions * inputs * outputs;
    case family::conv3x3: return 2e-9 * positions * scale / (stride * stride) * 9 * inputs * outputs;
    case family::attention: return 4e-9 * positions * keys * inputs;
    case family::group_norm: return 8e-9 * positions * inputs;
    case family::softmax: return 8e-9 * positions * keys;
    case family::gemm_pack: return 4e-9 * positions * inputs * outputs;
    }
    return 0;
}

std::string op_case::name() const {
    std::string const size = h == 1 ? std::to_string(w) : h == w ? std::format("{}²", h) : std::format("{}×{}", h, w);
    switch (of) {
    case family::conv3x3:
        return std::format("conv3x3 {}{} {} → {}{}", size, upsample ? " ×2" : "", inputs, outputs,
                           stride == 2 ? " /2" : "");
    case family::attention: return std::format("attention {} × {}, {} × {}", size, keys, heads, inputs / heads);
    case family::group_norm: return std::format("group_norm {} {}", size, inputs);
    case family::softmax: return std::format("softmax {} × {}", size, keys);
    case family::gemm_pack: return std::format("gemm_pack {}×{} {} → {}", h, w, inputs, outputs);
    default: return std::format("gemm {} {} → {}", size, inputs, outputs);
    }
}

namespace {

constexpr int text_tokens = 77;

struct picture {
    int h, w, c;
};

picture concat(picture a, picture b) { return {a.h, a.w, a.c + b.c}; }

struct walk {
    op_counts ops;

    void count(op_case const& op, int times = 1) { ops[op] += times; }
    picture linear(picture x, int outputs) {
        count({.of = family::gemm, .h = x.h, .w = x.w, .inputs = x.c, .outputs = outputs});
        return {x.h, x.w, outputs};
    }
    picture conv(picture x, int outputs, int stride = 1, bool upsample = false) {
        count({.of = family::conv3x3,
               .h = x.h,
               .w = x.w,
               .inputs = x.c,
               .outputs = outputs,
               .stride = stride,
               .upsample = upsample});
        int const scale = upsample ? 2 : 1;
        return {x.h * scale / stride, x.w * scale / stride, outputs};
    }
    picture upsample(picture x) { return conv(x, x.c, 1, true); }
    void group_norm(picture x) { count({.of = family::group_norm, .h = x.h, .w = x.w, .inputs = x.c}); }

    void attention(picture x, int heads, int keys) {
        int const queries = x.h * x.w;
        count({.of = family::attention, .w = queries, .inputs = x.c, .heads = heads, .keys = keys});
        count({.of = family::softmax, .w = queries, .keys = keys}, heads);
    }
    // Queries from x, keys and values from `context`.
    void attention_layer(picture x, int heads, picture context) {
        linear(x, x.c);
        linear(context, x.c);
        linear(context, x.c);
        attention(x, heads, context.h * context.w);
        linear(x, x.c);
    }

    // `embedding`: channels of the time embedding, 0 = none.
    picture residual_block(picture x, int outputs, int embedding = 0) {
        group_norm(x);
        picture y = conv(x, outputs);
        if (embedding) linear({1, 1, embedding}, outputs);
        group_norm(y);
        conv(y, outputs);
        if (x.c != outputs) linear(x, outputs);
        return y;
    }

    void transformer(picture x, int depth, int heads, int context) {
        group_norm(x);
        linear(x, x.c);
        for (int block = 0; block < depth; ++block) {
            attention_layer(x, heads, x);
            attention_layer(x, heads, {1, text_tokens, context});
            linear(x, 8 * x.c); // GEGLU: values and gates
            linear({x.h, x.w, 4 * x.c}, x.c);
        }
        linear(x, x.c);
    }
};

struct unet {
    std::vector<int> channels, depths; // by level
    int middle_depth, context;
    int heads = 0; // 0: heads of 64 channels
    int label = 0; // channels of further conditioning (SDXL)
};

op_counts walk_unet(unet const& u, int size) {
    walk w;
    int const base = u.channels.front(), embedding = 4 * base, levels = int(u.channels.size());
    auto const transformer = [&](picture x, int depth) {
        if (depth) w.transformer(x, depth, u.heads ? u.heads : x.c / 64, u.context);
    };
    w.linear(w.linear({1, 1, base}, embedding), embedding);
    if (u.label) w.linear(w.linear({1, 1, u.label}, embedding), embedding);

    picture x = w.conv({size / 8, size / 8, 4}, base);
    std::vector<picture> skips{x};
    for (int level = 0; level < levels; ++level) {
        for (int block = 0; block < 2; ++block) {
            x = w.residual_block(x, u.channels[level], embedding);
            transformer(x, u.depths[level]);
            skips.push_back(x);
        }
        if (level + 1 < levels) skips.push_back(x = w.conv(x, x.c, 2));
    }
    x = w.residual_block(x, x.c, embedding);
    transformer(x, u.middle_depth);
    x = w.residual_block(x, x.c, embedding);
    for (int level = levels - 1; level >= 0; --level) {
        for (int block = 0; block < 3; ++block) {
            x = w.residual_block(concat(x, skips.back()), u.channels[level], embedding);
            skips.pop_back();
            transformer(x, u.depths[level]);
        }
        if (level > 0) x = w.upsample(x);
    }
    w.group_norm(x);
    w.conv(x, 4);
    return w.ops;
}

} // namespace

op_counts sd15_unet(int size) {
    return walk_unet(
        {.channels = {320, 640, 1280, 1280}, .depths = {1, 1, 1, 0}, .middle_depth = 1, .context = 768, .heads = 8},
        size);
}

op_counts sdxl_unet(int size) {
    return walk_unet(
        {.channels = {320, 640, 1280}, .depths = {0, 2, 10}, .middle_depth = 10, .context = 2048, .label = 2816}, size);
}

op_counts vae_decoder(int size) {
    walk w;
    picture x = w.conv(w.linear({size / 8, size / 8, 4}, 4), 512);
    x = w.residual_block(x, 512);
    w.group_norm(x);
    w.attention_layer(x, 1, x);
    x = w.residual_block(x, 512);
    for (int channels : {512, 512, 256, 128}) {
        for (int block = 0; block < 3; ++block) x = w.residual_block(x, channels);
        if (channels != 128) x = w.upsample(x);
    }
    w.group_norm(x);
    w.conv(x, 3);
    return w.ops;
}

op_counts rrdbnet_x4(int size) {
    walk w;
    constexpr int width = 64, growth = 32, blocks = 23;
    picture x = w.conv({size, size, 3}, width);
    for (int dense = 0; dense < 3 * blocks; ++dense) {
        for (int layer = 0; layer < 4; ++layer) w.conv({size, size, width + layer * growth}, growth);
        w.conv({size, size, width + 4 * growth}, width);
    }
    x = w.conv(x, width);
    x = w.upsample(w.upsample(x));
    w.conv(w.conv(x, width), 3);
    return w.ops;
}

op_counts packing(op_counts const& network) {
    op_counts all;
    for (auto const& [op, count] : network)
        if (op.of == family::gemm || op.of == family::conv3x3) {
            int const side = op.of == family::conv3x3 ? 3 : 1;
            all[{.of = family::gemm_pack, .h = side, .w = side, .inputs = op.inputs, .outputs = op.outputs}] += count;
        }
    return all;
}

std::vector<network> networks() {
    return {{"sd15", "SD 1.5 UNet at 512²", sd15_unet(512)},
            {"sdxl", "SDXL UNet at 1024²", sdxl_unet(1024)},
            {"vae512", "VAE decoder at 512²", vae_decoder(512)},
            {"vae1024", "VAE decoder at 1024²", vae_decoder(1024)},
            {"rrdb", "RRDBNet ×4 of 128²", rrdbnet_x4(128)},
            {"loading", "Loading an SD 1.5 UNet of fp16", packing(sd15_unet(512))}};
}

} // namespace sfumato::bench
