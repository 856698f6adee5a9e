// Every option of every training program is read: a run with it differs from the run without, or is refused in one
// line. Read tasks/run/arguments.h first; an option that has no row here fails by its name.
#include <atomic>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "nn/format/files.h"
#include "tests/programs/option_files.h"
#include "tests/programs/option_rows.h"
#include "tests/support/programs.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

const std::string kTinyBert = "--model bert --layers 2 --hidden 8 --heads 2 --max-length 14 --lr 0.05 ";
const std::string kFiles = "--train @/train.tsv --dev @/dev.tsv --test @/test.tsv ";
const std::map<std::string, std::string> kBasis{
    {"sentiment", kTinyBert + kFiles + "--max-steps 2 --batch-size 4"},
    {"transfer", kTinyBert + kFiles + "--max-steps 2 --batch-size 4 --teacher @/teacher --soft-targets 1"},
    {"align", kTinyBert + "--max-steps 2 --batch-size 4 --teacher @/teacher --source @/a.txt --target @/b.txt " +
                  "--dev-source @/c.txt --dev-target @/d.txt --test-source @/d.txt --test-target @/c.txt"},
    {"pretrain", kTinyBert + "--max-steps 2 --batch-size 40 --train @/train.tsv --dev @/dev.tsv"},
    {"multitask", kTinyBert + "--max-steps 2 --batch-size 4 --tasks @/tasks.json"},
    {"translate",
     "--layers 1 --hidden 8 --heads 2 --intermediate 8 --vocab-size 45 --dropout 0 --average 1 --lr 0.05 "
     "--max-steps 2 --batch-size 60 --source @/a.txt --target @/b.txt --dev-source @/c.txt "
     "--dev-target @/d.txt"},
    {"recommend",
     "--interactions @/taken.tsv --items @/things.tsv --text words --layers 1 --hidden 8 --heads 2 --intermediate 8 "
     "--positions 4 --ease 5 --knn 3 --damping 1 --k 2 --lr 0.05 --max-steps 2 --batch-size 8"},
    {"monitor", kTinyBert + "--max-steps 2 --batch-size 4 --tasks @/tasks.json"},
    {"answer", kTinyBert + "--max-steps 2 --batch-size 8 --data @/shop.md"},
    {"few_shot",
     kTinyBert + "--steps 2 --tasks @/tasks.json --ways 2 --shots 1 --queries 1 --episodes 2 --inner-steps 1"},
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// "--a 1 --b !--c" over what is there already.
using Given = std::map<std::string, std::string>;
void give(Given& given, const std::string& words) {
  std::istringstream in(words);
  std::string option;
  for (std::string word; in >> word;) {
    if (word.starts_with("!"))
      given.erase(word.substr(1));
    else if (word.starts_with("--"))
      given[option = word] = "";
    else
      given[option] = word;
  }
}

// The basis is of a BERT from nothing: a directory has sizes of its own, a pool has no layers.
Given fitting(Given given) {
  if (!given.count("--model")) return given;
  const std::string model = given["--model"];
  if (model != "bert") give(given, "!--layers !--intermediate");
  if (model.starts_with("@")) give(given, "!--hidden !--heads");
  return given;
}

// What values of options name: files, then models that were trained on them.
void prepare(const TemporaryDirectory& dir) {
  write_tables(dir), write_lines(dir), write_catalogue(dir), write_shops(dir);
  const auto trained = [&](const std::string& name, const std::string& arguments) {
    const Result result = run_shell(replaced(program(name) + " train " + arguments, "@", dir.path) + " 2>&1");
    REQUIRE_MESSAGE(result.status == 0, result.output);
  };
  const std::string teacher = replaced(kTinyBert, "--layers 2 ", "") + kFiles + "--max-steps 2 --layers 3 --out @/";
  trained("sentiment", teacher + "teacher");
  trained("sentiment", teacher + "teacher2 --seed 5");
  trained("sentiment", "--model @/teacher --adapter lora --max-length 14 --max-steps 2 " + kFiles + "--out @/lora");
  trained("pretrain", kBasis.at("pretrain") + " --seed 5 --out @/encoder");
  trained("align", replaced(kBasis.at("align"), "--hidden 8", "--hidden 16") + " --out @/aligned");
  trained("translate", kBasis.at("translate") + " --seed 3 --out @/translator");
  trained("recommend", kBasis.at("recommend") + " --seed 3 --out @/recommender");
  trained("multitask", kBasis.at("multitask") + " --out @/multitask");
  trained("answer", kBasis.at("answer") + " --out @/assistant");
}

// What a run leaves and says, without its times and its place.
std::string outcome_of(const Result& result, const std::string& out) {
  std::string all = result.output;
  for (const char* name : {"log.jsonl", "result.json"})
    if (fs::exists(out + "/" + name)) all += nn::read_file(out + "/" + name);
  std::set<std::string> files;
  if (fs::exists(out + "/best"))
    for (const auto& file : fs::directory_iterator(out + "/best"))
      if (file.path().filename() != "README.md") files.insert(file.path());  // it has all options, and times
  all = replaced(all, out, "OUT");
  all = std::regex_replace(
      all, std::regex("\"?[a-z_]*seconds\"?[=:] ?[0-9.e+-]+|[0-9.]+ (texts|tokens)/s|\"[a-z_]*per_second\":[0-9.e+-]+"),
      "");
  for (const std::string& file : files) all += nn::read_file(file);
  return all;
}

// Runs by their command; each command once.
class Runs {
 public:
  struct Run {
    int status;
    std::string output, outcome;
  };
  explicit Runs(std::string directory) : directory_(std::move(directory)) {}

  Run operator()(const std::string& program_name, const Given& given, int number) const {
    const std::string out = fmt::format("{}/run-{}", directory_, number);
    std::string command = "OMP_NUM_THREADS=1 " + program(program_name) + " train --out " + out;
    for (const auto& [option, value] : fitting(given))
      command += " " + option + (value.empty() ? "" : " '" + value + "'");
    const Result result = run_shell(replaced(command, "@", directory_) + " 2>&1 </dev/null");
    Run run{result.status, result.output, outcome_of(result, out)};
    fs::remove_all(out);
    return run;
  }

 private:
  std::string directory_;
};

// The options of a program, each with the values that it is one of, or none.
std::map<std::string, std::vector<std::string>> options_of(const std::string& name) {
  const std::string help = run_shell(program(name) + " train --help 2>&1").output;
  std::map<std::string, std::vector<std::string>> options;
  const std::regex line("\n  (?:-h,)?(--[a-z0-9-]+)(?: TEXT:\\{([^}]*)\\})?");
  for (std::sregex_iterator at(help.begin(), help.end(), line), end; at != end; ++at) {
    std::vector<std::string>& values = options[(*at)[1]];
    std::istringstream list((*at)[2]);
    for (std::string value; std::getline(list, value, ',');) values.push_back(value);
  }
  return options;
}

const Row* row_of(const std::string& name, const std::string& option) {
  const Row* found = nullptr;
  for (const Row& row : kRows)
    if (option == row.option && (row.program == name || (!*row.program && !found))) found = &row;
  return found;
}

// Values of these may be one: a CSV may have tabs, too; two steps teach no translation whose pieces could be counted;
// no loss is NaN but in the other walk.
const std::set<std::string> kAlike{"--format", "--tokenize", "--on-nan"};

// Runs with each of the values that an option is one of: no two are the same, or a value is refused.
struct Choice {
  std::string name;
  const Row* row;
  std::vector<std::string> values;
  std::string wrong = "";
  long different = 0;

  void walk(const Runs& runs, int number) {
    std::map<std::string, std::string> told;  // value by outcome
    for (const std::string& value : values) {
      Given given;
      give(given, kBasis.at(name));
      give(given, row->with);
      given[row->option] = value;
      const Runs::Run run = runs(name, given, number);
      if (run.status != 0) continue;
      const auto [same, is_new] = told.emplace(run.outcome, value);
      if (!is_new) wrong += fmt::format("{} is {}; ", value, same->second);
    }
    different = long(told.size());
  }
};

// A run without and a run with an option; what is wrong with them, or nothing.
struct Pair {
  std::string name;
  const Row* row;
  std::string wrong = "";

  void walk(const Runs& runs, int number) {
    Given without;
    give(without, kBasis.at(name));
    give(without, row->with);
    Given with = without;
    with[row->option] = row->value;
    const Runs::Run second = runs(name, with, 2 * number);
    if (row->becomes == kRefused) {
      const size_t at = second.output.rfind("error: ");
      if (second.status == 0 || at == std::string::npos || second.output.find('\n', at) != second.output.size() - 1)
        wrong = "is not refused in one line: " + second.output;
      return;
    }
    const Runs::Run first = runs(name, without, 2 * number + 1);
    if (row->becomes == kGoesOn) {
      const bool stops = first.status == 1 && first.output.find("; --on-nan skip goes on") != std::string::npos;
      const bool goes_on = second.outcome.find(row->leaves) != std::string::npos;
      if (!stops || !goes_on) wrong = "without it: " + first.output + "with it: " + second.output;
    } else if (first.status != 0)
      wrong = "without it: " + first.output;
    else if (second.status != 0)
      wrong = "with it: " + second.output;
    else if (first.outcome == second.outcome)
      wrong = "changes nothing: nobody reads it";
  }
};

template <class Walk>
void walk_all(std::vector<Walk>& pairs, const Runs& runs) {
  std::atomic<size_t> next{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (size_t i; (i = next++) < pairs.size();) pairs[i].walk(runs, int(i) + 10);
    });
  for (std::thread& thread : threads) thread.join();
}

void check_usage(const std::string& command, const std::string& why) {
  const Result result = run_shell(program("") + command + " 2>&1 </dev/null");
  CHECK(result.status == 2);
  CHECK_MESSAGE(result.output.find("error: " + why) == 0, command, ": ", result.output);
}

}  // namespace

TEST_CASE("options: an option that another one would have to switch on is refused, and says which") {
  const std::pair<const char*, const char*> refused[] = {
      {"sentiment train --momentum 0.5", "--momentum is for --optimizer sgd, muon; got --optimizer adamw"},
      {"sentiment train --optimizer sgd --adam-eps 1e-3",
       "--adam-eps is for --optimizer adamw, muon; got --optimizer sgd"},
      {"sentiment train --guide-weight 3", "--guide-weight is for --guide or --rationale-column"},
      {"sentiment train --target-entropy-weight 3", "--target-entropy-weight is for --target-entropy"},
      {"sentiment train --retention-rate 3", "--retention-rate is for --learn-retention"},
      {"sentiment train --copies 3", "--copies is for --augment eda, words, characters; got --augment none"},
      {"sentiment train --augment words --lexicon x", "--lexicon is for --augment eda; got --augment words"},
      {"transfer train --focal-gamma 3", "--focal-gamma is for --class-loss focal; got --class-loss cross-entropy"},
      {"sentiment train --adversarial fgm --adversarial-steps 3", "--adversarial-steps is for --adversarial pgd, "},
      {"transfer train --minilm 1 --temperature 2", "--temperature is for --soft-targets or --soft-cross-entropy"},
      {"transfer train --minilm 1 --relation-heads 2", "--relation-heads is for --relations"},
      {"transfer train --soft-targets 1 --layer-map top", "--layer-map is for --score-mse or --attention-cross-"},
      {"transfer train --layer-map upside", "--layer-map: must be uniform, top, last, or teacher layers from 0 with"},
      {"transfer train --score-mse 1 --layer-map 1,-1", "--layer-map: must be uniform, top, last, or teacher layers"},
      {"transfer train --from-layers 1,two", "--from-layers: must be uniform, top, last, or teacher layers from 0"},
      {"transfer train --from-layers top --teacher-cache x", "--teacher-cache is for --soft-targets or --soft-cross-"},
      {"multitask train --cagrad-c 0.1", "--cagrad-c is for --weighting cagrad; got --weighting equal"},
      {"multitask train --sampling-temperature 9", "--sampling-temperature is for --sampling temperature; got "},
      {"transfer train --hard 0 --r-drop 1", "--r-drop is a part of the loss with the labels, which --hard 0 leaves"},
      {"transfer train --hard 0 --minilm 1 --metric accuracy",
       "--metric asks for the best epoch; where --hard 0 leaves"},
      {"pretrain train --train x --teacher x --hard 0 --relations 1 --patience 2",
       "--patience asks for the best epoch"},
      {"translate train --teacher x --soft-targets 1 --hard 0 --label-smoothing 0.2", "--label-smoothing is a part of"},
      {"recommend train --teacher x --soft-targets 1 --hard 0 --label-smoothing 0.1", "--label-smoothing is a part"},
      {"translate train --teacher x --teacher-beams 2 --hard 0", "--hard 0 leaves nothing to learn without"},
      {"translate train --teacher x --attention-kl 1 --hard 0", "--hard 0 leaves nothing to learn without --soft"},
      {"recommend train --teacher x --attention-kl 1 --hard 0", "--hard 0 leaves nothing to learn without --soft"},
      {"translate train --layer-map top", "--layer-map is for --attention-kl"},
  };
  for (const auto& [command, why] : refused) check_usage(std::string(command) + " --out /nonexistent/x", why);
  const TemporaryDirectory dir;  // what a task file says counts, too
  dir.write("tasks.json",
            R"({"optimizer": "sgd", "momentum": 0.5, "max_steps": 1, "tasks": {"mood": {"data": "embedded"}}})");
  const Result fits =
      call("multitask", "train --tasks " + dir.path + "/tasks.json --hidden 8 --out " + dir.path + "/run");
  CHECK_MESSAGE(fits.status == 0, fits.output);
}

TEST_CASE("options: so it is of commands that train nothing") {
  const std::pair<const char*, const char*> refused[] = {
      {"translate translate --model x --temperature 2", "--temperature is for --sample"},
      {"translate translate --model x --top-k 2 one", "--top-k is for --sample"},
      {"translate evaluate --model x --data y --top-p 0.5", "--top-p is for --sample"},
      {"translate evaluate --model x --data y --seed 3", "--seed is for --sample"},
      {"translate score --hypotheses x --references y --resamples 9", "--resamples is for --baseline"},
      {"translate score --hypotheses x --references y --smooth-value 1", "--smooth-value is for --smooth floor, add-k"},
      {"serve run --log-texts", "--log-texts is for --log"},
      {"sentiment prune --model x --data y --out z --heads 0.5 --uneven", "--uneven is for --neurons"},
      {"sentiment evaluate --model x --sheet 2", "--sheet is for --data"},
      {"attack run --model x --by characters --lexicon y", "--lexicon is for --by wordnet; got --by characters"},
      {"explain text --samples 9 --method attention word", "--samples is for --method shapley, all; got --method att"},
      {"explain text --steps 9 word", "--steps is for --method integrated-gradients, all; got --method shapley"},
      {"explain text --absent pad --method rollout,attention word", "--absent is for --method integrated-gradients, "},
      {"monitor replay --save-every 9", "--save-every is for --metrics"},
      {"monitor run --save-every 9", "--save-every is for --state or --metrics"},
      {"monitor measure --series a b", "--series is for --what nab; got --what false-alarms"},
      {"monitor measure --what nab --weeks 9", "--weeks is for --what false-alarms; got --what nab"},
      {"monitor run --labelled --topic-head theme", "--topic-head excludes --labelled"},
      {"answer evaluate --model x --by-vector 0.5", "--by-vector is for --search"},
      {"few_shot evaluate --model x --tasks y --task z --sheet 2", "--sheet is for --data"},
      {"few_shot evaluate --model x --tasks y --task z --text-column t", "--text-column is for --data; a task of"},
      {"multitask evaluate --model x --task y --data z --seed 3", "--seed excludes --data"},
      {"explain patch a b --sheet 2", "there is no option --sheet"},
  };
  for (const auto& [command, why] : refused) check_usage(command, why);
  const auto goes_on = [](const std::string& command) {  // to what is not there
    return run_shell(program("") + command + " 2>&1 </dev/null").status == 1;
  };
  CHECK(goes_on("translate translate --model /nowhere --sample --temperature 2 --seed 3"));
  CHECK(goes_on("translate translate --model /nowhere --temperature 1"));
  CHECK(goes_on("explain text --model /nowhere --method attention,shapley --samples 9 word"));
  CHECK(goes_on("explain compare --model /nowhere --data /nowhere --samples 9 --steps 9"));
}

TEST_CASE("options: every option of every training program is read: a run with it differs, or it is refused") {
  const TemporaryDirectory dir;
  prepare(dir);
  const Runs runs(dir.path);
  std::vector<Pair> pairs;
  int number = 0;
  for (const auto& [name, basis] : kBasis) {
    Given given;
    give(given, basis);
    const Runs::Run one = runs(name, given, number++), two = runs(name, given, number++);
    CHECK_MESSAGE(one.status == 0, name, ": ", one.output);
    CHECK_MESSAGE(one.outcome == two.outcome, name, ": two equal runs differ, so that no option shows");
    const auto options = options_of(name);
    CHECK(options.size() > 40);
    for (const auto& [option, values] : options) {
      if (kExempt.count(option)) continue;
      const Row* row = row_of(name, option);
      CHECK_MESSAGE(row, name, " ", option, ": has no row in this test");
      if (row) pairs.push_back({name, row});
    }
  }
  walk_all(pairs, runs);
  for (const Pair& pair : pairs)
    CHECK_MESSAGE(pair.wrong.empty(), pair.name, " ", std::string(pair.row->option), " ", pair.wrong);
}

TEST_CASE("options: no two of the values that an option is one of make the same run") {
  const TemporaryDirectory dir;
  prepare(dir);
  std::vector<Choice> choices;
  for (const auto& [name, basis] : kBasis)
    for (const auto& [option, values] : options_of(name))
      if (const Row* row = row_of(name, option); row && values.size() > 1 && !kAlike.count(option))
        choices.push_back({name, row, values});
  const Row narrow{"sentiment", "--adapter-form", "houlsby", "--model @/teacher --adapter bottleneck"};
  choices.push_back({"sentiment", &narrow, {"pfeiffer", "houlsby"}});
  CHECK(choices.size() > 80);
  walk_all(choices, Runs(dir.path));
  for (const Choice& choice : choices) {
    const std::string option = choice.row->option;
    CHECK_MESSAGE(choice.wrong.empty(), choice.name, " ", option, ": ", choice.wrong);
    CHECK_MESSAGE((choice.different > 1 || choice.row->becomes == kRefused), choice.name, " ", option, ": all refused");
  }
}
