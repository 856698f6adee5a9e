// A directory on its way to take the place of another one. Read nn/format/sealed.h and part_file.h first.
#include "nn/format/whole_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>

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

// A directory, held as long as this lives, unless another one holds it.
class Hold {
 public:
  explicit Hold(const std::string& path) {
    fd_ = int(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    why_ = fd_ < 0 ? errno : 0;
    free_ = fd_ >= 0 && (flock(fd_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK);  // where there are no locks: free
  }
  ~Hold() {
    if (fd_ >= 0) ::close(fd_);
  }
  Hold(const Hold&) = delete;

  bool free() const { return free_; }
  int why_not() const { return why_; }  // it cannot be opened; 0: it can
  bool stands_at(const std::string& path) const {
    struct stat own {
    }, there{};
    return fd_ >= 0 && fstat(fd_, &own) == 0 && stat(path.c_str(), &there) == 0 && own.st_dev == there.st_dev &&
           own.st_ino == there.st_ino;
  }

 private:
  int fd_ = -1, why_ = 0;
  bool free_ = false;
};

// PATH.part, empty and ours; gone in the end unless it is placed.
class Part {
 public:
  explicit Part(const std::string& path) : path_(path) {
    std::error_code error;
    while (!hold_ || !hold_->stands_at(path_)) {  // another one may have removed it, or given it its place
      fs::create_directories(path_, error);
      check(!error, "{}: cannot be created: {}", path_, error.message());
      hold_ = std::make_unique<Hold>(path_);
      errno = hold_->why_not();
      check_io(errno == 0 || errno == ENOENT, path_, "written");
      check(errno != 0 || hold_->free(), "{}: another program is writing here", path_);
    }
    for (const auto& entry : fs::directory_iterator(path_)) remove(entry.path());
  }
  ~Part() {
    std::error_code error;
    if (!placed_) fs::remove_all(path_, error);
  }
  Part(const Part&) = delete;

  void place(const std::string& to) {
    std::string before = path_;  // where what stood there is now
    const Hold old(to);          // once it has this one's name, others would take it for a part that nobody writes
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
  }

 private:
  std::string path_;
  std::unique_ptr<Hold> hold_;
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
