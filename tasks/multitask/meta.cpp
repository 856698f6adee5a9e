// Meta-training: first-order MAML, Reptile or plain joint training of an encoder over a pool of tasks. Read
// optim/meta.h and tasks/multitask/episodes.h first.
#include "tasks/multitask/meta.h"

#include <numeric>

#include "optim/clip.h"
#include "optim/meta.h"
#include "tasks/multitask/episodes.h"
#include "tasks/run/training.h"

namespace multitask {

using engine::check;
using engine::real;
using engine::Tensor;
using nlohmann::ordered_json;

namespace {

enum class Method { fomaml, reptile, joint };

struct MetaOptions {
  std::string tasks, method_name = "fomaml";
  std::vector<std::string> hold_out;
  EpisodeSize size;
  long episodes = 4, inner_steps = 5, steps = 1000;
  double inner_lr = 0.1;

  void declare(CLI::App& app, run::TrainOptions& o) {
    const char* group = "Meta-learning";
    app.add_option("--tasks", tasks, "task file: its tasks are the pool")->group(group);
    app.add_option("--hold-out", hold_out, "task of the file that stays out of the pool; may be repeated")
        ->group(group);
    app.add_option("--method", method_name,
                   "fomaml (first-order MAML), reptile, or joint (all tasks with a head each, no inner steps)")
        ->group(group);
    app.add_option("--ways", size.ways, "classes of an episode")->group(group)->check(run::between(2, 1000));
    app.add_option("--shots", size.shots, "texts of a class to learn from")->group(group)->check(run::between(1, 1e6));
    app.add_option("--queries", size.queries, "texts of a class to be tested on")
        ->group(group)
        ->check(run::between(1, 1e6));
    app.add_option("--episodes", episodes, "episodes of a step")->group(group)->check(run::between(1, 1e6));
    app.add_option("--inner-steps", inner_steps, "steps on an episode, of plain SGD")
        ->group(group)
        ->check(run::between(1, 1e6));
    app.add_option("--inner-lr", inner_lr, "their rate")->group(group)->check(run::positive());
    app.add_option("--steps", steps, "steps of the encoder")->group(group)->check(run::between(1, 1e9));
    app.add_option("--lr", o.lr,
                   "highest rate of the encoder's steps; default: as for `train`, with AdamW; of reptile 1, plain SGD")
        ->group(group)
        ->check(run::positive());
    app.add_option("--warmup", o.warmup, "share of the steps in which the rate rises; it falls to 0 then")
        ->group(group)
        ->check(run::between(0.0, 1.0));
    app.add_option("--weight-decay", o.weight_decay, "of fomaml and joint")->group(group)->check(run::not_negative());
    app.add_option("--clip", o.clip, "largest norm of all gradients together, of fomaml and joint; 0: none")
        ->group(group)
        ->check(run::not_negative());
    app.add_option("--seed", o.seed, "of first values, episodes and dropout")
        ->group(group)
        ->check(run::between(0, 9e15));
  }

  Method method() const {
    check_name("--method", method_name, {"fomaml", "reptile", "joint"});
    return method_name == "fomaml" ? Method::fomaml : method_name == "reptile" ? Method::reptile : Method::joint;
  }
};

// One last layer for all: the classes of an episode, or, trained jointly, those of every task side by side.
std::unique_ptr<run::TextModel> make_model(const run::TrainOptions& o, const std::vector<TaskTexts>& pool,
                                           const std::vector<std::string>& labels) {
  if (o.pretrained()) {
    run::ModelDirectory from(o.model);
    run::set_dropout(from.config, o);
    return with_new_classifier(from, labels, o.seed);
  }
  std::vector<text::Example> texts;
  for (const TaskTexts& task : pool) texts.insert(texts.end(), task.examples.rows.begin(), task.examples.rows.end());
  text::WordPiece tokenizer = run::new_tokenizer(o, texts);
  nn::Config config = run::new_config(o, tokenizer.vocab_size(), labels);
  run::set_dropout(config, o);
  config.check_sizes("--model " + o.model);
  auto model = std::make_unique<run::TextModel>(config, std::move(tokenizer), o.seed);
  model->params.initialise();
  return model;
}

std::vector<std::string> labels_of(const std::vector<TaskTexts>& pool, Method method, long ways) {
  std::vector<std::string> labels;
  if (method != Method::joint)
    for (long i = 0; i < ways; ++i) labels.push_back(fmt::format("class {}", i + 1));
  else
    for (const TaskTexts& task : pool)
      for (const std::string& label : task.examples.labels.names()) labels.push_back(task.name + ": " + label);
  return labels;
}

std::vector<PoolTask> encode_pool(const std::vector<TaskTexts>& pool, const run::TextModel& model, int max_length) {
  std::vector<PoolTask> encoded;
  long classes = 0;
  for (const TaskTexts& task : pool) {
    encoded.push_back(encode(task, model.tokenizer, max_length));
    encoded.back().first_class = classes;
    classes += long(encoded.back().labels.size());
    run::print_note("pool    {:<16} {:>6} texts in {} classes\n", task.name, encoded.back().set.size(),
                    encoded.back().labels.size());
  }
  return encoded;
}

// Of an episode's two parts: the loss, and how many texts the model gets right meanwhile.
struct Seen {
  double loss = 0, correct = 0, texts = 0;
};

class Loss {
 public:
  Loss(run::TextModel& model, bool joint) : model_(model), joint_(joint) {}

  // The mean cross-entropy of a part of an episode of `task`.
  Tensor operator()(const Episodes::Drawn& drawn, const text::EncodedSet& part, Seen& seen) const {
    Indices rows(part.size());
    std::iota(rows.begin(), rows.end(), 0);
    text::Batch batch = text::pack(part, rows);
    Tensor logits = mean_over_windows(model_.classifier(batch.tokens), batch);  // [N] -> [B, classes]
    if (joint_) {                                                               // the task's own classes, all of them
      const long first = drawn.task.first_class, count = long(drawn.task.labels.size());
      logits = slice(logits, 1, first, first + count);
      for (int& label : batch.labels) label = drawn.episode.classes[label];
    }
    const Tensor loss = cross_entropy(logits, batch.labels);  // [B, K], [B] -> []
    const std::vector<real> best = engine::argmax(logits.detach()).to_vector();
    for (size_t b = 0; b < best.size(); ++b) seen.correct += int(best[b]) == batch.labels[b];
    seen.texts += double(best.size());
    seen.loss += double(best.size()) * double(loss.item());
    return loss;
  }

 private:
  run::TextModel& model_;
  bool joint_;
};

}  // namespace

void meta_command(CLI::App& app, const run::Parse& parse) {
  run::TrainOptions o;
  MetaOptions m;
  o.model = "mini";
  o.declare_model(app);
  m.declare(app, o);
  o.declare_run(app, "multitask-meta");
  parse();
  o.settle(app, "multitask-meta");
  if (m.tasks.empty()) {
    run::print_note("error: --tasks is needed: a task file\n");
    throw run::Exit{2};
  }
  const Method method = m.method();
  const bool reptile = method == Method::reptile, joint = method == Method::joint;
  if (reptile) o.optimizer = "sgd", o.momentum = o.weight_decay = o.clip = 0, o.lr = o.lr.value_or(1);

  run::print_setup("multitask", "meta");
  const std::vector<TaskTexts> texts = read_pool(read_task_file(m.tasks), m.hold_out);
  const std::unique_ptr<run::TextModel> model = make_model(o, texts, labels_of(texts, method, m.size.ways));
  const std::vector<PoolTask> pool = encode_pool(texts, *model, o.max_length);
  const Episodes episodes(pool, m.size, o.seed);
  const std::vector<Tensor> all = model->params.trainable(), theta = joint ? all : encoder_of(*model);
  if (!joint) zero_classifier(*model);  // so every episode begins
  optim::MetaGradient meta(reptile ? optim::MetaMethod::reptile : optim::MetaMethod::fomaml, all);
  optim::Optimizer optimizer = run::make_optimizer(o, theta);
  const optim::Schedule schedule = run::make_schedule(o, m.steps);
  const Loss loss_of(*model, joint);
  run::Run run({o.out, o.overwrite, !o.resume.empty(), run::effective_options(app), m.steps,
                std::max(1L, (m.steps + 9) / 10)});  // a tenth of the steps counts as an epoch
  if (!o.resume.empty()) run.restore(model->params.tensors(), optimizer);
  run::print_note("seed {}, {} steps of {} episodes, {} ways, {} shots, {} queries, peak rate {:g}, into {}\n\n",
                  o.seed, m.steps, m.episodes, m.size.ways, m.size.shots, m.size.queries, o.peak_lr(), o.out);

  ordered_json figures;
  while (run.next_step()) {
    model->params.train(run.step());
    Seen seen;
    const auto learn = [&](const Episodes::Drawn& drawn, const text::EncodedSet& part, double share, Seen& into) {
      const Tensor loss = loss_of(drawn, part, into);
      run.require_finite(loss);
      backward(share == 1 ? loss : loss * real(share));
    };
    meta.begin();                                                // theta
    for (long e = 0; e < m.episodes; ++e) {                      //
      const Episodes::Drawn drawn = episodes.at(run.step(), e);  // N classes, K + Q texts of each
      const auto& [classes, support, query] = drawn.episode;
      if (joint) {  // the gradient at theta, of all texts
        const double n = double(support.size() + query.size());
        learn(drawn, support, double(support.size()) / n, seen);
        learn(drawn, query, double(query.size()) / n, seen);
      } else {
        for (long k = 0; k < m.inner_steps; ++k) {  // theta' <- theta' - a dL(theta')
          Seen early;                               // reptile: on all of the episode, by turns
          const bool last = reptile && k + 1 == m.inner_steps;
          learn(drawn, reptile && k % 2 ? query : support, 1, last ? seen : early);
          meta.inner_step(m.inner_lr);
        }
        if (!reptile) learn(drawn, query, 1, seen);  // fomaml: the gradient at theta', of other texts
      }
      meta.end_task();  // what it taught; then theta again
    }
    meta.finish();  // d theta
    const double norm = optim::grad_norm(theta), lr = schedule(run.step());
    optimizer.step(lr, optim::clip_factor(theta, norm, o.clip));  // theta changes here, only here
    model->params.clear_grads();
    figures = {
        {"loss", seen.loss / seen.texts}, {"accuracy", seen.correct / seen.texts}, {"lr", lr}, {"grad_norm", norm}};
    run.log(figures);

    if (run.epoch_ends())
      save_encoder(*model, run.file("best"), o.max_length), save_pool(run.file("best"), m.method_name, texts);
    if (run.epoch_ends() || run.due_for_save()) run.save(model->params.tensors(), optimizer);
  }
  if (run.interrupted()) run.save(model->params.tensors(), optimizer), run.leave();
  ordered_json result{{"method", m.method_name}, {"steps", m.steps}, {"episodes", m.steps * m.episodes}};
  result.update(figures);
  result["seconds"] = run.seconds();
  nn::write_file(run.file("result.json"), result.dump(2) + "\n");
  fmt::print("result task=multitask-meta method={} steps={} loss={:.4f} accuracy={:.4f} seconds={:.0f} out={}\n",
             m.method_name, m.steps, figures.value("loss", 0.), figures.value("accuracy", 0.), run.seconds(), o.out);
}

}  // namespace multitask
