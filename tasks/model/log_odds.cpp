// Counts of pieces and pairs in the texts of each class, made into first values. Read nn/model/words.h first: the model
// that they are the first values of.
#include "tasks/model/log_odds.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "nn/loss/ordinal.h"

namespace model {

using engine::check;
using engine::Indices;
using engine::real;
using engine::Tensor;

// With D_k texts in class k, D in all, n_k of them with the feature, n in all, and s_k = D_k / D:
//   r_k = log (n_k + s_k) / (D_k + s_k)  -  log (n - n_k + 1 - s_k) / (D - D_k + 1 - s_k)
// One text is added that is shared out over the classes as the others are, so a feature that no text has gets 0, and so
// does a class that has no text, or all.
std::vector<double> log_count_ratio(const std::vector<double>& n, const std::vector<double>& texts) {
  double all = 0, with_feature = 0;
  for (const double d : texts) all += d;
  for (const double count : n) with_feature += count;
  std::vector<double> r(n.size());
  for (size_t k = 0; k < n.size(); ++k) {
    if (texts[k] == 0 || texts[k] == all) continue;
    const double s = texts[k] / all;
    r[k] = std::log((n[k] + s) / (texts[k] + s)) - std::log((with_feature - n[k] + 1 - s) / (all - texts[k] + 1 - s));
  }
  return r;
}

namespace {

// Of every row of a table how many texts of each class have it.
using Counts = std::vector<std::vector<double>>;  // [rows][K]

// Adds the ratios to K numbers of each row, from column `first` on.
void add_ratios(const nn::Embedding& table, const Counts& counts, const std::vector<double>& texts, long first,
                double scale) {
  const long C = table.weight.dim(1), K = long(texts.size());
  for (size_t row = 0; row < counts.size(); ++row) {
    const std::vector<double> r = log_count_ratio(counts[row], texts);
    for (long k = 0; k < K; ++k) table.weight.data()[long(row) * C + first + k] += real(scale * r[k]);
  }
}

void start_task(const nn::Words& words, const nn::Head& head, const text::EncodedSet& set, const spec::Targets& targets,
                long K, long first, double scale) {
  const auto rows_of = [](const auto& table) { return table ? size_t(table->weight.dim(0)) : 0; };
  const std::vector<double> none(K);
  Counts pieces(size_t(words.word.weight.dim(0)), none), pairs(rows_of(words.bigram), none),
      ngrams(rows_of(words.subword), none);
  std::vector<double> texts(K);
  for (const int i : targets.rows) {
    const nn::Tokens tokens = text::pack(set, {i}).tokens;
    const int label = targets.classes[i];
    const auto count = [&](const Indices& rows, Counts& counts) {
      for (const int row : std::set<int>(rows.begin(), rows.end())) ++counts[row][label];
    };
    count(tokens.ids, pieces);
    if (words.bigram) count(nn::bigram_rows(tokens, words.bigram->weight.dim(0)), pairs);
    if (words.subword) count(words.subword_rows.of(tokens.ids).rows, ngrams);
    ++texts[label];
  }
  add_ratios(words.word, pieces, texts, first, scale);
  if (words.bigram) add_ratios(*words.bigram, pairs, texts, first, scale);
  if (words.subword) add_ratios(*words.subword, ngrams, texts, first, scale);
  const Tensor& classifier = head.classifier->weight;  // [K, H * C]
  const long C = words.word.weight.dim(1), H = classifier.dim(1) / C;
  for (long k = 0; k < K; ++k)
    for (long h = 0; h < H; ++h) classifier.data()[k * H * C + h * C + first + k] += 1;
}

}  // namespace

void start_from_log_odds(TextModel& model, const spec::TaskSet& set, double scale) {
  const nn::Words* words = model.net.encoder.words();
  check(words, "log odds are first values for a pool; this model's type is {}", model.config().model_type);
  long first = 0;
  for (size_t t = 0; t < set.tasks.size(); ++t) {
    const spec::Task& task = set.tasks[t];
    if (task.spec.head != nn::Predicts::label) continue;
    const long K = task.spec.labels.size(), C = model.config().hidden_size;
    check(first + K <= C,
          "log odds need a pool at least as wide as its tasks have classes; got {} wide, {} classes or more "
          "(--hidden makes it wider)",
          C, first + K);
    start_task(*words, model.net.heads[t], set.corpora[task.corpus].texts[spec::kTrain], task.targets[spec::kTrain], K,
               first, scale);
    first += K;
  }
  check(first > 0, "log odds are of labels; no task predicts one");
}

void start_from_counts(TextModel& model, const spec::TaskSet& set) {
  for (size_t t = 0; t < set.tasks.size(); ++t) {
    const spec::Task& task = set.tasks[t];
    if (task.spec.head != nn::Predicts::ordinal) continue;
    const Tensor& bias = model.net.heads[t].ranks->bias;  // [K - 1]
    if (std::any_of(bias.data(), bias.data() + bias.numel(), [](engine::real b) { return b != 0; })) continue;
    std::vector<long> counts(static_cast<size_t>(task.spec.labels.size()));
    for (const int i : task.targets[spec::kTrain].rows) ++counts[size_t(task.targets[spec::kTrain].classes[i])];
    std::ranges::copy(nn::first_biases(counts), bias.data());
  }
}

}  // namespace model
