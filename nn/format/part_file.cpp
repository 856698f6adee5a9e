// The way of a file to the disk, call by call, each with its result looked at. Read nn/format/files.h first.
#include "nn/format/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "engine/strings.h"
#include "nn/format/files.h"

namespace nn {
using namespace engine;
namespace {

constexpr size_t kKept = 1 << 20;  // bytes from one call of write() to the next

// Whether nobody else holds the file. The number of a process would not say so: it may be another's by now, or that of
// a dead one whose parent has not asked after it, and another machine that sees the directory has numbers of its own.
// False, too, where a file system knows no locks.
bool take(int file) { return flock(file, LOCK_EX | LOCK_NB) == 0; }

// PATH.123.part that nobody holds.
void remove_stale_parts(const std::string& path) {
  namespace fs = std::filesystem;
  const fs::path target(path);
  const std::string start = target.filename().string() + ".", end = ".part";
  std::error_code error;
  for (const auto& file : fs::directory_iterator(target.has_parent_path() ? target.parent_path() : ".", error)) {
    const std::string name = file.path().filename().string();
    if (!name.starts_with(start) || !name.ends_with(end) || name.size() < start.size() + end.size()) continue;
    const std::string middle = name.substr(start.size(), name.size() - start.size() - end.size());
    if (middle.empty() || middle.find_first_not_of("0123456789") != middle.npos) continue;
    const int part = ::open(file.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (part < 0) continue;
    if (take(part)) fs::remove(file.path(), error);
    ::close(part);
  }
}

}  // namespace

long uninterrupted(const std::function<long()>& call) {
  long result;
  do result = call();
  while (result < 0 && errno == EINTR);
  return result;
}

bool write_all(int file, const char* bytes, size_t count) {
  while (count) {
    const long written = uninterrupted([&] { return ::write(file, bytes, count); });
    if (written < 0) return false;
    bytes += written, count -= size_t(written);
  }
  return true;
}

void sync_directory(const std::string& directory) {
  const int file = int(uninterrupted([&] { return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  check_io(file >= 0, directory, "written");
  const bool done = uninterrupted([&] { return fsync(file); }) == 0 || errno == EINVAL || errno == ENOTSUP;
  const int why = errno;
  const bool closed = ::close(file) == 0;
  if (!done) errno = why;
  check_io(done && closed, directory, "written");
}

void sync_directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  sync_directory(slash == path.npos ? "." : path.substr(0, slash + 1));
}

// A name that is there already is another writer's, or a dead one's; and who looks for those may come between.
PartFile::PartFile(const std::string& path) : path_(path) {
  constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  for (long number = getpid();; ++number) {
    part_ = fmt::format("{}.{}.part", path, number);
    file_ = int(uninterrupted([&] { return ::open(part_.c_str(), kNew, 0666); }));
    if (file_ < 0 && errno == EEXIST) continue;
    if (file_ < 0) part_.clear();
    check_io(file_ >= 0, path_, "written");
    const bool held = take(file_) || errno != EWOULDBLOCK;
    struct stat now {};
    if (held && fstat(file_, &now) == 0 && now.st_nlink > 0) break;
    ::close(std::exchange(file_, -1));
  }
  lock_ = dup(file_);
}

PartFile::~PartFile() {
  if (file_ >= 0) ::close(file_);
  if (!part_.empty()) ::unlink(part_.c_str());
  if (lock_ >= 0) ::close(lock_);
}

void PartFile::flush() {
  check_io(write_all(file_, kept_.data(), kept_.size()), path_, "written");
  kept_.clear();
}

void PartFile::write(const void* bytes, size_t count) {
  kept_.append(static_cast<const char*>(bytes), count);
  if (kept_.size() >= kKept) flush();
}

void PartFile::overwrite(size_t place, const std::string& bytes) {
  flush();
  check_io(lseek(file_, off_t(place), SEEK_SET) >= 0 && write_all(file_, bytes.data(), bytes.size()) &&
               lseek(file_, 0, SEEK_END) >= 0,
           path_, "written");
}

void PartFile::place() {
  flush();
  check_io(uninterrupted([&] { return fsync(file_); }) == 0, path_, "written");
  check_io(::close(std::exchange(file_, -1)) == 0, path_, "written");
  check_io(std::rename(part_.c_str(), path_.c_str()) == 0, path_, "written");
  part_.clear();
  if (lock_ >= 0) ::close(std::exchange(lock_, -1));
  sync_directory_of(path_);
  remove_stale_parts(path_);
}

}  // namespace nn
