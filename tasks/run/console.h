// The frame of every program: commands, errors and exit statuses, words for a person.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/base.h"
#include "tasks/run/arguments.h"

namespace run {

// A command declares its options, then calls parse(), then works.
using Parse = std::function<void()>;
struct Command {
  std::string name, summary;
  std::function<void(Options& options, const Parse& parse)> body;
};

// Runs the command that argv[1] names. Exit status: 0 done, 1 an Error (printed as `error: ...` on stderr), 2 wrong
// usage, 128 + n stopped by signal n with everything saved. Every command knows --help, and --config FILE.
int program(int argc, char** argv, const std::string& name, const std::string& about,
            const std::vector<Command>& commands);

// While one lives, notes and progress lines are kept back: those of work that is done many times over.
class Quiet {
 public:
  Quiet() { ++count_; }
  ~Quiet() { --count_; }
  Quiet(const Quiet&) = delete;
  static bool now() { return count_ > 0; }

 private:
  inline static thread_local int count_ = 0;
};

// Words for a person, on stderr. That nobody can read them is no reason to stop.
template <class... Args>
void print_note(fmt::format_string<Args...> text, Args&&... args) {
  if (Quiet::now()) return;
  std::fputs(fmt::format(text, std::forward<Args>(args)...).c_str(), stderr);
}

// Thrown to leave with an exit status when everything has been said.
struct Exit {
  int status;
};

// The command line asks for what does not go together: `error: ...` on stderr, status 2.
template <class... Args>
[[noreturn]] void usage_error(fmt::format_string<const Args&...> text, const Args&... args) {
  std::fputs(fmt::format("error: {}\n", fmt::format(text, args...)).c_str(), stderr);
  throw Exit{2};
}

// Columns of the terminal that standard output is; 80 where it is none.
size_t terminal_width();

// "OpenBLAS ..., SkylakeX kernel, 2 threads": the first lines of a program, on stderr.
void print_setup(const std::string& program, const std::string& command);

}  // namespace run
