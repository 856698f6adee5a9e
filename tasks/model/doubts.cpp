// Sentences about what is wrong. Read tasks/spec/findings.h and tasks/model/evaluate.h first.
#include "tasks/model/doubts.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "tasks/run/console.h"
#include "tasks/spec/findings.h"
#include "tasks/text/coverage.h"

namespace model {

namespace {

constexpr double kManyUnknown = 0.05;  // of the words
constexpr double kFarAbove = 0.15;     // of the texts
constexpr long kVeryUnequal = 5;       // times as many texts
constexpr size_t kShown = 8;           // classes
constexpr long kLookedAt = 2000;       // texts whose words are looked up
constexpr long kMeasured = 512;        // training texts

// "1 (12 texts), 2 (31 texts)"
std::string some_of(const std::vector<std::string>& names) {
  const size_t shown = std::min(kShown, names.size());
  const std::string list = fmt::format("{}", fmt::join(names.begin(), names.begin() + long(shown), ", "));
  return names.size() > shown ? fmt::format("{} and {} more", list, names.size() - shown) : list;
}

}  // namespace

Doubts doubts_about_texts(const TextModel& model, const spec::TaskSet& set, spec::Split split) {
  Doubts doubts;
  const spec::Corpus& corpus = set.corpora[0];
  const text::EncodedSet& texts = corpus.texts[split];
  const std::vector<text::Example>& examples = corpus.examples[split];
  const char* name = spec::kSplitNames[split];
  if (model.reading.how() == text::TooLong::cut && 2 * texts.too_long > texts.size())
    doubts.push_back(fmt::format(
        "{} of {}'s {} texts are cut to {} tokens, their ends are not read; --long window reads all of them",
        texts.too_long, name, texts.size(), model.reading.max_length));
  const spec::EqualTexts equal = spec::equal_texts(examples, set.tasks[0].spec.labels);
  if (equal.contradictions)
    doubts.push_back(fmt::format("{}: texts with more than one label: {}, first {}; no model can be right there", name,
                                 equal.contradictions, equal.first));
  const text::Coverage coverage = text::coverage_of(examples, model.tokenizer, kLookedAt);
  if (coverage.unknown_share() > kManyUnknown)
    doubts.push_back(
        fmt::format("{:.0f} % of {}'s words are unknown to the vocabulary (emoji? another script?); "
                    "--model pool or bert learns one from the texts",
                    100 * coverage.unknown_share(), name));
  return doubts;
}

Doubts doubts_about_classes(const spec::Task& task, const std::string& metric) {
  if (task.spec.head != nn::Predicts::label) return {};
  Doubts doubts;
  const text::Labels& labels = task.spec.labels;
  const std::vector<long> counts = spec::class_counts(task.targets[spec::kTrain].classes, labels.size());
  const auto [few, many] = std::minmax_element(counts.begin(), counts.end());
  if (task.spec.class_weights == "none" && metric == "macro_f1" && *many >= kVeryUnequal * std::max(1L, *few))
    doubts.push_back(
        fmt::format("{} counts classes alike, but '{}' has {} texts and '{}' {}; --class-weights balanced "
                    "may help the rare ones",
                    metric, text::shown(labels.name(int(many - counts.begin()))), *many,
                    text::shown(labels.name(int(few - counts.begin()))), *few));
  if (spec::are_ratings(labels))
    doubts.push_back(
        fmt::format("the labels are numbers, {} to {}, but are learned as names; if they are ratings, "
                    "--head ordinal knows their order, and --head regression predicts values between them",
                    labels.name(0), labels.name(labels.size() - 1)));
  return doubts;
}

Doubts doubts_about(const Evaluation& evaluation) {
  Doubts doubts;
  if (!evaluation.confusion) return doubts;
  const score::Confusion& c = *evaluation.confusion;
  const std::vector<std::string>& names = evaluation.report->names;
  std::vector<std::string> never;
  long commonest = 0, texts = 0;
  for (int k = 0; k < c.classes; ++k) {
    if (c.support(k) > c.support(int(commonest))) commonest = k;
    if (c.predicted(k) || !c.support(k)) continue;
    never.push_back(text::shown(names[size_t(k)]));
    texts += c.support(k);
  }
  if (!never.empty())
    doubts.push_back(fmt::format("never predicted: {}, {} of {} texts", some_of(never), texts, c.total()));
  const long most = c.support(int(commonest));
  if (c.correct() <= most)
    doubts.push_back(fmt::format("no better than always saying '{}', which is right {} times of {}; the model {} times",
                                 text::shown(names[size_t(commonest)]), most, c.total(), c.correct()));
  return doubts;
}

Doubts doubts_about_gap(double train, double test) {
  if (train - test <= kFarAbove) return {};
  return {
      fmt::format("{:.0f} % right on texts it was trained on, {:.0f} % on others: it knows its texts by heart; more "
                  "labelled texts help, or --dropout",
                  100 * train, 100 * test)};
}

Doubts doubts_about_memory(const TextModel& model, const spec::TaskSet& set, const Evaluation& test) {
  if (!test.confusion) return {};
  const spec::Task& task = set.tasks[0];
  const spec::Targets& train = task.targets[spec::kTrain];
  const long n = long(train.rows.size()), some = std::min(n, kMeasured);
  std::vector<text::Example> examples;
  Indices classes;
  for (long i = 0; i < some; ++i) {  // evenly spaced
    const int row = train.rows[size_t(i * n / some)];
    examples.push_back(set.corpora[0].examples[spec::kTrain][size_t(row)]);
    classes.push_back(train.classes[size_t(row)]);
  }
  const Reading& reading = model.reading;
  const text::EncodedSet texts = text::encode(examples, model.tokenizer, reading.max_length, reading.how());
  const score::Confusion confusion =
      score::confusion_matrix(classes, predict(model, texts)[0].best(), task.spec.labels.size());
  return doubts_about_gap(score::accuracy(confusion), score::accuracy(*test.confusion));
}

void print(const Doubts& doubts) {
  for (const std::string& doubt : doubts) run::print_note("warning: {}\n", doubt);
}

}  // namespace model
