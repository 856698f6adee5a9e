// What the tests of multitask's commands share: the program, small task files.
#pragma once

#include "nn/format/json_value.h"
#include "nn/format/safetensors.h"
#include "tests/support/programs.h"

namespace test {

using nn::json;

// Eight texts, each in train, dev and test alike, with a target for every kind of head.
inline std::string eight_texts(const TemporaryDirectory& dir) {
  std::string rows = "text\tmood\ttopics\tstars\ttags\n";
  for (int i = 0; i < 8; ++i) {
    const bool sad = i % 2, rome = i / 2 % 2, film = i / 4;
    rows += fmt::format("a {} {} in {} now\t{}\t{}{}\t{}\tO O O O O B-city O\n", sad ? "bad poor" : "good fine",
                        film ? "film" : "hotel", rome ? "Rome" : "Oslo", sad ? "sad" : "glad", film ? "film, " : "",
                        sad ? "anger" : "", sad ? 1.5 : 4.5);
  }
  return dir.write("eight.tsv", rows);
}

// A task file over it.
inline std::string task_file(const TemporaryDirectory& dir, const std::string& data, const std::string& settings,
                             const std::string& more = "", const std::string& name = "tasks.json") {
  const std::string files = fmt::format("\"train\": \"{0}\", \"dev\": \"{0}\", \"test\": \"{0}\"", data);
  const char* layers = settings.find("\"pool\"") == std::string::npos ? "\"layers\": 1, " : "";
  return dir.write(name, fmt::format(R"({{
    {1} {3}
    "max_length": 24, "heads": 2, "hidden": 16, "batch_size": 8, "dropout": 0, "warmup": 0,
    "tasks": {{
      "mood": {{{0}, "label_column": "mood"{2}}},
      "topics": {{{0}, "label_column": "topics", "head": "labels", "reads": "attention"}},
      "stars": {{{0}, "label_column": "stars", "head": "regression"}},
      "places": {{{0}, "label_column": "tags", "head": "tokens"}}
    }}
  }})",
                                     files, settings, more, layers));
}

// Two tasks that read other texts each, in 12 and 24 rows.
inline std::string two_sets(const TemporaryDirectory& dir, const std::string& settings) {
  const auto data = [&](const std::string& name, int n, const char* words) {
    std::string rows = "text\tlabel\tsplit\n";
    for (int i = 0; i < n; ++i)
      rows += fmt::format("{} {} {}\t{}\t{}\n", i, i % 2 ? "yes" : "no", words, i % 2, i % 4 < 2 ? "train" : "dev");
    return dir.write(name, rows);
  };
  return dir.write("two.json",
                   fmt::format(R"({{{} "max_length": 16, "hidden": 8, "heads": 2, "batch_size": 3,
    "tasks": {{"a": {{"data": "{}"}}, "b": {{"data": "{}"}}}}}})",
                               settings, data("a.tsv", 24, "sun rain"), data("b.tsv", 48, "bread and wine")));
}

}  // namespace test
