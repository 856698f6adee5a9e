// Translator: a model and its pieces, a directory, and texts in the other language.
#pragma once

#include <functional>
#include <optional>

#include "nn/model/beam.h"
#include "nn/model/decoder.h"
#include "tasks/run/options.h"
#include "tasks/translate/pieces.h"

namespace translate {

// How to decode. What is not given is the directory's.
struct DecodeOptions {
  std::optional<int> beams, no_repeat;
  std::optional<double> length_penalty;
  std::optional<long> min_length;
  std::optional<std::string> stop;
  int n_best = 1, top_k = 0;
  long max_length = 0, batch_tokens = 4000;
  double max_length_factor = 3, temperature = 1, top_p = 1;
  bool sample = false;
  uint64_t seed = 42;
  std::string begin;                                  // how every translation begins
  void declare(run::Options& options, bool several);  // several: whether a text may get more translations than one
  void settle() const;                                // usage error: what contradicts itself
};

struct Translation {
  std::string text;
  double score = 0;
  std::vector<int> ids;  // with the end
};

struct Translator {
  Pieces pieces;
  std::unique_ptr<nn::EncoderDecoder> model;

  // Of a run's directory its best model. An adapter is merged with its base, which is where it says or at `base`.
  // Error: a vocabulary that is not the model's; a base that is not the adapter's; `base` of what is no adapter.
  static Translator load(const std::string& directory, const std::string& base = "");
  // The same with gradients. Error: int8.
  static Translator load_to_train(const std::string& directory, const std::string& base = "");
  static std::string directory_of(const std::string& path);
  // Of a model with an adapter that alone: it translates with its base's pieces.
  void save(const std::string& directory, nn::Stored stored = nn::Stored::f32) const;
  // Another one with the same values and, if there is one, an adapter of the same form; with these dropouts.
  Translator twin(const nn::TranslationConfig& config, uint64_t seed) const;

  // Of each text its n_best translations, the best first; an empty text stays empty. Sentences are batched by length.
  // `progress` hears how many are done. `first`: the number of texts[0], from 0, where they are a part of more: draws
  // and messages go by it. Error: as require().
  std::vector<std::vector<Translation>> translate(const std::vector<std::string>& texts, const DecodeOptions& options,
                                                  const std::function<void(long)>& progress = nullptr,
                                                  long first = 0) const;
  // Error: a text beyond the positions, or no UTF-8, with its number.
  void require(const std::vector<std::string>& texts, long first = 0) const;

  // Which source piece each target piece looks at: the attention across of the last layer, mean over its heads.
  //   source S pieces, target T pieces -> [T, S], rows sum to 1
  engine::Tensor alignment(const std::vector<int>& source, const std::vector<int>& target) const;
};

}  // namespace translate
