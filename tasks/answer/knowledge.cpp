// From a file to intents and articles, and what must hold of them together. Read tasks/answer/knowledge.h first.
#include "tasks/answer/knowledge.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "engine/strings.h"
#include "nn/format/json.h"
#include "tasks/run/console.h"
#include "tasks/text/data.h"
#include "tasks/text/encoding.h"
#include "tasks/text/labels.h"

namespace answer {

using engine::check;
using nn::ordered_json;

namespace {

namespace fs = std::filesystem;

// UTF-8 without a mark at its beginning.
std::string decoded(const std::string& bytes, const std::string& path) {
  std::vector<text::Warning> warnings;
  const std::string utf8 = text::to_utf8(bytes, "auto", path, warnings);
  for (const text::Warning& w : warnings)
    run::print_note("warning: {}: {}\n", w.first, w.what.substr(0, w.what.find("; --encoding")));
  return utf8.starts_with("\xEF\xBB\xBF") ? utf8.substr(3) : utf8;
}

// Two questions are the same if they differ in case, blanks and punctuation at the end only.
std::string key_of(const std::string& question) {
  std::string key = engine::ascii_lower(text::Labels::tidy(question));
  while (!key.empty() && (std::ispunct(static_cast<unsigned char>(key.back())) || key.back() == ' ')) key.pop_back();
  return key;
}

void check_questions(const Knowledge& k) {
  std::map<std::string, std::pair<const Intent*, const Question*>> seen;
  for (const Intent& intent : k.intents) {
    check(!intent.questions.empty(), "{}: intent '{}' has an answer, but no question that it answers", intent.where,
          engine::shown(intent.name));
    for (const Question& q : intent.questions) {
      check(!text::is_blank(q.text), "{}: a question of '{}' has no word", q.where, engine::shown(intent.name));
      const auto [at, is_new] = seen.emplace(key_of(q.text), std::pair(&intent, &q));
      check(is_new || at->second.first == &intent, "{}: the question '{}' is of two intents, '{}' and '{}' ({})",
            q.where, engine::shown(q.text), engine::shown(at->second.first->name), engine::shown(intent.name),
            at->second.second->where);
      check(is_new, "{}: the question '{}' of '{}' is there twice ({})", q.where, engine::shown(q.text),
            engine::shown(intent.name), at->second.second->where);
    }
  }
}

void check_slots(const Knowledge& k) {
  std::set<std::string> in_answers;
  const std::vector<std::string> marked = k.slots();
  for (const Intent& intent : k.intents)
    for (const std::string& slot : slots_of(intent.answer, intent.where)) {
      in_answers.insert(slot);
      check(std::ranges::count(marked, slot) || intent.ask.count(slot),
            "{}: the answer of '{}' has the slot {{{}}}, which no question marks and nothing asks for{}", intent.where,
            engine::shown(intent.name), slot, text::did_you_mean(slot, marked));
    }
  const std::vector<std::string> answered(in_answers.begin(), in_answers.end());
  for (const Intent& intent : k.intents) {
    for (const Question& q : intent.questions)
      for (const Marked& m : q.marked)
        check(in_answers.count(m.slot), "{}: the slot '{}' is in no answer{}", q.where, m.slot,
              text::did_you_mean(m.slot, answered));
    const std::vector<std::string> own = slots_of(intent.answer, intent.where);
    for (const auto& [slot, sentence] : intent.ask)
      check(std::ranges::count(own, slot), "{}: '{}' asks for the slot '{}', which its answer does not have{}",
            intent.where, engine::shown(intent.name), slot, text::did_you_mean(slot, own));
  }
}

ordered_json json_of(const Intent& intent) {
  ordered_json line{{"intent", intent.name}, {"questions", ordered_json::array()}};
  for (const Question& q : intent.questions) line["questions"].push_back(with_marks(q));
  if (!intent.answer.empty()) line["answer"] = intent.answer;
  if (!intent.ask.empty()) line["ask"] = intent.ask;
  return line;
}

}  // namespace

std::vector<std::string> Knowledge::slots() const {
  std::set<std::string> slots;
  for (const Intent& intent : intents)
    for (const Question& q : intent.questions)
      for (const Marked& m : q.marked) slots.insert(m.slot);
  return {slots.begin(), slots.end()};
}

const Intent* Knowledge::find(const std::string& intent) const {
  const auto found = std::ranges::find(intents, intent, &Intent::name);
  return found == intents.end() ? nullptr : &*found;
}

std::string Knowledge::json_lines() const {
  std::string lines;
  for (const Intent& intent : intents) lines += json_of(intent).dump() + "\n";
  for (const Article& a : articles)
    lines += ordered_json{{"article", a.id}, {"title", a.title}, {"text", a.text}}.dump() + "\n";
  return lines;
}

Intent& intent_named(Knowledge& knowledge, const std::string& name, const std::string& where) {
  // the last one is the likeliest: a file has the rows of an intent together
  for (auto intent = knowledge.intents.rbegin(); intent != knowledge.intents.rend(); ++intent)
    if (intent->name == name) return *intent;
  check(!text::is_blank(name), "{}: the name of an intent is empty", where);
  knowledge.intents.push_back({.name = name, .questions = {}, .answer = {}, .ask = {}, .where = where});
  return knowledge.intents.back();
}

void check_whole(const Knowledge& k, const std::string& path) {
  check(!k.intents.empty() || !k.articles.empty(), "{}: no intent and no article", path);
  check_questions(k);
  check_slots(k);
  std::map<std::string, std::string> ids;
  for (const Article& a : k.articles) {
    check(!text::is_blank(a.title + a.text), "{}: the article '{}' has no text", a.where, engine::shown(a.id));
    const auto [at, is_new] = ids.emplace(a.id, a.where);
    check(is_new, "{}: an article '{}' is there already ({})", a.where, engine::shown(a.id), at->second);
  }
}

namespace {

// A heading of signs alone has no letter to make an id of: article-N, the first that is free from its place on.
void name_articles(Knowledge& k) {
  for (size_t i = 0; i < k.articles.size(); ++i)
    for (size_t n = i + 1; k.articles[i].id.empty(); ++n)
      if (const std::string id = fmt::format("article-{}", n); !std::ranges::count(k.articles, id, &Article::id))
        k.articles[i].id = id;
}

}  // namespace

Knowledge parse_knowledge(const std::string& bytes, const std::string& name) {
  Knowledge knowledge;
  const std::string end = fs::path(name).extension();
  check(end == ".md" || end == ".jsonl" || end == ".csv",
        "{}: what is known stands in a .csv, .jsonl or .md file, or in a folder of .md files", name);
  if (end == ".csv")  // in any encoding, too
    read_csv(bytes, name, knowledge);
  else
    (end == ".md" ? read_markdown : read_json_lines)(decoded(bytes, name), name, knowledge);
  name_articles(knowledge);
  check_whole(knowledge, name);
  return knowledge;
}

Knowledge read_knowledge(const std::string& path) {
  if (!fs::is_directory(path)) return parse_knowledge(text::read_file(path), path);
  std::set<std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file() && entry.path().extension() == ".md") files.insert(entry.path());
  check(!files.empty(), "{}: a folder without a .md file", path);
  Knowledge knowledge;
  for (const std::string& file : files) read_markdown(decoded(text::read_file(file), file), file, knowledge);
  name_articles(knowledge);
  check_whole(knowledge, path);
  return knowledge;
}

}  // namespace answer
