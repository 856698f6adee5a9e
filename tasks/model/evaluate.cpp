// From predictions to figures. Read tasks/text/metrics.h first.
#include "tasks/model/evaluate.h"

#include "tasks/run/console.h"
#include "tasks/run/progress.h"

namespace model {

using nlohmann::ordered_json;

double Evaluation::value(const std::string& metric) const {
  const double value = figures.at(metric).get<double>();
  return metric == "loss" ? -value : value;
}

std::string Evaluation::line() const {
  std::string line;
  for (const auto& [name, value] : figures.items())
    line += fmt::format("{}{} {:.4f}", line.empty() ? "" : "  ", name, value.get<double>());
  return line;
}

std::string Evaluation::text() const {
  return fmt::format("{}\n{}\n{}\n", text::to_text(report), text::to_text(confusion, report.names), line());
}

ordered_json Evaluation::json() const {
  ordered_json result = figures;
  result["report"] = score::to_json(report);
  ordered_json& rows = result["confusion"] = ordered_json::array();
  for (int t = 0; t < confusion.classes; ++t) {
    rows.push_back(ordered_json::array());
    for (int p = 0; p < confusion.classes; ++p) rows.back().push_back(confusion.at(t, p));
  }
  return result;
}

Evaluation evaluate(TextModel& model, const text::EncodedSet& set, const std::string& name) {
  const std::vector<std::string>& labels = model.config.labels;
  run::Progress progress(name, set.size());
  const Predictions predictions = predict(model, set, kEvaluationBatch, [&](long done) { progress.update(done); });
  progress.interrupt();
  Evaluation e;
  e.confusion = score::confusion_matrix(set.labels, predictions.best(), int(labels.size()));
  e.report = score::make_report(e.confusion, labels);
  e.figures = {{"loss", predictions.loss},
               {"accuracy", score::accuracy(e.confusion)},
               {"macro_f1", score::macro_f1(e.confusion)},
               {"macro_recall", score::macro_recall(e.confusion)},
               {"mcc", score::mcc(e.confusion)},
               {"kappa", score::cohen_kappa(e.confusion)}};
  if (labels.size() == 2 && e.confusion.support(0) > 0 && e.confusion.support(1) > 0) {
    std::vector<double> score;
    for (const auto& p : predictions.probabilities) score.push_back(p[1]);
    e.figures["roc_auc"] = score::roc_auc(set.labels, score);
  }
  return e;
}

text::EncodedSet encode_and_report(const std::string& name, const std::vector<text::Example>& examples,
                                   const TextModel& model, int max_length, text::TooLong how) {
  constexpr size_t kShown = 8;  // labels
  const std::vector<std::string>& labels = model.config.labels;
  text::EncodedSet set = text::encode(examples, model.tokenizer, max_length, how);
  long tokens = 0, longest = 0;
  std::vector<long> counts(labels.size());
  for (long i = 0; i < set.size(); ++i) {
    tokens += set.tokens(i);
    longest = std::max(longest, set.tokens(i));
    ++counts[set.labels[i]];
  }
  if (set.size() == 0) {
    run::print_note("{:<6}  none\n", name);
    return set;
  }
  std::string shares;
  for (size_t k = 0; k < std::min(kShown, counts.size()); ++k)
    shares += fmt::format("{}{} {}", k ? ", " : "", labels[k], counts[k]);
  run::print_note("{:<6}{:>6} texts, {:.1f} tokens on average, {} at most{}  ({}{})\n", name, set.size(),
             double(tokens) / double(set.size()), longest,
             set.too_long ? fmt::format(", {} {} {}", set.too_long,
                                        how == text::TooLong::window ? "read in windows of" : "cut to", max_length)
                          : "",
             shares, counts.size() > kShown ? ", ..." : "");
  return set;
}

}  // namespace model
