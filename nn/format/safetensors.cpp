// Reads and writes safetensors. A file comes from anywhere: nothing in it is trusted before it is checked.
// Read nn/safetensors.h first.
#include "nn/format/safetensors.h"

#include "nn/format/json.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace nn {
namespace {

using nlohmann::json;

constexpr long kMaxHeader = 100'000'000;

long size_of(const std::string& dtype) {
  static const std::map<std::string, long> sizes{{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
                                                 {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
                                                 {"U32", 4},  {"F32", 4}, {"F64", 8}, {"I64", 8},     {"U64", 8}};
  const auto found = sizes.find(dtype);
  return found == sizes.end() ? 0 : found->second;
}

// The header as JSON; a name that occurs twice is an error, which a plain parse would hide.
json parse_header(const std::string& path, const std::string& text) {
  std::vector<std::set<std::string>> open;
  const auto depth_limited = limit_depth<json>(path);
  const auto watch = [&](int depth, json::parse_event_t event, json& value) {
    depth_limited(depth, event, value);
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event == json::parse_event_t::key)
      check(open.back().insert(value.get<std::string>()).second, "{}: the header names {} twice", path, value.dump());
    return true;
  };
  try {
    json header = json::parse(text, watch);
    check(header.is_object(), "{}: the header must be a JSON object", path);
    return header;
  } catch (const json::exception& e) { fail("{}: the header is not valid JSON: {}", path, e.what()); }
}

SafeTensors::Entry parse_entry(const std::string& path, const std::string& name, const json& value) {
  SafeTensors::Entry entry;
  try {
    entry.dtype = value.at("dtype").get<std::string>();
    for (const json& size : value.at("shape")) {
      check(size.is_number_unsigned() && size.get<uint64_t>() < (1UL << 62), "{}: tensor '{}': size {} in its shape",
            path, name, size.dump());
      entry.shape.push_back(size.get<long>());
    }
    const json& offsets = value.at("data_offsets");
    check(
        offsets.is_array() && offsets.size() == 2 && offsets[0].is_number_unsigned() && offsets[1].is_number_unsigned(),
        "{}: tensor '{}': data_offsets must be two numbers; got {}", path, name, offsets.dump());
    entry.begin = offsets[0].get<long>();
    entry.end = offsets[1].get<long>();
  } catch (const json::exception& e) { fail("{}: tensor '{}': {}", path, name, e.what()); }
  const long unit = size_of(entry.dtype);
  check(unit > 0, "{}: tensor '{}': unknown type '{}'", path, name, entry.dtype);
  long bytes = unit;
  for (long size : entry.shape)
    check(!__builtin_mul_overflow(bytes, size, &bytes), "{}: tensor '{}': its shape has too many elements", path, name);
  check(entry.begin >= 0 && entry.end >= entry.begin && entry.end - entry.begin == bytes,
        "{}: tensor '{}': {} bytes by its shape and type, but offsets {} to {}", path, name, bytes, entry.begin,
        entry.end);
  return entry;
}

// Every byte of the data must belong to one tensor: no overlap, no hole, nothing left over.
void check_coverage(const std::string& path, const std::map<std::string, SafeTensors::Entry>& entries, long data_size) {
  std::vector<const std::pair<const std::string, SafeTensors::Entry>*> order;
  for (const auto& e : entries) order.push_back(&e);
  std::sort(order.begin(), order.end(), [](auto* a, auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  long expected = 0;
  for (const auto* e : order) {
    check(e->second.begin == expected, "{}: tensor '{}' begins at byte {}, where {} is expected: {}", path, e->first,
          e->second.begin, expected, e->second.begin < expected ? "tensors overlap" : "a hole in the data");
    expected = e->second.end;
  }
  check(expected == data_size, "{}: the tensors need {} bytes, the file has {}: {}", path, expected, data_size,
        expected > data_size ? "it is truncated" : "there is something after them");
}

float half_to_float(uint16_t h) {
  const uint32_t sign = uint32_t(h >> 15) << 31, exponent = (h >> 10) & 31, fraction = h & 1023;
  if (exponent == 0) return std::copysign(float(fraction) * 0x1p-24f, std::bit_cast<float>(sign | 0x3f800000));
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | fraction << 13);
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

// The nearest number of half precision, ties to even; below 2^-14 its fractions are 2^-24 apart.
uint16_t float_to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value), magnitude = bits & 0x7fffffff;
  const auto sign = uint16_t(bits >> 16 & 0x8000);
  if (magnitude > 0x7f800000) return uint16_t(sign | 0x7e00);  // NaN
  if (magnitude == 0x7f800000) return uint16_t(sign | 0x7c00);
  if (magnitude < 0x38800000)  // the sum's last bit is worth 2^-24: the addition rounds
    return uint16_t(sign | (std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000));
  const uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return uint16_t(sign | std::min(0x7c00u, (rounded >> 13) - (112u << 10)));
}

template <class Source, class Target, class Convert>
void convert(const std::string& bytes, Target* to, Convert f) {
  for (size_t i = 0; i < bytes.size() / sizeof(Source); ++i) {
    Source value;
    std::memcpy(&value, bytes.data() + i * sizeof(Source), sizeof(Source));
    to[i] = Target(f(value));
  }
}

}  // namespace

long SafeTensors::Entry::numel() const { return (end - begin) / size_of(dtype); }

SafeTensors::SafeTensors(const std::string& path) : path_(path) {
  check(std::filesystem::exists(path), "{}: no such file", path);
  check(std::filesystem::is_regular_file(path), "{}: not a regular file", path);
  const long file_size = long(std::filesystem::file_size(path));
  std::ifstream file(path, std::ios::binary);
  check(bool(file), "{}: cannot be read", path);
  check(file_size >= 8, "{}: {} bytes are too few for a safetensors file", path, file_size);
  uint64_t header_size = 0;
  file.read(reinterpret_cast<char*>(&header_size), 8);
  check(header_size <= uint64_t(kMaxHeader), "{}: not a safetensors file: its header would have {} bytes", path,
        header_size);
  check(long(header_size) <= file_size - 8, "{}: truncated: the header needs {} bytes, the file has {}", path,
        header_size, file_size - 8);
  std::string text(header_size, '\0');
  check(bool(file.read(text.data(), long(header_size))), "{}: cannot be read", path);
  data_start_ = 8 + long(header_size);

  const json header = parse_header(path, text);
  for (const auto& [name, value] : header.items()) {
    if (name != "__metadata__") {
      entries_[name] = parse_entry(path, name, value);
      continue;
    }
    for (const auto& [key, item] : value.items()) {
      check(item.is_string(), "{}: metadata '{}' is not a string", path, key);
      metadata_[key] = item.get<std::string>();
    }
  }
  check_coverage(path, entries_, file_size - data_start_);
}

const SafeTensors::Entry& SafeTensors::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  check(found != entries_.end(), "{}: there is no tensor '{}'", path_, name);
  return found->second;
}

std::string SafeTensors::bytes_of(const Entry& entry) const {
  std::string bytes(entry.end - entry.begin, '\0');
  std::ifstream file(path_, std::ios::binary);
  file.seekg(data_start_ + entry.begin);
  check(bool(file.read(bytes.data(), long(bytes.size()))), "{}: cannot be read; did it change?", path_);
  return bytes;
}

void SafeTensors::read_into(const std::string& name, real* to) const {
  const Entry& e = entry(name);
  const std::string bytes = bytes_of(e);
  if (e.dtype == "F32") return convert<float>(bytes, to, [](float v) { return v; });
  if (e.dtype == "F64") return convert<double>(bytes, to, [](double v) { return v; });
  if (e.dtype == "F16") return convert<uint16_t>(bytes, to, half_to_float);
  if (e.dtype == "BF16")
    return convert<uint16_t>(bytes, to, [](uint16_t v) { return std::bit_cast<float>(uint32_t(v) << 16); });
  fail("{}: tensor '{}' has type {}; numbers of type F32, F64, F16 or BF16 are needed", path_, name, e.dtype);
}

Tensor SafeTensors::read(const std::string& name) const {
  Tensor t{Shape(entry(name).shape)};
  read_into(name, t.data());
  return t.named(name);
}

std::vector<int> SafeTensors::read_ints(const std::string& name) const {
  const Entry& e = entry(name);
  std::vector<int> values(e.numel());
  const std::string bytes = bytes_of(e);
  if (e.dtype == "I32")
    convert<int32_t>(bytes, values.data(), [](int32_t v) { return v; });
  else if (e.dtype == "I64")
    convert<int64_t>(bytes, values.data(), [](int64_t v) { return v; });
  else
    fail("{}: tensor '{}' has type {}; integers are needed", path_, name, e.dtype);
  return values;
}

void save_safetensors(const std::string& path, const std::vector<Tensor>& named_tensors,
                      std::map<std::string, std::string> metadata, Stored stored) {
  const bool half = stored == Stored::f16;
  std::vector<Tensor> tensors = named_tensors;  // all of one type, so the format's order is by name
  std::sort(tensors.begin(), tensors.end(), [](const Tensor& a, const Tensor& b) { return a.name() < b.name(); });
  metadata.emplace("format", "pt");
  nlohmann::ordered_json header{{"__metadata__", metadata}};
  long offset = 0;
  for (const Tensor& t : tensors) {
    check(!t.name().empty() && !header.contains(t.name()), "{}: tensors need names of their own; got {}", path, t);
    std::vector<long> shape;
    for (int i = 0; i < t.shape().rank(); ++i) shape.push_back(t.dim(i));
    const long bytes = t.numel() * (half ? 2 : 4);
    header[t.name()] = {{"dtype", half ? "F16" : "F32"}, {"shape", shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  const std::string start = safetensors_header(header);
  write_file(path, [&](const Write& write) {
    write(start.data(), start.size());
    for (const Tensor& t : tensors) {
      const std::vector<float> values(t.data(), t.data() + t.numel());
      if (!half) {
        write(values.data(), values.size() * sizeof(float));
        continue;
      }
      std::vector<uint16_t> halves(values.size());
      std::transform(values.begin(), values.end(), halves.begin(), float_to_half);
      for (size_t i = 0; i < values.size(); ++i)
        check((halves[i] & 0x7fff) != 0x7c00 || std::isinf(values[i]), "{}: {} of {} is beyond half precision", path,
              values[i], t);
      write(halves.data(), halves.size() * sizeof(uint16_t));
    }
  });
}

}  // namespace nn
