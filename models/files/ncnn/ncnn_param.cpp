#include "models/files/ncnn/ncnn_param.h"

#include "compute/error.h"
#include "models/files/checkpoint.h"
#include "models/files/number_in.h"

#include <cmath>

namespace sfumato {

namespace {

constexpr std::string_view magic = "7767517";
constexpr std::string_view blanks = " \t\r";
constexpr int first_list = -23300, most_settings = 256;
constexpr std::size_t most_bytes = 16 << 20, most_layers = 10'000;

// Walks over a text; what it takes is behind it.
std::string_view take_until(std::string_view& rest, std::string_view ends) {
    std::size_t const end = std::min(rest.find_first_of(ends), rest.size());
    std::string_view const taken = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return taken;
}

struct param_reader {
    std::string_view rest; // of the file
    std::string const& source;
    int line_number = 0;

    [[noreturn]] void damaged(sentence const& what) { fail("'{}' is damaged: line {} {}.", source, line_number, what); }

    // The words of the next line that has any; none at the end.
    std::vector<std::string_view> line() {
        std::vector<std::string_view> words;
        while (words.empty() && !rest.empty()) {
            std::string_view line = take_until(rest, "\n");
            ++line_number;
            while (!line.empty())
                if (auto const word = take_until(line, blanks); !word.empty()) words.push_back(word);
        }
        return words;
    }

    double value(std::string_view text) {
        auto const number = number_in<double>(text);
        if (!number || !std::isfinite(*number)) damaged(say("has a setting that is no number"));
        return *number;
    }

    void setting(std::string_view word, ncnn_layer& layer) {
        std::string_view values = word;
        auto const key = number_in<int>(take_until(values, "="));
        if (!key) damaged(say("has a setting without a number"));
        std::vector<double> list;
        while (!values.empty()) list.push_back(value(take_until(values, ",")));
        bool const is_list = *key <= first_list;
        if (list.empty() || (is_list ? list[0] != double(list.size() - 1) : list.size() != 1))
            damaged(say("has a setting of another length than it says"));
        if (is_list) list.erase(list.begin());
        int const number = is_list ? first_list - *key : *key;
        if (number < 0 || number >= most_settings || !layer.settings.emplace(number, std::move(list)).second)
            damaged(say("has a setting twice, or one that no layer has"));
    }

    ncnn_layer layer(std::span<std::string_view const> words) {
        auto const inputs = words.size() < 4 ? std::nullopt : number_in<std::size_t>(words[2]);
        auto const outputs = inputs ? number_in<std::size_t>(words[3]) : std::nullopt;
        if (!outputs || *inputs > words.size() || *outputs > words.size() || *inputs + *outputs > words.size() - 4)
            damaged(say("is no layer"));
        ncnn_layer l{.type = words[0], .name = words[1]};
        auto const blobs = words.subspan(4);
        l.inputs.assign(blobs.begin(), blobs.begin() + std::ptrdiff_t(*inputs));
        l.outputs.assign(blobs.begin() + std::ptrdiff_t(*inputs), blobs.begin() + std::ptrdiff_t(*inputs + *outputs));
        for (auto const word : blobs.subspan(*inputs + *outputs)) setting(word, l);
        return l;
    }
};

} // namespace

bool is_ncnn_param(std::span<std::byte const> bytes) {
    std::string_view const text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    return text.starts_with(magic) && text.size() > magic.size() && std::isspace((unsigned char)text[magic.size()]);
}

std::optional<std::filesystem::path> ncnn_param_of(std::filesystem::path const& path) {
    bool const is_bin = path.extension() == ".bin";
    if (!is_bin && path.extension() != ".param") return {};
    auto param = path;
    param.replace_extension(".param");
    std::error_code gone;
    if (is_bin && !std::filesystem::exists(param, gone)) return {}; // PyTorch's files may end like that, too
    return param;
}

std::vector<ncnn_layer> read_ncnn_param(std::span<std::byte const> bytes, std::string const& source) {
    if (!is_ncnn_param(bytes)) fail("'{}' is no graph of ncnn: its first line is not {}.", source, magic);
    param_reader reader{{reinterpret_cast<char const*>(bytes.data()), bytes.size()}, source};
    reader.line();
    auto const counts = reader.line();
    auto const expected = counts.size() == 2 ? number_in<std::size_t>(counts[0]) : std::nullopt;
    if (!expected) reader.damaged(say("does not say how many layers and blobs there are"));
    if (*expected > most_layers || bytes.size() > most_bytes)
        fail("'{}' is larger than the graph of any model.", source);
    std::vector<ncnn_layer> layers;
    for (auto words = reader.line(); !words.empty(); words = reader.line()) layers.push_back(reader.layer(words));
    if (layers.size() != *expected)
        fail("'{}' is cut off or damaged: it has {} layers where it says {}.", source, layers.size(), *expected);
    return layers;
}

} // namespace sfumato
