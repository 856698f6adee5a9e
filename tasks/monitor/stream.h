// Stream: records of time and text from a pipe or a file that grows, one at a time. What is no record is counted.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace run {
class Options;
}

namespace monitor {

struct Record {
  long time = 0;  // seconds of the event, not of its arrival
  std::string text, source;
  std::vector<std::string> entities;
  std::string topic, sentiment;  // what is known without a model; empty: nothing
  long line = 0;
};

struct StreamOptions {
  std::string file = "-", format = "auto";
  std::string time_column = "time", text_column = "text", source_column = "source", entities_column = "entities",
              topic_column = "topic", sentiment_column = "sentiment";
  bool follow = false;
  bool leave_last = false;  // of a file: a last line without an end is still being written, and left

  void declare(run::Options& options);
};

// JSON lines, an object each; or CSV with a header, quoted as RFC 4180 has it; of lines that quotes hold together and that
// are no row the first alone is left out. Entities are a list, in CSV with ; or |
// between them. A record that cannot be used is left out and counted under what is wrong with it; of each kind the
// first is told on the screen. Error: UTF-16, no header with the columns, a file that is not there.
class Stream {
 public:
  explicit Stream(const StreamOptions& options);
  ~Stream();
  Stream(const Stream&) = delete;

  // The next record; false at the end, and when a signal has come. `wait` false: also where the next one is not there
  // yet, and would have to be waited for.
  bool next(Record& record, bool wait = true);
  bool ended() const { return ended_; }
  long line_left() const;  // that of a last line that is left; 0: there is none

  // A record that was read and turns out to be of no use: counted here, too.
  void reject(const Record& record, const std::string& kind, const std::string& why);
  const std::map<std::string, long>& bad() const { return bad_; }
  long records() const { return records_; }  // good and bad ones

  // Where the next record begins, in bytes, and to go on from there: of files.
  long offset() const { return offset_; }
  void resume(long offset, long line);
  void count_lines_from(long line) { line_ = line; }  // of pipes, which go on where they are
  long line() const { return line_; }

 private:
  bool fill(bool wait);
  bool take_row(std::string& row, bool wait);
  bool take(std::string& row, size_t length, bool ends);
  bool leave_row(bool wait);
  void leave_first_line();
  bool begin(std::string& row);
  bool read_header(const std::string& row);
  void parse_json_row(const std::string& row, Record& record) const;
  std::vector<std::string> fields_of(const std::string& row) const;
  void take_fields(const std::vector<std::string>& fields, Record& record) const;
  void parse(const std::string& row, Record& record) const;
  std::string where() const;

  StreamOptions o_;
  int file_ = -1;
  std::string buffer_, name_;
  size_t at_ = 0, row_at_ = 0;  // of the next row, of the one before it
  size_t scanned_ = 0;          // bytes of the next row that were looked at: whole lines
  bool open_ = false;           // a quote is open behind them
  long offset_ = 0, line_ = 1, row_line_ = 1, records_ = 0;
  bool ended_ = false, begun_ = false, csv_ = false, inside_ = false;  // inside_: of a line that is too long
  std::map<std::string, int> columns_;
  size_t width_ = 0;  // columns, with those of the same name
  std::map<std::string, long> bad_;
};

// From here on SIGINT and SIGTERM end a stream, after the record that is being read; a second one ends the program.
void stop_on_signals();
int stopped_by();  // 0: by none
void request_stop();

}  // namespace monitor
