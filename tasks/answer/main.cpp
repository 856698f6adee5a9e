// Answer: an assistant out of a file of questions and answers. The loop in train() is that of
// tasks/sentiment/main.cpp, which is to be read first, with two heads and two terms more.
#include "tasks/answer/commands.h"
#include "tasks/answer/learn.h"
#include "tasks/model/log_odds.h"
#include "tasks/spec/loss.h"

namespace {

using answer::TrainOptions;
using engine::Tensor;

std::unique_ptr<model::TextModel> new_model(const TrainOptions& o, answer::Lesson& lesson) {
  std::vector<spec::TaskSpec> tasks;
  for (const spec::Task& task : lesson.set.tasks) tasks.push_back(task.spec);
  std::vector<text::Example> texts = lesson.set.corpora[0].examples[spec::kTrain];  // what a vocabulary is made of
  for (const answer::Article& a : lesson.knowledge.articles) texts.push_back({.text = a.title, .pair = a.text});
  auto model = model::build(o.model, tasks, texts, o.training.seed);
  spec::encode(lesson.set, model->tokenizer, model->reading.max_length, model->reading.how());
  if (o.model.log_odds > 0) model::start_from_log_odds(*model, lesson.set, o.model.log_odds);
  return model;
}

// Titles find the texts of their articles: gradients beside those of the step's questions, which came in `parts`.
void learn_articles(answer::Pairs& pairs, model::TextModel& model, run::Training& training, size_t parts,
                    double weight) {
  if (weight <= 0 || !pairs.due(training.step())) return;
  for (const answer::Pairs::Part& part : pairs.parts_at(model, training.step(), parts)) {
    run::Terms found;
    found.add("articles", weight, part.loss());
    training.backward(found, part.share);
  }
}

// An adversary's passes, if there is one: of the head of intents alone.
void look_around(objective::Robust& robust, model::TextModel& model, run::Training& training, const spec::Task& intents,
                 const text::Batch& part) {
  robust.more_passes({.logits = [&](const nn::Encoded& x) { return model.net.heads[0](x); },
                      .backward = [&](const run::Terms& terms) { training.backward(terms, part.share, part.rows); },
                      .steps = training.steps()},
                     intents, 1, part);
}

// Which words are values: [N, tags], where any are marked.
void add_slots(run::Terms& terms, const spec::TaskSet& set, const model::TextModel& model, const nn::Encoded& x,
               const text::Batch& part) {
  if (set.tasks.size() < 2) return;
  const spec::Task& slots = set.tasks[1];
  terms.add(answer::kSlots, 1, spec::task_loss(slots, slots.targets[spec::kTrain], model.net.heads[1](x), part));
}

// Of a step in several parts it walks through them first, as the step does: with the adversary's draws.
answer::Contrast contrast_of(model::TextModel& model, const std::vector<text::Batch>& parts, const TrainOptions& o,
                             objective::Robust& robust, long step) {
  const answer::Contrast contrast(model, parts, o,
                                  [&](const text::Batch& part) { return robust.encode(step, part, nullptr); });
  robust.rewind();
  return contrast;
}

void train(const run::Options& options, const TrainOptions& o, answer::Lesson& lesson) {
  const auto model = new_model(o, lesson);
  const spec::Task& intents = lesson.set.tasks[0];
  const spec::Corpus& corpus = lesson.set.corpora[0];
  text::Batches batches = run::batches_of(corpus.texts[spec::kTrain], o.training);
  answer::Pairs pairs(lesson.knowledge, *model, o);
  const objective::Shaping shaping(o.shaping, corpus.examples[spec::kTrain], model->tokenizer);
  const objective::RetentionLearning retention(o.retention, model->net);
  objective::Robust robust(o.robust, intents, model->net, o.training.seed);
  run::Training training(o.training, model->net.params,
                         frame_of(options, o, lesson, batches, pairs, *model, robust, retention));
  while (training.next_step()) {
    const std::vector<text::Batch> parts = batches.parts_at(training.step(), o.training.batch_size);
    const answer::Contrast contrast = contrast_of(*model, parts, o, robust, training.step());
    for (size_t p = 0; p < parts.size(); ++p) {
      const text::Batch& part = parts[p];
      answer::begin_part(*model, p);
      nn::Trace trace;
      const nn::Encoded x = robust.encode(training.step(), part, shaping.ask(trace));  // [N] -> [N, C]
      const Tensor logits = model->net.heads[0](x, &trace);                            // which intent: [B, K]
      run::Terms terms;
      robust.add_task_loss(terms, answer::kIntent, 1, intents, logits, part, shaping,
                           [&] { return model->net.heads[0](model->net.encode(part.tokens)); });
      add_slots(terms, lesson.set, *model, x, part);
      if (o.contrast > 0)  // questions of one intent come near, those of others go away: [B, C]
        terms.add("contrast", o.contrast, contrast(p, answer::unit_vectors(trace.context, part)));
      shaping.add_to(terms, trace, part);
      retention.add_to(terms);
      training.backward(terms, part.share, part.rows);
      look_around(robust, *model, training, intents, part);
    }
    learn_articles(pairs, *model, training, parts.size(), o.articles);
    if (training.sound()) retention.step(training.part_of_peak());
    training.update();
    if (training.epoch_ends()) finish_epoch(training, *model, lesson);
  }
  retention.report(training.best_directory());
  finish(training, lesson, o);
}

void train_command(run::Options& options, const run::Parse& parse) {
  TrainOptions o;
  o.declare(options);
  parse();
  o.settle(options);
  run::print_setup("answer", "train");
  answer::Lesson lesson = lesson_of(o.load(), o);
  o.decide(options, long(lesson.set.corpora[0].examples[spec::kTrain].size()), long(lesson.knowledge.intents.size()));
  train(options, o, lesson);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(
      argc, argv, "answer", "An assistant out of a file of questions, answers and articles.",
      {{"train", "learn the questions of a file; without options, those of the embedded shop", train_command},
       {"evaluate", "measure it on questions in and out of scope, and on searches", answer::evaluate_command},
       {"ask", "talk to it: at the terminal, or JSON lines in and out", answer::ask_command},
       {"serve", "the same over HTTP, with a page to chat on", answer::serve_command},
       {"index", "give it new articles, without training", answer::index_command}});
}
