// What can be asked for: one row for each field of a request. JSON in and out, the command line's options with their
// help, and the types, ranges and defaults of the GIMP procedures' arguments all follow from these rows. A field's
// default is the one that its member has in request.h.
#pragma once

#include "compute/sentence.h"
#include "request/request.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sfumato {

/// A set of operations.
class operations {
  public:
    constexpr operations(std::initializer_list<operation> all = {}) {
        for (operation o : all) bits_ |= 1u << unsigned(o);
    }
    constexpr bool contains(operation o) const { return bits_ >> unsigned(o) & 1; }

  private:
    unsigned bits_ = 0;
};

// ---- What a field's values are.

struct whole_number {
    std::int64_t least, most;
    std::int64_t multiple_of = 1, smallest = INT64_MIN; // of those but 0
};
struct real_number {
    double least, most;
};
struct truth {};
struct free_text {
    static constexpr std::size_t longest = 1 << 16; // bytes
    bool names_a_model = false;                     // a file, a folder, sfumato:NAME or procedural:NAME
};
/// One of a few names.
struct choice {
    std::vector<std::string_view> (*names)();
};
/// A rect that is not empty: an object with "x", "y", "width" and "height".
struct place {};
/// Objects with "file" and, unless they are as by default, "weight", "text_weight" and "sha256".
struct lora_list {};
using field_type = std::variant<free_text, whole_number, real_number, truth, choice, place, lora_list>;

/// Nothing: left to Sfumato. A choice is its name.
using field_value =
    std::variant<std::monostate, bool, std::int64_t, double, std::string, rect, std::vector<lora_choice>>;

struct field {
    std::string_view key; // in JSON; GIMP's argument has "-" for "_"
    operations used_by;
    field_type type;
    std::string_view option;   // "--steps N", a truth "--flag"; empty: the command line has none
    std::string_view help;     // what it is, in at most a line
    std::string_view unset;    // what happens where it is not given, if that is more than its default: "random"
    bool quiet = false;        // not written to JSON while it has its default
    bool of_diffusion = false; // a request that no diffusion model does has no use for it, but LaMa for "model"

    field_value (*get)(request const&) = nullptr;
    /// False: it is none of the field's choices. The value is of the field's type and within its range.
    bool (*set)(request&, field_value const&) = nullptr;

    std::string_view option_name() const { return option.substr(0, option.find(' ')); } // "--steps"
};

/// Those of an operation, which knows no others; in the order in which help lists them. A key may have another row for
/// another operation.
std::vector<field const*> fields_of(operation);
/// Null: the operation has none of that key.
field const* find_field(operation, std::string_view key);

/// "a, b or c".
std::string list_names(std::vector<std::string_view> const&);
/// `"a", "b" or "c"`: what stands behind "must be".
sentence one_of(std::vector<std::string_view> names);

} // namespace sfumato
