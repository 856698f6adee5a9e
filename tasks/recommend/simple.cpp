// Models that count. Read tasks/recommend/simple.h first: their formulas.
#include "tasks/recommend/simple.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/blas.h"
#include "engine/parallel.h"
#include "tasks/text/utf8.h"

namespace recommend {

using engine::check;
using engine::real;
using engine::Tensor;

namespace {

// Rows of maps as rows side by side.
SparseRows packed(const std::vector<std::map<int, double>>& rows) {
  SparseRows all;
  for (const auto& row : rows) {
    for (const auto& [column, value] : row) all.column.push_back(column), all.value.push_back(float(value));
    all.begin.push_back(long(all.column.size()));
  }
  return all;
}

// score += factor times row i.
void add_row(const SparseRows& rows, int i, double factor, Scores& to) {
  for (long k = rows.begin[size_t(i)]; k < rows.begin[size_t(i) + 1]; ++k)
    to[size_t(rows.column[size_t(k)])] += factor * double(rows.value[size_t(k)]);
}

}  // namespace

std::vector<double> counts_of(const std::vector<History>& histories, long items) {
  std::vector<double> counts(size_t(items), 0);
  for (const History& h : histories)
    for (const Event& event : h) counts[size_t(event.item)] += event.weight;
  return counts;
}

std::vector<double> recent_counts(const std::vector<History>& histories, long items) {
  std::vector<double> times, counts(size_t(items), 0);
  for (const History& h : histories)
    for (const Event& event : h) times.push_back(event.time);
  if (times.empty()) return counts;
  std::nth_element(times.begin(), times.begin() + long(times.size() * 9 / 10), times.end());
  const double since = times[times.size() * 9 / 10];
  for (const History& h : histories)
    for (const Event& event : h)
      if (event.time >= since) counts[size_t(event.item)] += event.weight;
  return counts;
}

Scorer popularity(const std::vector<double>& counts) {
  Scores scores;
  for (const double n : counts) scores.push_back(std::log1p(n));
  return [scores](Items) { return scores; };
}

Scorer item_knn(const std::vector<History>& histories, long items, const KnnOptions& options) {
  std::vector<std::vector<std::pair<int, double>>> users(static_cast<size_t>(items));  // who has an item, how much
  std::vector<double> length(size_t(items), 0);
  for (size_t u = 0; u < histories.size(); ++u)
    for (const Event& event : histories[u]) {
      users[size_t(event.item)].emplace_back(int(u), event.weight);
      length[size_t(event.item)] += event.weight * event.weight;
    }
  for (double& l : length) l = std::sqrt(l);
  std::vector<std::map<int, double>> kept(static_cast<size_t>(items));
  engine::parallel_tasks(items, [&](long j) {
    std::vector<double> dot(size_t(items), 0);
    for (const auto& [u, weight] : users[size_t(j)])
      for (const Event& event : histories[size_t(u)]) dot[size_t(event.item)] += weight * event.weight;
    std::vector<std::pair<double, int>> near;
    for (int i = 0; i < int(items); ++i)
      if (i != j && dot[size_t(i)] > 0)
        near.emplace_back(-dot[size_t(i)] / (length[size_t(i)] * length[size_t(j)] + options.shrink), i);
    const size_t k = std::min(near.size(), size_t(options.k));
    std::partial_sort(near.begin(), near.begin() + long(k), near.end());
    for (size_t n = 0; n < k; ++n) kept[size_t(j)][near[n].second] = -near[n].first;
  });
  return [rows = packed(kept), items](Items history) {
    Scores scores(size_t(items), 0);
    for (const int j : history) add_row(rows, j, 1, scores);
    return scores;
  };
}

namespace {

// The inverse of a small positive definite block, in double, by Gauss and Jordan.    [m, m]
void invert_block(const real* A, long m, long stride, std::vector<real>& out) {
  std::vector<double> a(static_cast<size_t>(m * m));
  for (long i = 0; i < m; ++i)
    for (long j = 0; j < m; ++j) a[size_t(i * m + j)] = double(A[i * stride + j]);
  for (long k = 0; k < m; ++k) {
    const double pivot = a[size_t(k * m + k)];
    check(pivot > 0, "recommend: a matrix to be inverted must be positive definite; its pivot {} is {}", k, pivot);
    a[size_t(k * m + k)] = 1;
    for (long j = 0; j < m; ++j) a[size_t(k * m + j)] /= pivot;
    for (long i = 0; i < m; ++i) {
      if (i == k) continue;
      const double factor = a[size_t(i * m + k)];
      a[size_t(i * m + k)] = 0;
      for (long j = 0; j < m; ++j) a[size_t(i * m + j)] -= factor * a[size_t(k * m + j)];
    }
  }
  out.assign(a.begin(), a.end());
}

}  // namespace

// Block k of the rows, with D = A_kk^-1:   R = D A_k*,   A_ij -= A_ik R_j for i != k,   A_ik = -A_ik D,   A_k* = R,
// A_kk = D. After all blocks A is its own inverse.
void invert_positive(Tensor& A) {
  const long n = A.dim(0), block = 128;
  check(A.shape() == engine::Shape({n, n}), "invert_positive: a square matrix; got {}", A);
  real* a = A.data();
  std::vector<real> D;
  for (long k = 0; k < n; k += block) {
    const long m = std::min(block, n - k);
    invert_block(a + k * n + k, m, n, D);
    for (long i = 0; i < m; ++i)
      for (long j = 0; j < m; ++j) a[(k + i) * n + k + j] = real(i == j);  // so that R has D in its place
    Tensor R({m, n}), column({n, m});
    engine::gemm({{.m = m, .n = n, .terms = {{{D.data(), m}, {a + k * n, n}, m}}, .c = R.data(), .c_stride = n}});
    engine::parallel_rows(n, m, [&](long i) {
      const bool own = i >= k && i < k + m;
      for (long j = 0; j < m; ++j) column.data()[i * m + j] = own ? 0 : -a[i * n + k + j], a[i * n + k + j] = 0;
    });
    engine::gemm(
        {{.m = n, .n = n, .terms = {{{column.data(), m}, {R.data(), n}, m}}, .c = a, .c_stride = n, .beta = 1}});
    std::copy_n(R.data(), m * n, a + k * n);
  }
}

Tensor ease_weights(const std::vector<History>& histories, long items, double lambda) {
  check(lambda > 0, "ease: lambda must be above 0; got {}", lambda);
  Tensor P = Tensor::zeros({items, items});
  for (const History& h : histories)
    for (const Event& a : h)
      for (const Event& b : h) P.data()[a.item * items + b.item] += real(a.weight * b.weight);
  for (long i = 0; i < items; ++i) P.data()[i * items + i] += real(lambda);
  invert_positive(P);
  std::vector<real> diagonal;
  for (long j = 0; j < items; ++j) diagonal.push_back(P.data()[j * items + j]);
  engine::parallel_rows(items, items, [&](long i) {
    real* row = P.data() + i * items;
    for (long j = 0; j < items; ++j) row[j] = i == j ? 0 : -row[j] / diagonal[size_t(j)];
  });
  return P;
}

Scorer ease(const std::vector<History>& histories, long items, double lambda) {
  return [B = ease_weights(histories, items, lambda), items](Items history) {
    Scores scores(size_t(items), 0);
    for (const int i : history) {
      const real* row = B.data() + long(i) * items;
      for (long j = 0; j < items; ++j) scores[size_t(j)] += double(row[j]);
    }
    return scores;
  };
}

SparseRows transitions(const std::vector<History>& histories, long items, const TransitionOptions& options) {
  std::vector<std::map<int, double>> rows(static_cast<size_t>(items));
  std::vector<double> into(size_t(items), 0);
  for (const History& h : histories)
    for (size_t i = 0; i < h.size(); ++i)
      for (size_t d = 1; d <= size_t(options.reach) && i + d < h.size(); ++d) {
        rows[size_t(h[i].item)][h[i + d].item] += 1 / double(d);
        into[size_t(h[i + d].item)] += 1 / double(d);
      }
  for (auto& row : rows)
    for (auto& [j, value] : row) value /= std::sqrt(into[size_t(j)]) + options.damping;
  return packed(rows);
}

Scorer by_transitions(SparseRows rows, long recent) {
  return [rows = std::move(rows), recent](Items history) {
    Scores scores(size_t(rows.rows()), 0);
    for (long rank = 1; rank <= std::min(recent, long(history.size())); ++rank)
      add_row(rows, history[history.size() - size_t(rank)], 1 / double(rank), scores);
    return scores;
  };
}

namespace {

// Runs of letters and digits, ASCII ones in lower case; any character beyond ASCII is a letter.
std::vector<std::string> words_in(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    const bool letter = std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80;
    if (letter)
      words.back() += char(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

}  // namespace

SparseRows word_vectors(const std::vector<Item>& items) {
  std::vector<std::map<std::string, long>> counts;
  std::map<std::string, long> in_items;
  for (const Item& item : items) {
    auto& own = counts.emplace_back();
    for (const std::string& word : words_in(item.title + " " + item.text)) ++own[word];
    for (const std::string& tag : item.tags) ++own["#" + tag];
    for (const auto& [word, n] : own) ++in_items[word];
  }
  std::map<std::string, int> columns;
  for (const auto& [word, n] : in_items)
    if (n > 1) columns.emplace(word, int(columns.size()));
  std::vector<std::map<int, double>> rows;
  for (const auto& own : counts) {
    auto& row = rows.emplace_back();
    double square = 0;
    for (const auto& [word, n] : own) {
      if (!columns.count(word)) continue;
      const double weight = (1 + std::log(double(n))) * std::log(double(items.size()) / double(in_items[word]));
      if (weight > 0) row[columns[word]] = weight, square += weight * weight;
    }
    for (auto& [column, value] : row) value /= std::sqrt(square);
  }
  return packed(rows);
}

long width_of(const SparseRows& rows) {
  return rows.column.empty() ? 0 : *std::max_element(rows.column.begin(), rows.column.end()) + 1;
}

Scorer by_words(SparseRows vectors, double decay) {
  const long width = width_of(vectors);
  return [vectors = std::move(vectors), width, decay](Items history) {
    Scores wanted(size_t(width), 0), scores(size_t(vectors.rows()), 0);
    double factor = 1, square = 0;
    for (size_t age = 0; age < history.size() && factor > 1e-9; ++age, factor *= decay)
      add_row(vectors, history[history.size() - 1 - age], factor, wanted);
    for (const double w : wanted) square += w * w;
    if (square == 0) return scores;
    for (size_t i = 0; i < scores.size(); ++i) {
      for (long k = vectors.begin[i]; k < vectors.begin[i + 1]; ++k)
        scores[i] += double(vectors.value[size_t(k)]) * wanted[size_t(vectors.column[size_t(k)])];
      scores[i] /= std::sqrt(square);
    }
    return scores;
  };
}

}  // namespace recommend
