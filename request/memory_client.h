// A run's client whose pictures lie in memory, as do the results.
#pragma once

#include "compute/error.h"
#include "request/run.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sfumato {

struct memory_client : run_client {
    std::map<std::string, picture, std::less<>> pictures{};
    std::map<std::string, mask, std::less<>> masks{};
    std::vector<run_result> results{};

    /// The run of a request on these pictures.
    run_input input(request r) const {
        run_input in{.request = std::move(r)};
        for (auto const& [name, p] : pictures) in.pictures.push_back({name, p.width, p.height, 4});
        for (auto const& [name, m] : masks) in.pictures.push_back({name, m.width, m.height, 1});
        return in;
    }

    std::optional<picture> read_picture(std::string_view name, rect const& area) override {
        auto const found = pictures.find(name);
        if (found == pictures.end()) fail("There is no picture called \"{}\".", name);
        return crop(found->second, area);
    }
    std::optional<mask> read_mask(std::string_view name, rect const& area) override {
        auto const found = masks.find(name);
        if (found == masks.end()) fail("There is no mask called \"{}\".", name);
        return crop(found->second, area);
    }
    void take(run_result r) override { results.push_back(std::move(r)); }
};

} // namespace sfumato
