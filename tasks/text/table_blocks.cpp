// Pieces of a file through a TableParser, cut into blocks of rows. Read tasks/text/table_parser.h first.
#include "tasks/text/table_blocks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "nn/format/files.h"
#include "tasks/files/unpack.h"
#include "tasks/text/utf8.h"

namespace text {

using engine::check;

// A file or a pipe, read as far as it has something: a person's line comes at once.
class TableBlocks::Bytes {
 public:
  Bytes(const std::string& path, size_t piece) : path_(path), piece_(piece) {
    fd_ = path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
    nn::check_io(fd_ >= 0, path, "read");
    struct stat info {};
    nn::check_io(fstat(fd_, &info) == 0, path, "read");
    check(!S_ISDIR(info.st_mode), "{}: a directory, not a file", path);
    regular_ = S_ISREG(info.st_mode) && path != "-";
  }
  ~Bytes() {
    if (fd_ > STDIN_FILENO) close(fd_);
  }
  Bytes(const Bytes&) = delete;

  bool regular() const { return regular_; }

  std::string next() {  // empty: the end
    std::string bytes(piece_, '\0');
    ssize_t got;
    do got = read(fd_, bytes.data(), bytes.size());
    while (got < 0 && errno == EINTR);
    nn::check_io(got >= 0, path_ == "-" ? "standard input" : path_, "read");
    bytes.resize(size_t(got));
    return bytes;
  }

 private:
  std::string path_;
  size_t piece_;
  int fd_ = -1;
  bool regular_ = false;
};

namespace {

bool is_plain_text(std::string_view start) {
  try {
    check_text(start, "");
    return true;
  } catch (const engine::Error&) { return false; }
}

}  // namespace

TableBlocks::TableBlocks(const std::string& path, const TableOptions& options, long rows, size_t bytes)
    : rows_(rows), file_(std::make_unique<Bytes>(path, bytes)) {
  pending_.path = path == "-" ? "standard input" : path;
  if (file_->regular() && !streams(path, options.encoding, bytes)) {
    keep(read_table(path, options));
    return;
  }
  if (!file_->regular() && options.format != "txt" && !is_plain_text(first_ = file_->next())) {
    for (std::string piece; !(piece = file_->next()).empty();) first_ += piece;
    keep(parse_table(std::exchange(first_, {}), path, options));
    return;
  }
  files::check_page(first_, pending_.path);
  if (file_->regular()) look_at_all(path, options, bytes);
  const bool known = file_->regular();
  parser_ = std::make_unique<TableParser>(
      pending_, options, known ? [this](std::string_view, char) { return form_; } : TableParser::FindForm());
  format_ = parser_->format();
}

TableBlocks::~TableBlocks() = default;

// All of it, read already.
void TableBlocks::keep(Table table) {
  pending_ = std::move(table);
  file_.reset();
  total_ = long(pending_.rows.size());
  ended_ = true;
}

// Whether a file can be read in pieces: it is not packed, and its encoding is known without all of it.
bool TableBlocks::streams(const std::string& path, const std::string& encoding, size_t bytes) {
  const std::string start = Bytes(path, files::kBeginning).next();
  if (!is_plain_text(start)) return false;
  files::check_page(start, path);
  if (encoding != "auto") return !is_wide(encoding);
  Bytes file(path, bytes);
  std::string rest;  // the beginning of a line
  for (std::string piece; !(piece = file.next()).empty();) {
    const size_t whole = piece.rfind('\n') + 1;  // npos + 1 is 0
    rest += piece.substr(0, whole);
    if (whole == 0) {
      rest += piece;
      if (rest.size() > kLongestLine) return true;  // the parser says so
      continue;
    }
    if (rest.find('\0') != rest.npos || !is_utf8(rest)) return false;
    rest = piece.substr(whole);
  }
  return rest.find('\0') == rest.npos && is_utf8(rest);
}

// Finds out the form and the number of rows, and every error.
void TableBlocks::look_at_all(const std::string& path, const TableOptions& options, size_t bytes) {
  const auto pass = [&](const TableParser::FindForm& find) {
    Table table;
    table.path = path;
    TableParser parser(table, options, find);
    Bytes file(path, bytes);
    long rows = 0;
    for (bool more = true, first = true; more; first = false) {
      std::string piece = file.next();
      more = !piece.empty();
      check(more || !first, "{}: the file is empty", path);
      parser.append(std::move(piece), !more);
      rows += long(table.rows.size());
      table.rows.clear();
      table.lines.clear();
      table.objects.clear();
      table.nested.clear();
    }
    return rows;
  };
  const auto has_backslashes = [&] {
    Bytes file(path, bytes);
    std::string before;  // the last byte of the piece before
    for (std::string piece; !(piece = file.next()).empty(); before = piece.substr(piece.size() - 1))
      if ((before + piece).find("\\\"") != piece.npos) return true;
    return false;
  };
  const auto survey = [&](const CsvForm& form) {
    try {
      return CsvSurvey{pass([form](std::string_view, char) { return form; }), true};
    } catch (const engine::Error&) { return CsvSurvey{0, false}; }
  };
  total_ = pass([&](std::string_view first, char separator) {
    return form_ = find_form(first, separator, options.header, has_backslashes(), survey);
  });
}

// Moves up to `rows` rows from pending_ to table_.
void TableBlocks::take(long rows) {
  const long count = std::min(rows, long(pending_.rows.size()));
  const auto move = [count](auto& from, auto& to) {
    const auto end = from.begin() + std::min(count, long(from.size()));
    to.assign(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
    from.erase(from.begin(), end);
  };
  move(pending_.rows, table_.rows);
  move(pending_.lines, table_.lines);
  move(pending_.objects, table_.objects);
  table_.nested.clear();
  std::map<std::pair<size_t, size_t>, Nested> later;
  for (const auto& [at, what] : pending_.nested)
    if (long(at.first) < count)
      table_.nested[at] = what;
    else
      later[{at.first - size_t(count), at.second}] = what;
  pending_.nested = std::move(later);
  table_.path = pending_.path;
  table_.columns = pending_.columns;
  table_.warnings = pending_.warnings;
  table_.hint = pending_.hint;
  table_.marked = pending_.marked;
}

bool TableBlocks::next() {
  while (!ended_ && long(pending_.rows.size()) < rows_) {
    std::string piece = first_.empty() ? file_->next() : std::exchange(first_, {});
    ended_ = piece.empty();
    parser_->append(std::move(piece), ended_);
    separator_ = parser_->separator();
  }
  take(rows_);
  return !table_.rows.empty();
}

}  // namespace text
