// Few-shot evaluation: an encoder learns a task it was not trained on from K examples a class. Read
// tasks/multitask/episodes.h first.
#include <cmath>
#include <numeric>

#include "optim/several/meta.h"
#include "tasks/few_shot/episodes.h"
#include "tasks/few_shot/meta.h"
#include "tasks/model/build.h"

namespace few_shot {

using engine::check;
using engine::Tensor;
using nlohmann::ordered_json;

namespace {

struct FewShotOptions {
  std::string model, tasks, task, out;
  std::vector<std::string> data, test;
  spec::DataOptions files;
  std::vector<long> shots{1, 5, 20};
  long ways = 0, queries = 0, episodes = 10, steps = 50;
  int max_length = 128;
  bool from_nothing = false;
  model::TrainOptions training;  // optimizer, rate, batch size, seed

  void declare(CLI::App& app);
  // The new task, and texts of it to be tested on if it has some of their own.
  std::pair<TaskTexts, TaskTexts> read() const;
};

void FewShotOptions::declare(CLI::App& app) {
  files.labels = "auto";
  training.momentum = training.weight_decay = 0;
  const auto say = [&](const char* name, auto& to, const char* what) {
    return app.add_option(name, to, what)->group("Few-shot");
  };
  say("--model", model, "directory of a run of `meta`, or of any model: its encoder is taken, its classifier is not")
      ->required();
  app.add_flag("--from-nothing", from_nothing,
               "its sizes and vocabulary only, all weights drawn anew: what to compare with")
      ->group("Few-shot");
  say("--tasks", tasks, "task file, and in it");
  say("--task", task, "the new task");
  say("--data", data, "instead of both: files with texts and labels, or LABEL=FILE");
  say("--test", test, "files to be tested on; without them, what is left of the others");
  say("--shots", shots, "texts of a class to learn from, one number or several: 1,5,20")
      ->delimiter(',')
      ->check(run::between(1, 1e6));
  say("--ways", ways, "classes of an episode, drawn from the task's; 0: all of them")->check(run::between(0, 4000));
  say("--queries", queries, "texts of a class to be tested on; 0: all that are left")->check(run::between(0, 1e9));
  say("--episodes", episodes, "how often texts are drawn, for each number of shots")->check(run::between(1, 1e6));
  say("--steps", steps, "steps on the drawn texts")->check(run::between(1, 1e6));
  say("--batch-size", training.batch_size, "texts of a step")->check(run::between(1, 1e6));
  say("--optimizer", training.optimizer, "adamw or sgd")->check(CLI::IsMember({"adamw", "sgd"}));
  say("--lr", training.lr, "its rate, the same in every step; default 1e-2 for a pool, else 1e-3")
      ->check(run::positive());
  say("--weight-decay", training.weight_decay, "of everything but biases and LayerNorm")->check(run::not_negative());
  say("--dropout", training.dropout, "everywhere; default: what the model says")->check(run::between(0.0, 0.99));
  say("--seed", training.seed, "of the draws, and of new weights")->check(run::between(0, 9e15));
  say("--max-length", max_length, "tokens of a text, [CLS] and [SEP] included")->check(run::between(2, 100000));
  say("--out", out, "also write the figures as JSON to this file");
  files.declare(app, true);
}

std::pair<TaskTexts, TaskTexts> FewShotOptions::read() const {
  check(data.empty() != task.empty(), "the new task is either a --task of --tasks, or --data");
  check(tasks.empty() == task.empty(), "--tasks and --task belong together");
  check(test.empty() || task.empty(), "--test belongs to --data; a task of a file names its own");
  if (task.empty()) {
    TaskTexts own{"data", files.read(data, text::Labels::parse(files.labels))}, other{"test", {}};
    if (!test.empty()) other.examples = files.read(test, own.examples.labels);
    return {own, other};
  }
  const spec::TaskFile file = read_task_file(tasks);
  std::vector<std::string> names;
  for (const spec::TaskSpec& spec : file.tasks) names.push_back(spec.name);
  check_name(file.path + ": --task", task, names);
  spec::TaskSpec spec =
      *std::find_if(file.tasks.begin(), file.tasks.end(), [&](const spec::TaskSpec& s) { return s.name == task; });
  TaskTexts own = read_texts(spec);
  spec.labels = own.examples.labels;
  return {own, read_texts(spec, true)};
}

// The whole model learns the texts, by steps of one rate.
void adapt(model::TextModel& model, const text::EncodedSet& support, const FewShotOptions& o, uint64_t seed) {
  text::Batches batches(support, o.training.batch_size, true, seed);
  const std::vector<Tensor> parameters = model.params.trainable();
  optim::Optimizer optimizer = model::make_optimizer(o.training, parameters);
  const double lr = o.training.lr.value_or(model.config.model_type == "attention_pool" ? 1e-2 : 1e-3);
  for (long step = 0; step < o.steps; ++step) {
    model.params.train(step);
    const text::Batch batch = batches.at(step);
    const Tensor logits = mean_over_windows(model.classifier(batch.tokens), batch);  // [N] -> [B, K]
    const Tensor loss = cross_entropy(logits, batch.labels);                         // [B, K], [B] -> []
    check(std::isfinite(loss.item()), "step {} on an episode: the loss is {}; try a lower --lr", step + 1, loss.item());
    backward(loss);
    optimizer.step(lr);
    model.params.clear_grads();
  }
}

// The 0.975 quantile of Student's t: exact for 1 and 2 degrees of freedom, from 3 on by the Cornish-Fisher expansion
// (Abramowitz, Stegun 26.7.5), within 0.2 %.
double student_t(long freedom) {
  if (freedom == 1) return 12.706204736;
  if (freedom == 2) return 4.302652730;
  const double z = 1.959963985, n = double(freedom);
  const auto power = [&](int k) { return std::pow(z, k); };
  return z + (power(3) + z) / (4 * n) + (5 * power(5) + 16 * power(3) + 3 * z) / (96 * n * n) +
         (3 * power(7) + 19 * power(5) + 17 * power(3) - 15 * z) / (384 * n * n * n) +
         (79 * power(9) + 776 * power(7) + 1482 * power(5) - 1920 * power(3) - 945 * z) / (92160 * n * n * n * n);
}

}  // namespace

Interval interval_95(const std::vector<double>& sample) {
  check(!sample.empty(), "an interval needs a number at least");
  const double n = double(sample.size()), mean = std::accumulate(sample.begin(), sample.end(), 0.) / n;
  if (sample.size() == 1) return {mean, 0};
  double squares = 0;
  for (double x : sample) squares += (x - mean) * (x - mean);
  return {mean, student_t(long(sample.size()) - 1) * std::sqrt(squares / (n - 1) / n)};
}

namespace {

class model::Evaluation {
 public:
  model::Evaluation(const FewShotOptions& o, const model::ModelDirectory& from) : o_(o) {
    const auto [own, other] = o.read();
    if (!o.from_nothing) refuse_trained(from.path, own), refuse_trained(from.path, other);
    const long K = own.examples.labels.size();
    ways_ = o.ways ? o.ways : K;
    check(ways_ >= 2 && ways_ <= K, "{}: an episode of {} classes; the task has {}", own.name, ways_, K);
    std::vector<std::string> labels;
    for (long i = 0; i < ways_; ++i) labels.push_back(fmt::format("class {}", i + 1));
    model_ = with_new_classifier(from, labels, o.training.seed, o.from_nothing);
    const int length = int(std::min(long(o.max_length), from.config.max_position_embeddings));
    task_ = encode(own, model_->tokenizer, length);
    if (!other.examples.rows.empty()) test_ = encode(other, model_->tokenizer, length);
    check_sizes();
  }

  // K shots: the accuracy and macro F1 of every episode.
  struct Figures {
    std::vector<double> accuracy, macro_f1;
  };
  Figures operator()(long shots, const std::function<void(long)>& progress) {
    const optim::Snapshot before(model_->params.tensors());
    Figures figures;
    for (long e = 0; e < o_.episodes; ++e) {
      const Episode episode = draw(shots, e);
      adapt(*model_, episode.support, o_, o_.training.seed + uint64_t(e));
      const model::Predictions predictions = model::predict(*model_, episode.query, model::kEvaluationBatch);
      const score::Confusion confusion = score::confusion_matrix(episode.query.labels, predictions.best(), int(ways_));
      figures.accuracy.push_back(score::accuracy(confusion));
      figures.macro_f1.push_back(score::macro_f1(confusion));
      before.restore();
      progress(e + 1);
    }
    return figures;
  }
  long ways() const { return ways_; }

 private:
  const PoolTask& tested() const { return test_ ? *test_ : task_; }

  // Before the first step, not after hours: every class has the texts that the largest number of shots takes.
  void check_sizes() const {
    std::vector<int> all(task_.labels.size());
    std::iota(all.begin(), all.end(), 0);
    draw_episode(task_, all, *std::max_element(o_.shots.begin(), o_.shots.end()), test_ ? 0 : 1, {});
    if (test_) draw_episode(*test_, all, 0, 1, {});
  }

  // Episode e has the same classes and queries whatever the model: methods are compared on the same draws.
  Episode draw(long shots, long e) const {
    engine::Random random{o_.training.seed, engine::Stream::shuffle, uint32_t(e), 1};
    std::vector<int> classes = engine::permutation(int(task_.labels.size()), random);
    classes.resize(ways_);
    random.call += 1;
    const long queries = o_.queries ? o_.queries : kAllOthers;
    Episode episode = draw_episode(task_, classes, shots, test_ ? 0 : queries, random);
    if (test_) episode.query = draw_episode(*test_, classes, 0, queries, random).query;
    return episode;
  }

  const FewShotOptions& o_;
  long ways_;
  std::unique_ptr<model::TextModel> model_;
  PoolTask task_;
  std::optional<PoolTask> test_;
};

}  // namespace

void evaluate_command(CLI::App& app, const run::Parse& parse) {
  FewShotOptions o;
  o.declare(app);
  parse();
  run::print_setup("multitask", "few-shot");
  model::ModelDirectory from(o.model);
  model::set_dropout(from.config, o.training);
  model::Evaluation evaluation(o, from);
  ordered_json json{{"model", o.model}, {"from_nothing", o.from_nothing}, {"ways", evaluation.ways()}, {"shots", {}}};
  std::string table = fmt::format("{:>5}  {:<18}{:<18}\n", "shots", "accuracy", "macro_f1"), shots_line, accuracy_line;
  run::Progress progress("few-shot", long(o.shots.size()) * o.episodes);
  long done = 0;
  for (long shots : o.shots) {
    const auto figures = evaluation(shots, [&](long e) { progress.update(done + e); });
    done += o.episodes;
    const Interval accuracy = interval_95(figures.accuracy), f1 = interval_95(figures.macro_f1);
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
  fmt::print("{} classes, {} episodes; mean and half of the 95 % interval\n{}", evaluation.ways(), o.episodes, table);
  if (!o.out.empty()) nn::write_file(o.out, json.dump(2) + "\n");
  fmt::print("result task=few-shot shots={} accuracy={} ways={} episodes={}\n", shots_line, accuracy_line,
             evaluation.ways(), o.episodes);
}

}  // namespace few_shot
