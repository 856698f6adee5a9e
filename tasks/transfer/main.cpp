// Transfer: a student learns from labels and from a teacher: its logits, its attention, its hidden states. The loop is
// that of tasks/sentiment/main.cpp, which is to be read first, with the teacher's terms added.
#include "tasks/objective/classifier.h"
#include "tasks/objective/transfer.h"
#include "tasks/run/console.h"
#include "tasks/run/fingerprint.h"

namespace {

using engine::Tensor;

// The student learns beside its teacher.
void learn(const run::Options& options, const objective::ClassifierOptions& o, const objective::TransferOptions& t,
           const model::TextModel& teacher, model::TextModel& model, const spec::TaskSet& set) {
  const spec::Task& task = set.tasks[0];
  const spec::Corpus& corpus = set.corpora[0];
  objective::Transfer transfer(t, teacher, model, o.training.seed);
  transfer.read_texts(corpus.texts[spec::kTrain]);
  text::Batches batches = run::batches_of(corpus.texts[spec::kTrain], o.training);
  const objective::Shaping shaping(o.shaping, corpus.examples[spec::kTrain], model.tokenizer);
  const objective::RetentionLearning retention(o.retention, model.net);
  objective::Robust robust(o.robust, task, model.net, o.training.seed);
  const bool look = shaping.looks_at_attention() || transfer.looks_inside();
  run::Frame frame = o.frame(options, batches, set, model, retention, {t.teacher});
  frame.also_trained = transfer.projections();
  frame.also_saved = robust.state();
  frame.data += run::Fingerprint().add_values("teacher", teacher.net.params.tensors()).text();
  run::Training training(o.training, model.net.params, frame);

  while (training.next_step()) {
    for (const text::Batch& part :
         batches.parts_at(training.step(), o.training.batch_size, robust.weights_of_mean(task))) {
      nn::Trace trace;
      const nn::Encoded x = robust.encode(training.step(), part, look ? &trace : nullptr);  // [N] -> [B, C]
      const Tensor logits = model.net.head()(x, look ? &trace : nullptr);                   // [B, C] -> [B, K]
      run::Terms terms;
      robust.add_task_loss(terms, "hard", t.hard, task, logits, part, shaping, [&] { return model.net(part.tokens); });
      transfer.add_to(terms, mean_over_windows(logits, part), trace, part);  // the teacher's terms
      shaping.add_to(terms, trace, part);
      retention.add_to(terms);
      training.backward(terms, part.share, part.rows);
      robust.more_passes(training, task, t.hard, part);
    }
    if (training.sound()) retention.step(training.part_of_peak());
    training.update();
    if (training.epoch_ends()) objective::finish_epoch(training, model, set, t.teaches_output() ? o.metric : "");
  }
  retention.report(training.best_directory());
  objective::finish_run(training, "transfer", set, o);
}

void train(run::Options& options, const run::Parse& parse) {
  objective::ClassifierOptions o;
  objective::TransferOptions t;
  o.model.model = "bert";
  t.declare(options);
  o.declare(options, "transfer");
  parse();
  o.settle(options, "transfer");
  if (o.training.resume.empty()) t.check_left_out(options);
  if (o.head != "label") run::usage_error("--head {}: a teacher of labels hands over logits of labels", o.head);
  if (t.teacher.empty()) run::usage_error("--teacher is needed: the directory of a run or of a model");
  engine::check(!o.model.vocab_size && (!o.model.cased || !o.model.vocab.empty()),
                "--vocab-size and --cased make a vocabulary; a student reads with its teacher's");

  run::print_setup("transfer", "train");
  if (!t.asks_the_teacher())
    run::print_note(
        "note: no term has a weight: the student has the teacher's vocabulary, and learns from labels alone\n");
  if (t.compares() && !t.teaches_output())
    run::print_note(
        "note: layers alone are learned, the classifier stays as it is: its figures mean nothing, and the last epoch "
        "is kept; --model {} learns the labels afterwards\n",
        o.training.out);
  const auto teacher = model::load_model(model::ModelDirectory(t.teacher));
  model::check_positions(o.model.reading, teacher->net, t.teacher);
  spec::TaskSet set = o.load(teacher->only_task().labels);
  o.decide(options, set);
  const auto model = model::build(o.model, {set.tasks[0].spec}, set.corpora[0].examples[spec::kTrain], o.training.seed,
                                  &teacher->tokenizer);
  objective::start_from_teacher(t, *teacher, *model);
  o.robust.extend(set, o.training.seed);
  o.encode(set, *model);
  learn(options, o, t, *teacher, *model, set);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(
      argc, argv, "transfer", "Hand over what a teacher has learned: logits, attention, hidden states.",
      {{"train", "train a student beside a teacher; `sentiment` evaluates and uses what it made", train}});
}
