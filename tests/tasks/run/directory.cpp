// The directory of a run: what stands when a save is cut short, a file is damaged, or another run takes its place.
#include "tasks/run/directory.h"

#include "tests/tasks/run/small_run.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

// Whether a run that is killed, and whose files are then changed, is resumed to the bits of one that was not.
bool recovers(const std::string& path, const std::function<void()>& change) {
  run_until(path, 6);
  change();
  resume(path);
  return outcome(path) == undisturbed();
}

}  // namespace

TEST_CASE("directory: a damaged checkpoint gives way to the one before it, and the run ends in the same bits") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x", last = path + "/last.safetensors";
  CHECK(recovers(path, [&] { fs::resize_file(last, 100); }));
  CHECK(recovers(path, [&] { fs::resize_file(last, 0); }));
  CHECK(recovers(path, [&] { fs::remove(last); }));
  CHECK(recovers(path, [&] {
    std::fstream file(last, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-9, std::ios::end).put('x');
  }));
  CHECK(recovers(path, [&] {  // a number of its state
    std::string bytes = nn::read_file(last);
    const size_t at = bytes.find("\"step\\\":5");
    REQUIRE(at != std::string::npos);
    bytes[at + 8] = '4';
    std::ofstream(last, std::ios::binary) << bytes;
  }));
  run_until(path, 3);  // there is one checkpoint only
  fs::resize_file(last, 100);
  CHECK(error_of([&] { resume(path); }).find("last.safetensors") != std::string::npos);
}

TEST_CASE("directory: a kill in the middle of a save leaves the old or the new, never neither") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  const auto killed_then = [&](const std::function<void()>& middle) {
    return recovers(path, middle) &&
           entries(path) == std::vector<std::string>{"best",      "cost.json",   "last.safetensors",
                                                     "log.jsonl", "options.ini", "previous.safetensors"};
  };
  CHECK(killed_then([&] { fs::rename(path + "/best", path + "/best.old"); }));
  CHECK(killed_then([&] {
    fs::rename(path + "/best", path + "/best.old");
    fs::create_directories(path + "/best.part");
  }));
  CHECK(killed_then([&] {
    fs::create_directories(path + "/best.part");
    std::ofstream(path + "/best.part/model.safetensors") << "half";
  }));
  CHECK(killed_then([&] {  // between the two renames of a checkpoint
    fs::rename(path + "/last.safetensors", path + "/next.safetensors");
  }));
  CHECK(killed_then([&] {
    std::ofstream(path + "/next.safetensors.123.part") << "half";
    std::ofstream(path + "/result.json.77.part") << "half";
  }));
}

TEST_CASE("directory: a directory that is removed under the run is an error, at the next save or at the end") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  for (const long step : {0L, kSteps - 1})
    for (const bool again : {false, true}) {
      SmallRun small(path);
      small.at_step = [&](long now) {
        if (now != step) return;
        fs::remove_all(path);
        if (again) fs::create_directories(path);
      };
      const std::string error = error_of([&] { small.run(); });
      CHECK_MESSAGE(error.find("has been removed or replaced while it ran") != std::string::npos, error);
      fs::remove_all(path);
    }
  SmallRun log(path);
  log.at_step = [&](long) { fs::remove(path + "/log.jsonl"); };
  CHECK(error_of([&] { log.run(); }).find("log.jsonl: has been removed") != std::string::npos);
}

TEST_CASE(
    "training: --overwrite keeps what was there until the first checkpoint stands, and takes nothing of it for its "
    "own") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  SmallRun first(path);
  first.frame.also_written = {"single"};
  first.run();
  fs::create_directories(path + "/single/a");
  std::ofstream(path + "/notes.txt") << "mine";
  const std::string before = outcome(path);

  SmallRun second(path);
  second.options.overwrite = true;
  second.options.lr = 0.01;
  second.frame.also_written = {"single"};
  second.kill_before_save = 1;
  second.run();
  CHECK(second.id != first.id);
  CHECK(entries(path) == std::vector<std::string>{"log.jsonl", "notes.txt", "options.ini", "replaced"});
  CHECK(outcome(path + "/replaced") == before);
  CHECK(fs::exists(path + "/replaced/single/a"));

  SmallRun third(path);  // over one that never had a checkpoint: the first is still there
  third.options.overwrite = true;
  third.kill_before_save = 1;
  third.frame.also_written = {"single"};
  third.run();
  CHECK(outcome(path + "/replaced") == before);

  resume(path);
  CHECK(outcome(path) == undisturbed());
  CHECK(!fs::exists(path + "/replaced"));
  CHECK(!fs::exists(path + "/single"));
  CHECK(nn::read_file(path + "/notes.txt") == "mine");
}

TEST_CASE("directory: killed while --overwrite puts the old run aside, either run can be had") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  const std::vector<std::string> names{"last.safetensors", "previous.safetensors", "best", "log.jsonl", "options.ini"};
  const auto aside = [&](const char* place, size_t moved) {
    run_until(path, 6);
    fs::create_directories(path + "/" + place);
    for (size_t i = 0; i < moved; ++i) fs::rename(path + "/" + names[i], path + "/" + place + "/" + names[i]);
  };
  for (const auto& [place, moved] :
       {std::pair{"replaced.part", 0}, {"replaced.part", 3}, {"replaced.part", 5}, {"replaced", 5}}) {
    aside(place, size_t(moved));
    resume(path);
    CHECK(outcome(path) == undisturbed());
    CHECK(!fs::exists(path + "/" + place));
  }
  aside("replaced.part", 3);
  SmallRun over(path);
  over.options.overwrite = true;
  over.kill_before_save = 0;
  over.run();
  CHECK(entries(path + "/replaced") ==
        std::vector<std::string>{"best", "last.safetensors", "log.jsonl", "options.ini", "previous.safetensors"});
}

TEST_CASE("directory: what the run reads is not overwritten by it") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  SmallRun(path).run();
  const std::string before = outcome(path);
  fs::create_symlink(path, dir.path + "/link");
  for (const std::string input : {"/x", "/x/best", "/x/best/model.safetensors", "/link/best", "/x/../x/log.jsonl"}) {
    SmallRun small(path);
    small.options.overwrite = true;
    small.frame.inputs = {dir.path + "/nowhere", dir.path + input};
    CHECK(error_of([&] { small.run(); }) ==
          path + ": --overwrite would replace what the run reads: " + dir.path + input);
    CHECK(outcome(path) == before);
  }
  SmallRun beside(path);
  beside.options.overwrite = true;
  beside.frame.inputs = {dir.write("xy", ""), dir.path};
  beside.run();
  CHECK(outcome(path) == undisturbed());
}
