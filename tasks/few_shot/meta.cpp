// Meta-training: first-order MAML, Reptile or plain joint training of an encoder over a pool of tasks. Read
// optim/meta.h and tasks/multitask/episodes.h first.
#include "tasks/few_shot/meta.h"

#include <filesystem>
#include <numeric>

#include "optim/clip.h"
#include "optim/several/meta.h"
#include "tasks/few_shot/episodes.h"
#include "tasks/model/build.h"

namespace few_shot {

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

  void declare(CLI::App& app, model::TrainOptions& o) {
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
std::unique_ptr<model::TextModel> make_model(const model::TrainOptions& o, const std::vector<TaskTexts>& pool,
                                           const std::vector<std::string>& labels) {
  if (o.pretrained()) {
    model::ModelDirectory from(o.model);
    engine::check(o.max_length <= from.config.max_position_embeddings,
                  "--max-length {} is more than the {} positions of {}", o.max_length,
                  from.config.max_position_embeddings, from.path);
    model::set_dropout(from.config, o);
    return with_new_classifier(from, labels, o.seed);
  }
  std::vector<text::Example> texts;
  for (const TaskTexts& task : pool) texts.insert(texts.end(), task.examples.rows.begin(), task.examples.rows.end());
  text::WordPiece tokenizer = model::new_tokenizer(o, texts);
  nn::Config config = model::new_config(o, tokenizer.vocab_size(), labels);
  model::set_dropout(config, o);
  config.check_sizes("--model " + o.model);
  auto model = std::make_unique<model::TextModel>(config, std::move(tokenizer), o.seed);
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

std::vector<PoolTask> encode_pool(const std::vector<TaskTexts>& pool, const model::TextModel& model, int max_length) {
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

// A forward and a backward on texts of an episode; what was seen on the way.
struct Seen {
  double loss, correct, texts;
};

Seen learn(const run::Run& run, const model::TextModel& model, bool joint, const Episodes::Drawn& drawn,
           const text::EncodedSet& part) {
  Indices rows(part.size());
  std::iota(rows.begin(), rows.end(), 0);
  text::Batch batch = text::pack(part, rows);
  Tensor logits = mean_over_windows(model.classifier(batch.tokens), batch);  // [N] -> [B, classes]
  if (joint) {                                                               // the task's own classes, all of them
    const long first = drawn.task.first_class, count = long(drawn.task.labels.size());
    logits = slice(logits, 1, first, first + count);
    for (int& label : batch.labels) label = drawn.episode.classes[label];
  }
  const Tensor loss = cross_entropy(logits, batch.labels);  // [B, K], [B] -> []
  run.require_finite(loss);
  backward(loss);
  Seen seen{double(loss.item()), 0, double(part.size())};
  const std::vector<real> best = engine::argmax(logits.detach()).to_vector();
  for (size_t b = 0; b < best.size(); ++b) seen.correct += int(best[b]) == batch.labels[b];
  return seen;
}

// The last step's figures, in the end: of a run that was continued after its last step, those that it left.
void report(const run::Run& run, const MetaOptions& m, const ordered_json& figures, const std::string& out) {
  const std::string path = run.file("result.json");
  ordered_json result{{"method", m.method_name}, {"steps", m.steps}, {"episodes", m.steps * m.episodes}};
  result.update(figures);
  result["seconds"] = run.seconds();
  if (figures.empty() && std::filesystem::exists(path)) result = ordered_json::parse(nn::read_file(path));
  nn::write_file(path, result.dump(2) + "\n");
  fmt::print("result task=multitask-meta method={} steps={} loss={:.4f} accuracy={:.4f} seconds={:.0f} out={}\n",
             m.method_name, m.steps, result.value("loss", 0.), result.value("accuracy", 0.),
             result.value("seconds", 0.), out);
}

void train(const model::TrainOptions& o, const MetaOptions& m, Method method, const std::string& ini) {
  const bool reptile = method == Method::reptile, joint = method == Method::joint;
  const std::vector<TaskTexts> texts = read_pool(read_task_file(m.tasks), m.hold_out);
  const std::unique_ptr<model::TextModel> model = make_model(o, texts, labels_of(texts, method, m.size.ways));
  const std::vector<PoolTask> pool = encode_pool(texts, *model, o.max_length);
  const Episodes episodes(pool, m.size, o.seed);
  const std::vector<Tensor> all = model->params.trainable(), theta = joint ? all : encoder_of(*model);
  if (!joint) zero_classifier(*model);  // so every episode begins
  optim::MetaGradient meta(reptile ? optim::MetaMethod::reptile : optim::MetaMethod::fomaml, all);
  optim::Optimizer optimizer = model::make_optimizer(o, theta);
  const optim::Schedule schedule = model::make_schedule(o, m.steps);
  const long inner_steps = joint ? 0 : m.inner_steps, tenth = (m.steps + 9) / 10;  // counts as an epoch
  run::Run run({o.out, o.overwrite, !o.resume.empty(), ini, m.steps, tenth});
  if (!o.resume.empty()) run.restore(model->params.tensors(), optimizer);
  run::print_note("seed {}, {} steps of {} episodes, {} ways, {} shots, {} queries, peak rate {:g}, into {}\n\n",
                  o.seed, m.steps, m.episodes, m.size.ways, m.size.shots, m.size.queries, o.peak_lr(), o.out);

  ordered_json figures;
  while (run.next_step()) {
    model->params.train(run.step());
    double loss = 0, correct = 0, count = 0;
    meta.begin();  // theta
    for (long e = 0; e < m.episodes; ++e) {
      const Episodes::Drawn drawn = episodes.at(run.step(), e);  // N classes, K + Q texts of each
      const auto& [classes, support, query] = drawn.episode;
      Seen seen{};
      for (long k = 0; k < inner_steps; ++k) {                                        // theta' <- theta' - a dL(theta')
        seen = learn(run, *model, joint, drawn, reptile && k % 2 ? query : support);  // reptile: all texts, by turns
        meta.inner_step(m.inner_lr);
      }
      if (!reptile)  // the gradient at theta', which is theta without inner steps
        seen = learn(run, *model, joint, drawn, joint ? together(support, query) : query);
      meta.end_task();  // what it taught; then theta again
      loss += seen.loss * seen.texts, correct += seen.correct, count += seen.texts;
    }
    meta.finish();  // d theta
    const double norm = optim::grad_norm(theta), lr = schedule(run.step());
    optimizer.step(lr, optim::clip_factor(theta, norm, o.clip));  // theta changes here, only here
    model->params.clear_grads();
    figures = {{"loss", loss / count}, {"accuracy", correct / count}, {"lr", lr}, {"grad_norm", norm}};
    run.log(figures);

    if (run.epoch_ends()) {
      save_encoder(*model, run.file("best"), o.max_length);
      save_pool(run.file("best"), m.method_name, texts);
    }
    if (run.epoch_ends() || run.due_for_save()) run.save(model->params.tensors(), optimizer);
  }
  if (run.interrupted()) run.save(model->params.tensors(), optimizer), run.leave();
  report(run, m, figures, o.out);
}

}  // namespace

void train_command(CLI::App& app, const run::Parse& parse) {
  model::TrainOptions o;
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
  if (method == Method::reptile) o.optimizer = "sgd", o.momentum = o.weight_decay = o.clip = 0, o.lr = o.lr.value_or(1);
  run::print_setup("multitask", "meta");
  train(o, m, method, run::effective_options(app));
}

}  // namespace few_shot
