// What is decided where a person left it open.
#include "tasks/objective/defaults.h"

#include "tests/support/support.h"

using namespace objective;

namespace {

const TextFacts kEnglish{
    .texts = 1000, .classes = 3, .ships = true, .max_length = 128, .positions = 128, .known = 0.86};

std::string option_of(const ModelChoice& choice, const std::string& name) {
  for (const auto& [option, value] : choice.options)
    if (option == name) return value;
  return "";
}

}  // namespace

TEST_CASE("defaults: the shipped encoder where it knows the words of not too many texts; else pool, with the reason") {
  CHECK(choose_model(kEnglish).model == "mini");
  CHECK(choose_model(kEnglish).why == "1000 texts, and it knows 86 % of their words");
  const auto pool = [](auto change) {
    TextFacts facts = kEnglish;
    change(facts);
    const ModelChoice choice = choose_model(facts);
    CHECK(choice.model == "pool");
    return choice.why;
  };
  CHECK(pool([](TextFacts& f) { f.known = 0.55; }) ==
        "mini, which ships, knows 55 % of their words only: another language");
  CHECK(pool([](TextFacts& f) { f.texts = 20001; }) == "20001 texts are enough to learn words from");
  CHECK(pool([](TextFacts& f) { f.ships = false; }) == "no encoder ships with this program");
  CHECK(pool([](TextFacts& f) { f.max_length = 256; }) == "mini, which ships, reads 128 tokens at most");
}

TEST_CASE(
    "defaults: pool begins as naive Bayes of labels, if they are not too many, and its table grows with the texts") {
  TextFacts facts = kEnglish;
  facts.known = 0.3;
  CHECK(option_of(choose_model(facts), "--log-odds") == "0.3");
  CHECK(option_of(choose_model(facts), "--subwords") == "10000");
  facts.classes = 0;  // a number
  CHECK(option_of(choose_model(facts), "--log-odds") == "");
  facts.classes = 150;
  facts.texts = 30000;
  CHECK(option_of(choose_model(facts), "--log-odds") == "");
  CHECK(option_of(choose_model(facts), "--subwords") == "100000");
}

TEST_CASE("defaults: several hundred steps for small files, three passes for large ones, fifty for the smallest") {
  CHECK(choose_passes(15, 0).epochs == 27);  // 405 steps
  CHECK(choose_passes(15, 0).patience == 10);
  CHECK(choose_passes(63, 77).epochs == 19);  // 1,197 steps for 77 classes
  CHECK(choose_passes(1000, 3).epochs == 3);
  CHECK(choose_passes(1000, 3).patience == 3);
  CHECK(choose_passes(2, 2).epochs == 50);
}
