// Data files to tables and tables to labelled examples, with an error that names file and line for whatever is amiss.
// Read tasks/text/table_parser.cpp before.
#include "tasks/text/data.h"

#include <algorithm>
#include <map>
#include <utility>

#include "nn/format/files.h"
#include "tasks/text/table_parser.h"
#include "tasks/text/utf8.h"
#include "tasks/text/wordpiece.h"

namespace text {

using engine::check;
using engine::fail;

namespace {

// The columns of a source as places in its rows; 0 for those that it does not have.
struct Places {
  size_t text, pair, label, split, rationale, target;
};

Places places_of(const Source& source) {
  const Columns& columns = source.columns;
  const auto place = [&](const std::string& name) { return name.empty() ? 0 : source.table.column(name); };
  return {place(columns.text),  place(columns.pair),      columns.every_label.empty() ? place(columns.label) : 0,
          place(columns.split), place(columns.rationale), place(columns.target)};
}

// What stands in a row's label column, or would.
const std::string& label_value(const Source& source, const Places& places, size_t row) {
  return source.columns.every_label.empty() ? source.table.rows[row][places.label] : source.columns.every_label;
}

// A list of words is a text; nothing else that is nested has a meaning.
void check_flat(const Source& source, const Places& places) {
  const auto& [table, columns] = source;
  for (const auto& [at, what] : table.nested) {
    const auto is = [&](const std::string& name, size_t place) { return !name.empty() && at.second == place; };
    const bool text = is(columns.text, places.text) || is(columns.pair, places.pair);
    const bool value = (is(columns.label, places.label) && columns.every_label.empty()) ||
                       is(columns.target, places.target) || is(columns.split, places.split) ||
                       is(columns.rationale, places.rationale);
    check(!value && !(text && what == "object"), "{}:{}: a JSON {} in column '{}', where {} is expected", table.path,
          table.lines[at.first], what == "array" ? "array" : "object or nested array", shown(table.columns[at.second]),
          value ? "a string (of several labels: with commas between)" : "a text");
  }
}

Labels labels_of(const std::vector<Source>& sources, const std::vector<Places>& places) {
  std::vector<std::string> values;
  for (size_t s = 0; s < sources.size(); ++s)
    for (size_t r = 0; r < sources[s].table.rows.size(); ++r) {
      values.push_back(Labels::tidy(label_value(sources[s], places[s], r)));
      check(!values.back().empty(), "{}:{}: an empty label in column '{}'", sources[s].table.path,
            sources[s].table.lines[r], shown(sources[s].columns.label));
    }
  const std::string &path = sources[0].table.path, name = shown(sources[0].columns.label);
  std::sort(values.begin(), values.end());
  check(values.front() != values.back(), "{}: column '{}' holds one label only, '{}'; two classes at least", path, name,
        shown(values.front()));
  constexpr long kMostLabels = 1000;
  values.erase(std::unique(values.begin(), values.end()), values.end());
  check(long(values.size()) <= kMostLabels,
        "{}: column '{}' holds {} different values, more than the {} that labels may be; is it the "
        "right column?",
        path, name, values.size(), kMostLabels);
  return Labels::from_values(std::move(values));
}

void append_examples(const Source& source, const Places& places, Examples& out) {
  const auto& [table, columns] = source;
  Warning empty{"an empty text", 0, ""};
  std::map<std::string, Warning> untidy;
  for (size_t r = 0; r < table.rows.size(); ++r) {
    const std::vector<std::string>& row = table.rows[r];
    Example& example = out.rows.emplace_back();
    example.text = row[places.text];
    example.where = fmt::format("{}:{}", table.path, table.lines[r]);
    if (!columns.pair.empty()) example.pair = row[places.pair];
    if (!columns.rationale.empty()) example.rationale = row[places.rationale];
    if (!columns.target.empty()) example.target = row[places.target];
    if (!columns.split.empty()) example.split = row[places.split];
    if (!columns.label.empty()) {
      const std::string& value = label_value(source, places, r);
      example.label = out.labels.find(value);
      if (std::string tidy = Labels::tidy(value); tidy != value) {
        Warning& of = untidy[value];
        if (of.count++ == 0)
          of = {fmt::format("label '{}' is read as '{}'", shown(value), shown(tidy)), 1, example.where};
      }
      if (example.label < 0) fail("{}: {}", example.where, out.labels.unknown(value));
    }
    if (is_blank(example.text) && empty.count++ == 0) empty.first = example.where;
  }
  out.warnings.insert(out.warnings.end(), table.warnings.begin(), table.warnings.end());
  if (empty.count > 0) out.warnings.push_back(empty);
  for (const auto& [value, warning] : untidy) out.warnings.push_back(warning);
}

}  // namespace

void drop_byte_order_marks(std::string_view& bytes) {
  while (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);  // two: saved "with BOM" once more
}

void check_text(std::string_view bytes, const std::string& path, long before) {
  constexpr std::pair<std::string_view, const char*> kOthers[] = {
      {"\xFF\xFE", "UTF-16, not UTF-8: save it as UTF-8"},
      {"\xFE\xFF", "UTF-16, not UTF-8: save it as UTF-8"},
      {"\x1F\x8B", "compressed by gzip: gunzip it first"},
      {"PK\x03\x04", "a zip archive or a workbook: unzip it, or save the sheet as CSV"},
      {"\xD0\xCF\x11\xE0", "an Excel workbook: save the sheet as CSV"}};
  for (const auto& [start, what] : kOthers) check(before > 0 || !bytes.starts_with(start), "{}: {}", path, what);
  const size_t nul = bytes.find('\0');
  check(nul == bytes.npos, "{}: not a text file: a NUL at byte {}", path, before + long(nul));
}

bool is_blank(std::string_view text) {
  const auto is_visible_ascii = [](unsigned char c) { return c > ' ' && c < 0x7F; };  // most texts: no need to split
  return std::none_of(text.begin(), text.end(), is_visible_ascii) && split_words(text).empty();
}

std::string to_string(const Warning& warning) {
  const std::string count = warning.count > 0 ? fmt::format(" ({} in all)", warning.count) : "";
  return fmt::format("{}: {}{}", warning.first, warning.what, count);
}

size_t Table::column(const std::string& name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found != columns.end()) {
    check(std::find(found + 1, columns.end(), name) == columns.end(), "{}: two columns are called '{}'; give a number",
          path, name);
    return size_t(found - columns.begin());
  }
  const size_t number = engine::parse_number<size_t>(name).value_or(0);
  if (number >= 1 && number <= columns.size()) return number - 1;
  fail("{}: no column '{}'; the columns are {}{}{}", path, shown(name), listed(columns), did_you_mean(name, columns),
       hint);
}

std::string read_file(const std::string& path) {
  std::string bytes = nn::read_file(path);
  std::string_view content = bytes;
  drop_byte_order_marks(content);
  bytes.erase(0, bytes.size() - content.size());
  check(!bytes.empty(), "{}: the file is empty", path);
  return bytes;
}

Table read_table(const std::string& path, const TableOptions& options) {
  return parse_table(read_file(path), path, options);
}

Table parse_table(std::string bytes, const std::string& path, const TableOptions& options) {
  Table table;
  table.path = path;
  TableParser(table, options).append(std::move(bytes), true);
  return table;
}

Examples to_examples(const std::vector<Source>& sources, const Labels& labels) {
  check(!sources.empty(), "no data files");
  std::vector<Places> places;
  for (const Source& source : sources) {
    places.push_back(places_of(source));
    check_flat(source, places.back());
  }
  Examples out;
  out.labels = labels.empty() && !sources[0].columns.label.empty() ? labels_of(sources, places) : labels;
  if (labels.empty())
    for (const std::string& pair : out.labels.same_but_for_case())
      out.warnings.push_back({pair, 0, sources[0].table.path});
  for (size_t s = 0; s < sources.size(); ++s) append_examples(sources[s], places[s], out);
  return out;
}

}  // namespace text
