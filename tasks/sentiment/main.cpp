// Sentiment: fine-tune a text classifier, measure it, use it. The loop in train() is the walk of the README.
#include <fmt/ranges.h>

#include <cmath>
#include <filesystem>

#include "nn/format/files.h"
#include "nn/format/whole_directory.h"
#include "tasks/attribution/attention.h"
#include "tasks/command/labelled.h"
#include "tasks/command/predict.h"
#include "tasks/model/merge.h"
#include "tasks/model/pruning.h"
#include "tasks/model/request.h"
#include "tasks/objective/classifier.h"
#include "tasks/run/console.h"
#include "tasks/run/directory.h"
#include "tasks/run/progress.h"
#include "tasks/run/stopwatch.h"
#include "tasks/sentiment/check.h"
#include "tasks/sentiment/curve.h"
#include "tasks/sentiment/evaluate.h"
#include "tasks/sentiment/noise.h"
#include "tasks/sentiment/suggest.h"

namespace {

using engine::check;
using engine::Tensor;
using nn::ordered_json;

// What was decided is what happens; `finish` hears when all steps are done.
void train(const run::Options& options, const objective::ClassifierOptions& o, spec::TaskSet& set,
           const sentiment::Finish& finish) {
  o.robust.extend(set, o.training.seed);
  const spec::Task& task = set.tasks[0];
  const spec::Corpus& corpus = set.corpora[0];
  const auto model = model::build(o.model, {task.spec}, corpus.examples[spec::kTrain], o.training.seed);
  o.encode(set, *model);
  text::Batches batches = run::batches_of(corpus.texts[spec::kTrain], o.training);
  const objective::Shaping shaping(o.shaping, corpus.examples[spec::kTrain], model->tokenizer);
  const objective::RetentionLearning retention(o.retention, model->net);
  objective::Robust robust(o.robust, task, model->net, o.training.seed);
  run::Frame frame = o.frame(options, batches, set, *model, retention);
  frame.also_saved = robust.state();
  run::Training training(o.training, model->net.params, frame);

  while (training.next_step()) {  // false at the end; dropout on, with the masks of this step
    // 1 sentences -> ids [N], offsets [B+1], labels [B]; several parts only with --accumulate
    for (const text::Batch& part :
         batches.parts_at(training.step(), o.training.batch_size, robust.weights_of_mean(task))) {
      nn::Trace trace;
      const nn::Encoded x = robust.encode(training.step(), part, shaping.ask(trace));  // 2 the encoder: [N] -> [B, C]
      const Tensor logits = model->net.head()(x, shaping.ask(trace));                  // 3 its head: [B, C] -> [B, K]
      run::Terms terms;                                                                // 4 the loss: [B, K], [B] -> []
      robust.add_task_loss(terms, "cross_entropy", 1, task, logits, part, shaping,
                           [&] { return model->net(part.tokens); });
      shaping.add_to(terms, trace, part);               //   nothing, unless attention is to be shaped
      retention.add_to(terms);                          //   or a schedule of token pruning to be learned
      training.backward(terms, part.share, part.rows);  // 5 adds to every parameter's gradient
      robust.more_passes(training, task, 1, part);      //   and an adversary's, if there is one
    }
    if (training.sound()) retention.step(training.part_of_peak());
    training.update();  // 6 norm and clipping, 7 the weights change here, only here, 8 a line of log.jsonl
    if (training.epoch_ends()) objective::finish_epoch(training, *model, set, o.metric);
  }
  retention.report(training.best_directory());
  finish(training);
}

void train_command(run::Options& options, const run::Parse& parse) {
  objective::ClassifierOptions o;
  o.declare(options, "sentiment");
  parse();
  o.settle(options, "sentiment");

  run::print_setup("sentiment", "train");
  spec::TaskSet set = o.load();
  o.decide(options, set);
  train(options, o, set, [&](const run::Training& run) { objective::finish_run(run, "sentiment", set, o); });
}

void curve(run::Options& options, const run::Parse& parse) { sentiment::curve_command(options, parse, train); }
void noise(run::Options& options, const run::Parse& parse) { sentiment::noise_command(options, parse, train); }

// A table of what every head looks at; with --out also the maps of each text, as JSON lines.
void analyze(run::Options& options, const run::Parse& parse) {
  model::Request given;
  std::string out;
  given.declare(options, false);
  given.declare_texts(options, "the embedded test set.");
  options.add("--out", out, "also write tokens, scores and probabilities of every text, one JSON object a line")
      .writes();
  parse();
  const auto model = given.load(options);
  std::vector<text::Example> examples = given.examples(options);
  if (options.texts().empty() && given.file.empty()) {
    examples = given.files.read_embedded({}).rows;
    std::erase_if(examples, [](const text::Example& e) { return e.split != "test"; });
  }
  const text::EncodedSet set = text::encode(examples, model->tokenizer, given.reading.max_length, given.reading.how());
  run::Progress progress("analyze", set.size());
  const attribution::Analysis analysis(*model, set, [&](long done) { progress.update(done); });
  progress.interrupt();
  fmt::print("{}", analysis.table());
  if (!out.empty()) {
    std::string lines;
    for (long i = 0; i < set.size(); ++i)
      for (int w = set.begin[i]; w < set.begin[i + 1]; ++w) {
        ordered_json line{{"text", examples[i].text}};
        line.update(attribution::Analysis::of_text(*model, set.windows[w]));
        lines += line.line() + "\n";
      }
    nn::write_file(out, lines);
  }
  const attribution::HeadFigures mean = analysis.mean();
  fmt::print("result task=analyze entropy={:.4f} distance={:.2f} special={:.4f} agreement={:.4f} n={}\n", mean.entropy,
             mean.distance, mean.special, mean.agreement, set.size());
}

// Both models on the test set, by turns, so that other programs disturb both alike; the faster turn of each counts.
void compare(const model::TextModel& before, const model::TextModel& after, const spec::TaskSet& set,
             const std::string& out) {
  struct Side {
    const char* name;
    const model::TextModel& model;
    double seconds = INFINITY;
    model::Evaluation evaluation = {};
  };
  Side sides[] = {{"before", before}, {"after", after}};
  for (int turn = 0; turn < 2; ++turn)
    for (Side& side : sides) {
      const run::Stopwatch watch;
      side.evaluation = model::evaluate(side.model, set, spec::kTest, side.name)[0];
      side.seconds = std::min(side.seconds, watch.seconds());
    }
  for (const Side& side : sides)
    fmt::print("{:<7} {:.2f} M parameters  accuracy {:.4f}  macro_f1 {:.4f}  {:.0f} texts/s\n", side.name,
               double(side.model.net.params.count()) / 1e6, side.evaluation.value("accuracy"),
               side.evaluation.value("macro_f1"), double(set.corpora[0].texts[spec::kTest].size()) / side.seconds);
  fmt::print("result task=prune accuracy={:.4f} macro_f1={:.4f} speed={:.2f} out={}\n",
             sides[1].evaluation.value("accuracy"), sides[1].evaluation.value("macro_f1"),
             sides[0].seconds / sides[1].seconds, out);
}

// A copy of a model without what matters least in it; the figures of both.
void prune(run::Options& options, const run::Parse& parse) {
  model::Request given;
  std::string out;
  std::vector<std::string> data, test;
  model::PruneOptions o;
  given.declare(options, true);
  options.add("--data", data, "files with texts and labels that tell what matters: a dev set, not the test set")
      .reads()
      .required();
  options.add("--test", test, "files to measure both models on; without them, those of --data again").reads();
  o.declare(options);
  options.add("--out", out, "directory for the smaller model").required();
  parse();
  o.settle();
  run::print_setup("sentiment", "prune");
  check(!std::filesystem::exists(out), "{}: is there already; name a new directory", out);
  const auto model = given.load(options);
  const auto read = [&](const std::vector<std::string>& files) {
    return command::labelled(options, given, files, *model);
  };
  const spec::TaskSet set = read(data), test_set = test.empty() ? set : read(test);
  const auto pruned = model::prune(*model, model::ModelDirectory(given.directory, given.base).path,
                                   set.corpora[0].texts[spec::kTest], o);
  nn::write_directory(out, [&](const std::string& directory) { pruned->save(directory); });
  pruned->net.pack();  // as the other one is
  compare(*model, *pruned, test_set, out);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(
      argc, argv, "sentiment", "Fine-tune a text classifier, measure it, use it.",
      {{"check", "say what can be known of labelled texts before training", sentiment::check_command},
       {"train", "train on labelled texts; without options, on the embedded corpus", train_command},
       {"evaluate", "measure a trained model on labelled texts", sentiment::evaluate_command},
       {"calibrate", "measure how sure a model may be, and keep it in its directory", sentiment::calibrate_command},
       {"predict", "classify texts: as JSON lines, or beside the rows of a file", command::predict},
       {"curve", "say what more labelled texts would bring: quality by their number", curve},
       {"suggest", "choose the texts most worth a label next", sentiment::suggest_command},
       {"noise", "list labels that are probably wrong", noise},
       {"analyze", "show what the heads of a model look at", analyze},
       {"prune", "take out the heads, neurons and tokens that matter least", prune},
       {"merge", "put what an adapter has learned into its base model", model::merge_command},
       {"quantize", "write a model with int8 weights, a quarter as large", model::quantize_command}});
}
