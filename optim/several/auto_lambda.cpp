// The hypergradient of the tasks' weights, and what it means for their logits. Read optim/several/meta.h first.
#include "optim/several/auto_lambda.h"

#include "engine/ops.h"
#include "optim/clip.h"

namespace optim {
namespace {

Tensor weighted(const std::vector<Tensor>& losses, const Numbers& weights) {
  check(losses.size() == weights.size(), "auto-lambda: {} losses for {} tasks", losses.size(), weights.size());
  Tensor sum = losses[0] * real(weights[0]);
  for (size_t i = 1; i < losses.size(); ++i) sum = sum + losses[i] * real(weights[i]);
  return sum;
}

Numbers values(const std::vector<Tensor>& losses) {
  Numbers values;
  for (const Tensor& loss : losses) values.push_back(loss.item());
  return values;
}

}  // namespace

Numbers hypergradient(const std::vector<Tensor>& parameters, const Numbers& weights, double lookahead,
                      const std::vector<char>& primary, const TaskLosses& train, const TaskLosses& other) {
  const Snapshot theta(parameters);
  engine::clear_grads(parameters);
  backward(weighted(train(), weights));
  descend(parameters, lookahead);  // theta'
  engine::clear_grads(parameters);
  backward(weighted(other(), Numbers(primary.begin(), primary.end())));
  const double norm = grad_norm(parameters), e = 0.01 / norm;
  Numbers answer(weights.size());
  if (norm > 0) {
    theta.restore();  // with a graph, though nobody walks it: an adversary in the losses looks for its place by one
    descend(parameters, -e);  // theta + e v
    const Numbers ahead = values(train());
    theta.restore();
    descend(parameters, e);
    const Numbers behind = values(train());
    for (size_t i = 0; i < answer.size(); ++i) answer[i] = -lookahead * (ahead[i] - behind[i]) / (2 * e);
  }
  theta.restore();
  engine::clear_grads(parameters);
  return answer;
}

Numbers auto_lambda_weights(const Numbers& s) {
  Numbers w = softmax(s);
  for (double& x : w) x *= double(s.size());
  return w;
}

Numbers auto_lambda_slope(const Numbers& s, const Numbers& hypergradient) {
  const Numbers p = softmax(s);
  double mean = 0;
  for (size_t i = 0; i < p.size(); ++i) mean += p[i] * hypergradient[i];
  Numbers slope(s.size());
  for (size_t j = 0; j < s.size(); ++j) slope[j] = double(s.size()) * p[j] * (hypergradient[j] - mean);
  return slope;
}

}  // namespace optim
