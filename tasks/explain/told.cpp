// Numbers to lines. Read tasks/attribution/explanation.h first.
#include "tasks/explain/told.h"

#include <algorithm>
#include <cmath>

#include "engine/strings.h"
#include "tasks/attribution/words.h"
#include "tasks/text/utf8.h"

namespace explain {

using attribution::Explanation;
using attribution::Method;
using nn::ordered_json;

namespace {

constexpr size_t kWordColumns = 20, kNumberColumns = 8, kErrorColumns = 7, kLongestBar = 24;

std::string short_name(Method method) {
  return method == Method::integrated_gradients ? "int. grad."
         : method == Method::gradient_x_input   ? "grad x in"
                                                : attribution::name_of(method);
}

std::string padded(const std::string& text, size_t columns) {
  const std::string fitted = text::fitted(text, columns);
  return fitted + std::string(columns - std::min(columns, text::columns_of(fitted)), ' ');
}

std::string coloured(const std::string& bar, double share, attribution::Marks marks) {
  if (marks != attribution::Marks::colour || bar.empty()) return bar;
  return fmt::format("\033[{}m{}\033[0m", share > 0 ? "32" : "31", bar);
}

double most_of(const std::vector<double>& shares) {
  double most = 0;
  for (const double share : shares) most = std::max(most, std::abs(share));
  return most;
}

// One cell of the table: number, error, bar.
std::string cell(const Explanation& e, size_t word, size_t width) {
  const double share = e.shares[word];
  std::string text = attribution::has_sign(e.method) ? fmt::format("{:+8.3f}", share) : fmt::format("{:8.3f}", share);
  if (!e.errors.empty()) text += padded(fmt::format(" ±{:.3f}", e.errors[word]), kErrorColumns);
  const std::string drawn = bar(share, most_of(e.shares), width);
  text += " " + coloured(drawn, share, attribution::marks_of_output());
  return text + std::string(width - text::columns_of(drawn), ' ');
}

// What a method compared with, spent, and left over.
std::string footnote(const Told& told, const Explanation& e, const Asked& asked) {
  std::string line = attribution::name_of(e.method);
  const model::TextModel& model = told.decision.model();
  if (e.method == Method::integrated_gradients) {
    const std::string piece = asked.settings.absent == attribution::Absent::remove
                                  ? model.tokenizer.piece(model.tokenizer.pad_id())
                                  : asked.absent_text(model);
    line += fmt::format(
        ": from {} in the place of every word ({:+.3f}) to the text ({:+.3f}) in {} steps; left over: "
        "{:+.1e}{}",
        piece, *e.baseline, e.value, e.runs, e.delta, e.complete ? "" : ", more than 0.1 %: do not read small shares");
  } else if (e.method == Method::shapley) {
    line += fmt::format(
        ": {}, {} runs, absent words {}; without any word {:+.3f}, with all {:+.3f}: the shares add up "
        "to the difference",
        e.errors.empty() ? "exact" : fmt::format("sampled, {} pairs of orders", asked.settings.samples), e.runs,
        asked.absent_text(model), *e.baseline, e.value);
  } else if (e.method == Method::occlusion) {
    line +=
        fmt::format(": what is lost with each word alone, absent words {}; {} runs", asked.absent_text(model), e.runs);
  } else if (e.method == Method::gradient_x_input) {
    line += ": the first order of what would be gone; the shares do not add up";
  } else {
    line += ": where the model looks; it says nothing of for and against";
  }
  return line + "\n";
}

ordered_json words_of(const Told& told, const Explanation& e) {
  ordered_json words = ordered_json::array();
  for (size_t i = 0; i < e.shares.size(); ++i) {
    const attribution::Word& word = told.subject.words[i];
    if (word.tokens.empty()) continue;
    ordered_json& one = words.push_back({{"word", word.text}});
    if (word.second) one["second"] = true;
    if (word.end > 0) one["begin"] = word.begin, one["end"] = word.end;
    one["share"] = e.shares[i];
    if (!e.errors.empty()) one["error"] = e.errors[i];
  }
  return words;
}

}  // namespace

std::string bar(double share, double most, size_t width) {
  const size_t length = most > 0 ? size_t(std::lround(std::abs(share) / most * double(width))) : 0;
  std::string text;
  for (size_t i = 0; i < length; ++i) text += share > 0 ? "█" : "▒";
  return text;
}

std::string table_of(const Told& told, const Asked& asked, size_t columns) {
  const attribution::Decision& decision = told.decision;
  std::string text = score_text(decision);
  if (told.decision.model().named()) text = decision.task().name + ": " + text;
  text += fmt::format(" is {:+.3f}", told.found[0].value);
  const bool probability = decision.of() == attribution::Of::probability || decision.class_name().empty();
  text += probability ? "\n\n" : fmt::format(" (probability {:.3f})\n\n", told.probability);
  size_t word_columns = 4;
  for (const attribution::Word& word : told.subject.words)
    word_columns = std::clamp(text::columns_of(engine::shown(word.text)) + 2 * word.second, word_columns, kWordColumns);
  size_t numbers = 0;
  for (const Explanation& e : told.found) numbers += kNumberColumns + 2 + (e.errors.empty() ? 0 : kErrorColumns);
  const size_t left = columns > word_columns + numbers ? columns - word_columns - numbers - 1 : 0;
  const size_t width = std::clamp(left / told.found.size(), size_t(3), kLongestBar);
  std::string head = padded("", word_columns);
  for (const Explanation& e : told.found)
    head += "  " + padded(short_name(e.method), kNumberColumns + (e.errors.empty() ? 0 : kErrorColumns) + width);
  text += head.substr(0, head.find_last_not_of(' ') + 1) + "\n";
  for (size_t i = 0; i < told.subject.words.size(); ++i) {
    const attribution::Word& word = told.subject.words[i];
    if (word.tokens.empty()) continue;
    std::string line = padded((word.second ? "| " : "") + engine::shown(word.text), word_columns);
    for (const Explanation& e : told.found) line += " " + cell(e, i, width);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  text += "\n";
  for (const Explanation& e : told.found) text += footnote(told, e, asked);
  return text;
}

ordered_json json_of(const Told& told, const Asked& asked) {
  const attribution::Decision& decision = told.decision;
  ordered_json json{{"text", told.example.text}};
  if (!told.example.pair.empty()) json["pair"] = told.example.pair;
  if (!decision.task().name.empty()) json["task"] = decision.task().name;
  if (!decision.class_name().empty()) json["class"] = decision.class_name();
  json["of"] = decision.of() == attribution::Of::logit ? "logit" : "probability";
  json["value"] = told.found[0].value;
  if (!decision.class_name().empty()) json["probability"] = told.probability;
  json["absent"] = attribution::name_of(asked.settings.absent);
  for (const Explanation& e : told.found) {
    ordered_json& method = json["methods"][attribution::name_of(e.method)];
    method["words"] = words_of(told, e);
    method["value"] = e.value;
    if (e.baseline) method["baseline"] = *e.baseline, method["delta"] = e.delta;
    method["runs"] = e.runs;
    if (e.method == Method::integrated_gradients) method["complete"] = e.complete;
    if (e.method == Method::shapley) method["exact"] = e.errors.empty();
  }
  return json;
}

}  // namespace explain
