// Bytes to rows to records. Read stream.h before; times are read by clock.cpp.
#include "tasks/monitor/stream.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "engine/strings.h"
#include "nn/format/json.h"
#include "tasks/monitor/clock.h"
#include "tasks/run/console.h"
#include "tasks/text/labels.h"
#include "tasks/text/separated.h"
#include "tasks/text/utf8.h"

namespace monitor {

using engine::check;
using engine::fail;

namespace {

constexpr size_t kLongestRow = 1 << 20;
constexpr int kLookAgain = 200;  // milliseconds between two looks at a file that grows

volatile std::sig_atomic_t stopped = 0;

void stop(int signal) {
  stopped = signal;
  std::signal(signal, SIG_DFL);
}

// What is wrong with a record: thrown inside of this file alone.
struct Unusable {
  std::string kind, why;
  bool torn = false;  // what was taken for one row may be several
};

// Whether a quoted field of a CSV is open at the end of a line; `open`: at its beginning. As parse_csv has it: a quote
// opens a field at its beginning alone (27" is no quote), and two of them inside are one.
bool leaves_open(std::string_view line, bool open) {
  bool begins = !open;
  for (size_t i = 0; i < line.size(); ++i) {
    if (!open) {
      open = begins && line[i] == '"';
      begins = line[i] == ',';
    } else if (line[i] == '"') {
      open = i + 1 < line.size() && line[i + 1] == '"';
      i += open;
    }
  }
  return open;
}

}  // namespace

void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = stop;  // without SA_RESTART: a read that waits comes back
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}
int stopped_by() { return stopped; }
void request_stop() { stopped = SIGTERM; }

void StreamOptions::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Stream");
  };
  add("FILE", file, "JSON lines or CSV with time and text; -: standard input").reads();
  add("--format", format, "of the stream; auto: by its first byte").one_of({"auto", "jsonl", "csv"});
  add("--time-column", time_column, "key or column of the time: ISO 8601, or seconds since 1970");
  add("--text-column", text_column, "of the text");
  add("--source-column", source_column, "of the source, if there is one");
  add("--entities-column", entities_column, "of the companies and people named, if there is one");
  add("--topic-column", topic_column, "of a topic that is known already");
  add("--sentiment-column", sentiment_column, "of a sentiment that is known already");
}

Stream::Stream(const StreamOptions& options) : o_(options), name_(options.file == "-" ? "stdin" : options.file) {
  file_ = o_.file == "-" ? 0 : open(o_.file.c_str(), O_RDONLY | O_CLOEXEC);
  check(file_ >= 0, "{}: cannot be read: {}", name_, std::strerror(errno));
}

Stream::~Stream() {
  if (file_ > 0) close(file_);
}

void Stream::resume(long offset, long line) {
  check(o_.file != "-", "a stream from a pipe goes on where it is");
  const long size = lseek(file_, 0, SEEK_END);
  check(offset >= 0 && size >= offset,
        "{}: has {} bytes; the state was saved after {} of them: it is another file, or was cut", name_, size, offset);
  std::string row;
  lseek(file_, 0, SEEK_SET);
  Record unused;
  while (offset_ < offset && !begun_ && take_row(row, true)) begin(row);  // the format, and the header of a CSV
  lseek(file_, offset, SEEK_SET);
  buffer_.clear();
  at_ = 0;
  ended_ = false;
  offset_ = offset;
  line_ = line;
}

// What the first row that is not blank says of the format; whether it is a header. A mark of UTF-8 goes.
bool Stream::begin(std::string& row) {
  check(!row.starts_with("\x1F\x8B") && !row.starts_with("PK\x03\x04") && !row.starts_with("\x28\xB5\x2F\xFD"),
        "{}: this is compressed; unpack it into a pipe (zcat, unzip -p, zstdcat)", name_);
  check(!row.starts_with("\xFF\xFE") && !row.starts_with("\xFE\xFF") && row.find('\0') == row.npos,
        "{}: this is UTF-16; a stream is UTF-8 (iconv -f utf-16 -t utf-8)", name_);
  if (row.starts_with("\xEF\xBB\xBF")) row.erase(0, 3);
  const size_t first = row.find_first_not_of(" \t\r");
  if (first == row.npos) return false;
  begun_ = true;
  check(o_.format == "csv" || row[first] != '[', "{}: this is one list; a stream has a record a line (jq -c '.[]')",
        name_);
  csv_ = o_.format == "csv" || (o_.format == "auto" && row[first] != '{');
  return csv_ && read_header(row);
}

std::string Stream::where() const { return fmt::format("{}:{}", name_, row_line_); }

// More bytes; false at the end, or where they would have to be waited for.
bool Stream::fill(bool wait) {
  if (at_ > 0) buffer_.erase(0, at_), at_ = 0;
  while (!stopped) {
    pollfd one{file_, POLLIN, 0};
    if (poll(&one, 1, wait ? kLookAgain : 0) == 0) {  // a signal may have come to another thread
      if (!wait) return false;
      continue;
    }
    char bytes[1 << 16];
    const ssize_t n = read(file_, bytes, sizeof bytes);
    if (n > 0) {
      buffer_.append(bytes, size_t(n));
      return true;
    }
    if (n < 0 && errno == EINTR) continue;
    check(n == 0, "{}: cannot be read: {}", name_, std::strerror(errno));
    if (!o_.follow || o_.file == "-") {
      ended_ = true;
      return false;
    }
    if (!wait) return false;
    if (lseek(file_, 0, SEEK_END) < offset_) {
      run::print_note("{}: has become shorter; it is read from its beginning\n", name_);
      offset_ = 0, line_ = 1, scanned_ = 0;
      begun_ = csv_ = inside_ = open_ = false;  // another file: with a header of its own, if it is a CSV
      buffer_.clear();
    }
    lseek(file_, offset_ + long(buffer_.size()), SEEK_SET);
    poll(nullptr, 0, kLookAgain);
  }
  ended_ = true;
  return false;
}

// Goes to the end of a line that was too long.
bool Stream::leave_row(bool wait) {
  while (inside_) {
    const size_t end = buffer_.find('\n', at_);
    inside_ = end == buffer_.npos;
    const size_t next = inside_ ? buffer_.size() : end + 1;
    offset_ += long(next - at_);
    line_ += !inside_;
    at_ = next;
    if (inside_ && !fill(wait)) return false;
  }
  return true;
}

// The next `length` bytes as a row; `ends`: the end of a line is behind them.
bool Stream::take(std::string& row, size_t length, bool ends) {
  row = buffer_.substr(at_, length);
  row_at_ = at_, row_line_ = line_;
  line_ += std::count(row.begin(), row.end(), '\n') + ends;
  at_ += length + ends, offset_ += long(length + ends);
  scanned_ = 0, open_ = false;
  while (row.ends_with('\r')) row.pop_back();
  return true;
}

// A row without its end: a line, in CSV as many as its quotes hold together.
bool Stream::take_row(std::string& row, bool wait) {
  if (inside_ && !leave_row(wait)) return false;
  for (;;) {
    const size_t end = buffer_.find('\n', at_ + scanned_);
    const size_t length = std::min(end, buffer_.size()) - at_;
    if (end != buffer_.npos) {
      if (csv_) open_ = leaves_open(std::string_view(buffer_).substr(at_ + scanned_, length - scanned_), open_);
      if (!open_ || length >= kLongestRow) return take(row, length, true);
      scanned_ = length + 1;
    } else if (length > kLongestRow) {
      inside_ = true;
      return take(row, length, false);  // too long: whoever parses it says so
    } else if (!fill(wait)) {
      const bool left = o_.file != "-" && (o_.follow || o_.leave_last);
      if (!ended_ || length == 0 || left || stopped) return false;
      return take(row, length, false);  // the last line, without an end
    }
  }
}

long Stream::line_left() const {
  return o_.leave_last && o_.file != "-" && ended_ && !stopped && at_ < buffer_.size() ? line_ : 0;
}

// Of several lines that are no row the first is left out, and the others are read again: a quote that nothing closes
// takes no other record along.
void Stream::leave_first_line() {
  const size_t second = buffer_.find('\n', row_at_) + 1;
  offset_ -= long(at_ - second);
  at_ = second, line_ = row_line_ + 1;
  inside_ = false;
}

bool Stream::read_header(const std::string& row) {
  text::Table table;
  table.path = name_;
  text::parse_csv(row, {}, 1, true, table);
  check(!table.rows.empty(), "{}: a CSV begins with the names of its columns", name_);
  const std::vector<std::string>& names = table.rows[0];
  columns_.clear();
  width_ = names.size();
  for (size_t i = 0; i < width_; ++i) columns_[names[i]] = int(i);
  for (const std::string& needed : {o_.time_column, o_.text_column})
    check(columns_.contains(needed), "{}: there is no column '{}'{}; --time-column and --text-column name them", name_,
          needed, text::did_you_mean(needed, names));
  for (const std::string& read :
       {o_.time_column, o_.text_column, o_.source_column, o_.entities_column, o_.topic_column, o_.sentiment_column})
    check(read.empty() || std::ranges::count(names, read) < 2,
          "{}: there are two columns '{}'; one of them is read: "
          "name the other one differently",
          name_, read);
  return true;
}

namespace {

std::vector<std::string> entities_of(const std::string& cell) {
  std::vector<std::string> names;
  for (const std::string& part : engine::split(cell, cell.find('|') == cell.npos ? ';' : '|')) {
    const size_t begin = part.find_first_not_of(' '), end = part.find_last_not_of(' ');
    if (begin != part.npos) names.push_back(part.substr(begin, end - begin + 1));
  }
  return names;
}

long time_of(const std::string& text, const std::string& key) {
  if (text.empty()) throw Unusable{"no time", fmt::format("there is no {}", key)};
  const std::optional<long> time = parse_time(text);
  if (!time) throw Unusable{"no time", fmt::format("{} '{}' is no time", key, engine::shown(text))};
  return *time;
}

// The names in a list of JSON. A number is one, too, as everywhere; null is none.
std::vector<std::string> names_in(const nn::json& list, const std::string& key) {
  std::vector<std::string> names;
  for (const nn::json& one : list) {
    if (one.is_null()) continue;
    if (!one.is_string() && !one.is_number())
      throw Unusable{"no names", fmt::format("{} must be a list of names; it has {}", key, nn::shown_json(one))};
    names.push_back(one.is_string() ? one.get<std::string>() : one.dump());
  }
  return names;
}

}  // namespace

void Stream::parse_json_row(const std::string& row, Record& record) const {
  nn::json object;
  try {
    object = nn::parse_json(row, "");
  } catch (const engine::Error& e) {
    const std::string what = e.what();
    throw Unusable{"no JSON", what.substr(what.find_first_not_of(": "))};
  }
  if (!object.is_object()) throw Unusable{"no JSON", "a record is a JSON object"};
  const auto word = [&](const std::string& key) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return std::string();
    return found->is_string() ? found->get<std::string>() : found->dump();
  };
  record.time = time_of(word(o_.time_column), o_.time_column);
  record.text = word(o_.text_column);
  record.source = word(o_.source_column);
  record.topic = word(o_.topic_column);
  record.sentiment = word(o_.sentiment_column);
  const auto list = object.find(o_.entities_column);
  record.entities = list != object.end() && list->is_array() ? names_in(*list, o_.entities_column)
                                                             : entities_of(word(o_.entities_column));
}

// The fields of a row of a CSV, as many as its header has.
std::vector<std::string> Stream::fields_of(const std::string& row) const {
  text::Table table;
  table.path = name_;
  try {
    text::parse_csv(row, {}, row_line_, true, table);
  } catch (const engine::Error& e) { throw Unusable{"no CSV", e.what(), true}; }
  if (table.rows.size() != 1)
    throw Unusable{"no CSV", fmt::format("{} rows where one must be", table.rows.size()), true};
  if (table.rows[0].size() != width_)
    throw Unusable{"no CSV", fmt::format("{} fields; the header has {}", table.rows[0].size(), width_)};
  return table.rows[0];
}

void Stream::take_fields(const std::vector<std::string>& fields, Record& record) const {
  const auto cell = [&](const std::string& name) {
    const auto found = columns_.find(name);
    return found == columns_.end() ? std::string() : fields[size_t(found->second)];
  };
  record.time = time_of(cell(o_.time_column), o_.time_column);
  record.text = cell(o_.text_column);
  record.source = cell(o_.source_column);
  record.topic = cell(o_.topic_column);
  record.sentiment = cell(o_.sentiment_column);
  record.entities = entities_of(cell(o_.entities_column));
}

void Stream::parse(const std::string& row, Record& record) const {
  if (row.size() > kLongestRow) throw Unusable{"too long", "a record of more than a megabyte", true};
  std::vector<std::string> fields;
  if (csv_) fields = fields_of(row);
  if (!text::is_utf8(row))
    throw Unusable{"no UTF-8", "this is not UTF-8 (iconv -f windows-1252 -t utf-8, for example)"};
  csv_ ? take_fields(fields, record) : parse_json_row(row, record);
  if (text::is_blank(record.text)) throw Unusable{"no text", fmt::format("there is no {}", o_.text_column)};
}

void Stream::reject(const Record& record, const std::string& kind, const std::string& why) {
  if (++bad_[kind] == 1)
    run::print_note("{}:{}: {} (left out, and so are others like it, which are counted)\n", name_, record.line, why);
}

bool Stream::next(Record& record, bool wait) {
  for (std::string row; !stopped && take_row(row, wait);) {
    if (!begun_ && begin(row)) continue;
    if (text::is_blank(row)) continue;
    ++records_;
    record = {};
    record.line = row_line_;
    try {
      parse(row, record);
      return true;
    } catch (const Unusable& u) {
      reject(record, u.kind, u.why);
      if (u.torn && row.find('\n') != row.npos) leave_first_line();
    }
  }
  return false;
}

}  // namespace monitor
