// What a model is made of: an encoder and its sizes, or a directory to begin from.
#pragma once

#include "tasks/model/adapter.h"
#include "tasks/model/directory.h"

namespace model {

struct BuildOptions {
  std::string model = "pool";  // pool, bert (from nothing), an encoder that ships, or a model directory; or auto
  Reading reading;
  bool new_head = false;
  // sizes of a new one
  std::optional<long> layers, hidden, heads, intermediate;
  std::optional<double> dropout, attention_dropout;
  std::string vocab;
  std::optional<int> vocab_size;  // default_vocab_size where it is not given
  int default_vocab_size = 8000;
  bool cased = false;
  // of pool
  long bigrams = 0, subwords = 0;
  double length_exponent = 0, log_odds = 0;
  // attention
  std::optional<double> temperature;          // of the scores
  std::optional<std::string> normaliser;      // softmax, sparsemax, entmax15
  std::optional<long> window, global_tokens;  // local attention
  std::string token_retention;                // "1.0,0.7,0.5", "learned" (by the model directory), or nothing
  AdapterOptions adapter;
  long retention_bins = 0;  // of a schedule that is to be learned; 0: none is

  // All of them but --log-odds. `with_auto`: --model may be auto, which whoever declares it must have decided before
  // build().
  void declare(run::Options& options, bool with_auto = false);
  void declare_sizes(run::Options& options);      // of a new model and its vocabulary; dropout
  void declare_pool(run::Options& options);       // what only word embeddings have
  void declare_log_odds(run::Options& options);   // their first values from labels
  void declare_attention(run::Options& options);  // how attention is made
  void declare_retention(run::Options& options);  // which tokens go on to the next layer
  // After parsing: a directory of ours goes on reading as it did, but for what options say otherwise.
  void settle(const run::Options& options);
  int pieces() const { return vocab_size.value_or(default_vocab_size); }
  bool pretrained() const { return model != "pool" && model != "bert" && model != "auto"; }
  ModelDirectory directory() const { return ModelDirectory(model, adapter.base); }  // of a pretrained one
  double default_lr() const;                // of a pretrained one what its directory wants, or 2e-5
  std::vector<std::string> inputs() const;  // the directory and the vocabulary that it reads
};

// A model with these tasks, new or from a directory, with its line on the screen. A new one's vocabulary is --vocab, or
// `given`, or learned from `texts`.
// Error: what a model or a head cannot be; a directory whose classifier has other labels.
std::unique_ptr<TextModel> build(const BuildOptions& o, const std::vector<spec::TaskSpec>& tasks,
                                 const std::vector<text::Example>& texts, uint64_t seed,
                                 const text::WordPiece* given = nullptr);

// Its parts, for those who make a model by themselves.
text::WordPiece new_tokenizer(const BuildOptions& o, const std::vector<text::Example>& texts);
nn::Config new_config(const BuildOptions& o, long vocab_size);
void change_config(nn::Config& config, const BuildOptions& o, const std::string& directory = "");  // what options say

// "1.0,0.7,0.5" as shares; "learned": those that training left in the directory.
std::vector<double> parse_retention(const std::string& schedule, const std::string& directory);

}  // namespace model
