// The values of a column are counted and measured; only a choice without an alternative is a guess worth making.
// Read tasks/text/data.h before.
#include "tasks/spec/columns.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "engine/base.h"
#include "tasks/text/letters.h"
#include "tasks/text/utf8.h"

namespace spec {

using engine::check;
using engine::fail;

namespace {

struct Look {
  long filled = 0, words = 0, longest = 0;  // values that are not blank; words of all; code points of one
  std::set<std::string> values;
  bool text = false, label = false;
};

// Words between blanks; of writing without blanks each ideograph is one.
long words_in(const std::u32string& points) {
  long words = 0;
  bool inside = false;
  for (const char32_t c : points) {
    const text::CodePointKind kind = text::kind_of(c);
    const bool letter = kind == text::CodePointKind::letter, ideograph = kind == text::CodePointKind::ideograph;
    words += ideograph || (letter && !inside);
    inside = letter || (inside && kind == text::CodePointKind::punctuation);
  }
  return words;
}

Look look_at(const text::Table& table, size_t column) {
  constexpr size_t kRows = 5000;
  Look look;
  for (size_t r = 0; r < std::min(kRows, table.rows.size()); ++r) {
    const std::string value = text::Labels::tidy(table.rows[r][column]);
    if (value.empty()) continue;
    const std::u32string points = text::decode_utf8(value);
    ++look.filled;
    look.words += words_in(points);
    look.longest = std::max(look.longest, long(points.size()));
    look.values.insert(value);
  }
  const long rows = long(std::min(kRows, table.rows.size())), different = long(look.values.size());
  if (2 * look.filled < rows) return look;
  look.text = look.words >= 3 * look.filled && 2 * different >= look.filled;
  look.label =
      !look.text && different >= 2 && different <= std::max(std::min(5L, rows / 3), rows / 10) && look.longest <= 60;
  return look;
}

std::string name_of(const text::Table& table, size_t column) {
  const std::string& name = table.columns[column];
  const bool alone = std::count(table.columns.begin(), table.columns.end(), name) == 1;
  return name.empty() || !alone ? std::to_string(column + 1) : name;
}

// "Comment (It was ..., The room ...), stars (4, 5)"
std::string with_samples(const text::Table& table) {
  constexpr size_t kColumns = 12, kValues = 2, kLength = 24;
  std::vector<std::string> columns;
  for (size_t c = 0; c < std::min(kColumns, table.columns.size()); ++c) {
    std::vector<std::string> values;
    for (size_t r = 0; r < table.rows.size() && values.size() < kValues; ++r) {
      const std::string value = text::shown(text::Labels::tidy(table.rows[r][c]), kLength);
      if (!value.empty() && std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
    columns.push_back(fmt::format("{} ({})", text::shown(name_of(table, c)), fmt::join(values, ", ")));
  }
  return fmt::format(
      "{}{}", fmt::join(columns, ", "),
      table.columns.size() > kColumns ? fmt::format(" and {} more", table.columns.size() - kColumns) : "");
}

}  // namespace

std::string guess_column(const text::Table& table, Role role, const std::string& asked,
                         const std::vector<std::string>& taken) {
  if (!table.hint.empty()) return asked;  // read with the wrong separator: that is what is to be said
  std::vector<size_t> free, named, fitting;
  std::vector<Look> looks;
  for (size_t c = 0; c < table.columns.size(); ++c)
    if (std::find(taken.begin(), taken.end(), name_of(table, c)) == taken.end()) free.push_back(c);
  for (const size_t c : free) {
    if (text::lower(text::Labels::tidy(table.columns[c])) == text::lower(asked)) named.push_back(c);
    const Look look = look_at(table, c);
    if (role == Role::text ? look.text : look.label) fitting.push_back(c);
    if (role == Role::label && look.label)
      check(!look.values.contains(table.columns[c]),
            "{}: no column '{}', and the first row, with '{}', looks like data rather than names: --no-header says so",
            table.path, text::shown(asked), text::shown(table.columns[c]));
  }
  if (named.size() == 1) return name_of(table, named[0]);
  if (role == Role::text && table.columns.size() == 1) return name_of(table, 0);
  if (fitting.size() == 1) return name_of(table, fitting[0]);
  const char* option = role == Role::text ? "text" : "label";
  fail("{}: no column '{}', and {} look{} like {}s; --{}-column (in a task file {}_column) names one of: {}",
       table.path, text::shown(asked), fitting.empty() ? "none" : std::to_string(fitting.size()),
       fitting.empty() ? "s" : "", option, option, option, with_samples(table));
}

}  // namespace spec
