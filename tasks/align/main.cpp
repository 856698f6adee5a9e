// A student of another language learns its teacher's sentence vectors; retrieval says how well. The loop is that of
// tasks/sentiment/main.cpp; read it and nn/sentence.h first.

#include <optional>

#include "nn/loss/ranking.h"
#include "optim/clip.h"
#include "tasks/model/encoder.h"
#include "tasks/run/progress.h"
#include "tasks/model/build.h"
#include "tasks/text/lines.h"
#include "tasks/score/ranking.h"

namespace {

using engine::check;
using engine::Indices;
using engine::real;
using engine::Tensor;
using nlohmann::ordered_json;

struct Options {
  model::TrainOptions common;
  std::string teacher, source, target, dev_source, dev_target, test_source, test_target;
  std::string pooling = "mean";
  double mse = 1, ranking = 0, scale = 20;
  bool both = false;

  Options() {
    common.model = "mini";
    common.max_length = 64;
    common.batch_size = 64;
    common.lr = 5e-4;
  }
  void declare(CLI::App& app);
  void check_files() const;
};

void Options::declare(CLI::App& app) {
  model::TrainOptions& o = common;
  const auto file = [&](const char* name, std::string& to, const char* what) {
    return app.add_option(name, to, what)->group("Data files");
  };
  file("--source", source, "sentences in the language of the teacher, one a line");
  file("--target", target, "their translations, line by line: what the student reads");
  file("--dev-source", dev_source, "the same, to choose the best epoch on");
  file("--dev-target", dev_target, "their translations");
  file("--test-source", test_source, "the same, for the final figures; without them, dev again");
  file("--test-target", test_target, "their translations");
  app.add_option("--max-length", o.max_length, "tokens of a sentence, [CLS] and [SEP] included; a longer one is cut")
      ->group("Data files")
      ->check(run::between(2, 100000));
  app.add_option("--teacher", teacher, "directory of a run or of a model: a BERT of the source language")
      ->group("Transfer");
  app.add_option("--pooling", pooling, "the vector of a sentence: mean of its tokens, or cls, its first token")
      ->group("Transfer")
      ->check(CLI::IsMember({"mean", "cls"}));
  app.add_option("--mse", mse, "weight of the squared distance to the teacher's vector")
      ->group("Transfer")
      ->check(run::not_negative());
  app.add_option("--ranking", ranking, "weight of the ranking among the teacher's vectors of the batch")
      ->group("Transfer")
      ->check(run::not_negative());
  app.add_option("--scale", scale, "of the cosines in the ranking")->group("Transfer")->check(run::between(1e-3, 1e4));
  app.add_flag("--both", both, "the student reads the sentences, too, not only their translations")->group("Transfer");
  o.declare_sizes(app);
  o.declare_training(app);
  o.declare_accumulate(app);
  o.declare_run(app, "align");
}

void Options::check_files() const {
  if (teacher.empty() || source.empty() || target.empty()) {
    run::print_note("error: --teacher, --source and --target are needed\n");
    throw run::Exit{2};
  }
  check(dev_source.empty() == dev_target.empty() && test_source.empty() == test_target.empty(),
        "--dev-source and --dev-target come together, and so do --test-source and --test-target");
  check(!dev_source.empty() || !test_source.empty(), "--dev-source and --dev-target, or those of test, are needed");
  check(!dev_source.empty() || common.patience == 0, "--patience needs --dev-source and --dev-target");
  check(mse + ranking > 0, "--mse and --ranking are both 0: there is nothing to learn");
}

// The sentence vectors of an encoder: [N] -> [B, C].
Tensor sentence_vectors(const nn::Bert& bert, const nn::Tokens& tokens, const std::string& pooling) {
  return pooling == "cls" ? bert.first_rows(tokens) : nn::mean_pool(bert(tokens), tokens.offsets);
}

// An encoder and, where it is not as wide as the teacher, the projection to the teacher's width.
struct Student {
  model::Encoder encoder;
  std::optional<nn::Linear> project;

  Student(const nn::Config& config, const text::WordPiece& tokenizer, uint64_t seed, long teacher_width)
      : encoder(config, tokenizer, seed, false) {
    if (config.hidden_size != teacher_width)
      project.emplace(encoder.params.root() / "projection", config.hidden_size, teacher_width,
                      config.initializer_range);
  }
  Tensor operator()(const nn::Tokens& tokens, const std::string& pooling) const {
    const Tensor x = sentence_vectors(encoder.bert, tokens, pooling);
    return project ? (*project)(x) : x;
  }
};

// One vector for every sentence of a set, without a graph: [n, C].
template <class Model>
Tensor vectors_of(const char* name, nn::Params& params, const text::EncodedSet& set, Model model) {
  const engine::NoGrad no_grad;
  params.eval();
  std::vector<Tensor> rows;
  run::Progress progress(name, set.size());
  long done = 0;
  for (const text::Batch& batch : text::in_order(set, 64)) {
    rows.push_back(model(batch.tokens));
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

Pairs encode(const char* name, const text::ParallelTexts& texts, model::Encoder& teacher, const model::Encoder& student,
             const Options& o) {
  const int longest = o.common.max_length;
  Pairs pairs{text::encode(texts.target, student.tokenizer, longest), {}, {}};
  if (o.both) pairs.source = text::encode(texts.source, student.tokenizer, longest);
  const text::EncodedSet read = text::encode(texts.source, teacher.tokenizer, longest);
  long teacher_tokens = 0, student_tokens = 0;
  for (long i = 0; i < read.size(); ++i) teacher_tokens += read.tokens(i), student_tokens += pairs.target.tokens(i);
  const double n = double(read.size());
  run::print_note("{:<6}{:>6} pairs, {:.1f} tokens for the teacher, {:.1f} for the student\n", name, read.size(),
                  double(teacher_tokens) / n, double(student_tokens) / n);
  pairs.wanted = vectors_of("teacher", teacher.params, read,
                            [&](const nn::Tokens& t) { return sentence_vectors(teacher.bert, t, o.pooling); });
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

Figures measure(const char* name, Student& student, const Pairs& pairs, const Options& o) {
  const Tensor found = vectors_of(name, student.encoder.params, pairs.target,
                                  [&](const nn::Tokens& t) { return student(t, o.pooling); });
  return {score::retrieve(pairs.wanted, found), score::retrieve(found, pairs.wanted)};
}

std::unique_ptr<Student> make_student(const Options& o, const text::ParallelTexts& texts, long teacher_width) {
  std::vector<text::Example> to_read = texts.target;
  if (o.both) to_read.insert(to_read.end(), texts.source.begin(), texts.source.end());
  const text::WordPiece tokenizer = model::new_tokenizer(o.common, to_read);
  nn::Config config = model::new_config(o.common, tokenizer.vocab_size(), {});
  model::set_dropout(config, o.common);
  config.check_sizes("the student");
  auto student = std::make_unique<Student>(config, tokenizer, o.common.seed, teacher_width);
  student->encoder.params.initialise();
  for (const std::string& pattern : o.common.freeze) student->encoder.params.freeze(pattern);
  run::print_note("student: {:.2f} M parameters, {} pieces{}\n", double(student->encoder.params.count()) / 1e6,
                  tokenizer.vocab_size(),
                  student->project ? fmt::format(", a projection to the teacher's {} columns", teacher_width) : "");
  return student;
}

// The loss of one side: student [B, C] beside the teacher's vectors of the same sentences. `terms` receives the terms
// without their weights, times the share.
Tensor loss_of(const Tensor& student, const Tensor& wanted, const Options& o, double share, ordered_json& terms) {
  Tensor total = Tensor::scalar(0);
  const auto add = [&](const char* name, double weight, const Tensor& term) {
    terms[name] = terms.value(name, 0.) + share * double(term.item());
    total = total + term * real(weight);
  };
  if (o.mse > 0) add("mse", o.mse, engine::mse(student, wanted));
  if (o.ranking > 0) add("ranking", o.ranking, nn::in_batch_ranking(student, wanted, real(o.scale)));
  return total;
}

void finish_epoch(run::Run& run, Student& student, const Pairs& dev, const Options& o) {
  if (dev.target.size() == 0) return student.encoder.save(run.file("best"), o.common.max_length);
  run.pause();
  const Figures figures = measure("dev", student, dev, o);
  const bool best = run.is_best(figures.accuracy());
  run.log({{"dev", figures.json()}});
  run.say(fmt::format("epoch {:g}, dev{}: {}", run.epoch(), best ? " (the best so far)" : "", figures.line()));
  if (best) student.encoder.save(run.file("best"), o.common.max_length);
}

void finish_run(const run::Run& run, Student& student, const Pairs& test, const Options& o) {
  student.encoder.params.load(nn::SafeTensors(run.file("best/model.safetensors")), [](const auto&) { return false; });
  const Figures figures = measure("test", student, test, o);
  ordered_json result = figures.json();
  result["n"] = test.target.size();
  result["seconds"] = run.seconds();
  nn::write_file(run.file("result.json"), result.dump(2) + "\n");
  fmt::print(
      "\ntest: {}\nresult task=align source_to_target={:.4f} target_to_source={:.4f} n={} seconds={:.0f} "
      "out={}\n",
      figures.line(), figures.to_target.accuracy, figures.to_source.accuracy, test.target.size(), run.seconds(),
      o.common.out);
}

void train(CLI::App& app, const run::Parse& parse) {
  Options options;
  model::TrainOptions& o = options.common;
  options.declare(app);
  parse();
  o.settle(app, "align");
  options.check_files();

  run::print_setup("align", "train");
  const text::ParallelTexts texts = text::read_parallel(options.source, options.target);
  text::ParallelTexts dev_texts, test_texts;
  if (!options.dev_source.empty()) dev_texts = text::read_parallel(options.dev_source, options.dev_target);
  if (!options.test_source.empty()) test_texts = text::read_parallel(options.test_source, options.test_target);
  nn::Params::LoadReport report;
  const auto teacher = model::load_encoder(model::ModelDirectory(options.teacher), 0, false, report);
  check(o.max_length <= teacher->config.max_position_embeddings,
        "--max-length {} is more than the teacher's {} positions", o.max_length,
        teacher->config.max_position_embeddings);
  const std::unique_ptr<Student> student = make_student(options, texts, teacher->config.hidden_size);
  const Pairs train = encode("train", texts, *teacher, student->encoder, options);
  const Pairs dev = dev_texts.source.empty() ? Pairs{} : encode("dev", dev_texts, *teacher, student->encoder, options);
  const Pairs test =
      test_texts.source.empty() ? Pairs{} : encode("test", test_texts, *teacher, student->encoder, options);

  nn::Params& params = student->encoder.params;
  text::Batches batches(train.target, o.batch_size * o.accumulate, !o.no_shuffle, o.seed);
  const long steps = model::steps_of(o, batches);
  const optim::Schedule schedule = model::make_schedule(o, steps);
  const std::vector<Tensor> trainable = params.trainable();
  check(!trainable.empty(), "--freeze leaves nothing to train");
  optim::Optimizer optimizer = model::make_optimizer(o, trainable);
  run::Run run(
      {o.out, o.overwrite, !o.resume.empty(), run::effective_options(app), steps, batches.per_epoch(), o.patience});
  if (!o.resume.empty()) run.restore(params.tensors(), optimizer);
  run::print_note("seed {}, {} steps of {} pairs, peak learning rate {:g}, into {}\n\n", o.seed, steps,
                  o.batch_size * o.accumulate, o.peak_lr(), o.out);

  while (run.next_step()) {
    params.train(run.step());
    double step_loss = 0;
    ordered_json terms = ordered_json::object();
    for (const text::Batch& part : batches.parts_at(run.step(), o.batch_size)) {
      const Tensor wanted = gather_rows(train.wanted, part.rows);       // [B, C], the teacher's
      const Tensor read = (*student)(part.tokens, options.pooling);     // [N] -> [B, C]: the translations
      Tensor loss = loss_of(read, wanted, options, part.share, terms);  // [B, C], [B, C] -> []
      if (options.both) {
        const Tensor own = (*student)(text::pack(train.source, part.rows).tokens, options.pooling);  // the sentences
        loss = loss + loss_of(own, wanted, options, part.share, terms);
      }
      run.require_finite(loss);
      backward(loss * real(part.share));
      step_loss += part.share * double(loss.item());
    }
    const double norm = optim::grad_norm(trainable);
    const double lr = schedule(run.step());
    optimizer.step(lr, optim::clip_factor(trainable, norm, o.clip));
    params.clear_grads();
    ordered_json figures{{"loss", step_loss}, {"lr", lr}, {"grad_norm", norm}};
    figures.update(terms);
    run.log(figures);

    if (run.epoch_ends()) finish_epoch(run, *student, dev, options);
    if (run.epoch_ends() || run.due_for_save()) run.save(params.tensors(), optimizer);
  }
  if (run.interrupted()) run.save(params.tensors(), optimizer), run.leave();
  finish_run(run, *student, test.target.size() ? test : dev, options);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(argc, argv, "align", "Train a student of another language on a teacher's sentence vectors.",
                      {{"train", "learn from pairs of sentences and translations; retrieval says how well", train}});
}
