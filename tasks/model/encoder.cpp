// Encoders in and out of directories. Read tasks/run/text_model.cpp first: the same for classifiers.
#include "tasks/model/encoder.h"

#include "tasks/text/tokenizer_files.h"

namespace model {

using engine::check;

Encoder::Encoder(nn::Config c, text::WordPiece t, uint64_t seed, bool with_masked_lm)
    : config(std::move(c)), tokenizer(std::move(t)), params(seed), bert(params.root() / "bert", config) {
  config.architecture = with_masked_lm ? "BertForMaskedLM" : "BertModel";
  config.labels.clear();
  if (with_masked_lm) masked_lm.emplace(params.root() / "cls.predictions", bert.embeddings.word, config);
}

void Encoder::save(const std::string& directory, int max_length) const {
  nn::save_pretrained(params, config, directory);
  text::save_tokenizer(tokenizer, directory, max_length);
}

std::unique_ptr<Encoder> load_encoder(const ModelDirectory& from, uint64_t seed, bool with_masked_lm,
                                      nn::Params::LoadReport& report) {
  check(from.config.model_type == "bert", "{}: an encoder is a bert; this is a model of type '{}'", from.path,
        from.config.model_type);
  check(from.tokenizer.vocab_size() <= from.config.vocab_size,
        "{}: the vocabulary has {} pieces, the model {} embeddings", from.path, from.tokenizer.vocab_size(),
        from.config.vocab_size);
  auto encoder = std::make_unique<Encoder>(from.config, from.tokenizer, seed, with_masked_lm);
  report = encoder->params.load(nn::SafeTensors(from.path + "/model.safetensors"),
                                [](const std::string& name) { return name.starts_with("cls."); });
  return encoder;
}

}  // namespace model
