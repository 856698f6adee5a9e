// Config: what a model is, in the words of Hugging Face's config.json.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/base.h"
#include "nn/format/files.h"

namespace nn {

struct Config {
  std::string model_type = "bert";  // or "attention_pool": embeddings, attention pooling, classifier
  std::string architecture;         // what config.json calls it; empty: the classifier of that type
  // single_label_classification, multi_label_classification, regression; or, attune's own, ordinal_classification;
  // empty: not said
  std::string problem_type;
  long vocab_size = 30522;
  long hidden_size = 768;
  long num_hidden_layers = 12;
  long num_attention_heads = 12;  // of an attention_pool: its query vectors
  long bigram_buckets = 0;   // of an attention_pool: rows of the table that pairs of neighbours are hashed to; 0: none
  long subword_buckets = 0;  // of an attention_pool: rows of the table for the pieces' character n-grams; 0: none
  double length_exponent = 0;  // of an attention_pool: contexts are multiplied by (tokens / 20)^this
  long intermediate_size = 3072;
  std::vector<long> intermediate_sizes;  // of every layer, where pruning left them unequal; empty: all alike
  long max_position_embeddings = 512;
  long type_vocab_size = 2;
  long pad_token_id = 0;            // where the vocabulary has its [PAD], for other programs: nothing here pads
  bool tie_word_embeddings = true;  // of a masked language model: its decoder's weight is the word embeddings
  std::string hidden_act = "gelu";  // gelu, gelu_new, relu, silu, tanh
  double hidden_dropout_prob = 0.1;
  double attention_probs_dropout_prob = 0.1;
  double classifier_dropout = -1;                // below 0: as hidden_dropout_prob
  std::string attention_normaliser = "softmax";  // or sparsemax, entmax15: what makes attention of scores
  double attention_temperature = 1;              // that divides the scores
  long attention_window = 0;  // tokens on either side that a token sees, beside the global ones; 0: all see all
  long global_tokens = 1;     // with a window: the first tokens, [CLS] and so on, which all see and which see all
  std::vector<double> token_retention;  // of every layer: the share of the tokens that go on; empty: all do
  long retention_bins = 0;              // parameters a layer of a schedule that is being learned; 0: none is
  double layer_norm_eps = 1e-12;
  double initializer_range = 0.02;
  std::map<long, std::vector<long>> pruned_heads;  // by layer, the heads that were taken out, of num_attention_heads
  std::vector<std::string> labels;                 // id2label, in the order of the ids
  bool int8 = false;  // quantization_config: weights are int8 (nn/format/pretrained.h), for predictions alone

  double reading_dropout() const;  // of what a classifier reads
  // How the logits are to be read: a softmax over them, a sigmoid of each, answers to "is it above class k?", numbers.
  // Where problem_type does not say, one label is a regression and more are classes of which one holds (as in Hugging
  // Face's).
  enum class Problem { single_label, multi_label, ordinal, regression };
  Problem problem() const;

  // Error unless the model, or its encoder once it has a new head, classifies texts: its architecture may name a head
  // that reads words, or pairs of texts, or picks among choices. `where`: how the error begins.
  void check_classifies(const std::string& where) const;

  long heads_of(long layer) const;  // how many are left
  std::vector<long> kept_heads(long layer) const;
  long neurons_of(long layer) const;                 // the feed-forward width
  void check_sizes(const std::string& where) const;  // throws on what no model can have

 private:
  void check_allocation(const std::string& where) const;
};

// config.json, as Hugging Face writes it. Keys that do not change what is computed are passed over; what this model
// cannot compute as the file says is an error that names the key (another type of model, quantised weights, ...).
Config read_config(const std::string& path);
std::string config_json(const Config& config);

// The one name, here, of a function that Hugging Face knows by many: gelu, gelu_new, silu; others as they are.
std::string activation_name(const std::string& name);

}  // namespace nn
