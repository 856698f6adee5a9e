// Names of models, and the directories that they stand for. Read tasks/models/README.md first: what ships.
#include "tasks/model/shipped.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/strings.h"
#include "nn/adapter/files.h"
#include "nn/format/files.h"
#include "tasks/run/console.h"
#include "tasks/run/options_file.h"
#include "tasks/text/labels.h"

namespace model {

namespace fs = std::filesystem;

namespace {

bool is_model(const fs::path& directory) {
  return fs::is_regular_file(directory / "config.json") || nn::is_adapter_directory(directory);
}

// The file that this code was loaded from, a program or libattune.so: that of the mapping which holds this function.
// Empty: there is no /proc.
fs::path own_file() {
  const auto here = reinterpret_cast<uintptr_t>(&own_file);
  std::ifstream maps("/proc/self/maps");  // BEGIN-END rights offset device inode   PATH
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::istringstream(line) >> std::hex >> begin >> dash >> end;
    const size_t path = line.find('/');
    if (begin <= here && here < end) return path == line.npos ? "" : line.substr(path);
  }
  return {};
}

}  // namespace

std::vector<std::string> shipping_places() {
  std::vector<std::string> places;
  const char* given = std::getenv("ATTUNE_MODELS");
  if (given && *given) places.push_back(given);
  const fs::path folder = own_file().parent_path();
  if (folder.empty()) return places;  // found by $ATTUNE_MODELS only
  places.push_back((folder / "../../tasks/models").lexically_normal());
  places.push_back((folder / "../share/attune/models").lexically_normal());
  return places;
}

std::vector<std::string> shipped_models() {
  std::vector<std::string> names;
  for (const std::string& place : shipping_places()) {
    std::error_code error;  // a place that is not there has none
    for (const fs::directory_entry& entry : fs::directory_iterator(place, error))
      if (is_model(entry.path())) names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string model_at(const std::string& name) {
  if (name.empty() || name.find('/') != name.npos || name.starts_with('.')) return name;
  for (const std::string& place : shipping_places()) {
    if (!is_model(fs::path(place) / name)) continue;
    std::error_code error;
    const bool another = fs::exists(name) && !fs::equivalent(name, fs::path(place) / name, error);
    if (another) run::print_note("note: {} is the model that ships; the directory of this name is ./{}\n", name, name);
    return fs::path(place) / name;
  }
  return name;
}

std::string ready_classifier() {
  const std::string directory = model_at(kReady);
  engine::check(directory != kReady, "--model is required{}", what_ships(kReady));
  run::print_note("note: no --model: the classifier that ships, {}\n", directory);
  return directory;
}

void check_not_shipped(const std::string& directory) {
  std::error_code error;
  for (const std::string& place : shipping_places())
    engine::check(!fs::equivalent(fs::path(directory) / "..", place, error),
                  "{}: a model that ships stays as it is; copy it, and name the copy{}", directory,
                  nn::is_adapter_directory(directory) ? ", and by --base the model that it changes" : "");
}

std::string what_ships(const std::string& name) {
  const std::vector<std::string> names = shipped_models();
  if (!names.empty())
    return fmt::format("; the models that ship: {}{}", text::listed(names), text::did_you_mean(name, names));
  std::string places;
  for (const std::string& place : shipping_places()) places += (places.empty() ? "" : ", ") + place;
  return fmt::format("; no model ships in {} ($ATTUNE_MODELS may name a place)", places.empty() ? "any place" : places);
}

std::optional<double> wanted_lr(const std::string& directory) {
  const std::string path = directory + "/fine-tune.ini";
  if (!fs::exists(path)) return std::nullopt;
  std::optional<double> lr;
  for (const run::OptionLine& line : run::parse_option_lines(nn::read_file(path), path)) {
    engine::check(line.name == "lr", "{}:{}: '{}' is no key; there is one, lr", path, line.line,
                  engine::shown(line.name));
    lr = line.values.size() == 1 ? engine::parse_number<double>(line.values[0]) : std::nullopt;
    engine::check(lr && *lr > 0, "{}:{}: lr must be a number above 0", path, line.line);
  }
  return lr;
}

}  // namespace model
