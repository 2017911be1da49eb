// How a command line becomes a request: a recipe, if one is named, with what the options say on top. Options, their
// help and their errors follow from request/fields.h; the request's own checks serve both.
#pragma once

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/progress_line.h"
#include "request/request.h"

#include <string_view>
#include <vector>

namespace sfumato {

/// --recipe FILE (a PNG that an earlier run wrote, or its JSON), then the operation's options. Keys that are not known
/// here are warned of. A seed that is asked for is drawn. Throws error naming the key, usage_error naming the option
/// where the value is the command line's.
request request_of(options const& given, operation, progress_line&);

/// The names of an operation's options, --recipe's too, after `own`: for command::with_value and command::flags.
std::vector<std::string_view> options_with_value(operation, std::vector<std::string_view> own);
/// … of those with a value that may be given again.
std::vector<std::string_view> repeatable_options(operation);
std::vector<std::string_view> options_without_value(operation, std::vector<std::string_view> own);

/// Lines of help for them: what it is, its choices or range, its default.
std::vector<help_option> options_help(operation);

} // namespace sfumato
