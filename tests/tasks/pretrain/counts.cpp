// Embeddings and frequencies out of counts, beside the formulas in full.
#include "tasks/pretrain/counts.h"

#include <cmath>

#include "tasks/pretrain/learner.h"
#include "tests/support/nn.h"

using namespace test;

namespace {

// Twelve sequences over pieces 5 ... 13 of fourteen; the second part counts twice. Piece 13 occurs never.
text::Corpus corpus_of_pieces() {
  text::Corpus corpus;
  for (int s = 0; s < 12; ++s) {
    corpus.ids.push_back(2);
    for (int i = 0; i < 9; ++i) corpus.ids.push_back(5 + (s * s + i * i * (1 + s % 3)) % 8);
    corpus.ids.push_back(3);
    corpus.begin.push_back(long(corpus.ids.size()));
  }
  corpus.parts = {{"a", 1, 0, 7}, {"b", 2, 7, 12}};
  return corpus;
}

std::vector<double> squared(const std::vector<double>& m, long n) {
  std::vector<double> product(n * n, 0);
  for (long i = 0; i < n; ++i)
    for (long k = 0; k < n; ++k)
      for (long j = 0; j < n; ++j) product[i * n + j] += m[i * n + k] * m[k * n + j];
  return product;
}

}  // namespace

TEST_CASE("counts: eigenvectors are orthonormal and give the matrix back") {
  const long n = 7;
  std::vector<double> a(n * n);
  for (long i = 0; i < n; ++i)
    for (long j = 0; j <= i; ++j) a[i * n + j] = a[j * n + i] = std::sin(1.7 * double(i) + 3.1 * double(j));
  const pretrain::Eigen e = pretrain::symmetric_eigen(a, n);
  for (long i = 0; i < n; ++i)
    for (long j = 0; j < n; ++j) {
      double back = 0, product = 0;
      for (long c = 0; c < n; ++c) {
        back += e.vectors[c * n + i] * e.values[c] * e.vectors[c * n + j];
        product += e.vectors[i * n + c] * e.vectors[j * n + c];
      }
      CHECK(back == doctest::Approx(a[i * n + j]).epsilon(1e-9));
      CHECK(std::abs(product - (i == j)) < 1e-9);
    }
}

TEST_CASE("counts: embeddings are the factors of the positive pointwise information: (W W^T)^2 = s M^2 at full rank") {
  const text::Corpus corpus = corpus_of_pieces();
  const long V = 14, window = 3;
  std::vector<double> x(V * V, 0), r(V, 0), M(V * V, 0);
  double S = 0;
  for (const text::Corpus::Part& part : corpus.parts)
    for (long s = part.first; s < part.last; ++s)
      for (long i = corpus.begin[s] + 1; i < corpus.begin[s + 1] - 1; ++i)
        for (long j = corpus.begin[s] + 1; j < corpus.begin[s + 1] - 1; ++j)
          if (i != j && std::abs(i - j) <= window) x[corpus.ids[i] * V + corpus.ids[j]] += part.weight;
  for (long i = 0; i < V * V; ++i) r[i / V] += x[i], S += x[i];
  for (long i = 0; i < V * V; ++i)
    if (x[i] > 0) M[i] = std::max(0.0, std::log(x[i] * S / (r[i / V] * r[i % V])));
  const std::vector<real> W =
      pretrain::embeddings_of_counts(corpus, V, V, {.window = window, .deviation = 0.1, .iterations = 8});
  double squares = 0;
  std::vector<double> gram(V * V, 0);
  for (long i = 0; i < V; ++i)
    for (long j = 0; j < V; ++j)
      for (long c = 0; c < V; ++c) gram[i * V + j] += double(W[i * V + c]) * double(W[j * V + c]);
  for (const real w : W) squares += double(w) * double(w);
  CHECK(std::sqrt(squares / double(W.size())) == doctest::Approx(0.1).epsilon(1e-4));
  const std::vector<double> left = squared(gram, V), right = squared(M, V);
  double trace_left = 0, trace_right = 0, largest = 0;
  for (long i = 0; i < V; ++i) trace_left += left[i * V + i], trace_right += right[i * V + i];
  for (long i = 0; i < V * V; ++i) largest = std::max(largest, std::abs(left[i] / trace_left - right[i] / trace_right));
  CHECK(largest < 1e-4);
  for (long c = 0; c < V; ++c) CHECK(std::abs(W[13 * V + c]) < 1e-5);  // what never occurs

  const std::vector<real> logs = pretrain::log_frequencies(corpus, V);
  std::vector<double> count(V, 1);
  double all = double(V);
  for (const text::Corpus::Part& part : corpus.parts)
    for (long i = corpus.begin[part.first]; i < corpus.begin[part.last]; ++i)
      if (corpus.ids[i] > 3) count[corpus.ids[i]] += part.weight, all += part.weight;
  for (long i = 0; i < V; ++i) CHECK(logs[i] == doctest::Approx(std::log(count[i] / all)));
}

TEST_CASE("counts: a model that starts from them keeps the drawn rows of what never occurs, and tells by frequency") {
  const nn::Config config =
      sized_config({.vocabulary = 14, .width = 8, .layers = 1, .heads = 2, .inner = 12, .positions = 16});
  nn::HeadConfig head;
  head.predicts = nn::Predicts::pieces;
  nn::Model model(config, {head}, 1);
  model.params.initialise();
  const Tensor before = model.encoder.word_embeddings().clone();
  const text::Corpus corpus = corpus_of_pieces();
  pretrain::start_from_counts(model, corpus, 1);
  const Tensor& word = model.encoder.word_embeddings();
  const auto row = [](const Tensor& t, long i) { return std::vector<real>(t.data() + 8 * i, t.data() + 8 * i + 8); };
  CHECK(same_bits(row(word, 13), row(before, 13)));
  CHECK(same_bits(row(word, 0), row(before, 0)));
  for (long i = 5; i < 13; ++i) CHECK(!same_bits(row(word, i), row(before, i)));
  const std::vector<real> logs = pretrain::log_frequencies(corpus, 14);
  CHECK(same_bits(model.heads[0].masked_lm->decoder.bias.to_vector(), logs));
}
