// A training run as a process, and a look at its folder. Read tools/bench/first_step.h first.
#include "tools/bench/first_step.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "engine/startup.h"
#include "nn/format/json_value.h"
#include "tasks/run/stopwatch.h"

namespace bench {

void first_step(run::Options&, const run::Parse& parse) {
  parse();
  namespace fs = std::filesystem;
  const std::string program = fs::read_symlink("/proc/self/exe").parent_path() / "sentiment";
  const std::string out = fs::temp_directory_path() / fmt::format("attune-first-step-{}", getpid());
  std::vector<std::string> words{program, "train", "--model", "bert", "--out", out};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
  engine::unbind_thread();
  pid_t child = 0;
  const run::Stopwatch watch;
  engine::check(posix_spawn(&child, program.c_str(), &quiet, nullptr, arguments.data(), environ) == 0,
                "{} cannot be started", program);
  const auto logged = [&] {
    std::error_code none;
    const auto size = fs::file_size(out + "/log.jsonl", none);
    return !none && size > 0;
  };
  int status = 0;
  while (!logged() && waitpid(child, &status, WNOHANG) == 0) usleep(500);
  const double seconds = watch.seconds();
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  engine::check(logged(), "{} ended without a step", program);
  fs::remove_all(out);
  fmt::print("{}\n", nn::ordered_json{{"seconds", seconds}}.dump());
}

}  // namespace bench
