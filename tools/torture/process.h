// A command of a shell that is watched, and killed if need be.
#pragma once

#include <limits>
#include <string>

namespace torture {

struct Ended {
  int status;  // of the shell: 128 + n after a signal
  std::string output;
  bool in_one_line() const;  // it says "error: ..." in its last line and nothing behind, with status 1
};

// Both outputs together; kill -9 after so many seconds. The dead keep their numbers, as those do whose parents do not
// look after them, until bury().
Ended shell(const std::string& command, double seconds = std::numeric_limits<double>::infinity());
void bury();

}  // namespace torture
