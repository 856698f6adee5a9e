// Bytes to lines to rows: the form is settled at the first line, then every piece is read up to its last whole row.
// Read tasks/text/separated.h before.
#include "tasks/text/table_parser.h"

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <utility>

#include "nn/format/json.h"
#include "tasks/text/utf8.h"

namespace text {

using engine::check;

namespace {

std::string format_of(const std::string& path, const std::string& given) {
  std::string format = given;
  if (format == "lines") return format;
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

size_t parse_jsonl(std::string_view bytes, long first, long first_row, bool keep_objects, Table& table) {
  for_each_line(bytes, first, [&](std::string_view line, long number) {
    if (line.find_first_not_of(" \t") == line.npos) return;
    const std::string where = fmt::format("{}:{}", table.path, number);
    const nlohmann::ordered_json object = parse_object(line, where);
    if (first_row == 0) {
      first_row = number;
      for (const auto& item : object.items()) table.columns.push_back(item.key());
    }
    std::vector<std::string>& row = table.rows.emplace_back();
    table.lines.push_back(number);
    if (keep_objects) table.objects.emplace_back(line);
    Members members(object);
    for (const std::string& key : table.columns) {
      const nlohmann::ordered_json* value = members.find(key, row.size());
      check(value, "{}: no '{}', which line {} has", where, shown(key), first_row);
      if (value->is_structured())
        table.nested[{table.rows.size() - 1, row.size()}] = is_words(*value) ? "array" : "object";
      if (is_words(*value)) {
        row.push_back(joined(*value));
        continue;
      }
      row.push_back(value->is_null() ? "" : value->is_string() ? value->get<std::string>() : value->dump());
    }
  });
  return bytes.size();
}

}  // namespace

void add_warning(std::vector<Warning>& warnings, const Warning& warning) {
  const auto same = [&](const Warning& other) { return other.what == warning.what; };
  const auto found = std::find_if(warnings.begin(), warnings.end(), same);
  if (found == warnings.end())
    warnings.push_back(warning);
  else
    found->count += warning.count;
}

TableParser::TableParser(Table& table, const TableOptions& options, FindForm find_form)
    : table_(table),
      options_(options),
      find_form_(std::move(find_form)),
      format_(format_of(table.path, options.format)),
      separator_(separator_of(options.delimiter)) {
  check(options.encoding == "utf-8" || options.encoding == "latin-1", "encoding: utf-8 or latin-1; got '{}'",
        options.encoding);
  check(!separator_ || format_ != "jsonl", "{}: a delimiter is for TSV and CSV, not for JSONL", table.path);
  if (format_ == "tsv" && !separator_) separator_ = '\t';
  if (format_ == "lines") table.columns = {"text"};
}

void TableParser::append(std::string bytes, bool last) {
  check_text(bytes, table_.path, before_ + long(bytes_.size()));
  bytes_ = bytes_.empty() ? std::move(bytes) : bytes_ + bytes;
  const size_t whole = last ? bytes_.size() : bytes_.rfind('\n') + 1;  // npos + 1 is 0
  if (whole == 0 && !last) return;
  if (!begun_ && bytes_.find('\n') == bytes_.npos) std::replace(bytes_.begin(), bytes_.end(), '\r', '\n');  // old Macs'
  to_utf8(whole);
  if (!std::exchange(begun_, true)) begin(last);
  if (!last && text_.size() < enough_) return;
  const size_t from = table_.rows.size();
  const size_t taken = format_ == "jsonl" ? parse_jsonl(text_, line_, first_row_, options_.keep_objects, table_)
                       : format_ == "csv" ? parse_csv(text_, form_, line_, last, table_)
                                          : parse_tsv(text_, separator_, one_column_, line_, table_);
  if (first_row_ == 0 && !table_.rows.empty()) {
    first_row_ = table_.lines[0];
    if (format_ == "tsv" || format_ == "csv") name_columns();
  }
  line_ += std::count(text_.begin(), text_.begin() + long(taken), '\n');
  text_.erase(0, taken);
  enough_ = 2 * text_.size();  // a row that does not end is not looked at again and again
  any_ |= table_.rows.size() > from;
  check(!last || any_ || format_ == "lines", "{}: no data rows{}", table_.path,
        options_.header && format_ != "jsonl" ? " below the header" : "");
  if (format_ == "tsv") drop_surplus(from);
  check_widths(from);
}

// Moves `count` bytes of the file from bytes_ to text_.
void TableParser::to_utf8(size_t count) {
  std::string piece = count == bytes_.size() ? std::exchange(bytes_, {}) : bytes_.substr(0, count);
  bytes_.erase(0, std::min(count, bytes_.size()));
  before_ += long(count);
  if (!begun_) {
    std::string_view content = piece;
    drop_byte_order_marks(content);
    table_.marked = content.size() < piece.size();
    piece.erase(0, piece.size() - content.size());
  }
  if (options_.encoding == "latin-1") {
    text_ += from_latin1(piece);
    return;
  }
  Repaired repaired = repair_utf8(std::move(piece));
  if (repaired.invalid > 0) {
    const auto begin = repaired.text.begin(), at = begin + long(repaired.first_invalid);
    const long line = line_ + std::count(text_.begin(), text_.end(), '\n') + std::count(begin, at, '\n');
    add_warning(table_.warnings,
                {"invalid UTF-8 became U+FFFD", repaired.invalid, fmt::format("{}:{}", table_.path, line)});
  }
  text_ = text_.empty() ? std::move(repaired.text) : text_ + repaired.text;
}

// What the first line says of the form.
void TableParser::begin(bool last) {
  std::string_view text = text_, first = text.substr(0, text.find('\n'));
  if (const char other = separator_in(first); other && (format_ == "tsv" || format_ == "csv"))
    table_.hint = fmt::format("; its first line has another separator: --delimiter {}", name_of_separator(other));
  const std::string_view rows = text.substr(std::min(text.find_first_not_of("\r\n"), text.size()));
  one_column_ = rows.substr(0, rows.find('\n')).find(separator_) == rows.npos;
  if (format_ != "csv") return;
  if (first.starts_with("sep=") && first.find_first_not_of('\r', 5) == first.npos && first.size() > 4) {
    if (!separator_) separator_ = first[4];
    text_.erase(0, first.size() + 1);
    ++line_;
    text = text_;
    first = text.substr(0, text.find('\n'));
  }
  form_ = find_form_ ? find_form_(first, separator_) : look(first, last);
  separator_ = form_.separator;
  if (form_.escapes)
    add_warning(table_.warnings, {"quotes inside quotes are written \\\" and read so", 0, table_.path});
}

CsvForm TableParser::look(std::string_view first_line, bool last) const {
  return text::find_form(first_line, separator_, options_.header, text_.find("\\\"") != text_.npos,
                         [&](const CsvForm& form) { return survey_csv(text_, form, last); });
}

void TableParser::name_columns() {
  if (!options_.header) {
    for (size_t c = 1; c <= table_.rows[0].size(); ++c) table_.columns.push_back(std::to_string(c));
  } else {
    table_.columns = std::move(table_.rows[0]);
    table_.rows.erase(table_.rows.begin());
    table_.lines.erase(table_.lines.begin());
  }
  if (table_.columns.size() > 1) table_.hint.clear();
}

// Files made by machines may end a line with a tab too many; a header says how many fields there should be.
void TableParser::drop_surplus(size_t from) {
  const size_t width = table_.columns.size();
  Warning surplus{fmt::format("fields past the {} of the first row are left out", width), 0, ""};
  for (size_t r = from; r < table_.rows.size(); ++r) {
    std::vector<std::string>& row = table_.rows[r];
    const auto past = row.begin() + long(std::min(width, row.size()));
    const bool empty = std::all_of(past, row.end(), [](const std::string& field) { return field.empty(); });
    if (options_.header && !empty) continue;
    row.erase(past, row.end());
    if (!empty && surplus.count++ == 0) surplus.first = fmt::format("{}:{}", table_.path, table_.lines[r]);
  }
  if (surplus.count > 0) add_warning(table_.warnings, surplus);
}

void TableParser::check_widths(size_t from) const {
  for (size_t r = from; r < table_.rows.size(); ++r)
    check(table_.rows[r].size() == table_.columns.size(), "{}:{}: a row of {} fields; line {} has {}{}", table_.path,
          table_.lines[r], table_.rows[r].size(), first_row_, table_.columns.size(), table_.hint);
}

}  // namespace text
