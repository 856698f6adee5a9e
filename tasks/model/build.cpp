// A model out of options: from nothing, or from a directory. Read tasks/model/directory.h first.
#include "tasks/model/build.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "engine/strings.h"
#include "nn/format/safetensors.h"
#include "nn/model/token_pruning.h"
#include "tasks/model/shipped.h"
#include "tasks/run/console.h"
#include "tasks/text/tokenizer_files.h"
#include "tasks/text/vocab_trainer.h"

namespace model {

using engine::check;
using engine::real;
using engine::Tensor;

text::WordPiece new_tokenizer(const BuildOptions& o, const std::vector<text::Example>& examples) {
  text::TokenizerOptions options;
  options.lower_case = !o.cased;
  if (!o.vocab.empty()) {
    text::WordPiece tokenizer = text::WordPiece::load(o.vocab, options);
    const long capitals = o.cased ? 0 : text::with_capitals(tokenizer.pieces());
    if (capitals)
      run::print_note("warning: {}: {} pieces have capitals, but texts are lower-cased; --cased keeps their case\n",
                      o.vocab, capitals);
    return tokenizer;
  }
  std::vector<std::string> texts;
  for (const text::Example& e : examples) {
    texts.push_back(e.text);
    if (!e.pair.empty()) texts.push_back(e.pair);
  }
  return text::WordPiece(text::train_vocab(texts, o.pieces(), 2, options), options);
}

nn::Config new_config(const BuildOptions& o, long vocab_size) {
  nn::Config c;
  c.model_type = o.model == "pool" ? "attention_pool" : "bert";
  c.vocab_size = vocab_size;
  c.hidden_size = o.hidden.value_or(256);
  c.num_hidden_layers = o.layers.value_or(4);
  c.num_attention_heads = o.heads.value_or(4);
  c.intermediate_size = o.intermediate.value_or(4 * c.hidden_size);
  c.max_position_embeddings = o.reading.max_length;
  if (o.model == "pool") {
    c.bigram_buckets = o.bigrams;
    c.subword_buckets = o.subwords;
    c.length_exponent = o.length_exponent;
    c.hidden_dropout_prob = c.classifier_dropout = 0.5;
    c.attention_probs_dropout_prob = 0;
  }
  return c;
}

namespace {

void change_dropout(nn::Config& c, const BuildOptions& o) {
  if (o.dropout) {
    c.hidden_dropout_prob = c.classifier_dropout = *o.dropout;
    c.attention_probs_dropout_prob = c.model_type == "attention_pool" ? 0 : *o.dropout;
  }
  if (o.attention_dropout) c.attention_probs_dropout_prob = *o.attention_dropout;
}

void change_attention(nn::Config& c, const BuildOptions& o) {
  if (o.temperature) c.attention_temperature = *o.temperature;
  if (o.normaliser) c.attention_normaliser = *o.normaliser;
  if (o.window) c.attention_window = *o.window;
  if (o.global_tokens) c.global_tokens = *o.global_tokens;
  check(!o.global_tokens || c.attention_window || *o.global_tokens == 1,
        "--global-tokens needs --attention-window: without a window all tokens see all");
}

void change_retention(nn::Config& c, const BuildOptions& o, const std::string& directory) {
  check(o.token_retention.empty() || !o.retention_bins, "--token-retention and --learn-retention exclude each other");
  if (!o.token_retention.empty()) {
    c.token_retention = parse_retention(o.token_retention, directory);
    c.retention_bins = 0;
    run::print_note("token retention {}\n", fmt::join(c.token_retention, ","));
  }
  if (o.retention_bins) {
    c.token_retention.clear();  // begun again, with all tokens
    if (!c.retention_bins) c.retention_bins = o.retention_bins;
  }
}

// Sizes are those of a directory, and a pool has no layers.
void check_sizes(const BuildOptions& o) {
  const auto for_new = [&](const char* option, bool given) {
    check(!given || !o.pretrained(), "{} is for a model from nothing; {} has its own", option, o.model);
  };
  for_new("--layers", o.layers.has_value());
  for_new("--hidden", o.hidden.has_value());
  for_new("--heads", o.heads.has_value());
  for_new("--intermediate", o.intermediate.has_value());
  for_new("--vocab-size", o.vocab_size.has_value());
  for_new("--cased", o.cased);
  check(o.vocab.empty() || !o.vocab_size, "--vocab-size is of a vocabulary to be learned; --vocab {} is one", o.vocab);
  for (const auto& [option, given] :
       {std::pair{"--layers", o.layers.has_value()}, {"--intermediate", o.intermediate.has_value()}})
    check(!given || o.model != "pool", "{} is for a BERT; pool has no layers", option);
}

void check_for_pool(const BuildOptions& o) {
  const auto for_pool = [&](const char* option, double value) {
    check(value == 0 || o.model == "pool", "{} is for --model pool; got --model {}", option, o.model);
  };
  for_pool("--bigrams", double(o.bigrams));
  for_pool("--subwords", double(o.subwords));
  for_pool("--length-exponent", o.length_exponent);
  for_pool("--log-odds", o.log_odds);
  check(!o.adapter.any() || o.pretrained(), "--adapter is for --model DIR: what it is put on stays; got --model {}",
        o.model);
  check(o.adapter.base.empty() || o.pretrained(), "--base is for --model DIR, an adapter directory; got --model {}",
        o.model);
  check(!o.new_head || o.pretrained(), "--new-head is for --model DIR; {} begins with a new one anyway", o.model);
}

// A trained classifier keeps its labels: other ones would make it meaningless.
void check_labels(const ModelDirectory& from, const std::vector<spec::TaskSpec>& tasks) {
  for (const spec::TaskSpec& task : tasks) {
    const bool vector = task.head == nn::Predicts::vector && !task.width;
    if (task.head == nn::Predicts::pieces || vector) continue;  // no classifier: that of the directory goes
    for (const spec::TaskSpec& before : from.tasks) {
      const std::string name = (task.name.empty() ? "" : "heads." + task.name + ".") + "classifier.weight";
      if (task.name != before.name || !from.has(name)) continue;
      check(task.head == before.head,
            "{}: its classifier is a head '{}', this training is of a head '{}'; --new-head begins another classifier",
            from.path, spec::head_name(before.head), spec::head_name(task.head));
      check(task.labels.names() == before.labels.names(),
            "{}: its classifier knows the labels {}, the data has {}; --labels may map them, --new-head begins another "
            "classifier",
            from.path, text::listed(before.labels.names()), text::listed(task.labels.names()));
    }
  }
}

std::unique_ptr<TextModel> from_directory(const BuildOptions& o, const std::vector<spec::TaskSpec>& tasks,
                                          uint64_t seed) {
  ModelDirectory from = o.directory();
  check(!from.adapter || !o.adapter.any(),
        "--adapter {}: {} is an adapter ({}) already, which is trained on without the option; merged with its base it "
        "can carry another",
        o.adapter.kind, from.path, from.adapter ? nn::name_of(from.adapter->kind) : "");
  check_positions(o.reading, from.config, from.path);
  check(o.vocab.empty() || text::WordPiece::load(o.vocab).pieces() == from.tokenizer.pieces(),
        "--vocab {} does not fit: {} has a vocabulary of its own, and its embeddings are that one's", o.vocab, o.model);
  if (!o.new_head) check_labels(from, tasks);
  from.reading = o.reading;
  change_config(from.config, o, from.path);
  from.config.check_sizes("--model " + o.model);
  auto model = load_to_train(from, tasks, seed, o.new_head ? nn::Anew::classifiers : nn::Anew::nothing);
  if (o.adapter.any()) add_adapter(model->net, o.adapter, from.base);
  check_positions(o.reading, model->net, from.path);
  print_adapter(model->net);
  return model;
}

}  // namespace

std::vector<std::string> BuildOptions::inputs() const {
  std::vector<std::string> paths;
  if (pretrained()) paths = {model_at(model)};
  if (pretrained() && directory().adapter) paths.push_back(directory().base);
  if (!vocab.empty()) paths.push_back(vocab);
  return paths;
}

double BuildOptions::default_lr() const {
  if (adapter.any()) return adapter_lr(adapter.adapter_kind());
  if (!pretrained()) return model == "pool" ? 2e-3 : 2e-4;
  const std::string there = model_path(model);
  if (nn::is_adapter_directory(there)) return adapter_lr(nn::read_adapter_config(there + "/adapter_config.json").kind);
  return wanted_lr(model_at(model)).value_or(2e-5);
}

void change_config(nn::Config& config, const BuildOptions& o, const std::string& directory) {
  change_dropout(config, o);
  change_attention(config, o);
  change_retention(config, o, directory);
}

std::unique_ptr<TextModel> build(const BuildOptions& o, const std::vector<spec::TaskSpec>& tasks,
                                 const std::vector<text::Example>& texts, uint64_t seed, const text::WordPiece* given) {
  check(o.model != "auto",
        "--model auto is for `sentiment train` and `transfer train`; name pool, bert, an encoder that "
        "ships or a directory");
  check_sizes(o);
  check_for_pool(o);
  o.adapter.config(nn::Config());  // options that fit no kind, also where there is none
  std::unique_ptr<TextModel> model;
  if (o.pretrained()) {
    model = from_directory(o, tasks, seed);
  } else {
    text::WordPiece tokenizer = given && o.vocab.empty() ? *given : new_tokenizer(o, texts);
    nn::Config config = new_config(o, tokenizer.vocab_size());
    change_config(config, o);
    config.check_sizes("--model " + o.model);
    model = std::make_unique<TextModel>(config, tasks, std::move(tokenizer), o.reading, seed);
    model->net.params.initialise();
  }
  for (const spec::TaskSpec& task : tasks)
    check(o.model != "pool" || task.reads != nn::Reads::first || task.head == nn::Predicts::vector,
          "{}.reads: cls is for BERTs; over pool a head reads by attention, or the mean", task.where);
  print_model(o.model, *model);
  return model;
}

std::vector<double> parse_retention(const std::string& schedule, const std::string& directory) {
  constexpr const char* kParameter = "bert.encoder.retention.weight";
  if (schedule == "learned") {
    check(!directory.empty(),
          "--token-retention learned: a model directory is needed, one that --learn-retention made");
    const std::optional<Tensor> found = nn::stored_parameter(directory, kParameter);
    check(found.has_value(), "{}: no schedule was learned there; train with --learn-retention first", directory);
    const Tensor& retention = *found;
    check(retention.shape().rank() == 2 && retention.numel() > 0 &&
              std::all_of(retention.data(), retention.data() + retention.numel(),
                          [](real r) { return r >= 0 && r <= 1; }),
          "{}: '{}' must be numbers in [0, 1], a row a layer; got {}", directory, kParameter, retention);
    return nn::learned_schedule(retention);
  }
  std::vector<double> shares;
  if (schedule.empty()) return shares;
  for (const std::string& part : engine::split(schedule, ',')) {
    shares.push_back(engine::parse_number<double>(part).value_or(0));
    check(shares.back() > 0 && shares.back() <= 1,
          "--token-retention: shares in (0, 1] with commas, one a layer, or learned; '{}' is none",
          engine::shown(part));
  }
  return shares;
}

}  // namespace model
