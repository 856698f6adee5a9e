// Knowledge: what an assistant is told in one file: intents with questions and an answer, and articles to look things
// up in. tasks/answer/README.md documents the three forms of the file.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace answer {

// Bytes begin ... end - 1 of a question are the value of a slot.
struct Marked {
  size_t begin = 0, end = 0;
  std::string slot;
};

struct Question {
  std::string text;            // without the marks
  std::vector<Marked> marked;  // in their order
  std::string where;           // shop.md:17
};

struct Intent {
  std::string name;
  std::vector<Question> questions;
  std::string answer;                      // a template, see slots_of(); empty: nothing is said
  std::map<std::string, std::string> ask;  // what is asked when a slot of the answer has no value
  std::string where;
};

struct Article {
  std::string id, title, text, where;
};

struct Knowledge {
  std::vector<Intent> intents;
  std::vector<Article> articles;

  std::vector<std::string> slots() const;  // that questions mark, sorted
  const Intent* find(const std::string& intent) const;
  std::string json_lines() const;  // a file of the JSONL form, which reads as the same
};

// A .csv, .jsonl or .md file, or a folder of .md files in the order of their names.
// Error, one line with file and line: a form that is none; an intent without questions; a question of two intents; a
// question that is there twice; a slot that no answer has, or that an answer has and nobody marks or asks for; an id
// that is there twice; nothing to learn from and no article either.
Knowledge read_knowledge(const std::string& path);
Knowledge parse_knowledge(const std::string& bytes, const std::string& name);  // by the end of the name

// "Where is [my parcel](thing)?" is a question with a marked value; "\[" is a bracket.
// Error: a bracket without its end, a value or a name of slot that is empty.
Question parse_question(std::string_view line, const std::string& where);
std::string with_marks(const Question& question);  // the way back

// The slots of "Order {order} left on {day}.", each once, in their order. "{{" is a brace.   Error: no end, no name.
std::vector<std::string> slots_of(const std::string& answer, const std::string& where);
// The answer with what each slot holds. Error: a slot without a value.
std::string filled(const std::string& answer, const std::map<std::string, std::string>& values);

// For the three forms: appends, and checks nothing that needs the whole.
void read_markdown(const std::string& bytes, const std::string& path, Knowledge& to);
void read_json_lines(const std::string& bytes, const std::string& path, Knowledge& to);
void read_csv(const std::string& bytes, const std::string& path, Knowledge& to);
Intent& intent_named(Knowledge& knowledge, const std::string& name, const std::string& where);
void check_whole(const Knowledge& knowledge, const std::string& path);

}  // namespace answer
