// Explanations by name: what every word of a text adds to a decision, by one of six methods.
#pragma once

#include <cstdint>

#include "tasks/attribution/coalitions.h"
#include "tasks/attribution/decision.h"
#include "tasks/attribution/subject.h"

namespace attribution {

enum class Method { integrated_gradients, gradient_x_input, rollout, attention, shapley, occlusion };
const std::vector<std::string>& method_names();  // as options have them, in the order of Method
const std::string& name_of(Method method);
Method method_named(const std::string& name);  // Error: none of them (the nearest)
// Whether its shares say for and against; attention and rollout say how much alone.
bool has_sign(Method method);

struct Settings {
  Absent absent = Absent::mask;
  long steps = 50;    // of integrated gradients, at first
  long samples = 50;  // pairs of orders, of Shapley values of more than kExactWords words
  uint64_t seed = 42;
};

struct Explanation {
  Method method;
  std::vector<double> shares;           // of every word of the subject; 0 of one that was not read
  std::vector<double> errors = {};      // standard errors, of what is sampled
  double value = 0;                     // F(x)
  std::optional<double> baseline = {};  // F of what the method compares with, if it does
  double delta = 0;                     // of what adds up: sum of shares - (F(x) - F(baseline)), [CLS] and [SEP] told
  long runs = 0;                        // of the text through the model
  bool complete = true;                 // integrated gradients: delta is as small as it must be
};

// What coalitions of the words that were read are worth; `decision`, `subject` must outlive it.
Worth worth_of(const Decision& decision, const Subject& subject, Absent absent);

// Error: a text of which no word was read; what the method needs and the model does not have.
Explanation explain(Method method, const Decision& decision, const Subject& subject, const Settings& settings);

}  // namespace attribution
