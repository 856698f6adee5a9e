// What a training run of an assistant is made of, but for its loop. Read tasks/answer/learn.h first.
#include "tasks/answer/learn.h"

#include <algorithm>
#include <cmath>

#include "engine/random.h"
#include "nn/format/files.h"
#include "tasks/answer/evaluate.h"
#include "tasks/objective/epoch_events.h"
#include "tasks/run/card.h"
#include "tasks/run/console.h"

namespace answer {

using engine::check;
using nn::ordered_json;

namespace {

// A share of the intents, drawn by seed, goes.
std::vector<std::string> leave_out(Knowledge& knowledge, double share, uint64_t seed) {
  std::vector<Intent>& intents = knowledge.intents;
  const std::vector<int> order = engine::permutation(int(intents.size()), {seed, engine::Stream::shuffle, ~1u});
  const size_t kept = intents.size() - size_t(std::lround(share * double(intents.size())));
  std::vector<bool> stays(intents.size(), false);
  for (size_t i = 0; i < kept; ++i) stays[size_t(order[i])] = true;
  std::vector<std::string> left;
  std::vector<Intent> rest;
  for (size_t i = 0; i < intents.size(); ++i) {
    if (stays[i]) {
      rest.push_back(intents[i]);
      continue;
    }
    for (const Question& q : intents[i].questions) left.push_back(q.text);
  }
  intents = rest;
  return left;
}

void print_doubts(const Lesson& lesson) {
  const long silent = std::ranges::count_if(lesson.knowledge.intents, [](const Intent& i) { return i.answer.empty(); });
  if (silent)
    run::print_note("warning: {} of {} intents have no answer: of these the name alone is said\n", silent,
                    lesson.knowledge.intents.size());
}

// Tags say which words are values: where a question has some, no word of it may move.
void add_copies(std::vector<text::Example>& texts, const TrainOptions& o) {
  if (o.robust.augment == "none") return;
  std::vector<text::Example> unmarked;
  for (const text::Example& e : texts)
    if (e.target.find('-') == std::string::npos) unmarked.push_back(e);  // of B-slot and I-slot
  check(!unmarked.empty(), "--augment changes words, and every text to learn from has a marked value");
  const std::vector<text::Example> copies = o.robust.copies_of(unmarked, o.training.seed);
  for (text::Example copy : copies) {
    copy.target = tags_of({.text = copy.text, .marked = {}, .where = copy.where});
    texts.push_back(copy);
  }
  run::print_note("{} texts in other words, of {} without a marked value\n", copies.size(), unmarked.size());
}

// The lesson's set: a task or two that read the same texts.
spec::TaskSet set_of(const std::vector<spec::TaskSpec>& tasks, const std::vector<text::Example> (&split)[3]) {
  spec::TaskSet set;
  for (const spec::TaskSpec& task : tasks) {
    spec::TaskSet one = spec::with_texts(task, split[spec::kTrain], split[spec::kDev], split[spec::kTest]);
    if (set.corpora.empty())
      set = one;
    else
      set.tasks.push_back(one.tasks[0]);
  }
  return set;
}

}  // namespace

Lesson lesson_of(Knowledge knowledge, const TrainOptions& o) {
  Lesson lesson{std::move(knowledge), {}, 0, {}};
  if (o.leave_out > 0) lesson.left_out = leave_out(lesson.knowledge, o.leave_out, o.training.seed);
  check(lesson.knowledge.intents.size() > 1, "{}: an assistant tells two intents apart, or more; it has {}",
        o.data.empty() ? "the knowledge" : o.data, lesson.knowledge.intents.size());
  std::vector<text::Example> all = examples_of(lesson.knowledge), split[3];
  text::split_stratified(all, o.training.seed, text::Shares::parse(o.split));
  for (const text::Example& e : all)
    for (const int s : {spec::kTrain, spec::kDev, spec::kTest})
      if (e.split == spec::kSplitNames[s]) split[s].push_back(e);
  if (!o.no_hints)
    for (const text::Example& hint : hints_of(lesson.knowledge)) split[spec::kTrain].push_back(hint);
  const bool layers = o.model.pretrained() ? o.model.directory().config.model_type == "bert" : o.model.model == "bert";
  lesson.written = split[spec::kTrain].size();
  add_copies(split[spec::kTrain], o);
  lesson.set = set_of(tasks_of(lesson.knowledge, layers, o.label_smoothing), split);
  objective::RobustOptions rare = o.robust;
  rare.augment = "none";  // that is done
  rare.extend(lesson.set, o.training.seed);
  check(lesson.set.tasks.size() == 1 || o.model.reading.how() != text::TooLong::window,
        "--long window: values of slots are told from whole questions, which windows cut up");
  print_doubts(lesson);
  return lesson;
}

run::Frame frame_of(const run::Options& options, const TrainOptions& o, const Lesson& lesson,
                    const text::Batches& batches, const Pairs& pairs, const model::TextModel& model,
                    const objective::Robust& robust, const objective::RetentionLearning& retention) {
  run::Frame frame;
  frame.options = options.effective();
  frame.steps_per_epoch = batches.per_epoch();
  frame.default_lr = o.model.default_lr();
  frame.also_saved = robust.state();
  frame.own_steps = [retention](const std::string& parameter) { return retention.moves(parameter); };
  run::Fingerprint more;
  pairs.add_to(more);
  more.add("knowledge", lesson.knowledge.json_lines());
  o.shaping.add_to(more);
  frame.data = spec::fingerprint_of(lesson.set, model.tokenizer) + more.text();
  for (const std::string& path : {o.data, o.shaping.guide})
    if (!path.empty()) frame.inputs.push_back(path);
  for (const std::string& path : o.model.inputs()) frame.inputs.push_back(path);
  for (const std::string& path : o.robust.inputs()) frame.inputs.push_back(path);
  frame.where = [&lesson](long row) { return lesson.set.corpora[0].examples[spec::kTrain][size_t(row)].where; };
  frame.also_written = {kSettings, kKnowledge, kQuestions, kIndex, kWording};
  return frame;
}

void finish_epoch(run::Training& training, const model::TextModel& model, const Lesson& lesson) {
  training.keep_best({}, [&](const std::string& directory) { model.save(directory); });
  if (!training.run().events()) return;
  training.run().pause();
  std::vector<model::Outputs> outputs;
  model::evaluate(model, lesson.set, spec::kDev, "", &outputs);
  objective::log_epoch(training, model, lesson.set, outputs);
}

void finish(const run::Training& training, const Lesson& lesson, const TrainOptions& o) {
  const std::string directory = o.training.out;
  {
    const auto best = model::load_model(model::ModelDirectory(training.best_directory()));
    save_assistant(directory, *best, training.best_directory(), lesson, o);
  }
  const Assistant assistant(directory);
  for (const std::string& sentence : assistant.calibration().doubts) run::print_note("warning: {}\n", sentence);
  ordered_json result =
      figures_of(assistant, own_questions(assistant),
                 o.data.empty() && lesson.left_out.empty() ? embedded_out_of_scope() : lesson.left_out);
  fmt::print("\n{}", table_of(result));
  const double seconds = run::write_result(training.run(), result);
  run::write_card(training.run(), {.program = "answer",
                                   .pipeline = "text-classification",
                                   .about = "It finds the answer that belongs to a question.",
                                   .figures = result});
  fmt::print("{} seconds={:.0f} out={}\n", result_line(result), seconds, directory);
}

}  // namespace answer
