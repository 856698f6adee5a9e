// The way of a file to the disk, call by call, each with its result looked at. Read nn/format/files.h first.
#include "nn/format/part_file.h"

#include <fcntl.h>
#include <signal.h>
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

// PATH.PID.part of which no process PID is left (another user's, which may not be signalled, is one).
void remove_stale_parts(const std::string& path) {
  namespace fs = std::filesystem;
  const fs::path target(path);
  const std::string start = target.filename().string() + ".", end = ".part";
  std::error_code error;
  for (const auto& file : fs::directory_iterator(target.has_parent_path() ? target.parent_path() : ".", error)) {
    const std::string name = file.path().filename().string();
    if (!name.starts_with(start) || !name.ends_with(end) || name.size() < start.size() + end.size()) continue;
    const std::string middle = name.substr(start.size(), name.size() - start.size() - end.size());
    const std::optional<pid_t> writer = parse_number<pid_t>(middle);
    if (writer && *writer > 0 && kill(*writer, 0) != 0 && errno == ESRCH) fs::remove(file.path(), error);
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

PartFile::PartFile(const std::string& path) : path_(path), part_(fmt::format("{}.{}.part", path, getpid())) {
  constexpr int kNew = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  file_ = int(uninterrupted([&] { return ::open(part_.c_str(), kNew, 0666); }));
  check_io(file_ >= 0, path_, "written");
}

PartFile::~PartFile() {
  if (file_ >= 0) ::close(file_);
  if (!part_.empty()) ::unlink(part_.c_str());
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
  sync_directory_of(path_);
  remove_stale_parts(path_);
}

}  // namespace nn
