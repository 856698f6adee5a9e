// Multitask: one encoder, several tasks. The loop in train_model() is that of tasks/sentiment/main.cpp, which is to be read
// first, with a loss for every task and a weighting between them.
#include <cmath>
#include <filesystem>
#include <iostream>

#include "optim/clip.h"
#include "tasks/multitask/balance.h"
#include "tasks/multitask/history.h"
#include "tasks/multitask/options.h"
#include "tasks/multitask/report.h"
#include "tasks/multitask/step.h"
#include "tasks/objective/ties.h"
#include "tasks/run/console.h"
#include "tasks/run/run.h"

namespace {

using engine::check;
using engine::real;
using engine::Tensor;
using multitask::Figures;
using multitask::Options;
using spec::TaskSet;
using nlohmann::ordered_json;

// What training came to: the best epoch's model on dev and test, and what happened on the way.
struct Outcome {
  std::vector<Figures> dev, test;
  ordered_json way;
};

// The mean of the tasks' metrics on dev decides which epoch is the best; without dev examples it is the last.
void finish_epoch(run::Run& run, multitask::Model& model, const TaskSet& set, int max_length) {
  run.pause();
  const std::vector<Figures> dev = multitask::evaluate(model, set, spec::kDev);
  double sum = 0;
  long count = 0;
  ordered_json figures;
  std::string line;
  for (size_t t = 0; t < dev.size(); ++t) {
    if (dev[t].is_null()) continue;
    const spec::TaskSpec& task = set.tasks[t].spec;
    sum += multitask::merit_of(task, dev[t]), ++count;
    figures[task.name] = dev[t];
    line += fmt::format("  {} {} {:.4f}", task.name, task.metric, multitask::metric_of(task, dev[t]));
  }
  const bool best = count == 0 || run.is_best(sum / double(count));
  if (count) {
    const ordered_json cka = objective::likeness_of(model, set);
    run.log(cka.empty() ? ordered_json{{"dev", figures}} : ordered_json{{"dev", figures}, {"cka", cka}});
    run.say(fmt::format("epoch {:g}, dev{}{}", run.epoch(), line, best ? "  (the best so far)" : ""));
  }
  if (best) model.save(run.file("best"), max_length);
}

// A step tried on one half of each task's texts, its loss on the other.
void look_ahead(multitask::Balance& balance, multitask::Model& model, const TaskSet& set,
                const std::vector<multitask::Draw>& draws, long step) {
  const auto losses_on = [&](bool second) {
    model.params.train(step);  // the same masks at every call
    return multitask::losses_of(model, set, multitask::parts_of(set, multitask::half_of(draws, second)));
  };
  balance.look_ahead([&] { return losses_on(false); }, [&] { return losses_on(true); });
}

Outcome train_model(const Options& options, TaskSet& set, const std::string& ini, const spec::TaskFile& file) {
  const model::TrainOptions& o = options.train;
  const std::unique_ptr<multitask::Model> model = multitask::new_model(o, set);
  multitask::encode(set, model->tokenizer, o.max_length, text::too_long(o.too_long));
  const size_t T = set.tasks.size();
  std::vector<long> sizes;
  for (const spec::Task& task : set.tasks) sizes.push_back(long(task.targets[spec::kTrain].rows.size()));

  multitask::Sampler sampler(options.sampling, sizes, o.epochs);
  const long per_epoch = sampler.steps_per_epoch();
  const long steps = o.max_steps ? o.max_steps : std::max(1L, std::lround(std::ceil(o.epochs * double(per_epoch))));
  const optim::Schedule schedule = model::make_schedule(o, steps);
  const std::vector<Tensor> trainable = model->params.trainable();
  check(!trainable.empty(), "--freeze leaves nothing to train");
  optim::Optimizer optimizer = model::make_optimizer(o, trainable);
  multitask::Balance balance(options.weighting_options, options.weighting_lr, *model);
  multitask::Course course(model->tasks);  // means of losses and weights, epoch by epoch

  std::vector<Tensor> kept = model->params.tensors();  // in a checkpoint
  for (const Tensor& t : balance.state()) kept.push_back(t);
  for (const Tensor& t : course.state()) kept.push_back(t);
  run::Run run({o.out, o.overwrite, !o.resume.empty(), ini, steps, per_epoch, o.patience});
  nn::write_file(run.file("tasks.json"), file.text);
  if (!o.resume.empty()) run.restore(kept, optimizer);
  run::print_note("seed {}, {} steps, sampling {} ({}), weighting {}, peak learning rate {:g}, into {}\n\n", o.seed,
                  steps, options.sampling.kind, options.sampling.batches, options.weighting, o.peak_lr(), o.out);

  const objective::Ties ties(file, *model, set, o, steps, per_epoch);
  while (run.next_step()) {  // false at the end, or after a signal
    const std::vector<multitask::Draw> draws = sampler.at(run.step());
    if (balance.wants_lookahead()) look_ahead(balance, *model, set, draws, run.step());
    model->params.train(run.step());  //   dropout on, with the masks of this step
    ties.hand_over(run.step());
    // 1 which tasks, which texts; texts that several tasks read stand in one part
    const std::vector<multitask::Part> parts = multitask::parts_of(set, draws);
    // 2 the encoder, once for each text, 3 the heads, 4 a loss a task -> [] x T
    const std::vector<Tensor> losses = multitask::losses_of(*model, set, parts);
    for (const Tensor& loss : losses)
      if (loss) run.require_finite(loss);
    const std::vector<double> c = balance.backward(run.step(), losses);  // 5 coefficients, and every gradient
    const ordered_json tied = ties.backward(run.step());                 //   and what ties the tasks adds to them
    const double norm = optim::grad_norm(trainable);                     // 6
    const double lr = schedule(run.step());
    optimizer.step(lr, optim::clip_factor(trainable, norm, o.clip));  // 7 the weights change here
    model->params.clear_grads();
    balance.step();  //   and here what the weighting itself learns
    if (balance.wants_losses_after()) {
      const engine::NoGrad no_grad;
      model->params.train(run.step());  //   the same masks
      balance.losses_after(multitask::losses_of(*model, set, parts));
    }
    course.add(losses, c);
    ordered_json figures{{"loss", balance.loss()}, {"lr", lr}, {"grad_norm", norm}};
    for (size_t t = 0; t < T; ++t)
      if (losses[t])
        figures["tasks"][set.tasks[t].spec.name] = {
            {"loss", losses[t].item()}, {"weight", c[t]}, {"seen", sampler.seen()[t]}};
    if (!tied.empty()) figures["ties"] = tied;
    run.log(figures);  // 8 a line of log.jsonl

    if (run.epoch_ends()) {
      balance.end_epoch();
      course.end_epoch();
      finish_epoch(run, *model, set, o.max_length);
    }
    if (run.epoch_ends() || run.due_for_save()) run.save(kept, optimizer);
  }
  if (run.interrupted()) run.save(kept, optimizer), run.leave();

  const std::unique_ptr<multitask::Model> best = multitask::load_model(run.file("best"));
  Outcome outcome{
      multitask::evaluate(*best, set, spec::kDev), multitask::evaluate(*best, set, spec::kTest), {}};
  outcome.way = course.json();
  for (size_t t = 0; t < T; ++t) outcome.way["seen"][set.tasks[t].spec.name] = sampler.seen()[t];
  if (const ordered_json cka = objective::likeness_of(*best, set); !cka.empty()) outcome.way["cka"] = cka;
  outcome.way["steps"] = steps;
  outcome.way["seconds"] = run.seconds();
  return outcome;
}

// Each task alone, with the same settings; a run that is continued takes those that are done as they are.
std::vector<Figures> train_single(const Options& joint, const TaskSet& set, const std::string& ini,
                                  spec::TaskFile file) {
  file.ties.clear();
  std::vector<Figures> figures;
  for (size_t t = 0; t < set.tasks.size(); ++t) {
    const std::string& name = set.tasks[t].spec.name;
    Options alone = joint;
    alone.weighting = "equal";
    alone.weighting_options.kind = optim::WeightingKind::equal;
    alone.train.out = joint.train.out + "/single/" + name;
    const std::string done = alone.train.out + "/result.json";
    if (!joint.train.resume.empty()) {
      alone.train.overwrite = true;  // what was begun and cannot be continued
      alone.train.resume = std::filesystem::exists(alone.train.out + "/last.safetensors") ? alone.train.out : "";
    }
    if (joint.train.resume.empty() || !std::filesystem::exists(done)) {
      run::print_note("\n{} alone\n", name);
      TaskSet one = set.only(t);
      const Outcome outcome = train_model(alone, one, ini, file);
      nn::write_file(done, ordered_json{{"dev", outcome.dev[0]}, {"test", outcome.test[0]}}.dump(2) + "\n");
    }
    figures.push_back(Figures::parse(nn::read_file(done)).at("test"));
  }
  return figures;
}

// result.json, the table, and the line for scripts.
void report(const Options& options, const TaskSet& set, const Outcome& joint, const std::vector<Figures>& single) {
  std::vector<spec::TaskSpec> specs;
  ordered_json result;
  std::string line = "result task=multitask";
  double delta = 0;
  for (size_t t = 0; t < set.tasks.size(); ++t) {
    const spec::TaskSpec& task = specs.emplace_back(set.tasks[t].spec);
    ordered_json& of_task =
        result["tasks"][task.name] = {{"metric", task.metric}, {"dev", joint.dev[t]}, {"test", joint.test[t]}};
    line += fmt::format(" {}.{}={:.4f}", task.name, task.metric, multitask::metric_of(task, joint.test[t]));
    if (single.empty()) continue;
    of_task["single"] = single[t];
    of_task["delta"] = multitask::delta_of(task, joint.test[t], single[t]);
    delta += multitask::delta_of(task, joint.test[t], single[t]) / double(set.tasks.size());
  }
  result["weighting"] = options.weighting;
  if (!single.empty()) result["delta_m"] = delta;
  result.update(joint.way);
  nn::write_file(options.train.out + "/result.json", result.dump(2) + "\n");
  fmt::print("\n{}", multitask::table_of(specs, joint.dev, joint.test, single));
  if (!single.empty()) fmt::print("delta_m {:+.2f} %\n", 100 * delta), line += fmt::format(" delta_m={:.4f}", delta);
  if (joint.way.contains("cka"))
    for (const auto& [pair, value] : joint.way["cka"].items())
      fmt::print("linear CKA of {}: {:.3f}\n", pair, value.get<double>());
  fmt::print("\n{} seconds={:.0f} out={}\n", line, joint.way.at("seconds").get<double>(), options.train.out);
}

void train(CLI::App& app, const run::Parse& parse) {
  Options options;
  options.declare(app);
  parse();
  const spec::TaskFile file = options.settle(app);
  run::print_setup("multitask", "train");
  TaskSet set = spec::load_tasks(file.tasks, options.train.seed);
  const std::string ini = run::effective_options(app);
  const Outcome joint = train_model(options, set, ini, file);
  report(options, set, joint, options.single ? train_single(options, set, ini, file) : std::vector<Figures>{});
}

// The figures of every task on the data that its task file names, or of one on other files.
std::vector<Figures> figures_on(multitask::Model& model, const std::string& name, const std::vector<std::string>& data,
                                uint64_t seed, int max_length, std::vector<Figures>& dev) {
  if (!data.empty()) {
    const size_t task = model.task(name);
    TaskSet set = spec::load_test(model.tasks[task], data);
    multitask::encode(set, model.tokenizer, max_length, text::TooLong::cut);
    std::vector<Figures> test(model.tasks.size());
    const auto outputs = multitask::run_heads(model, set.corpora[0].texts[spec::kTest], {task});
    test[task] = multitask::figures_of(set.tasks[0], set.tasks[0].targets[spec::kTest], outputs[0]);
    dev.resize(test.size());
    return test;
  }
  TaskSet set = spec::load_tasks(model.tasks, seed);
  multitask::encode(set, model.tokenizer, max_length, text::TooLong::cut);
  for (size_t t = 0; t < set.tasks.size(); ++t)  // as they were when the model was trained
    set.tasks[t].spec.mean = model.tasks[t].mean, set.tasks[t].spec.deviation = model.tasks[t].deviation;
  dev = multitask::evaluate(model, set, spec::kDev);
  return multitask::evaluate(model, set, spec::kTest);
}

void evaluate_command(CLI::App& app, const run::Parse& parse) {
  std::string directory, task, out;
  std::vector<std::string> data;
  int max_length = 128;
  uint64_t seed = 42;
  app.add_option("--model", directory, "directory of a run or of a model")->required();
  app.add_option("--task", task, "one task, on the files of --data");
  app.add_option("--data", data, "files in the form that the task file says");
  app.add_option("--max-length", max_length, "tokens of a text")->check(run::between(2, 100000));
  app.add_option("--seed", seed, "of the run that trained it: files without a column `split` are split by it");
  app.add_option("--out", out, "also write the figures as JSON to this file");
  parse();
  run::print_setup("multitask", "evaluate");
  check(task.empty() == data.empty(), "--task and --data belong together");
  const std::unique_ptr<multitask::Model> model = multitask::load_model(directory);
  std::vector<Figures> dev;
  const std::vector<Figures> test =
      figures_on(*model, task, data, seed, std::min(max_length, int(model->config.max_position_embeddings)), dev);
  fmt::print("\n{}\n", multitask::table_of(model->tasks, dev, test, {}));
  ordered_json result;
  std::string line = "result task=multitask";
  for (size_t t = 0; t < test.size(); ++t) {
    if (test[t].is_null()) continue;
    const spec::TaskSpec& spec = model->tasks[t];
    result[spec.name] = {{"dev", dev[t]}, {"test", test[t]}};
    line += fmt::format(" {}.{}={:.4f}", spec.name, spec.metric, multitask::metric_of(spec, test[t]));
  }
  if (!out.empty()) nn::write_file(out, result.dump(2) + "\n");
  fmt::print("{}\n", line);
}

// {"text": ..., "TASK": what its head says, ...}
void predict_command(CLI::App& app, const run::Parse& parse) {
  std::string directory, file;
  int max_length = 128;
  spec::DataOptions files;
  app.add_option("--model", directory, "directory of a run or of a model")->required();
  app.add_option("--max-length", max_length, "tokens of a text")->check(run::between(2, 100000));
  app.add_option("--file", file, "file with a text column");
  files.declare(app, false);
  app.allow_extras();
  app.footer("Other arguments are texts; without any, and without --file, one a line from standard input.");
  parse();
  std::vector<text::Example> examples;
  for (const std::string& text : app.remaining()) examples.push_back({.text = text});
  check(examples.empty() || file.empty(), "texts and --file exclude each other");
  const std::unique_ptr<multitask::Model> model = multitask::load_model(directory);
  if (!file.empty()) examples = files.read({file}, {}, false).rows;
  if (examples.empty() && file.empty())
    for (std::string line; std::getline(std::cin, line);) examples.push_back({.text = line});
  const int length = std::min(max_length, int(model->config.max_position_embeddings));
  for (const ordered_json& line : multitask::predictions(*model, examples, length))
    fmt::print("{}\n", line.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

void export_command(CLI::App& app, const run::Parse& parse) {
  std::string directory, task, out;
  app.add_option("--model", directory, "directory of a run or of a model")->required();
  app.add_option("--task", task, "which of its tasks")->required();
  app.add_option("--out", out, "directory for the model of this one task")->required();
  parse();
  check(!std::filesystem::exists(out), "{}: is there already; name a new directory", out);
  const std::unique_ptr<multitask::Model> model = multitask::load_model(directory);
  multitask::export_task(*model, model->task(task), out);
  fmt::print("result task=export model={} out={}\n", task, out);
}

void example(CLI::App&, const run::Parse& parse) {
  parse();
  fmt::print("{}", multitask::kExample);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(
      argc, argv, "multitask", "Several tasks in one model: train them together, see what each gains.",
      {{"example", "print a task file that works", example},
       {"train", "train the tasks of a file together, and with --single each alone", train},
       {"evaluate", "figures of every task, on the data that the task file names", evaluate_command},
       {"predict", "what every head says of texts", predict_command},
       {"export", "one task as a model directory that `sentiment` reads", export_command}});
}
