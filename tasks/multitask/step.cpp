// From draws to batches, from logits to losses. Read tasks/spec/loss.h and nn/model/model.h first.
#include "tasks/multitask/step.h"

#include <algorithm>
#include <unordered_map>

#include "engine/profile.h"
#include "tasks/spec/loss.h"

namespace multitask {

using engine::real;
using nlohmann::ordered_json;
using spec::kTrain;

namespace {

// What each task's texts weigh in its loss.    [T]
std::vector<double> weights_of(const TaskSet& set, const std::vector<Draw>& draws) {
  std::vector<double> weights(set.tasks.size());
  for (const Draw& draw : draws) {
    const spec::Task& task = set.tasks[draw.task];
    const spec::Targets& targets = task.targets[kTrain];
    for (const int i : draw.places) weights[draw.task] += spec::weight_in_loss(task, targets, targets.rows[i]);
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

std::vector<std::vector<Part>> batches_of(const TaskSet& set, const std::vector<Draw>& all, int count, bool all_tasks) {
  const std::vector<double> total = weights_of(set, all);
  std::vector<Draw> draws = all;
  if (!all_tasks) std::erase_if(draws, [&](const Draw& draw) { return total[draw.task] == 0; });
  std::vector<std::vector<Part>> batches;
  std::vector<double> texts(set.corpora.size());  // that pass through the encoder
  for (const std::vector<Draw>& some : shared_out(draws, count)) {
    const std::vector<double> weights = weights_of(set, some);
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

bool can_run_twice(const spec::TaskSpec& task) {
  return task.head == nn::Predicts::label && task.loss == "cross_entropy";
}

namespace {

Tensor scaled(const Tensor& x, double share) { return share == 1 ? x : x * real(share); }

// A part on its way through the model; a second time, where R-Drop asks for it.
struct Pass {
  const model::TextModel& model;
  const Part& part;
  nn::Trace trace;
  nn::Encoded first;
  std::optional<nn::Encoded> second = {};

  Pass(const model::TextModel& m, const Part& p, const objective::Shaping* shaping) : model(m), part(p) {
    first = encode(shaping ? shaping->ask(trace) : nullptr);
  }
  nn::Encoded encode(nn::Trace* look) const {
    std::vector<size_t> heads;
    for (const Part::Reader& reader : part.readers) heads.push_back(size_t(reader.task));
    return model.net.encoder(part.batch.tokens, model.net.rows_of(heads), look);
  }
  Tensor again(int task) {
    if (!second) second = encode(nullptr);
    return model.net.heads[task](*second);
  }
};

void add_shared(ordered_json& sums, const std::string& name, double value) {
  sums[name] = sums.value(name, 0.) + value;
}

// The loss of one task over its texts of the part.    -> []
Tensor loss_of(const spec::Task& task, const Part::Reader& reader, Pass& pass, const objective::Shaping* shaping,
               ordered_json& shaped) {
  const text::Batch& batch = pass.part.batch;
  const Tensor logits =
      pass.model.net.heads[reader.task](pass.first, shaping ? shaping->ask(pass.trace) : nullptr);  // -> [B, K]
  if (reader.share == 0) return sum(logits) * real(0);
  if (!shaping || !shaping->runs_twice() || !can_run_twice(task.spec))
    return scaled(spec::task_loss(task, task.targets[kTrain], logits, batch, reader.which), reader.share);
  const objective::Shaping::TwoPasses both =
      shaping->two_passes(task, logits, pass.again(reader.task), batch, reader.which);
  add_shared(shaped, "r_drop", reader.share * double(both.distance.item()));
  return scaled(both.loss + both.distance * real(shaping->distance_weight()), reader.share);
}

}  // namespace

void Losses::add_shaped_to(ordered_json& terms) const {
  for (const auto& [name, value] : shaped.items()) add_shared(terms, name, value);
}

Losses losses_of(const model::TextModel& model, const TaskSet& set, const std::vector<Part>& parts,
                 const std::vector<objective::Shaping>& shaping) {
  Losses losses{std::vector<Tensor>(set.tasks.size()), {}, ordered_json::object()};
  for (const Part& part : parts) {
    const objective::Shaping* shape = shaping.empty() ? nullptr : &shaping[part.corpus];
    Pass pass(model, part, shape);  // [N] -> [N, C], [B, C]
    for (const Part::Reader& reader : part.readers)
      losses.tasks[reader.task] = loss_of(set.tasks[reader.task], reader, pass, shape, losses.shaped);
    if (!shape || !shape->looks_at_attention()) continue;
    run::Terms terms;
    shape->add_to(terms, pass.trace, part.batch);
    for (const auto& [name, value] : terms.values().items())
      add_shared(losses.shaped, name, part.batch.share * value.get<double>());
    if (terms.empty()) continue;  // all of weight 0
    const Tensor sum_of_terms = scaled(terms.sum(), part.batch.share);
    losses.extra = losses.extra ? losses.extra + sum_of_terms : sum_of_terms;
  }
  return losses;
}

}  // namespace multitask
