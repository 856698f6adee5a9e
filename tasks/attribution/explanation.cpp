// From methods over tokens and coalitions to shares of words. Read gradients.h, attended.h and coalitions.h first.
#include "tasks/attribution/explanation.h"

#include <algorithm>
#include <cmath>

#include "tasks/attribution/attended.h"
#include "tasks/attribution/gradients.h"

namespace attribution {

using engine::check;

namespace {

std::vector<Indices> rows_of_words(const Subject& subject) {
  std::vector<Indices> rows;
  for (const size_t i : subject.read()) rows.push_back(subject.words[i].tokens);
  return rows;
}

// Pieces summed into words.    [N] -> [words]
std::vector<double> over_words(const std::vector<double>& tokens, const Subject& subject) {
  std::vector<double> shares(subject.words.size());
  for (size_t i = 0; i < shares.size(); ++i)
    for (const int row : subject.words[i].tokens) shares[i] += tokens[size_t(row)];
  return shares;
}

// Of the words that were read, among all.
std::vector<double> spread(const std::vector<double>& of_read, const Subject& subject) {
  std::vector<double> shares(subject.words.size());
  const std::vector<size_t> read = subject.read();
  for (size_t i = 0; i < read.size(); ++i) shares[read[i]] = of_read[i];
  return shares;
}

void by_gradients(Explanation& to, const Decision& decision, const Subject& subject, const Settings& settings) {
  const Absent baseline = settings.absent == Absent::remove ? Absent::pad : settings.absent;
  const Integrated found =
      integrated_gradients(decision, subject.windows, absent_id(baseline, decision.model().tokenizer), settings.steps);
  to.shares = over_words(found.tokens, subject);
  to.value = found.value;
  to.baseline = found.baseline;
  to.delta = found.delta;
  to.runs = found.steps;
  to.complete = found.complete;
}

void by_coalitions(Explanation& to, const Decision& decision, const Subject& subject, const Settings& settings) {
  const Worth worth = worth_of(decision, subject, settings.absent);
  const long before = decision.runs(), words = long(subject.read().size());
  if (to.method == Method::occlusion) {
    to.shares = spread(occlusion(words, worth), subject);
  } else {
    const Shapley found = shapley(words, settings.samples, settings.seed, worth);
    to.shares = spread(found.shares, subject);
    if (!found.exact) to.errors = spread(found.errors, subject);
    to.value = found.all;
    to.baseline = found.none;
    double sum = 0;
    for (const double share : found.shares) sum += share;
    to.delta = sum - (found.all - found.none);
  }
  to.runs = decision.runs() - before;
}

}  // namespace

const std::vector<std::string>& method_names() {
  static const std::vector<std::string> names{
      "integrated-gradients", "gradient-x-input", "rollout", "attention", "shapley", "occlusion"};
  return names;
}

const std::string& name_of(Method method) { return method_names()[size_t(method)]; }

Method method_named(const std::string& name) {
  spec::check_name("--method", name, method_names());
  return Method(std::find(method_names().begin(), method_names().end(), name) - method_names().begin());
}

bool has_sign(Method method) { return method != Method::rollout && method != Method::attention; }

Worth worth_of(const Decision& decision, const Subject& subject, Absent absent) {
  return [&decision, &subject, absent, words = rows_of_words(subject)](const std::vector<Coalition>& coalitions) {
    std::vector<double> values;
    constexpr size_t kTogether = 512;  // so many are laid out at a time
    for (size_t begin = 0; begin < coalitions.size(); begin += kTogether) {
      std::vector<Windows> texts;
      for (size_t i = begin; i < std::min(begin + kTogether, coalitions.size()); ++i)
        texts.push_back(with_words(subject.windows, words, coalitions[i], absent, decision.model().tokenizer));
      const std::vector<double> some = decision.of_texts(texts);
      values.insert(values.end(), some.begin(), some.end());
    }
    return values;
  };
}

Explanation explain(Method method, const Decision& decision, const Subject& subject, const Settings& settings) {
  check(!subject.read().empty(), "{}: there is no word to explain", name_of(method));
  Explanation found{.method = method, .shares = {}};
  if (method == Method::integrated_gradients) {
    by_gradients(found, decision, subject, settings);
    return found;
  }
  if (method == Method::shapley || method == Method::occlusion) by_coalitions(found, decision, subject, settings);
  if (method == Method::gradient_x_input) check_gradients(decision, name_of(method));
  const auto of_tokens = [&](auto f) {
    found.shares = over_words(f(decision, subject.windows), subject);
    found.runs = 1;
  };
  if (method == Method::gradient_x_input) of_tokens([](auto&... in) { return gradient_x_input(in...); });
  if (method == Method::attention) of_tokens([](auto&... in) { return attention_weights(in...); });
  if (method == Method::rollout) of_tokens([](auto&... in) { return rollout(in...); });
  if (method != Method::shapley) found.value = decision.of_text(subject.windows);
  return found;
}

}  // namespace attribution
