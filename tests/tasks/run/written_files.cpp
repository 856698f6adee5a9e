// Options that name files: none is written that is read. Read tasks/run/arguments.h first.
#include <filesystem>

#include "tasks/run/arguments.h"
#include "tests/support/support.h"

using namespace test;

TEST_CASE("options: a file is not written that is read, nor twice, whatever leads to it") {
  const TemporaryDirectory dir;
  const std::string there = dir.write("in.csv", "a"), other = dir.write("other.csv", "b"), link = dir.path + "/link";
  std::filesystem::create_symlink(there, link);
  const auto parsed = [](std::vector<const char*> words) {
    std::string page, out;
    std::vector<std::string> data;
    run::Options options("tool work", "Works.");
    options.add("--page", page, "a page").writes();
    options.add("--data", data, "files").reads();
    options.add("--out", out, "a file").writes();
    words.insert(words.begin(), "work");
    return error_of([&] { options.parse(int(words.size()), words.data()); });
  };
  const std::string of_data = ": the file of --data; name another", named = "1=" + there, in_dir = dir.path + "/./new";
  CHECK(parsed({"--data", other.c_str(), there.c_str(), "--out", link.c_str()}) == "--out " + link + of_data);
  CHECK(parsed({"--data", named.c_str(), "--page", there.c_str()}) == "--page " + there + of_data);
  CHECK(parsed({"--page", (dir.path + "/new").c_str(), "--out", in_dir.c_str()}) ==
        "--out " + in_dir + ": the file of --page; name another");
  CHECK(parsed({"--data", there.c_str(), "--out", other.c_str()}) == "");
  CHECK(parsed({"--data", "-", "--page", "/dev/null", "--out", "/dev/null"}) == "");
  CHECK(parsed({"--data", "-", "--out", "-"}) == "");
}
