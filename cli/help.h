// How a command's help looks: an example first, then what it does, then its options in two columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sfumato {

struct help_option {
    std::string option; // "--seed N"
    std::string text;
};
inline help_option const device_help{"--device NAME",
                                     "the GPU: its number in `sfumato devices`, or a part of its name"};

inline help_option const background_help{
    "--background COLOUR",
    "what transparent parts lie on in a JPEG, which has none: white, black, #RRGGBB (default: white)"};

constexpr std::string_view exit_codes_help =
    "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 cancelled with Ctrl-C.";

/// `about` and `end`: a paragraph a line, wrapped here.
struct help_page {
    std::string_view example; // a command line that works
    std::string_view usage;   // "sfumato inpaint IN --mask MASK -o OUT [OPTION…]", a line for each way
    std::string_view about;
    std::vector<help_option> options;
    std::string_view end = "";
};
std::string help_text(help_page const&);

} // namespace sfumato
