#include "request/names.h"

#include "request/samplers.h"

#include <string>

namespace sfumato {

namespace {

template <class T> using row = named_choice<T>;

constexpr std::array operation_rows{
    row<operation>{operation::inpaint, "inpaint"}, row<operation>{operation::txt2img, "txt2img"},
    row<operation>{operation::img2img, "img2img"}, row<operation>{operation::upscale, "upscale"}};
constexpr std::array method_rows{row<method>{method::patchmatch, "patchmatch"},
                                 row<method>{method::diffusion, "diffusion"}, row<method>{method::lama, "lama"}};
constexpr std::array context_rows{row<context>{context::automatic, "automatic"}, row<context>{context::image, "image"},
                                  row<context>{context::selection, "selection"}};
constexpr std::array source_rows{row<source>{source::layer, "layer"}, row<source>{source::visible, "visible"}};
constexpr std::array prediction_rows{row<prediction>{prediction::epsilon, "epsilon"},
                                     row<prediction>{prediction::v, "v"}};
constexpr std::array generator_rows{row<generator>{generator::cpu, "cpu"}, row<generator>{generator::cuda, "cuda"}};
constexpr std::array quality_rows{row<quality>{quality::normal, "normal"}, row<quality>{quality::high, "high"}};
constexpr std::array mask_cells_rows{row<mask_cells>{mask_cells::maximum, "maximum"},
                                     row<mask_cells>{mask_cells::mean, "mean"},
                                     row<mask_cells>{mask_cells::nearest, "nearest"}};
constexpr std::array strength_rule_rows{row<strength_rule>{strength_rule::full_steps, "full_steps"},
                                        row<strength_rule>{strength_rule::fewer_steps, "fewer_steps"}};
constexpr std::array dtype_rows{row<dtype>{dtype::f32, "fp32"}, row<dtype>{dtype::f16, "fp16"},
                                row<dtype>{dtype::bf16, "bf16"}};

template <class T, class Row, std::size_t count> constexpr auto names_in(Row const (&table)[count]) {
    std::array<row<T>, count> names{};
    for (std::size_t i = 0; i < count; ++i)
        names[i] = {table[i].value, table[i].name, table[i].display, table[i].others};
    return names;
}
constexpr auto sampler_rows = names_in<sampler>(sampler_table);
constexpr auto scheduler_rows = names_in<scheduler>(scheduler_table);

constexpr bool in_order_of_the_enum(auto const& table) {
    for (int i = 0; i < int(std::size(table)); ++i)
        if (int(table[i].value) != i) return false;
    return true;
}
static_assert(in_order_of_the_enum(sampler_table) && in_order_of_the_enum(scheduler_table));

// Lower case, without what stands between words; "++" is "pp".
std::string plain(std::string_view text) {
    std::string plain;
    for (char c : text)
        if (c >= 'A' && c <= 'Z')
            plain += char(c - 'A' + 'a');
        else if (c == '+')
            plain += 'p';
        else if (c != ' ' && c != '_' && c != '-')
            plain += c;
    return plain;
}

} // namespace

template <> std::span<named_choice<operation> const> choices() { return operation_rows; }
template <> std::span<named_choice<method> const> choices() { return method_rows; }
template <> std::span<named_choice<context> const> choices() { return context_rows; }
template <> std::span<named_choice<source> const> choices() { return source_rows; }
template <> std::span<named_choice<prediction> const> choices() { return prediction_rows; }
template <> std::span<named_choice<generator> const> choices() { return generator_rows; }
template <> std::span<named_choice<sampler> const> choices() { return sampler_rows; }
template <> std::span<named_choice<scheduler> const> choices() { return scheduler_rows; }
template <> std::span<named_choice<quality> const> choices() { return quality_rows; }
template <> std::span<named_choice<mask_cells> const> choices() { return mask_cells_rows; }
template <> std::span<named_choice<strength_rule> const> choices() { return strength_rule_rows; }
template <> std::span<named_choice<dtype> const> choices() { return dtype_rows; }

bool same_name(std::string_view a, std::string_view b) {
    std::string const plain_a = plain(a);
    return !plain_a.empty() && plain_a == plain(b);
}

} // namespace sfumato
