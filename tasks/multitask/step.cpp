// From draws to batches, from logits to losses. Read tasks/spec/loss.h and nn/model/model.h first.
#include "tasks/multitask/step.h"

#include <algorithm>
#include <unordered_map>

#include "engine/profile.h"
#include "tasks/spec/loss.h"

namespace multitask {

using engine::real;
using nn::ordered_json;
using spec::kTrain;

namespace {

// What each task's texts weigh in its loss.    [T]
std::vector<double> weights_of(const TaskSet& set, const std::vector<Draw>& draws,
                               const std::vector<objective::ClassLoss>& bent) {
  std::vector<double> weights(set.tasks.size());
  for (const Draw& draw : draws) {
    const spec::Task& task = set.tasks[draw.task];
    const spec::Targets& targets = task.targets[kTrain];
    for (const int i : draw.places)
      weights[draw.task] += bent.empty() ? spec::weight_in_loss(task, targets, targets.rows[i])
                                         : bent[draw.task].weight_in_loss(task, targets, targets.rows[i]);
  }
  return weights;
}

// The texts of the tasks that read this corpus, each text once; no reader, no part.
Part part_of(const TaskSet& set, int corpus, const std::vector<Draw>& draws) {
  Part part{corpus, {}, {}};
  Indices rows;                        // of the corpus
  std::unordered_map<int, int> place;  // of a row in the batch
  for (const Draw& draw : draws) {
    const spec::Task& task = set.tasks[draw.task];
    if (task.corpus != corpus) continue;
    Part::Reader& reader = part.readers.emplace_back(Part::Reader{draw.task, {}});
    for (const int i : draw.places) {
      const int row = task.targets[kTrain].rows[i];
      const auto [at, fresh] = place.try_emplace(row, int(rows.size()));
      if (fresh) rows.push_back(row);
      reader.which.push_back(at->second);
    }
  }
  if (!part.readers.empty()) part.batch = text::pack(set.corpora[corpus].texts[kTrain], rows);
  return part;
}

}  // namespace

std::vector<std::vector<Part>> batches_of(const TaskSet& set, const std::vector<Draw>& all, int count, bool all_tasks,
                                          const std::vector<objective::ClassLoss>& bent) {
  const std::vector<double> total = weights_of(set, all, bent);
  std::vector<Draw> draws = all;
  if (!all_tasks) std::erase_if(draws, [&](const Draw& draw) { return total[draw.task] == 0; });
  std::vector<std::vector<Part>> batches;
  std::vector<double> texts(set.corpora.size());  // that pass through the encoder
  for (const std::vector<Draw>& some : shared_out(draws, count)) {
    const std::vector<double> weights = weights_of(set, some, bent);
    std::vector<Part>& parts = batches.emplace_back();
    for (int c = 0; c < int(set.corpora.size()); ++c) {
      Part part = part_of(set, c, some);
      for (Part::Reader& reader : part.readers)
        reader.share = total[reader.task] > 0 ? weights[reader.task] / total[reader.task] : 0;
      texts[c] += double(part.batch.rows.size());
      if (!part.readers.empty()) parts.push_back(std::move(part));
    }
  }
  for (std::vector<Part>& parts : batches)
    for (Part& part : parts) part.batch.share = double(part.batch.rows.size()) / texts[part.corpus];
  engine::profile_end("batch", engine::Pass::other);
  return batches;
}

Robustness::Robustness(const objective::RobustOptions& options, const TaskSet& set, nn::Model& net, uint64_t seed)
    : adversary(options, net, seed), proximal(options.smart_proximal) {
  for (const spec::Task& task : set.tasks)
    losses.push_back(spec::within(task.spec.where, [&] { return objective::ClassLoss(options, task); }));
  if (options.is_proximal()) slow.emplace(net.params);
}

void Robustness::begin(long now, long steps) {
  step = now;
  if (slow) slow->follow(now, steps);
}

namespace {

Tensor scaled(const Tensor& x, double share) { return share == 1 ? x : x * real(share); }

void add_shared(ordered_json& sums, const std::string& name, double value) {
  sums[name] = sums.value(name, 0.) + value;
}

// A part on its way through the model; several times, where robustness or R-Drop ask for it.
class Pass {
 public:
  Pass(const model::TextModel& model, const TaskSet& set, const Part& part, const objective::Shaping* shaping,
       Robustness* robust)
      : model_(model), set_(set), part_(part), shaping_(shaping), robust_(robust) {
    std::vector<size_t> heads;
    for (const Part::Reader& reader : part.readers) heads.push_back(size_t(reader.task));
    rows_ = model.net.rows_of(heads);
  }

  void add_to(Losses& losses) {
    if (robust_) robust_->adversary.begin(robust_->step);
    std::vector<objective::Place> places{{}};
    if (robust_) places = robust_->adversary.places(part_.batch, [&](const Tensor& delta) { return searched(delta); });
    const nn::Encoded first = encode(places[0].delta, look());
    std::vector<Tensor> logits;  // of the readers, [B, K] each
    for (const Part::Reader& reader : part_.readers) {
      logits.push_back(model_.net.heads[reader.task](first, look()));
      add(losses, reader, loss_of(reader, logits.back(), losses.shaped), places[0].weight);
    }
    const bool smart = robust_ && robust_->adversary.is("smart");
    for (size_t p = 1; p < places.size(); ++p)
      at(encode(places[p].delta, nullptr), [&](size_t r, const Tensor& y) {
        const Part::Reader& reader = part_.readers[r];
        if (!smart)
          add(losses, reader, bent(reader, y), places[p].weight);
        else
          add_distance(losses, "smart", reader, logits[r], y, places[p].weight);
      });
    if (!robust_ || !robust_->slow) return;
    std::vector<Tensor> before(part_.readers.size());
    robust_->slow->with([&] { at(encode({}, nullptr), [&](size_t r, const Tensor& y) { before[r] = y; }); });
    for (size_t r = 0; r < before.size(); ++r)
      add_distance(losses, "proximal", part_.readers[r], logits[r], before[r], robust_->proximal);
  }
  const nn::Trace& trace() const { return trace_; }

 private:
  nn::Trace* look() { return shaping_ ? shaping_->ask(trace_) : nullptr; }
  nn::Encoded encode(const Tensor& delta, nn::Trace* look) const {
    if (robust_) return robust_->adversary.run(part_.batch, delta, rows_, look);
    return model_.net.encoder(part_.batch.tokens, rows_, look);
  }
  // Every reader's logits of an encoded part; of those that count nothing, too, so that the masks stay in step.
  template <class Use>
  void at(const nn::Encoded& x, Use use) const {
    for (size_t r = 0; r < part_.readers.size(); ++r) use(r, model_.net.heads[part_.readers[r].task](x));
  }
  static void add(Losses& losses, const Part::Reader& reader, const Tensor& loss, double weight) {
    Tensor& sum = losses.tasks[reader.task];
    const Tensor more = scaled(loss, reader.share * weight);
    sum = sum ? sum + more : more;
  }
  bool has_classes(const Part::Reader& reader) const {
    return reader.share > 0 && objective::one_of_several(set_.tasks[reader.task].spec);
  }
  Tensor distance(const Part::Reader& reader, const Tensor& a, const Tensor& b) const {
    return symmetric_kl(text::logits_of(a, part_.batch, reader.which), text::logits_of(b, part_.batch, reader.which));
  }
  void add_distance(Losses& losses, const char* name, const Part::Reader& reader, const Tensor& a, const Tensor& b,
                    double weight) const {
    if (!has_classes(reader)) return;
    const Tensor d = distance(reader, a, b);
    add_shared(losses.shaped, name, reader.share * double(d.item()));
    add(losses, reader, d, weight);
  }

  // The loss of one task over its texts of the part, bent where that is asked for.    [B, K] -> []
  Tensor bent(const Part::Reader& reader, const Tensor& logits) const {
    const spec::Task& task = set_.tasks[reader.task];
    if (reader.share == 0) return sum(logits) * real(0);
    if (!robust_) return spec::task_loss(task, task.targets[kTrain], logits, part_.batch, reader.which);
    engine::Random random = robust_->adversary.random(0);
    random.seed += uint64_t(reader.task);
    return robust_->losses[reader.task](task, logits, part_.batch, reader.which, random);
  }
  Tensor loss_of(const Part::Reader& reader, const Tensor& logits, ordered_json& shaped) {
    const spec::Task& task = set_.tasks[reader.task];
    if (!shaping_ || !shaping_->runs_twice() || !has_classes(reader)) return bent(reader, logits);
    if (!second_) second_ = model_.net.encoder(part_.batch.tokens, rows_);
    const nn::TwoPasses both =
        shaping_->two_passes(task, logits, model_.net.heads[reader.task](*second_), part_.batch, reader.which);
    add_shared(shaped, "r_drop", reader.share * double(both.distance.item()));
    return both.loss + both.distance * real(shaping_->distance_weight());
  }
  // What the adversary climbs.    [N, C] -> []
  Tensor searched(const Tensor& delta) {
    const bool smart = robust_->adversary.is("smart");
    if (smart && clean_.empty()) {
      const engine::NoGrad no_grad;
      at(encode({}, nullptr), [&](size_t, const Tensor& y) { clean_.push_back(y); });
    }
    Tensor sum = Tensor::zeros({});
    at(encode(delta, nullptr), [&](size_t r, const Tensor& y) {
      if (!smart)
        sum = sum + bent(part_.readers[r], y);
      else if (has_classes(part_.readers[r]))
        sum = sum + distance(part_.readers[r], y, clean_[r]);
    });
    return sum;
  }

  const model::TextModel& model_;
  const TaskSet& set_;
  const Part& part_;
  const objective::Shaping* shaping_;
  Robustness* robust_;
  nn::Rows rows_;
  nn::Trace trace_;
  std::optional<nn::Encoded> second_;
  std::vector<Tensor> clean_;
};

}  // namespace

void Losses::add_shaped_to(ordered_json& terms) const {
  for (const auto& [name, value] : shaped.items()) add_shared(terms, name, value);
}

Losses losses_of(const model::TextModel& model, const TaskSet& set, const std::vector<Part>& parts,
                 const std::vector<objective::Shaping>& shaping, Robustness* robust) {
  Losses losses{std::vector<Tensor>(set.tasks.size()), {}, ordered_json::object()};
  for (const Part& part : parts) {
    const objective::Shaping* shape = shaping.empty() ? nullptr : &shaping[part.corpus];
    Pass pass(model, set, part, shape, robust);  // [N] -> [N, C], [B, C]
    pass.add_to(losses);
    if (!shape || !shape->looks_at_attention()) continue;
    run::Terms terms;
    shape->add_to(terms, pass.trace(), part.batch);
    for (const auto& [name, value] : terms.values().items())
      add_shared(losses.shaped, name, part.batch.share * value.get<double>());
    if (terms.empty()) continue;  // all of weight 0
    const Tensor sum_of_terms = scaled(terms.sum(), part.batch.share);
    losses.extra = losses.extra ? losses.extra + sum_of_terms : sum_of_terms;
  }
  return losses;
}

}  // namespace multitask
