// JSON from files that anybody may have written, and the header of a safetensors file.
#pragma once

#include <functional>
#include <string_view>

#include "nn/format/files.h"
#include "nn/format/json_value.h"

namespace nn {

// The value that `text` is. Errors begin with `where`: not JSON (with line and column; NaN and Infinity, which Python
// writes and JSON does not have, are named), a key that is twice in one object, nesting deeper than 64, which would
// overflow the stack of whoever walks the value later. Time and memory grow with the text and no faster.
json parse_json(std::string_view text, const std::string& where);

// The same with every object's keys in the order of the text; `comments`: // and /* */ are allowed. Find keys one by
// one in small objects only: each search walks through the keys.
ordered_json parse_ordered_json(std::string_view text, const std::string& where, bool comments = false);

// The same for an object that is too large to stand in memory as a value: calls on_member(key, value) for each of its
// members, in the order of the text. Error: not an object.
using OnMember = std::function<void(const std::string& key, const json& value)>;
void parse_members(std::string_view text, const std::string& where, const OnMember& on_member);

// The JSON of a regular file of at most 256 MiB.
json read_json(const std::string& path);

// A JSON value as a sentence may show it: its first 40 characters.
std::string shown_json(const json& value);

// An object, read key by key. A key that is null is not there; a value of another type is an error with `where` and the
// key. What is taken keeps its value where the key is not there.
class JsonObject {
 public:
  JsonObject(const json& object, const std::string& where);  // refers to the object

  const std::string& where() const { return where_; }
  const json* find(const char* key) const;  // nullptr: not there
  void take(const char* key, std::string& to) const;
  void take(const char* key, bool& to) const;
  void take(const char* key, double& to) const;
  void take(const char* key,
            long& to) const;  // 12, and 12.0, which some writers make of it; nothing between two numbers
  void take(const char* key, std::vector<long>& to) const;
  void take(const char* key, std::vector<double>& to) const;
  std::vector<long> numbers(const char* key, const json& list) const;  // `list` is a value of `key`

 private:
  template <class T>
  T as(const char* key, const json& value, bool fits, const char* what) const;
  long whole(const char* key, const json& value) const;

  const json& object_;
  std::string where_;
};

// What stands before the numbers of a safetensors file: the header's length in eight bytes, and the header, filled up
// with spaces to a multiple of 8.
std::string safetensors_header(const ordered_json& header);

}  // namespace nn
