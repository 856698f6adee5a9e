// Data files to tables and tables to labelled examples, with an error that names file and line for whatever is amiss.
// Read tasks/text/labels.h before.
#include "tasks/text/data.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <unordered_map>
#include <utility>

#include "nn/format/json.h"
#include "tasks/text/separated.h"
#include "tasks/text/utf8.h"
#include "tasks/text/wordpiece.h"

namespace text {

using engine::check;
using engine::fail;

namespace {

long line_at(std::string_view bytes, size_t at) {
  return 1 + std::count(bytes.begin(), bytes.begin() + long(at), '\n');
}

std::string to_utf8(std::string bytes, const std::string& encoding, Table& table) {
  if (encoding == "latin-1") return from_latin1(bytes);
  check(encoding == "utf-8", "encoding: utf-8 or latin-1; got '{}'", encoding);
  Repaired repaired = repair_utf8(std::move(bytes));
  if (repaired.invalid > 0) {
    const long line = line_at(repaired.text, repaired.first_invalid);
    table.warnings.push_back({"invalid UTF-8 became U+FFFD", repaired.invalid, fmt::format("{}:{}", table.path, line)});
  }
  return std::move(repaired.text);
}

std::string format_of(const std::string& path, const std::string& given) {
  std::string format = given;
  if (format.empty()) {
    const std::string extension = std::filesystem::path(path).extension();
    format = extension == ".txt" ? "tsv" : extension.substr(std::min<size_t>(1, extension.size()));
    check(format == "tsv" || format == "csv" || format == "jsonl",
          "{}: the extension is none of .tsv, .txt, .csv, .jsonl; name the format", path);
  }
  check(format == "tsv" || format == "csv" || format == "jsonl", "format: tsv, csv or jsonl; got '{}'", format);
  return format;
}

nlohmann::ordered_json parse_object(std::string_view line, const std::string& where) {
  nlohmann::ordered_json object = nn::parse_ordered_json(line, where);
  check(object.is_object(), "{}: one JSON object a line; got a JSON {}", where, object.type_name());
  return object;
}

// The values of keys in the order of another object, found where they stand there as a rule; a search of its own for
// each would take the square of their number.
class Members {
 public:
  explicit Members(const nlohmann::ordered_json& object)
      : members_(object.get_ref<const nlohmann::ordered_json::object_t&>()) {}

  const nlohmann::ordered_json* find(const std::string& key, size_t likely) {
    if (likely < members_.size() && members_[likely].first == key) return &members_[likely].second;
    if (places_.empty())
      for (const auto& [name, value] : members_) places_[name] = &value;
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : found->second;
  }

 private:
  const std::vector<std::pair<const std::string, nlohmann::ordered_json>>& members_;
  std::unordered_map<std::string_view, const nlohmann::ordered_json*> places_;
};

bool is_words(const nlohmann::ordered_json& value) {
  return value.is_array() &&
         std::all_of(value.begin(), value.end(), [](const auto& item) { return item.is_primitive(); });
}

std::string joined(const nlohmann::ordered_json& words) {
  std::string text;
  for (const auto& word : words)
    text += (text.empty() ? "" : " ") + (word.is_string() ? word.get<std::string>() : word.dump());
  return text;
}

void parse_jsonl(std::string_view bytes, Table& table) {
  for_each_line(bytes, [&](std::string_view line, long number) {
    if (line.find_first_not_of(" \t") == line.npos) return;
    const std::string where = fmt::format("{}:{}", table.path, number);
    const nlohmann::ordered_json object = parse_object(line, where);
    if (table.rows.empty())
      for (const auto& item : object.items()) table.columns.push_back(item.key());
    std::vector<std::string>& row = table.rows.emplace_back();
    table.lines.push_back(number);
    Members members(object);
    for (const std::string& key : table.columns) {
      const nlohmann::ordered_json* value = members.find(key, row.size());
      check(value, "{}: no '{}', which line {} has", where, shown(key), table.lines[0]);
      if (value->is_structured())
        table.nested[{table.rows.size() - 1, row.size()}] = is_words(*value) ? "array" : "object";
      if (is_words(*value)) {
        row.push_back(joined(*value));
        continue;
      }
      row.push_back(value->is_null() ? "" : value->is_string() ? value->get<std::string>() : value->dump());
    }
  });
}

void name_columns(Table& table, bool header) {
  if (table.rows.empty()) return;
  if (!header) {
    for (size_t c = 1; c <= table.rows[0].size(); ++c) table.columns.push_back(std::to_string(c));
    return;
  }
  table.columns = std::move(table.rows[0]);
  table.rows.erase(table.rows.begin());
  table.lines.erase(table.lines.begin());
}

// Files made by machines may end a line with a tab too many; a header says how many fields there should be.
void drop_surplus(Table& table, bool header) {
  const size_t width = table.columns.size();
  Warning surplus{fmt::format("fields past the {} of the first row are left out", width), 0, ""};
  for (size_t r = 0; r < table.rows.size(); ++r) {
    std::vector<std::string>& row = table.rows[r];
    const auto past = row.begin() + long(std::min(width, row.size()));
    const bool empty = std::all_of(past, row.end(), [](const std::string& field) { return field.empty(); });
    if (header && !empty) continue;
    row.erase(past, row.end());
    if (!empty && surplus.count++ == 0) surplus.first = fmt::format("{}:{}", table.path, table.lines[r]);
  }
  if (surplus.count > 0) table.warnings.push_back(surplus);
}

void check_widths(const Table& table, long first_line) {
  for (size_t r = 0; r < table.rows.size(); ++r)
    check(table.rows[r].size() == table.columns.size(), "{}:{}: a row of {} fields; line {} has {}{}", table.path,
          table.lines[r], table.rows[r].size(), first_line, table.columns.size(), table.hint);
}

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
  check_text(bytes, path);
  if (bytes.find('\n') == bytes.npos) std::replace(bytes.begin(), bytes.end(), '\r', '\n');  // lines of old Macs
  bytes = to_utf8(std::move(bytes), options.encoding, table);
  const std::string format = format_of(path, options.format);
  const bool header = options.header && format != "jsonl";
  const char separator = separator_of(options.delimiter);
  check(!separator || format != "jsonl", "{}: a delimiter is for TSV and CSV, not for JSONL", path);
  if (format == "tsv") parse_tsv(bytes, separator ? separator : '\t', table);
  if (format == "csv") parse_csv(bytes, separator, options.header, table);
  if (format == "jsonl") parse_jsonl(bytes, table);
  const long first_line = table.lines.empty() ? 0 : table.lines[0];
  if (format != "jsonl") name_columns(table, options.header);
  check(!table.rows.empty(), "{}: no data rows{}", path, header ? " below the header" : "");
  const std::string_view all = bytes;
  const char other =
      table.columns.size() == 1 && format != "jsonl" ? separator_in(all.substr(0, all.find('\n'))) : '\0';
  if (other)
    table.hint = fmt::format("; its first line has another separator: --delimiter {}", other == ','   ? "comma"
                                                                                       : other == ';' ? "semicolon"
                                                                                       : other == '|' ? "pipe"
                                                                                                      : "tab");
  if (format == "tsv") drop_surplus(table, header);
  check_widths(table, first_line);
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
