// The attack program as its users run it.
#include "nn/format/files.h"
#include "tests/support/programs.h"

using namespace test;

TEST_CASE("attack: slips of the fingers bring a small model down, and every attempt is written") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), model = dir.path + "/run";
  REQUIRE(
      call("sentiment", "train --model pool --hidden 16 --max-length 24 --epochs 20 --lr 0.05 --batch-size 4 --data " +
                            data + " --out " + model)
          .status == 0);
  const std::string run = "run --model " + model + " --data " + data;
  const Result done = call("attack", run + " --by characters --texts 10 --out " + dir.path + "/a.jsonl");
  REQUIRE_MESSAGE(done.status == 0, done.output);
  CHECK(done.last_line().find("result task=attack by=characters before=") == 0);
  CHECK(done.says("right under attack"));
  const auto lines = lines_of(nn::read_file(dir.path + "/a.jsonl"));
  REQUIRE(lines.size() == 10);
  for (const auto& line : lines) {
    if (line["changed"] == 0) CHECK(line["changed_text"] == line["text"]);
    if (line["outcome"] == "successful") CHECK(line["said"] != line["label"]);
    if (line["outcome"] == "skipped") CHECK(line["changed"] == 0);
  }
  CHECK(call("attack", run + " --by characters --texts 10 --out " + dir.path + "/b.jsonl").status == 0);
  CHECK(nn::read_file(dir.path + "/a.jsonl") == nn::read_file(dir.path + "/b.jsonl"));
  CHECK(call("attack", run + " --lexicon " + dir.path + "/none").last_line() ==
        "error: " + dir.path +
            "/none/data.noun: no such file; WordNet's are in Debian's package wordnet-base (apt-get install "
            "wordnet-base)");
}
