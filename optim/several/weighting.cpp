// Which formula applies when, and what the methods remember from step to step and from epoch to epoch.
// Read optim/weighting_rules.h first: the formulas.
#include "optim/several/weighting.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace optim {
namespace {

Numbers numbers(const Tensor& t) { return {t.data(), t.data() + t.numel()}; }

Tensor zeros(const char* name, const Shape& shape) {
  return Tensor::zeros(shape).named(std::string("weighting.") + name);
}

void copy(const Tensor& from, const Tensor& to) { std::copy_n(from.data(), from.numel(), to.data()); }

}  // namespace

const std::vector<std::string>& weighting_names() {
  static const std::vector<std::string> names{"equal", "fixed",    "uncertainty", "random",     "dwa",
                                              "gls",   "gradnorm", "pcgrad",      "mgda",       "cagrad",
                                              "famo",  "imtl-l",   "stch",        "auto-lambda"};
  return names;
}

WeightingKind weighting_kind(const std::string& name) {
  const std::vector<std::string>& names = weighting_names();
  const auto found = std::find(names.begin(), names.end(), name);
  check(found != names.end(), "weighting '{}' is not one of {}", name, fmt::format("{}", fmt::join(names, ", ")));
  return WeightingKind(found - names.begin());
}

bool needs_gradients(WeightingKind kind) { return kind == WeightingKind::gradnorm || only_shared(kind); }

bool only_shared(WeightingKind kind) {
  return kind == WeightingKind::pcgrad || kind == WeightingKind::mgda || kind == WeightingKind::cagrad;
}

bool needs_all_tasks(WeightingKind kind) {
  return needs_gradients(kind) || kind == WeightingKind::gls || kind == WeightingKind::famo ||
         kind == WeightingKind::stch || kind == WeightingKind::auto_lambda;
}

Weighting::Weighting(const WeightingOptions& options, long tasks)
    : options_(options),
      tasks_(tasks),
      s_(zeros("s", {tasks}).require_grad()),
      sum_(zeros("sum", {tasks})),
      count_(zeros("count", {tasks})),
      last_(zeros("last", {tasks})),
      previous_(zeros("previous", {tasks})),
      reference_(zeros("reference", {tasks})),
      epochs_(zeros("epochs", {})),
      famo_w_(zeros("famo_w", {tasks})),
      famo_m_(zeros("famo_m", {tasks})),
      famo_v_(zeros("famo_v", {tasks})),
      famo_steps_(zeros("famo_steps", {})) {
  const WeightingOptions& o = options_;
  check(tasks > 0, "weighting: at least one task is needed; got {}", tasks);
  if (o.kind == WeightingKind::fixed) {
    check(long(o.fixed.size()) == tasks, "weighting: fixed needs a weight for each of {} tasks; got {}", tasks,
          o.fixed.size());
    for (double w : o.fixed)
      check(w >= 0 && std::isfinite(w), "weighting: a fixed weight must be a number from 0 on; got {}", w);
    check(std::accumulate(o.fixed.begin(), o.fixed.end(), 0.0) > 0, "weighting: the fixed weights sum to 0");
  }
  check(o.dwa_temperature > 0, "weighting: DWA's temperature must be positive; got {}", o.dwa_temperature);
  check(o.gradnorm_alpha >= 0, "weighting: GradNorm's alpha must not be negative; got {}", o.gradnorm_alpha);
  check(o.cagrad_c >= 0 && o.cagrad_c < 1, "weighting: CAGrad's c must be in [0, 1); got {}", o.cagrad_c);
  check(o.famo_lr > 0 && o.famo_decay >= 0,
        "weighting: FAMO needs a positive rate and a decay from 0 on; got {} and {}", o.famo_lr, o.famo_decay);
  check(o.stch_mu > 0 && o.stch_warmup_epochs > 0,
        "weighting: STCH needs a positive mu and at least one warm-up epoch; got {} and {}", o.stch_mu,
        o.stch_warmup_epochs);
  if (o.kind == WeightingKind::uncertainty) std::fill_n(s_.data(), tasks, real(-0.5));  // as LibMTL starts it
  if (o.kind != WeightingKind::auto_lambda) return;
  check(o.lookahead > 0, "weighting: Auto-Lambda's step ahead needs a positive rate; got {}", o.lookahead);
  if (o.primary.empty()) options_.primary.assign(tasks, 1);
  check(long(o.primary.size()) == tasks && std::find(o.primary.begin(), o.primary.end(), 1) != o.primary.end(),
        "weighting: Auto-Lambda needs a primary task among its {}", tasks);
}

bool Weighting::learns() const {
  return options_.kind == WeightingKind::uncertainty || options_.kind == WeightingKind::imtl_l ||
         options_.kind == WeightingKind::gradnorm || options_.kind == WeightingKind::auto_lambda;
}

std::vector<Tensor> Weighting::parameters() const { return learns() ? std::vector<Tensor>{s_} : std::vector<Tensor>{}; }

std::vector<Tensor> Weighting::state() const {
  return {s_, sum_, count_, last_, previous_, reference_, epochs_, famo_w_, famo_m_, famo_v_, famo_steps_};
}

void Weighting::check_losses(const Numbers& losses) const {
  check(long(losses.size()) == tasks_, "weighting: one loss a task is needed; got {} for {} tasks", losses.size(),
        tasks_);
  for (long i = 0; i < tasks_; ++i) {
    check(losses[i] != kAbsent || !needs_all_tasks(options_.kind),
          "weighting: {} needs examples of every task in every step; task {} has none",
          weighting_names()[int(options_.kind)], i);
    check(losses[i] == kAbsent || (std::isfinite(losses[i]) && losses[i] >= 0),
          "weighting: a loss must be a finite number from 0 on; task {} has {}", i, losses[i]);
  }
}

void Weighting::add_to_means(const Numbers& losses) {
  for (long i = 0; i < tasks_; ++i) {
    if (losses[i] == kAbsent) continue;
    sum_.data()[i] += real(losses[i]);
    count_.data()[i] += 1;
  }
}

Numbers Weighting::coefficients(long step) const {
  check(!needs_all_tasks(options_.kind), "weighting: {} looks at the losses of all tasks, or at their gradients",
        weighting_names()[int(options_.kind)]);
  switch (options_.kind) {
    case WeightingKind::fixed:
      return options_.fixed;
    case WeightingKind::uncertainty:
      return uncertainty_coefficients(numbers(s_));
    case WeightingKind::imtl_l:
      return imtl_l_coefficients(numbers(s_));
    case WeightingKind::random:
      return random_weights(tasks_, options_.seed, step);
    case WeightingKind::dwa:
      if (epochs_.item() < 2) return Numbers(tasks_, 1);
      return dwa(numbers(last_), numbers(previous_), options_.dwa_temperature);
    default:
      return Numbers(tasks_, 1);
  }
}

// Of the kinds that look at the losses or the gradients.
Numbers Weighting::answer(long step, const Numbers& losses, const Numbers& gram, Numbers& slope) {
  switch (options_.kind) {
    case WeightingKind::gls:
      return gls(losses);
    case WeightingKind::gradnorm: {
      if (epochs_.item() < 1) return Numbers(tasks_, 1);
      const GradNorm now = gradnorm(numbers(s_), losses, numbers(reference_), gram, options_.gradnorm_alpha);
      slope = now.slope;
      return now.weights;
    }
    case WeightingKind::pcgrad:
      return pcgrad(gram, random_order(tasks_, options_.seed, step));
    case WeightingKind::mgda:
      return mgda(gram);
    case WeightingKind::cagrad:
      return cagrad(gram, options_.cagrad_c);
    case WeightingKind::famo:
      before_ = losses;
      return famo_coefficients(numbers(famo_w_), losses);
    case WeightingKind::stch:  // while warming up, every task is as bad as its reference: c = 1 / L
      return stch(losses, epochs_.item() < real(options_.stch_warmup_epochs) ? losses : numbers(reference_),
                  options_.stch_mu);
    default:
      return auto_lambda_weights(numbers(s_));
  }
}

Numbers Weighting::coefficients(long step, const Numbers& losses, const Numbers& gram) {
  check_losses(losses);
  check(!needs_gradients(options_.kind) || long(gram.size()) == tasks_ * tasks_,
        "weighting: {} needs the Gram matrix of the tasks' gradients, {} numbers; got {}",
        weighting_names()[int(options_.kind)], tasks_ * tasks_, gram.size());
  add_to_means(losses);
  const Numbers s = numbers(s_);
  const bool uncertain = options_.kind == WeightingKind::uncertainty, imtl = options_.kind == WeightingKind::imtl_l;
  extra_ = 0;
  s_.clear_grad();
  Numbers slope;
  Numbers c = needs_all_tasks(options_.kind) ? answer(step, losses, gram, slope) : coefficients(step);
  if (uncertain) slope = uncertainty_slope(s, losses);
  if (imtl) slope = imtl_l_slope(s, losses);
  for (long i = 0; i < tasks_; ++i) {
    const bool absent = losses[i] == kAbsent;
    if (absent) c[i] = 0;
    if (!slope.empty()) s_.grad()[i] = absent ? real(0) : real(slope[i]);
    if (uncertain && !absent) extra_ += s[i] / 2;
    if (imtl && !absent) extra_ -= s[i];
  }
  return c;
}

// Adam with L2 decay on w, as the method was published.
void Weighting::losses_after(const Numbers& losses) {
  check(wants_losses_after() && !before_.empty(), "weighting: losses_after() follows coefficients() of FAMO");
  check_losses(losses);
  constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEps = 1e-8;
  const Numbers slope = famo_slope(numbers(famo_w_), before_, losses);
  const double t = famo_steps_.data()[0] += 1;
  for (long i = 0; i < tasks_; ++i) {
    real &w = famo_w_.data()[i], &m = famo_m_.data()[i], &v = famo_v_.data()[i];
    const double g = slope[i] + options_.famo_decay * w;
    m = real(kBeta1 * m + (1 - kBeta1) * g);
    v = real(kBeta2 * v + (1 - kBeta2) * g * g);
    const double m_hat = m / (1 - std::pow(kBeta1, t)), v_hat = v / (1 - std::pow(kBeta2, t));
    w = real(w - options_.famo_lr * m_hat / (std::sqrt(v_hat) + kEps));
  }
  before_.clear();
}

void Weighting::look_ahead(const std::vector<Tensor>& model, const TaskLosses& train, const TaskLosses& other) {
  const Numbers s = numbers(s_);
  const Numbers h = hypergradient(model, auto_lambda_weights(s), options_.lookahead, options_.primary, train, other);
  const Numbers slope = auto_lambda_slope(s, h);
  s_.clear_grad();
  for (long i = 0; i < tasks_; ++i) s_.grad()[i] = real(slope[i]);
}

void Weighting::end_epoch() {
  copy(last_, previous_);
  for (long i = 0; i < tasks_; ++i)  // a task that had no example keeps its mean
    if (count_.data()[i] > 0) last_.data()[i] = sum_.data()[i] / count_.data()[i];
  std::fill_n(sum_.data(), tasks_, real(0));
  std::fill_n(count_.data(), tasks_, real(0));
  const real epochs = epochs_.data()[0] += 1;
  const long reference = options_.kind == WeightingKind::stch ? options_.stch_warmup_epochs : 1;
  if (epochs == real(reference)) copy(last_, reference_);
}

}  // namespace optim
