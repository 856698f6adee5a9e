// Who may write to a journal, and how a line gets there whole. Read tasks/search/journal.h first.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <thread>

#include "engine/base.h"
#include "nn/format/files.h"
#include "tasks/run/console.h"
#include "tasks/search/journal.h"
#include "tasks/search/python_json.h"

namespace search {
namespace {

constexpr const char* kOurs = "attune-";  // a link of ours points to such a name, Optuna's to the journal
constexpr auto kGrace = std::chrono::seconds(30);

// What lies at `path`, to be told from another one: empty where there is nothing.
std::string link_at(const std::string& path, std::string& target) {
  struct stat s {};
  target.clear();
  if (lstat(path.c_str(), &s) != 0) return "";
  char text[512];
  const ssize_t n = readlink(path.c_str(), text, sizeof text);
  if (n > 0) target.assign(text, size_t(n));
  return fmt::format("{}.{}.{}", s.st_ino, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
}

}  // namespace

// flock() first: among processes of ours one at a time is here, so that a link of ours is of one that was killed.
Journal::Locked::Locked(Journal& journal) : journal_(journal) {
  const std::string& path = journal.path_;
  fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  nn::check_io(fd_ >= 0, path, "opened");
  try {
    while (flock(fd_, LOCK_EX) != 0) nn::check_io(errno == EINTR, path, "locked");
    take_link();
  } catch (...) {
    close(fd_);
    throw;
  }
  try {
    journal.read();
  } catch (...) {
    let_go();
    throw;
  }
}

void Journal::Locked::take_link() {
  const std::string lock = journal_.path_ + ".lock", ours = kOurs + std::to_string(getpid());
  std::string before, target;
  auto since = std::chrono::steady_clock::now();
  for (auto pause = std::chrono::milliseconds(1); symlink(ours.c_str(), lock.c_str()) != 0;) {
    nn::check_io(errno == EEXIST, lock, "created");
    const std::string there = link_at(lock, target);
    if (there != before) since = std::chrono::steady_clock::now();
    before = there;
    const bool stale = std::chrono::steady_clock::now() - since > kGrace;
    if (stale) run::print_note("{}: nobody has let go of it for half a minute; taken away\n", lock);
    if (stale || target.starts_with(kOurs)) {
      unlink(lock.c_str());
      continue;
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, std::chrono::milliseconds(50));
  }
}

void Journal::Locked::let_go() {
  const std::string lock = journal_.path_ + ".lock";
  std::string target;
  link_at(lock, target);
  if (target.starts_with(kOurs)) unlink(lock.c_str());  // unless somebody took it away as stale
  close(fd_);
}

Journal::Locked::~Locked() { let_go(); }

void Journal::Locked::append(const std::vector<ordered_json>& lines) {
  std::string text;
  for (const ordered_json& log : lines) {
    ordered_json line{{"op_code", log.at("op_code")}, {"worker_id", journal_.worker_}};
    line.update(log);
    text += with_python(line) + "\n";
  }
  struct stat s {};
  nn::check_io(fstat(fd_, &s) == 0, journal_.path_, "read");
  if (size_t(s.st_size) > journal_.offset_)  // all that is whole has been played: a kill left the rest
    nn::check_io(ftruncate(fd_, off_t(journal_.offset_)) == 0, journal_.path_, "cut");
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = write(fd_, text.data() + done, text.size() - done);
    nn::check_io(n > 0 || errno == EINTR, journal_.path_, "written");
    if (n > 0) done += size_t(n);
  }
  nn::check_io(fsync(fd_) == 0 || errno == EINVAL, journal_.path_, "written");
  journal_.read();
}

}  // namespace search
