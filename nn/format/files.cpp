// Reading whole files, and writing them so that nobody ever sees half of one. Read nn/format/safetensors.cpp next.
#include "nn/format/files.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "nn/format/part_file.h"

namespace nn {
using namespace engine;
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

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
  PartFile part(path);
  content([&](const void* bytes, size_t count) { part.write(bytes, count); });
  part.place();
}

void write_file(const std::string& path, const std::string& content) {
  write_file(path, [&](const Write& write) { write(content.data(), content.size()); });
}

}  // namespace nn
