// Files of options: written by hand, and options.ini, which brings back what was given.
#include "tasks/run/options_file.h"

#include "tests/tasks/run/given_options.h"

using namespace test;

namespace {

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
