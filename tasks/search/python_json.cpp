// Numbers that are none, there and back. Read tasks/search/python_json.h first.
#include "tasks/search/python_json.h"

#include <cmath>
#include <limits>

namespace search {

using nn::json;
using nn::ordered_json;

std::string with_python(const ordered_json& value) {
  std::string inner;
  const auto separator = [&] { return inner.empty() ? "" : ","; };
  if (value.is_array()) {
    for (const ordered_json& element : value) inner += separator() + with_python(element);
    return "[" + inner + "]";
  }
  if (value.is_object()) {
    for (const auto& [key, of_key] : value.items())
      inner += separator() + ordered_json(key).dump() + ":" + with_python(of_key);
    return "{" + inner + "}";
  }
  if (!value.is_number_float() || std::isfinite(value.get<double>())) return value.dump();
  const double x = value;
  return std::isnan(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity";
}

std::string without_python(const std::string& line) {
  if (line.find("NaN") == line.npos && line.find("Infinity") == line.npos) return line;
  std::string out;
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '\\') {
      out += line.substr(i++, 2);
      continue;
    }
    quoted ^= line[i] == '"';
    const auto begins = [&](const char* word) {
      return !quoted && line.compare(i, std::string(word).size(), word) == 0;
    };
    const char* found = nullptr;
    for (const char* word : {"NaN", "Infinity", "-Infinity"})
      if (begins(word)) found = word;
    if (!found) {
      out += line[i];
      continue;
    }
    out += fmt::format("\"{}\"", found);
    i += std::string(found).size() - 1;
  }
  return out;
}

double number_of(const json& value) {
  if (value.is_number()) return value.get<double>();
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  const double infinity = std::numeric_limits<double>::infinity();
  return text == "Infinity" ? infinity : text == "-Infinity" ? -infinity : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace search
