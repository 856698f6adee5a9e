// Training steps and beam search of a translator, as one side of a comparison. tools/bench/README.md says what is
// measured; tools/bench/translate_peer.py is the other side, tools/bench/compare.sh sets them beside each other.
#include <filesystem>

#include "engine/blas.h"
#include "engine/profile.h"
#include "nn/format/json.h"
#include "optim/adamw.h"
#include "optim/clip.h"
#include "tasks/run/console.h"
#include "tasks/text/embedded.h"
#include "tasks/translate/pairs.h"
#include "tasks/translate/translator.h"
#include "tools/bench/clock.h"

namespace {

using namespace engine;
using bench::now;
using bench::peak_rss;
using bench::processor_seconds;
using nn::json;
using nn::ordered_json;
using translate::Batch;

constexpr real kSmoothing = real(0.1);

// DIR/config.json, model.safetensors, and work.json:
//   {"train": [{"source": [[...]], "target": [[...]]}], "sources": [[...]]}     ids, each sequence with its end
void prepare(run::Options& options, const run::Parse& parse) {
  std::string model, source, target, out;
  long batches = 4, tokens = 2048, sentences = 1000;
  options.add("--model", model, "a translator's directory, or its run's").required();
  options.add("--source", source, "texts, one a line; without them the embedded phrases");
  options.add("--target", target, "their translations");
  options.add("--out", out, "directory for the model and the work").required();
  options.add("--batches", batches, "of training").between(1, 1000);
  options.add("--batch-size", tokens, "target pieces of each").between(1, 1e6);
  options.add("--sentences", sentences, "that are translated, at most").between(1, 1e6);
  parse();
  const translate::Translator translator = translate::Translator::load(model);
  const translate::Texts texts = source.empty() ? translate::pairs_of(text::embedded_phrases(), "embedded")
                                                : translate::read_pairs(source, target);
  long skipped = 0;
  const auto pairs = encode(texts, translator.pieces, translator.model->config.max_position_embeddings, &skipped);
  translate::Batches epoch(pairs, {.start = int(translator.model->config.decoder_start_token_id), .tokens = tokens});
  ordered_json train = ordered_json::array(), sources = ordered_json::array();
  for (long b = 0; b < std::min(batches, epoch.steps_per_epoch()); ++b) {
    ordered_json batch;
    const std::vector<Batch> parts = epoch.parts_at(b);
    for (const int i : parts[0].texts) {
      batch["source"].push_back(translator.pieces.source(texts.source[i]));
      batch["target"].push_back(translator.pieces.target(texts.target[i]));
    }
    train.push_back(batch);
  }
  const long count = std::min(sentences, long(pairs.size()));
  for (long i = 0; i < count; ++i) sources.push_back(pairs[i * long(pairs.size()) / count].source);  // from all over
  std::filesystem::create_directories(out);
  nn::save_translation(*translator.model, out);
  nn::write_file(out + "/work.json", ordered_json{{"train", train}, {"sources", sources}}.dump() + "\n");
}

std::vector<Batch> batches_of(const json& work, int start) {
  std::vector<Batch> batches;
  for (const json& batch : work.at("train")) {
    std::vector<translate::Pair> pairs;
    std::vector<const translate::Pair*> all;
    for (size_t i = 0; i < batch.at("source").size(); ++i)
      pairs.push_back({batch.at("source")[i].get<std::vector<int>>(), batch.at("target")[i].get<std::vector<int>>()});
    for (const translate::Pair& pair : pairs) all.push_back(&pair);
    batches.push_back(translate::batch_of(all, start));
  }
  return batches;
}

// A step as `translate train` makes it: dropout of the directory's, smoothed cross-entropy, the norm, AdamW.
class Trainer {
 public:
  explicit Trainer(nn::EncoderDecoder& model) : model_(model), adamw_(model.params.trainable()) {}
  void step(const Batch& batch) {
    model_.params.train(step_++);
    backward(loss(batch));
    optim::grad_norm(model_.params.tensors());
    adamw_.step(1e-5, 1);
    model_.params.clear_grads();
  }
  Tensor loss(const Batch& batch) const {
    return cross_entropy(model_(batch.source, batch.input), batch.target, {.label_smoothing = kSmoothing});
  }

 private:
  nn::EncoderDecoder& model_;
  optim::AdamW adamw_;
  long step_ = 0;
};

// The best translation of every source, as tasks/translate/translator.cpp searches, and its score.
std::vector<double> search(const nn::EncoderDecoder& model, const std::vector<std::vector<int>>& sources, int beams,
                           long together) {
  std::vector<int> order(sources.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = int(i);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return sources[a].size() > sources[b].size(); });
  const nn::TranslationConfig& c = model.config;
  nn::SearchOptions how{.beams = beams};
  for (const long id : c.forbidden) how.forbidden.push_back(int(id));
  std::vector<double> scores(sources.size());
  for (size_t first = 0, next; first < order.size(); first = next) {
    std::vector<const std::vector<int>*> batch;
    std::vector<nn::Asked> asked;
    long tokens = 0;
    for (next = first; next < order.size() && long(next - first) < together && (next == first || tokens < 4000);
         ++next) {
      batch.push_back(&sources[order[next]]);
      tokens += long(batch.back()->size());
      asked.push_back({std::min(c.max_position_embeddings - 1, 3 * long(batch.back()->size()) + 10)});
    }
    nn::Decoding decoding(model, translate::packed(batch));
    const auto found =
        nn::search([&](const nn::Indices& ids, const nn::Indices& parents) { return decoding.step(ids, parents); },
                   asked, int(c.decoder_start_token_id), int(c.eos_token_id), how);
    for (size_t i = first; i < next; ++i) scores[order[i]] = found[i - first][0].score;
  }
  return scores;
}

// A directory in the form and of the size of opus-mt's, with random weights: pieces of the embedded phrases, the others
// with names that no text has.
void draw(run::Options& options, const run::Parse& parse) {
  std::string out;
  options.add("--out", out, "directory for the model").required();
  parse();
  constexpr long kPieces = 58101;
  const translate::Texts phrases = translate::pairs_of(text::embedded_phrases(), "embedded");
  const translate::Pieces pieces = translate::Pieces::learn(phrases.target, {"unigram", 2000});
  nn::TranslationConfig c;
  c.vocab_size = kPieces;
  c.d_model = 512;
  c.encoder_layers = c.decoder_layers = 6;
  c.encoder_attention_heads = c.decoder_attention_heads = 8;
  c.encoder_ffn_dim = c.decoder_ffn_dim = 2048;
  c.activation_function = "silu";
  c.max_position_embeddings = c.max_length = 512;
  c.eos_token_id = 0;
  c.pad_token_id = c.decoder_start_token_id = kPieces - 1;
  c.forbidden = {kPieces - 1};
  c.num_beams = 6;
  nn::EncoderDecoder model(c, 1);
  model.params.initialise();
  std::filesystem::create_directories(out);
  pieces.save(out);
  nn::save_translation(model, out);
  ordered_json vocabulary = ordered_json::object();
  for (long i = 0; i + 1 < pieces.size(); ++i) vocabulary[pieces.piece(int(i))] = i;
  for (long i = pieces.size() - 1; i + 1 < kPieces; ++i) vocabulary[fmt::format("none{}", i)] = i;
  vocabulary[pieces.piece(pieces.padding())] = kPieces - 1;
  nn::write_file(out + "/vocab.json", vocabulary.dump() + "\n");
}

void load(run::Options& options, const run::Parse& parse) {
  std::string directory;
  options.add("--model", directory, "a translator's directory").required();
  parse();
  const double start = now(), start_processor = processor_seconds();
  const translate::Translator translator = translate::Translator::load(directory);
  const double loaded = now(), loaded_processor = processor_seconds();
  translate::DecodeOptions how;
  how.max_length = 12;
  const auto found = translator.translate({"Wo ist der Bahnhof, bitte?"}, how);
  fmt::print(
      "result task=load parameters={} load_seconds={:.2f} load_processor_seconds={:.2f} pieces={} "
      "sentence_seconds={:.2f} sentence_processor_seconds={:.2f} peak_mib={}\n",
      translator.model->params.count(), loaded - start, loaded_processor - start_processor, found[0][0].ids.size(),
      now() - loaded, processor_seconds() - loaded_processor, peak_rss() >> 20);
}

// The side of attune in a comparison: bench::answer().
void serve(run::Options& options, const run::Parse& parse) {
  std::string what, directory, weights;
  long sentences = 1000, together = 1000;
  int beams = 5;
  options.add("what", what, "train or beam").required().one_of({"train", "beam"});
  options.add("--work", directory, "directory that `prepare` made").required();
  options.add("--model", weights, "the same model in another directory, as int8; default: the work's");
  options.add("--sentences", sentences, "that are translated").between(1, 1e6);
  options.add("--together", together, "of them at a time, within 4,000 source pieces").between(1, 1e6);
  options.add("--beams", beams, "of the search").between(1, 100);
  parse();
  const auto model = nn::load_translation(weights.empty() ? directory : weights);
  if (what == "beam") model->pack();  // as tasks/translate does
  const json work = nn::read_json(directory + "/work.json");
  const std::vector<Batch> batches = batches_of(work, int(model->config.decoder_start_token_id));
  auto sources = work.at("sources").get<std::vector<std::vector<int>>>();
  sources.resize(std::min(sources.size(), size_t(sentences)));
  Trainer trainer(*model);
  ordered_json ready{{"ready", true}, {"setup", blas_description()}};
  const auto pass = [&] {
    if (what == "beam") return void(search(*model, sources, beams, together));
    for (const Batch& batch : batches) trainer.step(batch);
  };
  if (what == "train") {
    const NoGrad no_grad;
    ready["loss"] = trainer.loss(batches[0]).item();
  } else {
    std::vector<double> scores = search(*model, sources, beams, together);
    scores.resize(std::min(scores.size(), size_t(20)));
    ready["logits"] = scores;
  }
  profile_end("set-up", Pass::other);
  bench::answer(ready, [&] { return bench::once(pass); });
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(argc, argv, "bench-translate", "Times a translator's training steps and its beam search.",
                      {{"prepare", "write the model and the work that are timed", prepare},
                       {"draw", "write a model of opus-mt's full size with random weights", draw},
                       {"load", "load a translator and translate a sentence: seconds and memory", load},
                       {"serve", "take samples on request: one side of compare.sh", serve}});
}
