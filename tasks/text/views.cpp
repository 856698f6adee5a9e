// Tokens left out of packed sequences. Read nn/tokens.h first.
#include "tasks/text/views.h"

namespace text {

nn::Tokens kept_tokens(const nn::Tokens& tokens, const std::vector<char>& keep) {
  nn::Tokens out;
  out.offsets = {0};
  for (long b = 0; b < tokens.sequences(); ++b) {
    const int begin = tokens.offsets[b], end = tokens.offsets[b + 1];
    for (int t = begin; t < end; ++t) {
      if (!keep[t] && t != begin && t + 1 != end) continue;
      out.positions.push_back(int(out.ids.size()) - out.offsets.back());
      out.ids.push_back(tokens.ids[t]);
      out.types.push_back(tokens.types[t]);
    }
    out.offsets.push_back(int(out.ids.size()));
  }
  return out;
}

std::pair<nn::Tokens, nn::Tokens> two_views(const nn::Tokens& tokens, const std::string& views, double share,
                                            const engine::Random& random) {
  if (views == "dropout") return {tokens, tokens};
  const long N = tokens.count();
  std::vector<char> first(N, 1), second(N, 1);
  if (views == "words") {
    std::vector<uint32_t> word(2 * N);
    random.words(0, 2 * N, word.data());
    for (long t = 0; t < N; ++t) {
      first[t] = word[t] * 0x1p-32 >= share;
      second[t] = word[N + t] * 0x1p-32 >= share;
    }
  } else {  // a text of one token between [CLS] and [SEP] has no halves
    for (long b = 0; b < tokens.sequences(); ++b) {
      const int begin = tokens.offsets[b] + 1, inner = tokens.offsets[b + 1] - begin - 1;
      for (int t = 0; inner > 1 && t < inner; ++t) (t < inner / 2 ? second : first)[begin + t] = 0;
    }
  }
  return {kept_tokens(tokens, first), kept_tokens(tokens, second)};
}

}  // namespace text
