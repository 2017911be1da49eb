// The tokenizer on a golden case (tests/golden/tokenizer), to be compared from outside: `sfumato eval tokenizer`.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace sfumato {

/// `golden_case`: {"rows": [{"text": …}, …]} as clip_ids.json, or a list of texts. Returns a list of token ids for each
/// row, in order: BOS … EOS, not cut, not padded. Throws error naming what the case lacks.
nlohmann::json eval_tokenizer(nlohmann::json const& golden_case);

} // namespace sfumato
