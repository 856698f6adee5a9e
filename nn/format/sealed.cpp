// Seals and manifests. Read nn/format/sha256.h and part_file.h first.
#include "nn/format/sealed.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "engine/strings.h"
#include "nn/format/json.h"
#include "nn/format/part_file.h"
#include "nn/format/sha256.h"

namespace nn {
using namespace engine;

namespace fs = std::filesystem;

const std::string kUnsealed(64, '-');

namespace {

const std::string kKey = "\"seal\":\"";  // inside of a string of JSON its quotes would be escaped
constexpr size_t kSearched = 1 << 20;    // bytes in which a seal may stand; the header's metadata come first
constexpr long kMaxManifest = 16 << 20;

// f(bytes) for the file, piece by piece.
void read_pieces(const std::string& path, const std::function<void(std::string_view)>& f) {
  std::ifstream file(path, std::ios::binary);
  check_io(file.is_open(), path, "read");
  std::string piece(kSearched, '\0');
  while (file.read(piece.data(), long(piece.size())) || file.gcount() > 0)
    f(std::string_view(piece).substr(0, size_t(file.gcount())));
  check_io(!file.bad(), path, "read");
}

std::string fault_of(const std::string& directory, const ordered_json& entry) {
  const std::string name = entry.at("name"), path = directory + "/" + name;
  std::error_code error;
  const auto status = fs::symlink_status(path, error);
  if (!fs::is_regular_file(status)) return name + (fs::exists(status) ? " is not a plain file" : " is missing");
  const auto size = entry.at("size").get<uint64_t>();
  if (fs::file_size(path) != size) return fmt::format("{} has {} bytes, not {}", name, fs::file_size(path), size);
  return sha256_of_file(path) == entry.at("sha256").get<std::string>() ? "" : name + " has been changed or damaged";
}

ordered_json entries_of(const std::string& path) {
  const ordered_json manifest = parse_ordered_json(read_regular_file(path, kMaxManifest), path);
  check(manifest.is_object() && manifest.contains("files") && manifest["files"].is_array(),
        "{}: not a manifest: a list of files is needed", path);
  for (const ordered_json& entry : manifest["files"]) {
    check(entry.is_object() && entry.contains("name") && entry["name"].is_string() && entry.contains("size") &&
              entry["size"].is_number_unsigned() && entry.contains("sha256") && entry["sha256"].is_string(),
          "{}: a file has a name, a size and a sha256; got {}", path, shown(entry.dump(), 100));
    const fs::path name(entry["name"].get<std::string>());
    const bool inside = !name.empty() && name.is_relative() && std::ranges::find(name, "..") == name.end();
    check(inside, "{}: '{}' is outside of the directory", path, shown(name.string(), 100));
  }
  return manifest["files"];
}

}  // namespace

std::string sha256_of_file(const std::string& path) {
  Sha256 hash;
  read_pieces(path, [&](std::string_view bytes) { hash.add(bytes); });
  return hash.hex();
}

void write_sealed_file(const std::string& path, const std::function<void(const Write&)>& content) {
  PartFile part(path);
  Sha256 hash;
  std::optional<size_t> place;
  size_t before = 0;
  content([&](const void* bytes, size_t count) {
    const std::string_view text(static_cast<const char*>(bytes), count);
    const std::string_view searched = text.substr(0, kSearched - std::min(before, kSearched));
    if (const size_t at = searched.find(kKey + kUnsealed); !place && at != searched.npos)
      place = before + at + kKey.size();
    hash.add(text);
    before += count;
    part.write(bytes, count);
  });
  check(place.has_value(), "{}: there is no place for its seal", path);
  part.overwrite(*place, hash.hex());
  part.place();
}

std::string seal_fault(const std::string& path) {
  Sha256 hash;
  std::string seal;
  bool first = true;
  read_pieces(path, [&](std::string_view bytes) {
    std::string start;
    if (std::exchange(first, false)) {
      start = bytes;
      const size_t at = start.find(kKey);
      if (at != start.npos && at + kKey.size() + kUnsealed.size() <= start.size()) {
        seal = start.substr(at + kKey.size(), kUnsealed.size());
        start.replace(at + kKey.size(), kUnsealed.size(), kUnsealed);
        bytes = start;
      }
    }
    hash.add(bytes);
  });
  if (seal.empty()) return "damaged: it has no seal";
  return seal == hash.hex() ? "" : "damaged: its bytes are not those that were written";
}

namespace {

ordered_json entry_of(const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name;
  return {{"name", name}, {"size", uint64_t(fs::file_size(path))}, {"sha256", sha256_of_file(path)}};
}

void write_entries(const std::string& directory, const ordered_json& files) {
  write_file(directory + "/" + kManifest, ordered_json{{"files", files}}.dump(1) + "\n");
}

}  // namespace

void write_manifest(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) names.push_back(entry.path().lexically_relative(directory));
  std::erase_if(names, [](const std::string& name) { return name == kManifest || name.ends_with(".md"); });
  std::sort(names.begin(), names.end());
  ordered_json files = ordered_json::array();
  for (const std::string& name : names) files.push_back(entry_of(directory, name));
  write_entries(directory, files);
}

void leave_out_of_manifest(const std::string& directory, const std::string& name) {
  if (!fs::exists(directory + "/" + kManifest)) return;
  ordered_json rest = ordered_json::array();
  const ordered_json all = entries_of(directory + "/" + kManifest);
  for (const ordered_json& entry : all)
    if (entry["name"] != name) rest.push_back(entry);
  if (rest.size() < all.size()) write_entries(directory, rest);
}

void add_to_manifest(const std::string& directory, const std::string& name) {
  if (!fs::exists(directory + "/" + kManifest)) return;
  std::vector<ordered_json> files = entries_of(directory + "/" + kManifest);
  files.push_back(entry_of(directory, name));
  std::ranges::sort(files, {}, [](const ordered_json& entry) { return entry["name"].get<std::string>(); });
  write_entries(directory, files);
}

std::string manifest_fault(const std::string& directory) {
  const std::string path = directory + "/" + kManifest;
  if (!fs::exists(path)) return "";
  for (const ordered_json& entry : entries_of(path))
    if (const std::string fault = fault_of(directory, entry); !fault.empty()) return fault;
  return "";
}

void require_sound_directory(const std::string& directory) {
  std::error_code error;
  const fs::path here = fs::canonical(directory, error);
  for (const auto& entry : fs::directory_iterator(here, error)) {
    if (!entry.is_symlink()) continue;
    std::error_code broken;
    const fs::path there = fs::canonical(entry.path(), broken);
    const auto within = [&](const fs::path& folder) {
      return std::mismatch(folder.begin(), folder.end(), there.begin(), there.end()).first == folder.end();
    };
    check(broken || within(here) ||
              (here.parent_path().filename() == "snapshots" && within(here.parent_path().parent_path() / "blobs")),
          "{}: a link to a file that is not in the directory; `cp -rL {} COPY` makes a copy with the file itself",
          directory + "/" + entry.path().filename().string(), directory);
  }
  const std::string fault = manifest_fault(directory);
  check(fault.empty(), "{}: not what its {} says: {}; if you have changed it, remove the manifest", directory,
        kManifest, fault);
}

}  // namespace nn
