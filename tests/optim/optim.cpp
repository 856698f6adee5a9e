// Optimisers, schedules and clipping against published values and PyTorch's definitions.
#include "optim/adamw.h"

#include <map>

#include "optim/clip.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "optim/sgd.h"
#include "tests/support/support.h"

using namespace test;
using doctest::Approx;

namespace {

Tensor parameter(const std::string& name, std::vector<real> values) {
  return Tensor({long(values.size())}, values).named(name).require_grad();
}

void set_grad(const Tensor& p, real g) {
  p.clear_grad();
  for (long i = 0; i < p.numel(); ++i) p.grad()[i] = g;
}

double after_two_steps(optim::AdamVariant variant, double eps, const std::string& name = "weight") {
  const Tensor w = parameter(name, {1});
  optim::AdamW adam({w}, {variant, 0.9, 0.999, eps, 0.01});
  for (int i = 0; i < 2; ++i) {
    set_grad(w, real(0.1));
    adam.step(1e-3);
  }
  return w.item();
}

}  // namespace

TEST_CASE("AdamW: the three variants give their published values after two steps") {
  const double tolerance = sizeof(real) == 8 ? 1e-12 : 2e-7;
  CHECK(std::abs(after_two_steps(optim::AdamVariant::torch, 1e-8) - 0.997980010299999) < tolerance);
  CHECK(std::abs(after_two_steps(optim::AdamVariant::transformers, 1e-6) - 0.9979805698318456) < tolerance);
  CHECK(std::abs(after_two_steps(optim::AdamVariant::bert, 1e-6) - 0.9925701123111783) < tolerance);
  CHECK(optim::adam_variant("bert") == optim::AdamVariant::bert);
  CHECK(error_of([] { optim::adam_variant("adam"); }).find("is not one of torch, transformers, bert") !=
        std::string::npos);
}

TEST_CASE("AdamW: rows of an embedding that no token used move as a gradient of zeros moves them") {
  const auto run = [](bool dense) {
    const Tensor w = Tensor({40, 3}, varied({40, 3}).to_vector()).named("weight").require_grad();
    optim::AdamW adam({w});
    for (const Indices& ids : {Indices{3, 7}, Indices{7}, Indices{0, 39, 0}, Indices{}}) {
      w.clear_grad();
      const Tensor loss = sum(embedding(w, ids) * real(1.5));
      if (dense) w.grad();
      backward(loss);
      CHECK(optim::grad_norm({w}) == Approx(std::sqrt(3 * 2.25 * (ids.size() == 3 ? 5.0 : double(ids.size())))));
      adam.step(0.01, 0.5);
    }
    return w.to_vector();
  };
  CHECK(run(true) == run(false));
}

TEST_CASE("optimisers: of a parameter of several blocks every number moves once, and none behind it") {
  const long n = 2 * kBlock + 100;
  for (const char* name : {"adamw", "sgd"}) {
    const Buffer values(n + 16);
    for (long i = 0; i < n + 16; ++i) values[i] = 1;
    const Tensor w = Tensor({n}, values.part(0, n)).named("weight").require_grad();
    set_grad(w, real(0.5));
    CHECK(optim::grad_norm({w}) == Approx(0.5 * std::sqrt(double(n))).epsilon(1e-7));
    if (name == std::string("sgd"))
      optim::Sgd({w}, {.momentum = 0.9}).step(0.1);
    else
      optim::AdamW({w}).step(0.1);
    CHECK(values[0] < 1);
    for (long i = 0; i < n; ++i) REQUIRE(values[i] == values[0]);
    for (long i = n; i < n + 16; ++i) CHECK(values[i] == 1);
  }
}

TEST_CASE("AdamW: biases and LayerNorm are not decayed, embeddings are") {
  CHECK(optim::decays(parameter("bert.embeddings.word_embeddings.weight", {1})));
  CHECK(!optim::decays(parameter("bert.embeddings.LayerNorm.weight", {1})));
  CHECK(!optim::decays(parameter("classifier.bias", {1})));
  for (const char* norm : {"history.norm.weight", "encoder.layers.0.final_layer_norm.weight",
                           "vit.layernorm_before.weight", "q_norm.weight", "RMSNorm.weight"})
    CHECK_MESSAGE(!optim::decays(parameter(norm, {1})), norm);
  CHECK(optim::decays(parameter("normal.weight", {1})));
  const double undecayed = after_two_steps(optim::AdamVariant::torch, 1e-8, "bias");
  CHECK(undecayed == Approx(1 - 2e-3).epsilon(1e-6));
}

TEST_CASE("AdamW: a parameter without a gradient neither moves nor counts a step") {
  const Tensor a = parameter("a", {1}), b = parameter("b", {1});
  optim::AdamW adam({a, b});
  set_grad(a, 1);
  adam.step(0.1);
  CHECK(b.item() == 1);
  a.clear_grad();
  set_grad(b, 1);
  const real before = a.item();
  adam.step(0.1);
  CHECK(a.item() == before);
  CHECK(b.item() == before);  // its first step, as a's was
}

TEST_CASE("optimizers: a state that is saved and restored continues bit for bit") {
  const auto run = [](auto make, bool interrupted) {
    const Tensor w = parameter("w", varied({50}).to_vector());
    optim::Optimizer optimizer = make(w);
    for (int i = 0; i < 6; ++i) {
      if (interrupted && i == 3) {
        std::map<std::string, std::vector<real>> saved;
        for (const Tensor& t : optimizer.state()) saved[t.name()] = t.to_vector();
        optimizer = make(w);
        for (const Tensor& t : optimizer.state())
          std::copy(saved.at(t.name()).begin(), saved.at(t.name()).end(), t.data());
      }
      set_grad(w, real(0.1 * (i + 1)));
      optimizer.step(0.01);
    }
    return w.to_vector();
  };
  const auto adamw = [](const Tensor& w) { return optim::Optimizer(optim::AdamW({w})); };
  const auto sgd = [](const Tensor& w) { return optim::Optimizer(optim::Sgd({w}, {.momentum = 0.9})); };
  CHECK(run(adamw, false) == run(adamw, true));
  CHECK(run(sgd, false) == run(sgd, true));
}

TEST_CASE("AdamW and SGD: options that make no sense are refused") {
  CHECK(error_of([] {
          optim::AdamW({}, {optim::AdamVariant::torch, 1.0});
        }).find("betas must be in [0, 1)") != std::string::npos);
  CHECK(error_of([] { optim::Sgd({}, {.nesterov = true}); }).find("needs a momentum") != std::string::npos);
}

TEST_CASE("SGD: plain, momentum, Nesterov and decay follow torch.optim.SGD") {
  const auto run = [](optim::SgdOptions options, const std::string& name = "w") {
    const Tensor w = parameter(name, {1, 1});
    optim::Sgd sgd({w}, options);
    for (real g : {real(0.5), real(-0.2), real(0.3)}) {
      set_grad(w, g);
      w.grad()[0] = 7;  // its neighbour goes a way of its own
      sgd.step(0.1);
    }
    return w.data()[1];
  };
  CHECK(run({}) == Approx(1 - 0.1 * (0.5 - 0.2 + 0.3)));
  // u: 0.5, 0.25, 0.525
  CHECK(run({.momentum = 0.9}) == Approx(1 - 0.1 * (0.5 + 0.25 + 0.525)));
  CHECK(run({.momentum = 0.9, .dampening = 0.5}) == Approx(1 - 0.1 * (0.5 + 0.35 + 0.465)));
  CHECK(run({.momentum = 0.9, .nesterov = true}) == Approx(1 - 0.1 * (0.95 + 0.025 + 0.7725)));
  const double w1 = 1 - 0.1 * (0.5 + 0.01), w2 = w1 - 0.1 * (-0.2 + 0.01 * w1), w3 = w2 - 0.1 * (0.3 + 0.01 * w2);
  CHECK(run({.weight_decay = 0.01}) == Approx(w3).epsilon(1e-6));
  CHECK(run({.weight_decay = 0.01}, "bias") == Approx(1 - 0.1 * 0.6));
}

TEST_CASE("schedules: the published values of a linear warm-up, and the ends of the others") {
  const optim::Schedule linear{optim::ScheduleKind::linear, 1, 10, 3};
  const double want[] = {0, 1 / 3.0, 2 / 3.0, 1, 6 / 7.0, 5 / 7.0, 4 / 7.0, 3 / 7.0, 2 / 7.0, 1 / 7.0, 0};
  for (int s = 0; s <= 10; ++s) CHECK(linear(s) == Approx(want[s]));
  CHECK(optim::Schedule{optim::ScheduleKind::linear, 1, 3, 3}(3) == 0);
  CHECK(optim::Schedule{optim::ScheduleKind::linear, 1, 10, 20}(20) == 0);
  const optim::Schedule cosine{optim::ScheduleKind::cosine, 2, 10, 2};
  CHECK(cosine(1) == Approx(1));
  CHECK(cosine(2) == Approx(2));
  CHECK(cosine(6) == Approx(1));
  CHECK(cosine(10) == Approx(0));
  const optim::Schedule constant{optim::ScheduleKind::constant, 3, 10, 2};
  CHECK(constant(1) == Approx(1.5));
  CHECK(constant(9) == Approx(3));
  const optim::Schedule root{optim::ScheduleKind::inverse_sqrt, 1, 100, 4};
  CHECK(root(4) == Approx(1));
  CHECK(root(16) == Approx(0.5));
  const optim::Schedule polynomial{
      .kind = optim::ScheduleKind::polynomial, .lr = 1, .steps = 10, .power = 2, .end_lr = 0.1};
  CHECK(polynomial(0) == Approx(1));
  CHECK(polynomial(5) == Approx(0.9 * 0.25 + 0.1));
  CHECK(polynomial(12) == Approx(0.1));
  CHECK(error_of([] { optim::schedule_kind("step"); }).find("is not one of") != std::string::npos);
}

TEST_CASE("clipping: the norm over all parameters, the factor of PyTorch, and NaN named") {
  const Tensor a = parameter("a", {0, 0}), b = parameter("b", {0}), c = parameter("c", {0});
  a.grad()[0] = 3;
  b.grad()[0] = 4;
  const std::vector<Tensor> all{a, b, c};
  CHECK(optim::grad_norm(all) == Approx(5));
  CHECK(optim::clip_factor(all, 5, 10) == 1);
  CHECK(optim::clip_factor(all, 5, 1) == Approx(1 / (5 + 1e-6)));
  CHECK(optim::clip_factor(all, 5, 0) == 1);
  b.grad()[0] = NAN;
  CHECK(error_of([&] { optim::clip_factor(all, optim::grad_norm(all), 1); }) ==
        "the gradient of 'b' [1] holds a NaN or infinity");
}

TEST_CASE("clipping: a factor given to the optimiser does what multiplied gradients do") {
  const auto run = [](auto make, bool factor) {
    const Tensor w = parameter("w", varied({50}).to_vector());
    optim::Optimizer optimizer = make(w);
    for (int i = 0; i < 3; ++i) {
      set_grad(w, real(i + 1));
      if (!factor)
        for (long j = 0; j < w.numel(); ++j) w.grad()[j] *= real(0.25);
      optimizer.step(0.1, factor ? 0.25 : 1);
    }
    return w.to_vector();
  };
  const auto adamw = [](const Tensor& w) { return optim::Optimizer(optim::AdamW({w})); };
  const auto sgd = [](const Tensor& w) { return optim::Optimizer(optim::Sgd({w}, {.momentum = 0.9})); };
  CHECK(run(adamw, true) == run(adamw, false));
  CHECK(run(sgd, true) == run(sgd, false));
}

TEST_CASE("optimizers: a share of the rate for some parameters is that rate for them alone; the last pattern counts") {
  const std::vector<optim::RateOf> rates{{"*.weight", 3}, {"low.*", 0.25}};
  const std::vector<optim::RateOf> none;
  const auto moved = [&](auto make, const char* name, double lr, const std::vector<optim::RateOf>& with) {
    const Tensor p = varied({3, 4}, 4).named(name).require_grad();
    const Tensor idle = varied({2, 2}, 5).named("layer.1.weight").require_grad();
    optim::Optimizer optimizer = make(std::vector<Tensor>{p, idle}, with);
    for (const real g : {real(0.5), real(-0.2)}) {
      set_grad(p, g);
      p.grad()[2] = 1;
      optimizer.step(lr);
    }
    return p.to_vector();
  };
  const auto check_all = [&](auto make) {
    for (const auto& [name, factor] : {std::pair{"low.weight", 0.25}, {"layer.0.weight", 3.}, {"high.bias", 1.}})
      CHECK(same_bits(moved(make, name, 0.01, rates), moved(make, name, 0.01 * factor, none)));
    CHECK(!same_bits(moved(make, "low.weight", 0.01, rates), moved(make, "low.weight", 0.01, none)));
  };
  using All = std::vector<Tensor>;
  using Rates = std::vector<optim::RateOf>;
  check_all([](const All& p, const Rates& r) { return optim::Optimizer(optim::AdamW(p, {.rates = r})); });
  check_all([](const All& p, const Rates& r) {
    return optim::Optimizer(optim::Sgd(p, {.momentum = 0.9, .weight_decay = 0.1, .rates = r}));
  });
  check_all([](const All& p, const Rates& r) { return optim::Optimizer(optim::Muon(p, {.adamw = {.rates = r}})); });
}
