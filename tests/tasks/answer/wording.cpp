// The linear classifier over words, and the ranking of articles by them. Read tasks/answer/wording.h and
// tasks/answer/index.h before.
#include "tasks/answer/wording.h"

#include <cmath>

#include "nn/format/files.h"
#include "tasks/answer/index.h"
#include "tasks/score/confidence.h"
#include "tests/support/support.h"

using namespace test;
using namespace answer;

namespace {

const std::vector<std::string> kTexts{"where is my parcel",      "parcel not here yet",   "when do you open",
                                      "opening hours on sunday", "the card was declined", "cannot pay by card"};
const std::vector<int> kClasses{0, 0, 1, 1, 2, 2};

}  // namespace

TEST_CASE("wording: words, pairs of words and runs of letters are its features") {
  CHECK(Wording::features("Ab cde") == std::vector<std::string>{" ab", "#<ab", "#ab>", "#<ab>", " cde", " ab cde",
                                                                "#<cd", "#cde", "#de>", "#<cde", "#cde>", "#<cde>"});
  CHECK(Wording::features("").empty());
}

TEST_CASE("wording: it learns its texts, tells others by shared words and by parts of them, and the rest by counts") {
  const Wording w(kTexts, kClasses, 3, 1);
  for (size_t i = 0; i < kTexts.size(); ++i) CHECK(score::largest(w.logits(kTexts[i])) == kClasses[i]);
  CHECK(score::largest(w.logits("any parcels")) == 0);
  CHECK(score::largest(w.logits("sundayhours")) == 1);
  const std::vector<double> nothing = w.logits("zzz");
  for (const double x : nothing) CHECK(std::abs(x) < 1);
}

TEST_CASE("wording: the same seed gives the same bits, another one others; a file brings it back") {
  const TemporaryDirectory dir;
  const Wording w(kTexts, kClasses, 3, 1), again(kTexts, kClasses, 3, 1), other(kTexts, kClasses, 3, 2);
  const std::string text = "open the parcel on sunday";
  CHECK(w.logits(text) == again.logits(text));
  CHECK(w.logits(text) != other.logits(text));
  CHECK(Wording::features("ß!").size() == 5);  // letters are whole: two words, their pair, #<ß> and #<!>
  w.save(dir.path + "/w.safetensors");
  const std::vector<double> loaded = Wording::load(dir.path + "/w.safetensors").logits(text);
  for (size_t k = 0; k < 3; ++k) CHECK(loaded[k] == doctest::Approx(w.logits(text)[k]).epsilon(1e-5));
  CHECK(error_of([] { Wording({"a"}, {0, 1}, 2, 1); }).find("got 1 and 2") != std::string::npos);
}

TEST_CASE("index_terms: inflected words share a stem, function words go, letters catch what is misspelled") {
  CHECK(stem_of("returns") == stem_of("returned"));
  CHECK(stem_of("returning") == stem_of("return"));
  CHECK(stem_of("deliveries") == stem_of("delivery"));
  CHECK(stem_of("shipping") == stem_of("ships"));
  CHECK(stem_of("bus") == "bus");
  CHECK(index_terms("where is the") == std::vector<std::string>{});
  const std::vector<std::string> terms = index_terms("the tents!");
  CHECK(terms == std::vector<std::string>{"tent", "#<te", "#ten", "#ent", "#nts", "#ts>"});
}
