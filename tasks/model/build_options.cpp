// The options of a model. Read tasks/model/build.h first.
#include "tasks/model/build.h"

#include "tasks/model/shipped.h"
#include "tasks/run/console.h"

namespace model {

void BuildOptions::declare(run::Options& options, bool with_auto) {
  reading.declare(options);
  const std::string what = with_auto ? "auto: by the number of texts and their language; or " : "";
  options
      .add("--model", model,
           what +
               "pool (embeddings and attention pooling) or bert (a small one), both from nothing; or an encoder that "
               "ships, by its name: mini; or a model directory")
      .group("Model");
  options
      .add("--new-head", new_head,
           "of a model directory: its classifiers are drawn anew, for data with other labels than it was trained on")
      .group("Model");
  declare_sizes(options);
  declare_pool(options);
  declare_attention(options);
  declare_retention(options);
  adapter.declare(options);
}

void BuildOptions::declare_sizes(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const std::string& what) -> run::Option& {
    return options.add(name, variable, what).group("Model");
  };
  add("--layers", layers, "of bert; default 4").positive();
  add("--hidden", hidden, "width of bert and pool; default 256").positive();
  add("--heads", heads, "attention heads of bert, query vectors of pool; default 4").positive();
  add("--intermediate", intermediate, "feed-forward width of bert; default 4 x hidden").positive();
  add("--dropout", dropout, "everywhere; default 0.1, 0.5 for pool, or what the model directory says").between(0, 0.99);
  add("--attention-dropout", attention_dropout, "of the attention weights; default as --dropout, 0 for pool")
      .between(0, 0.99);
  add("--vocab", vocab, "vocab.txt for bert and pool; without it one is learned from the training texts").reads();
  add("--vocab-size", vocab_size, "pieces to learn; default " + std::to_string(default_vocab_size)).between(64, 1e6);
  add("--cased", cased, "keep letter case and accents (with --vocab or a learned vocabulary)");
}

void BuildOptions::declare_pool(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Model");
  };
  add("--bigrams", bigrams, "of pool: rows of a table for pairs of neighbouring pieces, say 200000; 0: none")
      .between(0, 1e8);
  add("--subwords", subwords,
      "of pool: rows of a table for the pieces' n-grams of 3 to 5 characters, say 100000; 0: none")
      .between(0, 1e8);
  add("--length-exponent", length_exponent,
      "of pool: p, where the context of T tokens is (T / 20)^p times their mean; 0.5 lets long texts speak up")
      .between(0, 1);
}

void BuildOptions::declare_log_odds(run::Options& options) {
  options
      .add("--log-odds", log_odds,
           "of pool: its embeddings begin with that much of the training labels' log-count ratios; 0: none")
      .group("Model")
      .between(0, 100);
}

void BuildOptions::declare_attention(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Attention");
  };
  add("--attention-temperature", temperature, "divides the scores: above 1 attention is flatter; default 1")
      .between(1e-3, 1e3);
  add("--attention-normaliser", normaliser,
      "softmax, sparsemax or entmax15, which give many tokens exactly nothing; default softmax")
      .one_of({"softmax", "sparsemax", "entmax15"});
  add("--attention-window", window,
      "local attention: a token sees that many tokens on either side, and the global ones; 0: all see all")
      .between(0, 1e6);
  add("--global-tokens", global_tokens,
      "with a window: so many first tokens see all and are seen by all; 1, the default, is [CLS]")
      .between(1, 1e6);
}

void BuildOptions::declare_retention(run::Options& options) {
  options
      .add("--token-retention", token_retention,
           "share of a text's tokens that goes on from each layer, those that receive most attention, rounded up: "
           "1.0,0.7,0.5,0.3; or learned: the schedule that --learn-retention left in the model directory")
      .group("Token pruning");
}

void BuildOptions::settle(const run::Options& options) {
  const bool sizes = layers || hidden || heads || intermediate, words = vocab_size || !vocab.empty() || cased;
  const bool ships = pretrained() && model_at(model) != model;
  if (ships && (sizes || (words && !options.given("--model")))) {  // beside a name a vocabulary is one that must fit
    run::print_note("note: sizes and vocabularies are of a model from nothing: --model bert, not {}\n", model);
    model = "bert";
  }
  if (!pretrained()) return;
  const ModelDirectory from = directory();
  if (records_reading(from.path)) reading = Reading::settle(options, reading, from.reading);
  if (adapter.kind != "prefix" || options.given("--max-length")) return;
  const long positions = from.config.max_position_embeddings, rows = adapter.config(from.config).rank;
  if (reading.max_length + rows <= positions || rows + 2 > positions) return;
  reading.max_length = int(positions - rows);
  run::print_note("note: the prefix has {} of the {} positions; texts are read up to {} tokens\n", rows, positions,
                  reading.max_length);
}

}  // namespace model
