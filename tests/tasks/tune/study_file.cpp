// From a trial's values to a command.
#include "tasks/tune/study_file.h"

#include "tests/support/support.h"

using namespace test;
using search::Distribution;
using Words = std::vector<std::string>;

namespace {

search::Trial trial() {
  search::Trial t;
  const auto give = [&](const char* name, Distribution d, double value) {
    t.domain[name] = std::move(d);
    t.values[name] = value;
  };
  const Distribution flag = Distribution::choice({true, false, nullptr});
  give("rate", Distribution::number(0, 1), 0.25);
  give("kind", Distribution::choice({"{out}", "b"}), 0);
  give("on", flag, 0);
  give("off", flag, 1);
  give("none", flag, 2);
  return t;
}

Words words_of(const Words& command) { return tune::words_of(command, trial(), 7, "dir"); }

}  // namespace

TEST_CASE("tune: values go where braces say; what is false, null or not asked for goes with its option") {
  CHECK(words_of({"p", "--out={out}", "--rate", "{rate}", "--kind={kind}", "-s", "{seed}", "{on}", "{off}",
                  "{none}"}) == Words{"p", "--out=dir", "--rate", "0.25", "--kind={out}", "-s", "7", "true"});
  const std::string all = "{rate}{kind}{on}{off}{none}";  // no option is added behind
  for (const char* gone : {"off", "none", "momentum"}) {
    const std::string place = fmt::format("{{{}}}", gone);
    INFO(place);
    CHECK(words_of({"p", "--out={out}", "--x", place, all, "-v"}) == Words{"p", "--out=dir", "-v"});
    CHECK(words_of({"p", "--out={out}", "--x=" + place, all}) == Words{"p", "--out=dir"});
    CHECK(words_of({"p", "--out={out}", "--name", "a-" + place, all}) == Words{"p", "--out=dir"});
    CHECK(words_of({"p", "{out}", "-", place, all}) == Words{"p", "dir", "-"});
  }
  CHECK(words_of({"p", "--out={out}", all, "--x", "{on}", "--y={on}"}) == Words{"p", "--out=dir", "--x", "--y"});
  CHECK(words_of({"p"}) == Words{"p", "--kind={out}", "--on", "--rate=0.25", "--seed=7", "--out=dir"});
  CHECK(words_of({"p", "${out} {\"a\":1} {a,b} {} {out}", all}) == Words{"p", "${out} {\"a\":1} {a,b} {} dir"});
}

TEST_CASE("tune: a name in braces that is no parameter is refused before a trial is started") {
  search::Space space;
  space.parameters = {{.name = "rate", .distribution = Distribution::number(0, 1)}};
  const auto error = [&](const Words& command) { return error_of([&] { tune::require_fitting(command, space); }); };
  CHECK(error({"p", "--dir", "{out}", "{seed}", "--rate={rate}", "${HOME} {} {\"a\":1}"}) == "");
  CHECK(error({"p", "{out}", "--rate={rat}"}) ==
        "the command has {rat}, which is not one of rate, out, seed (did you mean 'rate'?)");
}
