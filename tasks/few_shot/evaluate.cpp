// An encoder learns a new task from K examples a class, several times over. Read tasks/few_shot/episodes.h first.
#include "tasks/few_shot/evaluate.h"

#include <cmath>
#include <numeric>

#include "nn/format/files.h"
#include "optim/optimizer.h"
#include "optim/several/meta.h"
#include "tasks/few_shot/episodes.h"
#include "tasks/model/build.h"
#include "tasks/model/predict.h"
#include "tasks/run/directory.h"
#include "tasks/run/progress.h"
#include "tasks/score/intervals.h"
#include "tasks/score/metrics.h"

namespace few_shot {

using engine::check;
using engine::Tensor;
using nn::ordered_json;

namespace {

struct Request {
  std::string model, tasks, task, out;
  std::vector<std::string> data, test;
  spec::DataOptions files;
  std::vector<long> shots{1, 5, 20};
  long ways = 0, queries = 0, episodes = 10;
  model::Reading reading;
  bool from_nothing = false;
  // learning an episode
  long steps = 50;
  int batch_size = 16;
  std::string optimizer = "adamw";
  std::optional<double> lr, dropout;
  double weight_decay = 0;
  uint64_t seed = 42;

  void declare(run::Options& options);
  void declare_learning(run::Options& options);
  // The new task, and texts of it to be tested on if it has some of their own.
  std::pair<TaskTexts, TaskTexts> read() const;
};

void Request::declare(run::Options& options) {
  files.labels = "auto";
  const auto add = [&](const char* name, auto& to, const char* what) -> run::Option& {
    return options.add(name, to, what).group("Few-shot");
  };
  add("--model", model, "directory of a run of `train`, or of any model: its encoder is taken, its classifier is not")
      .required();
  add("--from-nothing", from_nothing, "its sizes and vocabulary only, all weights drawn anew: what to compare with");
  add("--tasks", tasks, "task file, and in it").reads();
  add("--task", task, "the new task");
  add("--data", data, "instead of both: files with texts and labels, or LABEL=FILE").reads();
  add("--test", test, "files to be tested on; without them, what is left of the others").reads();
  add("--shots", shots, "texts of a class to learn from, one number or several: 1,5,20").delimiter(',').between(1, 1e6);
  add("--ways", ways, "classes of an episode, drawn from the task's; 0: all of them").between(0, 4000);
  add("--queries", queries, "texts of a class to be tested on; 0: all that are left").between(0, 1e9);
  add("--episodes", episodes, "how often texts are drawn, for each number of shots").between(1, 1e6);
  add("--seed", seed, "of the draws, and of new weights").between(0, 9e15);
  add("--out", out, "also write the figures as JSON to this file").writes();
  declare_learning(options);
  reading.declare(options);
  files.declare(options, true);
}

void Request::declare_learning(run::Options& options) {
  const auto add = [&](const char* name, auto& to, const char* what) -> run::Option& {
    return options.add(name, to, what).group("Learning");
  };
  add("--steps", steps, "steps on the drawn texts").between(1, 1e6);
  add("--batch-size", batch_size, "texts of a step").between(1, 1e6);
  add("--optimizer", optimizer, "adamw or sgd").one_of({"adamw", "sgd"});
  add("--lr", lr, "its rate, the same in every step; default 1e-2 for a pool, else 1e-3").positive();
  add("--weight-decay", weight_decay, "of everything but biases and LayerNorm").not_negative();
  add("--dropout", dropout, "everywhere; default: what the model says").between(0, 0.99);
}

std::pair<TaskTexts, TaskTexts> Request::read() const {
  check(data.empty() != task.empty(), "the new task is either a --task of --tasks, or --data");
  check(tasks.empty() == task.empty(), "--tasks and --task belong together");
  check(test.empty() || task.empty(), "--test belongs to --data; a task of a file names its own");
  if (task.empty()) {
    TaskTexts own{"data", files.read(data, text::Labels::parse(files.labels))}, other{"test", {}};
    if (!test.empty()) other.examples = files.read(test, own.examples.labels);
    return {own, other};
  }
  const spec::TaskFile file = spec::read_task_file(tasks);
  std::vector<std::string> names;
  for (const spec::TaskSpec& spec : file.tasks) names.push_back(spec.name);
  spec::check_name(file.path + ": --task", task, names);
  spec::TaskSpec spec =
      *std::find_if(file.tasks.begin(), file.tasks.end(), [&](const spec::TaskSpec& s) { return s.name == task; });
  check_keys(spec);
  TaskTexts own = read_texts(spec);
  spec.labels = own.examples.labels;
  return {own, read_texts(spec, true)};
}

// A classifier of `ways` classes with the encoder of the directory, or with all weights drawn anew.
std::unique_ptr<model::TextModel> new_model(const Request& o, const model::ModelDirectory& from, long ways) {
  const spec::TaskSpec task = classifier_of(numbered_classes(ways));
  std::unique_ptr<model::TextModel> model;
  if (o.from_nothing) {
    model = std::make_unique<model::TextModel>(from.config, std::vector{task}, from.tokenizer, from.reading, o.seed);
    model->net.params.initialise();
  } else {
    model = model::load_to_train(from, {task}, o.seed, nn::Anew::classifiers);
  }
  zero_classifier(*model);
  return model;
}

optim::Optimizer new_optimizer(const Request& o, const std::vector<Tensor>& parameters) {
  if (o.optimizer == "sgd") return optim::Sgd(parameters, {.momentum = 0, .weight_decay = o.weight_decay});
  return optim::AdamW(parameters, {.weight_decay = o.weight_decay});
}

// The whole model learns the texts, by steps of one rate.
void adapt(model::TextModel& model, const text::EncodedSet& support, const Request& o, uint64_t seed) {
  text::Batches batches(support, o.batch_size, true, seed);
  nn::Params& params = model.net.params;
  optim::Optimizer optimizer = new_optimizer(o, params.trainable());
  const double lr = o.lr.value_or(model.config().model_type == "attention_pool" ? 1e-2 : 1e-3);
  for (long step = 0; step < o.steps; ++step) {
    params.train(step);
    const text::Batch batch = batches.at(step);
    const Tensor logits = mean_over_windows(model.net(batch.tokens), batch);  // [N] -> [B, K]
    const Tensor loss = cross_entropy(logits, batch.labels);                  // [B, K], [B] -> []
    check(std::isfinite(loss.item()), "step {} on an episode: the loss is {}; try a lower --lr", step + 1, loss.item());
    backward(loss);
    optimizer.step(lr);
    params.clear_grads();
  }
  params.eval();
}

class Measurement {
 public:
  Measurement(const Request& o, const model::ModelDirectory& from) : o_(o) {
    const auto [own, other] = o.read();
    if (!o.from_nothing) {
      refuse_trained(from.path, own);
      refuse_trained(from.path, other);
    }
    const long K = own.examples.labels.size();
    ways_ = o.ways ? o.ways : K;
    check(ways_ >= 2 && ways_ <= K, "{}: an episode of {} classes; the task has {}", own.name, ways_, K);
    model_ = new_model(o, from, ways_);
    task_ = encode(own, model_->tokenizer, model_->reading);
    if (!other.examples.rows.empty()) test_ = encode(other, model_->tokenizer, model_->reading);
    check_sizes();
  }

  // K shots: the accuracy and macro F1 of every episode.
  struct Figures {
    std::vector<double> accuracy, macro_f1;
  };
  Figures operator()(long shots, const std::function<void(long)>& progress) {
    const optim::Snapshot before(model_->net.params.tensors());
    Figures figures;
    for (long e = 0; e < o_.episodes; ++e) {
      const Episode episode = draw(shots, e);
      adapt(*model_, episode.support, o_, o_.seed + uint64_t(e));
      const std::vector<int> said = model::predict(*model_, episode.query)[0].best();
      const score::Confusion confusion = score::confusion_matrix(episode.query.labels, said, int(ways_));
      figures.accuracy.push_back(score::accuracy(confusion));
      figures.macro_f1.push_back(score::macro_f1(confusion));
      before.restore();
      progress(e + 1);
    }
    return figures;
  }
  long ways() const { return ways_; }

 private:
  // Before the first step, not after hours: every class has the texts that the largest number of shots takes.
  void check_sizes() const {
    std::vector<int> all(task_.labels.size());
    std::iota(all.begin(), all.end(), 0);
    draw_episode(task_, all, *std::max_element(o_.shots.begin(), o_.shots.end()), test_ ? 0 : 1, {});
    if (test_) draw_episode(*test_, all, 0, 1, {});
  }

  // Episode e has the same classes and queries whatever the model: methods are compared on the same draws.
  Episode draw(long shots, long e) const {
    engine::Random random{o_.seed, engine::Stream::shuffle, uint32_t(e), 1};
    std::vector<int> classes = engine::permutation(int(task_.labels.size()), random);
    classes.resize(ways_);
    random.call += 1;
    const long queries = o_.queries ? o_.queries : kAllOthers;
    Episode episode = draw_episode(task_, classes, shots, test_ ? 0 : queries, random);
    if (test_) episode.query = draw_episode(*test_, classes, 0, queries, random).query;
    return episode;
  }

  const Request& o_;
  long ways_;
  std::unique_ptr<model::TextModel> model_;
  PoolTask task_;
  std::optional<PoolTask> test_;
};

model::ModelDirectory read_directory(const Request& o, const run::Options& options) {
  model::ModelDirectory from(o.model);
  from.reading = model::Reading::settle(options, o.reading, from.reading);
  model::check_positions(from.reading, from.config, from.path);
  model::BuildOptions changes;
  changes.dropout = o.dropout;
  model::change_config(from.config, changes);
  return from;
}

}  // namespace

void evaluate_command(run::Options& options, const run::Parse& parse) {
  Request o;
  o.declare(options);
  parse();
  for (const char* of_data : {"--text-column", "--pair-column", "--rationale-column", "--label-column", "--labels"})
    if (!o.task.empty() && options.given(of_data))
      run::usage_error("{} is for --data; a task of a file says it there", of_data);
  run::print_setup("few_shot", "evaluate");
  Measurement measure(o, read_directory(o, options));
  ordered_json json{{"model", o.model}, {"from_nothing", o.from_nothing}, {"ways", measure.ways()}, {"shots", {}}};
  std::string table = fmt::format("{:>5}  {:<18}{:<18}\n", "shots", "accuracy", "macro_f1"), shots_line, accuracy_line;
  run::Progress progress("few-shot", long(o.shots.size()) * o.episodes);
  long done = 0;
  for (const long shots : o.shots) {
    const auto figures = measure(shots, [&](long e) { progress.update(done + e); });
    done += o.episodes;
    const score::Interval accuracy = score::interval_95(figures.accuracy), f1 = score::interval_95(figures.macro_f1);
    table += fmt::format("{:>5}  {:.3f} +- {:<9.3f}{:.3f} +- {:<9.3f}\n", shots, accuracy.mean, accuracy.half, f1.mean,
                         f1.half);
    json["shots"].push_back({{"shots", shots},
                             {"accuracy", accuracy.mean},
                             {"accuracy_interval", accuracy.half},
                             {"macro_f1", f1.mean},
                             {"macro_f1_interval", f1.half},
                             {"episodes", figures.accuracy}});
    shots_line += fmt::format("{}{}", shots_line.empty() ? "" : ",", shots);
    accuracy_line += fmt::format("{}{:.4f}", accuracy_line.empty() ? "" : ",", accuracy.mean);
  }
  progress.interrupt();
  fmt::print("{} classes, {} episodes; mean and half of the 95 % interval\n{}", measure.ways(), o.episodes, table);
  if (!o.out.empty()) nn::write_file(o.out, json.dump(2) + "\n");
  fmt::print("result task=few_shot shots={} accuracy={} ways={} episodes={}\n", shots_line, accuracy_line,
             measure.ways(), o.episodes);
}

}  // namespace few_shot
