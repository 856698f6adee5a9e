// A row is its cells as they were and the predicted ones behind them, so what a killed run has left is compared with
// the rows of the input byte by byte. Read tasks/model/answers.h first.
#include "tasks/command/prediction_file.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "nn/format/files.h"
#include "tasks/run/fingerprint.h"
#include "tasks/text/jsonl.h"

namespace command {

using engine::check;
using nn::ordered_json;

namespace {

std::string json_of(const ordered_json& value) { return value.line(); }

// Names that are not yet there: with `suffix`, then with numbers.
std::string fresh(const std::string& name, const std::vector<std::string>& taken, const std::string& suffix) {
  std::string own = name;
  for (int n = 1; std::find(taken.begin(), taken.end(), own) != taken.end(); ++n)
    own = name + suffix + (n == 1 && !suffix.empty() ? "" : fmt::format("_{}", n + suffix.empty()));
  return own;
}

}  // namespace

PredictionFile::Kind PredictionFile::kind_of(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension();
  if (extension == ".csv") return Kind::csv;
  if (extension == ".tsv") return Kind::tsv;
  check(extension == ".jsonl", "--out {}: the extension says what is written: .csv, .tsv or .jsonl", path);
  return Kind::jsonl;
}

PredictionFile::PredictionFile(const std::string& path, const text::Table& table,
                               const std::vector<std::string>& predicted, char separator, const std::string& settings,
                               bool resume)
    : path_(path),
      part_(path + ".part"),
      settings_path_(part_ + ".settings"),
      settings_(settings),
      kind_(kind_of(path)),
      separator_(kind_ == Kind::tsv ? '\t'
                 : separator        ? separator
                                    : ',') {
  for (const std::string& name : table.columns)
    columns_.push_back(kind_ == Kind::jsonl ? fresh(name, columns_, "") : name);
  std::vector<std::string> taken = columns_;
  for (const std::string& name : predicted) {
    predicted_.push_back(fresh(name, taken, "_predicted"));
    taken.push_back(predicted_.back());
  }
  if (kind_ != Kind::jsonl) {
    for (const std::string& name : taken) header_ += (header_.empty() ? "" : std::string(1, separator_)) + cell(name);
    header_ = (table.marked ? "\uFEFF" : "") + header_ + "\n";
  }
  const bool left = std::filesystem::exists(part_);
  check(!left || resume, "{}: a run that did not end has left it; --resume goes on after its last row, or remove it",
        part_);
  if (left) this->resume();
}

void PredictionFile::resume() {
  check(std::filesystem::exists(settings_path_), "{}: without {} nobody knows how it was made; remove it", part_,
        settings_path_);
  const std::string before = nn::read_file(settings_path_);
  check(before == settings_, "{}: it was begun with other settings{}; give the same or remove it", part_,
        run::Fingerprint::difference(before, settings_));
  file_.reset(std::fopen(part_.c_str(), "r+b"));
  nn::check_io(file_ != nullptr, part_, "written");
  reading_ = true;
  if (takes(header_)) {
    whole_ = long(header_.size());
  } else {
    stop_reading();
    write(header_);
  }
}

void PredictionFile::create() {
  nn::write_file(settings_path_, settings_);
  file_.reset(std::fopen(part_.c_str(), "wb"));
  nn::check_io(file_ != nullptr, part_, "written");
  write(header_);
}

// Whether the file has all of `bytes` next. Error: it has others.
bool PredictionFile::takes(const std::string& bytes) {
  std::string there(bytes.size(), '\0');
  there.resize(std::fread(there.data(), 1, there.size(), file_.get()));
  nn::check_io(!std::ferror(file_.get()), part_, "read");
  check(bytes.starts_with(there), "{}: behind {} bytes it does not go on as this input does; remove it to begin anew",
        part_, whole_);
  return there.size() == bytes.size();
}

long PredictionFile::there(const text::Table& block) {
  long rows = 0;
  for (; reading_ && rows < long(block.rows.size()); ++rows) {
    if (!takes(row_of(block, size_t(rows)))) stop_reading();
    int c = 0;
    while (reading_ && c != '\n')
      if ((c = std::fgetc(file_.get())) == EOF) stop_reading();
    if (!reading_) return rows;
    whole_ = std::ftell(file_.get());
  }
  return rows;
}

// What comes behind the whole rows goes.
void PredictionFile::stop_reading() {
  if (!std::exchange(reading_, false)) return;
  nn::check_io(std::fseek(file_.get(), whole_, SEEK_SET) == 0 && ftruncate(fileno(file_.get()), whole_) == 0, part_,
               "written");
}

std::string PredictionFile::cell(std::string text) {
  using namespace std::string_view_literals;
  const std::string_view without = kind_ == Kind::tsv ? "\t\r\n\0"sv : "\0"sv;  // a NUL is in no file of text
  if (text.find_first_of(without) != text.npos) ++shortened_;
  for (size_t at = 0; (at = text.find_first_of(without, at)) != text.npos;) text[at] = ' ';
  if (kind_ == Kind::tsv || text.find_first_of(std::string("\"\r\n") + separator_) == text.npos) return text;
  std::string quoted = "\"";  // RFC 4180
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::string PredictionFile::row_of(const text::Table& block, size_t row) {
  std::string line;
  if (kind_ != Kind::jsonl) {
    for (const std::string& text : block.rows[row]) line += cell(text) + separator_;
  } else if (!block.objects.empty()) {
    line = block.objects[row];  // an object, as it is written
    line.erase(line.rfind('}'));
    line.erase(line.find_last_not_of(" \t") + 1);
    line += line.ends_with('{') ? "" : ",";
  } else {
    line = "{";
    for (size_t c = 0; c < columns_.size(); ++c) line += json_of(columns_[c]) + ":" + json_of(block.rows[row][c]) + ",";
  }
  return line;
}

// The predicted names were chosen by the keys of the first object. Error: this one has such a key, too.
void PredictionFile::check_keys(const text::Table& block, size_t row) const {
  const std::string where =
      row < block.lines.size() ? fmt::format("{}:{}", block.path, block.lines[row]) : text::shown(block.objects[row]);
  for (const std::string& key : text::keys_of(block.objects[row], where))
    check(std::ranges::count(predicted_, key) == 0,
          "{}: it has a key '{}', which the first object has not and which what is predicted is called; rename it",
          where, text::shown(key));
}

void PredictionFile::append(const text::Table& block, size_t row, const std::vector<model::Cell>& cells) {
  if (kind_ == Kind::jsonl && !block.objects.empty()) check_keys(block, row);
  std::string line = row_of(block, row);
  for (size_t c = 0; c < cells.size(); ++c) {
    if (c > 0) line += kind_ == Kind::jsonl ? ',' : separator_;
    line += kind_ == Kind::jsonl ? json_of(predicted_[c]) + ":" + json_of(cells[c].json) : cell(cells[c].text);
  }
  if (!file_) create();
  write(line + (kind_ == Kind::jsonl ? "}\n" : "\n"));
}

void PredictionFile::write(const std::string& bytes) {
  nn::check_io(std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size(), part_, "written");
}

void PredictionFile::flush() { nn::check_io(std::fflush(file_.get()) == 0, part_, "written"); }

void PredictionFile::finish() {
  if (!file_) create();
  if (reading_) {
    const bool more = std::fgetc(file_.get()) != EOF;
    check(!more, "{}: it has more rows than the input; remove it to begin anew", part_);
  }
  nn::check_io(std::fflush(file_.get()) == 0 && fsync(fileno(file_.get())) == 0, part_, "written");
  file_.reset();
  nn::check_io(std::rename(part_.c_str(), path_.c_str()) == 0, path_, "written");
  std::filesystem::remove(settings_path_);
}

}  // namespace command
