// Mistakes sorted and explained. Read tasks/attribution/words.h first.
#include "tasks/command/errors.h"

#include <algorithm>
#include <filesystem>

#include "tasks/attribution/words.h"
#include "tasks/text/utf8.h"

namespace command {

using engine::check;

namespace {

// Some texts of a split by themselves, with the windows that they are read through.
text::EncodedSet windows_of(const text::EncodedSet& all, const engine::Indices& rows) {
  text::EncodedSet some;
  for (const int row : rows) {
    some.windows.insert(some.windows.end(), all.windows.begin() + all.begin[row],
                        all.windows.begin() + all.begin[row + 1]);
    some.begin.push_back(int(some.windows.size()));
    some.labels.push_back(-1);
  }
  return some;
}

}  // namespace

std::string wrong_ones(const model::TextModel& model, const spec::TaskSet& set, size_t t, spec::Split split,
                       const model::Outputs& outputs, size_t most, size_t columns) {
  const spec::Task& task = set.tasks[t];
  check(task.spec.one_class(), "--errors lists wrong labels; this model predicts something else");
  const spec::Targets& targets = task.targets[split];
  const engine::Indices best = outputs.best();
  std::vector<size_t> wrong;  // places in targets
  for (size_t i = 0; i < best.size(); ++i)
    if (best[i] != targets.classes[i]) wrong.push_back(i);
  const auto p = [&](size_t i) { return outputs.scores[i][size_t(best[i])]; };
  std::stable_sort(wrong.begin(), wrong.end(), [&](size_t a, size_t b) { return p(a) > p(b); });
  std::string out =
      fmt::format("{} of {} wrong{}\n", wrong.size(), best.size(),
                  wrong.empty() ? "" : fmt::format(", the surest {} of them", std::min(most, wrong.size())));
  wrong.resize(std::min(most, wrong.size()));

  const spec::Corpus& corpus = set.corpora[task.corpus];
  std::vector<text::Example> examples;
  engine::Indices rows, classes;
  for (const size_t i : wrong) {
    rows.push_back(targets.rows[i]);
    examples.push_back(corpus.examples[split][rows.back()]);
    classes.push_back(best[i]);
  }
  const auto shares = attribution::word_shares(model, t, examples, windows_of(corpus.texts[split], rows), classes);
  for (size_t n = 0; n < wrong.size(); ++n) {
    const size_t i = wrong[n];
    const std::string head = fmt::format(
        "{:.4f}  {}, true {}  {}", p(i), task.spec.labels.name(best[i]), task.spec.labels.name(targets.classes[i]),
        engine::shown(std::filesystem::path(examples[n].where).filename().string(), 200));
    out += "\n" + text::fitted(head, columns) + "\n";
    for (const auto* text : {&examples[n].text, &examples[n].pair})
      if (const bool second = text == &examples[n].pair; !second || !text->empty())
        out += "  " +
               attribution::marked(*text, shares[n], attribution::marks_of_output(),
                                   columns - std::min<size_t>(columns, 2), second) +
               "\n";
  }
  return out;
}

}  // namespace command
