// Texts a window at a time, each window's translations written before the next one is read. Read
// tasks/translate/translator.h first.
#include "tasks/translate/translate.h"

#include <unistd.h>

#include <algorithm>
#include <optional>

#include "nn/format/files.h"
#include "tasks/model/adapter.h"
#include "tasks/run/progress.h"
#include "tasks/text/table_blocks.h"
#include "tasks/translate/explain.h"
#include "tasks/translate/pairs.h"
#include "tasks/translate/translator.h"

namespace translate {

using engine::check;
using Found = std::vector<std::vector<Translation>>;

namespace {

constexpr long kWindow = 4096;  // texts that are sorted by length and translated before any of them is written

// Texts that are known, or those of standard input as they come, a window at a time; of a person at a terminal one by
// one.
class Windows {
 public:
  explicit Windows(std::vector<std::string> known) : known_(std::move(known)) {}
  Windows() : person_(isatty(STDIN_FILENO)) {
    input_.emplace("-", text::TableOptions{.format = "txt"}, person_ ? 1 : kWindow);
  }

  bool next() {
    first_ += long(texts_.size());
    texts_.clear();
    if (input_ && input_->next()) {
      const text::Table& table = input_->table();
      for (size_t i = 0; i < table.rows.size(); ++i) {
        check_utf8(table, fmt::format("{}:{}", table.path, table.lines[i]));
        texts_.push_back(table.rows[i][0]);
      }
    } else if (!input_) {
      texts_.assign(known_.begin() + first_, known_.begin() + std::min(first_ + kWindow, long(known_.size())));
    }
    return !texts_.empty();
  }

  const std::vector<std::string>& texts() const { return texts_; }
  long first() const { return first_; }  // the number of texts()[0], from 0
  long total() const { return input_ ? -1 : long(known_.size()); }
  bool person() const { return person_; }

 private:
  // The reader repairs lines and says which was the first; U+FFFD itself may stand in a valid one.
  static void check_utf8(const text::Table& table, const std::string& where) {
    for (const text::Warning& warning : table.warnings)
      check(warning.what != text::kInvalidUtf8 || warning.first != where, "{}: the line is not valid UTF-8", where);
  }

  std::vector<std::string> known_, texts_;
  std::optional<text::TableBlocks> input_;
  long first_ = 0;
  bool person_ = false;
};

// Where lines go.
using Sink = std::function<void(const std::string& lines)>;

void to_screen(const std::string& lines) {
  fmt::print("{}", lines);
  check(std::fflush(stdout) == 0, "the output cannot be written");
}

// Calls body(sink) with a sink into the file, which is there when body has returned; without a path with `otherwise`.
void with_file(const std::string& path, const Sink& otherwise, const std::function<void(const Sink&)>& body) {
  if (path.empty()) return body(otherwise);
  nn::write_file(path, [&](const nn::Write& write) {
    body([&](const std::string& lines) { write(lines.data(), lines.size()); });
  });
}

struct Command {
  std::string model, base, file, out, explain, alignments;
  DecodeOptions how;

  void declare(run::Options& options);
  void run(const std::vector<std::string>& arguments) const;

 private:
  void write(const Translator& translator, const Windows& windows, const Found& found, const Sink& out,
             const Sink& aligned) const;
};

void Command::declare(run::Options& options) {
  options.add("--model", model, "a model directory, an adapter's, or a run's").required();
  model::declare_base(options, base);
  options.add("--file", file, "texts, one a line; -, or without it and without texts: standard input").reads();
  options.add("--out", out, "write the translations there").writes();
  options.add("--explain", explain, "write a page that shows which source piece each target piece looks at").writes();
  options
      .add("--alignments", alignments,
           "write there which words belong together, a line a translation: 2-0 is the text's third with the first")
      .writes();
  how.declare(options, true);
  options.take_texts();
}

void Command::write(const Translator& translator, const Windows& windows, const Found& found, const Sink& out,
                    const Sink& aligned) const {
  std::string lines, words;
  for (size_t i = 0; i < found.size(); ++i)
    for (const Translation& t : found[i]) {
      lines += how.n_best == 1 ? t.text + "\n"
                               : fmt::format("{}\t{:.4f}\t{}\n", windows.first() + long(i) + 1, t.score, t.text);
      if (!alignments.empty()) words += (t.ids.empty() ? "" : word_alignment(translator, windows.texts()[i], t)) + "\n";
    }
  out(lines);
  aligned(words);
}

void Command::run(const std::vector<std::string>& arguments) const {
  const Translator translator = Translator::load(model, base);
  translator.model->pack();
  const std::vector<std::string> known = file.empty() || file == "-" ? arguments : read_texts(file);
  translator.require(known);  // what cannot be translated is said before the work
  Windows windows = file == "-" || (file.empty() && arguments.empty()) ? Windows() : Windows(known);
  if (windows.person()) run::print_note("one text a line; end with Ctrl-D\n");
  run::Progress progress("translate", windows.total(), 0, "texts");
  std::vector<std::string> texts;  // of the page
  Found all;
  with_file(out, to_screen, [&](const Sink& out) {
    with_file(
        alignments, [](const std::string&) {},
        [&](const Sink& aligned) {
          while (windows.next()) {
            const long first = windows.first();
            const auto told = [&](long done) {
              if (!windows.person()) progress.update(first + done);
            };
            Found found = translator.translate(windows.texts(), how, told, first);
            progress.interrupt();
            write(translator, windows, found, out, aligned);
            if (explain.empty()) continue;
            texts.insert(texts.end(), windows.texts().begin(), windows.texts().end());
            std::move(found.begin(), found.end(), std::back_inserter(all));
          }
        });
  });
  if (!explain.empty()) nn::write_file(explain, alignment_page(translator, texts, all));
}

}  // namespace

void translate_texts(run::Options& options, const run::Parse& parse) {
  Command command;
  command.declare(options);
  parse();
  command.how.settle();
  if (!command.file.empty() && !options.texts().empty()) run::usage_error("texts and --file exclude each other");
  command.run(options.texts());
}

}  // namespace translate
