// Contrastive losses as compositions of the engine's ops. Read nn/loss/contrastive.h first: the formulas.
#include "nn/loss/contrastive.h"

#include <numeric>

#include "nn/loss/ranking.h"

namespace nn {
namespace {

constexpr real kLeftOut = real(-1e9);  // added to a score: e^score is 0

Indices first_numbers(long n) {
  Indices own(n);
  std::iota(own.begin(), own.end(), 0);
  return own;
}

// kLeftOut where candidate j is of the class of anchor i and not its own.    [rows, columns]
Tensor same_class(const Indices& rows, const Indices& columns) {
  Tensor mask = Tensor::zeros({long(rows.size()), long(columns.size())});
  for (size_t i = 0; i < rows.size(); ++i)
    for (size_t j = 0; j < columns.size(); ++j)
      if (i != j && rows[i] == columns[j]) mask.data()[i * columns.size() + j] = kLeftOut;
  return mask;
}

void check_options(const Tensor& anchors, const Tensor& positives, const RankingOptions& o) {
  check(anchors.shape().rank() == 2 && anchors.shape() == positives.shape() && anchors.numel() > 0,
        "multiple_negatives: anchors and positives must have one shape [B, C], and not be empty; got {} and {}",
        anchors, positives);
  check(o.scale > 0, "multiple_negatives: the scale must be positive; got {}", o.scale);
  const long M = o.negatives ? o.negatives.dim(0) : 0;
  check(M == 0 || (o.negatives.shape().rank() == 2 && o.negatives.dim(1) == anchors.dim(1)),
        "multiple_negatives: negatives must be [M, C]; got {} beside anchors {}", o.negatives, anchors);
  check(o.classes.empty() || (long(o.classes.size()) == anchors.dim(0) && long(o.negative_classes.size()) == M),
        "multiple_negatives: a class for every pair and every negative, or none; got {} and {} for {} and {}",
        o.classes.size(), o.negative_classes.size(), anchors.dim(0), M);
}

}  // namespace

Tensor multiple_negatives(const Tensor& anchors, const Tensor& positives, const RankingOptions& o) {
  check_options(anchors, positives, o);
  const auto ready = [&](const Tensor& x) { return o.cosine ? unit_rows(x) : x; };
  const Tensor a = ready(anchors), p = ready(positives);
  const Indices own = first_numbers(a.dim(0));
  Tensor pairs = matmul(a, p, Transpose::second) * o.scale;  // [B, B]
  if (!o.classes.empty()) pairs = pairs + same_class(o.classes, o.classes);
  Tensor rows = pairs;
  if (o.negatives && o.negatives.dim(0) > 0) {
    Tensor hard = matmul(a, ready(o.negatives), Transpose::second) * o.scale;  // [B, M]
    if (!o.classes.empty()) {
      Indices elsewhere = o.negative_classes;  // behind the positives: none of them is anchor i's own
      elsewhere.insert(elsewhere.begin(), o.classes.begin(), o.classes.end());
      hard = hard + slice(same_class(o.classes, elsewhere), 1, a.dim(0), long(elsewhere.size()));
    }
    rows = concat({pairs, hard}, 1);  // [B, B + M]
  }
  const Tensor loss = cross_entropy(rows, own);
  return o.symmetric ? (loss + cross_entropy(transpose(pairs), own)) * real(0.5) : loss;
}

Tensor own_negatives(const Tensor& queries, const Tensor& positives, const Tensor& negatives, real T) {
  check(queries.shape().rank() == 2 && queries.shape() == positives.shape() && negatives.shape().rank() == 3 &&
            negatives.dim(0) == queries.dim(0) && negatives.dim(2) == queries.dim(1),
        "own_negatives: queries and positives [B, C], negatives [B, n, C]; got {}, {} and {}", queries, positives,
        negatives);
  check(T > 0, "own_negatives: the temperature must be positive; got {}", T);
  const long B = queries.dim(0), n = negatives.dim(1), C = queries.dim(1);
  const Tensor q = unit_rows(queries);
  const Tensor right = reshape(sum(q * unit_rows(positives), -1), {B, 1});
  const Tensor wrong = bmm(reshape(q, {B, 1, C}), reshape(unit_rows(reshape(negatives, {B * n, C})), {B, n, C}),
                           Transpose::second);  // [B, 1, n]
  return cross_entropy(concat({right, reshape(wrong, {B, n})}, 1) * (1 / T), Indices(B, 0));
}

Tensor supervised_contrastive(const Tensor& features, const Indices& classes, real T, real base_temperature) {
  check(features.shape().rank() == 2 && features.dim(0) == long(classes.size()) && !classes.empty(),
        "supervised_contrastive: features must be [n, C], a row for each of the {} classes; got {}", classes.size(),
        features);
  check(T > 0 && base_temperature > 0, "supervised_contrastive: temperatures must be positive; got {} and {}", T,
        base_temperature);
  const size_t n = classes.size();
  Tensor self = Tensor::zeros({long(n), long(n)}), share = self.clone();  // 1 / |P(i)| at the others of i's class
  for (size_t i = 0; i < n; ++i) {
    self.data()[i * n + i] = kLeftOut;
    long others = -1;
    for (const int c : classes) others += c == classes[i];
    for (size_t j = 0; j < n; ++j)
      if (i != j && classes[i] == classes[j]) share.data()[i * n + j] = 1 / real(others);
  }
  const Tensor log_p = log_softmax(matmul(features, features, Transpose::second) * (1 / T) + self);  // [n, n]
  return sum(log_p * share) * (-T / base_temperature / real(n));
}

Tensor clip_loss(const Tensor& images, const Tensor& texts, const Tensor& logit_scale) {
  check(images.shape().rank() == 2 && images.shape() == texts.shape() && logit_scale.numel() == 1,
        "clip_loss: images and texts must have one shape [B, C], and the scale be one number; got {}, {} and {}",
        images, texts, logit_scale);
  const Indices own = first_numbers(images.dim(0));
  const Tensor cosines = matmul(unit_rows(images), unit_rows(texts), Transpose::second);
  const Tensor logits = cosines * engine::exp(reshape(logit_scale, Shape{}));
  return (cross_entropy(logits, own) + cross_entropy(transpose(logits), own)) * real(0.5);
}

Tensor bayesian_ranking(const Tensor& positive, const Tensor& negative, real gamma) {
  check(positive.shape() == negative.shape() && positive.numel() > 0,
        "bayesian_ranking: a negative for every positive; got {} and {}", negative, positive);
  check(gamma >= 0, "bayesian_ranking: gamma is 0 or more; got {}", gamma);
  const Tensor d = positive - negative;
  if (gamma == 0) return binary_cross_entropy_with_logits(d, Tensor::full(d.shape(), 1));
  return -mean(engine::log(sigmoid(d) + Tensor::scalar(gamma)));
}

}  // namespace nn
