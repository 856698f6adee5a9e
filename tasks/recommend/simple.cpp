// Models that count. Read tasks/recommend/simple.h first: their formulas.
#include "tasks/recommend/simple.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/parallel.h"
#include "engine/strings.h"
#include "tasks/text/utf8.h"

namespace recommend {

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

}  // namespace

void add_row(const SparseRows& rows, int i, double factor, Scores& to) {
  for (long k = rows.begin[size_t(i)]; k < rows.begin[size_t(i) + 1]; ++k)
    to[size_t(rows.column[size_t(k)])] += factor * double(rows.value[size_t(k)]);
}

Scorer by_rows(SparseRows rows) {
  return [rows = std::move(rows)](Items history) {
    Scores scores(size_t(rows.rows()), 0);
    for (const int i : history) add_row(rows, i, 1, scores);
    return scores;
  };
}

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
  return by_rows(packed(kept));
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

SparseRows near_each_other(const std::vector<History>& histories, long items, const NearOptions& options) {
  std::vector<std::vector<std::pair<int, double>>> pairs(static_cast<size_t>(items));
  std::vector<double> all(size_t(items), 0);
  for (const History& h : histories)
    for (size_t i = 0; i < h.size(); ++i)
      for (size_t d = 1; d <= size_t(options.reach) && i + d < h.size(); ++d)
        for (const auto& [a, b] : {std::pair{h[i].item, h[i + d].item}, {h[i + d].item, h[i].item}})
          pairs[size_t(a)].emplace_back(b, 1 / double(d)), all[size_t(b)] += 1 / double(d);
  std::vector<std::map<int, double>> rows(static_cast<size_t>(items));
  engine::parallel_tasks(items, [&](long i) {
    for (const auto& [j, value] : pairs[size_t(i)])
      rows[size_t(i)][j] += value / (std::pow(all[size_t(j)], options.power) + options.damping);
  });
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
      words.back() += engine::ascii_lower(c);
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
    for (size_t last = history.size(); last-- > 0 && factor > 1e-9;) {
      add_row(vectors, history[last], factor, wanted);
      factor *= decay;
    }
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
