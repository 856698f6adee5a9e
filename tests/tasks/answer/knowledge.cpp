// The knowledge file in its three forms, its marks and templates, and every way in which it can be wrong. Read
// tasks/answer/knowledge.h before.
#include "tasks/answer/knowledge.h"

#include "tasks/answer/options.h"
#include "tasks/answer/reader.h"
#include "tests/support/support.h"

using namespace test;
using namespace answer;

namespace {

const std::string kMarkdown =
    "# track\n## Questions\n- where is [A1 b](order)?\n* any news\n## Answer\nOrder {order} is\nunder way.\n## Ask\n"
    "- order: Which one?\n\n# hours\n## Questions\n- when are you open\n## Answer\nNine to five.\n\n"
    "# Sending it back\nYou have 60 days.\n\n## In the shop\nThere too.\n";

std::string with(const std::string& from, const std::string& to, std::string text = kMarkdown) {
  REQUIRE(text.find(from) != std::string::npos);
  return text.replace(text.find(from), from.size(), to);
}

std::string wrong(const std::string& text, const char* name = "shop.md") {
  return error_of([&] { parse_knowledge(text, name); });
}

bool says(const std::string& error, const std::string& part) {
  INFO(error);
  return error.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("knowledge: Markdown has intents with questions, marks, answer and what is asked, and articles beside them") {
  const Knowledge k = parse_knowledge(kMarkdown, "shop.md");
  REQUIRE(k.intents.size() == 2);
  CHECK(k.intents[0].name == "track");
  CHECK(k.intents[0].where == "shop.md:1");
  REQUIRE(k.intents[0].questions.size() == 2);
  CHECK(k.intents[0].questions[0].text == "where is A1 b?");
  CHECK(k.intents[0].questions[0].where == "shop.md:3");
  REQUIRE(k.intents[0].questions[0].marked.size() == 1);
  CHECK(k.intents[0].questions[0].marked[0].slot == "order");
  CHECK(k.intents[0].answer == "Order {order} is\nunder way.");
  CHECK(k.intents[0].ask.at("order") == "Which one?");
  REQUIRE(k.articles.size() == 1);
  CHECK(k.articles[0].id == "sending-it-back");
  CHECK(k.articles[0].text == "You have 60 days.\n\n## In the shop\nThere too.");
  CHECK(k.slots() == std::vector<std::string>{"order"});
}

TEST_CASE("knowledge: CSV and JSON lines say the same, and what is written as JSON lines reads as it was") {
  const Knowledge k = parse_knowledge(kMarkdown, "shop.md");
  const Knowledge again = parse_knowledge(k.json_lines(), "again.jsonl");
  CHECK(again.json_lines() == k.json_lines());
  const Knowledge csv = parse_knowledge(
      "intent,question,answer,ask,article,title,text\n"
      "track,where is [A1 b](order)?,\"Order {order} is\nunder way.\",order: Which one?,,,\n"
      "track,any news,,,,,\nhours,when are you open,Nine to five.,,,,\n"
      ",,,,sending-it-back,Sending it back,\"You have 60 days.\n\n## In the shop\nThere too.\"\n",
      "shop.csv");
  CHECK(csv.json_lines() == k.json_lines());
}

TEST_CASE("knowledge: brackets that are no marks, and braces that are no slots, have a way to be written") {
  const Question q = parse_question("what does \\[x] do to [my cat](pet)", "q");
  CHECK(q.text == "what does [x] do to my cat");
  CHECK(parse_question(with_marks(q), "q").text == q.text);
  CHECK(with_marks(q) == "what does \\[x] do to [my cat](pet)");
  const Question inside = parse_question("open [file\\[1]](file) and [\\[x](file)", "q");
  CHECK(inside.text == "open file[1] and [x");
  REQUIRE(inside.marked.size() == 2);
  CHECK(inside.marked[1].begin == 17);
  const Question again = parse_question(with_marks(inside), "q");
  CHECK(again.text == inside.text);
  CHECK(again.marked[0].end == inside.marked[0].end);
  CHECK(filled("{{a} {b} {b}", {{"b", "1"}}) == "{a} 1 1");
  CHECK(slots_of("{b} {a} {b}", "t") == std::vector<std::string>{"b", "a"});
  CHECK(says(error_of([] { filled("{b}", {}); }), "slot b has no value"));
  CHECK(says(error_of([] { slots_of("a {b", "t"); }), "t: '{b'"));
  CHECK(says(error_of([] { parse_question("a [b", "q"); }), "[value](slot)"));
  CHECK(says(error_of([] { parse_question("a [](c)", "q"); }), "wants a value"));
}

TEST_CASE("knowledge: the tags of a question's words begin, go on and end with what is marked") {
  CHECK(tags_of(parse_question("is [A1 b](order), or [c](item)?", "q")) == "O B-order I-order O B-item");
  CHECK(tags_of(parse_question("[a](x) [b](x)", "q")) == "B-x B-x");
}

TEST_CASE("knowledge: an article whose heading has only signs is called by its number, and is read again") {
  const Knowledge k = parse_knowledge("# ???\nOne.\n# Article 3\nTwo.\n# !!!\nThree.\n", "shop.md");
  REQUIRE(k.articles.size() == 3);
  CHECK(k.articles[0].id == "article-1");
  CHECK(k.articles[1].id == "article-3");
  CHECK(k.articles[2].id == "article-4");
  CHECK(parse_knowledge(k.json_lines(), "again.jsonl").json_lines() == k.json_lines());
}

TEST_CASE("knowledge: hints are the words of a name and the sentences of an answer, of one word none") {
  const std::vector<text::Example> hints = hints_of(parse_knowledge(kMarkdown, "shop.md"));
  std::vector<std::string> texts;
  for (const text::Example& e : hints) texts.push_back(e.text);
  CHECK(texts == std::vector<std::string>{"track", "Order order is under way.", "hours", "Nine to five."});
  CHECK(hints[1].label == 0);
  CHECK(hints[1].target == "O O O O O");
}

TEST_CASE("knowledge: every fault is one line with its place") {
  CHECK(says(wrong("# a\n## Answer\nyes\n"), "shop.md:1: intent 'a' has an answer, but no question"));
  CHECK(
      says(wrong(with("when are you open", "Any news?!")), "shop.md:13: the question 'Any news?!' is of two intents"));
  CHECK(says(wrong(with("any news", "Where is  a1 B")), "shop.md:4: the question"));
  CHECK(
      says(wrong(with("Order {order}", "Order {ordr}")), "{ordr}, which no question marks and nothing asks for (did"));
  CHECK(says(wrong(with("](order)", "](parcel)")), "the slot 'parcel' is in no answer"));
  CHECK(says(wrong(with("- order: W", "- day: W")), "asks for the slot 'day'"));
  CHECK(says(wrong(with("- order: Which one?", "- order")), "`slot: sentence`"));
  CHECK(says(wrong(with("- when are you open", "when are you open")), "is no `- ` line"));
  CHECK(says(wrong(kMarkdown + "# Sending it back\nAgain.\n"), "an article 'sending-it-back' is there already"));
  CHECK(says(wrong("\n"), "no intent and no article"));
  CHECK(says(wrong("x", "shop.txt"), ".csv, .jsonl or .md"));
}

TEST_CASE("knowledge: JSON lines and CSV name unknown keys, wrong types and lines of both kinds") {
  CHECK(says(wrong("{\"intent\": \"a\", \"qustion\": \"b\"}", "k.jsonl"), "k.jsonl:1: 'qustion' is no key"));
  CHECK(says(wrong("{\"intent\": \"a\", \"questions\": [1]}", "k.jsonl"), "must be a string; got 1"));
  CHECK(says(wrong("{\"intent\": \"a\", \"article\": \"b\"}", "k.jsonl"), "names both"));
  CHECK(says(wrong("\n{\"text\": \"b\"}", "k.jsonl"), "k.jsonl:2: neither an intent nor an article"));
  CHECK(says(wrong("{\"intent\"", "k.jsonl"), "k.jsonl:1"));
  CHECK(says(wrong("intent,qestion\na,b\n", "k.csv"), "'qestion' is no column"));
  CHECK(says(wrong("intent,question,answer\na,b,c\na,d,e\n", "k.csv"), "k.csv:3: 'a' has an answer already"));
}

TEST_CASE("knowledge: a folder is all of its Markdown files in order; one without is named") {
  const TemporaryDirectory dir;
  dir.write("b.md", "# hours\n## Questions\n- when\n");
  dir.write("a.md", "just an article without a heading\n");
  dir.write("c.txt", "not read");
  const Knowledge k = read_knowledge(dir.path);
  CHECK(k.intents.size() == 1);
  REQUIRE(k.articles.size() == 1);
  CHECK(k.articles[0].id == "a");
  CHECK(k.articles[0].text == "just an article without a heading");
}

TEST_CASE("knowledge: the embedded shop has forty intents of twelve questions, sixty articles, a hundred other texts") {
  const Knowledge shop = embedded_shop();
  CHECK(shop.intents.size() == 40);
  for (const Intent& intent : shop.intents) {
    INFO(intent.name);
    CHECK(intent.questions.size() == 12);
    CHECK(!intent.answer.empty());
  }
  CHECK(shop.articles.size() == 60);
  CHECK(embedded_out_of_scope().size() == 100);
}

TEST_CASE("knowledge: a file in another encoding is read as what it says, in every form") {
  const std::string latin = "# caf\xE9\n## Questions\n- un caf\xE9\n- deux caf\xE9s\n";
  CHECK(parse_knowledge(latin, "shop.md").intents.at(0).questions.at(0).text == "un caf\xC3\xA9");
  std::string wide = "\xFF\xFE";
  for (const char c : kMarkdown) wide += {c, '\0'};
  CHECK(parse_knowledge(wide, "shop.md").json_lines() == parse_knowledge(kMarkdown, "shop.md").json_lines());
  CHECK(parse_knowledge("\xEF\xBB\xBF" + kMarkdown, "shop.md").intents.at(0).name == "track");
  const std::string line = "{\"intent\": \"a\", \"questions\": [\"un caf\xE9\", \"deux\"]}\n";
  CHECK(parse_knowledge(line, "shop.jsonl").intents.at(0).questions.at(0).text == "un caf\xC3\xA9");
}
