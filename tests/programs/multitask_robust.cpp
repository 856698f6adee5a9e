// Robustness in a step of several tasks: with one task it is what a classifier's step has, by another way; and every
// task's loss has its part of it.
#include "tasks/multitask/step.h"
#include "tests/support/robust.h"

using namespace test;
using nn::Predicts;
using objective::RobustOptions;

namespace {

struct MultitaskStep : RobustStep {
  explicit MultitaskStep(const std::vector<spec::TaskSpec>& tasks) : RobustStep("bert", tasks) {
    for (size_t t = 1; t < tasks.size(); ++t) {
      spec::Task number{model->tasks[t], 0, {}, {}};
      number.targets[spec::kTrain].numbers = {4, 2, 1};
      number.targets[spec::kTrain].rows = {0, 1, 2};
      set.tasks.push_back(number);
    }
  }
  multitask::Losses losses(const RobustOptions& o, multitask::Robustness* robust = nullptr) {
    begin();
    std::vector<multitask::Draw> draws;
    for (size_t t = 0; t < set.tasks.size(); ++t) draws.push_back({int(t), {0, 1, 2}});
    multitask::Robustness own(o, set, model->net, 3);
    return multitask::losses_of(*model, set, multitask::batches_of(set, draws)[0], {}, robust ? robust : &own);
  }
  // The gradients of one task, as a program of several tasks has them, and as a classifier's.
  std::vector<real> of_several(const RobustOptions& o) {
    backward(losses(o).tasks[0]);
    return gradients();
  }
  std::vector<real> of_one(const RobustOptions& o) {
    begin();
    objective::Robust robust(o, set.tasks[0], model->net, 3);
    backward(first_pass(robust).sum());
    robust.more_passes({.logits = [&](const nn::Encoded& x) { return model->net.head()(x); },
                        .backward = [](const run::Terms& more) { backward(more.sum()); },
                        .steps = 10},
                       set.tasks[0], 1, batch);
    return gradients();
  }
};

RobustOptions moved_by(const std::string& kind) {
  RobustOptions o;
  o.adversarial = kind;
  o.rate = 0.3;
  o.size = 0.8;
  o.start = 0.4;
  return o;
}

}  // namespace

TEST_CASE("multitask: with one task its adversaries and bent losses have the gradient of a classifier's step") {
  MultitaskStep s({task_of("", Predicts::label)});
  const std::vector<real> plain = s.of_several({});
  CHECK(largest_difference(plain, s.of_one({})) == 0);
  for (const char* kind : {"fgm", "pgd", "freelb", "smart"}) {
    RobustOptions o = moved_by(kind);
    for (const double mixup : {0., 0.7}) {
      o.mixup = mixup;
      const std::vector<real> several = s.of_several(o);
      CHECK_MESSAGE(largest_difference(several, s.of_one(o)) < 2e-6, kind, " mixup ", mixup);
      CHECK_MESSAGE(largest_difference(several, plain) > 1e-3, kind);
    }
  }
  for (const char* loss : {"focal", "margins", "logit-adjusted"}) {
    RobustOptions o;
    o.class_loss = loss;
    CHECK_MESSAGE(largest_difference(s.of_several(o), s.of_one(o)) == 0, loss);
    CHECK_MESSAGE(largest_difference(s.of_several(o), plain) > 1e-3, loss);
  }
}

TEST_CASE(
    "multitask: an adversary's part is in the loss of every task; what is about classes, in those that have some") {
  MultitaskStep s({task_of("mood", Predicts::label), task_of("stars", Predicts::number)});
  const multitask::Losses plain = s.losses({}), worse = s.losses(moved_by("fgm")), smart = s.losses(moved_by("smart"));
  const auto value = [](const multitask::Losses& l, size_t t) { return double(l.tasks[t].item()); };
  for (size_t t = 0; t < 2; ++t) CHECK(value(worse, t) > 1.5 * value(plain, t));  // at both places, worse at the second
  CHECK(value(smart, 0) == doctest::Approx(value(plain, 0) + smart.shaped.at("smart").get<double>()));
  CHECK(smart.shaped.at("smart").get<double>() > 1e-4);
  CHECK(smart.shaped.at("proximal").get<double>() == 0);  // nothing has moved yet
  CHECK(value(smart, 1) == value(plain, 1));
}

TEST_CASE("multitask: smart's proximal term is the distance to the slow average's say") {
  MultitaskStep s({task_of("mood", Predicts::label), task_of("stars", Predicts::number)});
  RobustOptions o = moved_by("smart");
  o.smart_weight = 0;
  o.smart_proximal = 3;
  multitask::Robustness robust(o, s.set, s.model->net, 3);
  for (Tensor t : s.model->net.params.trainable())
    for (long i = 0; i < t.numel(); ++i) t.data()[i] += real(0.1 * std::sin(double(i)));
  robust.begin(1, 100);
  const double plain = double(s.losses({}).tasks[0].item());
  const multitask::Losses held = s.losses(o, &robust);
  CHECK(held.shaped.at("proximal").get<double>() > 1e-4);
  CHECK(double(held.tasks[0].item()) == doctest::Approx(plain + 3 * held.shaped.at("proximal").get<double>()));
}
