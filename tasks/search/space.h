// Space: what a search may choose among: numbers between bounds, on a logarithm's scale or in steps, choices, and what
// is asked only where a choice before it was made. The kinds and their JSON are Optuna's (optuna/distributions.py).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nn/format/json_value.h"

namespace search {

using nn::json;
using nn::ordered_json;

// Which values a parameter has. Inside the search a value is a double: of a choice its place among the choices.
struct Distribution {
  enum class Kind { number, whole, choice };
  Kind kind = Kind::number;
  double low = 0, high = 1;  // both can be chosen
  double step = 0;           // 0: every number between; whole numbers have 1 at least
  bool log = false;          // equal shares for equal ratios
  std::vector<ordered_json> choices = {};

  static Distribution number(double low, double high, bool log = false, double step = 0);
  static Distribution whole(long low, long high, bool log = false, long step = 1);
  static Distribution choice(std::vector<ordered_json> choices);

  // Error, which begins with `who`: bounds that are no numbers or the wrong way round, a logarithm of what is not above
  // 0 or in steps, a step that does not lead to `high`, no choices, one choice twice.
  void require_valid(const std::string& who) const;
  bool single() const;                                               // there is nothing to choose
  double nearest(double x) const;                                    // the value that can be chosen and is nearest to x
  bool contains(double value) const;                                 // within bounds; a place among the choices
  ordered_json external(double value) const;                         // as a reader sees it: 0.1, 3, "gelu", null
  double internal(const json& value, const std::string& who) const;  // back.    Error: it cannot be chosen

  std::string text() const;       // for a person: 1 to 6; 1e-05 to 0.1, log; 16 to 256 in steps of 16; sgd, adamw
  std::string to_optuna() const;  // {"name": "FloatDistribution", "attributes": {...}}
  static Distribution from_optuna(const std::string& text, const std::string& where);
  // Values of one study may be of both: the same kind, scale and choices; bounds may differ.
  bool compatible(const Distribution& other) const;
  bool operator==(const Distribution& other) const = default;
};

using Values = std::map<std::string, double>;  // by the parameter's name

struct Parameter {
  std::string name;
  Distribution distribution;
  std::string parent = {};        // asked only where this parameter, a choice, has one of the values ...
  std::vector<double> when = {};  // ... at these places.    Empty parent: always
  long points = 0;                // of a grid, for numbers without steps
};

struct Space {
  std::vector<Parameter> parameters;  // a parent before its children

  const Parameter* find(const std::string& name) const;
  // Error: no parameter, one twice, a parent that is not there before, is no choice or lacks the value.
  void require_valid() const;
  // Whether it is asked once the parameters before it are chosen: `values` has them.
  static bool asked(const Parameter& parameter, const Values& values);
  ordered_json to_json() const;  // to compare and to keep
};

}  // namespace search
