// Encoders in and out of directories. Read tasks/run/text_model.cpp first: the same for classifiers.
#include "tasks/run/encoder.h"

#include "tasks/text/tokenizer_files.h"

namespace run {

using engine::check;

namespace {

// Weights of a masked language model that are tied as a rule, and this file does not: they would be lost without a
// word.
void check_tied(const nn::SafeTensors& file, const nn::Config& c) {
  const std::string head = "cls.predictions.";
  const auto same = [&](const std::string& a, const std::string& b) {
    return !file.has(a) || !file.has(b) ||
           (file.entry(a).shape == file.entry(b).shape && file.read(a).to_vector() == file.read(b).to_vector());
  };
  const std::string embeddings = "embeddings.word_embeddings.weight";
  check(
      c.tie_word_embeddings ||
          (same(head + "decoder.weight", "bert." + embeddings) && same(head + "decoder.weight", embeddings)),
      "{}: tie_word_embeddings is false and '{}decoder.weight' is not the word embeddings: a decoder of its own is not "
      "supported",
      file.path(), head);
  check(same(head + "decoder.bias", head + "bias"), "{}: '{}decoder.bias' and '{}bias' differ; they are one",
        file.path(), head, head);
}

}  // namespace

Encoder::Encoder(nn::Config c, text::WordPiece t, uint64_t seed, bool with_masked_lm)
    : config(std::move(c)), tokenizer(std::move(t)), params(seed), bert(params.root() / "bert", config) {
  config.architecture = with_masked_lm ? "BertForMaskedLM" : "BertModel";
  config.labels.clear();
  config.problem_type.clear();
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
  const nn::SafeTensors weights = nn::open_weights(from.path);
  if (with_masked_lm) check_tied(weights, from.config);
  report = encoder->params.load(weights, [](const std::string& name) { return name.starts_with("cls."); });
  return encoder;
}

}  // namespace run
