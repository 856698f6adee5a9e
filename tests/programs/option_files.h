// The files that the walk through all options reads: tables, lines, a catalogue, shops. Tiny, no two texts the same.
#pragma once

#include <fmt/format.h>

#include <string>

#include "tests/support/support.h"

namespace test {

inline const char* const kMoodWords[] = {"awful Bad poor caf\xC3\xA9", "fine good great Good",
                                         "the train at noon Noon"};
inline const char* const kMoods[] = {"negative", "positive", "neutral"};

inline void write_tables(const TemporaryDirectory& dir) {
  const auto table = [&](const char* name, int first, int last) {
    std::string rows = "label\ttext\twhy\ttopic\tagain\n";
    for (int i = first; i < last; ++i)
      rows += fmt::format("{1}\t{0} {2} thing {3}\t{0} {4}\t{5}\t{6}\n", i, kMoods[i % 7 ? i % 3 : 0],
                          kMoodWords[i % 3], kMoodWords[i % 2], std::string(kMoodWords[i % 3]).substr(0, 4),
                          i % 2 ? "one" : "two", kMoods[(i + 1) % 3]);
    dir.write(name, rows);
  };
  table("train.tsv", 0, 18), table("dev.tsv", 18, 24), table("test.tsv", 24, 30), table("rows.tsv", 0, 30);
  table("other.tsv", 6, 21), table("all.tsv", 0, 27);
  const auto tasks = [&](const char* name, const char* topic) {
    dir.write(name, fmt::format(R"({{"tasks": {{"mood": {{"data": "{0}/train.tsv", "label_column": "label"}},
      "topic": {{"data": "{0}/rows.tsv", "label_column": "{1}"}}}}}})",
                                dir.path, topic));
  };
  tasks("tasks.json", "again"), tasks("tasks2.json", "topic");
}

inline void write_lines(const TemporaryDirectory& dir) {
  const auto lines = [&](const char* name, int first) {
    std::string all;
    for (int i = first; i < first + 8; ++i) all += fmt::format("{} {} Thing\n", i, kMoodWords[(i * i) % 3]);
    dir.write(name, all);
  };
  lines("a.txt", 0), lines("b.txt", 5), lines("c.txt", 9), lines("d.txt", 13), lines("other.txt", 17);
  dir.write("pairs.tsv", "1 awful thing\tfine Thing\n2 good\tpoor at noon\n3 the train\tbad and good\n");
  dir.write("leak.txt", fmt::format("1 {} thing {}\n", kMoodWords[1], kMoodWords[1]));
  dir.write("lexicon.txt", "bad\ngood\t2\n");
  std::string pieces = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\nbad\nthe\nthing\ntrain\nfine\n";
  for (char c = 'a'; c <= 'z'; ++c) pieces += fmt::format("{}\n##{}\n", c, c);
  dir.write("vocab.txt", pieces);
}

inline void write_catalogue(const TemporaryDirectory& dir) {
  std::string taken = "user\titem\ttime\twho\twhat\twhen\tkind\tweight\n",
              things = "id\ttitle\tdescription\ttags\tsku\n";
  for (int u = 0; u < 12; ++u)
    for (int n = 0; n < 5 + u % 3; ++n)
      taken += fmt::format("u{0}\ti{1}\t{2}\tw{3}\ti{4}\t{5}\t{6}\t{7}\n", u, (u * u + n * (1 + u % 2)) % 9, n, u % 7,
                           (u + n * n) % 9, (n * 5) % 7, n % 2 ? "buy" : "click", 1 + n % 3);
  for (int i = 0; i < 9; ++i)
    things += fmt::format("i{0}\t{1} thing\t{2} and {1}\t{3};all|{4}\ti{5}\n", i, kMoodWords[i % 3], kMoodWords[i % 2],
                          i % 4, i % 2, 8 - i);
  dir.write("taken.tsv", taken), dir.write("things.tsv", things);
}

inline void write_shops(const TemporaryDirectory& dir) {
  const auto shop = [&](const char* name, int shift, const char* thing = "[thing {}](item)",
                        const char* said = "{item}") {
    std::string all;
    for (int k = 0; k < 3; ++k) {
      all += fmt::format("# {}\n## Questions\n", kMoods[k]);
      for (int i = 0; i < 10 - 2 * k; ++i)
        all += fmt::format("- {} {} ", i, kMoodWords[(k + shift) % 3]) + fmt::format(fmt::runtime(thing), i + shift) +
               "\n";
      all += fmt::format("## Answer\nThe {} is {}.\n", said, kMoods[k]);
    }
    for (int i = 0; i < 6; ++i)
      all += fmt::format("# {} number {}\n{} thing {}\n", kMoodWords[i % 3], i, kMoodWords[(i + shift) % 3], i / 2);
    dir.write(name, all);
  };
  shop("shop.md", 0), shop("other.md", 1), shop("plain.md", 0, "thing {}", "thing");
}

}  // namespace test
