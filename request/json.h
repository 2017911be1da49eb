// JSON that comes from outside: request files, socket messages, recipes.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace sfumato {

/// Parses `text`; throws error beginning with `what` ("The request") when it is not JSON or nested deeper than 32
/// levels (deep nesting would overflow the stack where a value is copied or printed).
nlohmann::json json_parse(std::string_view text, std::string_view what);

/// The same of JSON as Python writes it: Infinity and NaN, which JSON has not, become null.
nlohmann::json json_parse_python(std::string_view text, std::string_view what);

/// One line; bytes that are not UTF-8 (file names) are replaced, never an exception.
std::string json_line(nlohmann::json const&);

/// The value as an error message shows it: `"bogus"`, `12`, `a list`; never longer than about `longest` bytes.
std::string json_show(nlohmann::json const&, std::size_t longest = 40);

} // namespace sfumato
