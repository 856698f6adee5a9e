// Attention maps to figures. Read nn/attention.h, AttentionMaps, and engine/ragged.h first.
#include "tasks/attribution/attention.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace attribution {

using engine::real;
using nn::ordered_json;

namespace {

// One head of one sequence: a block of rows that sum to 1.
struct Block {
  const real* p;
  long queries, keys;
  real at(long q, long k) const { return p[q * keys + k]; }
};

Block block(const nn::AttentionMaps& maps, long b, long h) {
  return {maps.probs.data() + maps.layout.block(b, h), maps.layout.query_count(b), maps.layout.key_count(b)};
}

// The mean over the queries of f(q).
template <class F>
double over_queries(const Block& head, F f) {
  double sum = 0;
  for (long q = 0; q < head.queries; ++q) sum += f(q);
  return sum / double(head.queries);
}

template <class F>
double over_pairs(const Block& head, F f) {
  return over_queries(head, [&](long q) {
    double sum = 0;
    for (long k = 0; k < head.keys; ++k) sum += f(q, k);
    return sum;
  });
}

// A token of a sequence that is a key of a layer: where it stands, and whether it is [CLS] or [SEP].
struct Key {
  long position;
  bool special;
};

HeadFigures figures(const nn::AttentionMaps& maps, long b, long h, const std::vector<Key>& keys) {
  const Block head = block(maps, b, h);
  HeadFigures f;
  f.entropy = over_pairs(head, [&](long q, long k) {
    const double p = head.at(q, k);
    return p > 0 ? -p * std::log(p) : 0;
  });
  f.distance = over_pairs(
      head, [&](long q, long k) { return head.at(q, k) * double(std::abs(keys[q].position - keys[k].position)); });
  f.special = over_pairs(head, [&](long q, long k) { return keys[k].special ? head.at(q, k) : 0; });
  for (long g = 0; g < maps.layout.heads; ++g) {
    if (g == h) continue;
    const Block other = block(maps, b, g);
    f.agreement += over_pairs(head, [&](long q, long k) { return std::min(head.at(q, k), other.at(q, k)); });
  }
  if (maps.layout.heads > 1) f.agreement /= double(maps.layout.heads - 1);
  return f;
}

void add(HeadFigures& to, const HeadFigures& f, double weight) {
  to.entropy += weight * f.entropy;
  to.distance += weight * f.distance;
  to.special += weight * f.special;
  to.agreement += weight * f.agreement;
}

ordered_json to_json(const HeadFigures& f) {
  return {{"entropy", f.entropy}, {"distance", f.distance}, {"special", f.special}, {"agreement", f.agreement}};
}

// Six digits behind the point: nobody reads more, and they are half of a large file.
ordered_json rows_of(const real* values, long rows, long columns) {
  ordered_json all = ordered_json::array();
  for (long r = 0; r < rows; ++r) {
    ordered_json row = ordered_json::array();
    for (long c = 0; c < columns; ++c) row.push_back(std::round(double(values[r * columns + c]) * 1e6) / 1e6);
    all.push_back(std::move(row));
  }
  return all;
}

nn::Trace look(const model::TextModel& model, const text::Batch& batch) {
  const engine::NoGrad no_grad;
  nn::Trace trace;
  const nn::Encoded x = model.net.encode(batch.tokens, &trace);
  for (const nn::Head& head : model.net.heads)
    if (head.pool) head(x, &trace);
  return trace;
}

text::Batch batch_of(const text::Encoding& encoding) {
  text::EncodedSet set;
  set.windows = {encoding};
  set.begin = {0, 1};
  set.labels = {-1};
  return text::pack(set, {0});
}

// The keys of a sequence in a layer: all its tokens, or those that token pruning has left there.
std::vector<Key> keys_of(const model::TextModel& model, const text::Batch& batch, const nn::AttentionMaps& maps,
                         long b) {
  std::vector<Key> keys;
  for (int k = maps.layout.keys[b]; k < maps.layout.keys[b + 1]; ++k) {
    const int row = maps.rows.empty() ? k : maps.rows[k], id = batch.tokens.ids[row];
    keys.push_back({row - batch.tokens.offsets[b], id == model.tokenizer.cls_id() || id == model.tokenizer.sep_id()});
  }
  return keys;
}

}  // namespace

std::vector<AttentionMap> attention_maps(const model::TextModel& model, const text::Encoding& text) {
  const long T = long(text.ids.size());
  std::vector<AttentionMap> all;
  for (const nn::AttentionMaps& maps : look(model, batch_of(text)).attention) {
    const long Q = maps.layout.query_count(0), K = maps.layout.key_count(0);
    const bool own_query = Q != K || !maps.q;
    AttentionMap& map = all.emplace_back(AttentionMap{maps.layout.heads, own_query ? 1 : T, T, {}});
    map.p.resize(size_t(map.heads * map.queries * T));
    const auto token = [&](long k) { return maps.rows.empty() ? k : long(maps.rows[k]); };
    for (long h = 0; h < map.heads; ++h)
      for (long q = 0; q < Q; ++q)
        for (long k = 0; k < K; ++k)
          map.p[(h * map.queries + (own_query ? 0 : token(q))) * T + token(k)] = block(maps, 0, h).at(q, k);
  }
  return all;
}

AttentionMap over_words(const AttentionMap& map, const std::vector<int>& words) {
  engine::check(long(words.size()) == map.keys, "over_words: a word for every token; got {} for {}", words.size(),
                map.keys);
  const long W = words.empty() ? 0 : words.back() + 1;
  std::vector<long> tokens(W);  // of each word
  for (const int word : words) ++tokens[word];
  const bool own_query = map.queries != map.keys;
  AttentionMap over{map.heads, own_query ? 1 : W, W, {}};
  std::vector<double> p(size_t(over.heads * over.queries * W));
  for (long h = 0; h < map.heads; ++h)
    for (long q = 0; q < map.queries; ++q)
      for (long k = 0; k < map.keys; ++k)
        p[(h * over.queries + (own_query ? 0 : words[q])) * W + words[k]] +=
            double(map.p[(h * map.queries + q) * map.keys + k]) / double(own_query ? 1 : tokens[words[q]]);
  over.p.assign(p.begin(), p.end());
  return over;
}

Analysis::Analysis(const model::TextModel& model, const text::EncodedSet& set,
                   const std::function<void(long)>& progress) {
  constexpr int kTexts = 16;  // at a time: the maps of all layers are kept
  long done = 0, sequences = 0;
  for (const text::Batch& batch : text::in_order(set, kTexts)) {
    const nn::Trace trace = look(model, batch);
    heads_.resize(trace.attention.size());
    for (size_t l = 0; l < heads_.size(); ++l) heads_[l].resize(trace.attention[l].layout.heads);
    for (long b = 0; b < batch.tokens.sequences(); ++b)
      for (size_t l = 0; l < heads_.size(); ++l) {
        const std::vector<Key> keys = keys_of(model, batch, trace.attention[l], b);
        for (size_t h = 0; h < heads_[l].size(); ++h)
          add(heads_[l][h], figures(trace.attention[l], b, long(h), keys), 1);
      }
    sequences += batch.tokens.sequences();
    done += long(batch.rows.size());
    if (progress) progress(done);
  }
  engine::check(sequences > 0, "analyze: there is no text to look at");
  for (auto& layer : heads_)
    for (HeadFigures& head : layer) {
      const HeadFigures sum = head;
      head = {};
      add(head, sum, 1 / double(sequences));
    }
}

HeadFigures Analysis::mean() const {
  HeadFigures mean;
  for (const auto& layer : heads_)
    for (const HeadFigures& head : layer) add(mean, head, 1 / double(layer.size() * heads_.size()));
  return mean;
}

std::string Analysis::table() const {
  std::string text = "layer  head  entropy  distance  [CLS]+[SEP]  agreement\n";
  const auto line = [&](const std::string& layer, const std::string& head, const HeadFigures& f) {
    text += fmt::format("{:>5}  {:>4}  {:>7.3f}  {:>8.2f}  {:>10.1f}%  {:>9.3f}\n", layer, head, f.entropy, f.distance,
                        100 * f.special, f.agreement);
  };
  for (size_t l = 0; l < heads_.size(); ++l)
    for (size_t h = 0; h < heads_[l].size(); ++h) line(std::to_string(l), std::to_string(h), heads_[l][h]);
  line("mean", "", mean());
  return text;
}

ordered_json Analysis::of_text(const model::TextModel& model, const text::Encoding& encoding) {
  const text::Batch batch = batch_of(encoding);
  const nn::Trace trace = look(model, batch);
  ordered_json result;
  for (int id : encoding.ids) result["tokens"].push_back(model.tokenizer.piece(id));
  for (const nn::AttentionMaps& maps : trace.attention) {
    const std::vector<Key> keys = keys_of(model, batch, maps, 0);
    ordered_json heads = ordered_json::array();
    for (long h = 0; h < maps.layout.heads; ++h) {
      ordered_json head = to_json(figures(maps, 0, h, keys));
      const long Q = maps.layout.query_count(0), K = maps.layout.key_count(0), at = maps.layout.block(0, h);
      head["scores"] = rows_of(maps.scores.data() + at, Q, K);
      head["probabilities"] = rows_of(maps.probs.data() + at, Q, K);
      heads.push_back(head);
    }
    ordered_json layer;
    if (!maps.rows.empty()) layer["tokens"] = maps.rows;  // those that are left
    layer["heads"] = heads;
    result["layers"].push_back(layer);
  }
  return result;
}

}  // namespace attribution
