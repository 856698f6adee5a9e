// An object of the task file, read key by key.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "engine/base.h"
#include "nn/format/json_value.h"
#include "tasks/text/labels.h"

namespace spec {

using nn::ordered_json;
using Names = std::vector<std::string>;

// Every key is taken once, and what nobody took is refused as unknown.
class StrictObject {
 public:
  StrictObject(const ordered_json& json, std::string where) : json_(json), where_(std::move(where)) {
    engine::check(json.is_object(), "{}: must be an object {{...}}; got {}", where_, json.dump().substr(0, 40));
  }
  const ordered_json* find(const std::string& key) {
    known_.push_back(key);
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }
  std::string where(const std::string& key) const { return where_ + "." + key; }
  void take(const std::string& key, std::string& to) {
    if (const ordered_json* value = of_type(key, "a string", &ordered_json::is_string)) to = *value;
  }
  void take(const std::string& key, bool& to) {
    if (const ordered_json* value = of_type(key, "true or false", &ordered_json::is_boolean)) to = *value;
  }
  std::optional<double> number(const std::string& key, double low, double high, bool whole) {
    const ordered_json* value = of_type(key, "a number", &ordered_json::is_number);
    if (!value) return std::nullopt;
    const double x = *value;
    engine::check(x >= low && x <= high && (!whole || x == std::floor(x)), "{}: must be {} from {} to {}; got {}",
                  where(key), whole ? "a whole number" : "a number", low, high, value->dump());
    return x;
  }
  void take(const std::string& key, double& to, double low, double high) {
    to = number(key, low, high, false).value_or(to);
  }
  void take(const std::string& key, long& to, double low, double high) {
    to = long(number(key, low, high, true).value_or(double(to)));
  }
  // A string, or a list of strings.
  void take(const std::string& key, Names& to) {
    const ordered_json* value = find(key);
    if (!value) return;
    const auto is_string = [](const ordered_json& v) { return v.is_string(); };
    const bool fine = value->is_string() ||
                      (value->is_array() && !value->empty() && std::all_of(value->begin(), value->end(), is_string));
    engine::check(fine, "{}: must be a string or a list of strings; got {}", where(key), value->dump().substr(0, 40));
    to = value->is_string() ? Names{value->get<std::string>()} : value->get<Names>();
  }
  // All keys there may be: what is misspelt is refused before what it was meant to be is missed.
  void expect(const Names& keys) {
    known_.insert(known_.end(), keys.begin(), keys.end());
    finish();
  }
  void finish() const {
    for (const auto& [key, value] : json_.items())
      engine::check(std::find(known_.begin(), known_.end(), key) != known_.end(),
                    "{}: there is no key '{}'; the keys are {}{}", where_, key, text::listed(known_),
                    text::did_you_mean(key, known_));
  }

 private:
  const ordered_json* of_type(const std::string& key, const char* type, bool (ordered_json::*is)() const noexcept) {
    const ordered_json* value = find(key);
    engine::check(!value || (value->*is)(), "{}: must be {}; got {}", where(key), type,
                  value ? value->dump().substr(0, 40) : "");
    return value;
  }

  const ordered_json& json_;
  std::string where_;
  Names known_;
};

}  // namespace spec
