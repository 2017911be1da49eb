#include "models/library/find_prediction.h"

#include "compute/half.h"

#include <cmath>
#include <cstring>
#include <format>
#include <functional>
#include <numeric>
#include <vector>

namespace sfumato {

namespace {

std::vector<double> float_values(stored_tensor const& t) {
    std::vector<std::byte> scratch;
    auto const bytes = t.read(scratch);
    std::vector<double> values;
    auto const widen = [&]<class T>(T, auto value_of) {
        for (std::size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
            T value;
            std::memcpy(&value, &bytes[i], sizeof value);
            values.push_back(value_of(value));
        }
    };
    switch (t.type) {
    case stored_type::f64: widen(double{}, std::identity{}); break;
    case stored_type::f32: widen(float{}, std::identity{}); break;
    case stored_type::f16: widen(std::uint16_t{}, f16_value); break;
    case stored_type::bf16: widen(std::uint16_t{}, bf16_value); break;
    default: break;
    }
    return values;
}

double standard_deviation(std::vector<double> const& values) {
    if (values.empty()) return 0;
    double const mean = std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
    double squares = 0;
    for (double v : values) squares += (v - mean) * (v - mean);
    return std::sqrt(squares / double(values.size()));
}

// Read from the file's own numbers.
found_prediction guess_second_generation(checkpoint const& c, unet_config const& unet) {
    constexpr double limit = 0.09;
    auto const bias = c.find(std::string(unet_prefix) + "output_blocks.11.1.transformer_blocks.0.norm1.bias");
    if (!bias || unet.in_channels != 4) return {sfumato::prediction::epsilon, "as all models of its kind"};
    double const spread = standard_deviation(float_values(*bias));
    bool const is_v = spread > limit;
    return {is_v ? sfumato::prediction::v : sfumato::prediction::epsilon,
            std::format("the standard deviation of output_blocks.11.1.transformer_blocks.0.norm1.bias is {:.3f}, {} {}",
                        spread, is_v ? "above" : "not above", limit)};
}

} // namespace

found_prediction find_prediction(checkpoint const& c, unet_config const& unet, stated_facts const& d,
                                 std::optional<sfumato::prediction> chosen) {
    if (chosen) return {*chosen, "as chosen"};
    found_prediction const stated{d.prediction.value_or(sfumato::prediction::epsilon),
                                  d.prediction_source + " says so"};
    if (d.prediction_is_beside) return stated;
    if (c.find("v_pred"))
        return {sfumato::prediction::v,
                c.find("ztsnr") ? "it has tensors named v_pred and ztsnr" : "it has a tensor named v_pred"};
    if (d.prediction) return stated;
    if (unet.use_linear && !unet.adm_in_channels) return guess_second_generation(c, unet);
    return {sfumato::prediction::epsilon, "as all models of its kind"};
}

} // namespace sfumato
