// fork(), a pipe and a clock. Read tools/torture/process.h first.
#include "tools/torture/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "engine/base.h"
#include "engine/startup.h"

namespace torture {

namespace {

using Clock = std::chrono::steady_clock;

std::vector<pid_t> unburied;

pid_t start(const std::string& command, int out) {
  const pid_t child = fork();
  engine::check(child >= 0, "torture: no process");
  if (child > 0) return child;
  engine::unbind_thread();
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, 0), dup2(out, 1), dup2(out, 2);
  execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
  _exit(127);
}

}  // namespace

bool Ended::in_one_line() const {
  const size_t at = output.rfind("error: ");
  return status == 1 && at != output.npos && output.find('\n', at) == output.size() - 1;
}

Ended shell(const std::string& command, double seconds) {
  int ends[2];
  engine::check(pipe2(ends, O_CLOEXEC) == 0, "torture: no pipe");
  const auto begun = Clock::now();
  const pid_t child = start(command, ends[1]);
  close(ends[1]);
  Ended ended{0, ""};
  char part[4096];
  for (bool killed = false;;) {
    const double left = seconds - std::chrono::duration<double>(Clock::now() - begun).count();
    if (left <= 0 && !killed) killed = kill(child, SIGKILL) == 0;
    pollfd ready{ends[0], POLLIN, 0};
    const timespec wait{0, long(1e9 * std::clamp(left, 0.0, 0.9))};
    if (ppoll(&ready, 1, killed || std::isinf(left) ? nullptr : &wait, nullptr) <= 0) continue;
    const long n = read(ends[0], part, sizeof part);
    if (n <= 0) break;
    ended.output.append(part, size_t(n));
  }
  close(ends[0]);
  siginfo_t how{};
  waitid(P_PID, id_t(child), &how, WEXITED | WNOWAIT);
  ended.status = how.si_code == CLD_EXITED ? how.si_status : 128 + how.si_status;
  unburied.push_back(child);
  return ended;
}

void bury() {
  for (const pid_t dead : unburied) waitpid(dead, nullptr, 0);
  unburied.clear();
}

}  // namespace torture
