// Few-shot: an encoder learns to learn from few examples, by first-order MAML, Reptile or plain joint training over a
// pool of tasks, and shows how well it does. Read optim/several/meta.h first: the formulas.
#include <algorithm>
#include <numeric>
#include <sstream>

#include "nn/format/files.h"
#include "optim/several/meta.h"
#include "tasks/few_shot/evaluate.h"
#include "tasks/few_shot/options.h"
#include "tasks/objective/epoch_events.h"
#include "tasks/objective/robust.h"
#include "tasks/run/card.h"
#include "tasks/run/training.h"

namespace {

using engine::real;
using engine::Tensor;
using few_shot::Episodes;
using few_shot::PoolTask;
using few_shot::TaskTexts;
using few_shot::TrainOptions;
using nn::ordered_json;

// The classes of one last layer for all: those of an episode, or, trained jointly, those of every task side by side.
std::vector<std::string> labels_of(const std::vector<TaskTexts>& pool, const TrainOptions& o) {
  if (!o.joint()) return few_shot::numbered_classes(o.size.ways);
  std::vector<std::string> labels;
  for (const TaskTexts& task : pool)
    for (const std::string& label : task.examples.labels.names()) labels.push_back(task.name + ": " + label);
  return labels;
}

std::unique_ptr<model::TextModel> new_model(const TrainOptions& o, const std::vector<TaskTexts>& pool) {
  std::vector<text::Example> texts;
  for (const TaskTexts& task : pool) texts.insert(texts.end(), task.examples.rows.begin(), task.examples.rows.end());
  model::BuildOptions build = o.model;
  build.new_head = build.pretrained();
  auto model = model::build(build, {few_shot::classifier_of(labels_of(pool, o))}, texts, o.training.seed);
  if (build.pretrained() || !o.joint()) few_shot::zero_classifier(*model);  // so every episode begins
  return model;
}

run::Frame frame_of(const TrainOptions& o, const run::Options& options, const spec::TaskFile& file,
                    const std::vector<PoolTask>& pool, const model::TextModel& model) {
  run::Frame frame;
  frame.options = options.effective();
  frame.steps_per_epoch = (o.training.max_steps + 9) / 10;  // a tenth counts as an epoch
  frame.default_lr = o.model.default_lr();
  if (!o.joint()) frame.own_steps = few_shot::is_last_layer;
  frame.unit = "texts";
  frame.where = [&pool](long number) { return fmt::format("an episode of '{}'", pool[number].name); };
  run::Fingerprint data = few_shot::fingerprint_of(pool, model.tokenizer);
  o.shaping.add_to(data);
  frame.data = data.text();
  for (const spec::TaskSpec& task : file.tasks)
    for (const std::string& path : task.files.paths()) frame.inputs.push_back(path);
  for (const std::string& path : {o.tasks, o.shaping.guide})
    if (!path.empty()) frame.inputs.push_back(path);
  for (const std::string& path : o.model.inputs()) frame.inputs.push_back(path);
  for (const std::string& path : o.robust.inputs()) frame.inputs.push_back(path);
  return frame;
}

// What a step has seen: sums over its texts.
struct Seen {
  double loss = 0, correct = 0, texts = 0;
  ordered_json terms = ordered_json::object();  // where attention is shaped: each, times the texts
  void add(const Seen& more) {
    loss += more.loss;
    correct += more.correct;
    texts += more.texts;
    for (const auto& [name, value] : more.terms.items()) terms[name] = terms.value(name, 0.) + value.get<double>();
  }
};

// A forward and a backward on texts of an episode, and what an adversary adds to them.
class Learner {
 public:
  Learner(const TrainOptions& o, model::TextModel& model, run::Training& training)
      : joint_(o.joint()),
        smoothing_(real(o.label_smoothing)),
        model_(model),
        training_(training),
        shaping_(o.shaping, {}, model.tokenizer),
        robust_(o.robust, {}, model.net, o.training.seed) {}

  Seen operator()(const Episodes::Drawn& drawn, const text::EncodedSet& part) {
    engine::Indices rows(part.size());
    std::iota(rows.begin(), rows.end(), 0);
    const text::Batch batch = text::pack(part, rows);
    spec::Task task;  // a label out of as many as there are logits
    task.loss_options.label_smoothing = smoothing_;
    engine::Indices& classes = task.targets[spec::kTrain].classes = batch.labels;
    if (joint_)
      for (int& label : classes) label = drawn.episode.classes[label];
    Seen seen{0, 0, double(part.size())};
    const auto backward = [&](const run::Terms& terms) { walk(drawn, terms, seen); };
    nn::Trace trace;
    const nn::Encoded x = robust_.encode(training_.step(), batch, shaping_.ask(trace));  // [N] -> [B, C]
    const Tensor logits = of_task(drawn, model_.net.head()(x, shaping_.ask(trace)));     // -> [B, classes]
    run::Terms terms;
    robust_.add_task_loss(terms, "cross_entropy", 1, task, logits, batch, shaping_,
                          [&] { return of_task(drawn, model_.net(batch.tokens)); });
    shaping_.add_to(terms, trace, batch);
    backward(terms);
    const auto said = [&](const nn::Encoded& e) { return of_task(drawn, model_.net.head()(e)); };
    robust_.more_passes({said, backward, training_.steps()}, task, 1, batch);
    const std::vector<real> best = engine::argmax(text::mean_over_windows(logits, batch).detach()).to_vector();
    for (size_t b = 0; b < best.size(); ++b) seen.correct += int(best[b]) == classes[b];
    return seen;
  }

 private:
  // Nothing happens in a step that is given up.
  void walk(const Episodes::Drawn& drawn, const run::Terms& terms, Seen& seen) const {
    const Tensor loss = terms.sum();
    if (!training_.sound(loss, {drawn.number})) return;
    engine::backward(loss);
    seen.loss += double(loss.item()) * seen.texts;
    if (terms.plain()) return;
    for (const auto& [name, value] : terms.values().items())
      seen.terms[name] = seen.terms.value(name, 0.) + seen.texts * value.get<double>();
  }
  // Trained jointly, a task has its own classes, all of them.
  Tensor of_task(const Episodes::Drawn& drawn, const Tensor& logits) const {
    const long first = drawn.task.first_class, count = long(drawn.task.labels.size());
    return joint_ ? slice(logits, 1, first, first + count) : logits;
  }

  bool joint_;
  real smoothing_;
  model::TextModel& model_;
  run::Training& training_;
  objective::Shaping shaping_;
  objective::Robust robust_;
};

// The last step's line of the log that has a loss.
ordered_json last_figures(const std::string& path) {
  std::istringstream log(nn::read_file(path));
  ordered_json last;
  for (std::string line; std::getline(log, line);)
    if (const ordered_json figures = ordered_json::parse(line); figures.contains("loss")) last = figures;
  engine::check(!last.is_null(), "{}: every step was skipped: no loss was a number", path);
  return last;
}

// The last step's figures, of a run that was complete when it was continued, too.
void report(const run::Training& training, const TrainOptions& o) {
  const ordered_json last = last_figures(training.run().file("log.jsonl"));
  ordered_json result{{"method", o.method}, {"steps", training.steps()}, {"episodes", training.steps() * o.episodes}};
  for (const char* name : {"loss", "accuracy", "lr", "grad_norm"}) result[name] = last.at(name);
  const double seconds = run::write_result(training.run(), result);
  run::write_card(training.run(), {.program = "few_shot",
                                   .pipeline = "feature-extraction",
                                   .about = "An encoder that learns new classes of texts from few examples of each.",
                                   .figures = {{"accuracy", last.at("accuracy")}, {"loss", last.at("loss")}},
                                   .measured_on = "training"});
  fmt::print("result task=few_shot method={} steps={} loss={:.4f} accuracy={:.4f} seconds={:.0f} out={}\n", o.method,
             training.steps(), last.at("loss").get<double>(), last.at("accuracy").get<double>(), seconds,
             o.training.out);
}

// One episode: what it teaches is in `meta` then, and theta as it was.
Seen learn_episode(const TrainOptions& o, Learner& learn, optim::MetaGradient& meta, const Episodes::Drawn& drawn) {
  const auto& [classes, support, query] = drawn.episode;
  Seen seen;
  for (long k = 0; k < o.inner_steps && !o.joint(); ++k) {        // theta' <- theta' - a dL(theta')
    seen = learn(drawn, o.reptile() && k % 2 ? query : support);  // reptile: all texts, by turns
    meta.inner_step(o.inner_lr);
  }
  if (!o.reptile())  // the gradient at theta', which is theta without inner steps
    seen = learn(drawn, o.joint() ? few_shot::together(support, query) : query);
  meta.end_task();
  return seen;
}

void train(run::Options& options, const run::Parse& parse) {
  TrainOptions o;
  o.declare(options);
  parse();
  o.settle(options);
  run::print_setup("few_shot", "train");
  const spec::TaskFile file = spec::read_task_file(o.tasks);
  if (o.training.resume.empty())
    for (const spec::TaskSpec& task : file.tasks) few_shot::check_keys(task);
  const std::vector<TaskTexts> texts = few_shot::read_pool(file, o.hold_out);
  const auto model = new_model(o, texts);
  const std::vector<PoolTask> pool = few_shot::encode(texts, *model, o.robust, o.training.seed);
  const Episodes episodes(pool, o.size, o.training.seed);
  run::Training training(o.training, model->net.params, frame_of(o, options, file, pool, *model));
  Learner learn(o, *model, training);
  optim::MetaGradient meta(o.reptile() ? optim::MetaMethod::reptile : optim::MetaMethod::fomaml,
                           model->net.params.trainable());

  while (training.next_step()) {
    Seen step;
    meta.begin();                          // theta
    for (long e = 0; e < o.episodes; ++e)  // N classes, K + Q texts of each
      step.add(learn_episode(o, learn, meta, episodes.at(training.step(), e)));
    meta.finish();  // d theta
    for (auto& [name, value] : step.terms.items()) value = value.get<double>() / step.texts;
    training.note_loss(step.loss / step.texts, step.terms);      // nobody reads it where the step is given up
    training.update({{"accuracy", step.correct / step.texts}});  // theta changes here, only here
    if (!training.epoch_ends()) continue;
    objective::log_attention(training, *model, pool[0].set.windows[0]);
    training.keep_best({}, [&](const std::string& directory) {
      few_shot::save_encoder(*model, directory);
      few_shot::save_pool(directory, o.method, texts);
    });
  }
  report(training, o);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(
      argc, argv, "few_shot", "Learn new tasks from few examples.",
      {{"train", "train an encoder that learns new tasks from few examples", train},
       {"evaluate", "how well a model learns a new task from few examples", few_shot::evaluate_command}});
}
