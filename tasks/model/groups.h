// Groups: what a model is worth to whom, and how far apart the groups are.
#pragma once

#include "tasks/model/evaluate.h"
#include "tasks/score/gaps.h"

namespace model {

// The texts of one group, and what the model makes of them; of a group of one text nothing is said but that.
struct GroupFigures {
  std::string name;
  long texts = 0;
  Evaluation evaluation;
};

struct GroupReport {
  std::vector<GroupFigures> groups;
  std::optional<score::Grouped> classes;  // of a head that predicts one class
  std::vector<score::GapReport> gaps;     // demographic parity, equal opportunity, equalised odds
  std::vector<std::string> labels;

  // Of every group its count, its figures and, of classes, the rates of each class against the rest, shares with
  // Wilson's interval; "not estimable" where fewer than score::kFewest texts are behind a share. Then the gaps.
  std::string text() const;
  nn::ordered_json json() const;
  std::vector<std::string> doubts() const;  // groups that are too small to say much, fewer than kSmall texts
};
constexpr long kSmall = 100;

// What these columns of the files, PATH or LABEL=PATH, hold of every text, joined by ", ": one group a text, found by
// where the text stands. Error: no such column (the nearest name), no file.
std::vector<std::string> groups_of(const std::vector<text::Example>& texts, const std::vector<std::string>& files,
                                   const text::TableOptions& how, const std::vector<std::string>& columns);

// `group` [n]: that of each text, as a column of the data has it; several columns together where they are joined.
// Error: fewer than two groups of score::kFewest texts; a head of tags.
GroupReport group_report(const spec::Task& task, const spec::Targets& targets, const Outputs& outputs,
                         const std::vector<std::string>& group, uint64_t seed = 1);

}  // namespace model
