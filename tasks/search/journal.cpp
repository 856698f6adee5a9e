// Optuna's journal, played and written. Read tasks/search/journal.h first: the lines.
#include "tasks/search/journal.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>

#include "engine/base.h"
#include "nn/format/json.h"
#include "tasks/search/python_json.h"
#include "tasks/text/labels.h"

namespace search {

using engine::check;

namespace {

std::string text_at(const json& log, const char* key) {
  const auto found = log.find(key);
  return found != log.end() && found->is_string() ? found->get<std::string>() : "";
}

long whole_at(const json& log, const char* key) {
  const auto found = log.find(key);
  check(found != log.end() && found->is_number_integer(), "'{}' is missing", key);
  return found->get<long>();
}

State state_of(long number) {
  check(number >= long(State::running) && number <= long(State::waiting), "state {} is not known", number);
  return State(number);
}

Direction direction_of(const json& number) {
  check(number == 1 || number == 2, "direction {} is not known", nn::shown_json(number));
  return Direction(number.get<int>());
}

const json& at(const json& log, const char* key) {
  static const json nothing;
  const auto found = log.find(key);
  return found == log.end() ? nothing : *found;
}

std::string new_worker() {
  std::random_device random;
  return fmt::format("attune-{:08x}{:08x}", random(), random());
}

std::vector<std::string> names_of(const std::vector<StudyRecord>& studies) {
  std::vector<std::string> names;
  for (const StudyRecord& s : studies) names.push_back(s.name);
  return names;
}

}  // namespace

const char* name_of(State state) {
  constexpr const char* names[] = {"running", "complete", "pruned", "failed", "waiting"};
  return names[int(state)];
}

std::string now_text() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", std::localtime(&seconds));
  const auto micro = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count() % 1000000;
  return fmt::format("{}.{:06}", text, micro);
}

Journal::Journal(std::string path) : path_(std::move(path)), worker_(new_worker()) {}

const StudyRecord* Journal::find(const std::string& name) const {
  for (const StudyRecord& s : studies_)
    if (s.name == name) return &s;
  return nullptr;
}

const StudyRecord& Journal::study(const std::string& name) const {
  check(!studies_.empty(), "{}: there is no study in it", path_);
  if (name.empty()) {
    check(studies_.size() == 1, "{}: which study? --name says: {}", path_, text::listed(names_of(studies_)));
    return studies_[0];
  }
  const StudyRecord* study = find(name);
  check(study != nullptr, "{}: there is no study '{}'; there are {}{}", path_, engine::shown(name),
        text::listed(names_of(studies_)), text::did_you_mean(name, names_of(studies_)));
  return *study;
}

void Journal::read() {
  std::ifstream file(path_, std::ios::binary);
  nn::check_io(file.is_open() && !std::filesystem::is_directory(path_), path_, "read");
  file.seekg(0, std::ios::end);
  const size_t size = size_t(file.tellg());
  check(size >= offset_, "{}: has become shorter while it was in use", path_);
  std::string fresh(size - offset_, '\0');
  file.seekg(std::streamoff(offset_));
  file.read(fresh.data(), std::streamsize(fresh.size()));
  nn::check_io(file.gcount() == std::streamsize(fresh.size()), path_, "read");
  for (size_t begin = 0; begin < fresh.size();) {
    const size_t end = fresh.find('\n', begin);
    if (end == fresh.npos) return;  // being written, or what a kill has left
    const std::string line = fresh.substr(begin, end - begin);
    try {
      play(line);
    } catch (const std::exception& e) {
      const bool last = end + 1 == fresh.size();
      if (last && json::parse_or_null(without_python(line)).is_null()) return;
      engine::fail("{}:{}: {}", path_, lines_ + 1, e.what());
    }
    offset_ += end + 1 - begin;
    begin = end + 1;
    ++lines_;
  }
}

void Journal::play(const std::string& line) {
  const json log = nn::parse_json(without_python(line), "not a line of a journal");
  check(log.is_object(), "not a line of a journal");
  const long op = whole_at(log, "op_code");
  check(op >= 0 && op <= 10, "op_code {} is not known", op);
  if (op <= 3)
    play_study(log, op);
  else if (op == 4)
    create_trial(log);
  else if (op < 10)
    play_trial(log, op);
  // 10 discards a lock of later releases: nothing to do with trials
}

StudyRecord* Journal::study_of(const json& log) {
  const long id = whole_at(log, "study_id");
  for (StudyRecord& s : studies_)
    if (s.id == id) return &s;
  return nullptr;
}

void Journal::play_study(const json& log, long op) {
  if (op == 0) {
    StudyRecord study;
    study.name = text_at(log, "study_name");
    if (find(study.name)) return;  // the first one counts
    study.id = next_study_++;
    for (const json& d : at(log, "directions")) study.directions.push_back(direction_of(d));
    studies_.push_back(std::move(study));
    return;
  }
  StudyRecord* study = study_of(log);
  if (!study) return;
  if (op == 1) {
    std::erase_if(studies_, [id = study->id](const StudyRecord& s) { return s.id == id; });
    return;
  }
  const json& more = at(log, op == 2 ? "user_attr" : "system_attr");
  if (more.is_object()) (op == 2 ? study->user : study->system).update(ordered_json(more));
}

void Journal::set_parameter(Trial& trial, const std::string& name, const json& value, const std::string& distribution) {
  const auto [known, fresh] = domains_.try_emplace(distribution);
  if (fresh) {
    try {
      known->second = Distribution::from_optuna(distribution, name);
    } catch (...) {
      domains_.erase(known);
      throw;
    }
  }
  const double number = number_of(value);
  check(known->second.kind != Distribution::Kind::choice || known->second.contains(number),
        "'{}': {} is none of the {} choices", name, number, known->second.choices.size());
  trial.values[name] = number;
  trial.domain[name] = known->second;
}

void Journal::create_trial(const json& log) {
  StudyRecord* study = study_of(log);
  if (!study) return;
  Trial trial;
  trial.id = long(trials_.size());
  trial.number = long(study->trials.size());
  if (at(log, "state").is_number_integer()) trial.state = state_of(log["state"].get<long>());
  trial.start = text_at(log, "datetime_start");
  trial.end = text_at(log, "datetime_complete");
  const json &values = at(log, "values"), &value = at(log, "value"), &domains = at(log, "distributions");
  if (values.is_array() && values.size() == 1) trial.value = number_of(values[0]);
  if (value.is_number() || value.is_string()) trial.value = number_of(value);
  for (const auto& [name, x] : at(log, "params").items()) {
    check(domains.is_object() && domains.contains(name) && domains[name].is_string(), "'{}' has no distribution", name);
    set_parameter(trial, name, x, domains[name]);
  }
  for (const auto& [step, x] : at(log, "intermediate_values").items()) trial.reports[std::stol(step)] = number_of(x);
  if (at(log, "user_attrs").is_object()) trial.user = ordered_json(log["user_attrs"]);
  if (at(log, "system_attrs").is_object()) trial.system = ordered_json(log["system_attrs"]);
  if (trial.over()) trial.finished = finished_++;
  study->trials.push_back(std::move(trial));
  trials_.emplace_back(study->id, study->trials.back().number);
}

// nullptr: its study has gone, or it is over, and what is over stays as it is.
Trial* Journal::trial_of(const json& log) {
  const long id = whole_at(log, "trial_id");
  if (id < 0 || id >= long(trials_.size())) return nullptr;
  for (StudyRecord& s : studies_)
    if (s.id == trials_[size_t(id)].first) {
      Trial& trial = s.trials[size_t(trials_[size_t(id)].second)];
      return trial.over() ? nullptr : &trial;
    }
  return nullptr;
}

void Journal::play_trial(const json& log, long op) {
  Trial* trial = trial_of(log);
  if (!trial) return;
  if (op == 5) {
    set_parameter(*trial, text_at(log, "param_name"), at(log, "param_value_internal"), text_at(log, "distribution"));
  } else if (op == 6) {
    trial->state = state_of(whole_at(log, "state"));
    const json& values = at(log, "values");
    if (values.is_array() && values.size() == 1) trial->value = number_of(values[0]);
    if (trial->state == State::running) trial->start = text_at(log, "datetime_start");
    if (!trial->over()) return;
    trial->end = text_at(log, "datetime_complete");
    trial->finished = finished_++;
  } else if (op == 7) {
    trial->reports[whole_at(log, "step")] = number_of(at(log, "intermediate_value"));
  } else {
    const json& more = at(log, op == 8 ? "user_attr" : "system_attr");
    if (!more.is_object()) return;
    (op == 8 ? trial->user : trial->system).update(ordered_json(more));
    if (op == 9)
      for (const auto& [key, value] : more.items()) trial->reports_before[key] = trial->reports.size();
  }
}

}  // namespace search
