// The weights of Auto-Lambda and their hypergradient. Read optim/meta.h first.
#include "optim/auto_lambda.h"

#include <cmath>

#include "engine/ops.h"
#include "optim/clip.h"

namespace optim {
namespace {

void clear(const std::vector<Tensor>& parameters) {
  for (const Tensor& p : parameters) p.clear_grad();
}

Tensor weighted(const std::vector<Tensor>& losses, const std::vector<double>& weights) {
  check(losses.size() == weights.size(), "auto-lambda: {} losses for {} tasks", losses.size(), weights.size());
  Tensor sum = losses[0] * real(weights[0]);
  for (size_t i = 1; i < losses.size(); ++i) sum = sum + losses[i] * real(weights[i]);
  return sum;
}

std::vector<double> values(const std::vector<Tensor>& losses) {
  std::vector<double> values;
  for (const Tensor& loss : losses) values.push_back(loss.item());
  return values;
}

}  // namespace

std::vector<double> hypergradient(const std::vector<Tensor>& parameters, const std::vector<double>& weights,
                                  double lookahead, const std::vector<char>& primary, const TaskLosses& train,
                                  const TaskLosses& other) {
  const Snapshot theta(parameters);
  clear(parameters);
  backward(weighted(train(), weights));
  descend(parameters, lookahead);  // theta'
  clear(parameters);
  backward(weighted(other(), std::vector<double>(primary.begin(), primary.end())));
  const double norm = grad_norm(parameters), e = 0.01 / norm;
  std::vector<double> answer(weights.size());
  if (norm > 0) {
    const NoGrad no_grad;
    theta.restore(), descend(parameters, -e);  // theta + e v
    const std::vector<double> ahead = values(train());
    theta.restore(), descend(parameters, e);
    const std::vector<double> behind = values(train());
    for (size_t i = 0; i < answer.size(); ++i) answer[i] = -lookahead * (ahead[i] - behind[i]) / (2 * e);
  }
  theta.restore();
  clear(parameters);
  return answer;
}

AutoLambda::AutoLambda(const AutoLambdaOptions& options, long tasks)
    : options_(options),
      logits_(Tensor::zeros({tasks}).named("auto_lambda.logits").require_grad()),
      adam_({logits_}, {.weight_decay = 0}) {
  if (options_.primary.empty()) options_.primary.assign(tasks, 1);
  check(long(options_.primary.size()) == tasks, "auto-lambda: {} entries say which of {} tasks are primary",
        options_.primary.size(), tasks);
  check(std::find(options_.primary.begin(), options_.primary.end(), 1) != options_.primary.end(),
        "auto-lambda: at least one task must be primary");
  check(options_.lookahead > 0 && options_.lr > 0, "auto-lambda: both rates must be above 0; got {} and {}",
        options_.lookahead, options_.lr);
}

std::vector<double> AutoLambda::weights() const {
  const long T = logits_.numel();
  const real* s = logits_.data();
  const real largest = *std::max_element(s, s + T);
  std::vector<double> w(T);
  double sum = 0;
  for (long i = 0; i < T; ++i) sum += w[i] = std::exp(double(s[i] - largest));
  for (double& x : w) x *= double(T) / sum;
  return w;
}

// dM/ds_j = sum_i dM/dw_i dw_i/ds_j = w_j (h_j - 1/T sum_i w_i h_i)   with h = dM/dw
void AutoLambda::update(const std::vector<Tensor>& parameters, const TaskLosses& train, const TaskLosses& other) {
  const std::vector<double> w = weights();
  const std::vector<double> h = hypergradient(parameters, w, options_.lookahead, options_.primary, train, other);
  double mean = 0;
  for (size_t i = 0; i < w.size(); ++i) mean += w[i] * h[i] / double(w.size());
  logits_.clear_grad();
  for (size_t j = 0; j < w.size(); ++j) logits_.grad()[j] = real(w[j] * (h[j] - mean));
  adam_.step(options_.lr);
}

std::vector<Tensor> AutoLambda::state() const {
  std::vector<Tensor> state{logits_};
  for (const Tensor& t : adam_.state()) state.push_back(Tensor(t.shape(), t.buffer()).named("auto_lambda." + t.name()));
  return state;
}

}  // namespace optim
