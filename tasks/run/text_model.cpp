// A model directory, from disk to predictions and back. Read nn/heads.h and tasks/text/batches.h first.
#include "tasks/run/text_model.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "engine/debug.h"
#include "engine/profile.h"
#include "tasks/run/program.h"
#include "tasks/text/subwords.h"
#include "tasks/text/tokenizer_files.h"

namespace run {

using engine::check;
using engine::Tensor;

namespace {

std::string model_path(const std::string& directory) {
  namespace fs = std::filesystem;
  check(fs::exists(directory), "{}: no such directory", directory);
  check(fs::is_directory(directory),
        "{}: is a file; a model is a directory with config.json, model.safetensors and vocab.txt", directory);
  return fs::exists(directory + "/best/config.json") ? directory + "/best" : directory;
}

text::WordPiece tokenizer_of(const std::string& directory) {
  text::LoadedTokenizer loaded = text::load_tokenizer(directory);
  for (const std::string& warning : loaded.warnings) print_note("warning: {}\n", warning);
  return std::move(loaded.tokenizer);
}

// -log p(label), or of classes that do not exclude each other the mean of each one's binary cross-entropy, the label's
// target 1 and the others' 0.
double loss_of(const Tensor& logits, const std::vector<int>& labels, bool multi_label) {
  if (!multi_label) return double(engine::cross_entropy(logits, labels, {{}, 0, -1}).item());
  const long K = logits.dim(1);
  double sum = 0;
  long known = 0;
  for (long b = 0; b < logits.dim(0); ++b) {
    if (labels[b] < 0) continue;
    ++known;
    for (long k = 0; k < K; ++k) {
      const double z = logits.data()[b * K + k];
      sum += std::max(z, 0.) + std::log1p(std::exp(-std::abs(z))) - (k == labels[b] ? z : 0);
    }
  }
  return sum / double(known * K);
}

}  // namespace

TextModel::TextModel(nn::Config c, text::WordPiece t, uint64_t seed)
    : config(std::move(c)),
      tokenizer(std::move(t)),
      params(seed),
      classifier(params.root(), config, text::subword_rows(tokenizer.pieces(), config.subword_buckets)) {
  config.architecture.clear();  // whatever it was read from, this is a classifier
}

void TextModel::save(const std::string& directory, int max_length) const {
  nn::save_pretrained(params, config, directory);
  if (!std::filesystem::exists(directory + "/vocab.txt")) text::save_tokenizer(tokenizer, directory, max_length);
}

ModelDirectory::ModelDirectory(const std::string& directory)
    : path(model_path(directory)), config(nn::read_config(path + "/config.json")), tokenizer(tokenizer_of(path)) {}

std::unique_ptr<TextModel> load_to_fine_tune(const ModelDirectory& from, uint64_t seed, nn::Params::LoadReport& report,
                                             nn::Head head) {
  check(from.tokenizer.vocab_size() <= from.config.vocab_size,
        "{}: the vocabulary has {} pieces, the model {} embeddings", from.path, from.tokenizer.vocab_size(),
        from.config.vocab_size);
  const std::string where = from.path + "/config.json";
  if (head == nn::Head::kept) from.config.check_classifies(where);
  auto model = std::make_unique<TextModel>(from.config, from.tokenizer, seed);
  report = nn::load_pretrained(model->params, from.path, head);
  return model;
}

std::unique_ptr<TextModel> load_model(const ModelDirectory& from) {
  check(from.config.problem() != nn::Config::Problem::regression,
        "{}/config.json: problem_type: a regression ({} label(s)) gives a number; a classifier of texts is needed",
        from.path, from.config.labels.size());
  nn::Params::LoadReport report;
  auto model = load_to_fine_tune(from, 0, report);
  check(report.initialised.empty(), "{}/model.safetensors: '{}' is missing: an encoder without a trained classifier",
        from.path, report.initialised.empty() ? "" : report.initialised[0]);
  return model;
}

std::vector<int> Predictions::best() const {
  std::vector<int> best;
  for (const auto& p : probabilities) best.push_back(int(std::max_element(p.begin(), p.end()) - p.begin()));
  return best;
}

Predictions predict(TextModel& model, const text::EncodedSet& set, int batch_size,
                    const std::function<void(long)>& progress) {
  engine::profile_end("set-up", engine::Pass::other);
  const engine::NoGrad no_grad;
  model.params.eval();
  const bool multi_label = model.config.problem() == nn::Config::Problem::multi_label;
  Predictions result;
  long labelled = 0;
  for (const text::Batch& batch : text::in_order(set, batch_size)) {
    const Tensor logits = mean_over_windows(model.classifier(batch.tokens), batch);  // [B, K]
    check(engine::all_finite(logits.data(), logits.numel()), "the model's logits hold a NaN or infinity");
    const Tensor p = multi_label ? engine::sigmoid(logits) : engine::softmax(logits);  // [B, K]
    const long K = p.dim(1);
    for (long b = 0; b < p.dim(0); ++b) result.probabilities.emplace_back(p.data() + b * K, p.data() + (b + 1) * K);
    const long known = std::count_if(batch.labels.begin(), batch.labels.end(), [](int label) { return label >= 0; });
    if (known) result.loss += double(known) * loss_of(logits, batch.labels, multi_label);
    labelled += known;
    if (progress) progress(long(result.probabilities.size()));
  }
  if (labelled) result.loss /= double(labelled);
  return result;
}

}  // namespace run
