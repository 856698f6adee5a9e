// Data, model and optimiser of a training run, and what is done at its milestones. Read tasks/run/train_options.h first.
#include "tasks/run/training.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>
#include <unordered_set>

#include "tasks/run/log_odds.h"
#include "tasks/run/program.h"
#include "tasks/text/embedded.h"
#include "tasks/text/tokenizer_files.h"
#include "tasks/text/vocab_trainer.h"

namespace run {

using engine::check;
using engine::Tensor;

namespace {

// Puts the examples where their column `split` says, or, if none has one, where the seed does.
void share_out(std::vector<text::Example>& all, uint64_t seed, const text::Shares& shares, Splits& splits) {
  const bool has_split = std::any_of(all.begin(), all.end(), [](const text::Example& e) { return !e.split.empty(); });
  if (!has_split) text::split_stratified(all, seed, shares);
  for (text::Example& e : all) {
    check(e.split == "train" || e.split == "dev" || e.split == "test",
          "{}: split '{}' is not one of train, dev, test{}", e.where, e.split,
          text::did_you_mean(e.split, {"train", "dev", "test"}));
    auto& part = e.split == "train" ? splits.train : e.split == "dev" ? splits.dev : splits.test;
    part.push_back(std::move(e));
  }
}

// Texts of dev and test that stand in train, too, make the figures look better than they are.
void report_repeats(const Splits& splits) {
  std::unordered_set<std::string> seen;
  const auto texts = [](const text::Example& e) { return e.pair.empty() ? e.text : e.text + '\0' + e.pair; };
  for (const text::Example& e : splits.train) seen.insert(texts(e));
  const auto count = [&](const char* name, const std::vector<text::Example>& part) {
    const long repeats =
        std::count_if(part.begin(), part.end(), [&](const auto& e) { return seen.contains(texts(e)); });
    if (repeats) print_note("note: {} of {}'s {} texts stand in train, too\n", repeats, name, part.size());
  };
  count("dev", splits.dev);
  if (splits.separate_test) count("test", splits.test);
}

}  // namespace

Splits load_splits(const TrainOptions& o) { return load_splits(o, text::Labels::parse(o.files.labels)); }

Splits load_splits(const TrainOptions& o, const text::Labels& labels) {
  check(o.data.empty() || o.train.empty(), "--data and --train exclude each other");
  check(!o.train.empty() || (o.dev.empty() && o.test.empty()), "--dev and --test need --train");
  text::Shares shares = text::Shares::parse(o.split);
  Splits splits;
  if (o.train.empty()) {
    text::Examples all = o.data.empty() ? o.files.read_embedded(labels) : o.files.read(o.data, labels);
    splits.labels = all.labels;
    share_out(all.rows, o.seed, shares, splits);
  } else {
    text::Examples train = o.files.read(o.train, labels);
    splits.labels = train.labels;
    if (!o.dev.empty()) splits.dev = o.files.read(o.dev, splits.labels).rows;
    if (!o.test.empty()) splits.test = o.files.read(o.test, splits.labels).rows;
    shares = {shares.train + shares.test, o.dev.empty() ? shares.dev : 0, 0};
    text::split_stratified(train.rows, o.seed, shares);
    for (text::Example& e : train.rows) (e.split == "dev" ? splits.dev : splits.train).push_back(std::move(e));
  }
  splits.separate_test = !splits.test.empty();
  if (!splits.separate_test) splits.test = splits.dev;
  check(!splits.train.empty() && !splits.test.empty(),
        "training needs examples, and so does dev or test; got {} to train on, {} for dev and test",
        splits.train.size(), splits.test.size());
  check(!splits.dev.empty() || !o.patience, "--patience needs dev examples");
  report_repeats(splits);
  return splits;
}

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
  if (o.model == "pool") {
    c.bigram_buckets = o.bigrams;
    c.subword_buckets = o.subwords;
    c.length_exponent = o.length_exponent;
    c.hidden_dropout_prob = c.classifier_dropout = 0.5;
    c.attention_probs_dropout_prob = 0;
  }
  return c;
}

void set_dropout(nn::Config& c, const TrainOptions& o) {
  const bool pool = c.model_type == "attention_pool";
  if (o.dropout) c.hidden_dropout_prob = c.attention_probs_dropout_prob = c.classifier_dropout = *o.dropout;
  if (o.dropout && pool) c.attention_probs_dropout_prob = 0;
  if (o.attention_dropout) c.attention_probs_dropout_prob = *o.attention_dropout;
}

text::WordPiece new_tokenizer(const TrainOptions& o, const std::vector<text::Example>& examples) {
  text::TokenizerOptions options;
  options.lower_case = !o.cased;
  if (!o.vocab.empty()) {
    text::WordPiece tokenizer = text::WordPiece::load(o.vocab, options);
    const long capitals = o.cased ? 0 : text::with_capitals(tokenizer.pieces());
    if (capitals)
      print_note("warning: {}: {} pieces have capitals, but texts are lower-cased; --cased keeps their case\n", o.vocab,
                 capitals);
    return tokenizer;
  }
  std::vector<std::string> texts;
  for (const text::Example& e : examples) {
    texts.push_back(e.text);
    if (!e.pair.empty()) texts.push_back(e.pair);
  }
  return text::WordPiece(text::train_vocab(texts, o.vocab_size, 2, options), options);
}

namespace {

// A pretrained classifier keeps its labels: other ones would make its head meaningless.
void check_labels(const ModelDirectory& from, const std::vector<std::string>& labels) {
  const nn::SafeTensors weights = nn::open_weights(from.path);
  check(!weights.has("classifier.weight") || from.config.labels == labels,
        "{}: its classifier knows the labels {}, the data has {}; --labels may map them, --new-head begins another "
        "classifier",
        from.path, text::listed(from.config.labels), text::listed(labels));
  check(
      !weights.has("classifier.weight") || from.config.problem() == nn::Config::Problem::single_label,
      "{}: its classifier is a {}, this training is of labels of which one holds; --new-head begins another classifier",
      from.path, from.config.problem_type.empty() ? "regression" : from.config.problem_type);
}

}  // namespace

std::unique_ptr<TextModel> make_model(const TrainOptions& o, const Splits& splits, const text::WordPiece* given) {
  const std::vector<std::string>& labels = splits.labels.names();
  std::unique_ptr<TextModel> model;
  const auto for_pool = [&](const char* option, double value) {
    check(value == 0 || o.model == "pool", "{} is for --model pool; got --model {}", option, o.model);
  };
  for_pool("--bigrams", double(o.bigrams));
  for_pool("--subwords", double(o.subwords));
  for_pool("--length-exponent", o.length_exponent);
  for_pool("--log-odds", o.log_odds);
  check(!o.new_head || o.pretrained(), "--new-head is for --model DIR; {} begins with a new one anyway", o.model);
  if (o.pretrained()) {
    ModelDirectory from(o.model);
    check(o.max_length <= from.config.max_position_embeddings, "--max-length {} is more than the {} positions of {}",
          o.max_length, from.config.max_position_embeddings, from.path);
    if (!o.new_head) check_labels(from, labels);
    from.config.labels = labels;
    from.config.problem_type.clear();
    set_dropout(from.config, o);
    o.attention.apply(from.config);
    o.retention.apply(from.config, from.path);
    from.config.check_sizes("--model " + o.model);
    nn::Params::LoadReport report;
    model = load_to_fine_tune(from, o.seed, report, o.new_head ? nn::Head::anew : nn::Head::kept);
    print_note("{}\n{}", from.path, report.table());
  } else {
    text::WordPiece tokenizer = given ? *given : new_tokenizer(o, splits.train);
    nn::Config config = new_config(o, tokenizer.vocab_size(), labels);
    set_dropout(config, o);
    o.attention.apply(config);
    o.retention.apply(config);
    config.check_sizes("--model " + o.model);
    model = std::make_unique<TextModel>(config, std::move(tokenizer), o.seed);
    model->params.initialise();
    if (o.log_odds > 0)
      start_from_log_odds(
          *model, text::encode(splits.train, model->tokenizer, o.max_length, text::too_long(o.too_long)), o.log_odds);
  }
  for (const std::string& pattern : o.freeze) model->params.freeze(pattern);
  print_note("model {}: {:.2f} M parameters, {} pieces, labels {}\n", o.model, double(model->params.count()) / 1e6,
             model->tokenizer.vocab_size(), text::listed(labels));
  return model;
}

std::vector<engine::real> class_weights(const TrainOptions& o, const text::EncodedSet& train,
                                        const std::vector<std::string>& labels) {
  if (o.class_weights == "none") return {};
  if (o.class_weights == "balanced") return text::balanced_weights(train.labels, int(labels.size()));
  std::vector<engine::real> weights(labels.size(), -1);
  std::istringstream lines(nn::read_file(o.class_weights));
  long number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const size_t tab = line.rfind('\t');
    const std::string label = line.substr(0, tab);
    const auto found = std::find(labels.begin(), labels.end(), label);
    check(tab != std::string::npos, "{}:{}: a line is a label, a tab and a weight", o.class_weights, number);
    check(found != labels.end(), "{}:{}: label '{}' is not one of {}{}", o.class_weights, number, label,
          text::listed(labels), text::did_you_mean(label, labels));
    double weight = -1;
    const char* end = line.data() + line.size();
    const auto [stop, error] = std::from_chars(line.data() + tab + 1, end, weight);
    check(error == std::errc() && stop == end && std::isfinite(weight) && weight >= 0,
          "{}:{}: '{}' is not a weight from 0", o.class_weights, number, line.substr(tab + 1));
    weights[found - labels.begin()] = engine::real(weight);
  }
  for (size_t k = 0; k < labels.size(); ++k)
    check(weights[k] >= 0, "{}: label '{}' has no weight", o.class_weights, labels[k]);
  check(std::any_of(weights.begin(), weights.end(), [](engine::real w) { return w > 0; }), "{}: all weights are 0",
        o.class_weights);
  return weights;
}

optim::Optimizer make_optimizer(const TrainOptions& o, const std::vector<Tensor>& parameters) {
  if (o.optimizer == "sgd") return optim::Sgd(parameters, {.momentum = o.momentum, .weight_decay = o.weight_decay});
  optim::AdamWOptions adam;
  adam.variant = optim::adam_variant(o.adam_variant);
  adam.eps = o.adam_eps.value_or(adam.variant == optim::AdamVariant::torch ? 1e-8 : 1e-6);
  adam.weight_decay = o.weight_decay;
  return optim::AdamW(parameters, adam);
}

long steps_of(const TrainOptions& o, const text::Batches& batches) {
  return o.max_steps ? o.max_steps : std::max(1L, long(std::ceil(o.epochs * double(batches.per_epoch()))));
}

optim::Schedule make_schedule(const TrainOptions& o, long steps) {
  return {.kind = optim::schedule_kind(o.schedule),
          .lr = o.peak_lr(),
          .steps = steps,
          .warmup = long(o.warmup * double(steps))};
}

void finish_epoch(Run& run, TextModel& model, const text::EncodedSet& dev_set, const TrainOptions& o) {
  if (dev_set.size() == 0) return model.save(run.file("best"), o.max_length);
  run.pause();
  const Evaluation dev = evaluate(model, dev_set, "dev");
  const bool best = run.is_best(dev.value(o.metric));
  run.log({{"dev", dev.figures}});
  run.say(fmt::format("\nepoch {:g}, dev{}\n{}\n{}\n", run.epoch(), best ? " (the best so far)" : "",
                      text::to_text(dev.report), dev.line()));
  if (best) model.save(run.file("best"), o.max_length);
}

void finish_run(const Run& run, const std::string& task, const text::EncodedSet& test_set, bool has_dev,
                const TrainOptions& o) {
  const std::unique_ptr<TextModel> best = load_model(ModelDirectory(run.file("best")));
  const Evaluation test = evaluate(*best, test_set, "test");
  fmt::print("\ntest, with the {} epoch's model\n{}\n", has_dev ? "best" : "last", test.text());
  nlohmann::ordered_json result = test.json();
  if (has_dev) result["best_dev"] = {{o.metric, o.metric == "loss" ? -run.best() : run.best()}};
  result["seconds"] = run.seconds();
  nn::write_file(run.file("result.json"), result.dump(2) + "\n");
  fmt::print("result task={} accuracy={:.4f} macro_f1={:.4f} seconds={:.0f} out={}\n", task, test.value("accuracy"),
             test.value("macro_f1"), run.seconds(), o.out);
}

}  // namespace run
