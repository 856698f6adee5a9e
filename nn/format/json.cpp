// One reader of JSON for every file: it keeps the keys of the objects that are open, so that none comes twice, and
// counts how deep they are. Read nn/format/json.h first.
#include "nn/format/json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "engine/strings.h"
#include "nn/format/json_row.h"

namespace nn {
using namespace engine;
namespace {

// The events of nlohmann's parser, made to a value. Its own way to watch them, a callback, takes time that grows with
// the square of an object's keys.
template <class Json>
class Builder {
 public:
  Builder(std::string_view text, const std::string& where, const OnMember* on_member, bool row = false)
      : text_(text), where_(where), on_member_(on_member), row_(row) {}

  Json take() { return std::move(root_); }

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(int64_t value) { return add(value); }
  bool number_unsigned(uint64_t value) { return add(value); }
  bool number_float(double value, const std::string& written) {
    return row_ && open_.size() == 1 ? add(written) : add(value);
  }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(nlohmann::json::binary_t&) { fail("{}: not JSON: binary data", where_); }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    check(open_.back().keys.insert(name).second, "{}: {}the key '{}' is there twice", where_, path(), shown(name));
    open_.back().key = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) {
    const size_t last = std::max<size_t>(1, std::min(position, text_.size())) - 1;
    for (const char* word : {"NaN", "Infinity"})
      check(!text_.substr(std::min(last, text_.size())).starts_with(word),
            "{}: not JSON: {} at line {}, which Python writes and JSON does not have; a number or null is needed",
            where_, word, 1 + std::count(text_.begin(), text_.begin() + long(last), '\n'));
    std::string what = error.what();
    what.erase(0, what.find("] ") + 2);
    if (const size_t line = what.find("line 1, "); line != what.npos && text_.find('\n') == text_.npos)
      what.erase(line, std::string("line 1, ").size());  // there is one only, and `where` may have a line of its own
    fail("{}: not JSON: {}", where_, shown(what, 300));
  }

 private:
  struct Open {
    Json* value;
    std::string key;  // of an object: whose value comes next
    std::unordered_set<std::string> keys;
  };

  // "tasks: mood: ", what the innermost object is called.
  std::string path() const {
    std::string path;
    for (size_t i = 0; i + 1 < open_.size(); ++i)
      if (open_[i].value->is_object()) path += shown(open_[i].key) + ": ";
    return path;
  }

  bool streams() const { return on_member_ && open_.size() == 1; }

  Json* place(Json value) {
    if (open_.empty() || streams()) return &(root_ = std::move(value));
    Json& in = *open_.back().value;
    if (in.is_array()) {
      in.push_back(std::move(value));
      return &in.back();
    }
    in.members().push_back({open_.back().key, std::move(value)});  // its keys are known to differ
    return &in.members().back().value;
  }

  void hand_over() {
    if constexpr (std::is_same_v<Json, json>)
      if (streams()) (*on_member_)(open_.back().key, root_);
  }

  bool add(Json value) {
    check(!on_member_ || !open_.empty(), "{}: must be a JSON object", where_);
    place(std::move(value));
    hand_over();
    return true;
  }

  bool open(Json value) {
    constexpr size_t kDeepest = 64;
    check(open_.size() < kDeepest, "{}: JSON nested more than {} deep", where_, kDeepest);
    check(!on_member_ || !open_.empty() || value.is_object(), "{}: must be a JSON object", where_);
    Json* at = place(std::move(value));
    open_.push_back({open_.empty() && on_member_ ? &top_ : at, {}, {}});
    return true;
  }

  bool close() {
    if (Json& value = *open_.back().value; std::is_same_v<Json, json> && value.is_object())
      std::sort(value.members().begin(), value.members().end(), [](auto& a, auto& b) { return a.key < b.key; });
    open_.pop_back();
    hand_over();
    return true;
  }

  std::string_view text_;
  const std::string& where_;
  const OnMember* on_member_;
  bool row_;
  Json root_, top_ = Json::object();  // of streamed members: the one that is being built, and what they are of
  std::vector<Open> open_;
};

template <class Json>
Json parse(std::string_view text, const std::string& where, bool comments, const OnMember* on_member = nullptr) {
  Builder<Json> builder(text, where, on_member);
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder, nlohmann::json::input_format_t::json, true, comments);
  return builder.take();
}

}  // namespace

json parse_json(std::string_view text, const std::string& where) { return parse<json>(text, where, false); }

ordered_json parse_ordered_json(std::string_view text, const std::string& where, bool comments) {
  return parse<ordered_json>(text, where, comments);
}

ordered_json parse_json_row(std::string_view text, const std::string& where) {
  Builder<ordered_json> builder(text, where, nullptr, true);
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

void parse_members(std::string_view text, const std::string& where, const OnMember& on_member) {
  parse<json>(text, where, false, &on_member);
}

json read_json(const std::string& path) { return parse_json(read_regular_file(path), path); }

std::string shown_json(const json& value) { return shown(value.line()); }

JsonObject::JsonObject(const json& object, const std::string& where) : object_(object), where_(where) {
  check(object.is_object(), "{}: a JSON object is needed; got {}", where, shown_json(object));
}

const json* JsonObject::find(const char* key) const {
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

template <class T>
T JsonObject::as(const char* key, const json& value, bool fits, const char* what) const {
  check(fits, "{}: {}: must be {}; got {}", where_, key, what, shown_json(value));
  return value.get<T>();
}

long JsonObject::whole(const char* key, const json& value) const {
  const double number = as<double>(key, value, value.is_number(), "a whole number");
  check(number == std::floor(number) && std::abs(number) < 1e15, "{}: {}: must be a whole number; got {}", where_, key,
        shown_json(value));
  return long(number);
}

std::vector<long> JsonObject::numbers(const char* key, const json& list) const {
  check(list.is_array(), "{}: {}: must be a list of whole numbers; got {}", where_, key, shown_json(list));
  std::vector<long> result;
  for (const json& value : list) result.push_back(whole(key, value));
  return result;
}

void JsonObject::take(const char* key, std::string& to) const {
  if (const json* value = find(key)) to = as<std::string>(key, *value, value->is_string(), "a string");
}

void JsonObject::take(const char* key, bool& to) const {
  if (const json* value = find(key)) to = as<bool>(key, *value, value->is_boolean(), "true or false");
}

void JsonObject::take(const char* key, double& to) const {
  if (const json* value = find(key)) to = as<double>(key, *value, value->is_number(), "a number");
}

void JsonObject::take(const char* key, long& to) const {
  if (const json* value = find(key)) to = whole(key, *value);
}

void JsonObject::take(const char* key, std::vector<long>& to) const {
  if (const json* list = find(key)) to = numbers(key, *list);
}

void JsonObject::take(const char* key, std::vector<double>& to) const {
  const json* list = find(key);
  if (!list) return;
  check(list->is_array(), "{}: {}: must be a list of numbers; got {}", where_, key, shown_json(*list));
  to.clear();
  for (const json& value : *list) to.push_back(as<double>(key, value, value.is_number(), "a list of numbers"));
}

std::string safetensors_header(const ordered_json& header) {
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t size = text.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + text;
}

}  // namespace nn
