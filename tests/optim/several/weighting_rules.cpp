// The formulas of task weighting: golden values, closed forms, and what makes a point of the simplex the best one.
// Read optim/several/weighting_rules.h first.
#include "optim/several/weighting_rules.h"
#include "nn/format/json.h"

#include "tests/support/support.h"

using namespace test;
using optim::Numbers;

namespace {

nn::json golden() { return nn::read_json(golden_path("weighting.json")); }

void check_within(const Numbers& got, const Numbers& want, double tolerance = 1e-9) {
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < got.size(); ++i)
    CHECK_MESSAGE(std::abs(got[i] - want[i]) <= tolerance * std::max(1.0, std::abs(want[i])), "at ", i, ": ", got[i],
                  " instead of ", want[i]);
}

double dot(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

Numbers gram_of(const std::vector<Numbers>& g) {
  Numbers gram;
  for (const Numbers& a : g)
    for (const Numbers& b : g) gram.push_back(dot(a, b));
  return gram;
}

Numbers combined(const Numbers& c, const std::vector<Numbers>& g) {
  Numbers y(g[0].size());
  for (size_t i = 0; i < g.size(); ++i)
    for (size_t k = 0; k < y.size(); ++k) y[k] += c[i] * g[i][k];
  return y;
}

// Gradients without any symmetry: task i of T, over P numbers.
std::vector<Numbers> gradients(int T, int P, double seed) {
  std::vector<Numbers> g(T, Numbers(P));
  for (int i = 0; i < T; ++i)
    for (int k = 0; k < P; ++k) g[i][k] = (1 + 0.4 * i) * std::sin(seed + 1.7 * i * P + 2.3 * k + 0.01 * k * k);
  return g;
}

// Every w = n / steps on the simplex of T tasks.
void for_each_on_simplex(int T, int steps, const std::function<void(const Numbers&)>& f) {
  Numbers w(T);
  const std::function<void(int, int)> fill = [&](int i, int left) {
    if (i == T - 1) {
      w[i] = double(left) / steps;
      f(w);
      return;
    }
    for (int n = 0; n <= left; ++n) {
      w[i] = double(n) / steps;
      fill(i + 1, left - n);
    }
  };
  fill(0, steps);
}

// d f / d x_i by central differences.
Numbers slope_of(const std::function<double(const Numbers&)>& f, const Numbers& x) {
  Numbers d(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double h = 1e-6;
    Numbers above = x, below = x;
    above[i] += h;
    below[i] -= h;
    d[i] = (f(above) - f(below)) / (2 * h);
  }
  return d;
}

const Numbers kLosses{0.4, 1.6, 0.9}, kS{-0.5, 0.2, 0.7};

}  // namespace

TEST_CASE("weighting: DWA, GLS and uncertainty give the golden values") {
  const auto g = golden();
  const Numbers losses = g["losses"];
  check_within(optim::dwa(g["epoch_minus_1"], g["epoch_minus_2"], 2), g["dwa_T2"]);
  CHECK(optim::dwa({0.5, 0.5}, {0.5, 0}, 2) == Numbers{1, 1});  // an epoch without a task's examples has no ratio
  const Numbers c = optim::gls(losses);
  check_within(c, g["gls"]["dloss"]);
  CHECK(dot(c, losses) == doctest::Approx(double(g["gls"]["loss"])).epsilon(1e-9));
  const auto& u = g["uncertainty"];
  const Numbers s = u["s"];
  check_within(optim::uncertainty_coefficients(s), u["dloss"]);
  check_within(optim::uncertainty_slope(s, losses), u["ds"]);
  double loss = dot(optim::uncertainty_coefficients(s), losses);
  for (double x : s) loss += x / 2;
  CHECK(loss == doctest::Approx(double(u["loss"])).epsilon(1e-9));
}

TEST_CASE("weighting: PCGrad, MGDA of two tasks and GradNorm give the golden values") {
  const auto g = golden();
  const std::vector<Numbers> G = g["gradients"];
  check_within(combined(optim::pcgrad(gram_of(G), g["pcgrad"]["order"]), G), g["pcgrad"]["sum"]);
  const std::vector<Numbers> two{G[0], G[1]};
  const Numbers w = optim::mgda(gram_of(two));
  check_within(w, g["mgda_two"]["weights"]);
  check_within(combined(w, two), g["mgda_two"]["gradient"]);
  const auto& n = g["gradnorm"];
  const optim::GradNorm got = optim::gradnorm(n["s"], g["losses"], n["initial_losses"], gram_of(G), n["alpha"]);
  check_within(got.weights, n["weights"]);
  check_within(got.norms, n["norms"]);
  check_within(got.target, n["target"]);
  CHECK(got.objective == doctest::Approx(double(n["objective"])).epsilon(1e-9));
}

TEST_CASE("weighting: the slopes of the learned s are those of the losses they belong to") {
  const auto uncertainty = [](const Numbers& s) {
    double loss = dot(optim::uncertainty_coefficients(s), kLosses);
    for (double x : s) loss += x / 2;
    return loss;
  };
  check_within(optim::uncertainty_slope(kS, kLosses), slope_of(uncertainty, kS), 1e-8);
  const auto imtl_l = [](const Numbers& s) {
    double loss = dot(optim::imtl_l_coefficients(s), kLosses);
    for (double x : s) loss -= x;
    return loss;
  };
  check_within(optim::imtl_l_slope(kS, kLosses), slope_of(imtl_l, kS), 1e-8);
  const Numbers gram = gram_of(gradients(3, 7, 1)), initial{0.7, 1.5, 1.2};
  const auto now = optim::gradnorm(kS, kLosses, initial, gram, 1.5);
  const auto objective = [&](const Numbers& s) {  // with the target held fixed
    const auto at = optim::gradnorm(s, kLosses, initial, gram, 1.5);
    double sum = 0;
    for (size_t i = 0; i < s.size(); ++i) sum += std::abs(at.norms[i] - now.target[i]);
    return sum;
  };
  check_within(now.slope, slope_of(objective, kS), 1e-7);
}

TEST_CASE("weighting: where uncertainty and IMTL-L come to rest, the weighted losses are equal") {
  Numbers s;
  for (double L : kLosses) s.push_back(std::log(L));  // e^s = L: every coefficient is 1 / (2 L)
  check_within(optim::uncertainty_slope(s, kLosses), {0, 0, 0});
  for (double& x : s) x = -x;  // e^s L = 1
  check_within(optim::imtl_l_slope(s, kLosses), {0, 0, 0});
}

TEST_CASE("weighting: random weights are on the simplex, new at every step, and a function of seed and step") {
  const Numbers a = optim::random_weights(4, 7, 3);
  CHECK(dot(a, {1, 1, 1, 1}) == doctest::Approx(1));
  CHECK(a == optim::random_weights(4, 7, 3));
  CHECK(a != optim::random_weights(4, 7, 4));
  CHECK(a != optim::random_weights(4, 8, 3));
  Numbers mean(4), log_variance(1);
  for (int step = 0; step < 4000; ++step) {
    const Numbers w = optim::random_weights(4, 7, step);
    for (int i = 0; i < 4; ++i) mean[i] += w[i] / 4000;
    log_variance[0] += std::pow(std::log(w[0] / w[1]), 2) / 4000;
  }
  check_within(mean, {0.25, 0.25, 0.25, 0.25}, 0.01);
  CHECK(log_variance[0] == doctest::Approx(2).epsilon(0.1));  // of the difference of two N(0, 1)
}

TEST_CASE("weighting: PCGrad leaves gradients that agree alone, and what it keeps of two that do not is orthogonal") {
  const std::vector<std::vector<int>> order{{1}, {0}};
  check_within(optim::pcgrad(gram_of({{1, 0}, {1, 1}}), order), {1, 1});
  const std::vector<Numbers> g{{1, 0}, {-1, 1}};
  // g_0 loses its part along g_1 and becomes (1/2, 1/2), g_1 becomes (0, 1)
  check_within(combined(optim::pcgrad(gram_of(g), order), g), {0.5, 1.5}, 1e-7);
  const auto drawn = optim::random_order(4, 7, 3);
  CHECK(drawn == optim::random_order(4, 7, 3));
  std::vector<int> firsts(4);
  for (int step = 0; step < 300; ++step) {
    const auto order_now = optim::random_order(4, 7, step);
    for (int i = 0; i < 4; ++i) {
      CHECK(order_now[i].size() == 3);
      CHECK(std::count(order_now[i].begin(), order_now[i].end(), i) == 0);
    }
    ++firsts[order_now[0][0]];
  }
  for (int j = 1; j < 4; ++j) CHECK(std::abs(firsts[j] - 100) < 35);
}

TEST_CASE("weighting: MGDA finds the shortest point of the convex hull") {
  // Orthogonal gradients: w_i is proportional to 1 / |g_i|^2.
  check_within(optim::mgda(gram_of({{1, 0, 0}, {0, 2, 0}, {0, 0, 3}})), {36 / 49., 9 / 49., 4 / 49.}, 1e-8);
  check_within(optim::mgda(gram_of({{1, 0}, {5, 0}})), {0.999, 0.001});  // closed form, clipped
  check_within(optim::mgda(gram_of({{2, 1}, {2, 1}})), {0.5, 0.5});      // any point is as good
  check_within(optim::mgda(gram_of({{1, 0}, {5, 0}, {3, 1}})), {1, 0, 0}, 1e-8);
  for (int T : {3, 5}) {
    const std::vector<Numbers> g = gradients(T, 11, T);
    const Numbers gram = gram_of(g), w = optim::mgda(gram), y = combined(w, g);
    CHECK(dot(w, Numbers(T, 1)) == doctest::Approx(1));
    // Optimal if and only if g_i . y >= |y|^2 for all i, with equality where w_i > 0 (Desideri 2012).
    for (int i = 0; i < T; ++i) {
      CHECK(dot(g[i], y) >= dot(y, y) - 1e-7);
      if (w[i] > 1e-7) CHECK(dot(g[i], y) == doctest::Approx(dot(y, y)).epsilon(1e-6));
    }
  }
}

TEST_CASE("weighting: CAGrad's step gains most for the task that gains least, and lies in the ball around the mean") {
  for (double c : {0.2, 0.5, 0.9}) {
    const std::vector<Numbers> g{{1, 0.2, 0}, {-0.5, 1, 0.2}, {0.3, -0.7, 0.9}};  // all three count from c = 0.5 on
    const Numbers gram = gram_of(g), mean = combined(Numbers(3, 1 / 3.), g);
    const double radius = c * std::sqrt(dot(mean, mean));
    const Numbers coefficients = optim::cagrad(gram, c), step = combined(coefficients, g);
    Numbers away(step.size());  // of the step without its factor from the mean gradient: exactly the radius
    for (size_t k = 0; k < step.size(); ++k) away[k] = step[k] * (1 + c * c) - mean[k];
    CHECK(std::sqrt(dot(away, away)) == doctest::Approx(radius));
    // The dual of "the step in the ball whose least gain over the tasks is greatest": strong duality holds.
    double least_gain = INFINITY, best = INFINITY;
    for (const Numbers& gi : g) least_gain = std::min(least_gain, dot(gi, step) * (1 + c * c));
    for_each_on_simplex(3, 200, [&](const Numbers& w) {
      const Numbers gw = combined(w, g);
      best = std::min(best, dot(gw, mean) + radius * std::sqrt(dot(gw, gw)));
    });
    CHECK(least_gain <= best + 1e-9);
    CHECK(least_gain == doctest::Approx(best).epsilon(1e-3));
    for (int i = 0; i < 3; ++i)  // every task that counts beyond the mean gains the least
      if (coefficients[i] * (1 + c * c) > 1 / 3. + 1e-6)
        CHECK(dot(g[i], step) * (1 + c * c) == doctest::Approx(least_gain).epsilon(1e-6));
  }
  check_within(optim::cagrad(gram_of(gradients(3, 11, 1)), 0), {1 / 3., 1 / 3., 1 / 3.});  // c = 0: the mean
  check_within(optim::cagrad(Numbers(9), 0.5), Numbers(3, 1 / 3. / 1.25));                 // no gradient at all
}

TEST_CASE("weighting: FAMO's coefficients and slopes are the derivatives of what it follows") {
  const Numbers w{0.3, -0.2, 0.1}, z = optim::softmax(w), c = optim::famo_coefficients(w, kLosses);
  double k = 0;
  for (int i = 0; i < 3; ++i) k += z[i] / (kLosses[i] + 1e-8);
  check_within(c,
               slope_of(
                   [&](const Numbers& L) {
                     double loss = 0;
                     for (int i = 0; i < 3; ++i) loss += z[i] * std::log(L[i] + 1e-8) / k;  // k held fixed
                     return loss;
                   },
                   kLosses),
               1e-8);
  CHECK(dot(c, {1, 1, 1}) == doctest::Approx(1));
  const Numbers after{0.39, 1.2, 0.95};
  check_within(optim::famo_slope(w, kLosses, after),
               slope_of(
                   [&](const Numbers& v) {
                     double gain = 0;
                     for (int i = 0; i < 3; ++i)
                       gain += optim::softmax(v)[i] * std::log((kLosses[i] + 1e-8) / (after[i] + 1e-8));
                     return gain;
                   },
                   w),
               1e-8);
}

TEST_CASE("weighting: STCH's coefficients are the slope of the soft maximum, which hardens as mu falls") {
  const Numbers nadir{0.5, 1.2, 1.5};
  for (double mu : {0.1, 1.0, 3.0})
    check_within(optim::stch(kLosses, nadir, mu),
                 slope_of(
                     [&](const Numbers& L) {
                       double sum = 0;
                       for (int i = 0; i < 3; ++i) sum += std::exp(std::log(L[i] / nadir[i]) / mu);
                       return 3 * mu * std::log(sum);
                     },
                     kLosses),
                 1e-7);
  const Numbers hard = optim::stch(kLosses, nadir, 1e-3);  // task 1 is furthest behind: L / nadir = 4/3
  check_within(hard, {0, 3 / 1.6, 0}, 1e-9);
}

TEST_CASE("weighting: losses of zero and gradients of zero give finite coefficients") {
  const Numbers none{0, 0, 0};
  const auto finite = [](const Numbers& x) {
    for (double v : x) CHECK(std::isfinite(v));
  };
  finite(optim::gls(none));
  finite(optim::stch(none, none, 1));
  finite(optim::famo_coefficients(none, none));
  finite(optim::famo_slope(none, none, none));
  finite(optim::dwa(none, none, 2));
  finite(optim::pcgrad(Numbers(9), {{1, 2}, {0, 2}, {0, 1}}));
  finite(optim::mgda(Numbers(9)));
  finite(optim::mgda(Numbers(4)));
  finite(optim::cagrad(Numbers(9), 0.5));
  const auto g = optim::gradnorm(none, none, none, Numbers(9), 1.5);
  finite(g.weights);
  finite(g.slope);
}
