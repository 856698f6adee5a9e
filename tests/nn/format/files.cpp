// Files and directories on their way to the disk: what a killed writer leaves goes, what a living one writes stays, and
// a directory is never half of what it was and half of what it is to be.
#include "nn/format/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <thread>

#include "nn/format/part_file.h"
#include "nn/format/sealed.h"
#include "nn/format/whole_directory.h"
#include "tests/support/support.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

using Names = std::vector<std::string>;

// A process that begins to write `path` and is killed; its parent has not asked after it when this returns.
pid_t killed_while_writing(const std::string& path) {
  const pid_t child = fork();
  if (child == 0) {
    nn::PartFile part(path);
    part.write("half", 4);
    kill(getpid(), SIGKILL);
  }
  siginfo_t how{};
  waitid(P_PID, id_t(child), &how, WEXITED | WNOWAIT);
  return child;
}

void save_model(const std::string& directory, const char* text) {
  nn::write_file(directory + "/config.json", text);
  nn::write_file(directory + "/model.safetensors", text);
}

}  // namespace

TEST_CASE("files: what a killed process was writing goes with the next file of that name, buried or not") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  const pid_t dead = killed_while_writing(path);
  REQUIRE(names_in(dir.path) == Names{fmt::format("x.{}.part", dead)});
  CHECK(kill(dead, 0) == 0);  // it still has its number
  nn::write_file(path, "whole");
  CHECK(names_in(dir.path) == Names{"x"});
  waitpid(dead, nullptr, 0);
  CHECK(nn::read_file(path) == "whole");
  for (const char* other : {"x.part", "x..part", "x.1a.part", "y.77.part", "x.77.part.part"}) dir.write(other, "");
  dir.write("x.77.part", "");  // of no process that holds it
  nn::write_file(path, "again");
  CHECK(names_in(dir.path) == Names{"x", "x..part", "x.1a.part", "x.77.part.part", "x.part", "y.77.part"});
}

TEST_CASE("files: two writers of one file do not take each other's, and the last one wins") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  nn::PartFile first(path);
  first.write("first", 5);
  nn::PartFile second(path);  // of the same process, and with the same number
  second.write("second", 6);
  CHECK(names_in(dir.path).size() == 2);
  second.place();
  CHECK(nn::read_file(path) == "second");
  CHECK(names_in(dir.path).size() == 2);
  first.place();
  CHECK(nn::read_file(path) == "first");
  CHECK(names_in(dir.path) == Names{"x"});
}

TEST_CASE("directories: the new one takes the place of the old one as a whole, its manifest names its files") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/a/model";
  nn::write_directory(path + "/", [](const std::string& to) { save_model(to, "one"); });
  nn::write_file(path + "/more.txt", "of the old one");
  CHECK(names_in(path) == Names{"config.json", "manifest.json", "model.safetensors", "more.txt"});
  fs::create_directories(path + ".part/left");  // by a killed one
  const auto fails = [](const std::string& to) {
    nn::write_file(to + "/config.json", "two");
    engine::fail("no");
  };
  CHECK(error_of([&] { nn::write_directory(path, fails); }) == "no");
  CHECK(nn::read_file(path + "/config.json") == "one");
  CHECK(names_in(dir.path + "/a") == Names{"model"});
  nn::write_directory(path, [](const std::string& to) { save_model(to, "two"); });
  CHECK(names_in(path) == Names{"config.json", "manifest.json", "model.safetensors"});
  CHECK(names_in(dir.path + "/a") == Names{"model"});
  CHECK(nn::manifest_fault(path) == "");
  nn::write_file(path + "/model.safetensors", "twp");
  CHECK(nn::manifest_fault(path).find("model.safetensors has been changed") != std::string::npos);
}

TEST_CASE("directories: where another program writes one, the second says so and leaves the first its files") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/model";
  nn::write_directory(path, [&](const std::string& to) {
    save_model(to, "one");
    CHECK(error_of([&] { nn::write_directory(path, [](const std::string& at) { save_model(at, "two"); }); }) ==
          path + ".part: another program is writing here");
  });
  CHECK(nn::read_file(path + "/config.json") == "one");
  CHECK(nn::manifest_fault(path) == "");
}

TEST_CASE("directories: one that somebody holds, as a run holds its own, is replaced all the same, and soon") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/model";
  nn::write_directory(path, [](const std::string& to) { save_model(to, "one"); });
  const int held = open(path.c_str(), O_RDONLY | O_DIRECTORY);
  REQUIRE(flock(held, LOCK_EX | LOCK_NB) == 0);
  nn::write_directory(path, [](const std::string& to) { save_model(to, "two"); });
  CHECK(nn::read_file(path + "/config.json") == "two");
  CHECK(names_in(dir.path) == Names{"model"});
  close(held);
}

TEST_CASE(
    "directories: of two that write one again and again each succeeds or hears of the other, and nothing is torn") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/model";
  std::set<std::string> errors[2];
  std::vector<std::thread> writers;
  for (int w = 0; w < 2; ++w)
    writers.emplace_back([&, w] {
      for (int i = 0; i < 40; ++i)
        errors[w].insert(error_of([&] {
          nn::write_directory(path, [&](const std::string& to) {
            for (int f = 0; f < 12; ++f) nn::write_file(fmt::format("{}/f{}.txt", to, f), std::to_string(i));
          });
        }));
    });
  for (std::thread& writer : writers) writer.join();
  for (const auto& said : errors)
    for (const std::string& error : said)
      CHECK_MESSAGE((error.empty() || error == path + ".part: another program is writing here"), error);
  CHECK(nn::manifest_fault(path) == "");
  CHECK(names_in(dir.path) == Names{"model"});
}

TEST_CASE("directories: a file that is written into one later is in its manifest, and one that goes is not") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/model";
  nn::write_directory(path, [](const std::string& to) { save_model(to, "one"); });
  nn::write_listed_file(path, "calibration.json", "first");
  nn::write_listed_file(path, "calibration.json", "second");
  CHECK(nn::manifest_fault(path) == "");
  dir.write("model/calibration.json", "secone");
  CHECK(nn::manifest_fault(path) == "calibration.json has been changed or damaged");
  nn::remove_listed_file(path, "calibration.json");
  CHECK(nn::manifest_fault(path) == "");
  CHECK(names_in(path) == Names{"config.json", "manifest.json", "model.safetensors"});
  fs::remove(path + "/manifest.json");
  nn::write_listed_file(path, "calibration.json", "third");
  CHECK(!fs::exists(path + "/manifest.json"));
}
