// Trials asked for, reported and told, in the journal. Read tasks/search/study.h first, then tasks/search/journal.h.
#include "tasks/search/study.h"

#include <cmath>

#include "engine/base.h"
#include "engine/random.h"
#include "engine/strings.h"
#include "nn/format/json.h"
#include "tasks/run/console.h"

namespace search {

using engine::check;

namespace {

constexpr const char* kSpace = "space";

const StudySettings& valid(const StudySettings& s) {
  check(!s.name.empty(), "a study has a name");
  s.space.require_valid();
  s.sampler.require_valid("sampler");
  s.pruner.require_valid("pruner");
  return s;
}

// The place of a choice is a whole number; Python looks it up by it.
ordered_json kept_as(const Distribution& d, double value) {
  return d.kind == Distribution::Kind::choice ? ordered_json(long(value)) : ordered_json(value);
}

ordered_json end_of(const Trial& trial, State state, std::optional<double> value) {
  const bool number = value && !std::isnan(*value);
  return {{"op_code", 6},
          {"trial_id", trial.id},
          {"state", int(state)},
          {"values", number ? ordered_json::array({*value}) : ordered_json()},
          {"datetime_complete", now_text()}};
}

}  // namespace

const Trial* best_of(const std::vector<Trial>& trials, Direction direction) {
  const Trial* best = nullptr;
  for (const Trial& t : trials) {
    if (t.state != State::complete || !t.value || std::isnan(*t.value)) continue;
    if (!best || (direction == Direction::maximize ? *t.value > *best->value : *t.value < *best->value)) best = &t;
  }
  return best;
}

Study::Study(const std::string& journal, StudySettings settings)
    : settings_(std::move(settings)),
      journal_(journal),
      sampler_(valid(settings_).sampler, settings_.space, settings_.seed, settings_.direction),
      pruner_(settings_.pruner, settings_.direction, settings_.name) {
  settings_.kept[kSpace] = settings_.space.to_json();
  open();
}

void Study::open() {
  Journal::Locked lock(journal_);
  Lines lines;
  const StudyRecord* there = journal_.find(settings_.name);
  if (there) require_same(*there);
  if (!there) {
    lock.append({{{"op_code", 0},
                  {"study_name", settings_.name},
                  {"directions", ordered_json::array({int(settings_.direction)})}}});
    there = journal_.find(settings_.name);
  }
  for (const auto& [key, value] : settings_.kept.items())
    if (!there->user.contains(key))
      lines.push_back({{"op_code", 2}, {"study_id", there->id}, {"user_attr", {{key, value}}}});
  if (!lines.empty()) lock.append(lines);
}

void Study::require_same(const StudyRecord& there) const {
  const std::string where = fmt::format("{}: the study '{}' there", journal_.path(), there.name);
  check(there.directions == std::vector{settings_.direction}, "{} is to {}; here it is to {}", where,
        there.directions == std::vector{Direction::maximize} ? "maximize" : "minimize",
        settings_.direction == Direction::maximize ? "maximize" : "minimize");
  const auto text_of = [](const json& space, const std::string& name) {
    if (!space.is_object() || !space.contains(name)) return std::string("not there");
    const std::string when = space[name].contains("if") ? " if " + space[name]["if"].dump() : "";
    return Distribution::from_optuna(space[name].dump(), name).text() + when;
  };
  for (const auto& [key, value] : settings_.kept.items()) {
    const json here = value, before = there.user.contains(key) ? json(there.user[key]) : here;
    if (before == here) continue;
    if (key != kSpace) engine::fail("{} has another {}: {}; here it is {}", where, key, before.dump(), here.dump());
    json both = here;
    if (before.is_object()) both.update(before);
    for (const auto& [name, unused] : both.items())
      check(text_of(before, name) == text_of(here, name), "{} is of another space: {} is {}; here it is {}", where,
            name, text_of(before, name), text_of(here, name));
  }
  for (const Trial& t : there.trials)
    for (const auto& [name, domain] : t.domain)
      if (const Parameter* p = settings_.space.find(name))
        check(p->distribution.compatible(domain), "{} is of another space: {} is {} in trial {}; here it is {}", where,
              name, domain.text(), t.number, p->distribution.text());
}

std::vector<const Trial*> Study::visible(long number) const {
  const std::vector<Trial>& all = record().trials;
  const bool brackets = settings_.pruner.name == "hyperband";
  const long own = brackets ? pruner_.bracket(all, number) : 0;
  std::vector<const Trial*> trials;
  for (const Trial& t : all)
    if (t.number != number && (!brackets || pruner_.bracket(all, t.number) == own)) trials.push_back(&t);
  return trials;
}

uint64_t Study::own_seed(long number) const {
  return uint64_t(Draws(settings_.seed, number, engine::hash_of(kSeed)).next() * 0x1p31);
}

std::optional<Asked> Study::ask(long most, const Claim& claim) {
  Journal::Locked lock(journal_);
  const auto next = [&](State state) -> const Trial* {
    for (const Trial& t : record().trials)
      if (t.state == state && !own_.count(t.number) && (state == State::waiting || t.user.contains(kSeed)) &&
          claim(t.number))
        return &t;
    return nullptr;
  };
  for (const State state : {State::running, State::waiting})
    while (const Trial* t = next(state)) {
      const long number = t->number;
      own_.insert(number);
      if (take(lock, *t)) return Asked{number, state == State::running};
    }
  const long number = long(record().trials.size());
  if (number >= most || (sampler_.grid_size() > 0 && number >= sampler_.grid_size())) return std::nullopt;
  check(claim(number), "{}: trial {} is not in the journal, and somebody has it", journal_.path(), number);
  own_.insert(number);
  create(lock, number);
  return Asked{number};
}

// One line with all that it begins with: a kill leaves a whole trial or none.
void Study::create(Journal::Locked& lock, long number) {
  ordered_json params = ordered_json::object(), distributions = ordered_json::object();
  const Values values = sampler_.sample(number, visible(number));
  for (const Parameter& p : settings_.space.parameters)
    if (const auto at = values.find(p.name); at != values.end()) {
      params[p.name] = kept_as(p.distribution, at->second);
      distributions[p.name] = p.distribution.to_optuna();
    }
  lock.append({{{"op_code", 4},
                {"study_id", record().id},
                {"datetime_start", now_text()},
                {"state", int(State::running)},
                {"value", nullptr},
                {"values", nullptr},
                {"distributions", distributions},
                {"params", params},
                {"user_attrs", {{kSeed, own_seed(number)}}},
                {"system_attrs", ordered_json::object()},
                {"intermediate_values", ordered_json::object()}}});
}

// What whoever enqueued it wants, as far as it can be chosen.
Values Study::fixed(const Trial& trial) const {
  Values values = trial.values;
  const auto wanted = trial.system.find("fixed_params");
  if (wanted == trial.system.end() || !wanted->is_object()) return values;
  for (const auto& [name, value] : wanted->items()) {
    const Parameter* p = settings_.space.find(name);
    if (!p || values.count(name)) continue;
    try {
      values[name] = p->distribution.internal(json(value), name);
    } catch (const engine::Error& e) {
      run::print_note("trial {}: {}; another value is taken\n", trial.number, e.what());
    }
  }
  return values;
}

// A trial that waits, or that was left running: what is missing of it is added. False: it turns out to be pruned.
bool Study::take(Journal::Locked& lock, const Trial& trial) {
  Lines lines;
  const long id = trial.id;
  if (!trial.user.contains(kSeed))
    lines.push_back({{"op_code", 8}, {"trial_id", id}, {"user_attr", {{kSeed, own_seed(trial.number)}}}});
  if (trial.state == State::waiting)
    lines.push_back({{"op_code", 6},
                     {"trial_id", id},
                     {"state", int(State::running)},
                     {"values", nullptr},
                     {"datetime_start", now_text()}});
  for (const auto& [name, value] : sampler_.sample(trial.number, visible(trial.number), fixed(trial))) {
    const Parameter* p = settings_.space.find(name);
    if (!p || trial.values.count(name)) continue;
    lines.push_back({{"op_code", 5},
                     {"trial_id", id},
                     {"param_name", name},
                     {"param_value_internal", kept_as(p->distribution, value)},
                     {"distribution", p->distribution.to_optuna()}});
  }
  const bool pruned = decide(trial, lines);
  if (!lines.empty()) lock.append(lines);
  return !pruned;
}

bool Study::decide(const Trial& trial, Lines& lines) const {
  const Decision decision = pruner_.decide(record().trials, trial);
  for (const auto& [rung, value] : decision.rungs)
    if (!trial.system.contains(rung))
      lines.push_back({{"op_code", 9}, {"trial_id", trial.id}, {"system_attr", {{rung, value}}}});
  if (decision.prune) lines.push_back(end_of(trial, State::pruned, trial.reports.rbegin()->second));
  return decision.prune;
}

bool Study::report(long number, long step, double value) {
  if (trial(number).reports.count(step)) return false;
  Journal::Locked lock(journal_);
  Trial after = trial(number);
  after.reports[step] = value;
  Lines lines{{{"op_code", 7}, {"trial_id", after.id}, {"step", step}, {"intermediate_value", value}}};
  const bool pruned = decide(after, lines);
  lock.append(lines);
  return pruned;
}

void Study::finish(long number, std::optional<double> value) {
  Journal::Locked lock(journal_);
  const bool complete = value && !std::isnan(*value);
  if (!trial(number).over())
    lock.append({end_of(trial(number), complete ? State::complete : State::failed, complete ? value : std::nullopt)});
}

}  // namespace search
