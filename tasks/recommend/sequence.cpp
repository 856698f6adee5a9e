// The attention model's formulas. Read tasks/recommend/sequence.h first, nn/model/decoder.h for its layers.
#include "tasks/recommend/sequence.h"

#include <cmath>
#include <numeric>

#include "engine/debug.h"

namespace recommend {

using engine::check;
using engine::Ragged;
using engine::real;
using engine::Shape;
using engine::Transpose;

namespace {

constexpr real kDeviation = 0.05;

// A linear layer without a shift.
nn::Linear projection(nn::Scope at, long inputs, long outputs) {
  return {at.parameter("weight", {outputs, inputs}, {nn::Init::normal, kDeviation}), {}};
}

nn::AttentionForm form_of(const SequenceConfig& c) {
  nn::AttentionForm form;
  form.temperature = real(c.attention_temperature);
  if (c.attention_normaliser == "sparsemax") form.normaliser = nn::Normaliser::sparsemax;
  if (c.attention_normaliser == "entmax15") form.normaliser = nn::Normaliser::entmax15;
  return form;
}

}  // namespace

AdditiveScores::AdditiveScores(nn::Scope at, long C, long width)
    : hidden(at / "hidden", C, width, real(1 / std::sqrt(double(C)))),
      query(at.parameter("query", {1, width}, {nn::Init::normal, real(1 / std::sqrt(double(width)))})) {}

Tensor AdditiveScores::operator()(const Tensor& x) const {
  return matmul(engine::tanh(hidden(x)), query, Transpose::second);  // [N, C] -> [N, width] -> [N, 1]
}

nn::TranslationConfig SequenceModel::layer_config() const {
  nn::TranslationConfig c;
  c.d_model = config.hidden, c.encoder_attention_heads = config.heads, c.encoder_ffn_dim = config.intermediate;
  c.dropout = config.dropout, c.attention_dropout = config.attention_dropout, c.activation_dropout = 0;
  c.activation_function = "gelu", c.normalize_before = true;
  return c;
}

SequenceModel::SequenceModel(const SequenceConfig& c, ItemText item_text, uint64_t seed)
    : config(c),
      params(seed),
      text(std::move(item_text)),
      identity((params.root() / "item").parameter("identity", {c.items, c.hidden}, {nn::Init::normal, kDeviation})),
      bias((params.root() / "item").parameter("bias", {c.items}, {nn::Init::constant, 0})),
      positions(
          (params.root() / "history").parameter("positions", {c.positions, c.hidden}, {nn::Init::normal, kDeviation})),
      last_norm_(params.root() / "history.norm", c.hidden, real(1e-5)),
      dropout_(params.root(), real(c.dropout)) {
  check(c.heads > 0 && c.hidden % c.heads == 0, "--hidden must be a multiple of --heads; got {} and {}", c.hidden,
        c.heads);
  const nn::Scope item = params.root() / "item", history = params.root() / "history";
  if (text.words) words_.push_back(projection(item / "words", text.words.dim(1), c.hidden));
  if (text.mean) mean_.push_back(projection(item / "mean", text.mean.dim(1), c.hidden));
  if (text.tokens) {
    piece_scores_.emplace_back(item / "pieces", text.tokens.dim(1), c.hidden);
    attended_.push_back(projection(item / "attended", text.tokens.dim(1), c.hidden));
  }
  for (long i = 0; i < c.layers; ++i) {
    const nn::Scope at = history / "layers" / std::to_string(i);
    layers.push_back({nn::AttentionPart(at, "self_attn", layer_config(), c.heads),
                      nn::FeedForwardPart(at, layer_config(), c.intermediate)});
    layers.back().self.attention.form = form_of(c);
  }
  if (c.user == "pooled") pool_.emplace_back(history / "pool", c.hidden, c.hidden);
  if (c.user == "candidate")
    candidate_.emplace_back(params.root() / "candidate", c.hidden, c.heads, real(c.attention_dropout), kDeviation,
                            form_of(c));
}

namespace {

// The rows of `kept` with those of some items exchanged.    [I, Ce] -> [I, Ce]
Tensor with_fresh(const Tensor& kept, const FreshTexts* fresh) {
  if (!fresh || fresh->items.empty()) return kept;
  Indices rows(static_cast<size_t>(kept.dim(0)));
  std::iota(rows.begin(), rows.end(), 0);
  for (size_t n = 0; n < fresh->items.size(); ++n) rows[size_t(fresh->items[n])] = int(kept.dim(0) + long(n));
  return gather_rows(engine::concat({kept, fresh->means}, 0), rows);
}

}  // namespace

Tensor SequenceModel::item_vectors(const FreshTexts* fresh, Tensor* of_text) const {
  const nn::Mode& mode = params.mode();
  const bool drops = mode.training && config.identity_dropout > 0 && text.any();
  Tensor v = identity;
  if (drops || !known.empty()) {
    Tensor keep = Tensor::full({config.items, 1}, 1);
    std::vector<uint32_t> draw(static_cast<size_t>(config.items));
    if (drops) engine::Random{mode.seed, engine::Stream::mask, mode.step}.words(0, config.items, draw.data());
    for (size_t i = 0; i < draw.size(); ++i) {
      const bool dropped = drops && text.has[i] && double(draw[i]) < config.identity_dropout * 4294967296.;
      if (dropped || (!known.empty() && !known[i])) keep.data()[i] = 0;
    }
    v = v * keep;  // [I, C]
  }
  Tensor t;
  const auto add = [&](const Tensor& more) { t = t ? t + more : more; };
  if (text.words) add(words_[0](text.words));                  // [I, W] -> [I, C]
  if (text.mean) add(mean_[0](with_fresh(text.mean, fresh)));  // [I, Ce] -> [I, C]
  if (text.tokens) {
    const Tensor a = segment_softmax(piece_scores_[0](text.tokens), text.offsets);  // [M, 1]
    add(attended_[0](segment_attend(a, text.tokens, text.offsets)));                // [I, Ce] -> [I, C]
  }
  if (of_text) *of_text = t;
  return t ? v + t : v;
}

Tensor SequenceModel::user_vectors(const Tensor& v, const nn::Tokens& histories, std::vector<nn::AttentionMaps>* maps,
                                   Tensor* states) const {
  const Ragged layout(histories.offsets, config.heads, true);
  Tensor x = embedding(v, histories.ids) * std::sqrt(real(config.hidden)) + embedding(positions, histories.positions);
  x = dropout_(x);  // [N, C]
  for (const nn::EncoderLayer& layer : layers) {
    nn::AttentionMaps seen;
    x = layer.feed(layer.self(x, layout, maps ? &seen : nullptr));
    if (maps) maps->push_back(std::move(seen));
  }
  x = last_norm_(x);
  if (states) *states = x;
  if (pool_.empty()) return x;
  // A query 1 for every place and the scores as keys: a causal softmax of them.
  const Ragged whole(histories.offsets, 1, true);
  return attention(Tensor::full({x.dim(0), 1}, 1), pool_[0](x), x, whole, 1);  // [N, C]
}

Tensor SequenceModel::candidate_scores(const Tensor& candidates, const Indices& queries, const Tensor& states,
                                       const Indices& offsets, nn::AttentionMaps* maps) const {
  check(by_candidate(), "candidate_scores: the model is made with --user {}", config.user);
  const Ragged layout(queries, offsets, config.heads);
  return sum(candidates * candidate_[0](candidates, states, layout, maps), 1);  // [Q, C] -> [Q]
}

nn::Tokens packed(const std::vector<Items>& histories, long most) {
  nn::Tokens tokens;
  tokens.offsets = {0};
  for (const Items& history : histories) {
    const Items read = history.last(std::min(history.size(), size_t(most)));
    tokens.ids.insert(tokens.ids.end(), read.begin(), read.end());
    for (size_t p = 0; p < read.size(); ++p) tokens.positions.push_back(int(p));
    tokens.offsets.push_back(int(tokens.ids.size()));
  }
  return tokens;
}

namespace {

// The last row of each sequence.
Indices last_rows(const Indices& offsets) {
  Indices rows;
  for (size_t b = 1; b < offsets.size(); ++b) rows.push_back(offsets[b] - 1);
  return rows;
}

}  // namespace

Tensor SequenceModel::whole_bias() const {
  Tensor all = bias.clone();
  double sum = 0, count = 0;
  for (size_t i = 0; i < known.size(); ++i)
    if (known[i]) sum += double(bias.data()[i]), ++count;
  for (size_t i = 0; i < known.size(); ++i)
    if (!known[i]) all.data()[i] = real(sum / std::max(1., count));
  return all;
}

void SequenceModel::score(const Tensor& v, const std::vector<Items>& histories, std::span<double> to) const {
  const engine::NoGrad no_grad;
  const long I = config.items;
  const std::vector<real> all_bias = whole_bias().to_vector();
  for (size_t b = 0; b < histories.size(); ++b) std::ranges::copy(all_bias, to.begin() + long(b) * I);
  for (size_t begin = 0; begin < histories.size(); begin += 64) {
    std::vector<Items> some;
    std::vector<size_t> rows;
    for (size_t b = begin; b < std::min(histories.size(), begin + 64); ++b)
      if (!histories[b].empty()) some.push_back(histories[b]), rows.push_back(b);
    if (some.empty()) continue;
    const nn::Tokens tokens = packed(some, config.positions);
    Tensor states;
    const Tensor users = gather_rows(user_vectors(v, tokens, nullptr, &states), last_rows(tokens.offsets));  // [B, C]
    const Tensor all = matmul(users, v, Transpose::second);                                                  // [B, I]
    check(engine::all_finite(all.data(), all.numel()), "recommend: the model's scores hold a NaN or infinity");
    for (size_t b = 0; b < rows.size(); ++b) {
      Tensor own;
      if (by_candidate()) {
        const Tensor h = slice(states, 0, tokens.offsets[b], tokens.offsets[b + 1]);
        own = candidate_scores(v, {0, int(I)}, h, {0, int(h.dim(0))});
      }
      for (long i = 0; i < I; ++i)
        to[rows[b] * size_t(I) + size_t(i)] += double(all.data()[long(b) * I + i]) + (own ? double(own.data()[i]) : 0);
    }
  }
}

namespace {

// sum over heads of p_h(row, j) times the dot product of head h's columns of `along` and of value j.
void add_handed_over(const nn::AttentionMaps& maps, long row, const real* along, std::vector<double>& to) {
  const long H = maps.layout.heads, K = maps.layout.key_count(0), C = maps.v.dim(1), D = C / H;
  for (long j = 0; j < K; ++j)
    for (long h = 0; h < H; ++h) {
      const real* value = maps.v.data() + j * C + h * D;
      const double dot = std::inner_product(value, value + D, along + h * D, 0.);
      to[size_t(j)] += double(maps.probs.data()[maps.layout.block(0, h) + row * K + j]) * dot;
    }
}

}  // namespace

// last        with d = g - mean(g), g = gamma v_i (the last norm, its division left out), W the output projection and p
//             the last layer's probabilities of the last place:   c_ij = sum_h p_h(T, j) (W^T d)_h . value_jh
// pooled      c_ij = b_j v_i . h_j
// candidate   as last, and   sum_h softmax_j(...)_h v_ih . (V h_j)_h   of its own attention
std::vector<std::vector<double>> SequenceModel::reasons(const Tensor& v, Items history,
                                                        const std::vector<int>& items) const {
  const engine::NoGrad no_grad;
  const nn::Tokens tokens = packed({history}, config.positions);
  const long T = tokens.count(), C = config.hidden;
  std::vector<std::vector<double>> all(items.size(), std::vector<double>(size_t(T), 0));
  if (T == 0) return all;
  std::vector<nn::AttentionMaps> maps;
  Tensor states;
  user_vectors(v, tokens, &maps, &states);
  const Tensor asked = gather_rows(v, Indices(items.begin(), items.end()));  // [n, C]
  if (!pool_.empty()) {
    const Tensor b = segment_softmax(pool_[0](states), tokens.offsets);  // [T, 1]
    const Tensor dots = matmul(asked, states, Transpose::second);        // [n, T]
    for (size_t i = 0; i < items.size(); ++i)
      for (long j = 0; j < T; ++j) all[i][size_t(j)] = double(b.data()[j]) * double(dots.data()[long(i) * T + j]);
    return all;
  }
  if (!layers.empty()) {
    const Tensor g = asked * last_norm_.weight;                         // [n, C]
    const Tensor d = g - reshape(mean(g, 1), {long(items.size()), 1});  // [n, C]
    const Tensor along = matmul(d, layers.back().self.out.weight);      // [n, C]
    for (size_t i = 0; i < items.size(); ++i) add_handed_over(maps.back(), T - 1, along.data() + long(i) * C, all[i]);
  }
  if (by_candidate()) {
    nn::AttentionMaps own;
    candidate_scores(asked, {0, int(items.size())}, states, tokens.offsets, &own);
    for (size_t i = 0; i < items.size(); ++i) add_handed_over(own, long(i), asked.data() + long(i) * C, all[i]);
  }
  return all;
}

}  // namespace recommend
