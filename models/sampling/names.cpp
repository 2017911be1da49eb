#include "models/sampling/names.h"

#include <algorithm>
#include <array>
#include <string>

namespace sfumato {

namespace {

constexpr std::array samplers{
    sampling_name<sampler>{sampler::euler, "euler", "Euler"},
    sampling_name<sampler>{sampler::euler_a, "euler_a", "Euler a"},
    sampling_name<sampler>{sampler::heun, "heun", "Heun"},
    sampling_name<sampler>{sampler::dpmpp_2m, "dpmpp_2m", "DPM++ 2M"},
    sampling_name<sampler>{sampler::dpmpp_2m_sde, "dpmpp_2m_sde", "DPM++ 2M SDE"},
    sampling_name<sampler>{sampler::dpmpp_sde, "dpmpp_sde", "DPM++ SDE"},
    sampling_name<sampler>{sampler::dpmpp_3m_sde, "dpmpp_3m_sde", "DPM++ 3M SDE"},
    sampling_name<sampler>{sampler::ddim, "ddim", "DDIM"},
    sampling_name<sampler>{sampler::plms, "plms", "PLMS"},
    sampling_name<sampler>{sampler::unipc, "unipc", "UniPC"},
    sampling_name<sampler>{sampler::lcm, "lcm", "LCM"},
};

constexpr std::array schedulers{
    sampling_name<scheduler>{scheduler::normal, "normal", "Normal"},
    sampling_name<scheduler>{scheduler::karras, "karras", "Karras"},
    sampling_name<scheduler>{scheduler::exponential, "exponential", "Exponential"},
    sampling_name<scheduler>{scheduler::sgm_uniform, "sgm_uniform", "SGM Uniform"},
    sampling_name<scheduler>{scheduler::simple, "simple", "Simple"},
    sampling_name<scheduler>{scheduler::ddim_uniform, "ddim_uniform", "DDIM"},
    sampling_name<scheduler>{scheduler::beta, "beta", "Beta"},
    sampling_name<scheduler>{scheduler::ays, "ays", "Align Your Steps"},
    sampling_name<scheduler>{scheduler::leading, "leading", "Leading"},
    sampling_name<scheduler>{scheduler::trailing, "trailing", "Trailing"},
    sampling_name<scheduler>{scheduler::linspace, "linspace", "Linspace"},
    sampling_name<scheduler>{scheduler::lcm, "lcm", "LCM"},
};

template <class T> using alias = std::pair<std::string_view, T>;
// As other programs write them, where more than case and separators differ.
constexpr std::array sampler_aliases{alias<sampler>{"eulerancestral", sampler::euler_a},
                                     alias<sampler>{"pndm", sampler::plms}, alias<sampler>{"unipcbh2", sampler::unipc}};
constexpr std::array scheduler_aliases{alias<scheduler>{"discrete", scheduler::normal},
                                       alias<scheduler>{"uniform", scheduler::normal},
                                       alias<scheduler>{"alignyoursteps", scheduler::ays}};

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

template <class T> std::optional<T> find(std::string_view text, auto const& names, auto const& aliases) {
    std::string const wanted = plain(text);
    for (auto const& n : names)
        if (plain(n.name) == wanted || plain(n.display) == wanted) return n.value;
    for (auto const& [name, value] : aliases)
        if (name == wanted) return value;
    return {};
}

template <class T> sampling_name<T> const& entry(auto const& names, T value) {
    return *std::ranges::find(names, value, &sampling_name<T>::value);
}

} // namespace

std::span<sampling_name<sampler> const> sampler_names() { return samplers; }
std::span<sampling_name<scheduler> const> scheduler_names() { return schedulers; }

std::string_view name_of(sampler s) { return entry(samplers, s).name; }
std::string_view name_of(scheduler s) { return entry(schedulers, s).name; }
std::string_view display_name(sampler s) { return entry(samplers, s).display; }
std::string_view display_name(scheduler s) { return entry(schedulers, s).display; }

std::optional<sampler> find_sampler(std::string_view text) { return find<sampler>(text, samplers, sampler_aliases); }
std::optional<scheduler> find_scheduler(std::string_view text) {
    return find<scheduler>(text, schedulers, scheduler_aliases);
}

scheduler default_scheduler(sampler s) {
    switch (s) {
    case sampler::dpmpp_2m:
    case sampler::dpmpp_2m_sde:
    case sampler::dpmpp_sde: return scheduler::karras;
    case sampler::dpmpp_3m_sde: return scheduler::exponential;
    case sampler::ddim:
    case sampler::plms: return scheduler::leading;
    case sampler::lcm: return scheduler::lcm;
    default: return scheduler::normal;
    }
}

} // namespace sfumato
