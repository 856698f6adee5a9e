// The directory of a run through kills, second runs and --overwrite. Read tasks/run/run.h first: what is in it.
#include "tasks/run/directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <random>

#include "nn/format/files.h"
#include "nn/format/part_file.h"
#include "nn/format/whole_directory.h"
#include "tasks/run/console.h"

namespace run {

namespace fs = std::filesystem;
using engine::check;

namespace {

constexpr const char* kLast = "last.safetensors";
constexpr const char* kNext = "next.safetensors";  // on its way to become the last one
constexpr const char* kPrevious = "previous.safetensors";
constexpr const char* kAside = "replaced";           // what the run before left, whole
constexpr const char* kHalfAside = "replaced.part";  // on its way there
constexpr const char* kIdLine = "# run ";

// A lock that the system drops with the process, however it ends.
int lock_directory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  nn::check_io(fd >= 0, path, "opened");
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  close(fd);
  engine::fail("{}: another run is writing here", path);
}

void rename(const std::string& from, const std::string& to) {
  nn::check_io(std::rename(from.c_str(), to.c_str()) == 0, to, "written");
}

void remove(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  check(!error, "{}: cannot be removed: {}", path, error.message());
}

bool same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

// Sixteen hexadecimal digits; nothing that is computed depends on them.
std::string new_id() {
  std::random_device random;
  const uint64_t now = uint64_t(std::chrono::system_clock::now().time_since_epoch().count());
  return fmt::format("{:016x}", ((uint64_t(random()) << 32) ^ random()) ^ now ^ (uint64_t(getpid()) << 40));
}

// "" for an options.ini without one: half of it, or one that was written by hand.
std::string read_id(const std::string& file) {
  const std::string text = nn::read_file(file);
  const std::string line = text.substr(0, text.find('\n'));
  return line.starts_with(kIdLine) ? line.substr(std::string(kIdLine).size()) : "";
}

// NAME.123.part, as nn::write_file() leaves it when it is killed.
bool half_written(const std::string& name) {
  if (!name.ends_with(".part")) return false;
  const std::string rest = name.substr(0, name.size() - 5);
  const size_t dot = rest.rfind('.');
  return dot != std::string::npos && dot > 0 && dot + 1 < rest.size() &&
         rest.find_first_not_of("0123456789", dot + 1) == std::string::npos;
}

}  // namespace

void bring_back(const std::string& path) {
  const bool here = fs::exists(path + "/options.ini");
  std::string from = path + "/" + kHalfAside;
  if (!fs::exists(from) && !here) from = path + "/" + kAside;
  if (!fs::exists(from)) return;
  const int lock = lock_directory(path);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(from)) names.push_back(entry.path().filename());
  std::stable_partition(names.begin(), names.end(), [](const std::string& name) { return name != "options.ini"; });
  for (const std::string& name : names) rename(from + "/" + name, path + "/" + name);
  remove(from);
  close(lock);
}

Directory::Directory(Place place, const std::string& options) : place_(std::move(place)) {
  const std::string& path = place_.path;
  if (place_.resume && fs::is_directory(path)) bring_back(path);
  check(!place_.resume || has("options.ini"), "{}: nothing to resume: there is no options.ini", path);
  check(!fs::exists(path) || fs::is_directory(path), "{}: is a file, not a directory", path);
  std::error_code error;
  fs::create_directories(path, error);
  check(!error, "{}: cannot be created: {}", path, error.message());
  lock_ = lock_directory(path);
  try {
    const bool used = !fs::is_empty(path);
    check(place_.resume || place_.overwrite || !used,
          "{}: the output directory is not empty; --overwrite replaces it, --resume continues it", path);
    if (place_.resume) {
      put_in_order();
      id_ = read_id(file("options.ini"));
      check(!id_.empty(), "{}: damaged: its first line does not name the run", file("options.ini"));
      return;
    }
    if (used) check_inputs();
    if (used) put_aside();
    id_ = new_id();
    nn::write_file(file("options.ini"), kIdLine + id_ + "\n" + options);
  } catch (...) {
    close(lock_);
    throw;
  }
}

Directory::~Directory() { close(lock_); }

bool Directory::has(const std::string& name) const { return fs::exists(file(name)); }

// options.ini goes last: a directory that has it can be resumed.
std::vector<std::string> Directory::names() const {
  std::vector<std::string> names{kLast,       kNext,       kPrevious,     "best",      "best.old",
                                 "best.part", "log.jsonl", "result.json", "cost.json", "events"};
  names.insert(names.end(), place_.also.begin(), place_.also.end());
  names.push_back("options.ini");
  return names;
}

void Directory::check_inputs() const {
  const fs::path here = fs::canonical(place_.path);
  for (const std::string& input : place_.inputs) {
    std::error_code error;
    const fs::path there = fs::canonical(input, error);
    if (error) continue;  // whoever reads it says so
    const bool inside = std::mismatch(here.begin(), here.end(), there.begin(), there.end()).first == here.end();
    check(!inside, "{}: --overwrite would replace what the run reads: {}", place_.path, input);
  }
}

// What the run before left goes into replaced/, in one step: only a whole replaced.part becomes it. Of a run that never
// had a checkpoint nothing is worth keeping; what it put aside stays then.
void Directory::put_aside() const {
  put_in_order();
  const auto to = file(kHalfAside);
  if (has(kAside) && !has(kHalfAside) && !has(kLast)) {
    for (const std::string& name : names()) remove(file(name));
    return;
  }
  const std::vector<std::string> all = names();
  if (std::none_of(all.begin(), all.end(), [&](const auto& name) { return has(name); }) && !has(kHalfAside)) return;
  fs::create_directories(to);
  for (const std::string& name : all)
    if (has(name)) rename(file(name), to + "/" + name);
  remove(file(kAside));
  rename(to, file(kAside));
  nn::sync_directory(place_.path);
  print_note("{}: the run before goes to {} until this one has its first checkpoint\n", place_.path, file(kAside));
}

// After a kill in the middle of replace_directory(), add_checkpoint() or a write_file(). The lock of the directory says
// that nobody else writes.
void Directory::put_in_order() const {
  std::error_code error;
  std::vector<fs::path> halves;
  for (const std::string& place : {place_.path, file("best")})
    for (const auto& entry : fs::directory_iterator(place, error))
      if (entry.is_regular_file() && half_written(entry.path().filename())) halves.push_back(entry.path());
  for (const auto& entry : fs::directory_iterator(place_.path)) {
    const std::string name = entry.path().filename();
    if (entry.is_directory() && name.ends_with(".old") && !has(name.substr(0, name.size() - 4)))
      rename(entry.path().string(), file(name.substr(0, name.size() - 4)));
  }
  for (const fs::path& half : halves) remove(half);
  remove(file("best.part"));
  remove(file("best.old"));
  if (!has(kNext)) return;
  if (has(kLast)) rename(file(kLast), file(kPrevious));
  rename(file(kNext), file(kLast));
}

void Directory::require_ours() const {
  struct stat ours {
  }, now{};
  const bool same = fstat(lock_, &ours) == 0 && stat(place_.path.c_str(), &now) == 0 && same_file(ours, now);
  check(same, "{}: the directory of this run has been removed or replaced while it ran", place_.path);
}

void Directory::require_ours(const std::string& name, int fd) const {
  require_ours();
  struct stat ours {
  }, now{};
  const bool same = fstat(fd, &ours) == 0 && stat(file(name).c_str(), &now) == 0 && same_file(ours, now);
  check(same, "{}: has been removed or replaced while the run wrote to it", file(name));
}

void Directory::replace_directory(const std::string& name, const std::function<void(const std::string&)>& save) const {
  require_ours();
  nn::write_directory(file(name), save);
}

void Directory::add_checkpoint(const std::function<void(const std::string&)>& save) const {
  require_ours();
  save(file(kNext));
  if (has(kLast)) rename(file(kLast), file(kPrevious));
  rename(file(kNext), file(kLast));
  nn::sync_directory(place_.path);
  if (has(kAside)) remove(file(kAside));
}

void Directory::take_previous() const {
  rename(file(kPrevious), file(kLast));
  nn::sync_directory(place_.path);
}

bool has_checkpoint(const std::string& directory) {
  namespace fs = std::filesystem;
  return !directory.empty() && (fs::exists(fs::path(directory) / kLast) || fs::exists(fs::path(directory) / kPrevious));
}

bool same_file(const std::string& a, const std::string& b) {
  namespace fs = std::filesystem;
  if (a.empty() || b.empty() || a == "-" || b == "-") return false;
  std::error_code none;
  if (fs::exists(a, none) || fs::exists(b, none)) return fs::is_regular_file(a, none) && fs::equivalent(a, b, none);
  const fs::path path = fs::weakly_canonical(fs::absolute(a, none), none);
  return !path.empty() && path == fs::weakly_canonical(fs::absolute(b, none), none);
}

}  // namespace run
