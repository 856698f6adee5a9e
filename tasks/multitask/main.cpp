// Multitask: one encoder, several tasks. The loop in train_model() is that of tasks/sentiment/main.cpp, which is to be
// read first, with a loss for every task and a weighting between them.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "nn/format/files.h"
#include "nn/format/whole_directory.h"
#include "tasks/command/predict.h"
#include "tasks/model/merge.h"
#include "tasks/model/of_tasks.h"
#include "tasks/model/request.h"
#include "tasks/multitask/balance.h"
#include "tasks/multitask/evaluate.h"
#include "tasks/multitask/history.h"
#include "tasks/multitask/options.h"
#include "tasks/multitask/report.h"
#include "tasks/multitask/step.h"
#include "tasks/objective/epoch_events.h"
#include "tasks/objective/predictions.h"
#include "tasks/objective/several.h"
#include "tasks/objective/ties.h"
#include "tasks/run/console.h"
#include "tasks/run/training.h"

namespace {

using engine::check;
using engine::Tensor;
using model::Evaluation;
using multitask::Outcome;
using multitask::TrainOptions;
using nn::ordered_json;
using spec::TaskSet;

multitask::Sampler new_sampler(const TrainOptions& o, const TaskSet& set) {
  std::vector<long> sizes;
  for (const spec::Task& task : set.tasks) sizes.push_back(long(task.targets[spec::kTrain].rows.size()));
  return {o.sampling, sizes, o.training.epochs, o.training.max_steps};
}

void check_warmup(const TrainOptions& o, const multitask::Sampler& sampler, const spec::TaskFile& file) {
  const long per_epoch = sampler.steps_per_epoch(), steps = o.training.steps(per_epoch);
  check(o.weighting != "stch" || o.weighting_options.stch_warmup_epochs * per_epoch < steps,
        "{}: stch_warmup_epochs: {} of {:g} epochs; stch would never begin", file.path,
        o.weighting_options.stch_warmup_epochs, double(steps) / double(per_epoch));
}

std::vector<objective::Shaping> new_shaping(const TrainOptions& o, const TaskSet& set, const text::WordPiece& t) {
  std::vector<objective::Shaping> shaping;
  for (const spec::Corpus& corpus : set.corpora) shaping.emplace_back(o.shaping, corpus.examples[spec::kTrain], t);
  return shaping;
}

// What makes the loss of a step, and remembers how it went.
struct Parts {
  std::unique_ptr<model::TextModel> model;
  multitask::Sampler sampler;
  multitask::Balance balance;
  multitask::History history;
  std::vector<objective::Shaping> shaping;  // of each corpus
  multitask::Robustness robust;
  objective::RetentionLearning retention;
  objective::Ties ties;

  Parts(const TrainOptions& o, TaskSet& set, const spec::TaskFile& file)
      : model(model::build_of_tasks(o.model, set, o.training.seed)),
        sampler(new_sampler(o, set)),
        balance(o.weighting_options, o.weighting_lr, *model),
        history(model->tasks),
        shaping(new_shaping(o, set, model->tokenizer)),
        robust(o.robust, set, model->net, o.training.seed),
        retention(o.retention, model->net),
        ties(file, *model, set, o.training, o.training.steps(sampler.steps_per_epoch()), sampler.steps_per_epoch()) {
    check_warmup(o, sampler, file);
  }
};

// A run: its options as text, its task file, and of a task alone the run that it belongs to.
struct Job {
  const TrainOptions& options;
  const std::string& ini;
  const spec::TaskFile& file;
  std::string joint_run = "";
};

run::Frame frame_of(const Job& job, const Parts& parts, const TaskSet& set) {
  const TrainOptions& o = job.options;
  run::Frame frame;
  frame.options = job.ini;
  frame.steps_per_epoch = parts.sampler.steps_per_epoch();
  frame.default_lr = o.model.default_lr();
  for (const std::vector<Tensor>& state : {parts.balance.state(), parts.history.state()})
    frame.also_saved.insert(frame.also_saved.end(), state.begin(), state.end());
  if (parts.robust.slow)
    frame.also_saved.insert(frame.also_saved.end(), parts.robust.slow->state().begin(),
                            parts.robust.slow->state().end());
  frame.own_steps = [&parts](const std::string& parameter) { return parts.retention.moves(parameter); };
  frame.unit = o.sampling.batches == "mixed" ? "texts a task on the average" : "texts of one task";
  run::Fingerprint more;
  parts.ties.add_to(more);
  o.shaping.add_to(more);
  if (!job.joint_run.empty()) more.add("the run of all tasks", job.joint_run);
  frame.data = spec::fingerprint_of(set, parts.model->tokenizer) + more.text();
  for (const spec::Task& task : set.tasks)
    for (const std::string& file : task.spec.files.paths()) frame.inputs.push_back(file);
  for (const spec::TieSpec& tie : job.file.ties) frame.inputs.push_back(tie.texts);
  for (const std::string& path : {o.tasks, o.shaping.guide})
    if (!path.empty()) frame.inputs.push_back(path);
  for (const std::string& path : o.model.inputs()) frame.inputs.push_back(path);
  for (const std::string& path : o.robust.inputs()) frame.inputs.push_back(path);
  frame.also_written = {"tasks.json", "single", "predictions"};
  frame.where = [&set](long text) { return objective::where_of(set, text); };
  return frame;
}

// The mean of the tasks' metrics on dev decides which epoch is the best; without dev examples it is the last.
void finish_epoch(run::Training& training, Parts& parts, const TaskSet& set) {
  const model::TextModel& model = *parts.model;
  parts.balance.end_epoch();
  parts.history.end_epoch();
  training.run().pause();
  const objective::DevFigures dev = objective::measure_dev(model, set);
  const bool best = training.keep_best(dev.merit, [&](const std::string& directory) { model.save(directory); });
  if (!dev.merit) return;
  const ordered_json cka = objective::likeness_of(model, set);
  training.run().log(cka.empty() ? ordered_json{{"dev", dev.figures}}
                                 : ordered_json{{"dev", dev.figures}, {"cka", cka}});
  objective::log_epoch(training, model, set, dev.outputs);
  training.run().say(fmt::format("epoch {:g}, dev{}{}", training.epoch(), dev.line, best ? "  (the best so far)" : ""));
}

// The losses of a step, or of a half of it, as the step itself has them: bent alike, with the masks that it has.
std::vector<Tensor> losses_again(Parts& parts, const TaskSet& set, const std::vector<multitask::Draw>& draws,
                                 long step) {
  parts.model->net.params.train(step);
  parts.robust.adversary.rewind();
  const std::vector<multitask::Part> batch = batches_of(set, draws, 1, true, parts.robust.losses)[0];
  return losses_of(*parts.model, set, batch, parts.shaping, &parts.robust).tasks;
}

// A step tried on one half of each task's texts, its loss on the other.
void look_ahead(Parts& parts, const TaskSet& set, const std::vector<multitask::Draw>& draws, long step) {
  const auto losses_on = [&](bool second) { return losses_again(parts, set, half_of(draws, second), step); };
  parts.balance.look_ahead([&] { return losses_on(false); }, [&] { return losses_on(true); });
  parts.robust.adversary.rewind();
  parts.model->net.params.train(step);
}

// What the losses are on the same texts, once the weights have changed.
void look_back(Parts& parts, const TaskSet& set, const std::vector<multitask::Draw>& draws, long step) {
  const std::vector<Tensor> after = losses_again(parts, set, draws, step);  // with a graph: an adversary walks it
  parts.model->net.params.eval();
  if (std::ranges::all_of(after, [](const Tensor& loss) { return !loss || std::isfinite(loss.item()); }))
    parts.balance.losses_after(after);  // else the next step says what has become of the weights
}

// Each task's loss, weight, and how many of its examples have been seen: for the log.
ordered_json figures_of(const Parts& parts, const std::vector<double>& weights, const ordered_json& ties) {
  ordered_json figures;
  for (size_t t = 0; t < weights.size(); ++t)
    if (parts.balance.losses()[t] != optim::kAbsent)
      figures["tasks"][parts.model->tasks[t].name] = {
          {"loss", parts.balance.losses()[t]}, {"weight", weights[t]}, {"seen", parts.sampler.seen()[t]}};
  if (!ties.empty()) figures["ties"] = ties;
  return figures;
}

// predictions/TASK.jsonl, of the tasks that say a label or a number of a text.
void write_predictions(const run::Training& training, const TaskSet& set, const std::vector<model::Outputs>& said) {
  for (size_t t = 0; t < set.tasks.size(); ++t) {
    const spec::TaskSpec& task = set.tasks[t].spec;
    const bool has_texts = !set.tasks[t].targets[spec::kTest].rows.empty();
    if (!has_texts || (!task.one_class() && task.head != nn::Predicts::number)) continue;
    std::filesystem::create_directories(training.run().file("predictions"));
    objective::write_predictions(training.run().file("predictions/" + task.name + ".jsonl"), set, t, spec::kTest,
                                 said[t]);
  }
}

Outcome outcome_of(const run::Training& training, Parts& parts, const TaskSet& set) {
  const auto best = model::load_model(model::ModelDirectory(training.best_directory()));
  model::calibrate(*best, set, spec::kDev);
  model::write_calibrations(*best, training.best_directory());
  std::vector<model::Outputs> said;
  Outcome outcome{model::evaluate(*best, set, spec::kDev), model::evaluate(*best, set, spec::kTest, "", &said),
                  parts.history.json()};
  write_predictions(training, set, said);
  parts.sampler.at(training.step());  // of a run that was complete when it was resumed, too
  for (size_t t = 0; t < set.tasks.size(); ++t) outcome.way["seen"][set.tasks[t].spec.name] = parts.sampler.seen()[t];
  if (const ordered_json cka = objective::likeness_of(*best, set); !cka.empty()) outcome.way["cka"] = cka;
  outcome.way["steps"] = training.steps();
  outcome.way["seconds"] = training.run().seconds();
  parts.retention.report(training.best_directory());
  return outcome;
}

// The texts of a batch, as the frame's `where` counts them.
engine::Indices rows_of(const TaskSet& set, const std::vector<multitask::Part>& batch) {
  engine::Indices rows;
  for (const multitask::Part& part : batch) {
    const engine::Indices of_part = objective::end_to_end(set, int(part.corpus), part.batch.rows);
    rows.insert(rows.end(), of_part.begin(), of_part.end());
  }
  return rows;
}

// Whether the losses of a batch are numbers.
bool sound(run::Training& training, const multitask::Losses& losses, const engine::Indices& rows) {
  for (size_t t = 0; t < losses.tasks.size(); ++t)
    if (losses.tasks[t] && !training.sound(losses.tasks[t], t ? engine::Indices() : rows)) return false;
  return !losses.extra || training.sound(losses.extra);
}

// The cost of a schedule of token pruning that is learned, and the schedule's own step.
void learn_retention(const objective::RetentionLearning& retention, run::Training& training) {
  run::Terms cost;
  retention.add_to(cost);
  if (cost.empty()) return;
  training.backward(cost);
  retention.step(training.part_of_peak());
}

// Returns what came of it, and the name of the run.
std::pair<Outcome, std::string> train_model(const Job& job, TaskSet& set) {
  const TrainOptions& o = job.options;
  const bool all_tasks = optim::needs_all_tasks(o.weighting_options.kind);
  Parts parts(o, set, job.file);
  run::print_note("sampling {} ({}), weighting {}\n", o.sampling.kind, o.sampling.batches, o.weighting);
  run::Training training(o.training, parts.model->net.params, frame_of(job, parts, set));
  nn::write_file(training.run().file("tasks.json"), job.file.text);

  while (training.next_step()) {  // false at the end; a signal ends the program with all saved
    const long step = training.step();
    const std::vector<multitask::Draw> draws = parts.sampler.at(step);  // 1 which tasks, which texts
    parts.ties.hand_over(step);
    parts.robust.begin(step, training.steps());
    if (parts.balance.wants_lookahead()) look_ahead(parts, set, draws, step);
    ordered_json terms = ordered_json::object();
    for (const auto& batch :  // one, unless --accumulate
         batches_of(set, draws, o.training.accumulate, all_tasks, parts.robust.losses)) {
      // 2 the encoder, once for each text, 3 the heads, 4 a loss a task -> [] x T, and what shapes attention
      const multitask::Losses losses = losses_of(*parts.model, set, batch, parts.shaping, &parts.robust);
      if (!sound(training, losses, rows_of(set, batch))) break;
      parts.balance.backward(step, losses.tasks, losses.extra);  // 5 coefficients, and every gradient
      losses.add_shaped_to(terms);
    }
    const std::vector<double> c = parts.balance.coefficients(step);
    const ordered_json tied = parts.ties.backward(step);  //   and what ties the tasks adds to them
    if (training.sound()) learn_retention(parts.retention, training);
    training.note_loss(parts.balance.loss(), terms);
    if (training.update(figures_of(parts, c, tied))) {  // 6 norm, clipping, 7 the weights change here, 8 log.jsonl
      parts.balance.step();                             //   and here what the weighting itself learns
      if (parts.balance.wants_losses_after()) look_back(parts, set, draws, step);
      parts.history.add(parts.balance.losses(), c);
    } else {
      parts.balance.take_back();
    }
    if (training.epoch_ends()) finish_epoch(training, parts, set);
  }
  const Outcome outcome = outcome_of(training, parts, set);
  run::write_card(training.run(), objective::card_of("multitask", set, outcome.test));
  return {outcome, training.run().id()};
}

// The figures of a task alone that this very run has trained before it was stopped.
std::optional<Evaluation> done_before(const std::string& file, const std::string& joint_run) {
  if (!std::filesystem::exists(file)) return {};
  const ordered_json json = ordered_json::parse_or_null(nn::read_file(file));
  if (!json.is_object() || !json.contains("test") || json.value("run", "") != joint_run) return {};
  return Evaluation{json["test"], {}, {}};
}

// One task alone, with the same settings and a model of its own.
Evaluation train_alone(const Job& joint, TaskSet& set, const std::string& joint_run) {
  spec::TaskFile file = joint.file;
  file.ties.clear();
  TrainOptions alone = joint.options;
  alone.weighting = "equal";
  alone.weighting_options.kind = optim::WeightingKind::equal;
  alone.training.out = joint.options.training.out + "/single/" + set.tasks[0].spec.name;
  if (!alone.training.events.empty() && alone.training.events != "auto")
    alone.training.events += "/single/" + set.tasks[0].spec.name;
  const std::string result = alone.training.out + "/result.json";
  if (const std::optional<Evaluation> before = done_before(result, joint_run)) return *before;
  const bool resumed = !joint.options.training.resume.empty();
  const bool begun = resumed && std::filesystem::exists(alone.training.out + "/last.safetensors");
  alone.training.resume = begun ? alone.training.out : "";
  alone.training.overwrite = resumed;  // what was begun and cannot be continued
  run::print_note("\n{} alone\n", set.tasks[0].spec.name);
  try {
    const Outcome outcome = train_model({alone, joint.ini, file, joint_run}, set).first;
    const ordered_json json{{"run", joint_run}, {"dev", outcome.dev[0].figures}, {"test", outcome.test[0].figures}};
    nn::write_file(result, json.dump(2) + "\n");
    return outcome.test[0];
  } catch (const run::Exit&) {
    run::print_note("that is a part of {}; continue with --resume {}\n", joint.options.training.out,
                    joint.options.training.out);
    throw;
  }
}

void train(run::Options& options, const run::Parse& parse) {
  TrainOptions o;
  o.declare(options);
  parse();
  const spec::TaskFile file = o.settle(options);
  run::print_setup("multitask", "train");
  TaskSet set = spec::load_tasks(file.tasks, o.training.seed);
  const bool has_dev = std::any_of(set.corpora.begin(), set.corpora.end(),
                                   [](const spec::Corpus& c) { return !c.examples[spec::kDev].empty(); });
  check(has_dev || !o.training.patience, "{}: patience needs dev examples", file.path);
  o.robust.extend(set, o.training.seed);
  const std::string ini = options.effective();
  const Job job{o, ini, file};
  const auto [joint, id] = train_model(job, set);
  std::vector<Evaluation> single;  // a run that is continued takes those that are done as they are
  for (size_t t = 0; o.single && t < set.tasks.size(); ++t) {
    TaskSet one = set.only(t);
    single.push_back(train_alone(job, one, id));
  }
  multitask::report(set, joint, single, o.weighting, o.training.out);
}

void export_command(run::Options& options, const run::Parse& parse) {
  std::string directory, task, out;
  options.add("--model", directory, "directory of a run or of a model").required();
  options.add("--task", task, "which of its tasks").required();
  options.add("--out", out, "directory for the model of this one task").required();
  parse();
  check(!std::filesystem::exists(out), "{}: is there already; name a new directory", out);
  const std::unique_ptr<model::TextModel> model = model::load_model(model::ModelDirectory(directory));
  nn::write_directory(out, [&](const std::string& to) { model::export_task(*model, model->task(task), to); });
  fmt::print("result task=export model={} out={}\n", task, out);
}

void example(run::Options&, const run::Parse& parse) {
  parse();
  fmt::print("{}", multitask::kExample);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(
      argc, argv, "multitask", "Several tasks in one model: train them together, see what each gains.",
      {{"example", "print a task file that works", example},
       {"train", "train the tasks of a file together, and with --single each alone", train},
       {"evaluate", "figures of every task, on the data that the task file names", multitask::evaluate_command},
       {"predict", "what every head says of texts", command::predict},
       {"export", "one task as a model directory that `sentiment` reads", export_command},
       {"quantize", "write a model with int8 weights, a quarter as large", model::quantize_command}});
}
