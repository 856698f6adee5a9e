// What tests of the program translate share: twelve pairs of sentences, a tiny translator that learns them.
#pragma once

#include "tests/support/programs.h"

namespace test {

inline const std::string kTinyTranslator =
    "--layers 1 --hidden 32 --heads 2 --intermediate 48 --vocab-size 60 --dropout 0 --label-smoothing 0 --average 1 "
    "--batch-size 400 ";

struct Sides {
  TemporaryDirectory dir;
  std::string source, target;
  Sides() {
    const char* things[][2] = {{"house", "Haus"}, {"train", "Zug"}, {"book", "Buch"}, {"street", "Weg"}};
    const char* are[][2] = {{"is red", "ist rot"}, {"is old", "ist alt"}, {"is near", "ist nah"}};
    std::string a, b;
    for (const auto& thing : things)
      for (const auto& is : are)
        a += fmt::format("this {} {}.\n", thing[0], is[0]), b += fmt::format("dies {} {}.\n", thing[1], is[1]);
    source = dir.write("a.en", a);
    target = dir.write("a.de", b);
  }
  std::string data() const { return "--source " + source + " --target " + target; }
  std::string held_out() const { return " --dev-source " + source + " --dev-target " + target + " "; }
  // The directory of a tiny translator that learned them.
  std::string trained(const std::string& name, const std::string& options) const {
    const std::string out = dir.path + "/" + name;
    const Result run = call("translate", "train " + data() + " " + kTinyTranslator + options + " --out " + out);
    REQUIRE_MESSAGE(run.status == 0, run.output);
    return out;
  }
};

inline void refused(const std::string& arguments, const std::string& says) {
  const Result result = call("translate", arguments);
  CHECK_MESSAGE((result.status != 0 && result.last_line().find(says) != std::string::npos), result.output);
}

}  // namespace test
