// The tokenizer of T5 v1.1: SentencePiece's unigram model (Kudo 2018), as transformers' T5TokenizerFast has it.
// Easy to get wrong:
// - a word begins with ▁ (U+2581), the first one, too; nothing is lower-cased; there is no BOS;
// - the text is normalised by NFKC of about Unicode 11, without control characters; the wide tilde (U+FF5E) stays;
// - of equal sums of scores the one with the longer last piece wins; sums are doubles;
// - an unknown character costs 10 more than the rarest piece, and neighbouring ones in a word are one token.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sfumato {

/// <pad>, </s>, <unk>; 32000 … 32099 are <extra_id_99> … <extra_id_0>. In a text, spelled exactly so, they are
/// themselves.
inline constexpr std::int32_t t5_pad = 0, t5_end = 1, t5_unknown = 2;

/// The tokens of `text`, without </s>, not cut. Bytes that are not UTF-8 count as U+FFFD. `vocabulary`: of a smaller
/// one, as small test models have, the pieces from there on are missing.
std::vector<std::int32_t> t5_tokenize(std::string_view text, int vocabulary = 32128);

} // namespace sfumato
