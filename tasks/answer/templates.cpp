// Slots: marked in questions, filled in answers. Read tasks/answer/knowledge.h first.
#include <algorithm>

#include "engine/base.h"
#include "engine/strings.h"
#include "tasks/answer/knowledge.h"

namespace answer {

using engine::check;

namespace {

bool is_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

// Calls plain(char) and slot(name) along a template.
template <class Plain, class Slot>
void walk(const std::string& answer, const std::string& where, Plain plain, Slot slot) {
  for (size_t i = 0; i < answer.size(); ++i) {
    if (answer[i] != '{' || answer.substr(i, 2) == "{{") {
      plain(answer[i]);
      i += answer[i] == '{';
      continue;
    }
    const size_t end = answer.find('}', i);
    const std::string name = end == std::string::npos ? "" : answer.substr(i + 1, end - i - 1);
    check(is_name(name), "{}: '{}': a slot is {{name}}, of letters, digits and _; {{{{ is a brace", where,
          engine::shown(answer.substr(i)));
    slot(name);
    i = end;
  }
}

// A value as it is read: \[ is a bracket in it, too.
std::string with_brackets(std::string_view value) {
  std::string text;
  for (size_t i = 0; i < value.size(); ++i)
    if (value[i] != '\\' || i + 1 == value.size() || value[i + 1] != '[') text += value[i];
  return text;
}

}  // namespace

Question parse_question(std::string_view line, const std::string& where) {
  Question q{.text = {}, .marked = {}, .where = where};
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '[') {
      q.text += line[++i];
    } else if (line[i] == '[') {
      const size_t close = line.find("](", i), end = close == line.npos ? close : line.find(')', close);
      check(end != line.npos, "{}: '{}': a value is marked as [value](slot); \\[ is a bracket", where,
            engine::shown(line));
      const std::string_view value = line.substr(i + 1, close - i - 1), slot = line.substr(close + 2, end - close - 2);
      check(!value.empty() && is_name(slot), "{}: '{}': [value](slot) wants a value, and a slot of letters and digits",
            where, engine::shown(line));
      const size_t begin = q.text.size();
      q.text += with_brackets(value);
      q.marked.push_back({begin, q.text.size(), std::string(slot)});
      i = end;
    } else {
      q.text += line[i];
    }
  }
  return q;
}

std::string with_marks(const Question& question) {
  std::string line;
  size_t m = 0;
  for (size_t i = 0; i <= question.text.size(); ++i) {
    if (m < question.marked.size() && question.marked[m].end == i) line += "](" + question.marked[m++].slot + ")";
    if (m < question.marked.size() && question.marked[m].begin == i) line += "[";
    if (i < question.text.size() && question.text[i] == '[') line += "\\";
    if (i < question.text.size()) line += question.text[i];
  }
  return line;
}

std::vector<std::string> slots_of(const std::string& answer, const std::string& where) {
  std::vector<std::string> slots;
  walk(
      answer, where, [](char) {},
      [&](const std::string& name) {
        if (std::ranges::find(slots, name) == slots.end()) slots.push_back(name);
      });
  return slots;
}

std::string filled(const std::string& answer, const std::map<std::string, std::string>& values) {
  std::string text;
  walk(
      answer, "answer", [&](char c) { text += c; },
      [&](const std::string& name) {
        const auto value = values.find(name);
        check(value != values.end(), "filled: the slot {} has no value", name);
        text += value->second;
      });
  return text;
}

}  // namespace answer
