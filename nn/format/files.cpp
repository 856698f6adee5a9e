// Reading whole files, and writing them so that nobody ever sees half of one. Read nn/safetensors.cpp next.
#include "nn/format/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

namespace nn {
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

}  // namespace

void check_io(bool succeeded, const std::string& path, const char* done) {
  check(succeeded, "{}: cannot be {}: {}", path, done, std::strerror(errno));
}

std::string read_file(const std::string& path) {
  struct stat info {};
  check_io(stat(path.c_str(), &info) == 0, path, "read");
  check(!S_ISDIR(info.st_mode), "{}: a directory, not a file", path);
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
}

void write_file(const std::string& path, const std::string& content) {
  write_file(path, [&](const Write& write) { write(content.data(), content.size()); });
}

}  // namespace nn
