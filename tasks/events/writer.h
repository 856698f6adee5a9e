// Writer: an event file as TensorBoard reads it: records with checksums, one an event; only whole ones, in order.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/events/proto.h"

namespace events {

// CRC-32C (Castagnoli): reflected, polynomial 0x82F63B78, begun and ended with all ones.
uint32_t crc32c(std::string_view bytes);
// As records carry it, so that the checksum of what holds checksums is a good one: rotated right by 15, plus a
// constant.
uint32_t masked_crc32c(std::string_view bytes);

// A record of TensorFlow's: length u64, masked_crc32c(length) u32, data, masked_crc32c(data) u32; little-endian.
std::string record(std::string_view data);

// Events as records' data. The first of a file says what the file is; `values` are those of tasks/events/summary.h;
// session_start says that what other files of the directory have from this step on does not count any more.
std::string version_event(double wall_time, std::string_view writer);
std::string summary_event(double wall_time, long step, const std::vector<Proto>& values);
std::string session_start(double wall_time, long step);

// Whether events of some run lie in the directory; readers take every file with "tfevents" in its name.
std::vector<std::string> event_files(const std::string& directory);

class Writer {
 public:
  // A new file in the directory, which is created where it is missing; it takes its place beside those of the run that
  // this one continues. Error: PATH: cannot be written.
  explicit Writer(const std::string& directory);

  void restart(long step);  // the steps from this one on are done again
  void add(long step, const std::vector<Proto>& values);
  void flush();  // whole records stay in memory until then. Error: PATH: cannot be written.
  const std::string& path() const { return path_; }

 private:
  void write(const std::string& event);

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_, waiting_;  // records that are not in the file yet
  std::unique_ptr<std::FILE, Close> file_;
};

// Seconds since 1970, as events carry them.
double wall_time();

}  // namespace events
