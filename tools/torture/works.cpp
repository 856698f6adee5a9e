// The runs that are tortured, their data, and what they leave. Read tools/torture/works.h first.
#include "tools/torture/works.h"

#include <filesystem>
#include <set>
#include <sstream>

#include "nn/format/files.h"
#include "nn/format/json_value.h"
#include "nn/format/safetensors.h"
#include "tools/torture/process.h"

namespace torture {

namespace fs = std::filesystem;
using engine::check;
using nn::ordered_json;

namespace {

// Several checkpoints and several best models each.
const std::string kTiny = "--model bert --layers 1 --hidden 8 --heads 2 --max-length 12 --lr 0.05 ";
const std::string kTables = "--train @/train.tsv --dev @/dev.tsv ";
const std::string kLines = "--source @/a.txt --target @/b.txt --dev-source @/b.txt --dev-target @/a.txt ";

std::map<std::string, std::string> trainings() {
  return {
      {"sentiment", "--model pool --hidden 8 --lr 0.05 " + kTables + "--epochs 2 --batch-size 5"},
      {"transfer", kTiny + kTables +
                       "--epochs 2 --batch-size 5 --teacher @/teacher --soft-targets 1 "
                       "--teacher-cache OUT-cache.safetensors"},
      {"align", kTiny + kLines + "--epochs 2 --batch-size 5 --teacher @/teacher"},
      {"pretrain", kTiny + kTables + "--max-steps 6 --batch-size 30 --eval-every 20 --start counts"},
      {"multitask", kTiny + "--epochs 2 --batch-size 5 --tasks @/tasks.json --single"},
      {"few_shot", kTiny + "--steps 4 --tasks @/tasks.json --ways 2 --shots 1 --queries 1 --episodes 2 "
                           "--inner-steps 1"},
      {"translate", kLines + "--layers 1 --hidden 8 --heads 2 --intermediate 8 --vocab-size 45 --average 2 --epochs 2 "
                             "--batch-size 60"},
      {"recommend",
       "--interactions @/taken.tsv --items @/things.tsv --text words --layers 1 --hidden 8 --heads 2 --intermediate 8 "
       "--positions 4 --ease 5 --knn 3 --damping 1 --k 2 --lr 0.05 --max-steps 6 --batch-size 8"},
      {"answer",
       "--data @/shop.md --model pool --hidden 8 --heads 2 --epochs 2 --batch-size 8 --lr 0.02 --vocab-size 100 "
       "--no-hints"},
      {"monitor", "--tasks @/tasks.json --model pool --hidden 8 --lr 0.05 --epochs 2 --batch-size 5"},
  };
}

std::map<std::string, Work> all_works() {
  std::map<std::string, Work> all;
  for (const auto& [name, options] : trainings())
    all[name] = {"BIN/" + name + " train " + options + " --overwrite --out OUT"};
  all["adapter"] = {"BIN/sentiment train --model @/teacher --adapter lora --max-length 12 --lr 0.05 " + kTables +
                    "--epochs 2 --batch-size 5 --overwrite --out OUT"};
  const auto writes = [&](const std::string& name, const std::string& command) {
    all[name] = {command + " --out OUT", "[ -e OUT ] || exec " + command + " --out OUT"};
  };
  writes("merge", "BIN/sentiment merge --model @/adapter");
  writes("quantize", "BIN/sentiment quantize --model @/teacher");
  writes("prune", "BIN/sentiment prune --model @/teacher --heads 0.5 --data @/dev.tsv");
  writes("half", "BIN/pretrain export --model @/teacher");
  writes("export", "BIN/multitask export --model @/tasks --task mood");
  writes("vocab", "BIN/vocab export --vocab @/teacher/best/vocab.txt");
  const std::string calibrate = "BIN/sentiment calibrate --model OUT --data @/train.tsv";
  all["calibrate"] = {calibrate, calibrate, "cp -r @/teacher/best OUT"};
  const std::string tune = "BIN/tune run --study @/study.json --out OUT -- @/trial train --model pool --hidden 8 " +
                           kTables + "--epochs 2 --batch-size 5";
  all["tune"] = {tune, tune};
  return all;
}

// Of a study and its trials nothing but what was found counts: the journal has times.
const std::set<std::string> kCosts{"cost.json",   "previous.safetensors", "journal.log",
                                   "report.html", "journal.log.lock",     "events"};
const std::set<std::string> kTimes{"seconds", "tokens_per_second", "items_per_second", "run"};

void without_times(ordered_json& figures) {
  if (figures.is_object())
    for (const std::string& name : kTimes) figures.erase(name);
  for (ordered_json& part : figures)
    if (part.is_structured()) without_times(part);
}

std::string log_of(const std::string& path) {
  std::string all;
  std::istringstream log(nn::read_file(path));
  for (std::string line; std::getline(log, line);) {
    ordered_json figures = ordered_json::parse_or_null(line);
    check(figures.is_object(), "{}: a line is broken: {}", path, line);
    without_times(figures);
    all += figures.dump() + "\n";
  }
  return all;
}

std::string content_of(const fs::path& path) {
  if (path.filename() == "log.jsonl") return log_of(path);
  if (path.filename() == "last.safetensors") {
    std::string all;
    const nn::SafeTensors last(path);
    for (const auto& [name, entry] : last.entries()) all += name + last.bytes(name);
    return all;
  }
  std::string bytes = nn::read_file(path);
  if (path.filename() == "result.json") {
    ordered_json figures = ordered_json::parse(bytes);
    without_times(figures);
    return figures.dump();
  }
  if (path.filename() == "options.ini") return bytes.substr(bytes.find('\n'));  // after its name
  return bytes;
}

void write_tables(const std::string& data) {
  const char *words[] = {"awful bad poor", "fine good great", "the train at noon"},
             *labels[] = {"negative", "positive", "neutral"};
  const auto table = [&](const char* name, int first, int last) {
    std::string rows = "label\ttext\n";
    for (int i = first; i < last; ++i) rows += fmt::format("{}\t{} {} thing\n", labels[i % 3], i, words[i % 3]);
    nn::write_file(data + "/" + name, rows);
  };
  table("train.tsv", 0, 15), table("dev.tsv", 15, 21);
  for (const int first : {0, 5}) {
    std::string lines;
    for (int i = first; i < first + 8; ++i) lines += fmt::format("{} {} thing\n", i, words[i * i % 3]);
    nn::write_file(data + (first ? "/b.txt" : "/a.txt"), lines);
  }
  nn::write_file(data + "/tasks.json",
                 fmt::format(R"({{"tasks": {{"mood": {{"train": "{0}/train.tsv", "dev": "{0}/dev.tsv"}},
                                            "again": {{"train": "{0}/dev.tsv", "dev": "{0}/train.tsv"}}}}}})",
                             data));
}

void write_others(const std::string& data, const std::string& bin) {
  std::string taken = "user\titem\ttime\n", things = "id\ttitle\n", shop;
  for (int u = 0; u < 12; ++u)
    for (int n = 0; n < 5; ++n) taken += fmt::format("u{}\ti{}\t{}\n", u, (u * u + n * (1 + u % 2)) % 9, n);
  for (int i = 0; i < 9; ++i) things += fmt::format("i{0}\tthing {0}\n", i);
  for (const char* intent : {"hours", "size", "price"}) {
    shop += fmt::format("# {}\n## Questions\n", intent);
    for (int i = 0; i < 10; ++i) shop += fmt::format("- {} {} which {}\n", i, intent, i % 3);
    shop += fmt::format("## Answer\nIt is {}.\n\n", intent);
  }
  nn::write_file(data + "/taken.tsv", taken), nn::write_file(data + "/things.tsv", things);
  nn::write_file(data + "/shop.md", shop + "# Sending things back\nReturns are free.\n");
  nn::write_file(data + "/study.json", R"({"name": "small", "metric": "dev.accuracy", "direction": "maximize",
      "trials": 2, "seed": 3, "space": {"lr": {"low": 0.01, "high": 0.1}}})");
  // A trial whose own disk does not fail.
  nn::write_file(data + "/trial", fmt::format("#!/bin/sh\nunset LD_PRELOAD\nword=$1; shift\n"
                                              "exec {0}/sentiment $word \"$@\"\n",
                                              bin));
  fs::permissions(data + "/trial", fs::perms::owner_all);
}

}  // namespace

const std::map<std::string, Work>& works() {
  static const std::map<std::string, Work> all = all_works();
  return all;
}

std::vector<std::string> files_of(const std::string& command) {
  std::vector<std::string> files;
  for (const char* file : {"train.tsv", "dev.tsv", "a.txt", "b.txt", "taken.tsv", "things.tsv", "shop.md"}) {
    const bool table = std::string(file) == "train.tsv" || std::string(file) == "dev.tsv";
    const bool behind = table && command.find("@/tasks.json") != command.npos;  // it names both
    if (behind || command.find(std::string("@/") + file) != command.npos) files.emplace_back(file);
  }
  return files;
}

std::string filled_in(std::string text, const std::string& data, const std::string& bin, const std::string& out) {
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"@", data}, {"BIN", bin}, {"OUT", out}})
    for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) text.replace(at, from.size(), to);
  return text;
}

void write_data(const std::string& data, const std::string& bin) {
  write_tables(data);
  write_others(data, bin);
  const auto made = [&](const std::string& command) {
    const Ended ended = shell(filled_in(command, data, bin, ""));
    check(ended.status == 0, "torture: {}", ended.output);
  };
  const std::string steps = kTables + "--max-steps 2 ";
  made("exec BIN/sentiment train " + kTiny + "--layers 2 --hidden 16 " + steps + "--out @/teacher");
  made("exec BIN/sentiment train --model @/teacher --max-length 12 --adapter lora " + steps + "--out @/adapter");
  made("exec BIN/multitask train " + kTiny + "--max-steps 2 --tasks @/tasks.json --out @/tasks");
}

std::string outcome(const std::string& directory) {
  std::set<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) files.insert(entry.path());
  std::string all;
  for (const std::string& file : files) {
    const fs::path path(file), name = path.filename();
    all += file.substr(directory.size()) + "\n";
    const bool cost = kCosts.contains(name) || name.string().starts_with("events.");
    if (!cost && path.extension() != ".md" && path.extension() != ".txt" && path.extension() != ".lock")
      all += content_of(path) + "\n";
  }
  return all;
}

}  // namespace torture
