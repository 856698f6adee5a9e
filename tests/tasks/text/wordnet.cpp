// WordNet's files, a dictionary of our own in their form: meanings, endings, and that no opposite is a synonym.
#include "tasks/text/wordnet.h"

#include "tests/support/support.h"

using namespace test;
using Words = std::vector<std::string>;

namespace {

// Adjectives big, large, huge (similar to big), little (the opposite of big); a verb stop, halt; a noun story, tale.
std::string dictionary(const TemporaryDirectory& dir) {
  const std::string licence = "  1 This is a file of our own  \n";
  dir.write("data.adj", licence +
                            "00000100 00 a 02 big 0 large(a) 0 002 ! 00000300 a 0101 & 00000200 a 0000 | of size\n"
                            "00000200 00 s 03 huge 0 vast 0 little 0 001 & 00000100 a 0000 | very big\n"
                            "00000300 00 a 02 little 0 as_small_as_that 0 001 ! 00000100 a 0101 | not big\n");
  dir.write("index.adj", licence +
                             "big a 1 2 ! & 1 1 00000100  \nlarge a 1 1 & 1 1 00000100  \nhuge a 1 1 & 1 0 00000200  \n"
                             "vast a 1 1 & 1 0 00000200  \nlittle a 2 1 ! 2 1 00000300 00000200  \n");
  dir.write("data.verb", licence + "00000100 30 v 02 stop 0 halt 0 000 01 + 02 00 | come to rest\n");
  dir.write("index.verb", licence + "halt v 1 0 1 0 00000100  \nstop v 1 0 1 1 00000100  \n");
  dir.write("data.noun", licence + "00000100 10 n 02 story 0 tale 0 000 | what is told\n");
  dir.write("index.noun", licence + "story n 1 0 1 1 00000100  \ntale n 1 0 1 1 00000100  \n");
  dir.write("data.adv", licence);
  dir.write("index.adv", licence);
  return dir.path;
}

}  // namespace

TEST_CASE("wordnet: words of one meaning, by its endings too, and never an opposite") {
  const TemporaryDirectory dir;
  const text::WordNet words(dictionary(dir));
  CHECK(words.words() == 9);
  CHECK(words.synonyms("big") == Words{"large"});
  CHECK(words.synonyms("stories") == Words{"tales"});
  CHECK(words.synonyms("tales") == Words{"stories"});
  CHECK(words.synonyms("stopped") == Words{"halted"});
  CHECK(words.synonyms("halting") == Words{"stoping"});  // doubled letters are not told apart: the model knows neither
  CHECK(words.antonyms("big") == Words{"little"});
  CHECK(words.antonyms("huge") == Words{"little"});  // by what it is similar to
  CHECK(words.synonyms("huge") == Words{"vast"});    // "little" stands beside it, as a mistake would put it there
  CHECK(words.synonyms("little") == Words{"huge", "vast"});
  CHECK(words.synonyms("bigs").empty());  // an adjective has no plural
  CHECK(words.synonyms("storied").empty());
  CHECK(words.synonyms("unknown").empty());
  CHECK(words.synonyms("42").empty());
}

TEST_CASE("wordnet: endings go onto other words as English has them") {
  CHECK(text::inflected("story", "s") == "stories");
  CHECK(text::inflected("box", "s") == "boxes");
  CHECK(text::inflected("day", "s") == "days");
  CHECK(text::inflected("love", "ed") == "loved");
  CHECK(text::inflected("love", "ing") == "loving");
  CHECK(text::inflected("agree", "ing") == "agreeing");
  CHECK(text::inflected("cry", "ed") == "cried");
}

TEST_CASE("wordnet: without its files, or with others, one line says which") {
  const TemporaryDirectory dir;
  CHECK(error_of([&] { text::WordNet{dir.path}; }) ==
        dir.path +
            "/data.noun: no such file; WordNet's are in Debian's package wordnet-base (apt-get install wordnet-base)");
  dictionary(dir);
  dir.write("data.verb", "nothing of the kind\n");
  CHECK(error_of([&] { text::WordNet{dir.path}; }) == dir.path + "/data.verb:1: not a line of WordNet");
}
