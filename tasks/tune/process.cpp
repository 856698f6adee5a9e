// Programs started, watched and stopped. Read tasks/tune/process.h first.
#include "tasks/tune/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "engine/base.h"
#include "engine/strings.h"
#include "nn/format/files.h"
#include "tasks/run/console.h"

extern char** environ;

namespace tune {

namespace fs = std::filesystem;
using engine::check;

namespace {

constexpr double kPatience = 30;  // seconds

bool runs(const fs::path& path) { return fs::is_regular_file(path) && access(path.c_str(), X_OK) == 0; }

// The file, locked as long as whoever writes to it lives.
int take_output(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  nn::check_io(fd >= 0, path, "written");
  for (const run::Stopwatch watch; flock(fd, LOCK_EX | LOCK_NB) != 0;) {
    if (watch.seconds() > 2 * kPatience) {
      close(fd);
      engine::fail("{}: a process that was started before still writes there", path);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return fd;
}

// Of this process, without main()'s mark for its own threads (OMP_PROC_BIND=FALSE).
std::vector<std::string> environment(int threads) {
  std::vector<std::string> all;
  for (char** e = environ; *e; ++e)
    if (std::string(*e) != "OMP_PROC_BIND=FALSE") all.push_back(*e);
  if (threads > 0 && !std::getenv("OMP_NUM_THREADS")) all.push_back(fmt::format("OMP_NUM_THREADS={}", threads));
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> p;
  for (std::string& w : words) p.push_back(w.data());
  p.push_back(nullptr);
  return p;
}

}  // namespace

std::string find_program(const std::string& name) {
  if (name.find('/') != name.npos) {
    check(runs(name), "{}: is not a program", engine::shown(name, 200));
    return name;
  }
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (!error && runs(here / name)) return here / name;
  const char* path = std::getenv("PATH");
  for (const std::string& folder : engine::split(path ? path : "", ':'))
    if (!folder.empty() && runs(fs::path(folder) / name)) return fs::path(folder) / name;
  engine::fail("'{}' is not a program beside this one, nor one of PATH", engine::shown(name));
}

// Between fork() and execve() only what a signal handler may do: other threads' locks may be taken.
Process::Process(const std::vector<std::string>& words, const std::string& output, int threads,
                 const std::string& stale) {
  const std::string path = find_program(words.at(0));
  const int out = take_output(output);
  if (!stale.empty()) fs::remove(stale);
  std::vector<std::string> arguments = words, variables = environment(threads);
  const std::vector<char*> argv = pointers(arguments), envp = pointers(variables);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    setpgid(0, 0);  // Ctrl-C is for this program: it then asks the others
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(127);
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(out, 1);
    dup2(out, 2);
    execve(path.c_str(), argv.data(), envp.data());
    _exit(127);
  }
  const int reason = errno;
  close(out);  // the child has the lock now
  check(pid_ > 0, "{}: cannot be started: {}", path, std::strerror(reason));
}

bool Process::over() {
  if (status_ >= 0) return true;
  int status = 0;
  const pid_t done = waitpid(pid_, &status, WNOHANG);
  if (done == pid_) {
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
  }
  if (stopped_ && stopped_->seconds() > kPatience) ::kill(pid_, SIGKILL);
  return false;
}

void Process::stop() {
  if (over() || stopped_) return;
  ::kill(pid_, SIGTERM);
  stopped_.emplace();
}

Process::~Process() {
  stop();
  while (!over()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

}  // namespace tune
