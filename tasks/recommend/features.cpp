// Texts of items as numbers. Read tasks/model/embed.h first: what an encoder says of a text.
#include "tasks/recommend/features.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/parallel.h"
#include "tasks/model/directory.h"
#include "tasks/model/shipped.h"
#include "tasks/run/arguments.h"
#include "tasks/run/console.h"
#include "tasks/text/batches.h"

namespace recommend {

using engine::check;
using engine::real;
using engine::Tensor;

void TextOptions::declare(run::Options& options) {
  const char* group = "Texts of items";
  options.add("--text", text, "what an item's text adds to its vector: of words, mean, attention; or none")
      .group(group)
      .check([](const std::string& value) -> std::string {
        for (const std::string& part : engine::split(value, ','))
          if (part != "words" && part != "mean" && part != "attention" && part != "none")
            return "must be of words, mean, attention; or none; got '" + engine::shown(part) + "'";
        return "";
      });
  options.add("--text-encoder", encoder, "whose states mean and attention take: a shipped one or a directory")
      .group(group);
  options.add("--text-words", words, "words at most, the most frequent ones").group(group).between(1, 1e6);
  options
      .add("--text-training", training, "what of the encoder learns: none, adapters (LoRA), all; with mean in --text")
      .group(group)
      .one_of({"none", "adapters", "all"});
  options.add("--text-batch", texts, "items of a batch that the encoder reads again, where it learns")
      .group(group)
      .between(1, 1e5);
  options.add("--text-rate", rate, "share of --lr for the encoder").group(group).between(0, 1e6);
  options.add("--text-length", length, "pieces of an item that the encoder reads").group(group).between(3, 512);
}

bool TextOptions::has(const std::string& part) const {
  const std::vector<std::string> parts = engine::split(text, ',');
  return std::find(parts.begin(), parts.end(), part) != parts.end();
}

// An encoder with a head without parameters: the encoder is what is wanted.
std::unique_ptr<model::TextModel> text_encoder(const TextOptions& o) {
  spec::TaskSpec states;
  states.head = nn::Predicts::vector, states.reads = nn::Reads::mean;
  const run::Quiet quiet;
  auto encoder = model::load_to_train(model::ModelDirectory(model::model_at(o.encoder)), {states}, 0);
  encoder->net.params.eval();
  return encoder;
}

text::EncodedSet texts_of(const std::vector<Item>& items, const model::TextModel& encoder, const TextOptions& o) {
  std::vector<text::Example> examples;
  for (const Item& item : items) examples.push_back({.text = item.words()});
  return text::encode(examples, encoder.tokenizer, int(o.length));
}

namespace {

// The columns with the most rows, at most `most`, as a dense matrix.    -> [I, W]
Tensor dense(const SparseRows& rows, long most) {
  const long width = width_of(rows), W = std::min(most, width);
  std::vector<long> count(size_t(width), 0);
  for (const int column : rows.column) ++count[size_t(column)];
  std::vector<int> order(static_cast<size_t>(width)), place(size_t(width), -1);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return count[size_t(a)] > count[size_t(b)]; });
  for (long w = 0; w < W; ++w) place[size_t(order[size_t(w)])] = int(w);
  Tensor all = Tensor::zeros({rows.rows(), std::max(1L, W)});
  for (long i = 0; i < rows.rows(); ++i)
    for (long k = rows.begin[size_t(i)]; k < rows.begin[size_t(i) + 1]; ++k)
      if (const int w = place[size_t(rows.column[size_t(k)])]; w >= 0)
        all.data()[i * all.dim(1) + w] = rows.value[size_t(k)];
  return all;
}

void make_unit(Tensor& rows) {
  const long C = rows.dim(1);
  engine::parallel_rows(rows.dim(0), C, [&](long r) {
    real* x = rows.data() + r * C;
    const double square = std::inner_product(x, x + C, x, 0.);
    for (long c = 0; square > 0 && c < C; ++c) x[c] = real(double(x[c]) / std::sqrt(square));
  });
}

void take_states(const std::vector<Item>& items, const TextOptions& o, ItemText& to) {
  const engine::NoGrad no_grad;
  const auto encoder = text_encoder(o);
  const text::EncodedSet set = texts_of(items, *encoder, o);
  std::vector<Tensor> tokens, means;
  to.offsets = {0};
  for (const text::Batch& batch : text::in_order(set, 64)) {
    const nn::Encoded x = encoder->net.encoder(batch.tokens, {nn::Rows::all});  // [N] -> [N, Ce]
    if (o.has("mean")) means.push_back(nn::mean_pool(x.tokens, x.offsets));
    if (!o.has("attention")) continue;
    for (size_t b = 1; b < x.offsets.size(); ++b)
      to.offsets.push_back(to.offsets.back() + x.offsets[b] - x.offsets[b - 1]);
    tokens.push_back(x.tokens);
  }
  if (o.has("mean")) make_unit(to.mean = engine::concat(means, 0));
  if (o.has("attention")) make_unit(to.tokens = engine::concat(tokens, 0));
}

}  // namespace

ItemText item_text(const std::vector<Item>& items, const TextOptions& o) {
  ItemText all;
  for (const Item& item : items) all.has.push_back(!text::is_blank(item.words()));
  if (o.has("none") || std::count(all.has.begin(), all.has.end(), 1) == 0) return all;
  if (o.has("words")) all.words = dense(word_vectors(items), o.words);
  if (o.has("mean") || o.has("attention")) take_states(items, o, all);
  return all;
}

}  // namespace recommend
