// From the study's file to a space and settings, from a trial's values to a command. Read tasks/tune/study_file.h
// first.
#include "tasks/tune/study_file.h"

#include <algorithm>
#include <filesystem>

#include "nn/format/json.h"
#include "tasks/spec/json_object.h"
#include "tasks/spec/task_file.h"

namespace tune {

using engine::check;
using nn::json;
using nn::ordered_json;
using search::Distribution;
using spec::StrictObject;

const char* const kExample = R"(
A study file (JSON, comments allowed):

  {
    "metric": "dev.macro_f1",          // of log.jsonl, every measurement; or result.accuracy: of the line `result ...`
    "direction": "maximize",
    "trials": 50, "seed": 1,
    "sampler": "tpe",                  // or random, grid; {"name": "tpe", "joint": false, "startup": 10}
    "pruner": "median",                // or none, halving, hyperband; {"name": "halving", "min": 1, "factor": 3}
    "space": {                         // names of options of the program, without dashes
      "lr": {"low": 1e-4, "high": 1e-2, "log": true},
      "batch-size": {"type": "int", "low": 8, "high": 64, "step": 8},
      "optimizer": ["adamw", "sgd"],
      "momentum": {"low": 0.5, "high": 0.99, "if": {"optimizer": "sgd"}},
      "no-shuffle": [true, false]
    }
  }

  tune --study mood.json -- sentiment train --train train.tsv --dev dev.tsv
  tune --study mood.json --jobs 4 -- python3 mine.py --rate {lr} --dir {out} --seed {seed}

To a command of attune's, --NAME=VALUE, --seed and --out are added; any other program says where they go, in braces.
There, too, true is a flag: of --x {x} it leaves --x; false, null and what is not asked leave nothing. The program writes
a JSON object a line to {out}/log.jsonl, or prints a last line `result metric=0.9`. Called again, a search goes on: after
a kill, with more --trials, or beside another `tune` on the same --out. The journal is Optuna's: its dashboard and its
Python open and continue it.
)";

namespace {

ordered_json value_or_object(const ordered_json* value, const std::string& where) {
  if (!value) return ordered_json::object();
  if (value->is_string()) return {{"name", *value}};
  check(value->is_object(), "{}: a name, or an object with a name; got {}", where, nn::shown_json(*value));
  return *value;
}

search::SamplerOptions sampler_of(const ordered_json* value, const std::string& where) {
  const ordered_json object = value_or_object(value, where);
  StrictObject in(object, where);
  search::SamplerOptions o;
  in.take("name", o.name);
  o.require_valid(where);
  if (o.name == "tpe") {
    in.take("startup", o.startup, 1, 1e6);
    in.take("candidates", o.candidates, 1, 1e4);
    in.take("joint", o.joint);
  }
  in.finish();
  return o;
}

search::PrunerOptions pruner_of(const ordered_json* value, const std::string& where) {
  const ordered_json object = value_or_object(value, where);
  StrictObject in(object, where);
  search::PrunerOptions o;
  in.take("name", o.name);
  o.require_valid(where);  // the name first: the keys are those of its kind
  const bool percentile = o.name == "percentile", hyperband = o.name == "hyperband";
  if (hyperband) o.factor = 3;
  if (percentile) in.take("percentile", o.percentile, 0, 100);
  if (percentile || o.name == "median") {
    in.take("startup", o.startup, 0, 1e6);
    in.take("warmup", o.warmup, 0, 1e9);
    in.take("interval", o.interval, 1, 1e9);
    in.take("min_trials", o.min_trials, 1, 1e6);
  }
  if (hyperband || o.name == "halving") {
    in.take("min", o.min, 1, 1e9);
    in.take("factor", o.factor, 2, 1000);
    in.take("bootstrap", o.bootstrap, 0, 1e6);
  }
  if (o.name == "halving") in.take("rate", o.rate, 0, 100);
  if (hyperband) in.take("max", o.max, 1, 1e9);
  in.finish();
  o.require_valid(where);
  return o;
}

Distribution numbers_of(StrictObject& in, const ordered_json& value, const std::string& where) {
  in.expect({"type", "low", "high", "step", "log", "choices", "points", "if"});
  const std::optional<double> low = in.number("low", -1e300, 1e300, false),
                              high = in.number("high", -1e300, 1e300, false);
  check(low && high, "{}: needs `low` and `high`, or a list of choices", where);
  std::string type;
  in.take("type", type);
  if (!type.empty()) spec::check_name(where + ".type", type, {"int", "float"});
  const auto whole = [&](const char* key) { return value.at(key).is_number_integer(); };
  check(!type.empty() || !whole("low") || !whole("high"),
        "{}: both bounds are whole: \"type\": \"int\" or \"float\" says what is meant", where);
  Distribution d = Distribution::number(*low, *high);
  in.take("log", d.log);
  const std::optional<double> step = in.number("step", 1e-300, 1e300, false);
  if (type == "int") d.kind = Distribution::Kind::whole;
  d.step = step.value_or(type == "int" ? 1 : 0);
  return d;
}

void take_condition(const ordered_json* condition, search::Parameter& p, const search::Space& before,
                    const std::string& where) {
  if (!condition) return;
  check(condition->is_object() && condition->size() == 1, "{}.if: {{\"option\": value}}; got {}", where,
        nn::shown_json(*condition));
  p.parent = condition->items().front().key;
  const search::Parameter* parent = before.find(p.parent);
  std::vector<std::string> names;
  for (const search::Parameter& q : before.parameters) names.push_back(q.name);
  check(parent != nullptr, "{}.if: '{}' is not a parameter that stands before it{}", where, engine::shown(p.parent),
        text::did_you_mean(p.parent, names));
  check(parent->distribution.kind == Distribution::Kind::choice, "{}.if: '{}' is no choice", where, p.parent);
  const ordered_json& values = *condition->begin();
  for (const ordered_json& v : values.is_array() ? values : ordered_json::array({values}))
    p.when.push_back(parent->distribution.internal(json(v), where + ".if." + p.parent));
}

search::Space space_of(const ordered_json* value, const std::string& where) {
  check(value && value->is_object() && !value->empty(), "{}: needs an object with the options to choose", where);
  search::Space space;
  for (const auto& [key, entry] : value->items()) {
    const std::string at = where + "." + key;
    search::Parameter p{.name = key.starts_with("--") ? key.substr(2) : key, .distribution = {}};
    check(!p.name.empty() && p.name != "out" && p.name.find_first_of(" =\t\n{}") == std::string::npos,
          "{}: is not the name of an option to choose", at);
    if (entry.is_array()) {
      p.distribution = Distribution::choice(entry.get<std::vector<ordered_json>>());
    } else {
      StrictObject in(entry, at);
      const ordered_json* choices = in.find("choices");
      check(!choices || choices->is_array(), "{}.choices: a list", at);
      p.distribution =
          choices ? Distribution::choice(choices->get<std::vector<ordered_json>>()) : numbers_of(in, entry, at);
      in.take("points", p.points, 1, 1e6);
      take_condition(in.find("if"), p, space, at);
      in.finish();
    }
    p.distribution.require_valid(at);
    space.parameters.push_back(std::move(p));
  }
  return space;
}

}  // namespace

StudyFile read_study(const std::string& path) {
  const ordered_json all = nn::parse_ordered_json(nn::read_regular_file(path), path, true);
  StrictObject in(all, path);
  StudyFile study;
  search::StudySettings& s = study.settings;
  s.name = std::filesystem::path(path).stem();
  std::string direction;
  in.expect({"name", "metric", "direction", "trials", "seed", "sampler", "pruner", "space"});
  in.take("name", s.name);
  in.take("metric", study.metric);
  in.take("direction", direction);
  check(!study.metric.empty(), "{}: needs `metric`: dev.macro_f1, dev.loss, result.accuracy, ...", path);
  check(!direction.empty(), "{}: needs `direction`: \"maximize\" or \"minimize\"", path);
  spec::check_name(path + ": direction", direction, {"maximize", "minimize"});
  s.direction = direction == "maximize" ? search::Direction::maximize : search::Direction::minimize;
  in.take("trials", study.trials, 1, 1e6);
  s.seed = uint64_t(in.number("seed", 0, 1e15, true).value_or(1));
  s.sampler = sampler_of(in.find("sampler"), path + ": sampler");
  s.pruner = pruner_of(in.find("pruner"), path + ": pruner");
  s.space = space_of(in.find("space"), path + ": space");
  in.finish();
  check(s.pruner.name == "none" || !study.metric.starts_with("result."),
        "{}: pruner: {} comes once, at the end: there is nothing to prune by", path, study.metric);
  return study;
}

namespace {

std::string text_of(const ordered_json& value) {
  if (value.is_string()) return value;
  return value.is_number_float() ? fmt::format("{}", value.get<double>()) : value.dump();
}

}  // namespace

std::string text_of(const search::Trial& trial, const std::string& name) {
  return text_of(trial.domain.at(name).external(trial.values.at(name)));
}

bool says_where(const std::vector<std::string>& command) {
  return std::any_of(command.begin(), command.end(), [](const auto& w) { return w.find("{out}") != w.npos; });
}

namespace {

// {NAME} in a word of the command. What the shell and JSON write in braces is none: ${HOME}, {"a": 1}, {a,b}, {}.
struct Place {
  size_t begin, end;
  std::string name;
};

std::vector<Place> places_in(const std::string& word) {
  std::vector<Place> places;
  for (size_t begin = 0; (begin = word.find('{', begin)) != word.npos; ++begin) {
    const size_t end = word.find_first_of(" =\t\n{}\"'$;,()", begin + 1);
    if (end == word.npos || word[end] != '}' || end == begin + 1 || (begin > 0 && word[begin - 1] == '$')) continue;
    places.push_back({begin, end + 1, word.substr(begin + 1, end - begin - 1)});
  }
  return places;
}

}  // namespace

void require_fitting(const std::vector<std::string>& command, const search::Space& space) {
  const auto gives = [&](const std::string& name) {
    return std::any_of(command.begin(), command.end(), [&](const std::string& word) {
      return word == "--" + name || word.starts_with("--" + name + "=");
    });
  };
  std::vector<std::string> names;
  for (const search::Parameter& p : space.parameters) {
    check(says_where(command) || !gives(p.name), "--{} is in the command, and in the space: which one is meant?",
          p.name);
    names.push_back(p.name);
  }
  check(says_where(command) || (!gives("out") && !gives("resume") && !gives("overwrite")),
        "the command has no --out, --overwrite or --resume: where a trial goes is said here");
  names.insert(names.end(), {"out", "seed"});
  for (const std::string& word : command)
    for (const Place& place : places_in(word))
      check(std::ranges::count(names, place.name) > 0, "the command has {{{}}}, which is not one of {}{}",
            engine::shown(place.name), text::listed(names), text::did_you_mean(place.name, names));
}

std::vector<std::string> options_of(const search::Trial& trial) {
  std::vector<std::string> options;
  for (const auto& [name, value] : trial.values) {
    const ordered_json external = trial.domain.at(name).external(value);
    if (external == false || external.is_null()) continue;
    options.push_back("--" + name + (external == true ? "" : "=" + text_of(trial, name)));
  }
  return options;
}

namespace {

using Shown = std::map<std::string, ordered_json>;  // values of a trial, as a reader sees them

Shown shown_of(const search::Trial& trial, uint64_t seed, const std::string& out) {
  Shown values{{"out", out}, {"seed", seed}};
  for (const auto& [name, value] : trial.values) values[name] = trial.domain.at(name).external(value);
  return values;
}

bool is_option(const std::string& word) {
  return word.starts_with("-") && word != "-" && word != "--" && word.find('=') == word.npos;
}

// Appends a word of the command, its values put in. Where one is false, null or not asked for, the word is left out with
// the option before it whose value it is; true leaves the option alone, as a flag.
void add_word(const std::string& word, const Shown& values, std::vector<std::string>& words) {
  const bool behind_option = !word.starts_with("-") && words.size() > 1 && is_option(words.back());
  std::string to;
  size_t at = 0;
  for (const auto& [begin, end, name] : places_in(word)) {
    const auto found = values.find(name);
    const ordered_json value = found == values.end() ? ordered_json() : found->second;
    if (value.is_null() || value == false) {
      if (behind_option) words.pop_back();
      return;
    }
    to += word.substr(at, begin - at);
    at = end;
    if (value == true && behind_option && end - begin == word.size()) return;
    if (value == true && word.starts_with("-") && to.ends_with("=") && end == word.size())
      to.pop_back();
    else
      to += text_of(value);
  }
  words.push_back(to + word.substr(at));
}

}  // namespace

std::vector<std::string> words_of(const std::vector<std::string>& command, const search::Trial& trial, uint64_t seed,
                                  const std::string& out) {
  const Shown values = shown_of(trial, seed, out);
  std::set<std::string> used;
  std::vector<std::string> words;
  for (const std::string& word : command) {
    for (const Place& place : places_in(word)) used.insert(place.name);
    if (word == "--seed" || word.starts_with("--seed=")) used.insert("seed");
    add_word(word, values, words);
  }
  for (const std::string& option : options_of(trial))
    if (!used.count(option.substr(2, option.find('=') - 2))) words.push_back(option);
  if (says_where(command)) return words;
  if (!used.count("seed") && !trial.values.count("seed")) words.push_back("--seed=" + std::to_string(seed));
  words.push_back("--out=" + out);
  return words;
}

}  // namespace tune
