// Finding the tokens that a lexicon or a rationale names. Read tasks/text/guide.h before.
#include "tasks/text/guide.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "engine/strings.h"

namespace text {

using engine::check;
using engine::real;

Guide::Guide(const WordPiece& tokenizer) {
  for (const std::string& piece : tokenizer.pieces()) continues_.push_back(piece.starts_with("##"));
}

// Whether the vocabulary knows every word of the phrase.
bool Guide::add(Phrases& to, const std::string& phrase, real weight, const WordPiece& tokenizer) const {
  std::vector<int> ids;
  for (const std::string& piece : tokenizer.tokenize(phrase)) ids.push_back(tokenizer.id(piece));
  if (ids.empty() || std::find(ids.begin(), ids.end(), tokenizer.unk_id()) != ids.end()) return false;
  to[ids[0]].push_back({ids, weight});
  return true;
}

Guide Guide::from_lexicon(const std::string& path, const WordPiece& tokenizer, long& unknown) {
  Guide guide(tokenizer);
  std::istringstream lines(read_file(path));
  long number = 0, known = 0;
  unknown = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const size_t tab = line.find('\t');
    double weight = 1;
    if (tab != std::string::npos) {
      weight = engine::parse_number<double>(line.substr(tab + 1)).value_or(0);
      check(std::isfinite(weight) && weight > 0, "{}:{}: '{}' is not a weight above 0", path, number,
            engine::shown(line.substr(tab + 1)));
    }
    const bool added = guide.add(guide.everywhere_, line.substr(0, tab), real(weight), tokenizer);
    known += added;
    unknown += !added;
  }
  check(known > 0, "{}: the vocabulary knows none of its {} words", path, unknown);
  return guide;
}

Guide Guide::from_rationales(const std::vector<Example>& examples, const WordPiece& tokenizer) {
  Guide guide(tokenizer);
  for (const Example& example : examples) {
    Phrases& phrases = guide.of_example_.emplace_back();
    for (const std::string& passage : engine::split(example.rationale, '|')) guide.add(phrases, passage, 1, tokenizer);
  }
  return guide;
}

void Guide::mark(const Phrases& phrases, const engine::Indices& ids, long begin, long end, real* weights) const {
  for (long t = begin; t < end; ++t) {
    const auto found = phrases.find(ids[t]);
    if (found == phrases.end() || continues_[ids[t]]) continue;
    for (const Phrase& phrase : found->second) {
      const long stop = t + long(phrase.ids.size());
      const bool whole = stop <= end && std::equal(phrase.ids.begin(), phrase.ids.end(), ids.begin() + t) &&
                         (stop == end || !continues_[ids[stop]]);
      for (long i = t; whole && i < stop; ++i) weights[i] = std::max(weights[i], phrase.weight);
    }
  }
}

engine::Tensor Guide::prior(const Batch& batch) const {
  const nn::Tokens& tokens = batch.tokens;
  engine::Tensor weights = engine::Tensor::zeros({tokens.count()});
  for (size_t b = 0; b < batch.rows.size(); ++b)
    for (int w = batch.windows[b]; w < batch.windows[b + 1]; ++w) {
      const long begin = tokens.offsets[w], end = tokens.offsets[w + 1];
      mark(everywhere_, tokens.ids, begin, end, weights.data());
      if (!of_example_.empty()) mark(of_example_[batch.rows[b]], tokens.ids, begin, end, weights.data());
    }
  return weights;
}

}  // namespace text
