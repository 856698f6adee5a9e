// The frame of every program: commands, options, --help, errors and exit statuses.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "engine/base.h"

namespace run {

// A command declares its options on `app`, then calls parse(), then works.
using Parse = std::function<void()>;
struct Command {
  std::string name, summary;
  std::function<void(CLI::App& app, const Parse& parse)> body;
};

// Runs the command that argv[1] names. Exit status: 0 done, 1 an Error (printed as `error: ...` on stderr), 2 wrong
// usage, 128 + n stopped by signal n with everything saved. Every command knows --help, and --config FILE with lines
// `option = value`, which options on the command line override.
int program(int argc, char** argv, const std::string& name, const std::string& about,
            const std::vector<Command>& commands);

// Validators with messages that fit on a line.
CLI::Validator positive();
CLI::Validator not_negative();
CLI::Validator between(double low, double high);

// The options of a command as lines `option=value`, those that have a value.
std::string effective_options(const CLI::App& app);

// Words for a person, on stderr. That nobody can read them is no reason to stop.
template <class... Args>
void print_note(fmt::format_string<Args...> text, Args&&... args) {
  std::fputs(fmt::format(text, std::forward<Args>(args)...).c_str(), stderr);
}

// Thrown to leave with an exit status when everything has been said.
struct Exit {
  int status;
};

// "OpenBLAS ..., SkylakeX kernel, 2 threads": the first lines of a program, on stderr.
void print_setup(const std::string& program, const std::string& command);

}  // namespace run
