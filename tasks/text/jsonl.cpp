// Objects are read key by key into the columns of the first one. Read tasks/text/data.h before.
#include "tasks/text/jsonl.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>
#include <utility>

#include "nn/format/json_row.h"
#include "tasks/text/separated.h"

namespace text {

using engine::check;

namespace {

// The unit of UTF-16 whose escape, \uXXXX, stands at line[at]; 0 if none does.
unsigned escaped_unit(std::string_view line, size_t at) {
  unsigned unit = 0;
  if (line.size() < at + 6 || line.substr(at, 2) != "\\u") return 0;
  const char* end = line.data() + at + 6;
  const auto [stop, error] = std::from_chars(end - 4, end, unit, 16);
  return error == std::errc() && stop == end ? unit : 0;
}

// The line with U+FFFD for each escape of one half of a surrogate pair, as Python writes a text that was cut between
// the two; and how many there were.
std::pair<std::string, long> without_halves(std::string_view line) {
  if (line.find("\\ud") == line.npos && line.find("\\uD") == line.npos) return {std::string(line), 0};
  std::string whole;
  long halves = 0;
  for (size_t at = 0; at < line.size();) {
    const auto is_second = [](unsigned unit) { return unit >= 0xDC00 && unit < 0xE000; };
    const unsigned unit = escaped_unit(line, at);
    const bool first = unit >= 0xD800 && unit < 0xDC00, pair = first && is_second(escaped_unit(line, at + 6));
    const bool half = is_second(unit) || (first && !pair);
    const size_t length = pair ? 12 : unit ? 6 : line[at] == '\\' ? 2 : 1;  // of a backslash what it escapes, too
    whole += half ? "\uFFFD" : line.substr(at, length);
    halves += half;
    at += length;
  }
  return {whole, halves};
}

nn::ordered_json parse_object(std::string_view line, const std::string& where) {
  nn::ordered_json object = nn::parse_json_row(line, where);
  check(object.is_object(), "{}: one JSON object a line; got a JSON {}", where, object.type_name());
  return object;
}

// The values of keys in the order of another object, found where they stand there as a rule; a search of its own for
// each would take the square of their number.
class Members {
 public:
  explicit Members(const nn::ordered_json& object) : members_(object.members()) {}

  const nn::ordered_json* find(const std::string& key, size_t likely) {
    if (likely < members_.size() && members_[likely].key == key) return &members_[likely].value;
    if (places_.empty())
      for (const auto& [name, value] : members_) places_[name] = &value;
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : found->second;
  }

 private:
  const std::vector<nn::ordered_json::Member>& members_;
  std::unordered_map<std::string_view, const nn::ordered_json*> places_;
};

bool is_words(const nn::ordered_json& value) {
  return value.is_array() &&
         std::all_of(value.begin(), value.end(), [](const auto& i) { return i.is_primitive() && !i.is_null(); });
}

Nested nested(const nn::ordered_json& value) {
  Nested nested{is_words(value), {}};
  if (nested.list)
    for (const auto& word : value) nested.items.push_back(word.is_string() ? word.get<std::string>() : word.dump());
  return nested;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// One warning for all of them, which names the first.
void note_left_out(const nn::ordered_json& object, long count, const std::string& where, Table& table) {
  const std::string what = "keys that the first object does not have are left out, first ";
  if (count == 0) return;
  const auto there = std::ranges::find_if(table.warnings, [&](const Warning& w) { return w.what.starts_with(what); });
  if (there != table.warnings.end()) return void(there->count += count);
  for (const auto& [key, value] : object.items())
    if (!std::ranges::count(table.columns, key))
      return table.warnings.push_back({fmt::format("{}'{}'", what, shown(key)), count, where});
}

// The values of the columns in their order, as a row.
void append_row(const nn::ordered_json& object, const std::string& where, long first_row, const TableOptions& options,
                Table& table) {
  std::vector<std::string>& row = table.rows.emplace_back();
  Members members(object);
  size_t taken = 0;
  for (const std::string& key : table.columns) {
    const nn::ordered_json* value = members.find(key, row.size());
    check(value || std::ranges::count(options.optional_keys, key), "{}: no '{}', which line {} has", where, shown(key),
          first_row);
    taken += value != nullptr;
    if (value && value->is_structured()) {
      const Nested& of = table.nested[{table.rows.size() - 1, row.size()}] = nested(*value);
      row.push_back(of.list ? joined(of.items) : value->dump());
      continue;
    }
    row.push_back(!value || value->is_null() ? "" : value->is_string() ? value->get<std::string>() : value->dump());
  }
  if (!options.keep_objects) note_left_out(object, long(object.size() - taken), where, table);
}

}  // namespace

void parse_jsonl(std::string_view bytes, long first, long first_row, const TableOptions& options, Table& table) {
  for_each_line(bytes, first, [&](std::string_view line, long number) {
    if (line.find_first_not_of(" \t") == line.npos) return;
    const std::string where = fmt::format("{}:{}", table.path, number);
    const auto [whole, halves] = without_halves(line);
    if (halves) add_warning(table.warnings, {"an escape of half a surrogate pair became U+FFFD", halves, where});
    const nn::ordered_json object = parse_object(whole, where);
    if (first_row == 0) {
      first_row = number;
      for (const auto& [key, value] : object.items()) table.columns.push_back(key);
      for (const std::string& key : options.optional_keys)
        if (!object.contains(key)) table.columns.push_back(key);
    }
    append_row(object, where, first_row, options, table);
    table.lines.push_back(number);
    if (options.keep_objects) table.objects.emplace_back(line);
  });
}

std::vector<std::string> keys_of(std::string_view object, const std::string& where) {
  std::vector<std::string> keys;
  const nn::ordered_json parsed = parse_object(without_halves(object).first, where);
  for (const auto& [key, value] : parsed.items()) keys.push_back(key);
  return keys;
}

}  // namespace text
