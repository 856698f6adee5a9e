// The file that says what is searched: its keys, defaults and errors.
#pragma once

#include <string>
#include <vector>

#include "tasks/search/study.h"

namespace tune {

struct StudyFile {
  search::StudySettings settings;
  std::string metric;  // dev.macro_f1: of the lines of log.jsonl; result.accuracy: of the last line `result ...`
  long trials = 50;
};

// Reads the JSON (comments are allowed). Error: FILE: key: what must be; a key that is not known, bounds that are the
// wrong way round.
StudyFile read_study(const std::string& path);

// What --help shows of it.
extern const char* const kExample;

// A value as a command line has it: 0.001, 3, gelu.
std::string text_of(const search::Trial& trial, const std::string& name);
// A trial's values as options: --NAME=VALUE, a flag for true, nothing for false and null.
std::vector<std::string> options_of(const search::Trial& trial);

// Whether the command says by itself where a trial's output goes: {out}.
bool says_where(const std::vector<std::string>& command);
// Error: the command gives what the search chooses, says where its output goes without {out}, or has a {NAME} that is no
// parameter, `out` or `seed`.
void require_fitting(const std::vector<std::string>& command, const search::Space& space);
// One trial's call: `command` with {NAME}, {seed} and {out} replaced. Where a NAME is false, null or not asked for its
// word is left out, and the option before it; where it is true, the word alone. What is not used so is added behind: the
// values as options and, to a command without {out}, --seed, unless it is given, and --out.
std::vector<std::string> words_of(const std::vector<std::string>& command, const search::Trial& trial, uint64_t seed,
                                  const std::string& out);

}  // namespace tune
