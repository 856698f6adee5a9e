// What tests of whole programs share: calling them, reading what a run leaves, texts that a tiny model can tell apart.
#pragma once

#include <array>
#include <sstream>
#include <string>
#include <vector>

#include "nn/format/files.h"
#include "nn/format/json_value.h"
#include "tests/support/support.h"

namespace test {

// A program beside this test runner, both its outputs together.
inline Result call(const std::string& name, const std::string& arguments, const std::string& redirect = "2>&1") {
  return run_shell(program(name) + " " + arguments + " " + redirect);
}

// A command of the shell that is sent SIGTERM as soon as `reached`, another one, succeeds: what it said, and its
// status, 128 + 15, or that of its end, if it came to it before.
inline Result stop_when(const std::string& reached, const std::string& command) {
  return run_shell(command + " 2>&1 & p=$!; until " + reached + " || ! kill -0 $p; do sleep 0.005; done 2>/dev/null; " +
                   "kill -TERM $p 2>/dev/null; wait $p");
}

// A training into `run`, on one thread, stopped when its log has step 9.
inline void stop_early(const std::string& name, const std::string& command, const std::string& run) {
  stop_when("grep -qs '\"step\":9' " + run + "/log.jsonl", "OMP_NUM_THREADS=1 " + program(name) + " " + command);
}

// A training into `run`, stopped as soon as it has the file, and resumed.
inline void stop_and_resume(const std::string& name, const std::string& command, const std::string& run,
                            const std::string& file) {
  const Result stopped = stop_when("[ -s " + run + "/" + file + " ]", program(name) + " " + command);
  REQUIRE_MESSAGE((stopped.status == 128 + 15 || stopped.status == 0), stopped.output);
  if (stopped.status == 0) return;
  const Result resumed = call(name, "train --resume " + run);
  REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
}

// sentiment, which most of them call.
inline Result sentiment(const std::string& arguments, const std::string& redirect = "2>&1") {
  return call("sentiment", arguments, redirect);
}

// JSON, a value a line.
inline std::vector<nn::json> lines_of(const std::string& text) {
  std::vector<nn::json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(nn::json::parse(line));
  return lines;
}

inline nn::json result_of(const std::string& run) { return nn::json::parse(nn::read_file(run + "/result.json")); }

// A file of twenty-four texts of three moods, shared out to train, dev and test; `why` marks a word of the negative.
inline std::string three_moods(const TemporaryDirectory& dir,
                               const std::array<const char*, 3>& words = {"awful bad poor", "fine good great",
                                                                          "the train at noon"}) {
  const char* labels[] = {"negative", "positive", "neutral"};
  std::string rows = "label\ttext\tsplit\twhy\n";
  for (int i = 0; i < 24; ++i)
    rows += fmt::format("{}\t{} {} thing\t{}\t{}\n", labels[i % 3], i, words[i % 3],
                        i < 18   ? "train"
                        : i < 21 ? "dev"
                                 : "test",
                        i % 3 == 0 ? "bad" : "");
  return dir.write("data.tsv", rows);
}

}  // namespace test
