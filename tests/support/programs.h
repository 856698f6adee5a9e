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

// A training into `run`, on one thread, stopped when its log has step 9.
inline void stop_early(const std::string& name, const std::string& command, const std::string& run) {
  run_shell("OMP_NUM_THREADS=1 " + program(name) + " " + command +
            " >/dev/null 2>&1 & p=$!; until grep -qs '\"step\":9' " + run +
            "/log.jsonl; do sleep 0.005; done; kill -TERM $p; wait $p");
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
