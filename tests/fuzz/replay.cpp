// Seeds of `make fuzz` and every input that once failed, read again. Read tests/fuzz/targets.h first.
#include <filesystem>

#include "nn/format/files.h"
#include "tests/fuzz/targets.h"
#include "tests/support/support.h"

using namespace test;

TEST_CASE("fuzz: every input of the corpus is read or refused; every target has some, and every folder a target") {
  size_t folders = 0;
  for (const fuzz::Target& target : fuzz::targets()) {
    const std::string folder = fmt::format("tests/fuzz/corpus/{}", target.name);
    REQUIRE_MESSAGE(std::filesystem::is_directory(folder), folder);
    ++folders;
    long inputs = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      const std::string path = file.path();
      INFO(path);
      CHECK_NOTHROW(fuzz::read(target.name, nn::read_file(path)));
      ++inputs;
    }
    CHECK_MESSAGE(inputs > 0, folder);
    fuzz::read(target.name, "");
  }
  CHECK(std::distance(std::filesystem::directory_iterator("tests/fuzz/corpus"), {}) == long(folders));
  CHECK(!fuzz::read("no such target", ""));
}
