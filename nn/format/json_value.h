// A JSON value for every file that handles one. nlohmann's does the same and its templates cost each of those files
// seconds to compile; here they stand in one, json_value.cpp, and the names and habits are nlohmann's.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace nn {

template <bool kSorted>
class BasicJson;
using json = BasicJson<true>;           // an object's keys stand in the order of their bytes, each is found by halves
using ordered_json = BasicJson<false>;  // in the order in which they came, found one by one

// A value that is not of the type that was asked for, a key that is not there, bytes that are not UTF-8.
struct JsonError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace json_detail {
template <class T>
concept Number = std::is_arithmetic_v<T> && !std::same_as<T, bool>;
template <class T>
concept Text = std::convertible_to<const T&, std::string_view>;
template <class T>
concept Map = requires {
  typename T::mapped_type;
};
template <class T>
concept List = !Text<T> && !Map<T> && requires(const T& t) {
  typename T::value_type;
  t.begin();
};
template <class T>
concept Growing = requires(T& t) {
  t.clear();
};
template <class T>
struct is_pair : std::false_type {};
template <class A, class B>
struct is_pair<std::pair<A, B>> : std::true_type {};
template <class T>
struct is_json : std::false_type {};
template <bool kSorted>
struct is_json<BasicJson<kSorted>> : std::true_type {};
template <class T>
concept Readable = (std::is_arithmetic_v<T> && !std::same_as<T, char>) || std::same_as<T, std::string> ||
                   ((List<T> || Map<T>)&&!is_json<T>::value && Growing<T>);

// Over the values of an array or of an object, which lie `step` bytes apart.
template <class V>
class Iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = std::remove_const_t<V>;
  using difference_type = std::ptrdiff_t;
  using pointer = V*;
  using reference = V&;

  Iterator() = default;
  Iterator(V* at, std::ptrdiff_t step) : at_(at), step_(step) {}
  V& operator*() const { return *at_; }
  V* operator->() const { return at_; }
  std::ptrdiff_t step() const { return step_; }
  Iterator& operator++() {
    using Byte = std::conditional_t<std::is_const_v<V>, const char, char>;
    at_ = reinterpret_cast<V*>(reinterpret_cast<Byte*>(at_) + step_);
    return *this;
  }
  Iterator operator++(int) {
    const Iterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Iterator& other) const { return at_ == other.at_; }

 private:
  V* at_ = nullptr;
  std::ptrdiff_t step_ = 0;
};
}  // namespace json_detail

template <bool kSorted>
class BasicJson {
 public:
  struct Item;    // of a braced list
  struct Member;  // key, value
  using Braced = std::initializer_list<Item>;
  using iterator = json_detail::Iterator<BasicJson>;
  using const_iterator = json_detail::Iterator<const BasicJson>;

  BasicJson() {}
  BasicJson(std::nullptr_t) {}
  BasicJson(Braced items);  // an object where each is {"key", value}, else an array
  template <class T>
  requires std::same_as<T, bool> BasicJson(T value) : kind_(Kind::boolean) { boolean_ = value; }
  template <json_detail::Number T>
  BasicJson(T value) {
    if constexpr (std::is_floating_point_v<T>)
      kind_ = Kind::real, real_ = double(value);
    else if constexpr (std::is_signed_v<T>)
      kind_ = Kind::integer, integer_ = int64_t(value);
    else
      kind_ = Kind::natural, natural_ = uint64_t(value);
  }
  BasicJson(std::string value);
  BasicJson(std::string_view value) : BasicJson(std::string(value)) {}
  BasicJson(const char* value) : BasicJson(std::string(value)) {}
  template <class T>
  requires(json_detail::List<T> && !json_detail::is_json<T>::value) BasicJson(const T& values) : BasicJson(array()) {
    for (auto&& value : values) push_back(BasicJson(static_cast<const typename T::value_type&>(value)));
  }
  template <json_detail::Map T>
  BasicJson(const T& values) : BasicJson(object()) {
    for (const auto& [key, value] : values) (*this)[key] = BasicJson(value);
  }
  template <class A, class B>
  BasicJson(const std::pair<A, B>& both) : BasicJson(array({both.first, both.second})) {}
  BasicJson(const BasicJson<!kSorted>& other);
  BasicJson(const BasicJson& other);
  BasicJson(BasicJson&& other) noexcept;
  BasicJson& operator=(BasicJson other) noexcept;
  ~BasicJson();

  static BasicJson array(Braced items = {});
  static BasicJson object(Braced items = {});     // error: an item that is not {"key", value}
  static BasicJson parse(std::string_view text);  // error: engine::Error, as nn::parse_json
  static BasicJson parse_or_null(std::string_view text);

  bool is_null() const noexcept { return kind_ == Kind::null; }
  bool is_boolean() const noexcept { return kind_ == Kind::boolean; }
  bool is_number() const noexcept { return kind_ >= Kind::integer && kind_ <= Kind::real; }
  bool is_number_integer() const noexcept { return kind_ == Kind::integer || kind_ == Kind::natural; }
  bool is_number_unsigned() const noexcept { return kind_ == Kind::natural; }  // of a text: a whole number from 0
  bool is_number_float() const noexcept { return kind_ == Kind::real; }
  bool is_string() const noexcept { return kind_ == Kind::string; }
  bool is_array() const noexcept { return kind_ == Kind::array; }
  bool is_object() const noexcept { return kind_ == Kind::object; }
  bool is_structured() const noexcept { return is_array() || is_object(); }
  bool is_primitive() const noexcept { return !is_structured(); }
  const char* type_name() const noexcept;  // null, boolean, number, string, array, object

  // What it is, as a T: a number, bool, string, a vector or another list, a map from strings. Error: it is not one.
  template <class T>
  T get() const {
    if constexpr (std::same_as<T, BasicJson>)
      return *this;
    else if constexpr (std::same_as<T, bool>)
      return boolean();
    else if constexpr (std::is_floating_point_v<T>)
      return T(real());
    else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)
      return T(integer());
    else if constexpr (std::is_integral_v<T>)
      return T(natural());
    else if constexpr (std::same_as<T, std::string>)
      return string();
    else if constexpr (json_detail::is_pair<T>::value)
      return {at(size_t(0)).template get<typename T::first_type>(),
              at(size_t(1)).template get<typename T::second_type>()};
    else if constexpr (json_detail::Map<T>) {
      T values;
      for (const auto& [key, value] : members()) values[key] = value.template get<typename T::mapped_type>();
      return values;
    } else {
      T values;
      for (const BasicJson& value : elements())
        values.insert(values.end(), value.template get<typename T::value_type>());
      return values;
    }
  }
  template <json_detail::Readable T>
  operator T() const {
    return get<T>();
  }
  const std::string& string() const;

  // Arrays and objects. null becomes what is asked of it: an object by [key], an array by push_back.
  size_t size() const noexcept;  // of null 0, of another value 1
  bool empty() const noexcept { return size() == 0; }
  const std::vector<BasicJson>& elements() const;
  const std::vector<Member>& members() const;  // of null none
  std::vector<Member>& members();              // `json`: to be kept sorted
  const std::vector<Member>& items() const& { return members(); }
  std::vector<Member>& items() & { return members(); }
  std::vector<Member> items() && { return std::move(members()); }  // a loop over what a function returned may hold it
  bool contains(std::string_view key) const noexcept { return member(key) != nullptr; }
  size_t count(std::string_view key) const noexcept { return contains(key); }
  const_iterator find(std::string_view key) const noexcept;
  iterator find(std::string_view key) noexcept;
  const BasicJson& at(std::string_view key) const&;  // error: it is not there
  BasicJson& at(std::string_view key) &;
  BasicJson at(std::string_view key) && { return std::move(at(key)); }
  const BasicJson& at(size_t i) const&;
  BasicJson& at(size_t i) &;
  BasicJson at(size_t i) && { return std::move(at(i)); }
  template <json_detail::Text K>
  BasicJson& operator[](const K& key) & {  // null where it was not there
    return found_or_added(key);
  }
  template <json_detail::Text K>
  const BasicJson& operator[](const K& key) const& {
    return at(std::string_view(key));
  }
  template <json_detail::Text K>
  BasicJson operator[](const K& key) && {
    return std::move(found_or_added(key));
  }
  template <std::integral I>
  BasicJson& operator[](I i) & {
    return at(size_t(i));
  }
  template <std::integral I>
  const BasicJson& operator[](I i) const& {
    return at(size_t(i));
  }
  template <std::integral I>
  BasicJson operator[](I i) && {
    return std::move(at(size_t(i)));
  }
  template <class T>
  requires(!json_detail::Text<T>) T value(std::string_view key, T missing)
  const {
    const BasicJson* found = member(key);
    return found ? found->template get<T>() : missing;
  }
  std::string value(std::string_view key, const char* missing) const;
  std::string value(std::string_view key, const std::string& missing) const { return value(key, missing.c_str()); }
  const BasicJson& front() const { return at(size_t(0)); }
  const BasicJson& back() const { return at(size() - 1); }
  BasicJson& back() { return at(size() - 1); }
  BasicJson& push_back(BasicJson value);  // where it stands now
  size_t erase(std::string_view key);
  void update(const BasicJson& object);  // takes its members, over those that are there
  const_iterator begin() const noexcept;
  const_iterator end() const noexcept;
  iterator begin() noexcept;
  iterator end() noexcept;

  // The text; `indent` spaces a level, or one line. Numbers in the fewest digits that read as the same double, NaN and
  // infinity as null.
  std::string dump(int indent = -1) const;  // error: bytes that are not UTF-8
  std::string line() const;                 // dump() with U+FFFD for such bytes: of what came from elsewhere

  // Numbers by value whatever their types, ordered objects in their order. (By value, so that the compiler does not
  // turn `json == 1` round.)
  bool equals(const BasicJson& other) const;
  friend bool operator==(const BasicJson& a, const BasicJson& b) { return a.equals(b); }
  template <class T>
  requires std::is_arithmetic_v<T>
  friend bool operator==(const BasicJson& a, T b) { return a.equals(BasicJson(b)); }
  template <json_detail::Text T>
  friend bool operator==(const BasicJson& a, const T& b) {
    return a.is_string() && a.string() == std::string_view(b);
  }
  friend auto operator<=>(const BasicJson& a, const BasicJson& b) { return a.real() <=> b.real(); }  // numbers
  template <json_detail::Number T>
  friend auto operator<=>(const BasicJson& a, T b) {
    return a.real() <=> double(b);
  }

 private:
  template <bool>
  friend class BasicJson;
  enum class Kind : uint8_t { null, boolean, integer, natural, real, string, array, object };

  [[noreturn]] void is_not(const char* type) const;
  bool boolean() const;
  int64_t integer() const;
  uint64_t natural() const;
  double real() const;
  const BasicJson* member(std::string_view key) const noexcept;
  BasicJson* member(std::string_view key) noexcept;
  BasicJson& found_or_added(std::string_view key);
  BasicJson& added(std::string key, BasicJson value);  // a member whose key is not there
  static bool is_member(const BasicJson& value);       // ["key", value]
  template <class Nlohmann>
  void copy_to(Nlohmann& to) const;

  Kind kind_ = Kind::null;
  union {
    bool boolean_;
    int64_t integer_;
    uint64_t natural_;
    double real_;
    std::string* string_;
    std::vector<BasicJson>* array_;
    std::vector<Member>* object_ = nullptr;
  };
};

template <bool kSorted>
struct BasicJson<kSorted>::Member {
  std::string key;
  BasicJson value;
};

// It may be moved out of a list, which is const.
template <bool kSorted>
struct BasicJson<kSorted>::Item {
  template <class T>
  requires std::constructible_from<BasicJson, T> Item(T&& from) : value(std::forward<T>(from)) {}
  Item() {}  // {}: null
  Item(Braced items) : value(items) {}
  mutable BasicJson value;
};

template <bool kSorted>
std::ostream& operator<<(std::ostream& out, const BasicJson<kSorted>& value);

extern template class BasicJson<true>;
extern template class BasicJson<false>;
extern template std::ostream& operator<<(std::ostream&, const BasicJson<true>&);
extern template std::ostream& operator<<(std::ostream&, const BasicJson<false>&);

}  // namespace nn
