// Options: the command line, files of options, and that options.ini brings back what was given.
#include "tasks/run/arguments.h"

#include <unistd.h>

#include "nn/format/files.h"
#include "tasks/run/console.h"
#include "tasks/run/options.h"
#include "tasks/run/options_file.h"
#include "tests/support/support.h"

using namespace test;

namespace {

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
std::string captured(const std::function<void()>& f) {
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

Outcome parse(std::vector<const char*> words, bool texts = false, bool by_place = false) {
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

std::string wrong(const std::vector<const char*>& words, bool texts = false, bool by_place = false) {
  const Outcome o = parse(words, texts, by_place);
  CHECK(o.status == 102);
  return o.output.substr(0, o.output.find('\n'));
}

const std::vector<std::string> kNasty{"",
                                      " ",
                                      "a",
                                      " lead",
                                      "trail ",
                                      "\t",
                                      "a\nb",
                                      "\n",
                                      "a\r\nb",
                                      "#",
                                      "a#b",
                                      "a #b",
                                      "# a",
                                      "reviews #2.tsv",
                                      ";",
                                      "C#",
                                      "don't like,it's \"ok\"",
                                      "\"",
                                      "'",
                                      "\"a\"",
                                      "'a'",
                                      "\\",
                                      "a\\",
                                      "\\n",
                                      "a\\\"b",
                                      "[",
                                      "]",
                                      "[a, b]",
                                      "a,b",
                                      "[]",
                                      "=",
                                      "a=b",
                                      "=a",
                                      "--text",
                                      "-",
                                      "--",
                                      "true",
                                      "false",
                                      "1",
                                      "%%",
                                      "\x01",
                                      "\x7f",
                                      "\x1b[31m",
                                      "caf\xc3\xa9",
                                      "\xff\xfe",
                                      "\xef\xbb\xbf",
                                      "\xe2\x80\xa8",
                                      "{}",
                                      "$HOME",
                                      "`ls`",
                                      "a  b",
                                      "\\u0041",
                                      "/",
                                      "key: value",
                                      std::string(5000, 'x')};

}  // namespace

TEST_CASE("options: options.ini brings back the very bytes that were given, alone and in lists") {
  const TemporaryDirectory dir;
  std::vector<const char*> all;
  for (const std::string& nasty : kNasty) {
    const std::string text = "--text=" + nasty, list = "--list=" + nasty;
    const Outcome first = parse({text.c_str(), list.c_str(), "--list=x", list.c_str()});
    CHECK_MESSAGE(first.status == 0, nasty);
    CHECK(first.given.text == nasty);
    CHECK(first.given.list == std::vector<std::string>{nasty, "x", nasty});
    const std::string file = dir.write("options.ini", first.effective);
    const Outcome second = parse({"--config", file.c_str()});
    CHECK_MESSAGE(second.given == first.given, nasty);
    CHECK(second.effective == first.effective);
  }
}

TEST_CASE("options: numbers, switches and what has no value come back from options.ini as well") {
  const TemporaryDirectory dir;
  for (const std::vector<const char*>& words :
       {std::vector<const char*>{},
        {"--rate", "1e-300", "--layers=-3", "--flag"},
        {"--shots", "1,2,3"},
        {"--shots", "1", "2,7", "--names", "c"},
        {"--flag=false", "--seed=9000000000000000", "--share=0.1000000000000001"},
        {"--rate", "+0.5", "--count", "0"}}) {
    const Outcome first = parse(words);
    CHECK(first.status == 0);
    const std::string file = dir.write("options.ini", "# run 1\n" + first.effective);
    const Outcome second = parse({"--config", file.c_str()});
    CHECK(second.status == 0);
    CHECK(second.given == first.given);
    CHECK(second.effective == first.effective);
  }
  CHECK(parse({}).effective ==
        "text=none\nchoice=red\nnames=a\nnames=b\nshots=1\nshots=5\nshare=0.1\ncount=3\nseed=42\nflag=false\n");
  CHECK(parse({"--text", "", "--other"}).effective.starts_with("text=\"\"\n"));
  CHECK(parse({"--other"}).effective.find("other") == std::string::npos);
}

TEST_CASE("options: a file by hand has comments, blanks, quotes, lists and switches; the command line goes before") {
  const TemporaryDirectory dir;
  const std::string file =
      dir.write("by-hand.ini",
                "\xEF\xBB\xBF# my options\r\n\n  ; and more\ntext =  a b  \r\nlist = [a, \"b, c\", 'd\\n'] # three\n"
                "list = e\n--count = 7\nflag\nchoice=\"gr\\u0065en\"\t\nshots = 3,4\nnames='it''s'");
  CHECK(wrong({"--config", file.c_str()}).find("by-hand.ini:11: there is more after the value: 's'") !=
        std::string::npos);
  const std::string good = nn::read_file(file).substr(0, nn::read_file(file).rfind('\n'));
  const std::string fine = dir.write("fine.ini", good);
  const Outcome o = parse({"--config", fine.c_str()});
  CHECK_MESSAGE(o.status == 0, o.output);
  CHECK(o.given.text == "a b");
  CHECK(o.given.list == std::vector<std::string>{"a", "b, c", "d\\n", "e"});
  CHECK(o.given.count == 7);
  CHECK(o.given.flag);
  CHECK(o.given.choice == "green");
  CHECK(o.given.shots == std::vector<long>{3, 4});
  const Outcome over = parse({"--list", "x", "--config", fine.c_str(), "--count=8", "--flag=no"});
  CHECK(over.given.list == std::vector<std::string>{"x"});
  CHECK(over.given.count == 8);
  CHECK(!over.given.flag);
  CHECK(over.given.text == "a b");
}

TEST_CASE("options: files of options as they were written before are read") {
  const TemporaryDirectory dir;
  const std::string file = dir.write("options.ini",
                                     "text=\"80/10/10\"\nlist=[\"a.tsv\", \"b c.tsv\"]\nshare=0.5\nflag=false\n"
                                     "names=\"x\"\nchoice='red'\nshots=[1,5]\n");
  const Outcome o = parse({"--config", file.c_str()});
  CHECK_MESSAGE(o.status == 0, o.output);
  CHECK(o.given.text == "80/10/10");
  CHECK(o.given.list == std::vector<std::string>{"a.tsv", "b c.tsv"});
  CHECK(o.given.names == std::vector<std::string>{"x"});
  CHECK(o.given.shots == std::vector<long>{1, 5});
}

TEST_CASE("options: what is wrong in a file is said with file, line and the option that was meant") {
  const TemporaryDirectory dir;
  const auto refused = [&](const std::string& content) {
    const std::string file = dir.write("o.ini", "# one\n" + content);
    const std::string error = wrong({"--config", file.c_str()});
    CHECK_MESSAGE(error.find("o.ini:2: ") != std::string::npos, error);
    return error.substr(std::min(error.size(), error.find("o.ini:2: ") + 9));
  };
  CHECK(refused("shaer = 3") == "there is no option 'shaer' (did you mean '--share'?)");
  CHECK(refused("share = 3") == "--share: must be from 0 to 1; got '3'");
  CHECK(refused("choice = gren") == "--choice: 'gren' is not one of red, green, blue (did you mean 'green'?)");
  CHECK(refused("share") == "share needs a value: `share = ...`");
  CHECK(refused("a b = 3").starts_with("a line is `option = value`"));
  CHECK(refused("[section]").starts_with("a line is `option = value`"));
  CHECK(refused("= 3").starts_with("a line is `option = value`"));
  CHECK(refused("caf\xC3\xA9 = 3").starts_with("a line is `option = value`"));
  CHECK(refused("text = \"a").starts_with("a \" is missing"));
  CHECK(refused("text = 'a").starts_with("a ' is missing"));
  CHECK(refused("text = \"a\\x\"").starts_with("after a backslash"));
  CHECK(refused("text = \"\\ud800\"") == "half of a surrogate pair");
  CHECK(refused("text = \"\\u12\"").starts_with("after \\u come four"));
  CHECK(refused("list = [a, b").find("a list") != std::string::npos);
  CHECK(refused("list = [a,, b]").starts_with("an empty value"));
  CHECK(refused("list = [\"a\" \"b\"]").find("a comma or ]") != std::string::npos);
  CHECK(refused("text = [a, b]") == "text takes one value");
  CHECK(refused("text = 3  # three").starts_with("a # after a blank"));
  CHECK(refused("flag = maybe") == "--flag: must be true or false; got 'maybe'");
  CHECK(refused("config = x").starts_with("there is no option 'config'"));
  const std::string twice = dir.write("twice.ini", "text = a\n\ntext = b\n");
  CHECK(wrong({"--config", twice.c_str()}).find("twice.ini:3: text takes one value; there is one in line 1") !=
        std::string::npos);
  CHECK(wrong({"--config", "/nowhere/x"}).find("/nowhere/x: cannot be read") != std::string::npos);
}

TEST_CASE("options: the command line: the last one counts, lists grow, a dash is no value, texts stay as they are") {
  const Outcome o = parse({"--count", "1", "--count=2", "--list", "a", "b", "--flag", "--list", "-", "-5", "--layers",
                           "-2", "--text", "[a, b]", "--choice=blue"});
  CHECK_MESSAGE(o.status == 0, o.output);
  CHECK(o.given.count == 2);
  CHECK(o.given.list == std::vector<std::string>{"a", "b", "-", "-5"});
  CHECK(o.given.layers == -2);
  CHECK(o.given.text == "[a, b]");
  CHECK(parse({"--flag", "some text", "[b, c]", "--", "--count", "-x"}, true).texts ==
        std::vector<std::string>{"some text", "[b, c]", "--count", "-x"});
  CHECK(parse({"--count", "1", "a.txt"}, false, true).given.place == "a.txt");
  CHECK(parse({"--", "-"}, false, true).given.place == "-");
}

TEST_CASE("options: what nothing reads beside the others is refused once all have been set, unless it is the default") {
  struct {
    std::string kind = "plain";
    double power = 2;
    long size = 1, of_list = 1, alone = 1;
    bool on = false;
    std::vector<std::string> list{"z"};
  } o;
  const auto refused = [&](std::vector<const char*> words, const std::string& kind = "") {
    o = {};
    run::Options options("test", "");
    options.add("--kind", o.kind, "");
    options.add("--power", o.power, "").only_with("--kind", {"curved", "bent"});
    options.add("--on", o.on, "");
    options.add("--size", o.size, "").only_with("--on").only_with("--kind", {"bent"});
    options.add("--list", o.list, "").delimiter(',');
    options.add("--of-list", o.of_list, "").only_with("--list", {"x", "y"});
    options.add("--alone", o.alone, "").only_with("--elsewhere");
    words.insert(words.begin(), "test");
    options.parse(int(words.size()), words.data());
    if (!kind.empty()) options.set("--kind", {kind});
    try {
      options.check_used();
    } catch (const run::Exit& exit) { return exit.status == 2; }
    return false;
  };
  CHECK(refused({"--power", "3"}));
  CHECK(!refused({"--power", "3"}, "bent"));
  CHECK(!refused({"--power", "2"}));
  CHECK(refused({"--size", "4"}));
  CHECK(refused({"--size", "4", "--on=false"}));
  CHECK(!refused({"--size", "4", "--on"}));
  CHECK(!refused({"--size", "4", "--kind", "bent"}));
  CHECK(refused({"--of-list", "4"}));
  CHECK(!refused({"--of-list", "4", "--list", "z,y"}));
  CHECK(!refused({"--alone", "4"}));  // this command does not have the other
}

TEST_CASE("options: wrong usage is one sentence and status 2") {
  CHECK(wrong({"--shaer", "1"}) == "error: there is no option --shaer (did you mean '--share'?)");
  CHECK(wrong({"--shaer=1"}) == "error: there is no option --shaer (did you mean '--share'?)");
  CHECK(wrong({"--typo", "good"}, true) ==
        "error: there is no option --typo; a text that begins with a dash comes after --");
  CHECK(wrong({"-5"}, true) == "error: there is no option -5; a text that begins with a dash comes after --");
  CHECK(wrong({"word"}) == "error: 'word' is not expected here");
  CHECK(wrong({"a", "b"}, false, true) == "error: 'b' is not expected here");
  CHECK(wrong({}, false, true) == "error: FILE is required");
  CHECK(wrong({"--FILE", "x"}, false, true).starts_with("error: there is no option --FILE"));
  CHECK(wrong({"--count"}) == "error: --count: a value is missing");
  CHECK(wrong({"--text", "--flag"}) ==
        "error: --text: a value is missing; one that begins with a dash is written --text=--flag");
  CHECK(wrong({"--count", "1.5"}) == "error: --count: must be a whole number; got '1.5'");
  CHECK(wrong({"--count", "3000000000"}) == "error: --count: must be a whole number; got '3000000000'");
  CHECK(wrong({"--count", ""}) == "error: --count: must be 0 or more; got ''");
  CHECK(wrong({"--seed", "-1"}) == "error: --seed: must be from 0 to 9000000000000000; got '-1'");
  CHECK(wrong({"--rate", "nan"}) == "error: --rate: must be a positive number; got 'nan'");
  CHECK(wrong({"--rate", "0"}) == "error: --rate: must be a positive number; got '0'");
  CHECK(wrong({"--rate", "1e300"}) == "error: --rate: must be below 1e30; got '1e300'");
  CHECK(wrong({"--rate", "1e400"}).starts_with("error: --rate: must be a positive number"));
  CHECK(wrong({"--layers", "x"}) == "error: --layers: must be a whole number; got 'x'");
  CHECK(wrong({"--shots", "1,,2"}) == "error: --shots: must be from 1 to 100; got ''");
  CHECK(wrong({"--flag", "--other"}) == "error: --other excludes --flag");
  CHECK(wrong({"--flag=2"}) == "error: --flag: must be true or false; got '2'");
  CHECK(wrong({"--count", "\x1b[31m"}).find('\x1b') == std::string::npos);
}

TEST_CASE("options: --help names every option with its default, in its group") {
  const Outcome o = parse({"--count", "nonsense", "--help"}, true, true);
  CHECK(o.status == 100);
  CHECK(o.output.starts_with(
      "Works.\nUsage: tool work [OPTION] FILE [TEXT]...\n\nPositionals:\n  FILE TEXT REQUIRED              a file\n"));
  CHECK(o.output.find("\n  --share FLOAT:0 to 1=0.1        a share\n") != std::string::npos);
  CHECK(o.output.find("\n  --flag                          a switch\n") != std::string::npos);
  CHECK(o.output.find("\nColours:\n  --choice TEXT:{red,green,blue}=red\n" + std::string(34, ' ') + "a colour\n") !=
        std::string::npos);
  CHECK(o.output.find("\n  --names TEXT=[a,b] ...          more texts\n") != std::string::npos);
}

TEST_CASE("options: set() gives what nobody has given, and says what is wrong with it") {
  Given given;
  run::Options options("tool work", "");
  given.declare(options);
  given.share = 0.25;  // before parse(): still a default
  const char* words[] = {"tool", "--count", "5"};
  options.parse(3, words);
  CHECK(!options.set("--count", {"7"}));
  CHECK(given.count == 5);
  CHECK(options.effective().find("share=0.25\n") != std::string::npos);
  CHECK(options.set("--list", {"a", "b"}));
  CHECK(given.list.size() == 2);
  CHECK(options.given("--list"));
  CHECK(!options.given("--text"));
  CHECK(error_of([&] { options.set("--text", {"a", "b"}); }) == "--text: takes one value; got 2");
  CHECK(error_of([&] { options.set("--share", {"2"}); }) == "--share: must be from 0 to 1; got '2'");
  CHECK(error_of([&] { options.set("--shar", {"2"}); }) == "there is no option --shar (did you mean '--share'?)");
}

TEST_CASE("options: a run that is continued has the options of its directory, and takes no others") {
  const TemporaryDirectory dir;
  const auto settle = [](std::vector<const char*> words, run::TrainingOptions& o) {
    run::Options options("tool train", "");
    o.declare(options, "tool");
    words.insert(words.begin(), "train");
    options.parse(int(words.size()), words.data());
    o.settle(options, "tool");
    return options.effective();
  };
  run::TrainingOptions first, second;
  const std::string ini = settle(
      {"--lr", "0.3", "--freeze", "a.*", "--freeze", "b #.[01]", "--out", "x y", "--overwrite", "--adam-beta2", "0.98"},
      first);
  CHECK(ini.find("overwrite") == std::string::npos);
  dir.write("options.ini", ini);
  CHECK(settle({"--resume", dir.path.c_str()}, second) == ini);
  CHECK(second.lr == 0.3);
  CHECK(second.beta2 == 0.98);
  CHECK(second.freeze == std::vector<std::string>{"a.*", "b #.[01]"});
  CHECK(second.out == dir.path);
  CHECK(second.resume == dir.path);
  run::TrainingOptions third;
  const std::string said = captured([&] {
    CHECK_THROWS_AS(settle({"--resume", dir.path.c_str(), "--seed", "1"}, third), run::Exit);
  });
  CHECK(said == "error: --resume takes the options of the run; --seed cannot be given with it\n");
  CHECK(error_of([&] {
          settle({"--resume", "/nowhere"}, third);
        }) == "/nowhere: not the directory of a run: there is no options.ini");
}
