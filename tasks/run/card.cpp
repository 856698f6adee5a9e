// What a model card says. Read tasks/run/card.h first; the form is that of huggingface/hub-docs, modelcard.md.
#include "tasks/run/card.h"

#include <filesystem>
#include <map>
#include <optional>

#include "nn/format/files.h"
#include "nn/format/sha256.h"
#include "tasks/run/console.h"
#include "tasks/run/options_file.h"
#include "tasks/run/run.h"

namespace run {

namespace fs = std::filesystem;
using nn::ordered_json;

namespace {

constexpr const char* kUnknown = "not stated";
constexpr const char* kSeal = "<!-- written by attune; of all above, sha256 ";

// Options by name; of a list its values.
using Settings = std::vector<OptionLine>;

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ", ") + value;
  return text;
}

std::string setting(const Settings& settings, const std::string& name) {
  for (const OptionLine& line : settings)
    if (line.name == name) return joined(line.values);
  return "";
}

// JSON's strings are YAML's in double quotes.
std::string quoted(const std::string& text) { return ordered_json(text).line(); }

// In a cell of a table and in a line of Markdown.
std::string escaped(const std::string& text) {
  std::string to;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '`' || c == '\\' || c == '*') to += '\\';
    to += c == '\n' ? ' ' : c;
  }
  return to;
}

// The last part of what is, or looks like, a place on this disk.
std::string without_place(const std::string& value) {
  const bool place = value.find('/') != value.npos && (value[0] == '/' || value[0] == '.' || fs::exists(value));
  return place ? fs::path(value + "/").parent_path().filename().string() : value;
}

// Where the run read: names of files without their places, which are nobody's business.
std::string files_of(const Settings& settings, const Card& card) {
  std::vector<std::string> names;
  for (const OptionLine& line : settings)
    for (const char* name : {"data", "train", "dev", "test", "source", "target", "tasks"})
      if (line.name == name)
        for (const std::string& value : line.values) {
          const size_t equals = value.find('=');
          const bool two = equals != value.npos && !fs::exists(value);  // LABEL=FILE, or FILE=WEIGHT
          const bool weighed = two && fs::exists(value.substr(0, equals));
          names.push_back(without_place(!two ? value : weighed ? value.substr(0, equals) : value.substr(equals + 1)));
        }
  return names.empty() ? card.data.empty() ? kUnknown : card.data : joined(names);
}

// Hugging Face's name of a figure.
std::string metric_type(const std::string& figure) {
  static const std::map<std::string, std::string> kNames{
      {"macro_f1", "f1"},      {"micro_f1", "f1"},        {"entity_f1", "f1"},  {"mcc", "matthews_correlation"},
      {"pearson", "pearsonr"}, {"spearman", "spearmanr"}, {"dev_bleu", "bleu"}, {"macro_recall", "recall"},
      {"kappa", "cohen_kappa"}};
  const std::string metric = figure.substr(figure.rfind('.') + 1);  // of several tasks TASK.METRIC
  const auto found = kNames.find(metric);
  return found == kNames.end() ? metric : found->second;
}

// The name of a base model that others can look up; a place on a disk is none.
std::string base_model(const Settings& settings) {
  const std::string model = setting(settings, "model");
  if (model.empty() || model == "bert" || model == "pool" || model == "auto") return "";
  return fs::exists(model) ? "" : model;
}

std::string metadata(const Card& card, const Settings& settings, const std::string& name) {
  const std::string base = base_model(settings), files = files_of(settings, card);
  std::string yaml = "---\n# language: not stated\n# license: not stated\nlibrary_name: attune\n";
  yaml += fmt::format("pipeline_tag: {}\ntags:\n- attune\n", card.pipeline);
  yaml += base.empty() ? "# base_model: not stated\n" : fmt::format("base_model: {}\n", quoted(base));
  yaml += "# datasets: not stated\n";
  std::string types, results;
  for (const auto& [figure, value] : card.figures.items()) {
    if (!value.is_number()) continue;
    const std::string type = metric_type(figure);
    if (types.find("- " + type + "\n") == types.npos) types += "- " + type + "\n";
    results += fmt::format("    - type: {}\n      name: {}\n      value: {}\n", type, quoted(figure), value.dump());
  }
  if (results.empty()) return yaml + "---\n";
  yaml += fmt::format("metrics:\n{}model-index:\n- name: {}\n  results:\n  - task:\n      type: {}\n", types,
                      quoted(name), card.pipeline);
  yaml += fmt::format("    dataset:\n      type: {0}\n      name: {0}\n      split: {1}\n    metrics:\n{2}---\n",
                      quoted(files), quoted(card.measured_on), results);
  return yaml;
}

std::string table(const std::string& left, const std::string& right,
                  const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string text = fmt::format("| {} | {} |\n| --- | --- |\n", left, right);
  for (const auto& [name, value] : rows) text += fmt::format("| {} | {} |\n", escaped(name), escaped(value));
  return text;
}

std::string training(const Card& card, const Settings& settings) {
  std::string text = fmt::format("Data: {}.", escaped(files_of(settings, card)));
  for (const auto& [what, count] : card.texts.items()) text += fmt::format(" {}: {} texts.", what, count.dump());
  std::vector<std::pair<std::string, std::string>> rows;
  for (const OptionLine& line : settings) {
    const bool place = line.name == "out" || line.name == "events";
    std::vector<std::string> values = line.values;
    for (std::string& value : values) value = without_place(value);
    if (!place) rows.emplace_back(line.name, values.empty() ? "yes" : joined(values));
  }
  return text + fmt::format("\n\nTrained by `{} train`, with these settings (its --help says what they mean):\n\n{}",
                            card.program, table("setting", "value", rows));
}

std::string evaluation(const Card& card) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& [figure, value] : card.figures.items())
    if (value.is_number()) rows.emplace_back(figure, fmt::format("{:.4f}", value.get<double>()));
  if (rows.empty()) return kUnknown;
  return fmt::format("On the {} texts. Results by group: {}.\n\n{}", card.measured_on, kUnknown,
                     table("figure", "value", rows));
}

std::string environment(const Run& run) {
  if (!run.has("cost.json")) return kUnknown;
  const ordered_json cost = ordered_json::parse_or_null(nn::read_file(run.file("cost.json")));
  return fmt::format("{}; {} steps in {:.0f} seconds, at most {:.0f} MB of memory. Emissions: {}.",
                     cost.value("machine", kUnknown), cost.value("steps", 0L), cost.value("seconds", 0.),
                     cost.value("peak_memory_mb", 0.), kUnknown);
}

std::string how_to_start(const Card& card) {
  if (card.program == "translate") return "    translate translate --model THIS_DIRECTORY TEXT";
  if (card.program == "multitask") return "    multitask predict --model THIS_DIRECTORY TEXT";
  if (card.program == "monitor") return "    monitor run --model THIS_DIRECTORY STREAM.jsonl";
  if (card.pipeline == "text-classification" && card.program != "answer")
    return "    sentiment predict --model THIS_DIRECTORY TEXT    # serve --model: over HTTP";
  for (const char* encoder : {"fill-mask", "feature-extraction", "sentence-similarity"})
    if (card.pipeline == encoder)
      return "    serve --model THIS_DIRECTORY    # /embed answers with vectors; sentiment train --model learns "
             "classes";
  return fmt::format("`{} --help` lists what can be done with it.", card.program);
}

std::string text_of(const Run& run, const Card& card) {
  const Settings settings = parse_option_lines(nn::read_file(run.file("options.ini")), run.file("options.ini"));
  const std::string name = fs::path(run.file("best")).parent_path().filename(), base = base_model(settings);
  std::string text = metadata(card, settings, name) + fmt::format("\n# {}\n\n{}\n", escaped(name), card.about);
  const auto section = [&](const std::string& heading, const std::string& body) {
    text += fmt::format("\n## {}\n\n{}{}", heading, body, body.ends_with('\n') ? "" : "\n");
  };
  section("Model details",
          fmt::format("- Developed by: {0}\n- Licence: {0}\n- Languages: {0}\n- Base model: {1}\n- Labels: {2}",
                      kUnknown, base.empty() ? kUnknown : escaped(base),
                      card.labels.empty() ? "none" : escaped(joined(card.labels))));
  section("Uses", fmt::format("Intended: {0}. Out of scope: {0}.", kUnknown));
  section("Bias, risks, limits", fmt::format("{}.", kUnknown));
  section("How to start", how_to_start(card));
  section("Training", training(card, settings));
  section("Evaluation", evaluation(card));
  section("Safety",
          "Not measured. `report safety RUN` measures how far training texts can be told from others, "
          "and looks for pieces that flip a class.");
  section("Environment", environment(run));
  section("Citation", fmt::format("{}.", kUnknown));
  return text;
}

}  // namespace

std::string sealed(const std::string& text) { return text + fmt::format("\n{}{} -->\n", kSeal, nn::sha256_hex(text)); }

bool edited(const std::string& card) {
  const size_t seal = card.rfind(std::string("\n") + kSeal);
  return seal == card.npos || sealed(card.substr(0, seal)) != card;
}

bool replace_card(const std::string& path, const std::string& text) {
  if (fs::exists(path) && edited(nn::read_file(path))) {
    print_note("{}: somebody has edited it; it stays as it is\n", path);
    return false;
  }
  nn::write_file(path, sealed(text));
  return true;
}

void keep_edited_card(const std::string& from, const std::string& to) {
  const std::string card = from + "/README.md";
  if (fs::exists(card) && edited(nn::read_file(card))) nn::write_file(to + "/README.md", nn::read_file(card));
}

std::string with_section(const std::string& card, const std::string& heading, const std::string& text) {
  const std::string title = "\n## " + heading + "\n";
  const size_t at = card.find(title);
  engine::check(at != card.npos, "the card has no section '{}'", heading);
  const size_t body = at + title.size(), end = std::min(card.find("\n## ", body), card.size());
  return card.substr(0, body) + "\n" + text + "\n" + card.substr(end);
}

double write_result(const Run& run, ordered_json figures) {
  const double seconds = run.seconds();
  figures["seconds"] = seconds;
  nn::write_file(run.file("result.json"), figures.dump(2) + "\n");
  return seconds;
}

void write_card(const Run& run, const Card& card) { replace_card(run.file("best/README.md"), text_of(run, card)); }

}  // namespace run
