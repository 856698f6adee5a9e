// Entities out of tags, and how many of them were found. Read tasks/score/counts.h first.
#include "tasks/score/spans.h"

#include <algorithm>

#include "tasks/score/counts.h"

namespace score {

std::vector<Span> spans_of(const std::vector<std::string>& tags) {
  std::vector<Span> spans;
  bool open = false;  // the last span may go on
  for (size_t i = 0; i < tags.size(); ++i) {
    const bool begins = tags[i].starts_with("B-"), inside = tags[i].starts_with("I-");
    const std::string type = begins || inside ? tags[i].substr(2) : "";
    if (inside && open && spans.back().type == type) {
      spans.back().last = i + 1;
    } else {
      open = begins || inside;
      if (open) spans.push_back({i, i + 1, type});
    }
  }
  return spans;
}

double entity_f1(const std::vector<std::vector<std::string>>& y_true,
                 const std::vector<std::vector<std::string>>& y_pred) {
  check_pairs("entity_f1", y_true, y_pred);
  Hits hits;
  for (size_t i = 0; i < y_true.size(); ++i) {
    engine::check(y_true[i].size() == y_pred[i].size(),
                  "entity_f1: a tag for every word; text {} has {} words and {} tags", i, y_true[i].size(),
                  y_pred[i].size());
    const std::vector<Span> truth = spans_of(y_true[i]), predicted = spans_of(y_pred[i]);
    const long right = std::count_if(predicted.begin(), predicted.end(), [&](const Span& s) {
      return std::find(truth.begin(), truth.end(), s) != truth.end();
    });
    hits.add({right, long(predicted.size()) - right, long(truth.size()) - right});
  }
  return hits.f1();
}

}  // namespace score
