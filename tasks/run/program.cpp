// The frame of every program. Read tasks/sentiment/main.cpp next: what goes into it.
#include "tasks/run/program.h"

#include <new>
#include <sstream>

#include "engine/blas.h"
#include "engine/startup.h"
#include "nn/files.h"
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
  print_note("error: '{}' is not a command of {}: {}{}\n", name, program, text::listed(names),
             text::did_you_mean(name, names));
  throw Exit{2};
}

void run_command(const Command& command, const std::string& program, int argc, char** argv) {
  CLI::App app(command.summary, program + " " + command.name);
  app.option_defaults()->always_capture_default()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);  // as GNU
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_config("--config", "", "read options from FILE, lines `option = value`; the command line overrides them");
  app.get_formatter()->column_width(34);
  app.get_formatter()->label("OPTIONS", "OPTION");
  command.body(app, [&] {
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
      if (e.get_exit_code() == 0) throw Exit{app.exit(e)};  // --help
      print_note("error: {}\n{} {} --help lists the options\n", e.what(), program, command.name);
      throw Exit{2};
    }
  });
}

int guarded(const std::function<void()>& work) {
  try {
    work();
    nn::check_io(std::fflush(stdout) == 0 && !std::ferror(stdout), "the output", "written");
    return 0;
  } catch (const Exit& e) { return e.status; } catch (const engine::Error& e) {
    print_note("error: {}\n", e.what());
  } catch (const std::bad_alloc&) { print_note("error: out of memory\n"); } catch (const std::exception& e) {
    print_note("error: {}\n", e.what());
  }
  return 1;
}

}  // namespace

int program(int argc, char** argv, const std::string& name, const std::string& about,
            const std::vector<Command>& commands) {
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

namespace {

CLI::Validator number_that(const std::string& must, const std::function<bool(double)>& holds,
                           const std::string& label) {
  return CLI::Validator(
      [=](const std::string& text) {
        double value = 0;
        const bool fine = CLI::detail::lexical_cast(text, value) && holds(value);
        return fine ? "" : fmt::format("must be {}; got '{}'", must, text);
      },
      label);
}

}  // namespace

CLI::Validator positive() {
  return number_that(
      "a positive number", [](double v) { return v > 0 && v < 1e30; }, "> 0");
}

CLI::Validator not_negative() {
  return number_that(
      "0 or more", [](double v) { return v >= 0 && v < 1e30; }, ">= 0");
}

CLI::Validator between(double low, double high) {
  return number_that(
      fmt::format("from {} to {}", low, high), [=](double v) { return v >= low && v <= high; },
      fmt::format("{} to {}", low, high));
}

std::string effective_options(const CLI::App& app) {
  std::istringstream all(app.config_to_str(true, false));
  std::string options;
  for (std::string line; std::getline(all, line);)
    if (!line.empty() && !line.ends_with("=\"\"") && !line.ends_with("=\"[]\"")) options += line + "\n";
  return options;
}

void print_setup(const std::string& program, const std::string& command) {
  print_note("{} {} ({}), {}\n", program, command, kVersion, engine::blas_description());
}

}  // namespace run
