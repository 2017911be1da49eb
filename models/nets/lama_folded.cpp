#include "models/nets/lama_folded.h"

#include "compute/error.h"
#include "models/files/made_tensor.h"

#include <cmath>
#include <format>

namespace sfumato {

namespace {

constexpr float norm_eps = 1e-5f;

using numbers = std::vector<float>;
using tensor_map = decltype(checkpoint::tensors);

std::string full(std::string const& name) { return std::string(lama_prefix) + name; }

// A norm: x·factor + offset, of each channel.
struct affine {
    numbers factor, offset;
};

struct lama_file {
    std::shared_ptr<checkpoint const> from;

    stored_tensor const& at(std::string const& name) const {
        stored_tensor const& t = from->at(full(name));
        if (!has_numbers(t))
            fail("'{}' has {} as {}, which LaMa cannot be computed with: convert the file to f16.", from->source,
                 show_name(full(name)), name_of(t.type));
        return t;
    }
    numbers read(std::string const& name) const { return numbers_of(at(name)); }
    numbers weight(std::string const& name) const { return read(name + ".weight"); }
    std::vector<std::int64_t> shape_of(std::string const& name) const { return at(name + ".weight").shape; }

    affine norm(std::string const& name) const {
        affine n{weight(name), read(name + ".bias")};
        numbers const mean = read(name + ".running_mean"), variance = read(name + ".running_var");
        for (std::size_t i = 0; i < mean.size(); ++i) {
            n.factor[i] /= std::sqrt(variance[i] + norm_eps);
            n.offset[i] -= mean[i] * n.factor[i];
        }
        return n;
    }
};

// ---- Matrices, row by row

// One factor for each row.
numbers scaled(numbers w, numbers const& factors) {
    std::size_t const row = w.size() / factors.size();
    for (std::size_t i = 0; i < w.size(); ++i) w[i] *= factors[i / row];
    return w;
}

numbers behind(numbers a, numbers const& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

numbers beside(numbers const& a, numbers const& b, std::size_t rows) {
    numbers all;
    std::size_t const from_a = a.size() / rows, from_b = b.size() / rows;
    for (std::size_t i = 0; i < rows; ++i) {
        all.insert(all.end(), a.begin() + std::ptrdiff_t(i * from_a), a.begin() + std::ptrdiff_t((i + 1) * from_a));
        all.insert(all.end(), b.begin() + std::ptrdiff_t(i * from_b), b.begin() + std::ptrdiff_t((i + 1) * from_b));
    }
    return all;
}

// Rows 0, 2, 4 … and then 1, 3, 5 …
numbers parted(numbers const& w, std::size_t rows) {
    numbers all;
    std::size_t const row = w.size() / rows;
    for (std::size_t first : {0, 1})
        for (std::size_t i = first; i < rows; i += 2)
            all.insert(all.end(), w.begin() + std::ptrdiff_t(i * row), w.begin() + std::ptrdiff_t((i + 1) * row));
    return all;
}

numbers turned(numbers const& square, std::size_t size) {
    numbers all(square.size());
    for (std::size_t i = 0; i < size; ++i)
        for (std::size_t j = 0; j < size; ++j) all[j * size + i] = square[i * size + j];
    return all;
}

// Of a transposed convolution [inputs, outputs, 3, 3]: row 2a + y of the result sees row a of the input through the
// kernel's middle (y = 0), or rows a and a + 1 through its last and its first (1); columns likewise.
// → [outputs, inputs, 1 + y, 1 + x]
numbers taps_of(numbers const& w, std::size_t inputs, std::size_t outputs, int y, int x) {
    numbers taps;
    for (std::size_t o = 0; o < outputs; ++o)
        for (std::size_t i = 0; i < inputs; ++i)
            for (int row = y ? 2 : 1; row >= 0; row -= 2)
                for (int column = x ? 2 : 1; column >= 0; column -= 2)
                    taps.push_back(w[(i * outputs + o) * 9 + std::size_t(3 * row + column)]);
    return taps;
}

// ---- Layers

struct folder {
    lama_file file;
    tensor_map& to;

    template <class Make> void put(std::string const& name, std::vector<std::int64_t> shape, Make make) {
        to.emplace(full(name), made_of(std::move(shape), std::move(make)));
    }

    void weight(std::string const& name, std::string const& norm) {
        put(name + ".weight", file.shape_of(name),
            [=, file = file] { return scaled(file.weight(name), file.norm(norm).factor); });
    }
    void bias(std::string const& name, std::string const& norm) {
        put(name + ".bias", file.shape_of(norm), [=, file = file] { return file.norm(norm).offset; });
    }
    void convolution(std::string const& name, std::string const& norm) {
        weight(name, norm);
        bias(name, norm);
    }

    // Two with the same inputs, each with its norm: outputs of the second behind those of the first.
    void both_outputs(std::string const& name, std::string const& a, std::string const& norm_a, std::string const& b,
                      std::string const& norm_b) {
        auto shape = file.shape_of(a);
        shape[0] += file.shape_of(b)[0];
        put(name + ".weight", shape, [=, file = file] {
            return behind(scaled(file.weight(a), file.norm(norm_a).factor),
                          scaled(file.weight(b), file.norm(norm_b).factor));
        });
        put(name + ".bias", {shape[0]},
            [=, file = file] { return behind(file.norm(norm_a).offset, file.norm(norm_b).offset); });
    }

    // Two whose results are added and normed: inputs of the second behind those of the first.
    void both_inputs(std::string const& name, std::string const& a, std::string const& b, std::string const& norm) {
        auto shape = file.shape_of(a);
        auto const outputs = std::size_t(shape[0]);
        shape[1] += file.shape_of(b)[1];
        put(name + ".weight", shape, [=, file = file] {
            return scaled(beside(file.weight(a), file.weight(b), outputs), file.norm(norm).factor);
        });
        bias(name, norm);
    }

    void spectral_convolution(std::string const& name, std::string const& norm) {
        auto const shape = file.shape_of(name);
        auto const size = std::size_t(shape[0]);
        put(name + ".weight", shape, [=, file = file] {
            numbers const w = parted(scaled(file.weight(name), file.norm(norm).factor), size);
            return turned(parted(turned(w, size), size), size);
        });
        put(name + ".bias", {shape[0]}, [=, file = file] { return parted(file.norm(norm).offset, size); });
    }

    void transposed_convolution(std::string const& name, std::string const& norm) {
        auto const shape = file.shape_of(name);
        auto const inputs = std::size_t(shape[0]), outputs = std::size_t(shape[1]);
        for (int y : {0, 1})
            for (int x : {0, 1})
                put(std::format("{}.{}{}.weight", name, y, x), {shape[1], shape[0], 1 + y, 1 + x}, [=, file = file] {
                    return scaled(taps_of(file.weight(name), inputs, outputs, y, x), file.norm(norm).factor);
                });
        put(name + ".bias", {shape[1]}, [=, file = file] {
            auto [factor, offset] = file.norm(norm);
            numbers const before = file.read(name + ".bias");
            for (std::size_t i = 0; i < before.size(); ++i) offset[i] += before[i] * factor[i];
            return offset;
        });
    }

    void fourier_convolution(std::string const& name) {
        std::string const ffc = name + ".ffc.", global = name + ".bn_g";
        both_inputs(ffc + "local", ffc + "convl2l", ffc + "convg2l", name + ".bn_l");
        convolution(ffc + "convl2g", global);
        convolution(ffc + "convg2g.conv1.0", ffc + "convg2g.conv1.1");
        spectral_convolution(ffc + "convg2g.fu.conv_layer", ffc + "convg2g.fu.bn");
        weight(ffc + "convg2g.conv2", global);
    }
};

} // namespace

std::shared_ptr<checkpoint const> folded_lama(std::shared_ptr<checkpoint const> const& model, lama_config const& c) {
    auto folded = std::make_shared<checkpoint>(checkpoint{.source = model->source,
                                                          .format = model->format,
                                                          .metadata = model->metadata,
                                                          .tensors = {},
                                                          .files = model->files});
    folder f{{model}, folded->tensors};
    int const split = c.first_block() - 1; // the last halving
    for (int layer = 1; layer < split; ++layer)
        f.convolution(std::format("{}.ffc.convl2l", layer), std::format("{}.bn_l", layer));
    std::string const ffc = std::format("{}.ffc", split);
    f.both_outputs(ffc, ffc + ".convl2l", std::format("{}.bn_l", split), ffc + ".convl2g",
                   std::format("{}.bn_g", split));
    for (int block = c.first_block(); block < c.first_block() + c.blocks; ++block)
        for (int half : {1, 2}) f.fourier_convolution(std::format("{}.conv{}", block, half));
    for (int layer = c.first_doubling(); layer < c.last_layer() - 1; layer += 3)
        f.transposed_convolution(std::to_string(layer), std::to_string(layer + 1));
    for (char const* part : {".weight", ".bias"}) {
        std::string const last = std::to_string(c.last_layer()) + part;
        folded->tensors.emplace(full(last), f.file.at(last));
    }
    return folded;
}

} // namespace sfumato
