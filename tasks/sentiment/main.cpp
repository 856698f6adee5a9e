// Sentiment: fine-tune a text classifier, measure it, use it. The loop in train() is the walk of the README, step by
// step.
#include <fmt/ranges.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iostream>

#include "optim/clip.h"
#include "tasks/run/analysis.h"
#include "tasks/run/evaluation.h"
#include "tasks/run/program.h"
#include "tasks/run/progress.h"
#include "tasks/run/pruning.h"
#include "tasks/run/run.h"
#include "tasks/run/training.h"

namespace {

using engine::check;
using engine::real;
using engine::Tensor;
using nlohmann::ordered_json;

void train(CLI::App& app, const run::Parse& parse) {
  run::TrainOptions o;
  o.declare(app, "sentiment");
  parse();
  o.settle(app, "sentiment");

  run::print_setup("sentiment", "train");
  const run::Splits splits = run::load_splits(o);
  const std::unique_ptr<run::TextModel> model = run::make_model(o, splits);
  const text::TooLong how = text::too_long(o.too_long);
  const text::EncodedSet train_set = run::encode_and_report("train", splits.train, *model, o.max_length, how);
  const text::EncodedSet dev_set = run::encode_and_report("dev", splits.dev, *model, o.max_length, how);
  const text::EncodedSet test_set = run::encode_and_report("test", splits.test, *model, o.max_length, how);

  text::Batches batches(train_set, o.batch_size * o.accumulate, !o.no_shuffle, o.seed);
  const long steps = run::steps_of(o, batches);
  const optim::Schedule schedule = run::make_schedule(o, steps);
  std::vector<Tensor> trainable = model->params.trainable();
  const run::RetentionLearning retention(o.retention, *model, trainable);
  check(!trainable.empty(), "--freeze leaves nothing to train");
  optim::Optimizer optimizer = run::make_optimizer(o, trainable);
  const engine::CrossEntropyOptions loss_options{run::class_weights(o, train_set, splits.labels.names()),
                                                 real(o.label_smoothing)};
  const run::Adjustments adjustments(o.attention, splits.train, model->tokenizer);
  run::Run run(
      {o.out, o.overwrite, !o.resume.empty(), run::effective_options(app), steps, batches.per_epoch(), o.patience});
  if (!o.resume.empty()) run.restore(model->params.tensors(), optimizer);
  run::print_note("seed {}, {} steps of {} texts, peak learning rate {:g}, into {}\n\n", o.seed, steps,
                  o.batch_size * o.accumulate, o.peak_lr(), o.out);

  while (run.next_step()) {           // false at the end, or after a signal
    model->params.train(run.step());  //   dropout on, with the masks of this step
    double step_loss = 0;
    ordered_json terms = ordered_json::object();  // what shapes attention, unweighted; nothing unless asked for
    // 1 sentences -> ids [N], offsets [B+1], labels [B]; several parts only with --accumulate
    for (const text::Batch& part : batches.parts_at(run.step(), o.batch_size, loss_options.class_weights)) {
      const auto forward = [&](nn::Trace* trace) {
        const Tensor outputs =
            model->classifier(part.tokens, trace);  // 2 the encoder: [N] -> [B, C], 3 its head: -> [B, K]
        return mean_over_windows(outputs, part);    //   the same, unless a long text has several windows
      };
      nn::Trace trace;
      const Tensor logits = forward(adjustments.look_at_attention() ? &trace : nullptr);
      Tensor loss = cross_entropy(logits, part.labels, loss_options);  // 4 [B, K], [B] -> []
      if (adjustments.twice()) loss = adjustments.r_drop(loss, logits, forward(nullptr), part, loss_options, terms);
      loss = adjustments.add_to(loss, trace, part, terms);         //   the same, unless attention is to be shaped
      loss = retention.add_to(loss, part.share, terms);            //   or a schedule of token pruning to be learned
      run.require_finite(loss);                                    //   or say where the NaN came from
      backward(part.share == 1 ? loss : loss * real(part.share));  // 5 adds to every parameter's gradient
      step_loss += part.share * loss.item();
    }
    const double norm = optim::grad_norm(trainable);  // 6 of all gradients together
    const double lr = schedule(run.step());
    optimizer.step(lr, optim::clip_factor(trainable, norm, o.clip));  // 7 the weights change here, only here
    retention.step(lr / o.peak_lr());
    model->params.clear_grads();
    ordered_json figures{{"loss", step_loss}, {"lr", lr}, {"grad_norm", norm}};
    figures.update(terms);
    run.log(figures);  // 8 a line of log.jsonl

    if (run.epoch_ends()) run::finish_epoch(run, *model, dev_set, o);
    if (run.epoch_ends() || run.due_for_save()) run.save(model->params.tensors(), optimizer);
  }
  if (run.interrupted()) run.save(model->params.tensors(), optimizer), run.leave();
  retention.report(run.file("best"));
  run::finish_run(run, "sentiment", test_set, dev_set.size() > 0, o);
}

void declare_length(CLI::App& app, int& max_length, std::string& too_long) {
  app.add_option("--max-length", max_length, "tokens of a text, [CLS] and [SEP] included")
      ->check(run::between(2, 100000));
  app.add_option("--long", too_long,
                 "a longer text is cut; or an error; or read through windows, their logits averaged")
      ->check(CLI::IsMember({"cut", "error", "window"}));
}

// The arguments that are no options. One that begins with a dash was meant as one, unless it follows a lone --.
std::vector<std::string> texts_of(const CLI::App& app, const std::string& file) {
  std::vector<std::string> texts = app.remaining();
  const auto wrong = std::find_if(texts.begin(), texts.end(), [](const std::string& t) { return t.starts_with("-"); });
  const bool separated = wrong != texts.end() && *wrong == "--";
  if (wrong != texts.end() && !separated) {
    run::print_note("error: there is no option {}; a text that begins with a dash comes after --\n", *wrong);
    throw run::Exit{2};
  }
  if (separated) texts.erase(wrong);
  if (!texts.empty() && !file.empty()) {
    run::print_note("error: texts and --file exclude each other\n");
    throw run::Exit{2};
  }
  return texts;
}

// What evaluate, predict and analyze are told alike: a model, and how texts are read for it.
struct Request {
  std::string directory, file, too_long = "cut";
  int max_length = 128;
  run::DataOptions files;

  void declare(CLI::App& app, bool with_labels) {
    app.add_option("--model", directory, "directory of a run or of a model")->required();
    declare_length(app, max_length, too_long);
    files.declare(app, with_labels);
  }
  void declare_texts(CLI::App& app, const std::string& without) {
    app.allow_extras();  // the texts: taken as they are, where an option would read "[a, b]" as a list
    app.footer("Other arguments are texts; without any, and without --file, " + without);
    app.add_option("--file", file, "file with a text column");
  }
  std::unique_ptr<run::TextModel> load() {
    std::unique_ptr<run::TextModel> model = run::load_model(run::ModelDirectory(directory));
    max_length = std::min(max_length, int(model->config.max_position_embeddings));
    return model;
  }
  std::vector<text::Example> examples(const std::vector<std::string>& texts) const {
    if (!file.empty()) return files.read({file}, {}, false).rows;
    std::vector<text::Example> examples;
    for (const std::string& t : texts) examples.push_back({.text = t});
    return examples;
  }
  text::TooLong how() const { return text::too_long(too_long); }
};

void keep_test(std::vector<text::Example>& embedded) {
  std::erase_if(embedded, [](const text::Example& e) { return e.split != "test"; });
}

// The texts of the files, or the embedded corpus, with the model's labels.
text::Examples labelled(const CLI::App& app, const Request& given, const std::vector<std::string>& data,
                        const run::TextModel& model) {
  const bool own_labels = app.count("--labels") > 0;
  const text::Labels labels = own_labels ? text::Labels::parse(given.files.labels) : text::Labels(model.config.labels);
  text::Examples examples = data.empty() ? given.files.read_embedded(labels) : given.files.read(data, labels);
  check(examples.labels.names() == model.config.labels,
        "the model knows the labels {}, the data has {}; --labels may map them", text::listed(model.config.labels),
        text::listed(examples.labels.names()));
  return examples;
}

void evaluate_command(CLI::App& app, const run::Parse& parse) {
  Request given;
  std::string out;
  std::vector<std::string> data;
  given.declare(app, true);
  app.add_option("--data", data, "files with texts and labels, or LABEL=FILE; the embedded test set if not given");
  app.add_option("--out", out, "also write the figures as JSON to this file");
  parse();
  run::print_setup("sentiment", "evaluate");
  const std::unique_ptr<run::TextModel> model = given.load();
  text::Examples examples = labelled(app, given, data, *model);
  if (data.empty()) keep_test(examples.rows);
  const text::EncodedSet set = run::encode_and_report("test", examples.rows, *model, given.max_length, given.how());
  const run::Evaluation e = run::evaluate(*model, set, "evaluate");
  fmt::print("\n{}\n{}\n", data.empty() ? "the embedded test set" : fmt::format("{}", fmt::join(data, ", ")), e.text());
  if (!out.empty()) nn::write_file(out, e.json().dump(2) + "\n");
  fmt::print("result task=sentiment accuracy={:.4f} macro_f1={:.4f} n={}\n", e.value("accuracy"), e.value("macro_f1"),
             set.size());
}

// {"text": ..., "label": ..., "probabilities": {label: p, ...}}, one line a text, in the order of the texts. Where
// labels do not exclude each other, "labels": those whose probability is a half or more.
void print_predictions(run::TextModel& model, const std::vector<text::Example>& examples, int max_length,
                       text::TooLong how) {
  const text::EncodedSet set = text::encode(examples, model.tokenizer, max_length, how);
  const run::Predictions predictions = run::predict(model, set, run::kEvaluationBatch);
  const std::vector<int> best = predictions.best();
  const bool multi_label = model.config.problem() == nn::Config::Problem::multi_label;
  for (size_t i = 0; i < examples.size(); ++i) {
    ordered_json line{{"text", examples[i].text}};
    if (!examples[i].pair.empty()) line["pair"] = examples[i].pair;
    if (multi_label)
      line["labels"] = ordered_json::array();
    else
      line["label"] = model.config.labels[best[i]];
    for (size_t k = 0; k < model.config.labels.size(); ++k) {
      const double p = predictions.probabilities[i][k];
      if (multi_label && p >= 0.5) line["labels"].push_back(model.config.labels[k]);
      line["probabilities"][model.config.labels[k]] = p;
    }
    fmt::print("{}\n", line.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  }
  check(std::fflush(stdout) == 0, "the output cannot be written");
}

// Lines of standard input, as they come from a person and in chunks from a pipe.
void predict_input(run::TextModel& model, int max_length, text::TooLong how, size_t chunk) {
  const bool person = isatty(STDIN_FILENO);
  if (person) run::print_note("one text a line; end with Ctrl-D\n");
  std::vector<text::Example> examples;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.ends_with('\r')) line.pop_back();
    examples.push_back({.text = line});
    if (examples.size() < chunk && !person) continue;
    print_predictions(model, examples, max_length, how);
    examples.clear();
  }
  check(!std::cin.bad(), "standard input cannot be read");
  if (!examples.empty()) print_predictions(model, examples, max_length, how);
}

void predict_command(CLI::App& app, const run::Parse& parse) {
  Request given;
  given.declare(app, false);
  given.declare_texts(app, "one a line from standard input.");
  parse();
  const std::vector<std::string> texts = texts_of(app, given.file);
  const std::unique_ptr<run::TextModel> model = given.load();
  const std::vector<text::Example> examples = given.examples(texts);
  constexpr size_t kChunk = 1024;  // texts that are classified together
  run::Progress progress("predict", long(examples.size()));
  for (size_t begin = 0; begin < examples.size(); begin += kChunk) {
    const auto end = examples.begin() + long(std::min(examples.size(), begin + kChunk));
    print_predictions(*model, {examples.begin() + long(begin), end}, given.max_length, given.how());
    progress.update(end - examples.begin());
  }
  progress.interrupt();
  if (texts.empty() && given.file.empty()) predict_input(*model, given.max_length, given.how(), kChunk);
}

// A table of what every head looks at; with --out also the maps of each text, as JSON lines.
void analyze_command(CLI::App& app, const run::Parse& parse) {
  Request given;
  std::string out;
  given.declare(app, false);
  given.declare_texts(app, "the embedded test set.");
  app.add_option("--out", out, "also write tokens, scores and probabilities of every text, one JSON object a line");
  parse();
  const std::vector<std::string> texts = texts_of(app, given.file);
  const std::unique_ptr<run::TextModel> model = given.load();
  std::vector<text::Example> examples = given.examples(texts);
  if (texts.empty() && given.file.empty()) {
    examples = given.files.read_embedded(text::Labels::parse(given.files.labels)).rows;
    keep_test(examples);
  }
  const text::EncodedSet set = text::encode(examples, model->tokenizer, given.max_length, given.how());
  run::Progress progress("analyze", set.size());
  const run::Analysis analysis(*model, set, [&](long done) { progress.update(done); });
  progress.interrupt();
  fmt::print("{}", analysis.table());
  if (!out.empty()) {
    std::string lines;
    for (long i = 0; i < set.size(); ++i)
      for (int w = set.begin[i]; w < set.begin[i + 1]; ++w) {
        ordered_json line{{"text", examples[i].text}};
        line.update(run::Analysis::of_text(*model, set.windows[w]));
        lines += line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
      }
    nn::write_file(out, lines);
  }
  const run::HeadFigures mean = analysis.mean();
  fmt::print("result task=analyze entropy={:.4f} distance={:.2f} special={:.4f} agreement={:.4f} n={}\n", mean.entropy,
             mean.distance, mean.special, mean.agreement, set.size());
}

// A copy of a model without what matters least in it; the figures of both.
void prune_command(CLI::App& app, const run::Parse& parse) {
  Request given;
  std::string out;
  std::vector<std::string> data, test;
  run::PruneOptions o;
  given.declare(app, true);
  app.add_option("--data", data, "files with texts and labels that tell what matters: a dev set, not the test set")
      ->required();
  app.add_option("--test", test, "files to measure both models on; without them, those of --data again");
  o.declare(app);
  app.add_option("--out", out, "directory for the smaller model")->required();
  parse();
  o.settle();
  run::print_setup("sentiment", "prune");
  check(!std::filesystem::exists(out), "{}: is there already; name a new directory", out);
  const std::unique_ptr<run::TextModel> model = given.load();
  const auto read = [&](const char* name, const std::vector<std::string>& files) {
    return run::encode_and_report(name, labelled(app, given, files, *model).rows, *model, given.max_length,
                                  given.how());
  };
  const text::EncodedSet set = read("data", data), test_set = test.empty() ? set : read("test", test);
  const std::unique_ptr<run::TextModel> pruned = run::prune(*model, run::ModelDirectory(given.directory).path, set, o);
  pruned->save(out, given.max_length);
  run::Evaluation after;
  double seconds[2] = {INFINITY, INFINITY};
  for (int turn = 0; turn < 2; ++turn)  // by turns, the faster one counts: other programs disturb both alike
    for (run::TextModel* m : {model.get(), pruned.get()}) {
      const auto start = std::chrono::steady_clock::now();
      const run::Evaluation e = run::evaluate(*m, test_set, m == model.get() ? "before" : "after");
      double& best = seconds[m == pruned.get()];
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      if (m == pruned.get()) after = e;
      if (turn == 0) continue;
      fmt::print("{:<7} {:.2f} M parameters  accuracy {:.4f}  macro_f1 {:.4f}  {:.0f} texts/s\n",
                 m == model.get() ? "before" : "after", double(m->params.count()) / 1e6, e.value("accuracy"),
                 e.value("macro_f1"), double(test_set.size()) / best);
    }
  fmt::print("result task=prune accuracy={:.4f} macro_f1={:.4f} speed={:.2f} out={}\n", after.value("accuracy"),
             after.value("macro_f1"), seconds[0] / seconds[1], out);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(argc, argv, "sentiment", "Fine-tune a text classifier, measure it, use it.",
                      {{"train", "train on labelled texts; without options, on the embedded corpus", train},
                       {"evaluate", "measure a trained model on labelled texts", evaluate_command},
                       {"predict", "classify texts, one JSON object a line", predict_command},
                       {"analyze", "show what the heads of a model look at", analyze_command},
                       {"prune", "take out the heads, neurons and tokens that matter least", prune_command}});
}
