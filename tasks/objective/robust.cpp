// The passes of a step. Read tasks/objective/robust.h first, and tasks/sentiment/main.cpp: the loop.
#include "tasks/objective/robust.h"

#include <numeric>

namespace objective {

using engine::real;

Robust::Robust(const RobustOptions& options, const spec::Task& task, nn::Model& net, uint64_t seed)
    : options_(options), net_(net), loss_(options, task), adversary_(options, net, seed) {
  if (options.is_proximal()) slow_.emplace(net.params);
}

std::vector<Tensor> Robust::state() const { return slow_ ? slow_->state() : std::vector<Tensor>(); }

nn::Encoded Robust::encode(long step, const text::Batch& part, nn::Trace* trace) {
  adversary_.begin(step);
  step_ = step;
  delta_ = adversary_.is("none") || adversary_.is("smart") ? Tensor() : adversary_.first(part);
  return adversary_.run(part, delta_, net_.rows_of(), trace);
}

Tensor Robust::loss_of(const spec::Task& task, const Tensor& logits, const text::Batch& part) const {
  engine::Indices all(part.rows.size());
  std::iota(all.begin(), all.end(), 0);
  return loss_(task, logits, part, all, adversary_.random(0));
}

void Robust::add_task_loss(run::Terms& terms, const std::string& name, double weight, const spec::Task& task,
                           const Tensor& logits, const text::Batch& part, const Shaping& shaping,
                           const std::function<Tensor()>& again) const {
  weight *= first_weight();
  if (!options_.bends_loss()) return shaping.add_task_loss(terms, name, weight, task, logits, part, again);
  terms.add(name, weight, loss_of(task, logits, part));
}

void Robust::more_passes(const Way& way, const spec::Task& task, double weight, const text::Batch& part) {
  if (adversary_.is("none")) return;
  if (adversary_.is("smart")) return smart(way, weight, part);
  if (!delta_.has_grad()) return;  // the step has been given up
  const auto loss = [&](const Tensor& delta) {
    return loss_of(task, way.logits(adversary_.run(part, delta, net_.rows_of())), part);
  };
  const auto counted = [&] {
    run::Terms terms;
    terms.add("adversarial", weight * first_weight(), loss(delta_));
    way.backward(terms);
  };
  delta_ = adversary_.climbed(delta_, part);
  if (adversary_.is("freelb")) {
    for (long k = 1; k < adversary_.ascents(); ++k) {
      counted();
      if (k + 1 < adversary_.ascents()) delta_ = adversary_.climbed(delta_, part);
    }
  } else {
    for (long k = 1; adversary_.is("pgd") && k < adversary_.ascents(); ++k) {
      adversary_.ascend(delta_, loss);
      delta_ = adversary_.climbed(delta_, part);
    }
    counted();
  }
  delta_ = {};
}

void Robust::more_passes(run::Training& training, const spec::Task& task, double weight, const text::Batch& part) {
  more_passes({.logits = [&](const nn::Encoded& x) { return net_.head()(x); },
               .backward = [&](const run::Terms& terms) { training.backward(terms, part.share, part.rows); },
               .steps = training.steps()},
              task, weight, part);
}

void Robust::smart(const Way& way, double weight, const text::Batch& part) {
  const auto said = [&](const Tensor& delta) {
    return text::mean_over_windows(way.logits(adversary_.run(part, delta, net_.rows_of())), part);  // [B, K]
  };
  Tensor clean;
  {
    const engine::NoGrad no_grad;
    clean = said({});
  }
  const auto places = adversary_.places(part, [&](const Tensor& delta) { return symmetric_kl(said(delta), clean); });
  if (slow_ && adversary_.first_part()) slow_->follow(step_, way.steps);
  const Tensor still = said({});
  run::Terms terms;
  terms.add("smart", weight * places[1].weight, symmetric_kl(still, said(places[1].delta)));
  if (slow_) {
    Tensor before;
    slow_->with([&] { before = said({}); });
    terms.add("proximal", weight * options_.smart_proximal, symmetric_kl(still, before));
  }
  way.backward(terms);
}

}  // namespace objective
