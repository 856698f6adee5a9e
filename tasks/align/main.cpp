// A student of another language learns its teacher's sentence vectors; retrieval says how well. The loop is that of
// tasks/sentiment/main.cpp; read it and nn/loss/ranking.h first.
#include "nn/format/files.h"
#include "nn/loss/ranking.h"
#include "tasks/model/build.h"
#include "tasks/objective/epoch_events.h"
#include "tasks/objective/retention.h"
#include "tasks/objective/shaping.h"
#include "tasks/run/card.h"
#include "tasks/run/console.h"
#include "tasks/run/fingerprint.h"
#include "tasks/run/progress.h"
#include "tasks/run/training.h"
#include "tasks/score/ranking.h"
#include "tasks/text/lines.h"

namespace {

using engine::check;
using engine::real;
using engine::Tensor;
using nn::ordered_json;

struct AlignOptions {
  model::BuildOptions model;
  run::TrainingOptions training;
  objective::ShapingOptions shaping;
  objective::RetentionOptions retention;
  std::string teacher, source, target, dev_source, dev_target, test_source, test_target;
  std::string pooling = "mean";
  double mse = 1, ranking = 0, scale = 20;
  bool both = false;

  AlignOptions() {
    model.model = "bert";
    model.reading.max_length = 64;
    training.batch_size = 64;
    training.lr = 5e-4;
  }
  void declare(run::Options& options);
  void settle(run::Options& options);  // after parsing. Error: what is missing or does not go together
};

void AlignOptions::declare(run::Options& options) {
  const auto add = [&](const char* group) {
    return [&options, group](const char* name, auto& variable, const char* what) -> run::Option& {
      return options.add(name, variable, what).group(group);
    };
  };
  const auto file = add("Data files"), transfer = add("Transfer");
  file("--source", source, "sentences in the language of the teacher, one a line").reads();
  file("--target", target, "their translations, line by line: what the student reads").reads();
  file("--dev-source", dev_source, "the same, to choose the best epoch on").reads();
  file("--dev-target", dev_target, "their translations").reads();
  file("--test-source", test_source, "the same, for the final figures; without them, dev again").reads();
  file("--test-target", test_target, "their translations").reads();
  transfer("--teacher", teacher, "directory of a run or of a model: a BERT of the source language");
  transfer("--pooling", pooling, "the vector of a sentence: mean of its tokens, or cls, its first token")
      .one_of({"mean", "cls"});
  transfer("--mse", mse, "weight of the squared distance to the teacher's vector").not_negative();
  transfer("--ranking", ranking, "weight of the ranking among the teacher's vectors of the batch").not_negative();
  transfer("--scale", scale, "of the cosines in the ranking").between(1e-3, 1e4);
  transfer("--both", both, "the student reads the sentences, too, not only their translations");
  model.declare(options);
  training.declare(options, "align");
  shaping.declare_attention(options);
  retention.declare(options);
}

void AlignOptions::settle(run::Options& options) {
  training.settle(options, "align");
  model.settle(options);
  model.retention_bins = retention.bins();
  if (teacher.empty() || source.empty() || target.empty())
    run::usage_error("--teacher, --source and --target are needed");
  check(dev_source.empty() == dev_target.empty() && test_source.empty() == test_target.empty(),
        "--dev-source and --dev-target come together, and so do --test-source and --test-target");
  check(!dev_source.empty() || !test_source.empty(), "--dev-source and --dev-target, or those of test, are needed");
  check(!dev_source.empty() || training.patience == 0, "--patience needs --dev-source and --dev-target");
  check(mse + ranking > 0, "--mse and --ranking are both 0: there is nothing to learn");
}

// A head that gives a sentence's vector, projected where the student is not as wide as its teacher.
spec::TaskSpec vectors(const std::string& pooling) {
  spec::TaskSpec task;
  task.head = nn::Predicts::vector;
  task.reads = pooling == "cls" ? nn::Reads::first : nn::Reads::mean;
  return task;
}

// One vector for every sentence of a set, without a graph: [n, C].
Tensor vectors_of(const char* name, const nn::Model& model, const text::EncodedSet& set) {
  const engine::NoGrad no_grad;
  std::vector<Tensor> rows;
  run::Progress progress(name, set.size());
  long done = 0;
  for (const text::Batch& batch : text::in_order(set, 64)) {
    rows.push_back(mean_over_windows(model(batch.tokens), batch));
    progress.update(done += long(batch.rows.size()));
  }
  progress.interrupt();
  return concat(rows, 0);
}

// Sentences and translations as ids; the teacher's vectors of the sentences, which stay as they are.
struct Pairs {
  text::EncodedSet target, source;  // as the student reads them; source only with --both
  Tensor wanted;                    // [n, C]
};

Pairs encode(const char* name, const text::ParallelTexts& texts, const model::TextModel& teacher,
             const model::TextModel& student, const AlignOptions& o) {
  if (texts.source.empty()) return {};
  const auto read = [&](const std::vector<text::Example>& side, const model::TextModel& by) {
    return text::encode(side, by.tokenizer, o.model.reading.max_length, o.model.reading.how());
  };
  Pairs pairs{read(texts.target, student), {}, {}};
  if (o.both) pairs.source = read(texts.source, student);
  const text::EncodedSet source = read(texts.source, teacher);
  long teacher_tokens = 0, student_tokens = 0;
  for (long i = 0; i < source.size(); ++i) {
    teacher_tokens += source.tokens(i);
    student_tokens += pairs.target.tokens(i);
  }
  const double n = double(source.size());
  run::print_note("{:<6}{:>6} pairs, {:.1f} tokens for the teacher, {:.1f} for the student\n", name, source.size(),
                  double(teacher_tokens) / n, double(student_tokens) / n);
  pairs.wanted = vectors_of("teacher", teacher.net, source);
  return pairs;
}

// Retrieval both ways: of the teacher's sentence from the student's translation, and of the translation.
struct Figures {
  score::Retrieval to_target, to_source;
  double accuracy() const { return (to_target.accuracy + to_source.accuracy) / 2; }
  std::string line() const {
    return fmt::format("source to target {:.4f} (mrr {:.4f})  target to source {:.4f} (mrr {:.4f})", to_target.accuracy,
                       to_target.mrr, to_source.accuracy, to_source.mrr);
  }
  ordered_json json() const {
    return {{"source_to_target", to_target.accuracy},
            {"target_to_source", to_source.accuracy},
            {"source_to_target_mrr", to_target.mrr},
            {"target_to_source_mrr", to_source.mrr}};
  }
};

Figures measure(const char* name, const model::TextModel& student, const Pairs& pairs) {
  const Tensor found = vectors_of(name, student.net, pairs.target);
  return {score::retrieve(pairs.wanted, found), score::retrieve(found, pairs.wanted)};
}

std::unique_ptr<model::TextModel> make_student(const AlignOptions& o, const text::ParallelTexts& texts,
                                               long teacher_width) {
  std::vector<text::Example> to_read = texts.target;
  if (o.both) to_read.insert(to_read.end(), texts.source.begin(), texts.source.end());
  spec::TaskSpec task = vectors(o.pooling);
  const long width = o.model.pretrained() ? o.model.directory().config.hidden_size : o.model.hidden.value_or(256);
  if (width != teacher_width) task.width = teacher_width;
  auto student = model::build(o.model, {task}, to_read, o.training.seed);
  if (task.width) run::print_note("a projection leads to the teacher's {} columns\n", teacher_width);
  return student;
}

// The terms of one side: the student's vectors [B, C] beside the teacher's of the same sentences; its attention.
void add_side(run::Terms& terms, const nn::Model& student, const text::Batch& batch, const Tensor& wanted,
              const AlignOptions& o, const objective::Shaping& shaping) {
  nn::Trace trace;
  const Tensor found = mean_over_windows(student(batch.tokens, shaping.ask(trace)), batch);  // [N] -> [B, C]
  if (o.mse > 0) terms.add("mse", o.mse, engine::mse(found, wanted));
  if (o.ranking > 0) terms.add("ranking", o.ranking, nn::in_batch_ranking(found, wanted, real(o.scale)));
  shaping.add_to(terms, trace, batch);
}

void finish_epoch(run::Training& training, const model::TextModel& student, const Pairs& dev) {
  const auto save = [&](const std::string& directory) { student.save(directory); };
  if (dev.target.size() == 0) {
    training.keep_best({}, save);
    return;
  }
  training.run().pause();
  const Figures figures = measure("dev", student, dev);
  const bool best = training.keep_best(figures.accuracy(), save);
  training.run().log({{"dev", figures.json()}});
  objective::log_attention(training, student, dev.target.windows[0]);
  training.run().say(
      fmt::format("epoch {:g}, dev{}: {}", training.epoch(), best ? " (the best so far)" : "", figures.line()));
}

// On the pairs of test; without them on those of dev, on which the best epoch was chosen.
void finish_run(const run::Training& training, model::TextModel& student, const Pairs& dev, const Pairs& test,
                const AlignOptions& o) {
  const std::string on = test.target.size() ? "test" : "dev";
  const Pairs& pairs = on == "test" ? test : dev;
  nn::reload(student.net, training.best_directory());
  const Figures figures = measure(on.c_str(), student, pairs);
  ordered_json result = figures.json();
  result["n"] = pairs.target.size();
  result["measured_on"] = on;
  const double seconds = run::write_result(training.run(), result);
  run::write_card(training.run(), {.program = "align",
                                   .pipeline = "sentence-similarity",
                                   .about = "Its vectors of sentences are those of its teacher, in another language.",
                                   .figures = figures.json(),
                                   .measured_on = on});
  fmt::print("\n{}: {}\nresult task=align source_to_target={:.4f} target_to_source={:.4f} n={} seconds={:.0f} out={}\n",
             on, figures.line(), figures.to_target.accuracy, figures.to_source.accuracy, pairs.target.size(), seconds,
             o.training.out);
}

run::Frame frame_of(const AlignOptions& o, const run::Options& options, const text::Batches& batches,
                    const model::TextModel& student, const Pairs& train, const std::vector<const Pairs*>& measured) {
  run::Fingerprint print;
  const auto bytes = [](const Tensor& x) {
    return std::string_view(reinterpret_cast<const char*>(x.data()), size_t(x.numel()) * sizeof(real));
  };
  for (const std::string& piece : student.tokenizer.pieces()) print.add("vocabulary", piece);
  for (const text::Encoding& text : train.target.windows)
    print.add("target", {reinterpret_cast<const char*>(text.ids.data()), text.ids.size() * sizeof(int)});
  print.add("teacher", bytes(train.wanted));
  for (const Pairs* pairs : measured) {
    for (const text::Encoding& text : pairs->target.windows)
      print.add("dev or test", {reinterpret_cast<const char*>(text.ids.data()), text.ids.size() * sizeof(int)});
    if (pairs->wanted) print.add("dev or test", bytes(pairs->wanted));
  }
  o.shaping.add_to(print);
  run::Frame frame;
  frame.options = options.effective();
  frame.steps_per_epoch = batches.per_epoch();
  frame.default_lr = o.model.default_lr();
  frame.unit = "pairs";
  frame.data = print.text();
  for (const std::string& path :
       {o.teacher, o.source, o.target, o.dev_source, o.dev_target, o.test_source, o.test_target, o.shaping.guide})
    if (!path.empty()) frame.inputs.push_back(path);
  for (const std::string& path : o.model.inputs()) frame.inputs.push_back(path);
  return frame;
}

text::ParallelTexts read_if_given(const std::string& source, const std::string& target) {
  return source.empty() ? text::ParallelTexts{} : text::read_parallel(source, target);
}

void train(run::Options& options, const run::Parse& parse) {
  AlignOptions o;
  o.declare(options);
  parse();
  o.settle(options);

  run::print_setup("align", "train");
  const text::ParallelTexts texts = text::read_parallel(o.source, o.target);
  const auto teacher = model::load_to_train(model::ModelDirectory(o.teacher), {vectors(o.pooling)}, 0);
  model::check_positions(o.model.reading, teacher->net, o.teacher);
  const auto student = make_student(o, texts, teacher->config().hidden_size);
  const Pairs train = encode("train", texts, *teacher, *student, o);
  const Pairs dev = encode("dev", read_if_given(o.dev_source, o.dev_target), *teacher, *student, o);
  const Pairs test = encode("test", read_if_given(o.test_source, o.test_target), *teacher, *student, o);
  text::Batches batches = run::batches_of(train.target, o.training);
  const objective::Shaping shaping(o.shaping, texts.target, student->tokenizer);
  const objective::RetentionLearning retention(o.retention, student->net);
  run::Frame frame = frame_of(o, options, batches, *student, train, {&dev, &test});
  frame.own_steps = [&](const std::string& parameter) { return retention.moves(parameter); };
  frame.where = [&](long row) { return texts.target[row].where; };
  run::Training training(o.training, student->net.params, frame);

  while (training.next_step()) {
    for (const text::Batch& part : batches.parts_at(training.step(), o.training.batch_size)) {
      const Tensor wanted = gather_rows(train.wanted, part.rows);  // [B, C], the teacher's
      run::Terms terms;
      add_side(terms, student->net, part, wanted, o, shaping);  // the translations
      if (o.both)
        add_side(terms, student->net, text::pack(train.source, part.rows), wanted, o, shaping);  // the sentences
      retention.add_to(terms);
      training.backward(terms, part.share, part.rows);
    }
    if (training.sound()) retention.step(training.part_of_peak());
    training.update();
    if (training.epoch_ends()) finish_epoch(training, *student, dev);
  }
  retention.report(training.best_directory());
  finish_run(training, *student, dev, test, o);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(argc, argv, "align", "Train a student of another language on a teacher's sentence vectors.",
                      {{"train", "learn from pairs of sentences and translations; retrieval says how well", train}});
}
