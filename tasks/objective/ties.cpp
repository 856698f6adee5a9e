// From a step's number to texts, from texts to what two heads make of them, from there to one loss a tie.
// Read tasks/objective/ties.h, nn/model/model.h and nn/loss/attention_transfer.h first.
#include "tasks/objective/ties.h"

#include <algorithm>

#include "nn/loss/agreement.h"
#include "nn/loss/attention_transfer.h"
#include "nn/loss/similarity.h"
#include "tasks/model/predict.h"
#include "tasks/run/console.h"
#include "tasks/text/views.h"

namespace objective {

using engine::check;
using engine::Indices;
using engine::real;
using nn::ordered_json;

namespace {

constexpr long kMostTexts = 1000;  // of a corpus, for CKA

// The texts of a tie: those of the target's examples, all training texts of its corpus, or a file.
std::vector<text::Example> texts_of(const spec::TieSpec& spec, const spec::Task& target, const spec::TaskSet& set) {
  const std::vector<text::Example>& train = set.corpora[target.corpus].examples[spec::kTrain];
  if (spec.texts == "corpus") return train;
  if (spec.texts != "target") {
    spec::DataOptions files;
    files.text_column = spec.text_column;
    return spec::within(spec.where + ".texts", [&] { return files.read({spec.texts}, {}, false).rows; });
  }
  std::vector<text::Example> chosen;
  for (int row : target.targets[spec::kTrain].rows) chosen.push_back(train[row]);
  return chosen;
}

// Whether these two heads can be tied like this.
void check_pair(const spec::TieSpec& spec, const model::TextModel& model, size_t from, size_t to) {
  const spec::TaskSpec *a = &model.tasks[from], *b = &model.tasks[to];
  for (const size_t t : {from, to}) {
    const spec::TaskSpec& task = model.tasks[t];
    check(spec.agreement || task.head != nn::Predicts::tags, "{}: task '{}' reads every token by itself", spec.where,
          task.name);
    check(spec.agreement || spec.what == "context" || model.net.heads[t].config.reads == nn::Reads::attention,
          "{}: task '{}' has no attention of its own; \"reads\": \"attention\" gives it one", spec.where, task.name);
    check(!spec.agreement || (task.head == nn::Predicts::label && task.loss == "cross_entropy"),
          "{}: task '{}' does not predict one class of a text by cross_entropy", spec.where, task.name);
  }
  check(spec.agreement || from != to, "{}: task '{}' cannot be tied to itself", spec.where, a->name);
  check(!spec.agreement || a->labels.names() == b->labels.names(), "{}: the tasks '{}' and '{}' have other labels",
        spec.where, a->name, b->name);
  const long q_from = model.net.heads[from].config.queries, q_to = model.net.heads[to].config.queries;
  check(spec.what != "queries" || q_from == q_to, "{}: '{}' has {} queries, '{}' has {}; they cannot be handed over",
        spec.where, a->name, q_from, b->name, q_to);
}

size_t head_of(const spec::TieSpec& spec, const char* key, const std::string& name, const model::TextModel& model) {
  std::vector<std::string> names;
  for (const spec::TaskSpec& task : model.tasks) names.push_back(task.name);
  spec::check_name(spec.where + "." + key, name, names);
  return size_t(std::find(names.begin(), names.end(), name) - names.begin());
}

}  // namespace

double tie_weight(const std::string& schedule, double w, double p) {
  return schedule == "rise" ? w * p : schedule == "decay" ? w * (1 - p) : w;
}

Ties::Ties(const spec::TaskFile& file, const model::TextModel& model, const spec::TaskSet& set,
           const run::TrainingOptions& o, long steps, long steps_per_epoch)
    : model_(model), seed_(o.seed), steps_(steps), steps_per_epoch_(steps_per_epoch) {
  ties_.reserve(file.ties.size());  // batches refer to their texts
  for (const spec::TieSpec& spec : file.ties) {
    const size_t from = head_of(spec, spec.agreement ? "tasks" : "from", spec.from, model);
    const size_t to = head_of(spec, spec.agreement ? "tasks" : "to", spec.to, model);
    check_pair(spec, model, from, to);
    check(spec.what != "queries" || spec.after * steps_per_epoch < steps,
          "{}.after: the queries are handed over after epoch {}; the run is over by then", spec.where, spec.after);
    Tie& tie = ties_.emplace_back(Tie{spec, from, to, {}, {}});
    if (spec.what == "queries") continue;
    tie.texts = text::encode(texts_of(spec, set.tasks[to], set), model.tokenizer, model.reading.max_length,
                             model.reading.how());
    check(tie.texts.size() > 0, "{}.texts: there are none", spec.where);
    const uint64_t order = o.seed ^ engine::hash_of(fmt::format("tie {}", ties_.size()));  // not that of the examples
    tie.batches.emplace(tie.texts, spec.batch_size ? int(spec.batch_size) : o.batch_size, true, order);
    run::print_note("tie    {:>6} texts, {} of {} and {}, weight {:g} {}\n", tie.texts.size(), spec.what, spec.from,
                    spec.to, spec.weight, spec.schedule);
  }
}

void Ties::add_to(run::Fingerprint& print) const {
  for (const Tie& tie : ties_)
    for (const text::Encoding& window : tie.texts.windows)
      print.add("ties", {reinterpret_cast<const char*>(window.ids.data()), window.ids.size() * sizeof window.ids[0]});
}

Tensor Ties::alignment(const Tie& tie, const text::Batch& batch) const {
  const nn::Head &source = model_.net.heads[tie.from], &target = model_.net.heads[tie.to];
  const nn::Encoded x = model_.net.encoder(batch.tokens, model_.net.rows_of({tie.from, tie.to}));
  nn::Trace from, to;
  {
    const engine::NoGrad stop;
    source(x, &from);
  }
  target(x, &to);
  if (tie.spec.what == "attention") {
    const nn::AttentionMaps &a = from.attention.back(), &b = to.attention.back();
    return nn::attention_mean_kl(b.probs, b.layout, a.probs, a.layout);
  }
  return nn::hidden_cosine(mean_over_queries(to.context, target.config.queries),
                           mean_over_queries(from.context, source.config.queries));
}

Tensor Ties::agreement(const Tie& tie, const text::Batch& batch, long step) const {
  const engine::Random random{seed_, engine::Stream::shuffle, uint32_t(step), 2};
  const auto [first, second] = text::two_views(batch.tokens, tie.spec.views, tie.spec.share, random);
  const auto logits = [&](size_t head, const nn::Tokens& tokens) {
    const nn::Encoded x = model_.net.encoder(tokens, model_.net.rows_of({head}));
    return text::mean_over_windows(model_.net.heads[head](x), batch);  // -> [B, K]
  };
  const Tensor a = logits(tie.from, first), b = logits(tie.to, second);
  return tie.spec.what == "jensen_shannon" ? nn::jensen_shannon(a, b) : symmetric_kl(a, b);
}

ordered_json Ties::backward(long step) const {
  ordered_json values;
  for (Tie& tie : ties_) {
    if (!tie.batches) continue;
    const double weight = tie_weight(tie.spec.schedule, tie.spec.weight, double(step) / double(steps_));
    if (weight == 0) continue;
    const text::Batch batch = tie.batches->at(step);
    const Tensor loss = tie.spec.agreement ? agreement(tie, batch, step) : alignment(tie, batch);  // -> []
    values[fmt::format("{}({},{})", tie.spec.what, tie.spec.from, tie.spec.to)] = loss.item();
    engine::backward(loss * real(weight));
  }
  return values;
}

void Ties::hand_over(long step) const {
  for (const Tie& tie : ties_) {
    if (tie.spec.what != "queries" || step != tie.spec.after * steps_per_epoch_) continue;
    const Tensor &from = model_.net.heads[tie.from].pool->queries, &to = model_.net.heads[tie.to].pool->queries;
    std::copy_n(from.data(), from.numel(), to.data());
  }
}

Tensor mean_over_queries(const Tensor& context, long queries) {
  if (queries == 1) return context;
  const long B = context.dim(0), C = context.dim(1) / queries;
  return engine::mean(engine::reshape(context, {B, queries, C}), 1);
}

namespace {

// What each of these heads reads of the first dev texts of every corpus: [n, C] a head.
std::vector<Tensor> contexts_of(const model::TextModel& model, const spec::TaskSet& set,
                                const std::vector<size_t>& heads) {
  std::vector<std::vector<Tensor>> contexts(heads.size());  // of every batch, [B, C]
  for (const spec::Corpus& corpus : set.corpora) {
    const text::EncodedSet& texts = corpus.texts[spec::kDev];
    Indices rows;
    for (long i = 0; i < std::min(texts.size(), kMostTexts); ++i) rows.push_back(int(i));
    for (size_t begin = 0; begin < rows.size(); begin += model::kEvaluationBatch) {
      const auto end = rows.begin() + long(std::min(rows.size(), begin + model::kEvaluationBatch));
      const text::Batch batch = text::pack(texts, Indices(rows.begin() + long(begin), end));
      const nn::Encoded x = model.net.encoder(batch.tokens, nn::Rows{});
      for (size_t h = 0; h < heads.size(); ++h) {
        nn::Trace trace;
        const nn::Head& head = model.net.heads[heads[h]];
        head(x, &trace);
        contexts[h].push_back(text::mean_over_windows(mean_over_queries(trace.context, head.config.queries), batch));
      }
    }
  }
  std::vector<Tensor> all;
  for (const auto& parts : contexts)
    if (!parts.empty()) all.push_back(engine::concat(parts, 0));
  return all;
}

}  // namespace

ordered_json likeness_of(const model::TextModel& model, const spec::TaskSet& set) {
  std::vector<size_t> heads;
  for (size_t t = 0; t < model.tasks.size(); ++t)
    if (model.tasks[t].head != nn::Predicts::tags) heads.push_back(t);
  if (heads.size() < 2) return {};
  const engine::NoGrad no_grad;
  const std::vector<Tensor> all = contexts_of(model, set, heads);
  if (all.empty()) return {};
  ordered_json likeness;
  for (size_t a = 0; a < heads.size(); ++a)
    for (size_t b = a + 1; b < heads.size() && all[a].dim(0) > 1; ++b)
      likeness[model.tasks[heads[a]].name + "," + model.tasks[heads[b]].name] = nn::linear_cka(all[a], all[b]);
  return likeness;
}

}  // namespace objective
