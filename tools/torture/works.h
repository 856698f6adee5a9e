// What is tortured: the smallest runs of every program that trains, and of every command that writes a directory.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace torture {

// Commands of a shell. In them @ is the folder of the data, BIN that of the programs, OUT where the work writes.
struct Work {
  std::string first;        // into a new directory
  std::string again = {};   // after a fault; nothing: --resume, or where there is nothing to resume yet, `first`
  std::string before = {};  // without faults
};

const std::map<std::string, Work>& works();
std::string filled_in(std::string text, const std::string& data, const std::string& bin, const std::string& out);

// The files of the data that a training reads.
std::vector<std::string> files_of(const std::string& command);

// Texts, task files, interactions, a teacher, an adapter, a model of two tasks. Error: a program fails.
void write_data(const std::string& data, const std::string& bin);

// Every number that a work has left below `directory`, by files, without its times and its name: logs line by line,
// checkpoints tensor by tensor, everything else byte by byte but for cards and for what a run cost.
std::string outcome(const std::string& directory);

}  // namespace torture
