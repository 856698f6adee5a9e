// Weighting over steps and epochs: when each formula applies, what is remembered, what is refused; and the gradients of
// several tasks, kept apart and put together.
#include "optim/several/weighting.h"

#include <omp.h>

#include <map>

#include "optim/adamw.h"
#include "optim/several/task_gradients.h"
#include "tests/support/support.h"

using namespace test;
using doctest::Approx;
using optim::Numbers;
using optim::Weighting;
using optim::WeightingKind;

namespace {

const Numbers kGram{2, -1, 0.3, -1, 3, 0.5, 0.3, 0.5, 1};

Numbers losses_at(int step) {
  return {1 + 0.3 * std::sin(step), 0.8 / (1 + 0.1 * step), 2 + 0.2 * std::cos(2.0 * step)};
}

optim::WeightingOptions options_of(WeightingKind kind) { return {.kind = kind, .fixed = {1, 0.5, 2}, .seed = 5}; }

// The coefficients of `steps` steps in epochs of four, the learned s following plain gradient descent; after
// `interrupt_at` steps a new object takes over from the saved state.
std::vector<Numbers> course(WeightingKind kind, int steps, int interrupt_at = -1) {
  auto weighting = std::make_unique<Weighting>(options_of(kind), 3);
  std::vector<Numbers> all;
  for (int step = 0; step < steps; ++step) {
    if (step == interrupt_at) {
      std::map<std::string, std::vector<real>> saved;
      for (const Tensor& t : weighting->state()) saved[t.name()] = t.to_vector();
      weighting = std::make_unique<Weighting>(options_of(kind), 3);
      for (const Tensor& t : weighting->state())
        std::copy(saved.at(t.name()).begin(), saved.at(t.name()).end(), t.data());
    }
    all.push_back(weighting->coefficients(step, losses_at(step), needs_gradients(kind) ? kGram : Numbers{}));
    for (const Tensor& s : weighting->parameters())
      for (long i = 0; s.has_grad() && i < 3; ++i) s.data()[i] -= real(0.1) * s.grad_data()[i];
    if (weighting->wants_losses_after()) weighting->losses_after(losses_at(step + 1));
    if (step % 4 == 3) weighting->end_epoch();
  }
  return all;
}

void check_close(const Numbers& got, const Numbers& want) {
  for (size_t i = 0; i < want.size(); ++i) CHECK(got[i] == Approx(want[i]).epsilon(1e-5));
}

}  // namespace

TEST_CASE("weighting: every name is a kind, and an unknown one is answered with the list") {
  for (size_t i = 0; i < optim::weighting_names().size(); ++i)
    CHECK(optim::weighting_kind(optim::weighting_names()[i]) == WeightingKind(i));
  CHECK(optim::weighting_kind("stch") == WeightingKind::stch);
  CHECK(error_of([] { optim::weighting_kind("pc-grad"); }) ==
        "weighting 'pc-grad' is not one of equal, fixed, uncertainty, random, dwa, gls, gradnorm, pcgrad, mgda, "
        "cagrad, famo, imtl-l, stch, auto-lambda");
}

TEST_CASE("weighting: each method's coefficients follow its formula from the first step to the last") {
  using namespace optim;
  const auto at = [](WeightingKind kind, int step) { return course(kind, step + 1).back(); };
  check_close(at(WeightingKind::equal, 3), {1, 1, 1});
  check_close(at(WeightingKind::fixed, 3), {1, 0.5, 2});
  check_close(at(WeightingKind::uncertainty, 0), Numbers(3, 0.5 * std::exp(0.5)));
  check_close(at(WeightingKind::imtl_l, 0), {1, 1, 1});
  check_close(at(WeightingKind::random, 6), random_weights(3, 5, 6));
  check_close(at(WeightingKind::gls, 6), gls(losses_at(6)));
  check_close(at(WeightingKind::pcgrad, 6), pcgrad(kGram, random_order(3, 5, 6)));
  check_close(at(WeightingKind::mgda, 6), mgda(kGram));
  check_close(at(WeightingKind::cagrad, 6), cagrad(kGram, 0.5));
  check_close(at(WeightingKind::famo, 0), famo_coefficients({0, 0, 0}, losses_at(0)));
  const auto mean = [](int first) {
    Numbers m(3);
    for (int step = first; step < first + 4; ++step)
      for (int i = 0; i < 3; ++i) m[i] += losses_at(step)[i] / 4;
    return m;
  };
  check_close(at(WeightingKind::dwa, 7), {1, 1, 1});  // of the second epoch
  check_close(at(WeightingKind::dwa, 8), dwa(mean(4), mean(0), 2));
  check_close(at(WeightingKind::dwa, 13), dwa(mean(8), mean(4), 2));
  check_close(at(WeightingKind::gradnorm, 3), {1, 1, 1});  // of the first epoch
  check_close(at(WeightingKind::gradnorm, 5),
              [&] {  // one step of descent from s = 0
                Numbers s = gradnorm({0, 0, 0}, losses_at(4), mean(0), kGram, 1.5).slope;
                for (double& x : s) x *= -0.1;
                return gradnorm(s, losses_at(5), mean(0), kGram, 1.5).weights;
              }());
  for (int i = 0; i < 3; ++i) CHECK(at(WeightingKind::stch, 15)[i] == Approx(1 / losses_at(15)[i]).epsilon(1e-6));
  check_close(at(WeightingKind::stch, 21), stch(losses_at(21), mean(12), 1));
}

TEST_CASE("weighting: FAMO's w takes Adam's steps with L2 decay") {
  Weighting famo(options_of(WeightingKind::famo), 3);
  famo.coefficients(0, {1, 1, 1});
  famo.losses_after({0.5, 0.9, 1.1});
  // Adam's first step is the rate times the sign of the slope; the task that gained most loses weight.
  check_close(famo.coefficients(1, {1, 1, 1}), optim::softmax({-0.025, 0.025, 0.025}));
  famo.losses_after(
      {1, 1, 1});  // no gain: the slope is what decay leaves, g = 0.001 w, beside the first step's moments
  const Numbers z = optim::softmax({0, 0, 0}), d = optim::famo_slope({0, 0, 0}, {1, 1, 1}, {0.5, 0.9, 1.1});
  const double sign[] = {-1, 1, 1};
  Numbers w;
  for (int i = 0; i < 3; ++i) {
    const double w1 = sign[i] * 0.025, g = 0.001 * w1;
    const double m = (0.9 * 0.1 * d[i] + 0.1 * g) / (1 - 0.81),
                 v = (0.999 * 0.001 * d[i] * d[i] + 0.001 * g * g) / (1 - 0.999 * 0.999);
    w.push_back(w1 - 0.025 * m / (std::sqrt(v) + 1e-8));
  }
  check_close(famo.coefficients(2, {1, 1, 1}), optim::softmax(w));
  CHECK(error_of([&] {
          famo.losses_after({1, 1, 1});
          famo.losses_after({1, 1, 1});
        }).find("follows coefficients()") != std::string::npos);
}

TEST_CASE("weighting: learned s minimise the method's own loss, whose part without L is extra_loss()") {
  for (const auto kind : {WeightingKind::uncertainty, WeightingKind::imtl_l}) {
    Weighting weighting(options_of(kind), 3);
    const Tensor s = weighting.parameters().at(0);
    CHECK(s.name() == "weighting.s");
    optim::AdamW adam({s}, {.weight_decay = 0});
    const Numbers losses{0.4, 1.6, 0.9};
    Numbers c;
    for (int step = 0; step < 600; ++step) {
      c = weighting.coefficients(step, losses);
      adam.step(0.02);
    }
    for (int i = 0; i < 3; ++i)  // uncertainty: e^s = L; IMTL-L: e^s = 1 / L
      CHECK(c[i] * losses[i] == Approx(kind == WeightingKind::uncertainty ? 0.5 : 1).epsilon(1e-3));
    const double log_sum = std::log(0.4 * 1.6 * 0.9);
    CHECK(weighting.extra_loss() == Approx(kind == WeightingKind::uncertainty ? log_sum / 2 : log_sum).epsilon(1e-2));
  }
  CHECK(Weighting(options_of(WeightingKind::famo), 3).parameters().empty());
}

TEST_CASE("weighting: a state that is saved and restored continues bit for bit, whatever the method") {
  for (size_t k = 0; k < optim::weighting_names().size(); ++k) {
    CAPTURE(optim::weighting_names()[k]);
    for (int interrupt_at : {6, 18}) CHECK(course(WeightingKind(k), 24) == course(WeightingKind(k), 24, interrupt_at));
  }
}

TEST_CASE("weighting: a task without examples counts nothing, moves nothing, or is refused") {
  const Numbers losses{1, optim::kAbsent, 2};
  for (size_t k = 0; k < optim::weighting_names().size(); ++k) {
    const auto kind = WeightingKind(k);
    CAPTURE(optim::weighting_names()[k]);
    Weighting weighting(options_of(kind), 3);
    const auto step = [&] { return weighting.coefficients(0, losses, needs_gradients(kind) ? kGram : Numbers{}); };
    if (needs_all_tasks(kind)) {
      CHECK(error_of(step) == fmt::format("weighting: {} needs examples of every task in every step; task 1 has none",
                                          optim::weighting_names()[k]));
      continue;
    }
    const Numbers c = step();
    CHECK((c[0] > 0 && c[1] == 0 && c[2] > 0));
    for (const Tensor& s : weighting.parameters()) CHECK((s.grad()[1] == 0 && s.grad()[2] != 0));
  }
  Weighting dwa(options_of(WeightingKind::dwa), 3);  // the means are over the steps that have examples
  for (int epoch = 0; epoch < 2; ++epoch) {
    dwa.coefficients(0, losses);
    dwa.coefficients(1, {3, 5, optim::kAbsent});
    dwa.end_epoch();
  }
  check_close(dwa.coefficients(4, losses), {1, 0, 1});
}

TEST_CASE("weighting: options and losses that make no sense are one clear line") {
  const auto refused = [](optim::WeightingOptions options) { return error_of([&] { Weighting(options, 3); }); };
  CHECK(refused({.kind = WeightingKind::fixed, .fixed = {1, 2}}) ==
        "weighting: fixed needs a weight for each of 3 tasks; got 2");
  CHECK(refused({.kind = WeightingKind::fixed, .fixed = {0, 0, 0}}) == "weighting: the fixed weights sum to 0");
  CHECK(refused({.kind = WeightingKind::fixed, .fixed = {1, -1, 1}}).find("got -1") != std::string::npos);
  CHECK(refused({.dwa_temperature = 0}).find("must be positive; got 0") != std::string::npos);
  CHECK(refused({.gradnorm_alpha = -1}).find("alpha must not be negative") != std::string::npos);
  CHECK(refused({.cagrad_c = 1}).find("must be in [0, 1)") != std::string::npos);
  CHECK(refused({.famo_lr = 0}).find("FAMO needs a positive rate") != std::string::npos);
  CHECK(refused({.stch_warmup_epochs = 0}).find("at least one warm-up epoch") != std::string::npos);
  Weighting equal({}, 3);
  CHECK(error_of([&] { equal.coefficients(0, {1, 2}); }) == "weighting: one loss a task is needed; got 2 for 3 tasks");
  for (const double bad : {double(NAN), double(INFINITY), -0.5})
    CHECK(error_of([&] { equal.coefficients(0, {1, bad, 1}); }).find("task 1 has") != std::string::npos);
  Weighting mgda(options_of(WeightingKind::mgda), 3);
  CHECK(error_of([&] {
          mgda.coefficients(0, {1, 2, 3});
        }) == "weighting: mgda needs the Gram matrix of the tasks' gradients, 9 numbers; got 0");
}

TEST_CASE("task gradients: rows, Gram matrix and combination are those of the tasks' own backwards") {
  const Tensor w = varied({4, 5}).named("w").require_grad(), unused = varied({7}, 2).named("unused").require_grad();
  const Tensor shared = engine::tanh(matmul(varied({6, 4}, 3), w)), head = varied({6, 5}, 4).require_grad();
  const std::vector<Tensor> losses{sum(shared * head), sum(shared * shared), sum(engine::exp(shared))};
  optim::TaskGradients gradients({w, unused}, 3);
  std::vector<std::vector<real>> each;
  for (long i = 0; i < 3; ++i) {
    backward(losses[i], Graph::keep);
    each.push_back(w.grad_tensor().to_vector());
    gradients.take(i);
    CHECK(!w.has_grad());
  }
  CHECK(head.has_grad());  // not shared: it keeps the gradient of its task
  const Numbers gram = gradients.gram();
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      double dot = 0;
      for (size_t k = 0; k < each[i].size(); ++k) dot += double(each[i][k]) * each[j][k];
      CHECK(gram[i * 3 + j] == Approx(dot).epsilon(1e-6));
    }
  gradients.combine({0.5, -2, 3});
  for (size_t k = 0; k < each[0].size(); ++k)
    CHECK(w.grad()[k] == Approx(0.5 * each[0][k] - 2 * each[1][k] + 3 * each[2][k]).epsilon(1e-5));
  CHECK(!unused.has_grad());
  CHECK(error_of([&] { gradients.combine({1, 1}); }).find("for each of 3 tasks is needed; got 2") != std::string::npos);
}

TEST_CASE("task gradients: the Gram matrix and the combination have the same bits for 1, 2 and 4 threads") {
  const Tensor w = varied({300, 211}).require_grad();
  const int before = omp_get_max_threads();
  Numbers gram;
  std::vector<real> combined;
  for (int threads : {1, 2, 4}) {
    omp_set_num_threads(threads);
    optim::TaskGradients gradients({w}, 2);
    for (long i = 0; i < 2; ++i) {
      backward(sum(w * varied({300, 211}, real(i + 2))));
      gradients.take(i);
    }
    const Numbers got = gradients.gram();
    gradients.combine({0.3, 0.7});
    if (threads == 1) {
      gram = got;
      combined = w.grad_tensor().to_vector();
    }
    CHECK(got == gram);
    CHECK(same_bits(w.grad_tensor().to_vector(), combined));
    w.clear_grad();
  }
  omp_set_num_threads(before);
}
