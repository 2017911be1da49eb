#include "models/networks/upscaler.h"

#include <algorithm>
#include <format>

namespace sfumato {

namespace {

// More than any network has.
constexpr int most_convolutions = 1000, most_channels = 1024, most_shuffled = 16, most_upsamples = 5;

// Calls `visit` with a value of each row's type.
template <class Visit> void for_each_network(Visit visit) {
    [&]<class... Config>(std::variant<Config...> const*) { (visit(Config{}), ...); }((upscaler_config*)nullptr);
}

// What the first row finds that finds anything.
template <class Source> std::optional<upscaler_config> first_found(Source const& source) {
    std::optional<upscaler_config> first;
    for_each_network([&]<class Config>(Config) {
        if (first) return;
        if (auto const found = Config::found_in(source)) first = *found;
    });
    return first;
}

bool has_usual_sizes(ncnn_summary const& s) {
    bool const usual = std::ranges::all_of(
        s.convolutions, [](ncnn_settings const& c) { return c.outputs <= most_channels && c.kernel <= 3; });
    return usual && 2 <= s.convolutions.size() && s.convolutions.size() <= most_convolutions &&
           s.shuffle <= most_shuffled && s.nearests <= most_upsamples;
}

} // namespace

ncnn_summary::ncnn_summary(ncnn_graph const& graph) {
    for (ncnn_node const& node : graph.nodes) {
        ncnn_settings const& s = node.settings;
        if (s.operation == ncnn_operation::convolution) convolutions.push_back(s);
        if (s.operation == ncnn_operation::deconvolution) deconvolutions.push_back(s);
        denses += s.operation == ncnn_operation::dense;
        prelus += s.operation == ncnn_operation::prelu;
        concats += s.operation == ncnn_operation::concat;
        nearests += s.operation == ncnn_operation::nearest;
        if (s.operation == ncnn_operation::pixel_shuffle) shuffle = int(s.factor);
    }
}

bool ncnn_summary::has_deconvolution(int kernel) const {
    return std::ranges::count(deconvolutions, kernel, &ncnn_settings::kernel) > 0;
}

std::optional<upscaler_config> find_upscaler(network_tensors const& tensors) { return first_found(tensors); }

std::optional<upscaler_config> find_upscaler(ncnn_graph const& graph) {
    ncnn_summary const summary(graph);
    return has_usual_sizes(summary) ? first_found(summary) : std::nullopt;
}

tensor_shapes tensors_of(upscaler_config const& c) {
    return std::visit([](auto const& network) { return network.tensors(); }, c);
}

upscaler_shape shape_of(upscaler_config const& c) {
    return std::visit([](auto const& network) { return network.shape(); }, c);
}

std::string name_of(upscaler_config const& c) {
    return std::visit([](auto const& network) { return std::format("{} ×{}", network.name(), network.shape().scale); },
                      c);
}

std::string in_words(upscaler_config const& c) {
    return std::visit([](auto const& network) { return network.in_words(); }, c);
}

ncnn_graph graph_of(upscaler_config const& c) {
    return std::visit([](auto const& network) { return network.graph(); }, c);
}

bool is_upscaler(std::string_view key) {
    bool found = false;
    for_each_network([&]<class Config>(Config) { found |= Config::key == key; });
    return found;
}

std::vector<example<upscaler_config>> upscaler_examples() {
    std::vector<example<upscaler_config>> all;
    for_each_network([&]<class Config>(Config) {
        for (auto const& [name, seed, config] : Config::examples()) all.push_back({name, seed, config});
    });
    return all;
}

} // namespace sfumato
