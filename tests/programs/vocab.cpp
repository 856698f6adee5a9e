// The vocab program as its users run it, and what it reads by: blocks of lines, the rarest words forgotten.
// Read tasks/vocab/main.cpp before.
#include <random>
#include <sstream>

#include "nn/format/files.h"
#include "nn/format/sealed.h"
#include "tasks/text/data.h"
#include "tasks/text/lines.h"
#include "tasks/text/tokenizer_files.h"
#include "tasks/text/vocab_trainer.h"
#include "tests/support/support.h"

using namespace test;

namespace {

const text::TokenizerOptions kCased = [] {
  text::TokenizerOptions options;
  options.lower_case = false;
  return options;
}();

// The program beside this test runner, both its outputs together.
Result vocab(const std::string& arguments, const std::string& environment = "", const std::string& redirect = "2>&1") {
  return run_shell(environment + " " + program("vocab") + " " + arguments + " " + redirect);
}

// What `vocab train` writes.
std::string learned_vocabulary(const std::string& arguments, const std::string& environment = "") {
  const TemporaryDirectory dir;
  const Result result = vocab("train --out " + dir.path + "/vocab.txt " + arguments, environment);
  CHECK_MESSAGE(result.status == 0, result.output);
  return result.status == 0 ? nn::read_file(dir.path + "/vocab.txt") : "";
}

std::string joined(const std::vector<std::string>& lines, const std::string& end = "\n") {
  std::string text;
  for (const std::string& line : lines) text += line + end;
  return text;
}

// Texts with many words that are seen equally often.
std::vector<std::string> babble(size_t texts, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::vector<std::string> out(texts);
  for (std::string& text : out)
    for (int i = 0; i < 60; ++i) text += "aaabbcdEf       .Z"[random() % 18];
  return out;
}

std::vector<std::string> read_in_blocks(const std::string& path, size_t block) {
  std::vector<std::string> lines;
  text::LineBlocks blocks(path, "auto", block);
  while (blocks.next()) {
    CHECK(blocks.first_line() == long(lines.size()) + 1);
    lines.insert(lines.end(), blocks.lines().begin(), blocks.lines().end());
  }
  return lines;
}

}  // namespace

TEST_CASE(
    "lines: blocks of any size give the same lines, with \\r\\n, a byte-order mark and without a last line feed") {
  const TemporaryDirectory dir;
  const std::vector<std::string> lines{"a", "", "a long line, longer than a block", "\xC3\xA9", "", "end"};
  const std::string plain = dir.write("plain", joined(lines)), crlf = dir.write("crlf", joined(lines, "\r\n"));
  std::string open = "\xEF\xBB\xBF" + joined(lines);
  open.pop_back();
  const std::string marked = dir.write("marked", open);
  for (size_t block : {3, 4, 7, 16, 56, 57, 1000})
    for (const std::string& path : {plain, crlf, marked})
      CHECK_MESSAGE(read_in_blocks(path, block) == lines, path, " in blocks of ", "auto", block);
  CHECK(error_of([&] { read_in_blocks(dir.write("nul", std::string("ab\ncd\0", 6)), 2); }).find("a NUL at byte 5") !=
        std::string::npos);
}

TEST_CASE("forget_rarest: all words of one count together, the rarest first, until few enough are left") {
  const text::WordCounts words{{"a", 5}, {"b", 3}, {"c", 3}, {"d", 1}, {"e", 1}};
  const auto left = [&](size_t most, long forgotten) {
    text::WordCounts counts = words;
    CHECK(text::forget_rarest(counts, most) == forgotten);
    return counts.size();
  };
  CHECK(left(5, 0) == 5);
  CHECK(left(4, 1) == 3);
  CHECK(left(3, 1) == 3);
  CHECK(left(2, 3) == 1);
  CHECK(left(0, 5) == 0);
}

TEST_CASE("count_words: threads share the texts out and count what one text after the other counts") {
  const std::vector<std::string> texts = babble(500);
  text::WordCounts one_by_one, together;
  for (const std::string& t : texts) text::count_words(t, {}, one_by_one);
  text::count_words(std::vector<std::string_view>(texts.begin(), texts.end()), {}, together);
  CHECK(together == one_by_one);
}

TEST_CASE("vocab train: a stream of blocks, one thread or two, one file or two: the vocabulary of the library") {
  const TemporaryDirectory dir;
  std::vector<std::string> texts = babble(75'000);  // 4.5 MB: more than a block
  const std::string all = dir.write("all.txt", joined(texts));
  REQUIRE(std::filesystem::file_size(all) > (4 << 20));
  const std::string expected = joined(text::train_vocab(texts, 150));
  CHECK(learned_vocabulary(all + " --size 150", "OMP_NUM_THREADS=1") == expected);
  CHECK(learned_vocabulary(all + " --size 150", "OMP_NUM_THREADS=2") == expected);
  const std::vector<std::string> first(texts.begin(), texts.begin() + 100), rest(texts.begin() + 100, texts.end());
  const std::string a = dir.write("a.txt", joined(first)), b = dir.write("b.txt", joined(rest));
  CHECK(learned_vocabulary(a + " " + b + " --size 150") == expected);
  CHECK(learned_vocabulary("--size 150 " + b + " " + a) == expected);
  CHECK(learned_vocabulary(a + " --size 300 --cased --min-count 3") ==
        joined(text::train_vocab(first, 300, 3, kCased)));
}

TEST_CASE(
    "vocab train: beyond --max-words the rarest words are forgotten, the same by any number of threads, and said") {
  const TemporaryDirectory dir;
  const std::vector<std::string> texts = babble(80'000);
  const std::string path = dir.write("all.txt", joined(texts));
  const std::string options = path + " --size 200 --max-words 500";
  const std::string one = learned_vocabulary(options, "OMP_NUM_THREADS=1");
  CHECK(one == learned_vocabulary(options, "OMP_NUM_THREADS=2"));
  CHECK(one != learned_vocabulary(path + " --size 200"));
  CHECK(vocab("train --out /dev/null/x " + options).status == 1);
  const std::string few = dir.write("few.txt", "often often often seldom seldom rare\n");
  const Result said = vocab("train --size 100 --max-words 2 --out " + dir.path + "/v " + few);
  CHECK_MESSAGE(said.says("more than 2 different words (--max-words); on the way, words seen up to 1 time were"),
                said.output);
  CHECK(nn::read_file(dir.path + "/v") ==
        joined(text::train_vocab(text::WordCounts{{"often", 3}, {"seldom", 2}}, 100)));
}

TEST_CASE("vocab train: \\r\\n, a byte-order mark, Latin-1 and bytes that are not UTF-8") {
  const TemporaryDirectory dir;
  const std::vector<std::string> texts{"caf\u00E9 caf\u00E9", "the caf\u00E9"};
  const std::string expected = joined(text::train_vocab(texts, 60, 1, kCased));
  const std::string options = " --cased --size 60 --min-count 1";
  CHECK(learned_vocabulary(dir.write("crlf.txt", "\xEF\xBB\xBF" + joined(texts, "\r\n")) + options) == expected);
  CHECK(learned_vocabulary(dir.write("latin.txt", "caf\xE9 caf\xE9\nthe caf\xE9\n") + options +
                           " --encoding latin-1") == expected);
  const std::string broken = dir.write("broken.txt",
                                       "caf\u00E9 caf\u00E9\nthe \xFF"
                                       "caf\u00E9\n");
  const Result result = vocab("train --out " + dir.path + "/v " + broken + options);
  CHECK_MESSAGE(result.says("broken.txt:2: a line with invalid UTF-8, which is read as U+FFFD (1 in all)"),
                result.output);
  CHECK(nn::read_file(dir.path + "/v") == expected);
}

TEST_CASE("vocab train: tables by the project's readers, one split of them if asked") {
  const TemporaryDirectory dir;
  const std::string tsv = dir.write("d.tsv", "text\tsplit\nlow low\ttrain\nnewest\tdev\nlower\ttrain\n");
  const std::string csv = dir.write("d.csv", "id,text\n1,\"low low\"\n2,lower\n");
  const std::string jsonl = dir.write("d.jsonl", "{\"text\": \"low low\"}\n{\"text\": \"lower\"}\n");
  const std::string expected = joined(text::train_vocab(std::vector<std::string>{"low low", "lower"}, 50));
  CHECK(learned_vocabulary(tsv + " --size 50 --split train") == expected);
  CHECK(learned_vocabulary(csv + " --size 50 --text-column 2") == expected);
  CHECK(learned_vocabulary(jsonl + " --size 50") == expected);
  CHECK(learned_vocabulary(dir.write("d.dat", "low low\nlower\n") + " --size 50 --format txt") == expected);
}

TEST_CASE("vocab: bad input gets one clear line, exit status 1, and leaves what is there") {
  const TemporaryDirectory dir;
  const std::string out = dir.write("out.txt", "before"), good = dir.write("good.txt", "low low\n");
  const std::string tsv = dir.write("d.tsv", "text\tsplit\nlow low\ttrain\n");
  const auto refused = [&](const std::string& arguments, const std::string& why, int status = 1) {
    const Result result = vocab(arguments);
    CHECK_MESSAGE(result.status == status, arguments, ": ", result.output);
    CHECK_MESSAGE(result.says("error: "), result.output);
    CHECK_MESSAGE(result.says(why), result.output);
    CHECK(nn::read_file(out) == "before");
  };
  const std::string train = "train --size 50 --out " + out + " ";
  refused(train + good + " " + dir.path + "/none.txt", "none.txt: cannot be read: No such file or directory");
  refused(train + dir.path + " --format txt", "a directory, not a file");
  refused(train + dir.write("empty.txt", ""), "empty.txt: the file is empty");
  refused(train + dir.write("blank.txt", "\n\n"), "no letter is seen 2 times in 0 different words");
  refused(train + "/dev/stdin --format txt </dev/null", "no letter is seen 2 times in 0 different words");
  refused(train + dir.write("nul.txt", std::string("a\0b\n", 4)), "nul.txt: not a text file: a NUL at byte 1");
  refused(train + dir.write("d.dat", "a\n"), "--format tsv, csv, jsonl or txt");
  refused(train + tsv + " --text-column txt", "no column 'txt'; the columns are text, split");
  refused(train + tsv + " --split test", "no row has the split 'test'");
  refused("train --size 50 --out " + dir.path + "/none/v.txt " + good, "v.txt: cannot be written: No such file");
  refused("train --size 50 --out " + dir.path + " " + good, "a directory, not a file");
  refused("train --size 6 --out " + out + " " + good, "--size: must be from 7 to 10000000; got '6'", 2);
  refused(train + good + " --split train", "--split is for tables", 2);
  refused("train --size 50 --out " + out, "FILE is required", 2);
  refused("encode " + good + " --vocab " + dir.path + "/none", "none: cannot be read");
  refused("encode " + good + " --vocab " + good, "is this the vocabulary of a BERT?");
  refused("encode " + good + " --vocab x --count --ids", "excludes", 2);
  for (const char* command : {"train", "encode", "export"}) CHECK(vocab(command + std::string(" --help")).status == 0);
}

TEST_CASE("vocab encode: pieces, ids, or counts of every line, the same by any number of threads") {
  const TemporaryDirectory dir;
  const std::string pieces = dir.write("v.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nlow\n##er\nnew\n.\n");
  const std::string texts = dir.write("t.txt", "Lower.\r\n\nnew \xFFlow zebra\n");
  const std::string encode = "encode " + texts + " --vocab " + pieces;
  CHECK(vocab(encode, "", "2>/dev/null").output == "low ##er .\n\nnew low [UNK]\n");
  CHECK(vocab(encode + " --cased", "", "2>/dev/null").output == "[UNK] .\n\nnew low [UNK]\n");
  CHECK(vocab(encode + " --ids", "", "2>/dev/null").output == "4 5 7\n\n6 4 1\n");
  CHECK(vocab(encode).says("t.txt:3: a line with invalid UTF-8"));
  CHECK(vocab(encode + " --count").says("result task=vocab texts=3 tokens=6 unknown=1 seconds="));
  CHECK(vocab("encode - --vocab " + pieces, "echo new low |").output == "new low\n");
  const std::string latin = "encode --vocab " + pieces + " " + dir.write("latin.txt", "n\xE9w low\n");
  CHECK(vocab(latin + " --encoding latin-1").output == "new low\n");
  CHECK(vocab(latin + " --encoding latin-2222").status == 2);
  const Result nothing = vocab("encode - --vocab " + pieces, "", "</dev/null");
  CHECK((nothing.status == 0 && nothing.output.empty()));
  const std::string many = "encode --ids --vocab " + pieces + " " + dir.write("many.txt", joined(babble(3000)));
  CHECK(vocab(many, "OMP_NUM_THREADS=1").output == vocab(many, "OMP_NUM_THREADS=3").output);
  CHECK(vocab(encode, "", ">/dev/full 2>/dev/null").status == 1);
}

TEST_CASE("vocab export: the files of a Hugging Face tokenizer, which read as the vocabulary they came from") {
  const TemporaryDirectory dir;
  const std::string pieces = dir.write("v.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nLow\n##er\n");
  const Result result = vocab("export --cased --vocab " + pieces + " --out " + dir.path + "/a/b");
  REQUIRE_MESSAGE(result.status == 0, result.output);
  CHECK(nn::manifest_fault(dir.path + "/a/b") == "");
  CHECK(nn::read_file(dir.path + "/a/b/manifest.json").find("\"vocab.txt\"") != std::string::npos);
  CHECK(vocab("export --vocab " + pieces + " --out " + dir.path + "/a/b").last_line() ==
        "error: " + dir.path + "/a/b: is there already; name a new directory");
  std::filesystem::remove(dir.path + "/a/b/vocab.txt");  // so that tokenizer.json is read
  const text::WordPiece tokenizer = text::load_tokenizer(dir.path + "/a/b").tokenizer;
  CHECK(tokenizer.tokenize("Lower low") == std::vector<std::string>{"Low", "##er", "[UNK]"});
}

TEST_CASE("vocab: the command in tasks/data/README.md makes tasks/data/sentiment.vocab.txt, byte for byte") {
  const std::string readme = nn::read_file("tasks/data/README.md"), program = "build/release/vocab ";
  const std::string out = " --out tasks/data/sentiment.vocab.txt";
  const size_t from = readme.find(program), to = readme.find('\n', from);
  REQUIRE(from != std::string::npos);
  std::string arguments = readme.substr(from + program.size(), to - from - program.size());
  REQUIRE(arguments.find(out) != std::string::npos);
  arguments.erase(arguments.find(out), out.size());
  REQUIRE(arguments.starts_with("train "));
  const std::string made = learned_vocabulary(arguments.substr(6));
  CHECK(made == nn::read_file("tasks/data/sentiment.vocab.txt"));
  CHECK(std::count(made.begin(), made.end(), '\n') == 4000);
}
