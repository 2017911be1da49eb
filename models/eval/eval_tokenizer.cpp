#include "models/eval/eval_tokenizer.h"

#include "compute/error.h"
#include "models/text/clip_tokenizer.h"

#include <nlohmann/json.hpp>

namespace sfumato {

using nlohmann::json;

namespace {

json const& rows_of(json const& golden_case) {
    if (golden_case.is_array()) return golden_case;
    if (!golden_case.is_object() || !golden_case.contains("rows") || !golden_case["rows"].is_array())
        fail("The tokenizer's case has no list \"rows\".");
    return golden_case["rows"];
}

std::string const& text_of(json const& row, std::size_t number) {
    bool const wrapped = row.is_object() && row.contains("text");
    json const& text = wrapped ? row["text"] : row;
    if (!text.is_string()) fail("Row {} of the tokenizer's case has no \"text\".", number);
    return text.get_ref<std::string const&>();
}

} // namespace

json eval_tokenizer(json const& golden_case) {
    clip_vocabulary const vocabulary;
    json result = json::array();
    for (json const& row : rows_of(golden_case)) {
        auto ids = clip_tokenize(text_of(row, result.size()), vocabulary);
        ids.insert(ids.begin(), vocabulary.bos());
        ids.push_back(vocabulary.eos());
        result.push_back(ids);
    }
    return result;
}

} // namespace sfumato
