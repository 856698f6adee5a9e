// The three forms of the knowledge file: Markdown, JSON lines, CSV. tasks/answer/README.md shows each; read
// tasks/answer/knowledge.h first.
#include <algorithm>
#include <filesystem>
#include <sstream>

#include "engine/strings.h"

#include "nn/format/json.h"
#include "tasks/answer/knowledge.h"
#include "tasks/text/data.h"
#include "tasks/text/labels.h"
#include "tasks/text/utf8.h"

namespace answer {

using engine::check;
using nn::json;

namespace {

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n"), end = text.find_last_not_of(" \t\r\n");
  return begin == text.npos ? "" : std::string(text.substr(begin, end - begin + 1));
}

// "Sending it back" -> "sending-it-back"; of signs alone nothing.
std::string slug(const std::string& title) {
  std::string id;
  for (const char c : title) {
    const bool part = std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80;
    if (part)
      id += engine::ascii_lower(c);
    else if (!id.empty() && id.back() != '-')
      id += '-';
  }
  while (!id.empty() && id.back() == '-') id.pop_back();
  return id;
}

struct Line {
  std::string text;
  std::string where;
};

void add_ask(Intent& intent, const std::string& line, const std::string& where) {
  const size_t colon = line.find(':');
  const std::string slot = trimmed(line.substr(0, colon));
  check(colon != line.npos && !slot.empty() && !trimmed(line.substr(colon + 1)).empty(),
        "{}: '{}': what is asked for a slot is `slot: sentence`", where, engine::shown(line));
  check(intent.ask.emplace(slot, trimmed(line.substr(colon + 1))).second, "{}: '{}' asks for the slot '{}' twice",
        where, engine::shown(intent.name), slot);
}

void set_answer(Intent& intent, const std::string& answer, const std::string& where) {
  check(intent.answer.empty() || intent.answer == answer, "{}: '{}' has an answer already ({})", where,
        engine::shown(intent.name), intent.where);
  intent.answer = answer;
}

const std::string kQuestionsSection = "questions", kAnswerSection = "answer", kAskSection = "ask";

// "## Questions" -> "questions"; of any other line nothing.
std::string section_of(const std::string& line) {
  if (!line.starts_with("## ")) return "";
  std::string name = engine::ascii_lower(trimmed(line.substr(3)));
  return name == kQuestionsSection || name == kAnswerSection || name == kAskSection ? name : "";
}

void add_intent(const std::string& name, const std::vector<Line>& lines, const std::string& where, Knowledge& to) {
  Intent& intent = intent_named(to, name, where);
  std::string section, answer;
  for (const Line& line : lines) {
    if (const std::string next = section_of(line.text); !next.empty()) {
      section = next;
      continue;
    }
    const std::string text = trimmed(line.text);
    const bool item = text.starts_with("- ") || text.starts_with("* ");
    if (section == kAnswerSection) {
      answer += line.text + "\n";
    } else if (!text.empty()) {
      check(item && !section.empty(), "{}: '{}' is no `- ` line of a section ## Questions, ## Answer or ## Ask",
            line.where, engine::shown(text));
      if (section == kQuestionsSection) intent.questions.push_back(parse_question(trimmed(text.substr(2)), line.where));
      if (section == kAskSection) add_ask(intent, trimmed(text.substr(2)), line.where);
    }
  }
  if (!trimmed(answer).empty()) set_answer(intent, trimmed(answer), where);
}

void add_entry(const std::string& title, const std::vector<Line>& lines, const std::string& where, Knowledge& to) {
  if (std::ranges::any_of(lines, [](const Line& line) { return !section_of(line.text).empty(); }))
    return add_intent(title, lines, where, to);
  std::string text;
  for (const Line& line : lines) text += line.text + "\n";
  if (!trimmed(title + text).empty()) to.articles.push_back({slug(title), title, trimmed(text), where});
}

const std::vector<std::string> kKeys{"intent", "question", "questions", "answer", "ask", "article", "title", "text"};

std::string string_at(const json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "";
  check(found->is_string(), "{}: {} must be a string; got {}", where, key, nn::shown_json(*found));
  return trimmed(found->get<std::string>());
}

void add_object(const json& object, const std::string& where, Knowledge& to) {
  check(object.is_object(), "{}: an object is expected; got {}", where, nn::shown_json(object));
  for (const auto& [key, value] : object.items())
    check(std::ranges::count(kKeys, key), "{}: '{}' is no key of an intent or an article{}", where, engine::shown(key),
          text::did_you_mean(key, kKeys));
  if (object.contains("article")) {
    to.articles.push_back({string_at(object, "article", where), string_at(object, "title", where),
                           string_at(object, "text", where), where});
    check(!to.articles.back().id.empty(), "{}: the id of an article is empty", where);
    check(!object.contains("intent"), "{}: a line is an intent or an article; this one names both", where);
    return;
  }
  check(object.contains("intent"), "{}: neither an intent nor an article", where);
  Intent& intent = intent_named(to, string_at(object, "intent", where), where);
  if (const std::string one = string_at(object, "question", where); !one.empty())
    intent.questions.push_back(parse_question(one, where));
  if (object.contains("questions")) {
    check(object["questions"].is_array(), "{}: questions must be a list of strings", where);
    for (const json& q : object["questions"]) {
      check(q.is_string(), "{}: a question must be a string; got {}", where, nn::shown_json(q));
      intent.questions.push_back(parse_question(trimmed(q.get<std::string>()), where));
    }
  }
  if (const std::string answer = string_at(object, "answer", where); !answer.empty()) set_answer(intent, answer, where);
  if (object.contains("ask")) {
    check(object["ask"].is_object(), "{}: ask must be an object: slot and sentence", where);
    for (const auto& [slot, sentence] : object["ask"].items()) {
      check(sentence.is_string(), "{}: ask.{} must be a string", where, engine::shown(slot));
      add_ask(intent, slot + ":" + sentence.get<std::string>(), where);
    }
  }
}

}  // namespace

void read_markdown(const std::string& bytes, const std::string& path, Knowledge& to) {
  check(text::is_utf8(bytes), "{}: not UTF-8 (iconv -f windows-1252 -t utf-8, for example)", path);
  std::istringstream in(bytes);
  std::string title = std::filesystem::path(path).stem(), where = path + ":1";  // of what stands before any heading
  std::vector<Line> lines;
  bool headed = false;
  const auto add = [&] {
    if (headed || std::ranges::any_of(lines, [](const Line& line) { return !trimmed(line.text).empty(); }))
      add_entry(title, lines, where, to);
    lines.clear();
  };
  long number = 0;
  for (std::string line; std::getline(in, line);) {
    const std::string here = path + ":" + std::to_string(++number);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.starts_with("# ")) {
      add();
      headed = true;
      title = trimmed(line.substr(2));
      where = here;
    } else {
      lines.push_back({line, here});
    }
  }
  add();
}

void read_json_lines(const std::string& bytes, const std::string& path, Knowledge& to) {
  std::istringstream in(bytes);
  long number = 0;
  for (std::string line; std::getline(in, line);) {
    const std::string where = path + ":" + std::to_string(++number);
    if (!trimmed(line).empty()) add_object(nn::parse_json(line, where), where, to);
  }
}

void read_csv(const std::string& bytes, const std::string& path, Knowledge& to) {
  const text::Table table = text::parse_table(bytes, path, {.format = "csv"});
  for (const std::string& column : table.columns)
    check(std::ranges::count(kKeys, column) && column != "questions",
          "{}: '{}' is no column of an intent or an article{}", path, engine::shown(column),
          text::did_you_mean(column, kKeys));
  for (size_t r = 0; r < table.rows.size(); ++r) {
    const std::string where = path + ":" + std::to_string(table.lines[r]);
    std::map<std::string, std::string> cell;
    for (size_t c = 0; c < table.columns.size(); ++c) cell[table.columns[c]] = trimmed(table.rows[r][c]);
    if (!cell["article"].empty()) {
      check(cell["intent"].empty(), "{}: a row is of an intent or of an article; this one names both", where);
      to.articles.push_back({cell["article"], cell["title"], cell["text"], where});
      continue;
    }
    check(!cell["intent"].empty(), "{}: neither an intent nor an article", where);
    Intent& intent = intent_named(to, cell["intent"], where);
    if (!cell["question"].empty()) intent.questions.push_back(parse_question(cell["question"], where));
    if (!cell["answer"].empty()) set_answer(intent, cell["answer"], where);
    if (!cell["ask"].empty()) add_ask(intent, cell["ask"], where);
  }
}

}  // namespace answer
