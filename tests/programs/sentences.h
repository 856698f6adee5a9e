// Eight sentences and their translations, and an encoder that learned from them: for programs that read texts without
// labels, or lines that belong together.
#pragma once

#include "tests/support/programs.h"

namespace test {

inline const char* const kEnglish[] = {"a dog runs over the meadow",  "two women drink coffee",
                                       "the boy reads a red book",    "an old man fishes alone",
                                       "children build a castle",     "a train leaves the station",
                                       "the cook cuts green peppers", "a girl climbs a tall tree"};
inline const char* const kGerman[] = {"ein hund rennt über die wiese",    "zwei frauen trinken kaffee",
                                      "der junge liest ein rotes buch",   "ein alter mann angelt allein",
                                      "kinder bauen eine burg",           "ein zug verlässt den bahnhof",
                                      "der koch schneidet grüne paprika", "ein mädchen klettert auf einen hohen baum"};

inline std::string lines_file(const TemporaryDirectory& dir, const std::string& name, const char* const (&lines)[8],
                              const char* end = "\n") {
  std::string text;
  for (const char* line : lines) text += std::string(line) + end;
  return dir.write(name, text);
}

inline const std::string kSizes = " --layers 2 --hidden 32 --heads 2 --max-length 16 --vocab-size 300 --dropout 0 ";
inline const std::string kSmallSteps = kSizes + "--batch-size 8 ",
                         kPretrain = kSizes + "--batch-size 64 --accumulate 1 ";

// The directory of an encoder that was trained on the English sentences.
inline std::string english_encoder(const TemporaryDirectory& dir, const std::string& options) {
  const std::string out = dir.path + "/encoder";
  const Result trained =
      call("pretrain", "train --train " + lines_file(dir, "t.txt", kEnglish) + kPretrain + options + " --out " + out);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  return out;
}

}  // namespace test
