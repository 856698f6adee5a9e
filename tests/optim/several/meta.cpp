// Meta-learning and Auto-Lambda on quadratics, where every step and every gradient has a closed form.
#include "optim/several/meta.h"

#include <omp.h>

#include "optim/optimizer.h"
#include "optim/several/auto_lambda.h"
#include "optim/several/weighting.h"
#include "tests/support/support.h"

using namespace test;
using doctest::Approx;

namespace {

constexpr double kDigits = sizeof(real) == 8 ? 1e-12 : 2e-6;

Tensor parameter(const std::string& name, std::vector<real> values) {
  return Tensor({long(values.size())}, values).named(name).require_grad();
}

// 1/2 sum_i a_i (w_i - c_i)^2, of gradient a (w - c). Steps of rate r keep w - c times (1 - r a) each.
Tensor quadratic(const Tensor& w, const std::vector<real>& a, const std::vector<real>& c) {
  const Tensor d = w - Tensor(w.shape(), c);
  return sum(mul(Tensor(w.shape(), a), mul(d, d))) * real(0.5);
}

const std::vector<real> a1{1, 2, real(0.5)}, c1{real(0.3), -1, 2}, a2{real(1.5), real(0.2), 1}, c2{2, 1, real(-0.4)};
const std::vector<real> start{1, real(-0.5), real(0.25)};

double after(double w, double a, double c, double rate, int steps) {
  return c + std::pow(1 - rate * a, steps) * (w - c);
}

}  // namespace

TEST_CASE("FOMAML: the gradient of the query loss at the end of the inner steps, the mean of the tasks") {
  const Tensor w = parameter("w", start), idle = parameter("idle", {7});
  optim::MetaGradient meta(optim::MetaMethod::fomaml, {w, idle});
  for (int batch = 0; batch < 2; ++batch) {  // the second finds no trace of the first
    meta.begin();
    for (const auto& [a, c, query_a, query_c] : {std::tuple{a1, c1, a2, c1}, std::tuple{a2, c2, a1, c1}}) {
      for (int k = 0; k < 3; ++k) {
        backward(quadratic(w, a, c));
        meta.inner_step(0.1);
      }
      for (int i = 0; i < 3; ++i) CHECK(w.data()[i] == Approx(after(start[i], a[i], c[i], 0.1, 3)).epsilon(kDigits));
      backward(quadratic(w, query_a, query_c));
      meta.end_task();
      CHECK(w.to_vector() == start);
    }
    meta.finish();
    for (int i = 0; i < 3; ++i) {
      const double first = a2[i] * (after(start[i], a1[i], c1[i], 0.1, 3) - c1[i]);
      const double second = a1[i] * (after(start[i], a2[i], c2[i], 0.1, 3) - c1[i]);
      CHECK(w.grad_data()[i] == Approx((first + second) / 2).epsilon(kDigits));
    }
    CHECK(!idle.has_grad());
  }
}

TEST_CASE("Reptile: the way back from the ends of the inner steps; SGD of rate e goes to their mean by e") {
  const Tensor w = parameter("w", start), idle = parameter("idle", {7});
  optim::MetaGradient meta(optim::MetaMethod::reptile, {w, idle});
  meta.begin();
  for (const auto& [a, c] : {std::pair{a1, c1}, std::pair{a2, c2}}) {
    for (int k = 0; k < 4; ++k) {
      backward(quadratic(w, a, c));
      meta.inner_step(0.2);
    }
    meta.end_task();
    CHECK(w.to_vector() == start);
  }
  meta.finish();
  CHECK(!idle.has_grad());
  optim::Sgd({w}).step(0.7);
  for (int i = 0; i < 3; ++i) {
    const double mean = (after(start[i], a1[i], c1[i], 0.2, 4) + after(start[i], a2[i], c2[i], 0.2, 4)) / 2;
    CHECK(w.data()[i] == Approx(start[i] + 0.7 * (mean - start[i])).epsilon(kDigits));
  }
}

TEST_CASE("Reptile: with one inner step the outer gradient is the inner rate times the gradient of the mean loss") {
  const Tensor w = parameter("w", start), joint = parameter("w", start);
  optim::MetaGradient meta(optim::MetaMethod::reptile, {w});
  meta.begin();
  for (const auto& [a, c] : {std::pair{a1, c1}, std::pair{a2, c2}}) {
    backward(quadratic(w, a, c));
    meta.inner_step(0.05);
    meta.end_task();
    backward(quadratic(joint, a, c) * real(0.5));
  }
  meta.finish();
  for (int i = 0; i < 3; ++i) CHECK(w.grad_data()[i] == Approx(0.05 * joint.grad_data()[i]).epsilon(50 * kDigits));
}

TEST_CASE("meta-learning: rows of an embedding that no token of any task used have no gradient and stay") {
  const Tensor w = Tensor({6, 2}, varied({6, 2}).to_vector()).named("w").require_grad();
  const std::vector<real> before = w.to_vector();
  optim::MetaGradient meta(optim::MetaMethod::fomaml, {w});
  meta.begin();
  for (int id : {1, 4}) {
    backward(sum(embedding(w, {id})));
    meta.inner_step(0.5);
    CHECK(w.data()[2 * id] == Approx(before[2 * id] - 0.5).epsilon(kDigits));
    backward(sum(embedding(w, {id, 5})) * real(3));
    meta.end_task();
  }
  meta.finish();
  const std::vector<real> gradient(w.grad_data(), w.grad_data() + 12);
  CHECK(gradient == std::vector<real>{0, 0, 1.5, 1.5, 0, 0, 0, 0, 1.5, 1.5, 3, 3});
  CHECK(w.to_vector() == before);
}

TEST_CASE("meta-learning: same bits for 1, 2 and 4 threads; bad input is refused") {
  const auto run = [](optim::MetaMethod method, int threads) {
    const int usual = omp_get_max_threads();
    omp_set_num_threads(threads);
    const Tensor w = Tensor({70000}, varied({70000}).to_vector()).named("w").require_grad();
    const Tensor target = varied({70000}, 2);
    optim::MetaGradient meta(method, {w});
    optim::AdamW adam({w});
    for (int step = 0; step < 3; ++step) {
      meta.begin();
      for (int task = 0; task < 2; ++task) {
        backward(mse(w * real(1 + task), target));
        meta.inner_step(100);
        backward(mse(w, target * real(1 + task)));
        meta.end_task();
      }
      meta.finish();
      adam.step(0.01);
      w.clear_grad();
    }
    omp_set_num_threads(usual);
    return w.to_vector();
  };
  for (const auto method : {optim::MetaMethod::fomaml, optim::MetaMethod::reptile}) {
    const std::vector<real> one = run(method, 1);
    CHECK(same_bits(one, run(method, 2)));
    CHECK(same_bits(one, run(method, 4)));
  }
  CHECK(error_of([] { optim::MetaGradient(optim::MetaMethod::reptile, {}).finish(); }) ==
        "meta-learning: a batch needs at least one task");
}

namespace {

// Two tasks on one w: training losses quadratic(a1, c1) and quadratic(a2, c2), other losses with the centres exchanged.
struct TwoTasks {
  Tensor w = parameter("w", start), idle = parameter("idle", {7});
  optim::TaskLosses train = [this] { return std::vector{quadratic(w, a1, c1), quadratic(w, a2, c2)}; };
  optim::TaskLosses other = [this] { return std::vector{quadratic(w, a1, c2), quadratic(w, a2, c1)}; };

  // -a dL_i(theta) . dM(theta')
  std::vector<double> closed_form(const std::vector<double>& weights, double a,
                                  const std::vector<char>& primary) const {
    std::vector<double> h(2);
    for (int i = 0; i < 3; ++i) {
      const double g1 = a1[i] * (start[i] - c1[i]), g2 = a2[i] * (start[i] - c2[i]);
      const double ahead = start[i] - a * (weights[0] * g1 + weights[1] * g2);
      const double v = primary[0] * a1[i] * (ahead - c2[i]) + primary[1] * a2[i] * (ahead - c1[i]);
      h[0] -= a * g1 * v;
      h[1] -= a * g2 * v;
    }
    return h;
  }
};

}  // namespace

TEST_CASE("Auto-Lambda: the hypergradient by differences is its closed form, and nothing else has changed") {
  TwoTasks tasks;
  const double tolerance = sizeof(real) == 8 ? 1e-9 : 2e-3;
  for (const std::vector<char>& primary : {std::vector<char>{1, 1}, {1, 0}, {0, 1}}) {
    const std::vector<double> weights{0.7, 1.6};
    const auto h = optim::hypergradient({tasks.w, tasks.idle}, weights, 0.1, primary, tasks.train, tasks.other);
    const auto want = tasks.closed_form(weights, 0.1, primary);
    for (int i = 0; i < 2; ++i) CHECK(h[i] == Approx(want[i]).epsilon(tolerance));
    CHECK(tasks.w.to_vector() == start);
    CHECK(!tasks.w.has_grad());
  }
  const optim::TaskLosses flat = [&] { return std::vector{sum(tasks.w) * real(0), sum(tasks.w) * real(0)}; };
  CHECK(optim::hypergradient({tasks.w}, {1, 1}, 0.1, {1, 1}, tasks.train, flat) == std::vector<double>{0, 0});
}

TEST_CASE("Auto-Lambda: weights begin at 1, sum to T, and move to what lowers the loss on other examples") {
  const TwoTasks tasks;
  const std::vector<char> primary{1, 0};
  optim::Weighting weighting({.kind = optim::weighting_kind("auto-lambda"), .primary = primary}, 2);
  optim::AdamW adam(weighting.parameters(), {.weight_decay = 0});
  CHECK(weighting.coefficients(0, {1, 2}) == std::vector<double>{1, 1});
  CHECK(weighting.wants_lookahead());
  for (int step = 0; step < 5; ++step) {
    const auto before = weighting.coefficients(step, {1, 2});
    const auto h = tasks.closed_form(before, 0.1, primary);
    weighting.look_ahead({tasks.w}, tasks.train, tasks.other);
    adam.step(0.05);
    const auto after = weighting.coefficients(step, {1, 2});
    CHECK((after[0] > before[0]) == (h[0] < h[1]));
    CHECK(after[0] + after[1] == Approx(2));
    // Adam's first step is its rate, whatever the gradient's size: logits of +0.05 and -0.05
    if (step == 0) CHECK(std::abs(std::log(after[0] / after[1])) == Approx(0.1).epsilon(1e-4));
  }
}

TEST_CASE("Auto-Lambda: the slope of the logits is that of M = sum_i h_i w_i(s)") {
  const optim::Numbers s{0.3, -0.8, 0.1}, h{2, -1, 0.5};
  const optim::Numbers slope = optim::auto_lambda_slope(s, h);
  for (int j = 0; j < 3; ++j) {
    const auto moved = [&](double by) {
      optim::Numbers at = s;
      at[j] += by;
      const optim::Numbers w = optim::auto_lambda_weights(at);
      return h[0] * w[0] + h[1] * w[1] + h[2] * w[2];
    };
    CHECK(slope[j] == Approx((moved(1e-5) - moved(-1e-5)) / 2e-5).epsilon(1e-6));
  }
}

TEST_CASE("Auto-Lambda: options that make no sense are refused") {
  const auto kind = optim::weighting_kind("auto-lambda");
  CHECK(error_of([&] {
          optim::Weighting({.kind = kind, .primary = {0, 0}}, 2);
        }) == "weighting: Auto-Lambda needs a primary task among its 2");
  CHECK(error_of([&] { optim::Weighting({.kind = kind, .primary = {1}}, 2); }) != "");
  CHECK(error_of([&] { optim::Weighting({.kind = kind, .lookahead = 0}, 2); }).find("a positive rate; got 0") !=
        std::string::npos);
}
