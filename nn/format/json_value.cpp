// A JSON value's memory, members and text. Its parser stands in json.cpp; the text comes from nlohmann's serializer.
// Read nn/format/json_value.h first.
#include "nn/format/json_value.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>

#include "engine/base.h"
#include "nn/format/json.h"

namespace nn {

template <bool kSorted>
BasicJson<kSorted>::BasicJson(std::string value) : kind_(Kind::string) {
  string_ = new std::string(std::move(value));
}

template <bool kSorted>
BasicJson<kSorted>::BasicJson(Braced items) {
  const bool object = std::all_of(items.begin(), items.end(), [](const Item& i) { return is_member(i.value); });
  *this = object ? BasicJson::object(items) : array(items);
}

template <bool kSorted>
BasicJson<kSorted>::BasicJson(const BasicJson& other) : kind_(other.kind_) {
  switch (kind_) {
    case Kind::string:
      string_ = new std::string(*other.string_);
      break;
    case Kind::array:
      array_ = new std::vector<BasicJson>(*other.array_);
      break;
    case Kind::object:
      object_ = new std::vector<Member>(*other.object_);
      break;
    default:
      natural_ = other.natural_;
  }
}

template <bool kSorted>
BasicJson<kSorted>::BasicJson(BasicJson&& other) noexcept
    : kind_(std::exchange(other.kind_, Kind::null)), object_(std::exchange(other.object_, nullptr)) {}

template <bool kSorted>
BasicJson<kSorted>::BasicJson(const BasicJson<!kSorted>& other) {
  using From = typename BasicJson<!kSorted>::Kind;
  switch (other.kind_) {
    case From::string:
      *this = *other.string_;
      break;
    case From::array:
      *this = array();
      for (const auto& value : *other.array_) array_->push_back(BasicJson(value));
      break;
    case From::object:
      *this = object();
      for (const auto& [key, value] : *other.object_) added(key, BasicJson(value));
      break;
    default:
      kind_ = Kind(other.kind_), natural_ = other.natural_;
  }
}

template <bool kSorted>
BasicJson<kSorted>& BasicJson<kSorted>::operator=(BasicJson other) noexcept {
  std::swap(kind_, other.kind_);
  std::swap(object_, other.object_);
  return *this;
}

template <bool kSorted>
BasicJson<kSorted>::~BasicJson() {
  switch (kind_) {
    case Kind::string:
      delete string_;
      break;
    case Kind::array:
      delete array_;
      break;
    case Kind::object:
      delete object_;
      break;
    default:;
  }
}

template <bool kSorted>
BasicJson<kSorted> BasicJson<kSorted>::array(Braced items) {
  BasicJson made;
  made.kind_ = Kind::array;
  made.array_ = new std::vector<BasicJson>;
  made.array_->reserve(items.size());
  for (const Item& item : items) made.array_->push_back(std::move(item.value));
  return made;
}

template <bool kSorted>
BasicJson<kSorted> BasicJson<kSorted>::object(Braced items) {
  BasicJson made;
  made.kind_ = Kind::object;
  made.object_ = new std::vector<Member>;
  made.object_->reserve(items.size());
  for (const Item& item : items) {
    if (!is_member(item.value)) throw JsonError("a member of an object must be {\"key\", value}");
    std::vector<BasicJson>& pair = *item.value.array_;
    if (!made.contains(*pair[0].string_)) made.added(std::move(*pair[0].string_), std::move(pair[1]));
  }
  return made;
}

template <bool kSorted>
BasicJson<kSorted> BasicJson<kSorted>::parse(std::string_view text) {
  if constexpr (kSorted)
    return parse_json(text, "JSON");
  else
    return parse_ordered_json(text, "JSON");
}

template <bool kSorted>
BasicJson<kSorted> BasicJson<kSorted>::parse_or_null(std::string_view text) {
  try {
    return parse(text);
  } catch (const engine::Error&) { return {}; }
}

template <bool kSorted>
bool BasicJson<kSorted>::is_member(const BasicJson& value) {
  return value.is_array() && value.array_->size() == 2 && (*value.array_)[0].is_string();
}

template <bool kSorted>
const char* BasicJson<kSorted>::type_name() const noexcept {
  constexpr const char* kNames[] = {"null", "boolean", "number", "number", "number", "string", "array", "object"};
  return kNames[size_t(kind_)];
}

template <bool kSorted>
void BasicJson<kSorted>::is_not(const char* type) const {
  throw JsonError(std::string("type must be ") + type + ", but is " + type_name());
}

template <bool kSorted>
bool BasicJson<kSorted>::boolean() const {
  if (kind_ != Kind::boolean) is_not("boolean");
  return boolean_;
}

template <bool kSorted>
int64_t BasicJson<kSorted>::integer() const {
  if (!is_number()) is_not("number");
  return kind_ == Kind::real ? int64_t(real_) : integer_;
}

template <bool kSorted>
uint64_t BasicJson<kSorted>::natural() const {
  if (!is_number()) is_not("number");
  return kind_ == Kind::real ? uint64_t(real_) : natural_;
}

template <bool kSorted>
double BasicJson<kSorted>::real() const {
  if (!is_number()) is_not("number");
  return kind_ == Kind::real ? real_ : kind_ == Kind::integer ? double(integer_) : double(natural_);
}

template <bool kSorted>
const std::string& BasicJson<kSorted>::string() const {
  if (kind_ != Kind::string) is_not("string");
  return *string_;
}

template <bool kSorted>
size_t BasicJson<kSorted>::size() const noexcept {
  return kind_ == Kind::array ? array_->size() : kind_ == Kind::object ? object_->size() : kind_ != Kind::null;
}

template <bool kSorted>
const std::vector<BasicJson<kSorted>>& BasicJson<kSorted>::elements() const {
  if (kind_ != Kind::array) is_not("array");
  return *array_;
}

template <bool kSorted>
const std::vector<typename BasicJson<kSorted>::Member>& BasicJson<kSorted>::members() const {
  static const std::vector<Member> kNone;
  if (kind_ == Kind::null) return kNone;
  if (kind_ != Kind::object) is_not("object");
  return *object_;
}

template <bool kSorted>
std::vector<typename BasicJson<kSorted>::Member>& BasicJson<kSorted>::members() {
  if (kind_ == Kind::null) *this = object();
  if (kind_ != Kind::object) is_not("object");
  return *object_;
}

namespace {

// Where `key` stands in an object, or would.
template <bool kSorted, class Members>
auto place_of(Members& members, std::string_view key) {
  if constexpr (kSorted)
    return std::lower_bound(members.begin(), members.end(), key, [](const auto& m, auto k) { return m.key < k; });
  else
    return std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.key == key; });
}

}  // namespace

template <bool kSorted>
const BasicJson<kSorted>* BasicJson<kSorted>::member(std::string_view key) const noexcept {
  if (kind_ != Kind::object) return nullptr;
  const auto place = place_of<kSorted>(*object_, key);
  return place != object_->end() && place->key == key ? &place->value : nullptr;
}

template <bool kSorted>
BasicJson<kSorted>* BasicJson<kSorted>::member(std::string_view key) noexcept {
  return const_cast<BasicJson*>(std::as_const(*this).member(key));
}

template <bool kSorted>
BasicJson<kSorted>& BasicJson<kSorted>::added(std::string key, BasicJson value) {
  const auto place = kSorted ? place_of<kSorted>(*object_, key) : object_->end();
  return object_->insert(place, Member{std::move(key), std::move(value)})->value;
}

template <bool kSorted>
typename BasicJson<kSorted>::const_iterator BasicJson<kSorted>::find(std::string_view key) const noexcept {
  const BasicJson* found = member(key);
  return found ? const_iterator(found, sizeof(Member)) : end();
}

template <bool kSorted>
typename BasicJson<kSorted>::iterator BasicJson<kSorted>::find(std::string_view key) noexcept {
  BasicJson* found = member(key);
  return found ? iterator(found, sizeof(Member)) : end();
}

template <bool kSorted>
const BasicJson<kSorted>& BasicJson<kSorted>::at(std::string_view key) const& {
  if (kind_ != Kind::object) is_not("object");
  const BasicJson* found = member(key);
  if (!found) throw JsonError("key '" + std::string(key) + "' not found");
  return *found;
}

template <bool kSorted>
BasicJson<kSorted>& BasicJson<kSorted>::at(std::string_view key) & {
  return const_cast<BasicJson&>(std::as_const(*this).at(key));
}

template <bool kSorted>
const BasicJson<kSorted>& BasicJson<kSorted>::at(size_t i) const& {
  if (i >= elements().size())
    throw JsonError("index " + std::to_string(i) + " of an array of " + std::to_string(array_->size()));
  return (*array_)[i];
}

template <bool kSorted>
BasicJson<kSorted>& BasicJson<kSorted>::at(size_t i) & {
  return const_cast<BasicJson&>(std::as_const(*this).at(i));
}

template <bool kSorted>
BasicJson<kSorted>& BasicJson<kSorted>::found_or_added(std::string_view key) {
  members();  // null becomes an object
  BasicJson* found = member(key);
  return found ? *found : added(std::string(key), {});
}

template <bool kSorted>
std::string BasicJson<kSorted>::value(std::string_view key, const char* missing) const {
  const BasicJson* found = member(key);
  return found ? found->string() : missing;
}

template <bool kSorted>
BasicJson<kSorted>& BasicJson<kSorted>::push_back(BasicJson value) {
  if (kind_ == Kind::null) *this = array();
  if (kind_ != Kind::array) is_not("array");
  return array_->emplace_back(std::move(value));
}

template <bool kSorted>
size_t BasicJson<kSorted>::erase(std::string_view key) {
  return std::erase_if(members(), [&](const Member& m) { return m.key == key; });
}

template <bool kSorted>
void BasicJson<kSorted>::update(const BasicJson& object) {
  for (const auto& [key, value] : object.members()) (*this)[key] = value;
}

template <bool kSorted>
typename BasicJson<kSorted>::const_iterator BasicJson<kSorted>::begin() const noexcept {
  if (kind_ == Kind::array) return {array_->data(), sizeof(BasicJson)};
  if (kind_ == Kind::object && !object_->empty()) return {&object_->front().value, sizeof(Member)};
  return end();
}

template <bool kSorted>
typename BasicJson<kSorted>::const_iterator BasicJson<kSorted>::end() const noexcept {
  if (kind_ == Kind::array) return {array_->data() + array_->size(), sizeof(BasicJson)};
  if (kind_ == Kind::object && !object_->empty())
    return std::next(const_iterator(&object_->back().value, sizeof(Member)));
  return {};
}

template <bool kSorted>
typename BasicJson<kSorted>::iterator BasicJson<kSorted>::begin() noexcept {
  const const_iterator place = std::as_const(*this).begin();
  return {const_cast<BasicJson*>(place.operator->()), place.step()};
}

template <bool kSorted>
typename BasicJson<kSorted>::iterator BasicJson<kSorted>::end() noexcept {
  const const_iterator place = std::as_const(*this).end();
  return {const_cast<BasicJson*>(place.operator->()), place.step()};
}

template <bool kSorted>
template <class Nlohmann>
void BasicJson<kSorted>::copy_to(Nlohmann& to) const {
  if (kind_ == Kind::boolean) to = boolean_;
  if (kind_ == Kind::integer) to = integer_;
  if (kind_ == Kind::natural) to = natural_;
  if (kind_ == Kind::real) to = real_;
  if (kind_ == Kind::string) to = *string_;
  if (kind_ == Kind::array) {
    auto& values = (to = Nlohmann::array()).template get_ref<typename Nlohmann::array_t&>();
    values.resize(array_->size());
    for (size_t i = 0; i < values.size(); ++i) (*array_)[i].copy_to(values[i]);
  }
  if (kind_ == Kind::object) {
    auto& values = (to = Nlohmann::object()).template get_ref<typename Nlohmann::object_t&>();
    values.reserve(object_->size());  // its emplace would look through all keys
    for (const Member& m : *object_) m.value.copy_to(values.emplace_back(m.key, nullptr).second);
  }
}

template <bool kSorted>
std::string BasicJson<kSorted>::dump(int indent) const {
  nlohmann::ordered_json value;
  copy_to(value);
  try {
    return value.dump(indent);
  } catch (const nlohmann::json::exception& e) { throw JsonError(e.what()); }
}

template <bool kSorted>
std::string BasicJson<kSorted>::line() const {
  nlohmann::ordered_json value;
  copy_to(value);
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

template <bool kSorted>
bool BasicJson<kSorted>::equals(const BasicJson& other) const {
  if (is_number() && other.is_number()) {
    if (kind_ == Kind::real || other.kind_ == Kind::real) return real() == other.real();
    if (kind_ == other.kind_) return natural_ == other.natural_;
    return natural_ == other.natural_ && integer_ >= 0;  // one signed, one not
  }
  if (kind_ != other.kind_) return false;
  if (kind_ == Kind::boolean) return boolean_ == other.boolean_;
  if (kind_ == Kind::string) return *string_ == *other.string_;
  if (kind_ == Kind::array) return *array_ == *other.array_;
  if (kind_ != Kind::object) return true;
  return std::equal(object_->begin(), object_->end(), other.object_->begin(), other.object_->end(),
                    [](const Member& a, const Member& b) { return a.key == b.key && a.value == b.value; });
}

template <bool kSorted>
std::ostream& operator<<(std::ostream& out, const BasicJson<kSorted>& value) {
  return out << value.dump();
}

template class BasicJson<true>;
template class BasicJson<false>;
template std::ostream& operator<<(std::ostream&, const BasicJson<true>&);
template std::ostream& operator<<(std::ostream&, const BasicJson<false>&);

}  // namespace nn
