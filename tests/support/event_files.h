// Event files read back, as a reader of them would: whole records, good checksums, the fields of the messages.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "nn/format/files.h"
#include "tasks/events/writer.h"
#include "tests/support/support.h"

namespace test {

// A message's fields in order; of numbers the eight bytes or the varint, of the rest the bytes.
struct Field {
  int number = 0;
  uint64_t value = 0;
  std::string bytes;
};

inline uint64_t take_varint(const std::string& text, size_t& at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    REQUIRE(at < text.size());
    const auto byte = static_cast<unsigned char>(text[at++]);
    value |= uint64_t(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
}

inline std::vector<Field> fields_of(const std::string& text) {
  std::vector<Field> fields;
  for (size_t at = 0; at < text.size();) {
    const uint64_t key = take_varint(text, at);
    Field field{int(key >> 3), 0, ""};
    const int wire = int(key & 7);
    if (wire == 0) {
      field.value = take_varint(text, at);
    } else {
      const size_t size = wire == 1 ? 8 : wire == 5 ? 4 : size_t(take_varint(text, at));
      REQUIRE(at + size <= text.size());
      field.bytes = text.substr(at, size);
      if (wire != 2) std::memcpy(&field.value, field.bytes.data(), size);
      at += size;
    }
    fields.push_back(field);
  }
  return fields;
}

// The first field of this number along a path; an empty one if there is none.
inline Field field_at(std::string text, const std::vector<int>& path) {
  Field found;
  for (const int number : path) {
    found = {};
    for (const Field& f : fields_of(text))
      if (f.number == number) {
        found = f;
        break;
      }
    text = found.bytes;
  }
  return found;
}

struct EventValue {
  std::string tag, plugin, content, tensor;
  float scalar() const {
    float x = NAN;
    const std::string bytes = field_at(tensor, {5}).bytes;
    if (bytes.size() == 4) std::memcpy(&x, bytes.data(), 4);
    return x;
  }
  std::vector<std::string> strings() const {
    std::vector<std::string> all;
    for (const Field& f : fields_of(tensor))
      if (f.number == 8) all.push_back(f.bytes);
    return all;
  }
};

struct Event {
  double wall = 0;
  long step = 0;
  std::string version;
  bool restart = false;
  std::vector<EventValue> values;
};

inline Event event_of(const std::string& data) {
  Event event;
  for (const Field& f : fields_of(data)) {
    if (f.number == 1) std::memcpy(&event.wall, &f.value, 8);
    if (f.number == 2) event.step = long(f.value);
    if (f.number == 3) event.version = f.bytes;
    if (f.number == 7) event.restart = field_at(f.bytes, {1}).value == 1;
    if (f.number != 5) continue;
    for (const Field& v : fields_of(f.bytes))
      event.values.push_back({field_at(v.bytes, {1}).bytes, field_at(v.bytes, {9, 1, 1}).bytes,
                              field_at(v.bytes, {9, 1, 2}).bytes, field_at(v.bytes, {8}).bytes});
  }
  return event;
}

// The data of every whole record; both checksums of each must hold. A record that is cut ends the file.
inline std::vector<std::string> records_of(const std::string& file) {
  std::vector<std::string> records;
  for (size_t at = 0; at + 12 <= file.size();) {
    uint64_t length = 0;
    uint32_t crc = 0;
    std::memcpy(&length, file.data() + at, 8);
    std::memcpy(&crc, file.data() + at + 8, 4);
    REQUIRE(crc == events::masked_crc32c(file.substr(at, 8)));
    if (at + 16 + length > file.size()) break;
    records.push_back(file.substr(at + 12, length));
    std::memcpy(&crc, file.data() + at + 12 + length, 4);
    REQUIRE(crc == events::masked_crc32c(records.back()));
    at += 16 + length;
  }
  return records;
}

inline std::vector<Event> events_of(const std::string& path) {
  std::vector<Event> all;
  for (const std::string& data : records_of(nn::read_file(path))) all.push_back(event_of(data));
  return all;
}

inline std::vector<Event> all_events(const std::string& directory) {
  std::vector<Event> all;
  for (const std::string& file : events::event_files(directory))
    for (const Event& event : events_of(file)) all.push_back(event);
  return all;
}

// The content of the plugin's message of this tag; "" if there is none.
inline std::string hparams_of(const std::string& directory, const std::string& tag) {
  std::string content;
  for (const Event& event : all_events(directory))
    for (const EventValue& v : event.values)
      if (v.tag == "_hparams_/" + tag) content = v.content;
  return content;
}

// What TensorBoard shows of a directory: the scalars of each tag by their steps, what a restart takes back left out.
inline std::map<std::string, std::map<long, float>> shown_scalars(const std::string& directory) {
  std::map<std::string, std::map<long, float>> shown;
  for (const std::string& file : events::event_files(directory))
    for (const Event& event : events_of(file)) {
      if (event.restart)
        for (auto& [tag, steps] : shown) steps.erase(steps.lower_bound(event.step), steps.end());
      for (const EventValue& v : event.values)
        if (v.plugin == "scalars") {
          CHECK_MESSAGE(!shown[v.tag].count(event.step), v.tag, ": shown twice at step ", event.step);
          shown[v.tag][event.step] = v.scalar();
        }
    }
  return shown;
}

}  // namespace test
