// Options: the command line, what is said of them, and the options of a run that is continued.
#include "tasks/run/arguments.h"

#include "tasks/run/options.h"
#include "tests/tasks/run/given_options.h"

using namespace test;

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
