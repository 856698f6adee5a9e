// The frame of every program. Read tasks/sentiment/main.cpp next: what goes into it.
#include "tasks/run/console.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include "engine/blas.h"
#include "engine/startup.h"
#include "engine/strings.h"
#include "nn/format/files.h"
#include "tasks/text/labels.h"

namespace run {
namespace {

constexpr const char* kVersion = "attune 0.1";

void print_usage(std::FILE* to, const std::string& name, const std::string& about,
                 const std::vector<Command>& commands) {
  fmt::print(to, "{}\n\nusage: {} COMMAND [OPTION]...\n\n", about, name);
  for (const Command& c : commands) fmt::print(to, "  {:<14} {}\n", c.name, c.summary);
  fmt::print(to, "\n{} COMMAND --help lists the options of a command.\n", name);
}

const Command& find(const std::vector<Command>& commands, const std::string& name, const std::string& program) {
  std::vector<std::string> names;
  for (const Command& c : commands) {
    if (c.name == name) return c;
    names.push_back(c.name);
  }
  usage_error("'{}' is not a command of {}: {}{}", text::shown(name), program, text::listed(names),
              text::did_you_mean(name, names));
}

void run_command(const Command& command, const std::string& program, int argc, char** argv) {
  Options options(program + " " + command.name, command.summary);
  command.body(options, [&] {
    options.parse(argc, argv);
    if (!options.checks_later()) options.check_used();
  });
}

// Behind what was said before it, where both outputs go to one place.
void say_error(const std::string& what) {
  std::fflush(stdout);
  print_note("error: {}\n", what);
}

int guarded(const std::function<void()>& work) {
  try {
    work();
    nn::check_io(std::fflush(stdout) == 0 && !std::ferror(stdout), "the output", "written");
    return 0;
  } catch (const Exit& e) { return e.status; } catch (const std::bad_alloc&) {
    say_error("out of memory");
  } catch (const std::exception& e) { say_error(engine::shown(e.what(), 4000)); }
  return 1;
}

// Exceptions that nobody can catch: of a parallel loop, of a destructor that allocates while memory is out
// (nlohmann's).
[[noreturn]] void end_in_one_line() {
  try {
    if (std::current_exception()) std::rethrow_exception(std::current_exception());
    std::fputs("error: ended without a reason\n", stderr);
  } catch (const std::bad_alloc&) { std::fputs("error: out of memory\n", stderr); } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
  } catch (...) { std::fputs("error: ended without a reason\n", stderr); }
  _exit(1);
}

// Descriptors that the caller has closed are taken by the first files that are opened, and words for a person would end
// in them.
void hold_standard_descriptors() {
  for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = open("/dev/null", O_RDWR))
    if (fd > STDERR_FILENO) {
      close(fd);
      return;
    }
}

}  // namespace

int program(int argc, char** argv, const std::string& name, const std::string& about,
            const std::vector<Command>& commands) {
  hold_standard_descriptors();
  std::set_terminate(end_in_one_line);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like a full disk, with a name
  engine::start_again_with_best_settings(argv);
  const std::string first = argc > 1 ? argv[1] : "";
  return guarded([&] {
    if (first == "--help" || first == "-h" || first == "help") return print_usage(stdout, name, about, commands);
    if (first == "--version") return fmt::print("{}\n", kVersion);
    if (first.empty()) {
      print_usage(stderr, name, about, commands);
      throw Exit{2};
    }
    run_command(find(commands, first, name), name, argc - 1, argv + 1);
  });
}

size_t terminal_width() {
  winsize size{};
  const bool known = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

void print_setup(const std::string& program, const std::string& command) {
  print_note("{} {} ({}), {}\n", program, command, kVersion, engine::blas_description());
}

}  // namespace run
