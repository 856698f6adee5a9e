// A directory in memory and the end of a program. Nothing to read before.
#include "tests/fuzz/place.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace fuzz {

namespace fs = std::filesystem;

void hold(bool property, const char* what) {
  if (property) return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", what);
  std::abort();
}

const std::string& place() {
  static const struct Place {
    std::string path = fs::exists("/dev/shm") ? "/dev/shm/fuzz-XXXXXX" : "/tmp/fuzz-XXXXXX";
    Place() { hold(mkdtemp(path.data()) != nullptr, "a directory of its own"); }
    ~Place() { fs::remove_all(path); }
  } place;
  return place.path;
}

std::string file(const std::string& name, std::string_view bytes) {
  const std::string path = place() + "/" + name;
  fs::create_directories(fs::path(path).parent_path());
  std::FILE* out = std::fopen(path.c_str(), "wb");
  hold(out && std::fwrite(bytes.data(), 1, bytes.size(), out) == bytes.size() && std::fclose(out) == 0, "a file");
  return path;
}

size_t choice(std::string_view& bytes, size_t n) {
  const size_t chosen = bytes.empty() ? 0 : static_cast<unsigned char>(bytes[0]) % n;
  bytes.remove_prefix(std::min<size_t>(1, bytes.size()));
  return chosen;
}

}  // namespace fuzz
