// A model's way to read, as options and in its directory. Read tasks/text/tokenizer_files.h first.
#include "tasks/model/reading.h"

#include <algorithm>
#include <filesystem>

#include "nn/format/json.h"
#include "tasks/run/console.h"

namespace model {

using nn::ordered_json;

namespace {

std::string file_of(const std::string& directory) { return directory + "/tokenizer_config.json"; }

ordered_json config_of(const std::string& directory) {
  if (!std::filesystem::exists(file_of(directory))) return ordered_json::object();
  ordered_json config = nn::parse_ordered_json(nn::read_regular_file(file_of(directory)), file_of(directory));
  return config.is_object() ? config : ordered_json::object();  // what is wrong with it, the tokenizer says
}

}  // namespace

void Reading::declare(run::Options& options) {
  options.add("--max-length", max_length, "tokens of a text, [CLS] and [SEP] included")
      .group("Data files")
      .between(2, 100000);
  options.add("--long", too_long, "a longer text is cut; or an error; or read through windows, their logits averaged")
      .group("Data files")
      .one_of({"cut", "error", "window"});
}

Reading Reading::settle(const run::Options& options, const Reading& asked, const Reading& recorded) {
  const std::vector<std::string> names = options.names();
  const auto given = [&](const std::string& name) { return std::ranges::count(names, name) && options.given(name); };
  Reading reading = recorded;
  if (given("--max-length")) reading.max_length = asked.max_length;
  if (given("--long")) reading.too_long = asked.too_long;
  engine::check(reading.how() != text::TooLong::window || reading.max_length >= 3,
                "{} tokens are too few to read longer texts through windows: each has one besides [CLS] and [SEP]",
                reading.max_length);
  if (reading.max_length != recorded.max_length)
    run::print_note("note: texts are read up to {} tokens; the model was made for {}\n", reading.max_length,
                    recorded.max_length);
  if (reading.too_long != recorded.too_long)
    run::print_note("note: a longer text: {}; the model was made with {}\n", reading.too_long, recorded.too_long);
  return reading;
}

bool records_reading(const std::string& directory) { return config_of(directory).contains("long_texts"); }

Reading recorded_reading(const std::string& directory, long positions) {
  Reading reading;
  const ordered_json config = config_of(directory);
  const auto length = config.find("model_max_length");
  const bool known = length != config.end() && length->is_number() && length->get<double>() >= 2;
  const double tokens = known ? length->get<double>() : double(positions);  // some tools write 1e30 for "any"
  reading.max_length = int(std::min({tokens, double(positions), 100000.0}));
  const auto how = config.find("long_texts");
  if (how != config.end() && how->is_string()) reading.too_long = how->get<std::string>();
  text::too_long(reading.too_long);  // Error: none of them
  return reading;
}

void record_reading(const Reading& reading, const std::string& directory) {
  ordered_json config = config_of(directory);
  config["model_max_length"] = reading.max_length;
  config["long_texts"] = reading.too_long;
  nn::write_file(file_of(directory), config.dump(2) + "\n");
}

namespace {

struct Recorded {
  const char* key;
  std::string spec::DataOptions::*value;
};
constexpr Recorded kColumns[] = {{"text", &spec::DataOptions::text_column},
                                 {"label", &spec::DataOptions::label_column},
                                 {"pair", &spec::DataOptions::pair_column},
                                 {"delimiter", &spec::DataOptions::delimiter}};

}  // namespace

void recorded_columns(const std::string& directory, spec::DataOptions& to) {
  const ordered_json config = config_of(directory), columns = config.value("columns", ordered_json::object());
  if (!columns.is_object()) return;
  for (const auto& [key, value] : kColumns)
    if (const auto found = columns.find(key); found != columns.end() && found->is_string()) to.*value = *found;
  if (const auto found = columns.find("no_header"); found != columns.end()) to.no_header = *found == true;
}

void record_columns(const spec::DataOptions& columns, const std::string& directory) {
  const spec::DataOptions defaults;
  ordered_json recorded = ordered_json::object();
  for (const auto& [key, value] : kColumns)
    if (columns.*value != defaults.*value) recorded[key] = columns.*value;
  if (columns.no_header) recorded["no_header"] = true;
  ordered_json config = config_of(directory);
  config.erase("columns");
  if (!recorded.empty()) config["columns"] = recorded;
  nn::write_file(file_of(directory), config.dump(2) + "\n");
}

}  // namespace model
