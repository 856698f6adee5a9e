// Steps that are given up in the middle of weighing several tasks: who is to blame, and that nothing is remembered.
#include "tasks/multitask/balance.h"

#include "engine/debug.h"
#include "tests/support/tasks.h"

using namespace test;
using multitask::Balance;

namespace {

const char* const kWithGradients[] = {"gradnorm", "pcgrad", "mgda", "cagrad"};
const char* const kOthers[] = {"equal", "uncertainty", "dwa", "gls", "famo", "imtl-l", "stch", "auto-lambda"};

// Two or three tasks on one encoder of word embeddings.
struct Tasks {
  std::unique_ptr<model::TextModel> own;
  const model::TextModel& model;
  explicit Tasks(int count) : own(text_model(tiny_config("attention_pool"), specs(count))), model(*own) {}

  static std::vector<spec::TaskSpec> specs(int count) {
    std::vector<spec::TaskSpec> specs;
    for (int t = 0; t < count; ++t) specs.push_back(task_of(fmt::format("task{}", t), nn::Predicts::label));
    return specs;
  }

  // The losses of a step; task `sick` has one that is a number and a gradient that is none.
  std::vector<Tensor> losses(long step, int sick = -1) const {
    const nn::Tokens tokens{{5, 6, int(5 + step % 2)}, {0, 1, 2}, {0, 0, 0}, {0, 3}};
    std::vector<Tensor> all;
    for (size_t t = 0; t < model.tasks.size(); ++t) {
      Tensor x = model.net.heads[t](model.net.encoder(tokens, model.net.rows_of({t})));  // [1, K]
      if (int(t) == sick)
        x = engine::record("poison", {x}, x.clone(), [x](const Tensor& y) {
          for (long i = 0; i < x.numel(); ++i) x.grad()[i] += y.grad_data()[i] * real(NAN);
        });
      all.push_back(cross_entropy(x, {int(t) % 2}));
    }
    return all;
  }
};

std::vector<std::vector<real>> values_of(const std::vector<Tensor>& tensors) {
  std::vector<std::vector<real>> values;
  for (const Tensor& t : tensors) values.push_back(t.to_vector());
  return values;
}

Balance balance_of(const Tasks& tasks, const std::string& kind) {
  optim::WeightingOptions options;
  options.kind = optim::weighting_kind(kind);
  return Balance(options, 0.1, tasks.model);
}

// A step as the loop of multitask makes it.
void step(Balance& balance, const Tasks& tasks, long number, int sick = -1) {
  if (balance.wants_lookahead())
    balance.look_ahead([&] { return tasks.losses(number); }, [&] { return tasks.losses(number, sick); });
  balance.backward(number, tasks.losses(number, sick));
  balance.coefficients(number);
  if (sick >= 0) {
    balance.take_back();
  } else {
    balance.step();
    if (balance.wants_losses_after()) balance.losses_after(tasks.losses(number + 1));
  }
  tasks.model.net.params.clear_grads();
}

}  // namespace

TEST_CASE(
    "balance: where a task's gradient is no number, the gradients are that task's, and the others' are not spoilt") {
  for (const int count : {2, 3})
    for (const char* kind : kWithGradients) {
      const Tasks tasks(count);
      Balance balance = balance_of(tasks, kind);
      balance.backward(0, tasks.losses(0, 1));
      const std::vector<double> c = balance.coefficients(0);
      CHECK_MESSAGE(c[1] == 1, kind);
      CHECK_MESSAGE(c[0] == 0, kind);
      bool shared_is_sick = false;
      for (const Tensor& p : tasks.model.net.shared())
        shared_is_sick |= p.has_grad() && !engine::all_finite(p.grad_data(), p.numel());
      CHECK_MESSAGE(shared_is_sick, kind);
      for (const Tensor& p : tasks.model.net.params.trainable())
        if (tasks.model.net.heads[0].owns(p) && p.has_grad())
          CHECK_MESSAGE(engine::all_finite(p.grad_data(), p.numel()), kind, " ", p.name());
    }
}

TEST_CASE("balance: a step that is taken back leaves weights, moments and means as they were, whatever the method") {
  std::vector<std::string> kinds(std::begin(kWithGradients), std::end(kWithGradients));
  kinds.insert(kinds.end(), std::begin(kOthers), std::end(kOthers));
  for (const std::string& kind : kinds) {
    const Tasks tasks(2);
    Balance balance = balance_of(tasks, kind), other = balance_of(tasks, kind);
    for (long n = 0; n < 2; ++n)
      for (Balance* b : {&balance, &other}) step(*b, tasks, n);
    const auto before = values_of(balance.state());
    step(balance, tasks, 2, 1);
    CHECK_MESSAGE(values_of(balance.state()) == before, kind);
    for (long n = 2; n < 4; ++n) {
      for (Balance* b : {&balance, &other}) {
        step(*b, tasks, n);
        b->end_epoch();
      }
    }
    CHECK_MESSAGE(values_of(balance.state()) == values_of(other.state()), kind);
    for (const auto& values : values_of(balance.state()))
      CHECK_MESSAGE(engine::all_finite(values.data(), long(values.size())), kind);
  }
}
