#include "models/nets/migan_folded.h"

#include "compute/error.h"
#include "models/files/made_tensor.h"

namespace sfumato {

namespace {

using numbers = std::vector<float>;

// [channels, 1, k, k] → [k · k][channels]
numbers taps_first(stored_tensor const& t) {
    numbers const w = numbers_of(t);
    auto const channels = std::size_t(t.shape[0]), taps = w.size() / channels;
    numbers all(w.size());
    for (std::size_t c = 0; c < channels; ++c)
        for (std::size_t tap = 0; tap < taps; ++tap) all[tap * channels + c] = w[c * taps + tap];
    return all;
}

numbers product(stored_tensor const& t, stored_tensor const& factor) {
    numbers all = numbers_of(t);
    float const by = numbers_of(factor).at(0);
    for (float& n : all) n *= by;
    return all;
}

bool sees_one_channel(std::vector<std::int64_t> const& shape) {
    return shape.size() == 4 && shape[1] == 1 && shape[2] > 1;
}

} // namespace

std::shared_ptr<checkpoint const> folded_migan(std::shared_ptr<checkpoint const> const& model, migan_config const& c) {
    auto folded = std::make_shared<checkpoint>(checkpoint{.source = model->source,
                                                          .format = model->format,
                                                          .metadata = model->metadata,
                                                          .tensors = {},
                                                          .files = model->files});
    constexpr std::string_view noise = "noise_const";
    for (auto const& [name, shape] : c.tensors()) {
        std::string const full = std::string(migan_prefix) + name;
        stored_tensor const& t = model->at(full);
        if (!has_numbers(t))
            fail("'{}' has {} as {}, which MI-GAN cannot be computed with: convert the file to f16.", model->source,
                 show_name(full), name_of(t.type));
        if (sees_one_channel(shape))
            folded->tensors.emplace(full, made_of({std::int64_t(t.count())}, [t] { return taps_first(t); }));
        else if (name.ends_with(noise)) {
            std::string const part = full.substr(0, full.size() - noise.size());
            folded->tensors.emplace(
                part + "noise", made_of({std::int64_t(t.count())}, [t, strength = model->at(part + "noise_strength")] {
                    return product(t, strength);
                }));
        } else if (!shape.empty())
            folded->tensors.emplace(full, t);
    }
    return folded;
}

} // namespace sfumato
