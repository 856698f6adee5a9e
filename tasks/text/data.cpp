// Data files to tables and tables to labelled examples, with an error that names file and line for whatever is amiss.
// Read tasks/text/table_parser.cpp before.
#include "tasks/text/data.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "engine/strings.h"
#include "nn/format/files.h"
#include "tasks/files/unpack.h"
#include "tasks/files/workbook.h"
#include "tasks/text/encoding.h"
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
    const auto is = [column = at.second](const std::string& name, size_t place) {
      return !name.empty() && column == place;
    };
    const bool text = is(columns.text, places.text) || is(columns.pair, places.pair);
    const bool value = (is(columns.label, places.label) && columns.every_label.empty()) ||
                       (is(columns.target, places.target) && !what.list) || is(columns.split, places.split) ||
                       is(columns.rationale, places.rationale);
    check(!value && !(text && !what.list), "{}:{}: a JSON {} in column '{}', where {} is expected", table.path,
          table.lines[at.first], what.list ? "array" : "object or array of more than words",
          shown(table.columns[at.second]), value ? "a string or a number" : "a text");
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
  if (long(values.size()) <= kMostLabels) return Labels::from_values(std::move(values));
  const bool numbers = std::ranges::all_of(
      values, [](const std::string& value) { return engine::parse_number<double>(value).has_value(); });
  fail("{}: column '{}' holds {} different values, more than the {} that labels may be; {}", path, name, values.size(),
       kMostLabels, numbers ? "numbers are learned with the head regression" : "is it the right column?");
}

// "labels '1' and '1.0' are the same number: two classes", for each such pair.
std::vector<std::string> same_numbers(const Labels& labels) {
  std::map<double, std::string> first;
  std::vector<std::string> pairs;
  for (const std::string& name : labels.names()) {
    const auto number = engine::parse_number<double>(name);
    if (!number || std::isnan(*number)) continue;
    if (const auto [other, fresh] = first.try_emplace(*number, name); !fresh)
      pairs.push_back(
          fmt::format("labels '{}' and '{}' are the same number: two classes", shown(other->second), shown(name)));
  }
  return pairs;
}

// What a formula shows that could not be computed, in a workbook and in a CSV made of it.
bool is_formula_error(const std::string& cell) {
  static const std::set<std::string> kErrors{"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"};
  return kErrors.contains(cell);
}

void append_examples(const Source& source, const Places& places, Examples& out) {
  const auto& [table, columns] = source;
  Warning empty{"an empty text", 0, ""}, broken{"", 0, ""};
  std::map<std::string, Warning> untidy;
  for (size_t r = 0; r < table.rows.size(); ++r) {
    const std::vector<std::string>& row = table.rows[r];
    Example& example = out.rows.emplace_back();
    example.text = row[places.text];
    example.where = fmt::format("{}:{}", table.path, table.lines[r]);
    if (!columns.pair.empty()) example.pair = row[places.pair];
    if (!columns.rationale.empty()) example.rationale = row[places.rationale];
    if (!columns.target.empty()) {
      example.target = row[places.target];
      const auto list = table.nested.find({r, places.target});
      if (list != table.nested.end()) example.targets = list->second.items;
    }
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
    for (const std::string& cell : {example.text, columns.label.empty() ? "" : label_value(source, places, r)})
      if (is_formula_error(cell) && broken.count++ == 0)
        broken = {fmt::format("'{}' is a formula's error; it is taken as a text or label like others", cell), 1,
                  example.where};
  }
  out.warnings.insert(out.warnings.end(), table.warnings.begin(), table.warnings.end());
  if (empty.count > 0) out.warnings.push_back(empty);
  if (broken.count > 0) out.warnings.push_back(broken);
  for (const auto& [value, warning] : untidy) out.warnings.push_back(warning);
}

}  // namespace

void drop_byte_order_marks(std::string_view& bytes) {
  while (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);  // two: saved "with BOM" once more
}

void check_text(std::string_view bytes, const std::string& path, long before) {
  if (before == 0) {
    files::check_kind(bytes, path);
    check(!wide_encoding_of(bytes).marked, "{}: UTF-16, not UTF-8: save it as UTF-8", path);
  }
  const size_t nul = bytes.find('\0');
  check(nul == bytes.npos, "{}: not a text file: a NUL at byte {}{}", path, before + long(nul),
        wide_encoding_of(bytes).encoding.empty() ? "" : "; of UTF-16 without a byte-order mark: --encoding utf-16");
}

bool is_blank(std::string_view text) {
  const auto is_visible_ascii = [](unsigned char c) { return c > ' ' && c < 0x7F; };  // most texts: no need to split
  return std::none_of(text.begin(), text.end(), is_visible_ascii) && split_words(text).empty();
}

void add_warning(std::vector<Warning>& warnings, const Warning& warning) {
  const auto same = [&](const Warning& other) { return other.what == warning.what; };
  const auto found = std::find_if(warnings.begin(), warnings.end(), same);
  if (found == warnings.end())
    warnings.push_back(warning);
  else
    found->count += warning.count;
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

namespace {

constexpr const char* kInput = "-";

// "a workbook's sheet by its name or by its number"
size_t sheet_of(const std::vector<std::string>& sheets, const std::string& wanted, const std::string& path) {
  const auto found = std::find(sheets.begin(), sheets.end(), wanted);
  if (found != sheets.end()) return size_t(found - sheets.begin());
  const size_t number = engine::parse_number<size_t>(wanted).value_or(0);
  if (number >= 1 && number <= sheets.size()) return number - 1;
  fail("{}: no sheet '{}'; the sheets are {}{}", path, shown(wanted), listed(sheets), did_you_mean(wanted, sheets));
}

void read_workbook(std::string_view bytes, const TableOptions& options, Table& table) {
  const files::Archive archive(bytes, table.path);
  const files::Workbook workbook(archive);
  const std::vector<std::string>& sheets = workbook.sheets();
  const size_t which = options.sheet.empty() ? 0 : sheet_of(sheets, options.sheet, table.path);
  if (options.sheet.empty() && sheets.size() > 1)
    table.warnings.push_back({fmt::format("the first of {} sheets is read, '{}' ({}); --sheet names another",
                                          sheets.size(), shown(sheets[0]), listed(sheets)),
                              0, table.path});
  files::Sheet sheet = workbook.read(which);
  check(!sheet.rows.empty(), "{}: sheet '{}' is empty{}", table.path, shown(sheets[which]),
        sheets.size() > 1 ? fmt::format("; the sheets are {}", listed(sheets)) : "");
  table.rows = std::move(sheet.rows);
  table.lines = std::move(sheet.lines);
}

}  // namespace

std::string read_file(const std::string& path) {
  std::string bytes = nn::read_file(path == kInput ? "/dev/stdin" : path);
  check(!bytes.empty(), "{}: the file is empty", path);
  return bytes;
}

Table read_table(const std::string& path, const TableOptions& options) {
  return parse_table(read_file(path), path, options);
}

Table parse_table(std::string bytes, const std::string& path, const TableOptions& options) {
  Table table;
  table.path = path == kInput ? "standard input" : path;
  files::Content file = files::unpack(std::move(bytes), table.path);
  if (file.workbook) {
    check(options.delimiter.empty(), "{}: a delimiter is for TSV and CSV, not for a workbook", table.path);
    read_workbook(file.bytes, options, table);
    name_columns(table, options.header);
    check(!table.rows.empty(), "{}: no data rows{}", table.path, options.header ? " below the header" : "");
    return table;
  }
  TableOptions how = options;
  how.format = format_of(table.path, file.name, options.format);
  how.encoding = "utf-8";
  std::string content = to_utf8(std::move(file.bytes), options.encoding, table.path, table.warnings);
  std::string_view unmarked = content;
  drop_byte_order_marks(unmarked);
  check(!unmarked.empty(), "{}: the file is empty", table.path);
  TableParser(table, how).append(std::move(content), true);
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
  out.columns = sources[0].columns;
  out.labels = labels.empty() && !sources[0].columns.label.empty() ? labels_of(sources, places) : labels;
  for (const auto& pairs : {out.labels.same_but_for_case(), same_numbers(out.labels)})
    for (const std::string& pair : pairs)
      if (labels.empty()) out.warnings.push_back({pair, 0, sources[0].table.path});
  for (size_t s = 0; s < sources.size(); ++s) append_examples(sources[s], places[s], out);
  return out;
}

}  // namespace text
