// One function for each form of bytes, over the very functions that the programs call. Read tests/fuzz/targets.h first;
// tools/fuzz/libfuzzer.cpp and tests/fuzz/replay.cpp call them.
#include "tests/fuzz/targets.h"

#include <filesystem>

#include "nn/adapter/config.h"
#include "nn/format/config.h"
#include "nn/format/json_value.h"
#include "nn/format/sealed.h"
#include "nn/format/tensor_stream.h"
#include "nn/format/translation_config.h"
#include "tasks/files/unpack.h"
#include "tasks/files/workbook.h"
#include "tasks/http/framing.h"
#include "tasks/http/refusal.h"
#include "tasks/model/directory.h"
#include "tasks/objective/teacher.h"
#include "tasks/run/console.h"
#include "tasks/run/options_file.h"
#include "tasks/run/run.h"
#include "tasks/serve/routes.h"
#include "tasks/spec/task_file.h"
#include "tasks/text/data.h"
#include "tasks/text/tokenizer_files.h"
#include "tasks/text/utf8.h"
#include "tests/fuzz/place.h"

namespace fuzz {
namespace {

namespace fs = std::filesystem;

void safetensors(std::string_view bytes) {
  const std::string path = file("x.safetensors", bytes);
  const nn::SafeTensors tensors(path);
  long size = 0;
  for (const auto& [name, entry] : tensors.entries()) {
    size += long(tensors.bytes(name).size());
    if (entry.dtype == "F32") tensors.read(name);
    if (entry.dtype == "I64") tensors.read_ints(name);
  }
  hold(size <= long(bytes.size()), "tensors are no larger than their file");
  if (tensors.entries().size() == 1) nn::TensorStream(path, tensors.entries().begin()->first);
}

void index(std::string_view bytes) { nn::SafeTensors(file("model.safetensors.index.json", bytes)); }

void config(std::string_view bytes) {
  const nn::Config c = nn::read_config(file("config.json", bytes));
  const std::string text = nn::config_json(c);
  hold(nn::config_json(nn::read_config(file("config.json", text))) == text, "a configuration that is written is read");
}

void translation_config(std::string_view bytes) {
  file("translation/config.json", bytes);
  nn::read_translation_config(place() + "/translation");
}

void adapter_config(std::string_view bytes) { nn::read_adapter_config(file("adapter_config.json", bytes)); }

// Ids are of the vocabulary, spans lie in the text one behind the other, and all of it can be said again.
void look_at(const text::WordPiece& tokenizer, const std::string& text) {
  const text::Encoding encoding = tokenizer.encode(text, 64);
  hold(encoding.ids.size() >= 2 && encoding.ids.size() <= 64, "an encoding has its length");
  for (const int id : encoding.ids) hold(id >= 0 && id < tokenizer.vocab_size(), "ids are of the vocabulary");
  tokenizer.decode(encoding.ids, false);
  const std::vector<text::Span> spans = tokenizer.spans(text);
  hold(spans.size() == tokenizer.tokenize(text).size(), "every piece stands somewhere");
  size_t before = 0;
  for (const text::Span& span : spans) {
    hold(span.begin >= before && span.begin <= span.end && span.end <= text.size(), "spans are in order");
    before = span.begin;
  }
}

void vocabulary(std::string_view bytes) {
  look_at(text::WordPiece::load(file("vocab.txt", bytes)), "The Caf\xC3\xA9 isn't [MASK] open.");
}

void tokenizer(std::string_view bytes) {
  static const text::WordPiece own = text::WordPiece::load("tests/golden/tokenizer/own_vocab.txt");
  text::TokenizerOptions cased;
  cased.lower_case = false, cased.keep_special = true, cased.clean_text = false;
  static const text::WordPiece other = text::WordPiece::load("tests/golden/tokenizer/own_vocab.txt", cased);
  const text::WordPiece& chosen = choice(bytes, 2) ? other : own;
  look_at(chosen, text::repair_utf8(std::string(bytes)).text);
}

void tokenizer_files(std::string_view bytes) {
  const bool configuration = choice(bytes, 2);
  const std::string plain = configuration ? "tokenizer_config" : "tokenizer";
  fs::remove_all(place() + "/" + plain);
  if (configuration) file(plain + "/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\n");
  file(plain + "/" + plain + ".json", bytes);
  look_at(text::load_tokenizer(place() + "/" + plain).tokenizer, "ab Ab [CLS] b\xCC\x81");
}

void table(std::string_view bytes) {
  const char* names[] = {"x.tsv", "x.csv", "x.jsonl", "x.txt"};
  const std::string name = names[choice(bytes, 4)];
  const text::Table table = text::parse_table(std::string(bytes), name);
  for (const std::vector<std::string>& row : table.rows) {
    hold(row.size() <= table.columns.size() || table.columns.empty(), "no row is wider than the header");
    for (const std::string& cell : row) hold(text::is_utf8(cell), "a cell is UTF-8");
  }
  text::to_examples({{table, {}}});
}

void packed(std::string_view bytes) {
  const files::Content content = files::unpack(std::string(bytes), "x");
  if (content.workbook) text::parse_table(content.bytes, "x.xlsx");
}

void task_file(std::string_view bytes) { spec::parse_task_file(std::string(bytes), "tasks.json"); }

void options_file(std::string_view bytes) {
  const std::vector<run::OptionLine> lines = run::parse_option_lines(std::string(bytes), "options.ini");
  for (const run::OptionLine& line : lines)
    for (const std::string& value : line.values) {
      const auto again = run::parse_option_lines(run::option_line(line.name, value), "again");
      hold(again.size() == 1 && again[0].name == line.name && again[0].values == std::vector{value},
           "an option that is written is read");
    }
}

run::Plan small_plan(bool resume) {
  return {.place = {place() + "/run", false, resume}, .options = "seed=3\n", .steps = 12, .steps_per_epoch = 4};
}

// The state of a checkpoint that is whole.
void checkpoint(std::string_view bytes) {
  const engine::Tensor weight = engine::Tensor::full({2, 3}, 1).named("weight");
  if (!fs::exists(place() + "/run")) run::Run(small_plan(false)).save({weight});
  nn::save_safetensors(place() + "/run/last.safetensors", {weight},
                       {{"state", text::repair_utf8(std::string(bytes)).text}, {"seal", nn::kUnsealed}});
  run::Run run(small_plan(true));
  run.restore({weight});
  hold(run.step() >= -1 && run.step() < 12, "a run goes on at one of its steps");
}

void log_lines(std::string_view bytes) {
  const engine::Tensor weight = engine::Tensor::full({1}, 1).named("weight");
  const std::string path = place() + "/run2";
  run::Plan plan = small_plan(fs::exists(path));
  plan.place.path = path;
  run::Run run(plan);
  file("run2/log.jsonl", bytes);
  if (!plan.place.resume) run.save({weight});
  run.restore({weight});
}

void manifest(std::string_view bytes) {
  file("manifest/a.txt", "a");
  file("manifest/manifest.json", bytes);
  nn::manifest_fault(place() + "/manifest");
}

const model::TextModel& pool() {
  static const auto model = model::load_model(model::ModelDirectory("tests/golden/directories/pool"));
  return *model;
}

void teacher_cache(std::string_view bytes) {
  static const text::EncodedSet set = text::encode({{.text = "good"}, {.text = "bad food"}}, pool().tokenizer, 8);
  objective::Teacher(pool(), set, {{"logits"}}, file("cache.safetensors", bytes));
}

// A first line "POST /predict"; then the body.
void http_body(std::string_view bytes) {
  struct Serving {
    http::Log log{""};
    http::Metrics metrics;
    http::Server server{http::ServerOptions(), log, metrics};
    serve::Service service;
    static serve::ServiceOptions options() {
      serve::ServiceOptions options;
      options.models = {"tests/golden/directories/pool"};
      return options;
    }
    Serving() : service(options(), metrics) {
      serve::all_routes(server, service);
      service.load();
    }
  };
  static Serving serving;
  const size_t end = std::min(bytes.find('\n'), bytes.size()), blank = bytes.substr(0, end).find(' ');
  http::Request in;
  in.method = bytes.substr(0, std::min(blank, end));
  in.path = blank == bytes.npos ? "/" : bytes.substr(blank + 1, end - blank - 1);
  in.body = bytes.substr(std::min(end + 1, bytes.size()));
  in.find_header = [](const std::string&) { return std::string(); };
  http::Response out;
  serving.server.answer(in, out, nullptr);
  hold(out.status >= 200 && out.status < 600 && out.status != 500, "a request has an answer, and not 500");
  if (out.type == "application/json" && !out.body.empty())
    hold(!nn::json::parse_or_null(out.body).is_null(), "an answer is JSON");
}

// A body has one end, however its bytes come: a piece at a time or all at once. What is behind it is left.
void http_framing(std::string_view bytes) {
  const size_t piece = 1 + choice(bytes, 32), end = bytes.find("\r\n\r\n");
  constexpr size_t kMost = 1 << 20;
  const http::Head head(bytes.substr(0, end));
  hold(head.announces_body() || !head.in_chunks(), "chunks are a body");
  head.check_body(kMost);
  if (end == bytes.npos || !head.in_chunks()) return;
  bytes.remove_prefix(end + 4);
  struct Seen {
    std::string body;
    size_t at = 0;
    int status = 200;
    bool operator==(const Seen&) const = default;
  };
  const auto seen_by = [&](size_t most) {
    Seen seen;
    const http::Read read = [&](char* to, size_t size) {
      const size_t n = bytes.copy(to, std::min(size, most), seen.at);
      seen.at += n;
      return long(n);
    };
    try {
      seen.body = http::read_chunks(read, kMost);
    } catch (const http::Refusal& refusal) { seen.status = refusal.status; }
    return seen;
  };
  const Seen seen = seen_by(piece);
  hold(seen == seen_by(bytes.size()), "a body does not depend on how it comes");
  hold(seen.status != 200 || bytes.substr(0, seen.at).ends_with("\r\n\r\n"), "a body ends with an empty line");
  hold(seen.body.size() <= bytes.size(), "a body is no larger than what came");
}

}  // namespace

std::vector<Target> library_targets() {
  return {{"safetensors", safetensors},
          {"index", index},
          {"config", config},
          {"translation_config", translation_config},
          {"adapter_config", adapter_config},
          {"vocabulary", vocabulary},
          {"tokenizer", tokenizer},
          {"tokenizer_files", tokenizer_files},
          {"table", table},
          {"packed", packed},
          {"task_file", task_file},
          {"options_file", options_file},
          {"checkpoint", checkpoint},
          {"log_lines", log_lines},
          {"manifest", manifest},
          {"teacher_cache", teacher_cache},
          {"http_body", http_body},
          {"http_framing", http_framing}};
}

const std::vector<Target>& targets() {
  static const std::vector<Target> every = [] {
    std::vector<Target> all = library_targets();
    for (const auto& more : {directory_targets(), program_targets()}) all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
  return every;
}

bool read(const std::string& target, std::string_view bytes) {
  const run::Quiet quiet;
  for (const Target& one : targets()) {
    if (target != one.name) continue;
    try {
      one.read(bytes);
    } catch (const engine::Error&) {
    } catch (const run::Exit&) {}
    return true;
  }
  return false;
}

}  // namespace fuzz
