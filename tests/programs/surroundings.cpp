// What surrounds a program and may be wrong with it: descriptors that are closed, files that may not grow, a model that
// has been changed. Read tests/programs/sentiment.cpp first.
#include "tests/support/programs.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

std::string tiny_run(const TemporaryDirectory& dir, const std::string& name) {
  return program("sentiment") + " train --model pool --hidden 8 --max-steps 4 --batch-size 4 --lr 0.01 --data " +
         three_moods(dir) + " --labels negative,neutral,positive --out " + dir.path + "/" + name;
}

}  // namespace

TEST_CASE("surroundings: descriptors that the caller has closed are not taken by the run's files") {
  const TemporaryDirectory dir;
  const Result open = run_shell(tiny_run(dir, "open") + " 2>&1");
  REQUIRE_MESSAGE(open.status == 0, open.output);
  for (const std::string closed : {"0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"}) {
    const std::string path = dir.path + "/closed";
    fs::remove_all(path);
    CHECK_MESSAGE(run_shell(tiny_run(dir, "closed") + " " + closed).status == 0, closed);
    CHECK_MESSAGE(nn::read_file(path + "/log.jsonl") == nn::read_file(dir.path + "/open/log.jsonl"), closed);
  }
}

TEST_CASE("surroundings: where a file may not grow or the disk is full, the run ends with a line that names the file") {
  const TemporaryDirectory dir;
  const Result small = run_shell("ulimit -f 8; " + tiny_run(dir, "x") + " 2>&1");
  CHECK_MESSAGE(small.status == 1, small.status, small.output);
  CHECK_MESSAGE(small.output.find("cannot be written: File too large") != std::string::npos, small.output);
  const Result again = run_shell(program("sentiment") + " train --resume " + dir.path + "/x 2>&1");
  CHECK_MESSAGE(again.status == 0, again.output);
}

#ifndef SANITIZED  // whose own memory is terabytes of addresses
// Of every size between too little to be loaded and enough.
TEST_CASE("surroundings: where memory is refused, a run ends at once, in one line, and goes on where there is more") {
  const TemporaryDirectory dir;
  long refused = 0;
  for (long kilobytes = 200'000; kilobytes <= 450'000; kilobytes += 50'000) {
    const Result run = run_shell(fmt::format("ulimit -v {}; OMP_NUM_THREADS=1 timeout -s KILL 60 {} --overwrite 2>&1",
                                             kilobytes, tiny_run(dir, "x")));
    if (run.status == 0 || run.status == 127) continue;
    ++refused;
    CHECK_MESSAGE(run.status == 1, kilobytes, " kB: ", run.status, run.output);
    CHECK_MESSAGE(run.last_line().starts_with("error: "), run.output);
    CHECK_MESSAGE(run.last_line().find("memory") != std::string::npos, run.output);
  }
  CHECK(refused > 0);
  const bool begun = fs::exists(dir.path + "/x/options.ini");
  CHECK(run_shell((begun ? program("sentiment") + " train --resume " + dir.path + "/x" : tiny_run(dir, "x")) + " 2>&1")
            .status == 0);
}
#endif

TEST_CASE("surroundings: every thread of a server keeps to the processors that it was given") {
  const TemporaryDirectory dir;
  const std::string said = dir.path + "/said", allowed = "sed -n 's/^Cpus_allowed_list:[^0-9]*//p' ";
  const Result masks = run_shell(
      "first=$(" + allowed + "/proc/self/status | sed 's/[^0-9].*//'); echo $first; taskset -c $first " +
      program("serve") + " --port 0 >" + said + " 2>&1 & p=$!; until grep -qs '^serving on' " + said +
      " || ! kill -0 $p; do sleep 0.05; done; " + allowed + "/proc/$p/task/*/status | sort -u; kill -TERM $p; wait $p");
  CHECK_MESSAGE(masks.status == 0, nn::read_file(said));
  const size_t half = masks.output.size() / 2;  // twice the same number
  CHECK_MESSAGE(masks.output.substr(0, half) == masks.output.substr(half), masks.output);
}

TEST_CASE("surroundings: a model whose files are not those that were written is refused by the file's name") {
  const TemporaryDirectory dir;
  REQUIRE(run_shell(tiny_run(dir, "x") + " 2>&1").status == 0);
  const std::string best = dir.path + "/x/best", predict = "predict --model " + dir.path + "/x good";
  CHECK(call("sentiment", predict).status == 0);
  const std::string weights = nn::read_file(best + "/model.safetensors");
  std::string flipped = weights;
  flipped[flipped.size() - 3] = char(flipped[flipped.size() - 3] ^ 1);
  nn::write_file(best + "/model.safetensors", flipped);
  const Result changed = call("sentiment", predict);
  CHECK_MESSAGE(changed.status == 1, changed.output);
  CHECK_MESSAGE(changed.output.find("model.safetensors has been changed or damaged") != std::string::npos,
                changed.output);
  fs::remove(best + "/manifest.json");
  CHECK(call("sentiment", predict).status == 0);
}

// answer, monitor and recommend; tests/programs/options.cpp has the others.
TEST_CASE(
    "surroundings: the first step that is no number is named with its texts, and skipped where that is asked for") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir);
  std::string shop, taken = "user\titem\ttime\n", things = "id\ttitle\n";
  for (const char* intent : {"hours", "size"}) {
    shop += fmt::format("# {}\n## Questions\n", intent);
    for (int i = 0; i < 10; ++i) shop += fmt::format("- {} {} which\n", i, intent);
    shop += "## Answer\nYes.\n\n";
  }
  for (int u = 0; u < 8; ++u)
    for (int n = 0; n < 4; ++n) taken += fmt::format("u{}\ti{}\t{}\n", u, (u + n) % 5, n);
  for (int i = 0; i < 5; ++i) things += fmt::format("i{0}\tthing {0}\n", i);
  const std::string tasks = dir.write(
      "tasks.json", fmt::format(R"({{"tasks": {{"mood": {{"data": "{0}"}}, "again": {{"data": "{0}"}}}}}})", data));
  const std::string far = " --lr 1e25 --clip 0 --warmup 0 --weight-decay 0 --max-steps 6 --hidden 8 --heads 2 --out ";
  const std::pair<std::string, std::string> commands[] = {
      {"answer train --no-hints --batch-size 4 --vocab-size 100 --model pool --data " + dir.write("shop.md", shop),
       "shop.md:"},
      {"monitor train --batch-size 4 --model pool --tasks " + tasks, "data.tsv:"},
      {"recommend train --layers 1 --intermediate 8 --positions 4 --batch-size 4 --ease 5 --knn 3 --damping 1 --k 2 "
       "--interactions " +
           dir.write("taken.tsv", taken) + " --items " + dir.write("things.tsv", things),
       "user u"}};
  for (const auto& [command, where] : commands) {
    const std::string name = command.substr(0, command.find(' ')),
                      rest = command.substr(name.size() + 1) + far + dir.path + "/" + name;
    const Result stops = call(name, rest);
    CHECK_MESSAGE(stops.status == 1, stops.output);
    const std::string last = stops.last_line();
    CHECK_MESSAGE(last.starts_with("error: step "), last);
    CHECK_MESSAGE(last.find(" (") < last.find(where), last);
    CHECK_MESSAGE(last.find("; --on-nan skip goes on without such steps") != std::string::npos, last);
    call(name, rest + " --overwrite --on-nan skip");
    CHECK(nn::read_file(dir.path + "/" + name + "/log.jsonl").find("\"skipped\":1") != std::string::npos);
  }
}
