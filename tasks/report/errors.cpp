// Mistakes and attention. Read tasks/attribution/attention.h first, and tasks/text/places.h: from tokens to words.
#include "tasks/report/errors.h"

#include <algorithm>
#include <cmath>

#include "tasks/attribution/attention.h"
#include "tasks/model/directory.h"
#include "tasks/run/console.h"
#include "tasks/text/places.h"

namespace report {

std::vector<size_t> worst(const Predictions& predictions, size_t most) {
  const auto badness = [&](size_t i) {
    const Prediction& p = predictions.rows[i];
    return predictions.labels.empty() ? std::abs(p.number - p.predicted_number) : p.scores[size_t(p.predicted)];
  };
  std::vector<size_t> order;
  for (size_t i = 0; i < predictions.rows.size(); ++i)
    if (predictions.labels.empty() || predictions.rows[i].label != predictions.rows[i].predicted) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return badness(a) > badness(b); });
  order.resize(std::min(order.size(), most));
  return order;
}

namespace {

std::vector<Word> words_of(const model::TextModel& model, const Prediction& p) {
  const text::Example example{.text = p.text, .pair = p.pair};
  const text::EncodedSet set = text::encode({example}, model.tokenizer, model.reading.max_length, model.reading.how());
  const text::Encoding& window = set.windows[0];
  const std::vector<text::Place> places = text::places_of(window, p.text, p.pair, model.tokenizer);
  std::vector<int> word_of;  // of each token
  for (const text::Place& place : places) word_of.push_back(place.word);
  const attribution::AttentionMap map =
      attribution::over_words(attribution::attention_maps(model, window).back(), word_of);
  std::vector<Word> words;
  for (size_t t = 0; t < places.size(); ++t) {
    const text::Place& place = places[t];
    if (place.end == 0) continue;  // [CLS] or [SEP]
    if (t > 0 && word_of[t] == word_of[t - 1]) {
      words.back().end = place.end;
      continue;
    }
    Word word{place.text == 1, place.begin, place.end, 0};
    for (long h = 0; h < map.heads; ++h)  // the first query: [CLS], or the head's own
      word.share += double(map.p[size_t(h * map.queries * map.keys + place.word)]) / double(map.heads);
    words.push_back(word);
  }
  return words;
}

}  // namespace

std::vector<std::vector<Word>> attention_of(const std::string& run, const std::vector<Prediction>& texts) {
  const run::Quiet quiet;
  const auto model = model::load_model(model::ModelDirectory(run));
  std::vector<std::vector<Word>> all;
  for (const Prediction& text : texts) all.push_back(words_of(*model, text));
  return all;
}

}  // namespace report
