// Report: a recommender on its test part, beside the models that it joins, in tables and in a line.
#pragma once

#include "nn/format/json_value.h"
#include "tasks/recommend/recommender.h"

namespace recommend {

// A row for each source, for the joined list and for a random order; then cold users and cold items, where there are
// any.
struct Row {
  std::string name;
  Figures figures;
};
struct Report {
  std::vector<Row> rows;                                 // the joined one is the last
  std::vector<Row> cold;                                 // of the joined one and of words: "joined, cold users", ...
  std::vector<Row> curve;                                // of the joined one, re-ranked: "mmr 0.1", ...
  double ece = 0, ece_perfect = 0, taken = 0, said = 0;  // of the probabilities of the lists of k
  long probabilities = 0;
  // Faithfulness: how much the log of an item's share among all falls when the named item is taken out of the history,
  // and when another one is; how often the first falls further.
  double named_drop = 0, other_drop = 0, named_share = 0;
  long explained = 0;
  std::string baseline;                                      // of the simple models the best by NDCG
  double gain = 0, gain_low = 0, gain_high = 0, gain_p = 1;  // of the joined NDCG over it, paired bootstrap
  std::string text(const Split& split, long k) const;        // the tables
  nn::ordered_json json(const Split& split, long k) const;   // the same, unrounded
  double list_seconds = 0;                                   // of the lists and figures of all, with counting
};
Report report_on(const Recommender& r, const Split& split, long k, uint64_t seed);

std::string table_of(const std::vector<Row>& rows, long k);
// NDCG and diversity of re-ranked lists, and what they change against the plain ones.
std::string curve_table(const Row& plain, const std::vector<Row>& rows);

}  // namespace recommend
