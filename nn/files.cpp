// Reading whole files, and writing them so that nobody ever sees half of one. Read nn/safetensors.cpp next.
#include "nn/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

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

std::string read_file(const std::string& path) {
  struct stat info {};
  check(stat(path.c_str(), &info) == 0, "{}: {}", path, std::strerror(errno));
  check(!S_ISDIR(info.st_mode), "{}: is a directory; a file is needed", path);
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  check(file != nullptr, "{}: {}", path, std::strerror(errno));
  std::string content;
  char part[1 << 16];
  while (const size_t n = std::fread(part, 1, sizeof part, file.get())) content.append(part, n);
  check(!std::ferror(file.get()), "{}: {}", path, std::strerror(errno));
  return content;
}

void write_file(const std::string& path, const std::function<void(const Write&)>& content) {
  const std::string temporary = fmt::format("{}.{}.part", path, getpid());
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  check(file, "{}: cannot be written: {}", path, std::strerror(errno));
  try {
    content([&](const void* bytes, size_t count) {
      check(std::fwrite(bytes, 1, count, file) == count, "{}: cannot be written: {}", path, std::strerror(errno));
    });
    check(std::fflush(file) == 0 && fsync(fileno(file)) == 0, "{}: cannot be written: {}", path, std::strerror(errno));
  } catch (...) {
    std::fclose(file);
    std::remove(temporary.c_str());
    throw;
  }
  const bool closed = std::fclose(file) == 0;
  if (!closed || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    std::remove(temporary.c_str());
    fail("{}: cannot be written: {}", path, std::strerror(reason));
  }
  sync_directory(path);
}

void write_file(const std::string& path, const std::string& content) {
  write_file(path, [&](const Write& write) { write(content.data(), content.size()); });
}

}  // namespace nn
