// `answer evaluate` where there is little to be measured: no question, no text out of scope, searches for nothing.
#include "tests/support/programs.h"

using namespace test;
using nn::json;

namespace {

// Two intents, of whose questions all are learned, and articles.
std::string small_run(const TemporaryDirectory& dir) {
  const std::string data =
      dir.write("shop.md",
                "# track\n## Questions\n- where is my parcel\n- parcel not here\n## Answer\nSoon.\n"
                "# hours\n## Questions\n- when do you open\n- opening hours\n## Answer\nNine.\n"
                "# Mending a puncture\nTake the tyre off.\n# ???\nBoil vinegar in the kettle.\n");
  const std::string run = dir.path + "/run";
  const Result trained = call("answer",
                              "train --model pool --hidden 8 --heads 2 --max-steps 2 --vocab-size 200 "
                              "--no-hints --split 1/0/0 --data " +
                                  data + " --out " + run);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  return run;
}

}  // namespace

TEST_CASE("answer: a figure that nothing was there for is no figure") {
  const TemporaryDirectory dir;
  const std::string evaluate = "evaluate --model " + small_run(dir) + " --out " + dir.path + "/figures.json";
  const auto figures = [&](const std::string& options) {
    const Result result = call("answer", evaluate + options);
    REQUIRE_MESSAGE(result.status == 0, result.output);
    CHECK(result.says("answered_right  -"));
    CHECK(result.last_line().find(" answered_right=") == std::string::npos);
    return json::parse(nn::read_file(dir.path + "/figures.json"));
  };
  const json none = figures("");
  CHECK(none["questions"] == 0);
  CHECK(!none.contains("answered"));
  for (const auto& [name, values] : none["detectors"].items()) CHECK(values.empty());
  const json others = figures(" --out-of-scope " + dir.write("others.txt", "who won\n"));
  for (const auto& [name, values] : others["detectors"].items()) {
    CHECK(values["found"] == 0);  // nothing is refused
    CHECK(!values.contains("refused"));
  }
}

TEST_CASE("answer: searches that want no article are timed only, and one for an unknown article is an error") {
  const TemporaryDirectory dir;
  const std::string run = small_run(dir);
  const auto search = [&](const std::string& lines) {
    return call("answer", "evaluate --model " + run + " --by-vector 0 --search " + dir.write("searches.jsonl", lines));
  };
  const std::string wanted = R"({"question": "puncture in my tyre", "articles": ["mending-a-puncture"]})"
                             "\n\n";
  const Result some = search(wanted + R"({"question": "puncture", "articles": []})");
  CHECK_MESSAGE(some.says(" map=1.0000 hit@1=1.0000"), some.output);  // of the same searches
  CHECK(some.says("note: 1 of 2 searches want no article"));
  const Result none = search(R"({"question": "tyre", "articles": []})");
  CHECK_MESSAGE(none.status == 0, none.output);
  CHECK(none.last_line().find("hit@1") == std::string::npos);
  CHECK(search(R"({"question": "vinegar", "articles": ["article-2"]})").says(" hit@1=1.0000"));  // # ???
  CHECK(search(wanted + R"({"question": "a", "articles": ["mending"]})")
            .says("searches.jsonl:3: the assistant has no article 'mending'"));
  CHECK(search(R"({"question": "a", "articles": ["article-2", "article-2"]})")
            .says("searches.jsonl:1: the article 'article-2' is there twice"));
}
