// A directory on its way to take the place of another one. Read nn/format/sealed.h and part_file.h first.
#include "nn/format/whole_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "nn/format/part_file.h"
#include "nn/format/sealed.h"

namespace nn {
using namespace engine;

namespace fs = std::filesystem;

namespace {

void remove(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  check(!error, "{}: cannot be removed: {}", path, error.message());
}

void rename(const std::string& from, const std::string& to) {
  check_io(std::rename(from.c_str(), to.c_str()) == 0, to, "written");
}

void sync_file(const std::string& path) {
  const int file = int(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  check_io(file >= 0, path, "written");
  const bool done = uninterrupted([&] { return fsync(file); }) == 0;
  const int why = errno;
  const bool closed = ::close(file) == 0;
  if (!done) errno = why;
  check_io(done && closed, path, "written");
}

void sync_all(const std::string& directory) {
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_directory())
      sync_directory(entry.path());
    else if (entry.is_regular_file())
      sync_file(entry.path());
  sync_directory(directory);
}

// PATH.part, empty and ours; gone in the end unless it is placed.
class Part {
 public:
  explicit Part(const std::string& path) : path_(path) {
    std::error_code error;
    for (bool ours = false; !ours;) {
      fs::create_directories(path_, error);
      check(!error, "{}: cannot be created: {}", path_, error.message());
      lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (lock_ < 0 && errno == ENOENT) continue;  // another one has just removed it
      check_io(lock_ >= 0, path_, "written");
      const bool held = flock(lock_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
      struct stat now {};
      ours = held && fstat(lock_, &now) == 0 && now.st_nlink > 0;
      if (!ours) ::close(std::exchange(lock_, -1));
      check(held, "{}: another program is writing here", path_);
    }
    for (const auto& entry : fs::directory_iterator(path_)) remove(entry.path());
  }
  ~Part() {
    std::error_code error;
    if (!placed_) fs::remove_all(path_, error);
    ::close(lock_);
  }
  Part(const Part&) = delete;

  void place(const std::string& to) {
    std::string before = path_;  // where what stood there is now
    // Once it has this one's name it is taken for a part that nobody writes: held until it is gone.
    const int old = ::open(to.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (old >= 0) uninterrupted([&] { return flock(old, LOCK_EX); });
    if (!fs::exists(to)) {
      rename(path_, to);
    } else if (renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) != 0) {
      check_io(errno == EINVAL || errno == ENOSYS || errno == ENOTSUP, to, "written");
      before = to + ".old";
      remove(before);
      rename(to, before);
      rename(path_, to);
    }
    placed_ = true;
    sync_directory_of(to);
    std::error_code error;  // what cannot be removed is not what was to be written
    fs::remove_all(before, error);
    if (old >= 0) ::close(old);
  }

 private:
  std::string path_;
  int lock_ = -1;
  bool placed_ = false;
};

}  // namespace

void write_directory(const std::string& path, const std::function<void(const std::string&)>& save) {
  std::string to = path;
  while (to.size() > 1 && to.back() == '/') to.pop_back();
  Part part(to + ".part");
  save(to + ".part");
  write_manifest(to + ".part");
  sync_all(to + ".part");
  part.place(to);
}

void write_listed_file(const std::string& directory, const std::string& name, const std::string& content) {
  leave_out_of_manifest(directory, name);
  write_file(directory + "/" + name, content);
  add_to_manifest(directory, name);
}

void remove_listed_file(const std::string& directory, const std::string& name) {
  leave_out_of_manifest(directory, name);
  remove(directory + "/" + name);
}

}  // namespace nn
