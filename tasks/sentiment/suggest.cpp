// Probabilities of all texts, vectors of the least sure ones, a choice. Read tasks/score/selection.h first.
#include "tasks/sentiment/suggest.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <unordered_set>

#include "engine/graph.h"
#include "nn/format/files.h"
#include "tasks/command/prediction_file.h"
#include "tasks/model/request.h"
#include "tasks/run/directory.h"
#include "tasks/run/progress.h"
#include "tasks/score/selection.h"
#include "tasks/sentiment/figure.h"
#include "tasks/text/letters.h"
#include "tasks/text/table_blocks.h"
#include "tasks/text/utf8.h"

namespace sentiment {

using engine::check;
using engine::Indices;

namespace {

constexpr long kCandidates = 20000;  // the most unsure texts, of which some are chosen
constexpr size_t kTextsShown = 10;   // texts on the screen
constexpr long kBins = 10;           // of the figure

std::string words_key(const text::Example& e) {
  std::string key;
  for (const std::string* part : {&e.text, &e.pair}) {
    for (const std::string& word : spec::words_of(*part)) key += text::lower(word) + ' ';
    key += '\n';
  }
  return key;
}

struct Suggest {
  model::Request given;
  std::string out, by = "margin";
  std::vector<std::string> without;
  long top = 100;
  double diversity = 0.5;
  std::unique_ptr<model::TextModel> model;
  text::Table table;
  char separator = 0;
  std::vector<text::Example> examples;
  model::Outputs outputs;           // of the texts that are not left out
  std::vector<double> uncertainty;  // the same
  Indices rows;                     // of the table, the same

  void declare(run::Options& options);
  void settle(const run::Options& options);
  void read();
  void predict();
  std::vector<float> vectors(const Indices& candidates) const;
  Indices choose() const;
  void write(const Indices& chosen) const;
  void show(const Indices& chosen) const;
  std::string label(int i) const { return model->only_task().labels.name(outputs.best_of(size_t(i))); }
};

void Suggest::declare(run::Options& options) {
  given.declare(options, false);
  options.add("--file", given.file, "texts without labels, a table or a workbook; -: standard input")
      .reads()
      .required();
  options.add("--out", out, "the rows to label: .csv, .tsv or .jsonl; the figure goes beside it as .svg")
      .writes()
      .required();
  options.add("--top", top, "so many rows").positive();
  options.add("--by", by, "how unsure is measured: margin, between the two likeliest labels; or entropy, over all")
      .one_of({"margin", "entropy"});
  options
      .add(
          "--diversity", diversity,
          "0: the least sure texts, however alike; 1: texts far from each other, however sure; between them both count")
      .between(0, 1);
  options.add("--without", without, "files whose texts are not suggested, as they have labels already").reads();
  options.footer(
      "A model learns most from texts that it is unsure of and that are not all alike. One after the other is chosen\n"
      "that has the highest u^(1-w) d^w: u how unsure the model is, d how far the text is from those that are chosen,\n"
      "w --diversity (greedy k-center: Sener, Savarese 2018). Texts of the same words are suggested once. Label the\n"
      "rows of --out, add them to your training file, train, and ask again.");
}

void Suggest::settle(const run::Options& options) {
  command::PredictionFile::kind_of(out);
  model = given.load(options);
  model->net.params.freeze("*");
  const spec::TaskSpec& task = model->only_task();
  check(task.one_class() && task.labels.size() > 1,
        "suggest: it asks how sure a model is of one of several labels; this model predicts {}",
        task.one_class() ? "one label only" : "'" + spec::head_name(task.head) + "'");
}

void Suggest::read() {
  text::TableOptions how = given.files.table_options();
  how.keep_objects = true;
  text::TableBlocks blocks(given.file, how, 1L << 40);
  check(blocks.next(), "{}: there is no text in it", given.file);
  table = blocks.table();
  separator = blocks.format() == "csv" ? blocks.separator() : '\0';
  given.files.find_columns(table, false);
  std::vector<text::Example> known;
  if (!without.empty()) known = given.files.read(without, {}, false).rows;
  std::vector<text::Example> all = given.files.unlabelled(table).rows;
  const std::vector<bool> out_of_it = left_out(all, known);
  for (size_t i = 0; i < all.size(); ++i) {
    if (out_of_it[i]) continue;
    rows.push_back(int(i));
    examples.push_back(std::move(all[i]));
  }
  check(!examples.empty(), "{}: there is no text in it that could be suggested; {} are blank or stand elsewhere",
        given.file, all.size());
  if (rows.size() < all.size())
    run::print_note("{} of {} texts are left out: blank, or their words stand there before{}\n",
                    all.size() - rows.size(), all.size(), without.empty() ? "" : " or in --without");
}

void Suggest::predict() {
  const text::EncodedSet set = text::encode(examples, model->tokenizer, given.reading.max_length, given.reading.how());
  run::Progress progress("suggest", set.size(), 0, "texts");
  outputs = model::predict(*model, set, {}, nullptr, [&](long done) { progress.update(done); })[0];
  for (const std::vector<double>& p : outputs.scores)
    uncertainty.push_back(by == "margin" ? score::margin_uncertainty(p) : score::entropy_uncertainty(p));
}

// What the classifier reads of each text, its length made 1.    -> [candidates, W]
std::vector<float> Suggest::vectors(const Indices& candidates) const {
  const engine::NoGrad no_grad;
  std::vector<text::Example> texts;
  for (const int i : candidates) texts.push_back(examples[size_t(i)]);
  const text::EncodedSet set = text::encode(texts, model->tokenizer, given.reading.max_length, given.reading.how());
  run::Progress progress("vectors", set.size(), 0, "texts");
  std::vector<float> all;
  long done = 0;
  for (const text::Batch& batch : text::in_order(set, model::kEvaluationBatch)) {
    nn::Trace trace;
    model->net.head()(model->net.encode(batch.tokens), &trace);
    const engine::Tensor read = text::mean_over_windows(trace.context, batch);  // [B, W]
    const long W = read.dim(1);
    for (long b = 0; b < read.dim(0); ++b) {
      const engine::real* row = read.data() + b * W;
      const double norm = std::sqrt(std::inner_product(row, row + W, row, 0.));
      for (long c = 0; c < W; ++c) all.push_back(float(double(row[c]) / std::max(norm, 1e-12)));
    }
    progress.update(done += read.dim(0));
  }
  return all;
}

Indices Suggest::choose() const {
  Indices order(examples.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return uncertainty[size_t(a)] > uncertainty[size_t(b)]; });
  const long most = std::max(kCandidates, 4 * top);
  if (long(order.size()) > most) order.resize(size_t(most));
  std::vector<double> unsure;
  for (const int i : order) unsure.push_back(uncertainty[size_t(i)]);
  const std::vector<float> v = diversity > 0 ? vectors(order) : std::vector<float>();
  Indices chosen;
  for (const long c : score::choose(unsure, v, top, diversity)) chosen.push_back(order[size_t(c)]);
  return chosen;
}

void Suggest::write(const Indices& chosen) const {
  command::PredictionFile file(out, table, {"rank", "uncertainty", "label", "probability"}, separator, "", false);
  const auto number = [](double x) { return model::Cell{fmt::format("{:.4f}", x), std::round(x * 1e4) / 1e4}; };
  for (size_t c = 0; c < chosen.size(); ++c) {
    const size_t i = size_t(chosen[c]);
    const std::string said = label(chosen[c]);
    file.append(table, size_t(rows[i]),
                {{std::to_string(c + 1), c + 1},
                 number(uncertainty[i]),
                 {said, said},
                 number(outputs.scores[i][size_t(outputs.best_of(i))])});
  }
  file.finish();
}

void Suggest::show(const Indices& chosen) const {
  std::vector<Bar> bars;
  for (long b = kBins - 1; b >= 0; --b)
    bars.push_back({fmt::format("{:.1f} to {:.1f}", double(b) / kBins, double(b + 1) / kBins), "", 0, 0});
  const auto bin = [&](int i) -> Bar& {
    return bars[size_t(kBins - 1 - std::clamp(long(uncertainty[size_t(i)] * kBins), 0L, kBins - 1))];
  };
  for (size_t i = 0; i < examples.size(); ++i) bin(int(i)).value += 1;
  for (const int i : chosen) bin(i).part += 1;
  for (Bar& bar : bars) bar.said = fmt::format("{:.0f} of {:.0f}", bar.part, bar.value);
  const std::string title = fmt::format("suggested, of all texts, by uncertainty ({})", by);
  nn::write_file(svg_beside(out), bars_svg(title, bars));
  const size_t columns = run::terminal_width();
  fmt::print("{}\n{}\n", title, bars_text(bars, columns));
  for (size_t c = 0; c < chosen.size() && c < kTextsShown; ++c)
    fmt::print("{}\n",
               text::fitted(fmt::format("{:>3}  {:.2f}  {:<12}  {}", c + 1, uncertainty[size_t(chosen[c])],
                                        text::shown(label(chosen[c])), text::shown(examples[size_t(chosen[c])].text)),
                            columns));
}

}  // namespace

std::vector<bool> left_out(const std::vector<text::Example>& examples, const std::vector<text::Example>& known) {
  std::unordered_set<std::string> seen;
  for (const text::Example& e : known) seen.insert(words_key(e));
  std::vector<bool> out;
  for (const text::Example& e : examples) out.push_back(text::is_blank(e.text) || !seen.insert(words_key(e)).second);
  return out;
}

void suggest_command(run::Options& options, const run::Parse& parse) {
  Suggest s;
  s.declare(options);
  parse();
  run::print_setup("sentiment", "suggest");
  s.settle(options);
  s.read();
  s.predict();
  const Indices chosen = s.choose();
  s.write(chosen);
  s.show(chosen);
  fmt::print("result task=suggest texts={} of={} out={}\n", chosen.size(), s.table.rows.size(), s.out);
}

}  // namespace sentiment
