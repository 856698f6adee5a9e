// From attention maps to one number a token. Read tasks/attribution/attention.h first.
#include "tasks/attribution/attended.h"

#include <algorithm>

namespace attribution {

using engine::check;

namespace {

using Matrix = std::vector<double>;  // [Q, T]

Matrix mean_over_heads(const AttentionMap& map) {
  Matrix mean(size_t(map.queries * map.keys));
  for (long h = 0; h < map.heads; ++h)
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += double(map.p[size_t(h) * mean.size() + i]) / double(map.heads);
  return mean;
}

// The maps of the layers, and of the head's own queries if it has any.
struct Maps {
  std::vector<AttentionMap> layers;
  std::optional<AttentionMap> own;
};

Maps maps_of(const Decision& decision, const text::Encoding& window) {
  const std::vector<nn::Head>& heads = decision.model().net.heads;
  std::vector<AttentionMap> all = attention_maps(decision.model(), window);
  const size_t pools = size_t(std::ranges::count_if(heads, [](const nn::Head& head) { return bool(head.pool); }));
  Maps maps;
  if (heads[decision.head()].pool) {
    size_t own = all.size() - pools;
    for (size_t h = 0; h < decision.head(); ++h) own += bool(heads[h].pool);
    maps.own = all[own];
  }
  all.resize(all.size() - pools);
  maps.layers = std::move(all);
  return maps;
}

// The row with which the head reads what stands before it: [CLS]'s, its own attention's, or the mean.    [T]
Matrix reading_row(const Decision& decision, const Maps& maps, long T) {
  if (maps.own) return mean_over_heads(*maps.own);
  Matrix row(size_t(T),
             decision.model().net.heads[decision.head()].config.reads == nn::Reads::first ? 0 : 1 / double(T));
  if (decision.model().net.heads[decision.head()].config.reads == nn::Reads::first) row[0] = 1;
  return row;
}

// row [T] times m [T, T]
Matrix through(const Matrix& row, const Matrix& m) {
  const size_t T = row.size();
  Matrix y(T);
  for (size_t q = 0; q < T; ++q)
    for (size_t k = 0; k < T; ++k) y[k] += row[q] * m[q * T + k];
  return y;
}

// Of all windows, each with the weight that its logits have.
template <class F>
std::vector<double> over_windows(const Windows& text, F f) {
  std::vector<double> all;
  for (const text::Encoding& window : text)
    for (const double share : f(window)) all.push_back(share / double(text.size()));
  return all;
}

}  // namespace

// The last attention before the classifier, a [H, Q, T] of head h and query q, averaged:    share_t = mean_h a_h[q, t]
// That it explains a decision is doubted (Jain, Wallace 2019, "Attention is not explanation") and defended (Wiegreffe,
// Pinter 2019, "Attention is not not explanation").
std::vector<double> attention_weights(const Decision& decision, const Windows& text) {
  return over_windows(text, [&](const text::Encoding& window) {
    const Maps maps = maps_of(decision, window);
    if (maps.own) return mean_over_heads(*maps.own);
    check(!maps.layers.empty(), "attention: the head reads the mean of word embeddings; it has no attention to show");
    return through(reading_row(decision, maps, long(window.ids.size())), mean_over_heads(maps.layers.back()));
  });
}

// Attention rollout (Abnar, Zuidema 2020, "Quantifying attention flow in transformers").
//   A_l = rows of (mean_h a_h + I) / 2, each divided by its sum,   R_l = A_l R_{l-1},   R_0 = I               [T, T]
// The identity is the residual around the attention. A row of a token that was left behind is I alone.
std::vector<std::vector<double>> rollout_of(const std::vector<AttentionMap>& layers) {
  std::vector<Matrix> all;
  for (const AttentionMap& map : layers) {
    const size_t T = size_t(map.keys);
    check(map.queries == map.keys, "rollout: layers of as many queries as keys; got {} and {}", map.queries, map.keys);
    Matrix a = mean_over_heads(map), product(T * T);
    for (size_t q = 0; q < T; ++q) {
      a[q * T + q] += 1;
      double sum = 0;
      for (size_t k = 0; k < T; ++k) sum += a[q * T + k];
      for (size_t k = 0; k < T; ++k) a[q * T + k] /= sum;
    }
    if (!all.empty()) {
      for (size_t q = 0; q < T; ++q) {
        const Matrix row = through({a.begin() + long(q * T), a.begin() + long((q + 1) * T)}, all.back());
        std::copy(row.begin(), row.end(), product.begin() + long(q * T));
      }
    }
    all.push_back(all.empty() ? a : product);
  }
  return all;
}

std::vector<double> rollout(const Decision& decision, const Windows& text) {
  return over_windows(text, [&](const text::Encoding& window) {
    const Maps maps = maps_of(decision, window);
    check(maps.own || !maps.layers.empty(),
          "rollout: the head reads the mean of word embeddings; it has no attention to show");
    const Matrix row = reading_row(decision, maps, long(window.ids.size()));
    return maps.layers.empty() ? row : through(row, rollout_of(maps.layers).back());
  });
}

}  // namespace attribution
