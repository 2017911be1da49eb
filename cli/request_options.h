// How a command line becomes a request: a recipe, if one is named, with what the options say on top. The request's own
// checks serve both.
#pragma once

#include "cli/commands.h"
#include "cli/progress_line.h"
#include "models/request.h"

#include <span>
#include <string_view>
#include <vector>

namespace sfumato {

/// An option, the request's key, and what its value is.
struct request_option {
    std::string_view option, key;
    enum { text, whole, real, flag } is;
};

/// --recipe FILE (a PNG that an earlier run wrote, or its JSON), then `known`. Keys that are not known here are warned
/// of. A seed that is asked for is drawn. Throws error naming the key, usage_error naming the option where the value
/// is the command line's.
request request_of(options const& given, std::string_view operation, std::span<request_option const> known,
                   progress_line&);

/// The names that take a value among them, for command::with_value; --recipe too.
std::vector<std::string_view> with_value(std::span<request_option const> known, std::vector<std::string_view> more);

} // namespace sfumato
