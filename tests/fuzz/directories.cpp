// Targets over whole directories: all is as it should be but one file, which is somebody else's. Read
// tests/fuzz/place.h first.
#include <filesystem>

#include "nn/format/files.h"
#include "tasks/model/answers.h"
#include "tasks/model/directory.h"
#include "tasks/text/data.h"
#include "tasks/text/lines.h"
#include "tasks/text/table_blocks.h"
#include "tests/fuzz/place.h"
#include "tests/fuzz/targets.h"

namespace fuzz {
namespace {

namespace fs = std::filesystem;

// A copy of a golden directory in which the file is `bytes` for as long as this lives.
class Changed {
 public:
  Changed(const std::string& golden, const std::string& name, std::string_view bytes)
      : path(place() + "/" + golden), file_(name), before_(path + "/" + name) {
    if (!fs::exists(path)) fs::copy("tests/golden/" + golden, (fs::create_directories(path), path));
    there_ = fs::exists(before_);
    if (there_) kept_ = nn::read_file(before_);
    file(golden + "/" + name, bytes);
  }
  ~Changed() { there_ ? nn::write_file(before_, kept_) : void(fs::remove(before_)); }
  Changed(const Changed&) = delete;

  const std::string path;

 private:
  std::string file_, before_, kept_;
  bool there_ = false;
};

// What loads says something of a text.
void ask(const std::string& path, const std::string& base = "") {
  const auto model = model::load_model(model::ModelDirectory(path, base), model::Adapters::as_it_is);
  const std::vector<text::Example> texts{{.text = "the food was good"}, {.text = "bad \xF0\x9F\x98\x80"}};
  const text::EncodedSet set = text::encode(texts, model->tokenizer, model->reading.max_length, model->reading.how());
  hold(model::answers(*model, texts, set, {}).size() == 2, "an answer for every text");
}

// The first byte chooses directory and file.
void model_directory(std::string_view bytes) {
  constexpr const char* kFiles[][2] = {
      {"pool", "config.json"},           {"pool", "model.safetensors"},     {"pool", "calibration.json"},
      {"pool", "tokenizer_config.json"}, {"bert", "config.json"},           {"bert", "special_tokens_map.json"},
      {"several", "tasks.json"},         {"several", "config.json"},        {"several", "calibration.json"},
      {"pool-ngrams", "config.json"},    {"bert-allocated", "config.json"}, {"bert", "vocab.txt"}};
  const auto& [directory, name] = kFiles[choice(bytes, std::size(kFiles))];
  const Changed changed(std::string("directories/") + directory, name, bytes);
  ask(changed.path);
}

void adapter_directory(std::string_view bytes) {
  constexpr const char* kKinds[] = {"lora-micro", "lora-bias-micro", "dora-micro"};
  const bool weights = choice(bytes, 2);
  const char* kind = kKinds[choice(bytes, std::size(kKinds))];
  const std::string name = weights ? "adapter_model.safetensors" : "adapter_config.json";
  const Changed changed(std::string("adapters/") + kind, name, bytes);
  static const std::string base = [] {  // the base has no tokenizer of its own
    fs::copy("tests/golden/bert-micro", place() + "/base");
    std::string pieces = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nfood\nwas\ngood\nbad\n";
    file("base/vocab.txt", pieces);
    return place() + "/base";
  }();
  ask(changed.path, base);
}

// In pieces of any size a table has the rows that it has as a whole, or both are refused.
void table_blocks(std::string_view bytes) {
  constexpr const char* kNames[] = {"x.tsv", "x.csv", "x.jsonl", "x.txt"};
  const std::string name = kNames[choice(bytes, std::size(kNames))];
  const size_t piece = 1 + choice(bytes, 40);
  const std::string path = file(name, bytes);
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> columns;
  bool whole = true, in_blocks = true;
  text::Table table;
  try {
    table = text::read_table(path);
  } catch (const engine::Error&) { whole = false; }
  try {
    text::TableBlocks blocks(path, {}, 3, piece);
    while (blocks.next()) {
      rows.insert(rows.end(), blocks.table().rows.begin(), blocks.table().rows.end());
      columns = blocks.table().columns;
    }
    hold(!blocks.total() || *blocks.total() == long(rows.size()), "the number of rows was known before");
  } catch (const engine::Error&) { in_blocks = false; }
  hold(whole == in_blocks, "a table is refused as a whole and in pieces, or neither");
  if (whole) hold(rows == table.rows && (rows.empty() || columns == table.columns), "its rows are the same");
}

// In blocks of any size a file has the lines that it has as a whole.
void line_blocks(std::string_view bytes) {
  const size_t block = 1 + choice(bytes, 64);
  const std::string path = file("lines.txt", bytes);
  const auto lines_of = [&](size_t size) {
    std::vector<std::string> lines;
    text::LineBlocks blocks(path, "auto", size);
    while (blocks.next()) lines.insert(lines.end(), blocks.lines().begin(), blocks.lines().end());
    return lines;
  };
  hold(lines_of(block) == lines_of(1 << 20), "lines do not depend on blocks");
}

}  // namespace

std::vector<Target> directory_targets() {
  return {{"model_directory", model_directory},
          {"adapter_directory", adapter_directory},
          {"table_blocks", table_blocks},
          {"line_blocks", line_blocks}};
}

}  // namespace fuzz
