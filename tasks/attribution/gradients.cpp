// An encoder entered at its embeddings, and the gradients that come back there. Read nn/model/bert.h first.
#include "tasks/attribution/gradients.h"

#include <cmath>
#include <numbers>

namespace attribution {

using engine::check;
using engine::real;

namespace {

const nn::Bert* bert_of(const Decision& decision) { return decision.model().net.encoder.bert(); }

// F of every text, x the rows that enter the encoder.    [N, C] -> [B]
Tensor enter(const Decision& decision, const Tensor& x, const text::Batch& batch) {
  const nn::Model& net = decision.model().net;
  const nn::Bert* bert = bert_of(decision);
  const nn::Encoded encoded =
      net.encoder.run(bert ? bert->embeddings.finish(x) : x, batch.tokens.offsets, net.rows_of({decision.head()}));
  return decision.of_logits(net.heads[decision.head()](encoded), batch);
}

// dF/dx of every text of the batch: texts do not see each other, so one pass is for all.
const real* gradients_at(const Decision& decision, Tensor& x, const text::Batch& batch) {
  x.require_grad();
  backward(engine::sum(enter(decision, x, batch)));
  return x.grad_data();
}

double value_at(const Decision& decision, const Tensor& x, const text::Batch& batch) {
  const engine::NoGrad no_grad;
  return double(enter(decision, x, batch).data()[0]);
}

std::vector<double> row_sums_of_products(const real* a, const real* b, long N, long C) {
  std::vector<double> sums(static_cast<size_t>(N));
  for (long t = 0; t < N; ++t)
    for (long c = 0; c < C; ++c) sums[size_t(t)] += double(a[t * C + c]) * double(b[t * C + c]);
  return sums;
}

}  // namespace

Tensor embedded(const Decision& decision, const text::Batch& batch) {
  const engine::NoGrad no_grad;
  const nn::Bert* bert = bert_of(decision);
  return bert ? bert->embeddings.sum(batch.tokens) : decision.model().net.encoder.embed(batch.tokens);
}

Tensor embedded(const Decision& decision, text::Batch batch, const Indices& ids) {
  batch.tokens.ids = ids;
  return embedded(decision, batch);
}

void check_gradients(const Decision& decision, const std::string& method) {
  check(!decision.model().config().int8,
        "{} needs gradients at the embeddings, and this model's weights are int8, for predictions alone; shapley, "
        "occlusion, attention and rollout need none",
        method);
}

Tensor gradient(const Decision& decision, const Windows& text) {
  check_gradients(decision, "gradient");
  const text::Batch batch = pack_texts({text});
  Tensor x = embedded(decision, batch);
  gradients_at(decision, x, batch);
  return x.grad_tensor();
}

// gradient x input (the gradient of a class score: Simonyan, Vedaldi, Zisserman 2013; times the input: Shrikumar,
// Greenside, Shcherbina, Kundaje 2016).
//   share_t = e_t . dF / dx_t       e_t the word's embedding, which is part of what enters, x_t      [N, C] -> [N]
// The first order of what would be gone with e_t. The shares do not add up to F.
std::vector<double> gradient_x_input(const Decision& decision, const Windows& text) {
  const Tensor d = gradient(decision, text);
  const text::Batch batch = pack_texts({text});
  const engine::NoGrad no_grad;
  const Tensor e = bert_of(decision)
                       ? engine::embedding(decision.model().net.encoder.word_embeddings(), batch.tokens.ids)
                       : embedded(decision, batch);
  return row_sums_of_products(e.data(), d.data(), e.dim(0), e.dim(1));
}

Rule gauss_legendre(long n) {
  check(n >= 1, "gauss_legendre: at least one point; got {}", n);
  Rule rule;
  for (long i = n; i >= 1; --i) {  // ascending
    double x = std::cos(std::numbers::pi * (double(i) - 0.25) / (double(n) + 0.5)), slope = 1;
    for (int step = 0; step < 100; ++step) {  // Newton's
      double p = 1, before = 0;
      for (long k = 1; k <= n; ++k) {
        const double next = (double(2 * k - 1) * x * p - double(k - 1) * before) / double(k);
        before = p;
        p = next;
      }
      slope = double(n) * (x * p - before) / (x * x - 1);
      const double move = p / slope;
      x -= move;
      if (std::abs(move) < 1e-15) break;
    }
    rule.points.push_back((1 + x) / 2);
    rule.weights.push_back(1 / ((1 - x * x) * slope * slope));
  }
  return rule;
}

// Integrated gradients (Sundararajan, Taly, Yan 2017, "Axiomatic attribution for deep networks").
//   share_t = (x_t - x0_t) . sum_k w_k dF/dx_t (x0 + alpha_k (x - x0))              x, x0 [N, C] -> [N]
// The sum over t is F(x) - F(x0), but for the steps of the integral. Where LayerNorm stands behind x, x0 = 0 makes a
// path on which nothing changes: all shares are about 0.
Integrated integrate(const Decision& decision, const Windows& text, const Tensor& x0, long steps) {
  const text::Batch one = pack_texts({text});
  const Tensor x = embedded(decision, one);
  check(x.shape() == x0.shape(), "integrate: a baseline like x {}; got {}", x, x0);
  const long numbers = x.numel(), N = x.dim(0);
  const Rule rule = gauss_legendre(steps);
  std::vector<double> mean(static_cast<size_t>(numbers));  // of dF/dx over the path
  const long together = std::max(1L, Decision::kTokens / N);
  for (long begin = 0; begin < steps; begin += together) {
    const long count = std::min(together, steps - begin);
    const text::Batch batch = pack_texts(std::vector<Windows>(size_t(count), text));
    Tensor path(engine::Shape{count * N, x.dim(1)});
    for (long k = 0; k < count; ++k)
      for (long i = 0; i < numbers; ++i)
        path.data()[k * numbers + i] =
            real(double(x0.data()[i]) + rule.points[size_t(begin + k)] * (double(x.data()[i]) - double(x0.data()[i])));
    const real* d = gradients_at(decision, path, batch);
    for (long k = 0; k < count; ++k)
      for (long i = 0; i < numbers; ++i)
        mean[size_t(i)] += rule.weights[size_t(begin + k)] * double(d[k * numbers + i]);
  }
  Integrated result{std::vector<double>(static_cast<size_t>(N)), value_at(decision, x, one),
                    value_at(decision, x0, one), 0, steps};
  double sum = 0;
  for (long i = 0; i < numbers; ++i) {
    const double share = mean[size_t(i)] * (double(x.data()[i]) - double(x0.data()[i]));
    result.tokens[size_t(i / x.dim(1))] += share;
    sum += share;
  }
  const double moved = result.value - result.baseline;
  result.delta = sum - moved;
  const double rounding = 1e-5 * (1 + std::abs(result.value) + std::abs(result.baseline));  // of float32
  result.complete = std::abs(result.delta) <= std::max(kCompleteness * std::abs(moved), rounding);
  return result;
}

Integrated integrated_gradients(const Decision& decision, const Windows& text, int baseline, long steps) {
  check_gradients(decision, "integrated-gradients");
  const text::Batch batch = pack_texts({text});
  const Indices& types = batch.tokens.types;
  Indices ids = batch.tokens.ids;
  for (int w = 0; w < batch.tokens.sequences(); ++w) {
    const int last = batch.tokens.offsets[size_t(w) + 1] - 1;  // [SEP]; another one stands between two texts
    for (int t = batch.tokens.offsets[size_t(w)] + 1; t < last; ++t)
      if (types[size_t(t)] == types[size_t(t) + 1]) ids[size_t(t)] = baseline;
  }
  const Tensor x0 = embedded(decision, batch, ids);
  Integrated result = integrate(decision, text, x0, steps);
  while (!result.complete && 2 * result.steps <= kMostSteps) result = integrate(decision, text, x0, 2 * result.steps);
  return result;
}

}  // namespace attribution
