// Answer: an assistant out of a file of questions and answers. The loop in train_command() is that of
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

void add_slots(run::Terms& terms, const spec::Task& slots, const Tensor& logits, const text::Batch& part) {
  terms.add(answer::kSlots, 1, spec::task_loss(slots, slots.targets[spec::kTrain], logits, part));
}

void train_command(run::Options& options, const run::Parse& parse) {
  TrainOptions o;
  o.declare(options);
  parse();
  o.settle(options);
  run::print_setup("answer", "train");
  answer::Lesson lesson = lesson_of(o.load(), o);
  o.decide(options, long(lesson.set.corpora[0].examples[spec::kTrain].size()), long(lesson.knowledge.intents.size()));
  const auto model = new_model(o, lesson);
  const std::vector<spec::Task>& tasks = lesson.set.tasks;
  const spec::Corpus& corpus = lesson.set.corpora[0];
  text::Batches batches = run::batches_of(corpus.texts[spec::kTrain], o.training);
  answer::Pairs pairs(lesson.knowledge, *model, o);
  const objective::Shaping shaping(o.shaping, corpus.examples[spec::kTrain], model->tokenizer);
  run::Training training(o.training, model->net.params, frame_of(options, o, lesson, batches, pairs, *model));
  while (training.next_step()) {
    const std::vector<text::Batch> parts = batches.parts_at(training.step(), o.training.batch_size);
    const answer::Contrast contrast(*model, parts, o);
    for (size_t p = 0; p < parts.size(); ++p) {
      const text::Batch& part = parts[p];
      answer::begin_part(*model, p);
      nn::Trace trace;
      const nn::Encoded x = model->net.encode(part.tokens, shaping.ask(trace));  // [N] -> [N, C]
      const Tensor logits = model->net.heads[0](x, &trace);                      // which intent: [B, K]
      run::Terms terms;
      shaping.add_task_loss(terms, answer::kIntent, 1, tasks[0], logits, part,
                            [&] { return model->net.heads[0](model->net.encode(part.tokens)); });
      if (tasks.size() > 1)
        add_slots(terms, tasks[1], model->net.heads[1](x), part);  // which words are values: [N, tags]
      if (o.contrast > 0)  // questions of one intent come near, those of others go away: [B, C]
        terms.add("contrast", o.contrast, contrast(p, answer::unit_vectors(trace.context, part)));
      shaping.add_to(terms, trace, part);
      training.backward(terms, part.share, part.rows);
    }
    learn_articles(pairs, *model, training, parts.size(), o.articles);
    training.update();
    if (training.epoch_ends()) finish_epoch(training, *model, lesson);
  }
  finish(training, lesson, o);
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
