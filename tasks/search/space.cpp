// Parameters of a search, checked, and in Optuna's words. Read tasks/search/space.h first.
#include "tasks/search/space.h"

#include <algorithm>
#include <cmath>

#include "engine/base.h"
#include "nn/format/json.h"
#include "tasks/text/labels.h"

namespace search {

using engine::check;

Distribution Distribution::number(double low, double high, bool log, double step) {
  return {.kind = Kind::number, .low = low, .high = high, .step = step, .log = log};
}

Distribution Distribution::whole(long low, long high, bool log, long step) {
  return {.kind = Kind::whole, .low = double(low), .high = double(high), .step = double(step), .log = log};
}

Distribution Distribution::choice(std::vector<ordered_json> choices) {
  const double last = double(choices.size()) - 1;
  return {.kind = Kind::choice, .low = 0, .high = last, .step = 1, .choices = std::move(choices)};
}

void Distribution::require_valid(const std::string& who) const {
  if (kind == Kind::choice) {
    check(!choices.empty(), "{}: there is nothing to choose from", who);
    for (size_t i = 0; i < choices.size(); ++i) {
      check(choices[i].is_primitive(), "{}: a choice is a word, a number, true, false or null; got {}", who,
            nn::shown_json(choices[i]));
      check(std::find(choices.begin(), choices.begin() + long(i), choices[i]) == choices.begin() + long(i),
            "{}: the choice {} is there twice", who, choices[i].dump());
    }
    return;
  }
  check(std::isfinite(low) && std::isfinite(high), "{}: bounds are numbers; got {} and {}", who, low, high);
  check(low <= high, "{}: the lower bound is above the upper: {} > {}", who, low, high);
  check(!log || low > 0, "{}: on a logarithm's scale the lower bound is above 0; got {}", who, low);
  check(step >= 0 && std::isfinite(step), "{}: a step is above 0; got {}", who, step);
  check(!log || step == (kind == Kind::whole ? 1 : 0), "{}: a logarithm's scale has no steps; got {}", who, step);
  if (kind == Kind::whole)
    for (const double x : {low, high, step})
      check(x == std::floor(x) && std::abs(x) < 1e15, "{}: whole numbers are wanted; got {}", who, x);
  if (step > 0) {
    const double steps = (high - low) / step, last = low + std::floor(steps + 1e-8) * step;
    check(std::abs(steps - std::round(steps)) < 1e-8,
          "{}: from {} in steps of {} the last is {}; the upper bound is {}", who, low, step, last, high);
  }
}

bool Distribution::single() const { return low == high; }

double Distribution::nearest(double x) const {
  const double on = step > 0 ? low + std::round((x - low) / step) * step : x;
  return std::clamp(on, low, high);
}

bool Distribution::contains(double value) const {
  return value >= low && value <= high && (kind == Kind::number || value == std::floor(value));
}

ordered_json Distribution::external(double value) const {
  if (kind == Kind::choice) return choices.at(size_t(value));
  if (kind != Kind::whole) return value;
  check(std::abs(value) < 1e15, "a whole number is wanted; got {}", value);
  return long(value);
}

double Distribution::internal(const json& value, const std::string& who) const {
  if (kind == Kind::choice) {
    for (size_t i = 0; i < choices.size(); ++i)
      if (json(choices[i]) == value && choices[i].is_boolean() == value.is_boolean()) return double(i);
    std::vector<std::string> words;
    for (const ordered_json& c : choices) words.push_back(c.is_string() ? c.get<std::string>() : c.dump());
    engine::fail("{}: {} is not one of {}{}", who, nn::shown_json(value), text::listed(words),
                 value.is_string() ? text::did_you_mean(value.get<std::string>(), words) : "");
  }
  check(value.is_number() && contains(value.get<double>()), "{}: {} is not {} from {} to {}", who,
        nn::shown_json(value), kind == Kind::whole ? "a whole number" : "a number", low, high);
  return value.get<double>();
}

std::string Distribution::text() const {
  if (kind == Kind::choice) {
    std::vector<std::string> words;
    for (const ordered_json& c : choices) words.push_back(c.is_string() ? c.get<std::string>() : c.dump());
    return text::listed(words);
  }
  const bool stepped = step > 0 && !(kind == Kind::whole && step == 1);
  return fmt::format("{}{} to {}{}{}", kind == Kind::whole ? "whole " : "", low, high, log ? ", log" : "",
                     stepped ? fmt::format(" in steps of {}", step) : "");
}

std::string Distribution::to_optuna() const {
  ordered_json a = ordered_json::object();
  if (kind == Kind::choice) {
    a["choices"] = choices;
    return ordered_json{{"name", "CategoricalDistribution"}, {"attributes", a}}.dump();
  }
  if (kind == Kind::whole) {
    a = {{"log", log}, {"step", long(step)}, {"low", long(low)}, {"high", long(high)}};
    return ordered_json{{"name", "IntDistribution"}, {"attributes", a}}.dump();
  }
  a = {{"step", step > 0 ? ordered_json(step) : ordered_json()}, {"low", low}, {"high", high}, {"log", log}};
  return ordered_json{{"name", "FloatDistribution"}, {"attributes", a}}.dump();
}

Distribution Distribution::from_optuna(const std::string& text, const std::string& where) {
  const ordered_json all = nn::parse_ordered_json(text, where);
  const auto fits = [&](const ordered_json& j, const char* key) { return j.is_object() && j.contains(key); };
  check(fits(all, "name") && all["name"].is_string() && fits(all, "attributes"), "{}: not a distribution: {}", where,
        engine::shown(text));
  const std::string name = all["name"];
  const ordered_json& a = all["attributes"];
  Distribution d;
  if (name == "CategoricalDistribution") {
    check(fits(a, "choices") && a["choices"].is_array(), "{}: a CategoricalDistribution without choices", where);
    d = choice(a["choices"].get<std::vector<ordered_json>>());
  } else {
    check(name == "FloatDistribution" || name == "IntDistribution",
          "{}: '{}' is not one of FloatDistribution, IntDistribution, CategoricalDistribution", where,
          engine::shown(name));
    check(fits(a, "low") && a["low"].is_number() && fits(a, "high") && a["high"].is_number(),
          "{}: a distribution without bounds", where);
    const bool stepped = fits(a, "step") && a["step"].is_number();
    d = number(a["low"], a["high"], a.value("log", false), stepped ? a["step"].get<double>() : 0);
    if (name == "IntDistribution") {
      d.kind = Kind::whole;
      if (!stepped) d.step = 1;
    }
  }
  d.require_valid(where);
  return d;
}

bool Distribution::compatible(const Distribution& other) const {
  return kind == other.kind && log == other.log && (kind != Kind::choice || choices == other.choices);
}

const Parameter* Space::find(const std::string& name) const {
  for (const Parameter& p : parameters)
    if (p.name == name) return &p;
  return nullptr;
}

void Space::require_valid() const {
  check(!parameters.empty(), "space: there is no parameter to choose");
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& p = parameters[i];
    const std::string who = "space." + p.name;
    check(find(p.name) == &p, "{}: is there twice", who);
    p.distribution.require_valid(who);
    if (p.parent.empty()) continue;
    const Parameter* parent = find(p.parent);
    check(parent && parent < &p, "{}: depends on '{}', which has to stand before it", who, p.parent);
    check(parent->distribution.kind == Distribution::Kind::choice, "{}: depends on '{}', which is no choice", who,
          p.parent);
  }
}

bool Space::asked(const Parameter& parameter, const Values& values) {
  if (parameter.parent.empty()) return true;
  const auto parent = values.find(parameter.parent);
  return parent != values.end() &&
         std::find(parameter.when.begin(), parameter.when.end(), parent->second) != parameter.when.end();
}

ordered_json Space::to_json() const {
  ordered_json all = ordered_json::object();
  for (const Parameter& p : parameters) {
    all[p.name] = ordered_json::parse(p.distribution.to_optuna());
    if (!p.parent.empty()) all[p.name]["if"] = {{p.parent, p.when}};
  }
  return all;
}

}  // namespace search
