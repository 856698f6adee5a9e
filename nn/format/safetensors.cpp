// Reads and writes safetensors. A file comes from anywhere: nothing in it is trusted before it is checked.
// Read nn/format/safetensors.h first.
#include "nn/format/safetensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <set>

#include "engine/strings.h"
#include "nn/format/json.h"
#include "nn/format/sealed.h"

namespace nn {
namespace {

constexpr long kMaxHeader = 100'000'000;

long size_of(const std::string& dtype) {
  static const std::map<std::string, long> sizes{
      {"BOOL", 1}, {"U8", 1},   {"I8", 1},      {"F8_E5M2", 1},     {"F8_E4M3", 1},    {"I16", 2}, {"U16", 2},
      {"F16", 2},  {"BF16", 2}, {"I32", 4},     {"U32", 4},         {"F32", 4},        {"F64", 8}, {"I64", 8},
      {"U64", 8},  {"C64", 8},  {"F8_E8M0", 1}, {"F8_E4M3FNUZ", 1}, {"F8_E5M2FNUZ", 1}};
  const auto found = sizes.find(dtype);
  return found == sizes.end() ? 0 : found->second;
}

// What a file is that is no safetensors file, by its first bytes; empty when that cannot be seen.
std::string what_it_is(std::string_view start) {
  const std::pair<std::string_view, const char*> kinds[] = {
      {"version https://git-lfs",
       "the pointer that git leaves without git-lfs; `git lfs pull` fetches the file itself"},
      {"\x1f\x8b", "packed by gzip; gunzip it first"},
      {"PK\x03\x04", "a zip archive, as PyTorch saves its pickles; save it with safetensors"},
      {"\x80\x02", "a pickle of PyTorch; save it with safetensors"},
      {"\x89HDF", "an HDF5 file, TensorFlow's or Keras's weights; save it with safetensors"},
      {"GGUF", "a GGUF file; the model's safetensors are needed"}};
  for (const auto& [magic, kind] : kinds)
    if (start.starts_with(magic)) return kind;
  const size_t first = start.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first == start.npos) return "";
  if (start[first] == '<') return "a page (HTML or XML), not the file: its download failed";
  if (start[first] == '{' && start.find('"') != start.npos) return "JSON text, not the file: its download failed";
  return "";
}

SafeTensors::Entry parse_entry(const std::string& path, const std::string& key, const json& value) {
  const std::string name = shown(key, 100);
  const JsonObject object(value, fmt::format("{}: tensor '{}'", path, name));
  for (const char* needed : {"dtype", "shape", "data_offsets"})
    check(object.find(needed), "{}: it has no {}", object.where(), needed);
  SafeTensors::Entry entry;
  object.take("dtype", entry.dtype);
  const json &shape = *object.find("shape"), &offsets = *object.find("data_offsets");
  check(shape.is_array(), "{}: shape must be a list of sizes; got {}", object.where(), shown_json(shape));
  for (const json& size : shape) {
    check(size.is_number_unsigned() && size.get<uint64_t>() < (1UL << 62), "{}: size {} in its shape", object.where(),
          shown_json(size));
    entry.shape.push_back(size.get<long>());
  }
  check(offsets.is_array() && offsets.size() == 2 && offsets[0].is_number_unsigned() && offsets[1].is_number_unsigned(),
        "{}: data_offsets must be two numbers; got {}", object.where(), shown_json(offsets));
  entry.begin = offsets[0].get<long>();
  entry.end = offsets[1].get<long>();
  const long unit = size_of(entry.dtype);
  check(unit > 0, "{}: tensor '{}': unknown type '{}'", path, name, shown(entry.dtype));
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
    check(e->second.begin == expected, "{}: tensor '{}' begins at byte {}, where {} is expected: {}", path,
          shown(e->first, 100), e->second.begin, expected,
          e->second.begin < expected ? "tensors overlap" : "a hole in the data");
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
  if (path.ends_with(".index.json"))
    open_index(path);
  else
    open(path);
}

void SafeTensors::open(const std::string& path) {
  check(std::filesystem::exists(path), "{}: no such file", path);
  check(std::filesystem::is_regular_file(path), "{}: not a regular file", path);
  const long file_size = long(std::filesystem::file_size(path));
  std::ifstream file(path, std::ios::binary);
  check(bool(file), "{}: cannot be read", path);
  std::string start(std::min(file_size, 200L), '\0');
  check(bool(file.read(start.data(), long(start.size()))), "{}: cannot be read", path);
  const std::string instead = start.size() > 8 && start[8] == '{' ? "" : what_it_is(start);
  check(instead.empty(), "{}: not a safetensors file: {}", path, instead);
  check(file_size >= 8, "{}: {} bytes are too few for a safetensors file", path, file_size);
  uint64_t header_size = 0;
  std::memcpy(&header_size, start.data(), 8);
  check(header_size <= uint64_t(kMaxHeader), "{}: not a safetensors file: its header would have {} bytes", path,
        header_size);
  check(long(header_size) <= file_size - 8, "{}: truncated: the header needs {} bytes, the file has {}", path,
        header_size, file_size - 8);
  std::string text(header_size, '\0');
  check(bool(file.seekg(8).read(text.data(), long(header_size))), "{}: cannot be read", path);

  std::map<std::string, Entry> entries;
  parse_members(text, path + ": the header", [&](const std::string& name, const json& value) {
    if (name != "__metadata__") return void(entries[name] = parse_entry(path, name, value));
    check(value.is_object(), "{}: __metadata__ must be an object; got {}", path, shown_json(value));
    for (const auto& [key, item] : value.items()) {
      check(item.is_string(), "{}: metadata '{}' is not a string", path, shown(key));
      metadata_[key] = item.get<std::string>();
    }
  });
  files_.push_back({path, 8 + long(header_size)});
  check_coverage(path, entries, file_size - files_.back().data_start);
  for (auto& [name, entry] : entries) {
    entry.file = files_.size() - 1;
    check(entries_.emplace(name, std::move(entry)).second, "{}: tensor '{}' is in another of the files, too", path,
          shown(name, 100));
  }
}

// {"metadata": {...}, "weight_map": {"tensor": "model-00001-of-00002.safetensors", ...}}
void SafeTensors::open_index(const std::string& path) {
  const json index = read_json(path);
  check(index.is_object() && index.contains("weight_map") && index["weight_map"].is_object() &&
            !index["weight_map"].empty(),
        "{}: must be an object with a weight_map of tensors", path);
  std::set<std::string> names;
  for (const auto& [tensor, file] : index["weight_map"].items()) {
    check(file.is_string(), "{}: tensor '{}': a file's name is needed; got {}", path, shown(tensor, 100),
          shown_json(file));
    const std::string name = file.get<std::string>();
    check(name.ends_with(".safetensors") && name.find_first_of(std::string_view("/\\\0", 3)) == name.npos,
          "{}: tensor '{}': '{}' must name a .safetensors file beside the index", path, shown(tensor, 100),
          shown(name, 100));
    names.insert(name);
  }
  for (const std::string& name : names) open(std::filesystem::path(path).replace_filename(name));
  for (const auto& [tensor, file] : index["weight_map"].items()) {
    const auto found = entries_.find(tensor);
    const bool there = found != entries_.end() &&
                       std::filesystem::path(files_[found->second.file].path).filename() == file.get<std::string>();
    check(there, "{}: tensor '{}' is not in {}", path, shown(tensor, 100), shown(file.get<std::string>(), 100));
  }
  for (const auto& [tensor, entry] : entries_)
    check(index["weight_map"].contains(tensor), "{}: tensor '{}' of {} is not in the index", path, shown(tensor, 100),
          files_[entry.file].path);
}

SafeTensors open_weights(const std::string& directory) {
  namespace fs = std::filesystem;
  const std::string path = directory + "/model.safetensors", index = path + ".index.json";
  if (fs::exists(path)) return SafeTensors(path);
  if (fs::exists(index)) return SafeTensors(index);
  constexpr const char* kPickle =
      "are a pickle, which runs code when it is read; convert them: in Python, "
      "AutoModelForSequenceClassification.from_pretrained(DIR).save_pretrained(DIR, safe_serialization=True)";
  const std::pair<const char*, const char*> others[] = {
      {"pytorch_model.bin", kPickle},
      {"pytorch_model.bin.index.json", kPickle},
      {"adapter_model.safetensors", "are an adapter alone; merge it into the model that it was trained on"},
      {"adapter_model.bin", "are an adapter alone; merge it into the model that it was trained on"},
      {"tf_model.h5", "are TensorFlow's; from_pretrained(DIR, from_tf=True) and save_pretrained(DIR) convert them"},
      {"flax_model.msgpack", "are Flax's; from_pretrained(DIR, from_flax=True) and save_pretrained(DIR) convert them"},
      {"bert_model.ckpt.index", "are TensorFlow's; `transformers` converts such a checkpoint to PyTorch's"},
      {"model.ckpt.index", "are TensorFlow's; `transformers` converts such a checkpoint to PyTorch's"}};
  for (const auto& [name, what] : others)
    check(!fs::exists(directory + "/" + name), "{}: no such file; the weights in {} {}", path, name, what);
  if (fs::is_directory(directory))
    for (const auto& file : fs::directory_iterator(directory)) {
      const std::string name = file.path().filename(), ending = file.path().extension();
      check(ending != ".ckpt" && ending != ".gguf" && ending != ".onnx" && ending != ".pt" && ending != ".pth" &&
                ending != ".bin" && ending != ".h5" && ending != ".msgpack" && ending != ".safetensors" &&
                !name.starts_with("model.safetensors."),
            "{}: no such file; '{}' is there, which is not read", path, shown(name, 100));
    }
  fail("{}: no such file", path);
}

const SafeTensors::Entry& SafeTensors::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  check(found != entries_.end(), "{}: there is no tensor '{}'", path_, shown(name, 100));
  return found->second;
}

std::string SafeTensors::bytes_of(const Entry& entry) const {
  std::string bytes(entry.end - entry.begin, '\0');
  const auto& [path, data_start] = files_[entry.file];
  std::ifstream file(path, std::ios::binary);
  file.seekg(data_start + entry.begin);
  check(bool(file.read(bytes.data(), long(bytes.size()))), "{}: cannot be read; did it change?", path);
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
  if (e.dtype == "I8") {
    const ByteRows rows = read_bytes(name);
    for (size_t i = 0; i < rows.values.size(); ++i)
      to[i] = real(rows.values[i]) * rows.scales[i / size_t(rows.columns)];
    return;
  }
  fail("{}: tensor '{}' has type {}; numbers of type F32, F64, F16 or BF16 are needed", path_, shown(name, 100),
       e.dtype);
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
    convert<int64_t>(bytes, values.data(), [&](int64_t v) {
      check(v == int(v), "{}: tensor '{}' holds {}, which is beyond 32 bits", path_, shown(name, 100), v);
      return v;
    });
  else
    fail("{}: tensor '{}' has type {}; integers are needed", path_, shown(name, 100), e.dtype);
  return values;
}

ByteRows SafeTensors::read_bytes(const std::string& name) const {
  const Entry& e = entry(name);
  const std::string scale = name + kScale;
  check(e.dtype == "I8" && e.shape.size() == 2 && has(scale), "{}: tensor '{}' has type {}; int8 needs rows and a '{}'",
        path_, shown(name, 100), e.dtype, shown(scale, 100));
  const std::string bytes = bytes_of(e);
  ByteRows rows{e.shape[0], e.shape[1], {bytes.begin(), bytes.end()}, {}};
  check(entry(scale).numel() == rows.rows && entry(scale).dtype != "I8",
        "{}: tensor '{}' must have {} numbers, one a row", path_, shown(scale, 100), rows.rows);
  rows.scales.resize(size_t(rows.rows));
  read_into(scale, rows.scales.data());
  return rows;
}

namespace {

// What a tensor becomes in a file: one entry, or as int8 two.
struct Stretch {
  std::string name, dtype;
  std::vector<long> shape;
  std::function<std::string()> bytes;
  long size() const { return std::accumulate(shape.begin(), shape.end(), size_of(dtype), std::multiplies<long>()); }
};

template <class T>
std::string as_bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string halves_of(const std::string& path, const Tensor& t) {
  std::vector<uint16_t> halves;
  for (long i = 0; i < t.numel(); ++i) {
    const auto value = float(t.data()[i]);
    halves.push_back(float_to_half(value));
    check((halves.back() & 0x7fff) != 0x7c00 || std::isinf(value), "{}: {} of {} is beyond half precision", path, value,
          t);
  }
  return as_bytes(halves);
}

std::vector<Stretch> stretches_of(const std::string& path, const Tensor& t, Stored stored) {
  std::vector<long> shape;
  for (int i = 0; i < t.shape().rank(); ++i) shape.push_back(t.dim(i));
  if (stored == Stored::f16) return {{t.name(), "F16", shape, [=] { return halves_of(path, t); }}};
  if (stored == Stored::f32)
    return {{t.name(), "F32", shape, [t] { return as_bytes(std::vector<float>(t.data(), t.data() + t.numel())); }}};
  const auto rows = std::make_shared<ByteRows>(byte_rows(t));
  const bool finite = std::none_of(rows->scales.begin(), rows->scales.end(), [](real s) { return std::isnan(s); });
  check(finite, "{}: {} holds a NaN or an infinity, which int8 has not", path, t);
  return {{t.name(), "I8", shape, [rows] { return as_bytes(rows->values); }},
          {t.name() + kScale, "F32", {rows->rows, 1}, [rows] {
             return as_bytes(std::vector<float>(rows->scales.begin(), rows->scales.end()));
           }}};
}

}  // namespace

void save_safetensors(const std::string& path, const std::vector<Tensor>& tensors,
                      std::map<std::string, std::string> metadata, const HowStored& how) {
  std::vector<Stretch> all;
  for (const Tensor& t : tensors) {
    check(!t.name().empty(), "{}: tensors need names of their own; got {}", path, t);
    for (Stretch& stretch : stretches_of(path, t, how(t))) all.push_back(std::move(stretch));
  }
  std::sort(all.begin(), all.end(), [](const Stretch& a, const Stretch& b) {  // the format's order
    return std::pair(-size_of(a.dtype), a.name) < std::pair(-size_of(b.dtype), b.name);
  });
  metadata.emplace("format", "pt");
  ordered_json header{{"__metadata__", metadata}};
  long offset = 0;
  for (const Stretch& s : all) {
    check(!header.contains(s.name), "{}: tensors need names of their own; '{}' is there twice", path, s.name);
    header[s.name] = {{"dtype", s.dtype}, {"shape", s.shape}, {"data_offsets", {offset, offset + s.size()}}};
    offset += s.size();
  }
  const std::string start = safetensors_header(header);
  const auto write_whole = metadata.contains("seal") ? write_sealed_file : WriteWhole(write_file);
  write_whole(path, [&](const Write& write) {
    write(start.data(), start.size());
    for (const Stretch& s : all) {
      const std::string bytes = s.bytes();
      write(bytes.data(), bytes.size());
    }
  });
}

void save_safetensors(const std::string& path, const std::vector<Tensor>& named_tensors,
                      std::map<std::string, std::string> metadata, Stored stored) {
  save_safetensors(path, named_tensors, std::move(metadata), [=](const Tensor&) { return stored; });
}

}  // namespace nn
