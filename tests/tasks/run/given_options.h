// Options of every kind, what a command line or a file makes of them, and what is said.
#pragma once

#include <unistd.h>

#include "nn/format/files.h"
#include "tasks/run/arguments.h"
#include "tasks/run/console.h"
#include "tests/support/support.h"

namespace test {

struct Given {
  std::string text = "none", choice = "red", place;
  std::vector<std::string> list, names{"a", "b"};
  std::vector<long> shots{1, 5};
  std::optional<double> rate;
  std::optional<long> layers;
  double share = 0.1;
  int count = 3;
  uint64_t seed = 42;
  bool flag = false, other = false;

  void declare(run::Options& options) {
    options.add("--text", text, "a text");
    options.add("--choice", choice, "a colour").group("Colours").one_of({"red", "green", "blue"});
    options.add("--list", list, "texts");
    options.add("--names", names, "more texts").group("Colours");
    options.add("--shots", shots, "numbers").delimiter(',').between(1, 100);
    options.add("--rate", rate, "a rate").positive();
    options.add("--layers", layers, "a number");
    options.add("--share", share, "a share").between(0, 1);
    options.add("--count", count, "a number").not_negative();
    options.add("--seed", seed, "a number").between(0, 9e15);
    options.add("--flag", flag, "a switch");
    options.add("--other", other, "a switch").excludes("--flag").not_saved();
  }
  bool operator==(const Given&) const = default;
};

struct Outcome {
  Given given;
  std::string effective, output;
  std::vector<std::string> texts;
  int status = 0;
};

// Standard output and error of f, through a file.
inline std::string captured(const std::function<void()>& f) {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/out";
  std::fflush(nullptr);
  const int out = dup(1), err = dup(2);
  REQUIRE(std::freopen(path.c_str(), "w", stdout) != nullptr);
  dup2(1, 2);
  f();
  std::fflush(nullptr);
  dup2(out, 1);
  dup2(err, 2);
  close(out);
  close(err);
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline Outcome parse(std::vector<const char*> words, bool texts = false, bool by_place = false) {
  Outcome result;
  run::Options options("tool work", "Works.");
  result.given.declare(options);
  if (by_place) options.add("FILE", result.given.place, "a file").required();
  if (texts) options.take_texts();
  words.insert(words.begin(), "tool");
  result.output = captured([&] {
    try {
      options.parse(int(words.size()), words.data());
    } catch (const run::Exit& e) { result.status = e.status + 100; }
  });
  result.texts = options.texts();
  result.effective = options.effective();
  return result;
}

inline std::string wrong(const std::vector<const char*>& words, bool texts = false, bool by_place = false) {
  const Outcome o = parse(words, texts, by_place);
  CHECK(o.status == 102);
  return o.output.substr(0, o.output.find('\n'));
}

}  // namespace test
