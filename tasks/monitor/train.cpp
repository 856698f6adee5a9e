// Several heads on one encoder, a batch of one task a step; then what `run` corrects by is measured on dev. The frame
// is that of tasks/sentiment/main.cpp, to be read first. `multitask train` makes the same directories with more
// choices.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "nn/format/files.h"
#include "nn/format/whole_directory.h"
#include "tasks/model/build.h"
#include "tasks/model/evaluate.h"
#include "tasks/model/of_tasks.h"
#include "tasks/model/shipped.h"
#include "tasks/monitor/commands.h"
#include "tasks/monitor/reader.h"
#include "tasks/objective/epoch_events.h"
#include "tasks/objective/several.h"
#include "tasks/run/training.h"
#include "tasks/score/calibration.h"
#include "tasks/spec/loss.h"

namespace monitor {

using engine::check;
using engine::Indices;
using engine::Tensor;
using nn::ordered_json;
using spec::TaskSet;

namespace {

const char* const kTasks = R"({
  // The corpus that this program carries inside; each task may name files of its own with "data".
  "tasks": {
    "topic":     {"data": "embedded", "label_column": "topic", "metric": "macro_f1"},
    "sentiment": {"data": "embedded", "label_column": "label", "metric": "macro_f1"}
  }
}
)";

struct TrainOptions {
  std::string tasks;
  model::BuildOptions model;
  ::run::TrainingOptions training;
};

spec::TaskFile task_file(const std::string& path) {
  const spec::TaskFile file =
      path.empty() ? spec::parse_task_file(kTasks, "the embedded task file") : spec::read_task_file(path);
  check(file.ties.empty() && file.settings.empty(),
        "{}: ties and settings are of `multitask train`, whose directories `monitor run --model` reads, too",
        file.path);
  return file;
}

// Which task has its turn at each step of an epoch: every one as often as it has batches, spread evenly.
std::vector<int> turns(const TaskSet& set, long batch) {
  std::vector<long> left;
  for (const spec::Task& task : set.tasks)
    left.push_back((long(task.targets[spec::kTrain].rows.size()) + batch - 1) / batch);
  const std::vector<long> all = left;
  std::vector<int> order;
  for (long total = std::accumulate(left.begin(), left.end(), 0L); total > 0; --total) {
    int next = 0;  // the one of which the largest part is left
    for (int t = 1; t < int(left.size()); ++t)
      if (double(left[size_t(t)]) / double(all[size_t(t)]) > double(left[size_t(next)]) / double(all[size_t(next)]))
        next = t;
    order.push_back(next);
    --left[size_t(next)];
  }
  return order;
}

// The texts of step `step`, which is the k-th of its task in this epoch: places in the corpus.
Indices rows_at(const TaskSet& set, const std::vector<int>& order, long step, const ::run::TrainingOptions& o) {
  const long per_epoch = long(order.size()), in_epoch = step % per_epoch, batch = o.batch_size * o.accumulate;
  const int t = order[size_t(in_epoch)];
  const long k = std::count(order.begin(), order.begin() + in_epoch, t);
  const Indices& rows = set.tasks[size_t(t)].targets[spec::kTrain].rows;
  const std::vector<int> mixed =
      engine::permutation(int(rows.size()), {o.seed, engine::Stream::shuffle, uint32_t(step / per_epoch), uint32_t(t)});
  Indices chosen;
  for (long i = k * batch; i < std::min(long(rows.size()), (k + 1) * batch); ++i)
    chosen.push_back(rows[size_t(o.no_shuffle ? i : mixed[size_t(i)])]);
  return chosen;
}

// Temperature and confusion of every head that says a class, on dev.
ordered_json measured(const model::TextModel& model, const TaskSet& set) {
  std::vector<model::Outputs> outputs;
  model::evaluate(model, set, spec::kDev, "", &outputs);
  ordered_json heads = ordered_json::object();
  for (size_t t = 0; t < set.tasks.size(); ++t) {
    const spec::Task& task = set.tasks[t];
    const spec::Targets& targets = task.targets[spec::kDev];
    if (!task.spec.one_class() || targets.rows.empty()) continue;
    const size_t K = size_t(task.spec.labels.size());
    std::vector<std::vector<double>> logits, confusion(K, std::vector<double>(K, 0));
    std::vector<int> labels;
    for (const int row : targets.rows) {
      std::vector<double> log_p = outputs[t].scores[size_t(row)];
      for (double& p : log_p) p = std::log(std::max(p, 1e-12));
      logits.push_back(log_p);
      labels.push_back(targets.classes[size_t(row)]);
      ++confusion[size_t(labels.back())][size_t(outputs[t].best_of(size_t(row)))];
    }
    const double T = score::best_temperature(logits, labels);
    if (const std::string why = score::no_measurement(T, score::none_wrong(logits, labels)); !why.empty())
      ::run::print_note("warning: {}: {}\n", task.spec.name, why);
    heads[task.spec.name] = {
        {"texts", labels.size()}, {"temperature", T}, {"labels", task.spec.labels.names()}, {"confusion", confusion}};
  }
  return heads;
}

void write_calibration(const model::TextModel& model, const TaskSet& set, const std::string& directory) {
  const ordered_json heads = measured(model, set);
  nn::write_listed_file(directory, kCalibration, ordered_json{{"heads", heads}}.dump(1) + "\n");
  for (const auto& [name, head] : heads.items())
    ::run::print_note("{}: temperature {:.2f} on {} dev texts\n", name, head["temperature"].get<double>(),
                      head["texts"].get<long>());
}

void finish_epoch(::run::Training& training, const model::TextModel& model, const TaskSet& set) {
  training.run().pause();
  const objective::DevFigures dev = objective::measure_dev(model, set);
  const bool best = training.keep_best(dev.merit, [&](const std::string& directory) {
    model.save(directory);
    if (dev.merit) write_calibration(model, set, directory);
  });
  if (dev.merit) {
    training.run().log({{"dev", dev.figures}});
    objective::log_epoch(training, model, set, dev.outputs);
  }
  training.run().say(fmt::format("epoch {:g}, dev{}{}", training.epoch(), dev.line, best ? "  (the best so far)" : ""));
}

::run::Frame frame_of(const TrainOptions& o, const std::string& ini, long steps, const TaskSet& set,
                      const text::WordPiece& tokenizer) {
  ::run::Frame frame;
  frame.options = ini;
  frame.steps_per_epoch = steps;
  frame.default_lr = o.model.default_lr();
  frame.unit = "texts of one task";
  frame.data = spec::fingerprint_of(set, tokenizer);
  for (const spec::Task& task : set.tasks)
    for (const std::string& file : task.spec.files.paths()) frame.inputs.push_back(file);
  if (!o.tasks.empty()) frame.inputs.push_back(o.tasks);
  for (const std::string& path : o.model.inputs()) frame.inputs.push_back(path);
  frame.also_written = {"tasks.json"};
  frame.where = [&set](long text) { return objective::where_of(set, text); };
  return frame;
}

// What the best weights make of the test parts: result.json, the card, and the line for scripts.
void finish(const ::run::Training& training, const TaskSet& set, const TrainOptions& o) {
  const auto best = model::load_model(model::ModelDirectory(training.best_directory()));
  const std::vector<model::Evaluation> test = model::evaluate(*best, set, spec::kTest);
  std::string line = "result task=monitor";
  ordered_json result = ordered_json::object();
  for (size_t i = 0; i < test.size(); ++i) {
    if (test[i].empty()) continue;
    const std::string& name = set.tasks[i].spec.name;
    result["tasks"][name] = {{"metric", set.tasks[i].spec.metric}, {"test", test[i].json()}};
    if (set.tasks[i].spec.one_class())
      line += fmt::format(" {0}_accuracy={1:.4f} {0}_macro_f1={2:.4f}", name, test[i].value("accuracy"),
                          test[i].value("macro_f1"));
  }
  const double seconds = ::run::write_result(training.run(), result);
  ::run::Card card = objective::card_of("monitor", set, test);
  if (o.tasks.empty()) card.data = "the embedded corpus";
  ::run::write_card(training.run(), card);
  fmt::print("{} seconds={:.0f} out={}\n", line, seconds, o.training.out);
}

}  // namespace

void train(::run::Options& options, const ::run::Parse& parse) {
  TrainOptions o;
  options
      .add("--tasks", o.tasks,
           "a task file as `multitask example` prints one, with tasks called topic, sentiment, and entity for pairs "
           "of text and name; if not given, the corpus inside")
      .reads();
  o.model.declare(options);
  o.model.declare_log_odds(options);
  o.training.declare(options, "monitor");
  parse();
  o.training.settle(options, "monitor");
  const std::string own = o.training.out + "/tasks.json";
  const spec::TaskFile file = task_file(!o.training.resume.empty() && std::filesystem::exists(own) ? own : o.tasks);
  o.model.settle(options);
  ::run::print_setup("monitor", "train");
  TaskSet set = spec::load_tasks(file.tasks, o.training.seed);
  const std::unique_ptr<model::TextModel> model = model::build_of_tasks(o.model, set, o.training.seed);
  const std::vector<int> order = turns(set, o.training.batch_size * o.training.accumulate);
  ::run::Training training(o.training, model->net.params,
                           frame_of(o, options.effective(), long(order.size()), set, model->tokenizer));
  nn::write_file(training.run().file("tasks.json"), file.text);
  while (training.next_step()) {
    const size_t t = size_t(order[size_t(training.step()) % order.size()]);
    const spec::Task& task = set.tasks[t];
    const Indices rows = rows_at(set, order, training.step(), o.training);  // 1 texts of the task whose turn it is
    for (size_t at = 0; at < rows.size(); at += size_t(o.training.batch_size)) {
      const Indices part(rows.begin() + long(at),
                         rows.begin() + long(std::min(rows.size(), at + size_t(o.training.batch_size))));
      const text::Batch batch = text::pack(set.corpora[size_t(task.corpus)].texts[spec::kTrain], part);
      const nn::Encoded x = model->net.encoder(batch.tokens, model->net.rows_of({t}));  // 2 [N] -> [N, C], [B, C]
      const Tensor logits = model->net.heads[t](x);                                     // 3 -> [B, K]
      ::run::Terms terms;
      terms.add(task.spec.name, 1, spec::task_loss(task, task.targets[spec::kTrain], logits, batch));  // 4 -> []
      training.backward(terms, double(part.size()) / double(rows.size()),
                        objective::end_to_end(set, task.corpus, part));  // 5
    }
    training.update({{"task", task.spec.name}});  // 6 norm, clipping, 7 the weights change here, 8 a line of log.jsonl
    if (training.epoch_ends()) finish_epoch(training, *model, set);
  }
  finish(training, set, o);
}

void calibrate(::run::Options& options, const ::run::Parse& parse) {
  std::string directory, tasks;
  options.add("--model", directory, "directory of a run or of a model").required();
  options.add("--tasks", tasks, "task file with its dev texts; if not given, the model's own").reads();
  parse();
  const model::ModelDirectory from(directory);
  model::check_not_shipped(from.path);
  const std::unique_ptr<model::TextModel> model = model::load_model(from);
  const std::vector<spec::TaskSpec> specs = tasks.empty() ? from.tasks : spec::read_task_file(tasks).tasks;
  check(specs.size() == model->tasks.size(), "{}: {} tasks; the model has {}", tasks, specs.size(),
        model->tasks.size());
  TaskSet set = spec::load_tasks(specs, from.settings.value("seed", uint64_t{42}));
  spec::encode(set, model->tokenizer, model->reading.max_length, model->reading.how());
  write_calibration(*model, set, from.path);
  fmt::print("result task=calibrate out={}/{}\n", from.path, kCalibration);
}

}  // namespace monitor
