// Encoder: a BERT without a classifier, as programs use it, and the directory that holds it.
#pragma once

#include <memory>
#include <optional>

#include "nn/model/masked_lm.h"
#include "tasks/model/text_model.h"

namespace model {

struct Encoder {
  nn::Config config;
  text::WordPiece tokenizer;
  nn::Params params;
  nn::Bert bert;
  std::optional<nn::MaskedLmHead> masked_lm;  // cls.predictions, if asked for

  // Declares the parameters; initialise() or load them.
  Encoder(nn::Config c, text::WordPiece t, uint64_t seed, bool with_masked_lm);

  // A directory that Hugging Face tools read, and that `sentiment train --model` begins from.
  void save(const std::string& directory, int max_length) const;
};

// The encoder of a model directory of any BERT: its head is left out, or, of a masked language model, new where the
// directory has none. `report` receives what was loaded. Error: another type of model.
std::unique_ptr<Encoder> load_encoder(const ModelDirectory& from, uint64_t seed, bool with_masked_lm,
                                      nn::Params::LoadReport& report);

}  // namespace model
