// The search against a classifier of a few lines, whose every answer is known.
#include "tasks/attack/search.h"

#include <algorithm>
#include <cmath>

#include "tests/support/support.h"

using namespace test;
using attack::Attempt;
using attack::Outcome;

namespace {

// P(class 1) by what words weigh: good 2, fine 1.5, nice 0.5, decent -1, okay -0.2, others 0; bias -1.
long asked = 0;
std::vector<std::vector<double>> victim(const std::vector<attack::Query>& queries) {
  std::vector<std::vector<double>> all;
  for (auto [text, begin, end] : queries) {
    ++asked;
    text.erase(begin, end - begin);  // a word that is unknown weighs nothing
    for (char& c : text)
      if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    double x = -1;
    const auto count = [&](const std::string& word, double weight) {
      for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += word.size()) x += weight;
    };
    count("good", 2), count("fine", 1.5), count("nice", 0.5), count("decent", -1), count("okay", -0.2);
    const double p = 1 / (1 + std::exp(-x));
    all.push_back({1 - p, p});
  }
  return all;
}

std::vector<std::string> candidates(const std::string& word) {
  if (word == "good" || word == "Good") return {"nice", "decent"};
  if (word == "fine") return {"okay"};
  if (word == "thing") return {"object"};
  return {};
}

}  // namespace

TEST_CASE("attack: the word that hurts most is changed first, to its worst stand-in, and no more than it takes") {
  asked = 0;
  const Attempt a = attack::pwws(victim, candidates, "A good, fine thing", 1, {});
  CHECK(a.outcome == Outcome::successful);
  CHECK(a.changed == 1);
  CHECK(a.words == 5);
  REQUIRE(a.swaps.size() == 1);
  CHECK(a.swaps[0] == std::pair<std::string, std::string>("good", "decent"));
  CHECK(a.text == "A decent, fine thing");
  CHECK(a.said == 0);
  CHECK(a.queries == asked);
  CHECK(asked == 1 + 5 + 4 + 1);  // the text, each word hidden, each candidate, one swap
  const Attempt b = attack::pwws(victim, candidates, "good fine good", 1, {});
  CHECK(b.outcome == Outcome::successful);
  CHECK(b.changed == 2);
}

TEST_CASE("attack: a swap changes its word where it stands, and nothing else of the text, in any script") {
  const auto others = [](const std::string& word) {
    return word == "großartig" ? std::vector<std::string>{"decent"} : std::vector<std::string>();
  };
  const Attempt a = attack::pwws(
      [](const auto& queries) {
        std::vector<std::vector<double>> all;
        for (const attack::Query& query : queries) {
          const double p = query.text.find("großartig") == std::string::npos ? 0.1 : 0.9;
          all.push_back({1 - p, p});
        }
        return all;
      },
      others, " Ein\t(großartig!)  film's  café, 3D ", 1, {});
  CHECK(a.outcome == Outcome::successful);
  CHECK(a.text == " Ein\t(decent!)  film's  café, 3D ");
  CHECK(a.words == 9);  // ( ! ) and the comma among them
  std::vector<std::string> looked_up;
  attack::pwws(victim, [&](const std::string& word) { return looked_up.push_back(word), candidates(word); },
               "good, naïve 3D", 1, {});
  CHECK(looked_up == std::vector<std::string>{"good", "naïve"});
}

TEST_CASE("attack: what is wrong already is skipped, what cannot fall fails, and limits are kept") {
  CHECK(attack::pwws(victim, candidates, "a thing", 1, {}).outcome == Outcome::skipped);
  CHECK(
      attack::pwws(victim, [](const std::string&) { return std::vector<std::string>(); }, "good fine", 1, {}).outcome ==
      Outcome::failed);
  attack::Limits few;
  few.queries = 6;
  asked = 0;
  const Attempt stopped = attack::pwws(victim, candidates, "good fine good thing", 1, few);
  CHECK(stopped.outcome == Outcome::unfinished);
  CHECK(asked <= 6);
  CHECK(stopped.queries == asked);
  attack::Limits little;
  little.changed = 0.34;  // one of three
  const Attempt a = attack::pwws(victim, candidates, "good fine good", 1, little);
  CHECK(a.outcome == Outcome::failed);
  CHECK(a.changed == 1);
}

TEST_CASE("attack: a changed word keeps its capital; slips are four, inside of long words, the same at any time") {
  CHECK(attack::pwws(victim, candidates, "Good", 1, {}).text == "Decent");
  const attack::Candidates slips = attack::slips(1);
  const std::vector<std::string> all = slips("wonderful");
  CHECK(all.size() >= 3);
  for (const std::string& other : all) {
    CHECK(other.front() == 'w');
    CHECK(other.back() == 'l');
    CHECK(other != "wonderful");
  }
  CHECK(slips("the").empty());
  CHECK(slips("wonderful") == all);
}
