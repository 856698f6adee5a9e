// Vocab: learn the pieces of a WordPiece tokenizer from texts, cut texts into them, write them in Hugging Face's files.
#include <fmt/ranges.h>
#include <unistd.h>

#include <climits>
#include <filesystem>

#include "nn/format/files.h"
#include "nn/format/whole_directory.h"
#include "tasks/run/console.h"
#include "tasks/run/directory.h"
#include "tasks/run/progress.h"
#include "tasks/run/stopwatch.h"
#include "tasks/text/data.h"
#include "tasks/text/lines.h"
#include "tasks/text/tokenizer_files.h"
#include "tasks/text/utf8.h"
#include "tasks/text/vocab_trainer.h"

namespace {

using engine::check;
using text::WordCounts;
using Texts = std::vector<std::string_view>;

// Error: no such file. 0 for what has no size, a pipe.
long size_of(const std::string& path) {
  std::error_code error;
  const bool regular = std::filesystem::is_regular_file(path, error);
  errno = error.value();
  nn::check_io(!error, path, "read");
  return regular ? long(std::filesystem::file_size(path)) : 0;
}

// Said before the work rather than after it.
void check_writable(const std::string& path) {
  check(!std::filesystem::is_directory(path), "{}: a directory, not a file", path);
  nn::check_io(access(std::filesystem::absolute(path).parent_path().c_str(), W_OK) == 0, path, "written");
}

constexpr const char* kEncodings = "auto, or as iconv -l has it: utf-8, utf-16, windows-1252, latin-1, ...";

text::TokenizerOptions tokenizer_options(bool cased) {
  text::TokenizerOptions options;
  options.lower_case = !cased;
  return options;
}

// Calls body(lines) for every block of a file's lines, and says where one was not UTF-8.
template <class Body>
void for_each_block(const std::string& path, const std::string& encoding, run::Progress& progress, long bytes_before,
                    Body body) {
  text::LineBlocks blocks(path, encoding);
  text::Warning warning{"a line with invalid UTF-8, which is read as U+FFFD", 0, ""};
  while (blocks.next()) {
    const Texts& lines = blocks.lines();
    std::vector<char> valid(lines.size(), true);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < lines.size(); ++i) valid[i] = text::is_utf8(lines[i]);
    for (size_t i = 0; i < lines.size(); ++i)
      if (!valid[i] && warning.count++ == 0) warning.first = fmt::format("{}:{}", path, blocks.first_line() + long(i));
    body(lines);
    progress.update((bytes_before + blocks.bytes()) >> 20);
  }
  if (warning.count > 0) {
    progress.interrupt();
    run::print_note("warning: {}\n", text::to_string(warning));
  }
}

struct TrainOptions {
  std::vector<std::string> files;
  std::string out, text_column = "text", split, format, encoding = "auto", sheet;
  int size = 0;
  long min_count = 2, max_words = 5'000'000;
  bool no_header = false, cased = false;

  void declare(run::Options& options) {
    options.add("FILE", files, "texts: .txt, one a line; .tsv, .csv, .jsonl with a text column")
        .reads()
        .required()
        .hide_default();
    options.add("--size", size, "pieces to learn, at most").required().hide_default().between(7, 10'000'000);
    options.add("--out", out, "the vocabulary, one piece a line: written whole or not at all").writes().required();
    options.add("--min-count", min_count, "a pair seen less often is not merged, a letter seen less often no piece")
        .between(1, 1e15);
    options.add("--cased", cased, "keep letter case and accents");
    options
        .add("--max-words", max_words,
             "different words to count; beyond, after a block of 4 MiB or a table, the rarest are forgotten")
        .between(1, 1e10);
    const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
      return options.add(name, variable, what).group("Data files");
    };
    add("--format", format, "txt, tsv, csv or jsonl; by the file's extension if not given")
        .one_of({"txt", "tsv", "csv", "jsonl"});
    add("--text-column", text_column, "of a table: a name, or a number from 1");
    add("--split", split, "of a table: only rows whose column `split` says this");
    add("--no-header", no_header, "of a TSV or CSV: the first line is data");
    add("--sheet", sheet, "of a workbook, .xlsx or .ods: its name, or its number from 1; the first if not given");
    add("--encoding", encoding, kEncodings).check(text::encoding_error);
    options.footer(
        "A .txt may be larger than memory: it is read in blocks, and only the counts of words are kept. A table is "
        "read as a whole.");
  }

  bool lines(const std::string& path) const { return format.empty() ? text::has_lines(path) : format == "txt"; }
};

// What is counted, and what is said about it.
struct Counted {
  WordCounts words;
  long texts = 0, forgotten = 0;  // forgotten: the highest count of a word that was
};

class Counter {
 public:
  explicit Counter(const TrainOptions& o) : o_(o), progress_("read, MB", total_size(o.files) >> 20) {}

  Counted run() {
    for (const std::string& path : o_.files) {
      if (o_.lines(path))
        for_each_block(path, o_.encoding, progress_, bytes_, [&](const Texts& texts) { add(texts); });
      else
        add_table(path);
      bytes_ += size_of(path);
      progress_.update(bytes_ >> 20);
    }
    return std::move(counted_);
  }

 private:
  static long total_size(const std::vector<std::string>& files) {
    long total = 0;
    for (const std::string& path : files) total += size_of(path);
    return total;
  }

  void add(const Texts& texts) {
    text::count_words(texts, tokenizer_options(o_.cased), counted_.words);
    counted_.texts += long(texts.size());
    const long forgotten = text::forget_rarest(counted_.words, size_t(o_.max_words));
    counted_.forgotten = std::max(counted_.forgotten, forgotten);
  }

  void add_table(const std::string& path) {
    const text::Table table = text::read_table(path, {o_.format, !o_.no_header, o_.encoding, "", o_.sheet});
    for (const text::Warning& warning : table.warnings) run::print_note("warning: {}\n", text::to_string(warning));
    const size_t column = table.column(o_.text_column), split = o_.split.empty() ? 0 : table.column("split");
    Texts texts;
    for (const auto& row : table.rows)
      if (o_.split.empty() || row[split] == o_.split) texts.push_back(row[column]);
    check(!texts.empty(), "{}: no row has the split '{}'", path, o_.split);
    add(texts);
  }

  const TrainOptions& o_;
  run::Progress progress_;
  Counted counted_;
  long bytes_ = 0;  // of the files before
};

// An option that no file would heed was meant for another file.
void check_usage(const run::Options& options, const TrainOptions& o) {
  if (!std::all_of(o.files.begin(), o.files.end(), [&](const std::string& path) { return o.lines(path); })) return;
  for (const char* option : {"--text-column", "--split", "--no-header", "--sheet"})
    if (options.given(option))
      run::usage_error("{} is for tables; lines of text have no columns (--format tsv says otherwise)", option);
}

void train(run::Options& options, const run::Parse& parse) {
  TrainOptions o;
  o.declare(options);
  parse();
  check_usage(options, o);
  check_writable(o.out);
  const run::Stopwatch watch;
  const Counted counted = Counter(o).run();
  long words = 0;
  for (const auto& [word, count] : counted.words) words += count;
  run::print_note("{} texts, {} words, {} of them different\n", counted.texts, words, counted.words.size());
  if (counted.forgotten)
    run::print_note(
        "warning: there were more than {} different words (--max-words); on the way, words seen up to {} {} "
        "were forgotten\n",
        o.max_words, counted.forgotten, counted.forgotten == 1 ? "time" : "times");
  run::Progress progress("learn, pieces", o.size);
  const std::vector<std::string> pieces =
      text::train_vocab(counted.words, o.size, o.min_count, [&](size_t learned) { progress.update(long(learned)); });
  progress.interrupt();
  if (long(pieces.size()) < o.size)
    run::print_note("fewer than {} pieces: no pair is left that is seen {} times (--min-count)\n", o.size, o.min_count);
  text::WordPiece(pieces, tokenizer_options(o.cased)).save(o.out);
  fmt::print("result task=vocab pieces={} seconds={:.1f} out={}\n", pieces.size(), watch.seconds(), o.out);
}

struct Tally {
  long texts = 0, tokens = 0, unknown = 0;
};

void encode(run::Options& options, const run::Parse& parse) {
  std::string file, vocab, encoding = "auto";
  bool cased = false, count = false, ids = false;
  options.add("FILE", file, "texts, one a line; - is standard input").reads().required();
  options.add("--vocab", vocab, "vocab.txt").reads().required();
  options.add("--cased", cased, "keep letter case and accents");
  options.add("--ids", ids, "print the numbers of the pieces");
  options
      .add("--count", count, "print how many texts, tokens and unknown tokens there are, and the speed, not the pieces")
      .excludes("--ids");
  options.add("--encoding", encoding, kEncodings).check(text::encoding_error);
  options.footer("One line a text, without [CLS] and [SEP].");
  parse();
  if (file == "-") file = "/dev/stdin";
  const text::WordPiece tokenizer = text::WordPiece::load(vocab, tokenizer_options(cased));
  run::Progress progress("encode, MB", size_of(file) >> 20);
  const run::Stopwatch watch;
  Tally all;
  for_each_block(file, encoding, progress, 0, [&](const Texts& lines) {
    std::vector<std::string> out(count ? 0 : lines.size());
    long tokens = 0, unknown = 0;
#pragma omp parallel for schedule(dynamic, 16) reduction(+ : tokens, unknown)
    for (size_t i = 0; i < lines.size(); ++i) {
      const std::vector<int> whole = tokenizer.encode(lines[i], INT_MAX).ids;
      const std::vector<int> inner(whole.begin() + 1, whole.end() - 1);  // without [CLS] and [SEP]
      tokens += long(inner.size());
      unknown += std::count(inner.begin(), inner.end(), tokenizer.unk_id());
      if (count) continue;
      for (int id : inner) out[i] += (out[i].empty() ? "" : " ") + (ids ? std::to_string(id) : tokenizer.piece(id));
    }
    for (const std::string& line : out) fmt::print("{}\n", line);
    all.texts += long(lines.size());
    all.tokens += tokens;
    all.unknown += unknown;
  });
  const double seconds = watch.seconds();
  if (count)
    fmt::print("result task=vocab texts={} tokens={} unknown={} seconds={:.3f} tokens_per_second={:.0f}\n", all.texts,
               all.tokens, all.unknown, seconds, double(all.tokens) / seconds);
}

void export_command(run::Options& options, const run::Parse& parse) {
  std::string vocab, out;
  bool cased = false;
  int max_length = 512;
  options.add("--vocab", vocab, "vocab.txt").reads().required();
  options.add("--out", out, "a new directory").required();
  options.add("--cased", cased, "the vocabulary was learned with letter case and accents");
  options.add("--max-length", max_length, "tokens that the model takes").between(2, 1e9);
  parse();
  check(!std::filesystem::exists(out), "{}: is there already; name a new directory", out);
  const text::WordPiece tokenizer = text::WordPiece::load(vocab, tokenizer_options(cased));
  nn::write_directory(out, [&](const std::string& to) { text::save_tokenizer(tokenizer, to, max_length); });
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(argc, argv, "vocab", "Learn the pieces of a WordPiece tokenizer from texts, cut texts into them.",
                      {{"train", "learn a vocabulary from files of texts", train},
                       {"encode", "print the pieces of texts, or count them", encode},
                       {"export", "write vocab.txt as tokenizer.json and what belongs to it", export_command}});
}
