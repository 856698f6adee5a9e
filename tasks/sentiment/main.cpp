// Sentiment: fine-tune a text classifier, measure it, use it. The training loop is train(), below: its numbered steps
// are the walk of the README.
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "optim/clip.h"
#include "optim/schedule.h"
#include "tasks/run/program.h"
#include "tasks/run/run.h"
#include "tasks/run/text_model.h"
#include "tasks/sentiment/options.h"
#include "tasks/text/metrics.h"
#include "tasks/text/vocab_trainer.h"

namespace {

using engine::check;
using engine::Tensor;
using nlohmann::ordered_json;

constexpr int kEvaluationBatch = 32;

// ---- data -------------------------------------------------------------------------------------------------------

// Puts the examples where their column `split` says.
void share_out(std::vector<text::Example>& all, run::Splits& splits) {
  for (text::Example& e : all) {
    auto& part = e.split == "train" ? splits.train : e.split == "dev" ? splits.dev : splits.test;
    check(e.split == "train" || e.split == "dev" || e.split == "test", "line {}: split '{}' is not train, dev or test", e.line, e.split);
    part.push_back(std::move(e));
  }
}

run::Splits load_splits(const TrainOptions& o) {
  check(o.data.empty() || o.train.empty(), "--data and --train exclude each other");
  check(!o.train.empty() || (o.dev.empty() && o.test.empty()), "--dev and --test need --train");
  const text::Labels labels = text::Labels::parse(o.files.labels);
  run::Splits splits;
  if (o.train.empty()) {
    text::Examples all = o.data.empty() ? o.files.read_embedded(labels) : o.files.read(o.data, labels);
    splits.labels = all.labels;
    if (all.rows[0].split.empty()) text::split_stratified(all.rows, o.seed);
    share_out(all.rows, splits);
  } else {
    text::Examples train = o.files.read(o.train, labels);
    splits.labels = train.labels;
    splits.train = std::move(train.rows);
    if (!o.dev.empty()) splits.dev = o.files.read(o.dev, splits.labels).rows;
    if (!o.test.empty()) splits.test = o.files.read(o.test, splits.labels).rows;
    if (o.dev.empty()) {
      std::vector<text::Example> all = std::exchange(splits.train, {});
      text::split_stratified(all, o.seed);
      for (text::Example& e : all) (e.split == "dev" ? splits.dev : splits.train).push_back(std::move(e));
    }
  }
  if (splits.test.empty()) splits.test = splits.dev;
  check(!splits.train.empty() && !splits.dev.empty(), "train and dev need examples; got {} and {}", splits.train.size(), splits.dev.size());
  return splits;
}

text::EncodedSet encode_and_report(const char* name, const std::vector<text::Example>& examples, const run::TextModel& model, int max_length) {
  const text::EncodedSet set = text::encode(examples, model.tokenizer, max_length);
  long tokens = 0;
  size_t longest = 0;
  std::vector<long> counts(model.config.labels.size());
  for (long i = 0; i < set.size(); ++i) {
    tokens += long(set.texts[i].ids.size());
    longest = std::max(longest, set.texts[i].ids.size());
    ++counts[set.labels[i]];
  }
  std::string shares;
  for (size_t k = 0; k < counts.size() && k < 8; ++k) shares += fmt::format("{}{} {}", k ? ", " : "", model.config.labels[k], counts[k]);
  fmt::print(stderr, "{:<6}{:>6} texts, {:.1f} tokens on average, {} at most{}  ({}{})\n", name, set.size(), double(tokens) / double(set.size()),
             longest, set.truncated ? fmt::format(", {} cut to {}", set.truncated, max_length) : "", shares, counts.size() > 8 ? ", ..." : "");
  return set;
}

// ---- models -----------------------------------------------------------------------------------------------------

nn::Config new_config(const TrainOptions& o, long vocab_size, const std::vector<std::string>& labels) {
  nn::Config c;
  c.model_type = o.model == "pool" ? "attention_pool" : "bert";
  c.vocab_size = vocab_size;
  c.hidden_size = o.hidden.value_or(256);
  c.num_hidden_layers = o.layers.value_or(4);
  c.num_attention_heads = o.heads.value_or(4);
  c.intermediate_size = o.intermediate.value_or(4 * c.hidden_size);
  c.max_position_embeddings = o.max_length;
  c.labels = labels;
  return c;
}

void set_dropout(nn::Config& c, double p) { c.hidden_dropout_prob = c.attention_probs_dropout_prob = c.classifier_dropout = p; }

text::WordPiece new_tokenizer(const TrainOptions& o, const std::vector<text::Example>& examples) {
  text::TokenizerOptions options;
  options.lower_case = !o.cased;
  if (!o.vocab.empty()) return text::WordPiece::load(o.vocab, options);
  std::vector<std::string> texts;
  for (const text::Example& e : examples) texts.push_back(e.text);
  return text::WordPiece(text::train_vocab(texts, o.vocab_size, 2, options), options);
}

// A pretrained classifier keeps its labels: other ones would make its head meaningless.
void check_labels(const run::ModelDirectory& from, const std::vector<std::string>& labels) {
  const nn::SafeTensors weights(from.path + "/model.safetensors");
  check(!weights.has("classifier.weight") || from.config.labels == labels,
        "{}: its classifier knows the labels {}, the data has {}; --labels may map them", from.path, text::listed(from.config.labels),
        text::listed(labels));
}

std::unique_ptr<run::TextModel> make_model(const TrainOptions& o, const run::Splits& splits) {
  const std::vector<std::string>& labels = splits.labels.names();
  std::unique_ptr<run::TextModel> model;
  if (o.pretrained()) {
    run::ModelDirectory from(o.model);
    check(o.max_length <= from.config.max_position_embeddings, "--max-length {} is more than the {} positions of {}", o.max_length,
          from.config.max_position_embeddings, from.path);
    check_labels(from, labels);
    from.config.labels = labels;
    if (o.dropout) set_dropout(from.config, *o.dropout);
    nn::Params::LoadReport report;
    model = run::load_model(from, o.seed, &report);
    fmt::print(stderr, "{}\n{}", from.path, report.table());
  } else {
    text::WordPiece tokenizer = new_tokenizer(o, splits.train);
    nn::Config config = new_config(o, tokenizer.vocab_size(), labels);
    if (o.dropout) set_dropout(config, *o.dropout);
    config.check_sizes("--model " + o.model);
    model = std::make_unique<run::TextModel>(config, std::move(tokenizer), o.seed);
    model->params.initialise();
  }
  for (const std::string& pattern : o.freeze) model->params.freeze(pattern);
  fmt::print(stderr, "model {}: {:.2f} M parameters, {} pieces, labels {}\n", o.model, double(model->params.count()) / 1e6,
             model->tokenizer.vocab_size(), text::listed(labels));
  return model;
}

optim::Optimizer make_optimizer(const TrainOptions& o, const std::vector<Tensor>& parameters) {
  if (o.optimizer == "sgd") return optim::Sgd(parameters, {.momentum = o.momentum, .weight_decay = o.weight_decay});
  optim::AdamWOptions adam;
  adam.variant = optim::adam_variant(o.adam_variant);
  adam.eps = o.adam_eps.value_or(adam.variant == optim::AdamVariant::torch ? 1e-8 : 1e-6);
  adam.weight_decay = o.weight_decay;
  return optim::AdamW(parameters, adam);
}

// ---- evaluation -------------------------------------------------------------------------------------------------

struct Evaluation {
  text::Confusion confusion;
  std::string report;
  ordered_json figures;

  double value(const std::string& metric) const {  // higher is better
    return metric == "loss" ? -figures["loss"].get<double>() : figures[metric].get<double>();
  }
};

Evaluation evaluate(run::TextModel& model, const text::EncodedSet& set, const std::function<void(long)>& progress = nullptr) {
  const std::vector<std::string>& labels = model.config.labels;
  const run::Predictions predictions = run::predict(model, set, kEvaluationBatch, progress);
  Evaluation e;
  e.confusion = text::confusion_matrix(set.labels, predictions.best(), int(labels.size()));
  e.report = text::to_text(text::make_report(e.confusion, labels));
  e.figures = {{"loss", predictions.loss},
               {"accuracy", text::accuracy(e.confusion)},
               {"macro_f1", text::macro_f1(e.confusion)},
               {"macro_recall", text::macro_recall(e.confusion)},
               {"mcc", text::mcc(e.confusion)},
               {"kappa", text::cohen_kappa(e.confusion)}};
  const bool both = e.confusion.support(0) > 0 && labels.size() == 2 && e.confusion.support(1) > 0;
  if (both) {
    std::vector<double> score;
    for (const auto& p : predictions.probabilities) score.push_back(p[1]);
    e.figures["roc_auc"] = text::roc_auc(set.labels, score);
  }
  return e;
}

std::string line_of(const ordered_json& figures) {
  std::string line;
  for (const auto& [name, value] : figures.items()) line += fmt::format("{}{} {:.4f}", line.empty() ? "" : "  ", name, value.get<double>());
  return line;
}

ordered_json result_of(const Evaluation& e, const std::vector<std::string>& labels) {
  ordered_json result = e.figures;
  result["report"] = text::to_json(text::make_report(e.confusion, labels));
  ordered_json rows = ordered_json::array();
  for (int t = 0; t < e.confusion.classes; ++t) {
    rows.push_back(ordered_json::array());
    for (int p = 0; p < e.confusion.classes; ++p) rows.back().push_back(e.confusion.at(t, p));
  }
  result["confusion"] = rows;
  return result;
}

void print_result(const std::string& what, const Evaluation& e, const std::vector<std::string>& labels) {
  fmt::print("\n{}\n{}\n{}\n{}\n\n", what, e.report, text::to_text(e.confusion, labels), line_of(e.figures));
}

// ---- commands ---------------------------------------------------------------------------------------------------

// The options of a run that is continued are those of its directory.
void take_options_of(std::string directory, CLI::App& app, TrainOptions& o) {  // by value: o may hold it
  std::ifstream file(directory + "/options.ini");
  check(bool(file), "{}: not the directory of a run: there is no options.ini", directory);
  app.clear();
  o = TrainOptions();
  app.parse_from_stream(file);
  o.resume = o.out = directory;
}

void train(CLI::App& app, const run::Parse& parse) {
  TrainOptions o;
  o.declare(app);
  parse();
  if (!o.resume.empty()) take_options_of(o.resume, app, o);
  if (o.out.empty()) o.out = run::default_directory("sentiment");

  run::print_setup("sentiment", "train");
  const run::Splits splits = load_splits(o);
  const std::unique_ptr<run::TextModel> model = make_model(o, splits);
  const text::EncodedSet train_set = encode_and_report("train", splits.train, *model, o.max_length);
  const text::EncodedSet dev_set = encode_and_report("dev", splits.dev, *model, o.max_length);
  const text::EncodedSet test_set = encode_and_report("test", splits.test, *model, o.max_length);

  text::Batches batches(train_set, o.batch_size, !o.no_shuffle, o.seed);
  const long by_epochs = std::max(1L, long(std::ceil(o.epochs * double(batches.per_epoch()))));
  const long steps = o.max_steps ? o.max_steps : by_epochs;
  const optim::Schedule schedule{.kind = optim::schedule_kind(o.schedule), .lr = o.peak_lr(), .steps = steps, .warmup = long(o.warmup * double(steps))};
  optim::Optimizer optimizer = make_optimizer(o, model->params.trainable());
  run::Run run({o.out, o.overwrite, !o.resume.empty(), run::effective_options(app), steps, batches.per_epoch()});
  if (!o.resume.empty()) run.restore(model->params, optimizer);
  fmt::print(stderr, "seed {}, {} steps of {} texts, peak learning rate {:g}, into {}\n\n", o.seed, steps, o.batch_size, o.peak_lr(), o.out);

  const nn::Params& params = model->params;
  engine::CrossEntropyOptions loss_options;
  loss_options.label_smoothing = engine::real(o.label_smoothing);
  while (run.next_step()) {
    model->params.train(run.step());                                                      //   dropout on, with this step's masks
    const text::Batch batch = batches.at(run.step());                                     // 1 sentences -> ids [N], offsets [B+1], labels [B]
    const Tensor logits = model->classifier(batch.tokens);                                // 2 [N] -> [N, C], 3 -> [B, K]
    const Tensor loss = engine::cross_entropy(logits, batch.labels, loss_options);        // 4 [B, K], [B] -> []
    const double loss_value = loss.item();
    if (!std::isfinite(loss_value)) engine::fail("step {}: the loss is {}; {}", run.step() + 1, loss_value, engine::first_nonfinite(loss));
    params.clear_grads();
    engine::backward(loss);                                                               // 5 fills the gradient of every parameter
    const double norm = optim::clip_grad_norm(params.trainable(), o.clip);                // 6
    const double lr = schedule(run.step());
    optimizer.step(lr);                                                                   // 7 the weights change here, only here
    run.log({{"loss", loss_value}, {"lr", lr}, {"grad_norm", norm}});                     // 8

    if (run.epoch_ends()) {
      const Evaluation dev = evaluate(*model, dev_set);
      const bool best = run.is_best(dev.value(o.metric));
      run.log({{"dev", dev.figures}});
      run.say(fmt::format("\nepoch {:g}, dev{}\n{}\n{}\n", run.epoch(), best ? " (the best so far)" : "", dev.report, line_of(dev.figures)));
      if (best) model->save(run.file("best"), o.max_length);
    }
    if (run.epoch_ends() || run.due_for_save()) run.save(params, optimizer);
  }
  if (run.interrupted()) run.save(params, optimizer), run.leave();

  const std::unique_ptr<run::TextModel> best = run::load_model(run::ModelDirectory(run.file("best")), o.seed);
  const Evaluation test = evaluate(*best, test_set);
  print_result("test, with the best epoch's model", test, best->config.labels);
  ordered_json result = result_of(test, best->config.labels);
  result["best_dev"] = {{o.metric, o.metric == "loss" ? -run.best() : run.best()}};
  result["seconds"] = run.seconds();
  nn::write_file(run.file("result.json"), result.dump(2) + "\n");
  fmt::print("result task=sentiment accuracy={:.4f} macro_f1={:.4f} seconds={:.0f} out={}\n", test.figures["accuracy"].get<double>(),
             test.figures["macro_f1"].get<double>(), run.seconds(), o.out);
}

void evaluate_command(CLI::App& app, const run::Parse& parse) {
  std::string directory, data, out;
  int max_length = 128;
  run::DataOptions files;
  app.add_option("--model", directory, "directory of a run or of a model")->required();
  app.add_option("--data", data, "file with texts and labels; the embedded test set if not given");
  app.add_option("--out", out, "also write the figures as JSON to this file");
  app.add_option("--max-length", max_length, "tokens of a text, [CLS] and [SEP] included; the rest is cut")->check(run::between(2, 100000));
  files.declare(app, true);
  parse();
  run::print_setup("sentiment", "evaluate");
  const std::unique_ptr<run::TextModel> model = run::load_model(run::ModelDirectory(directory), 0);
  const bool own_labels = app.count("--labels") > 0;
  const text::Labels labels = own_labels ? text::Labels::parse(files.labels) : text::Labels(model->config.labels);
  text::Examples examples = data.empty() ? files.read_embedded(labels) : files.read(data, labels);
  check(examples.labels.names() == model->config.labels, "the model knows the labels {}, the data has {}; --labels may map them",
        text::listed(model->config.labels), text::listed(examples.labels.names()));
  if (data.empty()) std::erase_if(examples.rows, [](const text::Example& e) { return e.split != "test"; });
  const text::EncodedSet set = encode_and_report("test", examples.rows, *model, std::min<int>(max_length, int(model->config.max_position_embeddings)));
  run::Progress progress("evaluate", set.size());
  const Evaluation e = evaluate(*model, set, [&](long done) { progress.update(done); });
  progress.interrupt();
  print_result(data.empty() ? "the embedded test set" : data, e, model->config.labels);
  if (!out.empty()) nn::write_file(out, result_of(e, model->config.labels).dump(2) + "\n");
  fmt::print("result task=sentiment accuracy={:.4f} macro_f1={:.4f} n={}\n", e.figures["accuracy"].get<double>(),
             e.figures["macro_f1"].get<double>(), set.size());
}

// {"text": ..., "label": ..., "probabilities": {label: p, ...}}, one line a text, in the order of the texts.
void print_predictions(run::TextModel& model, const std::vector<text::Example>& examples, int max_length) {
  const text::EncodedSet set = text::encode(examples, model.tokenizer, max_length);
  const run::Predictions predictions = run::predict(model, set, kEvaluationBatch);
  const std::vector<int> best = predictions.best();
  for (size_t i = 0; i < examples.size(); ++i) {
    ordered_json line{{"text", examples[i].text}, {"label", model.config.labels[best[i]]}};
    for (size_t k = 0; k < model.config.labels.size(); ++k) line["probabilities"][model.config.labels[k]] = predictions.probabilities[i][k];
    fmt::print("{}\n", line.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  }
  check(std::fflush(stdout) == 0, "the output cannot be written");
}

void predict_command(CLI::App& app, const run::Parse& parse) {
  std::string directory, file;
  std::vector<std::string> texts;
  int max_length = 128;
  run::DataOptions files;
  app.add_option("--model", directory, "directory of a run or of a model")->required();
  app.add_option("texts", texts, "texts to classify; without any, and without --file, one a line from standard input");
  app.add_option("--file", file, "file with a text column");
  app.add_option("--max-length", max_length, "tokens of a text, [CLS] and [SEP] included; the rest is cut")->check(run::between(2, 100000));
  files.declare(app, false);
  parse();
  const std::unique_ptr<run::TextModel> model = run::load_model(run::ModelDirectory(directory), 0);
  max_length = std::min<int>(max_length, int(model->config.max_position_embeddings));
  std::vector<text::Example> examples;
  for (const std::string& t : texts) examples.push_back({t, -1, "", 0});
  if (!file.empty()) examples = files.read(file, {}, false).rows;
  const bool from_input = texts.empty() && file.empty();
  if (from_input && isatty(STDIN_FILENO)) fmt::print(stderr, "one text a line; end with Ctrl-D\n");
  constexpr size_t kChunk = 1024;  // texts of a stream that are classified together
  std::string line;
  while (from_input && std::getline(std::cin, line)) {
    examples.push_back({line, -1, "", 0});
    if (examples.size() < kChunk && !isatty(STDIN_FILENO)) continue;
    print_predictions(*model, examples, max_length);
    examples.clear();
  }
  if (!examples.empty()) print_predictions(*model, examples, max_length);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(argc, argv, "sentiment", "Fine-tune a text classifier, measure it, use it.",
                      {{"train", "train on labelled texts; without options, on the embedded corpus", train},
                       {"evaluate", "measure a trained model on labelled texts", evaluate_command},
                       {"predict", "classify texts, one JSON object a line", predict_command}});
}
