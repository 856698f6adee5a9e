// Counts of pieces and pairs in the texts of each class, made into first values. Read nn/heads.h first: the model that
// they are the first values of.
#include "tasks/model/log_odds.h"

#include <cmath>
#include <set>

#include "tasks/text/subwords.h"

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

// Adds the ratios of each row's counts [rows][K] to the first K numbers of the table's rows.
void add_ratios(Tensor table, const std::vector<std::vector<double>>& counts, const std::vector<double>& texts,
                double scale) {
  const long C = table.dim(1), K = long(texts.size());
  for (size_t row = 0; row < counts.size(); ++row) {
    const std::vector<double> r = log_count_ratio(counts[row], texts);
    for (long k = 0; k < K; ++k) table.data()[long(row) * C + k] += real(scale * r[k]);
  }
}

}  // namespace

void start_from_log_odds(TextModel& model, const text::EncodedSet& train, double scale) {
  const nn::Config& c = model.config;
  const long K = long(c.labels.size()), C = c.hidden_size, H = c.num_attention_heads;
  check(c.model_type == "attention_pool" && C >= K,
        "log odds are first values for a pool at least as wide as it has classes; got {}, {} wide, {} classes",
        c.model_type, C, K);
  std::vector<std::vector<double>> pieces(c.vocab_size, std::vector<double>(K)),
      pairs(c.bigram_buckets, std::vector<double>(K)), ngrams(c.subword_buckets, std::vector<double>(K));
  const nn::PieceRows subwords = text::subword_rows(model.tokenizer.pieces(), c.subword_buckets);
  std::vector<double> texts(K);
  for (int i = 0; i < int(train.size()); ++i) {
    const nn::Tokens tokens = text::pack(train, {i}).tokens;
    const auto count = [&](const Indices& rows, std::vector<std::vector<double>>& counts) {
      for (const int row : std::set<int>(rows.begin(), rows.end())) ++counts[row][train.labels[i]];
    };
    count(tokens.ids, pieces);
    if (c.bigram_buckets) count(nn::bigram_rows(tokens, c.bigram_buckets), pairs);
    if (c.subword_buckets) count(subwords.of(tokens.ids).rows, ngrams);
    ++texts[train.labels[i]];
  }
  add_ratios(model.params.find("embeddings.word_embeddings.weight"), pieces, texts, scale);
  if (c.bigram_buckets) add_ratios(model.params.find("embeddings.bigram_embeddings.weight"), pairs, texts, scale);
  if (c.subword_buckets) add_ratios(model.params.find("embeddings.subword_embeddings.weight"), ngrams, texts, scale);
  Tensor classifier = model.params.find("classifier.weight");  // [K, H * C]
  for (long k = 0; k < K; ++k)
    for (long h = 0; h < H; ++h) classifier.data()[k * H * C + h * C + k] += 1;
}

}  // namespace model
