// A row is read field by field. In doubt a CSV is looked at with one separator after another, and with quotes doubled
// (RFC 4180) or behind a backslash, until one reading has no error. Read tasks/text/data.h before.
#include "tasks/text/separated.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace text {

using engine::check;
using engine::fail;

namespace {

constexpr std::pair<char, const char*> kSeparators[] = {
    {',', "comma"}, {';', "semicolon"}, {'\t', "tab"}, {'|', "pipe"}};

class CsvReader {
 public:
  // With escapes, inside quotes \" is a quote and \\ a backslash.
  CsvReader(std::string_view bytes, const CsvForm& form, long line, bool last, Table& table)
      : bytes_(bytes),
        line_(line),
        last_(last),
        stops_{form.separator, '\n', '\r'},
        escapes_(form.escapes),
        table_(table) {}

  size_t read() {
    while (at_ < bytes_.size()) {
      const long start = line_;
      const size_t begin = at_;
      std::vector<std::string> row;
      if (!ends_line())
        for (bool more = true; more; more = takes_separator()) row.push_back(field(start));
      if (open_) return begin;
      at_ = std::min(bytes_.find('\n', at_), bytes_.size() - 1) + 1;
      ++line_;
      if (row.empty()) continue;  // an empty line
      table_.rows.push_back(std::move(row));
      table_.lines.push_back(start);
    }
    return bytes_.size();
  }

 private:
  // Whether only carriage returns stand before the end of the line.
  bool ends_line() const {
    const size_t end = std::min(bytes_.find_first_not_of('\r', at_), bytes_.size());
    return end == bytes_.size() || bytes_[end] == '\n';
  }

  bool takes_separator() {
    const bool takes = at_ < bytes_.size() && bytes_[at_] == stops_[0];
    at_ += takes;
    return takes;
  }

  std::string field(long start) {
    if (at_ < bytes_.size() && bytes_[at_] == '"') return quoted();
    const size_t begin = std::exchange(at_, std::min(bytes_.find_first_of(stops_, at_), bytes_.size()));
    check(at_ == bytes_.size() || bytes_[at_] != '\r' || ends_line(), "{}:{}: a carriage return without a line feed",
          table_.path, start);
    return std::string(bytes_.substr(begin, at_ - begin));
  }

  std::string quoted() {
    const long opened = line_;
    const size_t begin = at_++;
    std::string value;
    for (bool open = true; open;) {
      const size_t stop = bytes_.find_first_of(escapes_ ? "\"\\" : "\"", at_);
      check(std::min(stop, bytes_.size()) - begin <= kLongestLine, "{}:{}: a quoted field of more than {} MiB",
            table_.path, opened, kLongestLine >> 20);
      open_ = stop == bytes_.npos && !last_;
      if (open_) return {};
      check(stop != bytes_.npos, "{}:{}: a quote opens a field and none closes it", table_.path, opened);
      value += bytes_.substr(at_, stop - at_);
      at_ = stop + 1;
      const char next = at_ < bytes_.size() ? bytes_[at_] : '\n';
      const bool doubled = next == '"' || (next == '\\' && bytes_[stop] == '\\');
      if (doubled)
        value += bytes_[at_++];
      else if (bytes_[stop] == '\\')
        value += '\\';
      open = doubled || bytes_[stop] == '\\';
    }
    line_ += std::count(bytes_.begin() + long(begin), bytes_.begin() + long(at_), '\n');
    check_closed(opened);
    return value;
  }

  void check_closed(long opened) const {
    if (ends_line() || bytes_[at_] == stops_[0]) return;
    const std::string_view behind = bytes_.substr(at_, bytes_.find_first_of(stops_, at_) - at_);
    fail(
        "{}:{}: a quoted field begins, and behind its closing quote{} stands '{}': a quote inside a quoted field is "
        "written twice (\"\")",
        table_.path, opened, line_ == opened ? "" : fmt::format(" in line {}", line_), shown(behind, 20));
  }

  std::string_view bytes_;
  size_t at_ = 0;
  long line_;
  const bool last_;
  bool open_ = false;        // the bytes end inside of a quoted field
  const std::string stops_;  // what ends a field without quotes
  const bool escapes_;
  Table& table_;
};

}  // namespace

size_t parse_tsv(std::string_view bytes, char separator, bool one_column, long first, Table& table) {
  Warning alone{"a carriage return inside a line is no line end: it stays in its field", 0, ""};
  for_each_line(bytes, first, [&](std::string_view line, long number) {
    if (line.empty() && !one_column) return;
    std::vector<std::string>& row = table.rows.emplace_back();
    table.lines.push_back(number);
    if (line.find('\r') != line.npos && alone.count++ == 0) alone.first = fmt::format("{}:{}", table.path, number);
    for (size_t start = 0; start <= line.size();) {
      const size_t end = std::min(line.find(separator, start), line.size());
      row.emplace_back(line.substr(start, end - start));
      start = end + 1;
    }
  });
  if (alone.count > 0) add_warning(table.warnings, alone);
  return bytes.size();
}

size_t parse_csv(std::string_view bytes, const CsvForm& form, long line, bool last, Table& table) {
  return CsvReader(bytes, form, line, last, table).read();
}

char separator_of(const std::string& name) {
  for (const auto& [separator, called] : kSeparators)
    if (name == called) return separator;
  if (name.empty()) return 0;
  check(name.size() == 1 && name[0] > 0 && name != "\"" && name != "\n" && name != "\r",
        "delimiter: comma, semicolon, tab, pipe or one ASCII character; got '{}'", shown(name));
  return name[0];
}

std::string name_of_separator(char separator) {
  for (const auto& [other, name] : kSeparators)
    if (other == separator) return name;
  return std::string(1, separator);
}

char separator_in(std::string_view line) {
  long most = 0;
  char best = 0;
  for (const auto& [separator, called] : kSeparators) {
    bool quoted = false;
    long count = 0;
    for (const char c : line) {
      quoted = quoted != (c == '"');
      count += !quoted && c == separator;
    }
    if (count > most) best = separator;
    most = std::max(most, count);
  }
  return best;
}

CsvSurvey survey_csv(std::string_view bytes, const CsvForm& form, bool last) {
  Table table;
  try {
    parse_csv(bytes, form, 1, last, table);
  } catch (const engine::Error&) { return {0, false}; }
  const bool even = std::all_of(table.rows.begin(), table.rows.end(),
                                [&](const auto& row) { return row.size() == table.rows[0].size(); });
  return {long(table.rows.size()), even};
}

CsvForm find_form(std::string_view first_line, char separator, bool header, bool backslashes,
                  const std::function<CsvSurvey(const CsvForm&)>& survey) {
  const char found = header && !separator ? separator_in(first_line) : '\0';
  const bool doubt = found && found != ',' && first_line.find(',') != first_line.npos;
  if (!separator) separator = found && !doubt ? found : ',';
  if (!doubt && !backslashes) return {separator, false};
  // The better of the two ways to quote, and whether it is good.
  const auto quoting = [&](char with) {
    const CsvForm plain{with, false}, escaped{with, true};
    const CsvSurvey read = survey(plain), other = backslashes ? survey(escaped) : CsvSurvey{0, false};
    const bool better = other.good && (!read.good || other.rows > read.rows);
    return std::pair(better ? escaped : plain, better || read.good);
  };
  const auto [form, good] = quoting(separator);
  if (!doubt || good) return form;
  const auto [other, other_good] = quoting(found);
  return other_good ? other : form;
}

}  // namespace text
