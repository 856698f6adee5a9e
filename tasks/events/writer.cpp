// Records, checksums and the files they go to. Read tasks/events/writer.h first, and tasks/events/proto.h.
#include "tasks/events/writer.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "nn/format/files.h"

namespace events {

namespace fs = std::filesystem;
using engine::check;

namespace {

// Eight bytes at a time: tables[k][b] is the checksum of byte b with k zero bytes behind it.
using Tables = std::array<std::array<uint32_t, 256>, 8>;
constexpr Tables make_tables() {
  Tables t{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0u);
    t[0][b] = crc;
  }
  for (size_t k = 1; k < 8; ++k)
    for (size_t b = 0; b < 256; ++b) t[k][b] = t[k - 1][b] >> 8 ^ t[0][t[k - 1][b] & 0xFF];
  return t;
}
constexpr Tables kTables = make_tables();

std::string host() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  std::string host = *name ? name : "host";
  std::replace(host.begin(), host.end(), '/', '-');
  return host;
}

template <class T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

Proto event(double wall_time, long step) {
  Proto event;
  event.number(1, wall_time);
  if (step) event.varint(2, uint64_t(step));
  return event;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~0u;
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {
    uint32_t low, high;
    std::memcpy(&low, p, 4);
    std::memcpy(&high, p + 4, 4);
    low ^= crc;
    crc = kTables[7][low & 0xFF] ^ kTables[6][low >> 8 & 0xFF] ^ kTables[5][low >> 16 & 0xFF] ^ kTables[4][low >> 24] ^
          kTables[3][high & 0xFF] ^ kTables[2][high >> 8 & 0xFF] ^ kTables[1][high >> 16 & 0xFF] ^
          kTables[0][high >> 24];
  }
  for (; left; --left) crc = crc >> 8 ^ kTables[0][(crc ^ *p++) & 0xFF];
  return ~crc;
}

uint32_t masked_crc32c(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

std::string record(std::string_view data) {
  const std::string length = raw(uint64_t(data.size()));
  std::string text = length + raw(masked_crc32c(length));
  text += data;
  return text + raw(masked_crc32c(data));
}

std::string version_event(double wall_time, std::string_view writer) {
  Proto version = event(wall_time, 0);
  version.bytes(3, "brain.Event:2");
  if (!writer.empty()) version.message(10, Proto().bytes(1, writer));
  return version.text();
}

std::string summary_event(double wall_time, long step, const std::vector<Proto>& values) {
  Proto summary;
  for (const Proto& value : values) summary.message(1, value);
  return event(wall_time, step).message(5, summary).text();
}

std::string session_start(double wall_time, long step) {
  return event(wall_time, step).message(7, Proto().varint(1, 1)).text();  // SessionLog{status 1 = START}
}

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::vector<std::string> event_files(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error))
    if (entry.path().filename().string().find("tfevents") != std::string::npos) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// Readers take the files of a directory by the seconds in their names, then by the rest: a run that is continued
// within the second must not sort before what it continues.
Writer::Writer(const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  check(!error, "{}: cannot be written: {}", directory, error.message());
  static std::atomic<int> count{0};
  long seconds = long(wall_time());
  for (const std::string& before : event_files(directory)) {
    const std::string name = fs::path(before).filename();
    const size_t at = name.find("tfevents.");
    if (at != name.npos) seconds = std::max(seconds, std::strtol(name.c_str() + at + 9, nullptr, 10) + 1);
  }
  path_ = fmt::format("{}/events.out.tfevents.{:010}.{}.{}.{}", directory, seconds, host(), getpid(), count++);
  file_.reset(std::fopen(path_.c_str(), "wbx"));
  nn::check_io(file_ != nullptr, path_, "written");
  std::setvbuf(file_.get(), nullptr, _IONBF, 0);
  write(version_event(wall_time(), "attune"));
  flush();
}

void Writer::write(const std::string& event) { waiting_ += record(event); }

void Writer::restart(long step) { write(session_start(wall_time(), step)); }

void Writer::add(long step, const std::vector<Proto>& values) {
  if (!values.empty()) write(summary_event(wall_time(), step, values));
}

// Without a buffer of stdio's between, so that what a kill leaves ends with a record wherever the disk is not full.
void Writer::flush() {
  const size_t written = std::fwrite(waiting_.data(), 1, waiting_.size(), file_.get());
  nn::check_io(written == waiting_.size(), path_, "written");
  waiting_.clear();
}

}  // namespace events
