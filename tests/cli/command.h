// Commands that run to their end, for tests.
#pragma once

#include "tests/cli/process.h"

#include <nlohmann/json.hpp>
#include <sstream>

namespace sfumato {

struct ended {
    int code;
    std::string out, err;
};

/// `folder`: where the output goes on its way here.
inline ended run_to_end(std::vector<std::string> const& arguments, std::filesystem::path const& folder,
                        std::chrono::milliseconds limit = std::chrono::seconds(100)) {
    process p(arguments, folder);
    int const code = p.wait(limit);
    return {code, p.out(), p.err()};
}

/// Of --json: an object a line.
inline std::vector<nlohmann::json> json_lines(std::string const& text) {
    std::vector<nlohmann::json> all;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) all.push_back(nlohmann::json::parse(line));
    return all;
}

inline bool mentions(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }

} // namespace sfumato
