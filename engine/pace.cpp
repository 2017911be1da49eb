#include "engine/pace.h"

#include "compute/cache.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

namespace sfumato {

namespace {

constexpr std::size_t most_kinds = 256; // each model is one: beyond that, all begins anew

std::map<std::string, std::map<std::string, double>> read_known() {
    std::ifstream file(cache_path("pace.json"));
    auto const found = nlohmann::json::parse(file, nullptr, false);
    std::map<std::string, std::map<std::string, double>> known;
    if (!found.is_object()) return known;
    for (auto const& [device, kinds] : found.items())
        for (auto const& [kind, seconds] : kinds.items())
            if (seconds.is_number() && seconds > 0) known[device][kind] = seconds;
    return known;
}

} // namespace

pace::pace(std::string device) : device(std::move(device)), known(read_known()) {}

double pace::of(std::string const& kind) const {
    auto const here = known.find(device);
    if (here == known.end()) return -1;
    auto const found = here->second.find(kind);
    return found == here->second.end() ? -1 : found->second;
}

void pace::learn_one(std::string const& kind, double seconds) {
    auto& here = known[device];
    if (here.size() >= most_kinds) here.clear();
    bool const is_first = learnt.insert(kind).second;
    if (auto const before = here.find(kind); is_first && before != here.end())
        seconds = std::min(seconds, before->second);
    here[kind] = seconds;
}

void pace::learn_all(std::vector<std::string> const& kinds, double seconds) {
    for (std::string const& kind : kinds) learn_one(kind, seconds);
    cache_write(cache_path("pace.json"),
                nlohmann::json(known).dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
}

} // namespace sfumato
