// A translator of three sentences that has learned nothing.
#pragma once

#include "tasks/translate/translator.h"
#include "tests/support/nn.h"

namespace test {
using translate::Pieces;
using translate::Translator;

inline const std::vector<std::string> kSources{"the red house", "a house by the river", "red"},
    kTargets{"das rote Haus", "ein Haus am Fluss", "rot"};

inline Pieces shared_pieces() {
  std::vector<std::string> both = kSources;
  both.insert(both.end(), kTargets.begin(), kTargets.end());
  return Pieces::learn(both, {"bpe", 45});
}

inline Translator drawn(const Pieces& pieces, long heads, long decoder_layers, uint64_t seed, long positions = 12) {
  nn::TranslationConfig c = sized_translation(
      {.vocabulary = pieces.size(), .width = 16, .layers = 1, .heads = heads, .inner = 20, .positions = positions});
  c.decoder_layers = decoder_layers;
  c.max_length = positions;
  c.eos_token_id = pieces.end();
  c.pad_token_id = c.decoder_start_token_id = pieces.padding();
  c.forbidden = {pieces.padding()};
  Translator t{pieces, std::make_unique<nn::EncoderDecoder>(c, seed)};
  t.model->params.initialise();
  return t;
}

}  // namespace test
