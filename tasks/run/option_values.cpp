// One option: its checks, and its texts as values. Read tasks/run/arguments.cpp first: where they come from.
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "engine/base.h"
#include "engine/strings.h"
#include "tasks/run/arguments.h"
#include "tasks/text/labels.h"

namespace run {
namespace {

// The whole text as a number, a plus sign before it or none; false if it is none.
template <class T>
bool read_number(const std::string& text, T& value) {
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  const std::optional<T> number = engine::parse_number<T>(std::string_view(text).substr(plus));
  value = number.value_or(value);
  return number.has_value();
}

// What is beyond that is a slip, and not a number any more once it is multiplied.
std::string too_large(const std::string& text) {
  double value = 0;
  return read_number(text, value) && value >= 1e30 ? fmt::format("must be below 1e30; got '{}'", text::shown(text))
                                                   : "";
}

constexpr const char* kTrue[] = {"true", "yes", "on", "1"};
constexpr const char* kFalse[] = {"false", "no", "off", "0"};

// What is wrong with a text as a value of type T; nothing: it is in `value` now.
template <class T>
std::string convert(const std::string& text, T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    value = text;
  } else if constexpr (std::is_same_v<T, bool>) {
    const bool yes = std::find(std::begin(kTrue), std::end(kTrue), text) != std::end(kTrue);
    const bool no = std::find(std::begin(kFalse), std::end(kFalse), text) != std::end(kFalse);
    if (!yes && !no) return fmt::format("must be true or false; got '{}'", text::shown(text));
    value = yes;
  } else if constexpr (std::is_floating_point_v<T>) {
    T number = 0;
    if (!read_number(text, number) || !std::isfinite(number))
      return fmt::format("must be a number; got '{}'", text::shown(text));
    value = number;
  } else {
    T number = 0;
    if (!read_number(text, number))
      return fmt::format("must be a whole number{}; got '{}'", std::is_unsigned_v<T> ? " from 0" : "",
                         text::shown(text));
    value = number;
  }
  return "";
}

template <class T>
constexpr const char* type_name() {
  return std::is_same_v<T, bool>          ? ""
         : std::is_same_v<T, std::string> ? "TEXT"
         : std::is_floating_point_v<T>    ? "FLOAT"
         : std::is_unsigned_v<T>          ? "UINT"
                                          : "INT";
}

// Doubles in the fewest digits that bring them back.
template <class T>
std::string text_of(const T& value) {
  return fmt::format("{}", value);
}

template <class T>
Binding bind(T& variable) {
  return {type_name<T>(), false, [&] { return std::vector{text_of(variable)}; },
          [&](const std::vector<std::string>& texts) { return convert(texts.back(), variable); }};
}

template <class T>
Binding bind(std::optional<T>& variable) {
  const auto assign = [&](const std::vector<std::string>& texts) {
    T value{};
    std::string wrong = convert(texts.back(), value);
    if (wrong.empty()) variable = value;
    return wrong;
  };
  const auto values = [&] { return variable ? std::vector{text_of(*variable)} : std::vector<std::string>{}; };
  return {type_name<T>(), false, values, assign};
}

template <class T>
Binding bind(std::vector<T>& variable) {
  const auto assign = [&](const std::vector<std::string>& texts) {
    std::vector<T> values(texts.size());
    for (size_t i = 0; i < texts.size(); ++i)
      if (std::string wrong = convert(texts[i], values[i]); !wrong.empty()) return wrong;
    variable = std::move(values);
    return std::string();
  };
  const auto values = [&] {
    std::vector<std::string> texts;
    for (const T& value : variable) texts.push_back(text_of(value));
    return texts;
  };
  return {type_name<T>(), true, values, assign};
}

}  // namespace

template <class T>
Option& Options::add(const std::string& name, T& variable, const std::string& help) {
  return declare(name, help, bind(variable));
}

template Option& Options::add(const std::string&, std::string&, const std::string&);
template Option& Options::add(const std::string&, int&, const std::string&);
template Option& Options::add(const std::string&, long&, const std::string&);
template Option& Options::add(const std::string&, uint64_t&, const std::string&);
template Option& Options::add(const std::string&, double&, const std::string&);
template Option& Options::add(const std::string&, std::optional<std::string>&, const std::string&);
template Option& Options::add(const std::string&, std::optional<int>&, const std::string&);
template Option& Options::add(const std::string&, std::optional<long>&, const std::string&);
template Option& Options::add(const std::string&, std::optional<uint64_t>&, const std::string&);
template Option& Options::add(const std::string&, std::optional<double>&, const std::string&);
template Option& Options::add(const std::string&, std::vector<std::string>&, const std::string&);
template Option& Options::add(const std::string&, std::vector<int>&, const std::string&);
template Option& Options::add(const std::string&, std::vector<long>&, const std::string&);
template Option& Options::add(const std::string&, std::vector<uint64_t>&, const std::string&);
template Option& Options::add(const std::string&, std::vector<double>&, const std::string&);
template Option& Options::add(const std::string&, bool&, const std::string&);

Option::Option(std::string name, std::string help, Binding binding)
    : name_(std::move(name)), help_(std::move(help)), binding_(std::move(binding)) {}

void Option::assign() {
  std::vector<std::string> values;
  for (const std::string& text : given_)
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = delimiter_ ? std::min(text.find(delimiter_, begin), text.size()) : text.size();
      values.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  for (const std::string& value : values)
    for (const Check& check : checks_) {
      const std::string wrong = check(value);
      engine::check(wrong.empty(), "{}: {}", name_, wrong);
    }
  const std::string wrong = binding_.assign(values);
  engine::check(wrong.empty(), "{}: {}", name_, wrong);
}

std::string Option::summary() const {
  std::string text = name_;
  const std::string type = reads_ || writes_ ? "FILE" : binding_.type;
  if (!flag() && type != name_) text += " " + type + labels_;
  if (!flag() && shows_default_ && !defaults_.empty() && !defaults_[0].empty())
    text += binding_.list ? fmt::format("=[{}]", fmt::join(defaults_, ",")) : "=" + defaults_[0];
  return text + (binding_.list ? " ..." : "") + (required_ ? " REQUIRED" : "");
}

Option& Option::group(const std::string& name) {
  group_ = name;
  return *this;
}

Option& Option::required() {
  required_ = true;
  return *this;
}

Option& Option::delimiter(char c) {
  delimiter_ = c;
  return *this;
}

Option& Option::excludes(const std::string& other) {
  excludes_.push_back(other);
  return *this;
}

Option& Option::only_with(const std::string& other, const std::vector<std::string>& values) {
  only_with_.push_back({other, values});
  return *this;
}

Option& Option::reads() {
  reads_ = true;
  return *this;
}

Option& Option::writes() {
  writes_ = true;
  return *this;
}

Option& Option::hide_default() {
  shows_default_ = false;
  return *this;
}

Option& Option::not_saved() {
  saved_ = false;
  return *this;
}

Option& Option::check(Check check) {
  checks_.push_back(std::move(check));
  return *this;
}

Option& Option::number_that(const std::string& must, const std::string& label, std::function<bool(double)> holds) {
  labels_ += ":" + label;
  return check([=, holds = std::move(holds)](const std::string& text) {
    double value = 0;
    const bool fine = read_number(text, value) && holds(value);
    return fine ? "" : fmt::format("must be {}; got '{}'", must, text::shown(text));
  });
}

Option& Option::positive() {
  return check(too_large).number_that("a positive number", "> 0", [](double v) { return v > 0; });
}

Option& Option::not_negative() {
  return check(too_large).number_that("0 or more", ">= 0", [](double v) { return v >= 0; });
}

Option& Option::between(double low, double high) {
  return number_that(fmt::format("from {} to {}", low, high), fmt::format("{} to {}", low, high),
                     [=](double v) { return v >= low && v <= high; });
}

Option& Option::one_of(const std::vector<std::string>& names) {
  labels_ += fmt::format(":{{{}}}", fmt::join(names, ","));
  return check([=](const std::string& value) {
    const bool fine = std::find(names.begin(), names.end(), value) != names.end();
    return fine ? ""
                : fmt::format("'{}' is not one of {}{}", text::shown(value), text::listed(names),
                              text::did_you_mean(value, names));
  });
}

}  // namespace run
