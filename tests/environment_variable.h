#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace sfumato {

/// A variable of the environment, as long as this lives.
struct environment_variable {
    std::string const name;
    std::optional<std::string> before;

    environment_variable(std::string name, std::string const& value) : name(std::move(name)) {
        if (char const* const v = std::getenv(this->name.c_str())) before = v;
        ::setenv(this->name.c_str(), value.c_str(), 1);
    }
    ~environment_variable() { before ? ::setenv(name.c_str(), before->c_str(), 1) : ::unsetenv(name.c_str()); }
};

} // namespace sfumato
