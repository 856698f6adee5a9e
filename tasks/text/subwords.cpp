// The n-grams of each piece, once for the whole vocabulary. Read Words in nn/model/words.h first: what they are for.
#include "tasks/text/subwords.h"

#include "tasks/text/utf8.h"

namespace text {

std::vector<std::string> character_ngrams(const std::string& piece) {
  constexpr size_t kShortestNgram = 3, kLongestNgram = 5;
  const std::string marked = (piece.starts_with("##") ? piece.substr(2) : "<" + piece) + ">";
  std::vector<size_t> starts;  // of each code point, and the end
  for (size_t at = 0; at < marked.size(); next_code_point(marked, at)) starts.push_back(at);
  starts.push_back(marked.size());
  const size_t points = starts.size() - 1;
  if (points < kShortestNgram) return {marked};
  std::vector<std::string> ngrams;
  for (size_t n = kShortestNgram; n <= kLongestNgram; ++n)
    for (size_t i = 0; i + n <= points; ++i) ngrams.push_back(marked.substr(starts[i], starts[i + n] - starts[i]));
  return ngrams;
}

nn::PieceRows subword_rows(const std::vector<std::string>& pieces, long buckets) {
  nn::PieceRows result;
  if (buckets == 0) return result;
  for (const std::string& piece : pieces) {
    for (const std::string& ngram : character_ngrams(piece))
      result.rows.push_back(int(engine::hash_of(ngram) % uint64_t(buckets)));
    result.offsets.push_back(int(result.rows.size()));
  }
  return result;
}

}  // namespace text
