// What is the same in every training loop. Read tasks/run/training.h first, and tasks/sentiment/main.cpp: a loop.
#include "tasks/run/training.h"

#include <algorithm>
#include <cmath>

#include "engine/graph.h"
#include "engine/profile.h"
#include "engine/strings.h"
#include "optim/clip.h"
#include "tasks/run/console.h"
#include "tasks/run/event_log.h"

namespace run {

using engine::check;
using engine::Tensor;
using nn::ordered_json;

namespace {

// Freezes, then lists what the optimiser moves: the model's parameters in their order, then those beside it.
std::vector<Tensor> trained_tensors(const TrainingOptions& options, nn::Params& params, const Frame& frame) {
  for (const std::string& pattern : options.freeze) params.freeze(pattern);
  std::vector<Tensor> trained = params.trainable();
  if (frame.own_steps) std::erase_if(trained, [&](const Tensor& t) { return frame.own_steps(t.name()); });
  trained.insert(trained.end(), frame.also_trained.begin(), frame.also_trained.end());
  check(!trained.empty(), "{}",
        options.freeze.empty() ? "there is nothing to train" : "--freeze leaves nothing to train");
  return trained;
}

// PATTERN=FACTOR of --lr-of.
std::vector<optim::RateOf> rates_of(const std::vector<std::string>& specs, const std::vector<Tensor>& trained) {
  std::vector<optim::RateOf> rates;
  for (const std::string& spec : specs) {
    const size_t equals = spec.rfind('=');
    if (equals == spec.npos)
      usage_error("--lr-of {}: a pattern over names, an equals sign, a factor", engine::shown(spec));
    const std::optional<double> factor = engine::parse_number<double>(spec.substr(equals + 1));
    if (!factor || !(*factor >= 0 && *factor <= 1e6))
      usage_error("--lr-of {}: the factor is not a number from 0 to 1e6", engine::shown(spec));
    rates.push_back({spec.substr(0, equals), *factor});
    const std::vector<double> factors = optim::rate_factors(trained, {{rates.back().names, 0}});
    if (std::ranges::find(factors, 0.0) == factors.end())
      usage_error("--lr-of {}: no parameter that is trained fits; names look like '{}'", engine::shown(spec),
                  trained.back().name());
  }
  return rates;
}

constexpr long kBudget = 1'000'000'000;  // steps of the schedule over a budget that is not counted in steps

optim::Optimizer make_optimizer(const TrainingOptions& o, const std::vector<Tensor>& trained) {
  const std::vector<optim::RateOf> rates = rates_of(o.lr_of, trained);
  if (o.optimizer == "sgd")
    return optim::Sgd(trained, {.momentum = o.momentum, .weight_decay = o.weight_decay, .rates = rates});
  optim::AdamWOptions adam;
  adam.variant = optim::adam_variant(o.adam_variant);
  adam.beta1 = o.beta1;
  adam.beta2 = o.beta2;
  adam.eps = o.adam_eps.value_or(adam.variant == optim::AdamVariant::torch ? 1e-8 : 1e-6);
  adam.weight_decay = o.weight_decay;
  adam.rates = rates;
  if (o.optimizer == "muon") return optim::Muon(trained, {.momentum = o.momentum, .adamw = adam});
  return optim::AdamW(trained, adam);
}

std::vector<Tensor> saved_tensors(const nn::Params& params, const Frame& frame, const optim::Optimizer& optimizer) {
  std::vector<Tensor> saved = params.own();  // a base's come from its directory again
  for (const std::vector<Tensor>& more : {frame.also_trained, frame.also_saved, optimizer.state()})
    saved.insert(saved.end(), more.begin(), more.end());
  return saved;
}

// With a base, what it is belongs to what is learned from: another one is not resumed on.
Plan plan_of(const TrainingOptions& o, const nn::Params& params, const Frame& frame, long steps) {
  check_event_directory(o);
  const std::string& base = params.base_fingerprint();
  return {.place = {o.out, o.overwrite, !o.resume.empty(), frame.inputs, frame.also_written},
          .options = frame.options,
          .data = frame.data + (base.empty() ? "" : fmt::format("base model {}\n", base)),
          .steps = steps,
          .steps_per_epoch = frame.steps_per_epoch,
          .used = frame.used,
          .patience = o.patience,
          .events = event_directory(o)};
}

optim::Schedule schedule_of(const TrainingOptions& o, const Frame& frame, long steps) {
  const optim::Schedule schedule{.kind = optim::schedule_kind(o.schedule),
                                 .lr = o.lr.value_or(frame.default_lr),
                                 .steps = steps,
                                 .warmup = long(o.warmup * double(steps))};
  check(schedule.kind != optim::ScheduleKind::polynomial || schedule.lr > schedule.end_lr,
        "--schedule polynomial falls to {}: --lr {} is no more than that", schedule.end_lr, schedule.lr);
  return schedule;
}

}  // namespace

Training::Training(const TrainingOptions& options, nn::Params& params, const Frame& frame)
    : options_(options),
      params_(params),
      frame_(frame),
      steps_(frame.used ? frame.most_steps : options.steps(frame.steps_per_epoch)),
      trained_(trained_tensors(options, params, frame)),
      optimizer_(make_optimizer(options, trained_)),
      schedule_(schedule_of(options, frame, frame.used ? kBudget : steps_)),
      run_(plan_of(options, params, frame, steps_)) {
  saved_ = saved_tensors(params, frame, optimizer_);
  if (!options.resume.empty()) run_.restore(saved_);
  if (frame.used)
    print_note("seed {}, steps of {} {}, peak learning rate {:g}, into {}\n\n", options.seed,
               long(options.batch_size) * options.accumulate, frame.unit, schedule_.lr, options.out);
  else
    print_note("seed {}, {} steps of {} {}, peak learning rate {:g}, into {}\n\n", options.seed, steps_,
               long(options.batch_size) * options.accumulate, frame.unit, schedule_.lr, options.out);
}

bool Training::next_step() {
  const bool began = open_, saved = open_ && run_.due_for_save();
  if (saved) save();
  open_ = run_.next_step();
  if (open_) {
    params_.train(run_.step());
    rate_ = schedule_(frame_.used ? std::lround(frame_.used() * double(kBudget)) : run_.step());
    loss_ = 0;
    terms_ = ordered_json::object();
    given_up_ = false;
    norm_.reset();
    rows_.clear();
    return true;
  }
  if (began && !saved) save();
  if (!run_.interrupted() && began && run_.skipped())
    run_.say(fmt::format("{} of {} steps were skipped", run_.skipped(), run_.step() + 1));
  if (!run_.interrupted()) return false;
  run_.leave();
}

void Training::require_finite_weights() const {
  run_.require_finite(params_.own());
  run_.require_finite(frame_.also_trained);
}

void Training::save() const {
  require_finite_weights();
  run_.save(saved_);
}

void Training::backward(const Terms& terms, double share, const engine::Indices& rows) {
  const Tensor loss = terms.sum();
  if (!sound(loss, rows)) return;
  norm_.reset();
  engine::backward(share == 1 ? loss : loss * engine::real(share));
  loss_ += share * double(loss.item());
  if (terms.plain()) return;
  for (const auto& [name, value] : terms.values().items())
    terms_[name] = terms_.value(name, 0.) + share * value.get<double>();
}

void Training::note_loss(double loss, const ordered_json& terms) {
  loss_ += loss;
  terms_.update(terms);
}

double Training::part_of_peak() const { return rate_ / schedule_.lr; }

bool Training::update(const ordered_json& more) {
  check(open_, "training: update() belongs to a step");
  if (EventLog* events = run_.events(); events && (run_.step() == 0 || run_.epoch_ends() || frame_.used))
    events->sparingly("parameters", [&] { events->parameters(run_.step() + 1, trained_); });
  const bool moves = sound();
  if (moves) optimizer_.step(rate_, optim::clip_factor(trained_, *norm_, options_.clip));
  params_.clear_grads();
  engine::clear_grads(frame_.also_trained);
  params_.eval();
  ordered_json figures{{"lr", rate_}, {"skipped", run_.skipped()}};
  if (moves) {
    figures = {{"loss", loss_}, {"lr", rate_}, {"grad_norm", *norm_}};
    figures.update(terms_);
    if (more.is_object()) figures.update(more);
  }
  run_.log(figures);
  return moves;
}

bool Training::keep_best(std::optional<double> merit, const std::function<void(const std::string&)>& save) {
  require_finite_weights();
  const bool best = !merit || run_.is_best(*merit);
  if (!best && run_.has("best")) return false;  // a merit that is no number is kept as long as there is nothing else
  run_.replace_best(save);
  return true;
}

text::Batches batches_of(const text::EncodedSet& train, const TrainingOptions& o) {
  return text::Batches(train, o.batch_size * o.accumulate, !o.no_shuffle, o.seed);
}

}  // namespace run
