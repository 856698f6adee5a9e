// ELECTRA's generator, its samples and the head of its discriminator. Read nn/model/heads.h first.
#include "nn/model/replaced_tokens.h"

#include <algorithm>
#include <cmath>

#include "engine/parallel.h"

namespace nn {

Config generator_config(const Config& encoder, double size) {
  check(size > 0 && size <= 1, "a generator's size must be in (0, 1], of its encoder; got {}", size);
  Config c = encoder;
  c.num_attention_heads = std::max(1L, std::lround(size * double(encoder.hidden_size) / 64));
  const long head = std::max(1L, std::lround(size * double(encoder.hidden_size) / double(c.num_attention_heads)));
  c.hidden_size = head * c.num_attention_heads;
  c.intermediate_size = std::max(1L, std::lround(size * double(encoder.intermediate_size)));
  c.intermediate_sizes.clear();
  c.pruned_heads.clear();
  return c;
}

Generator::Generator(Scope at, const BertEmbeddings& shared, const Config& encoder, double size)
    : embeddings(&shared),
      project(at / "embeddings_project", encoder.hidden_size, generator_config(encoder, size).hidden_size,
              encoder.initializer_range),
      dense(at / "predictions.transform.dense", generator_config(encoder, size).hidden_size, encoder.hidden_size,
            encoder.initializer_range),
      norm(at / "predictions.transform.LayerNorm", encoder.hidden_size, encoder.layer_norm_eps),
      decoder(shared.word.weight, (at / "predictions").parameter("bias", {encoder.vocab_size}, {Init::constant, 0})) {
  const Config c = generator_config(encoder, size);
  for (long i = 0; i < c.num_hidden_layers; ++i) layers.emplace_back(at / "layer" / std::to_string(i), c, i);
}

Tensor Generator::operator()(const Tokens& tokens, const Indices& rows) const {
  Tensor x = project((*embeddings)(tokens));  // [N, C] -> [N, G]
  for (size_t i = 0; i + 1 < layers.size(); ++i) {
    const Ragged layout(tokens.offsets, layers[i].attention.heads);
    x = layers[i].feed(layers[i].attend(x, x, layout));  // [N, G]
  }
  x = layers.empty() ? gather_rows(x, rows) : layer_at_rows(layers.back(), x, tokens.offsets, rows);  // [M, G]
  return decoder(norm(gelu(dense(x))));                                                               // [M, V]
}

ReplacedTokenHead::ReplacedTokenHead(Scope at, const Config& c)
    : dense(at / "dense", c.hidden_size, c.hidden_size, c.initializer_range),
      prediction(at / "dense_prediction", c.hidden_size, 1, c.initializer_range) {}

Tensor ReplacedTokenHead::operator()(const Tensor& hidden) const {
  return reshape(prediction(gelu(dense(hidden))), {hidden.dim(0)});  // [N, C] -> [N, 1] -> [N]
}

Indices sample_rows(const Tensor& logits, const Random& random) {
  check(logits.shape().rank() == 2 && logits.dim(1) > 0, "sample_rows: logits must be [M, V]; got {}", logits);
  const long M = logits.dim(0), V = logits.dim(1);
  std::vector<uint32_t> words(M);
  random.words(0, M, words.data());
  Indices samples(M);
  parallel_rows(M, V, [&](long i) {
    const real* row = logits.data() + i * V;
    const real top = *std::max_element(row, row + V);
    thread_local std::vector<real> p;
    p.resize(V);
    for (long k = 0; k < V; ++k) p[k] = std::exp(row[k] - top);
    double sum = 0;
    for (long k = 0; k < V; ++k) sum += double(p[k]);
    double left = double(words[i]) * 0x1p-32 * sum;
    long k = 0;
    while (k + 1 < V && left >= double(p[k])) left -= double(p[k++]);
    samples[i] = int(k);
  });
  return samples;
}

Replaced replace_tokens(Tokens masked, const Indices& rows, const Indices& targets, const Indices& samples) {
  check(rows.size() == targets.size() && rows.size() == samples.size(),
        "replace_tokens: rows, targets and samples must be equally many; got {}, {} and {}", rows.size(),
        targets.size(), samples.size());
  Replaced result{std::move(masked), {}, 0};
  result.labels = Tensor::zeros({result.tokens.count()});
  for (size_t i = 0; i < rows.size(); ++i) {
    result.tokens.ids[rows[i]] = samples[i];
    if (samples[i] == targets[i]) continue;
    result.labels.data()[rows[i]] = 1;
    ++result.count;
  }
  return result;
}

}  // namespace nn
