// Reading whole files, and writing them so that nobody ever sees half of one. Read nn/safetensors.cpp next.
#include "nn/format/files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "engine/strings.h"

namespace nn {
using namespace engine;
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

void sync_directory(const std::string& path) {
  const size_t slash = path.rfind('/');
  const int fd = open(slash == std::string::npos ? "." : path.substr(0, slash + 1).c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return;  // the file is complete all the same
  fsync(fd);
  close(fd);
}

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

void check_io(bool succeeded, const std::string& path, const char* done) {
  check(succeeded, "{}: cannot be {}: {}", path, done, std::strerror(errno));
}

namespace {

struct stat information_on(const std::string& path) {
  struct stat info {};
  check_io(stat(path.c_str(), &info) == 0, path, "read");
  check(!S_ISDIR(info.st_mode), "{}: a directory, not a file", path);
  return info;
}

}  // namespace

std::string read_regular_file(const std::string& path, long most) {
  const struct stat info = information_on(path);
  check(S_ISREG(info.st_mode), "{}: not a regular file", path);
  check(info.st_size <= most, "{}: {} bytes; at most {} are read", path, info.st_size, most);
  return read_file(path);
}

std::string read_file(const std::string& path) {
  information_on(path);
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  check_io(file != nullptr, path, "read");
  std::string content;
  char part[1 << 16];
  while (const size_t n = std::fread(part, 1, sizeof part, file.get())) content.append(part, n);
  check_io(!std::ferror(file.get()), path, "read");
  return content;
}

void write_file(const std::string& path, const std::function<void(const Write&)>& content) {
  const std::string temporary = fmt::format("{}.{}.part", path, getpid());
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  check_io(file != nullptr, path, "written");
  try {
    content([&](const void* bytes, size_t count) {
      if (count == 0) return;
      check_io(std::fwrite(bytes, 1, count, file) == count, path, "written");
    });
    check_io(std::fflush(file) == 0 && fsync(fileno(file)) == 0, path, "written");
    check_io(std::fclose(std::exchange(file, nullptr)) == 0, path, "written");
    check_io(std::rename(temporary.c_str(), path.c_str()) == 0, path, "written");
  } catch (...) {
    if (file) std::fclose(file);
    std::remove(temporary.c_str());
    throw;
  }
  sync_directory(path);
  remove_stale_parts(path);
}

void write_file(const std::string& path, const std::string& content) {
  write_file(path, [&](const Write& write) { write(content.data(), content.size()); });
}

}  // namespace nn
