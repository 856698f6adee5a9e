// Targets: what reads bytes that come from somebody else. Each takes any bytes at all; an Error, a Refusal or wrong
// usage is an answer, and nothing else is: a property that does not hold ends the program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fuzz {

struct Target {
  const char* name;                      // also the folder of its corpus
  void (*read)(std::string_view bytes);  // by the functions that programs call
};
const std::vector<Target>& targets();     // all of them:
std::vector<Target> library_targets();    // files and requests that libraries read
std::vector<Target> directory_targets();  // whole directories, of which one file is somebody else's
std::vector<Target> program_targets();    // what programs read beside

// Calls it. False: there is no such target.
bool read(const std::string& target, std::string_view bytes);

}  // namespace fuzz
