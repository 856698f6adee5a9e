// Checkpoints of a run: all of its state in one safetensors file, two generations of it. Read tasks/run/run.cpp first.
#include "tasks/run/checkpoint.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "engine/profile.h"
#include "nn/format/json_value.h"
#include "nn/format/part_file.h"
#include "nn/format/sealed.h"
#include "tasks/run/console.h"
#include "tasks/run/event_log.h"
#include "tasks/run/fingerprint.h"
#include "tasks/run/run.h"
#include "tasks/text/labels.h"
#include "tasks/text/utf8.h"

namespace run {
namespace {

using engine::check;
using nn::ordered_json;

// The file cannot be believed; the one before it may be.
struct Damaged : engine::Error {
  using engine::Error::Error;
};

// ": it said 'epochs = 3', now it says 'epochs = 2'": the lines that only one of two texts has.
std::string difference(const std::string& before, const std::string& now) {
  const auto lines_of = [](const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  };
  const auto without = [](std::vector<std::string> lines, const std::vector<std::string>& others) {
    std::erase_if(lines, [&](const std::string& line) { return std::ranges::find(others, line) != others.end(); });
    return lines.empty() ? "nothing of it" : "'" + fmt::format("{}", fmt::join(lines, "', '")) + "'";
  };
  const std::vector<std::string> a = lines_of(before), b = lines_of(now);
  return fmt::format(": it said {}, now it says {}", without(a, b), without(b, a));
}

// Lines that a killed run wrote after its last checkpoint belong to steps that are about to be done again.
void drop_lines_after(const std::string& path, long step) {
  std::string kept;
  const std::string log = nn::read_file(path);
  for (size_t begin = 0; begin < log.size();) {
    const size_t end = std::min(log.find('\n', begin), log.size());
    const auto line = ordered_json::parse_or_null(log.substr(begin, end - begin));
    const bool ours = line.is_object() && line.contains("step") && line["step"].is_number_integer();
    if (ours && line["step"].get<long>() <= step) kept += log.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  nn::write_file(path, kept);
}

}  // namespace

long steps_before(const std::string& file) {
  try {
    const nn::SafeTensors checkpoint(file);
    const auto state = ordered_json::parse_or_null(checkpoint.metadata().at("state"));
    return state.is_object() && state.contains("step") && state["step"].is_number_integer()
               ? state["step"].get<long>() + 1
               : 0;
  } catch (const std::exception&) { return 0; }
}

void Run::save(const std::vector<engine::Tensor>& tensors) const {
  directory_.require_ours();
  if (log_ >= 0)  // its lines are on the disk before the checkpoint that counts on them
    nn::check_io(nn::uninterrupted([&] { return fsync(log_); }) == 0, file("log.jsonl"), "written");
  if (events_) events_->flush();
  const auto begun = std::chrono::steady_clock::now();
  const ordered_json state{{"run", id()},
                           {"step", step_},
                           {"best", best_},
                           {"since_best", since_best_},
                           {"skipped", skipped_},
                           {"seconds", seconds()},
                           {"options", text::repair_utf8(plan_.options).text},
                           {"data", plan_.data}};
  directory_.add_checkpoint([&](const std::string& file) {
    nn::save_safetensors(file, tensors, {{"state", state.dump()}, {"seal", nn::kUnsealed}});
  });
  if (log_ >= 0) directory_.require_ours("log.jsonl", log_);
  saved_ = std::chrono::steady_clock::now();
  save_seconds_ = std::chrono::duration<double>(saved_ - begun).count();
  engine::profile_end("checkpoint", engine::Pass::other);
}

void Run::restore(const std::vector<engine::Tensor>& tensors) {
  std::string taken;
  for (const char* name : {"last.safetensors", "previous.safetensors"}) {
    if (!directory_.has(name)) continue;
    try {
      restore_from(file(name), tensors);
      taken = name;
      break;
    } catch (const Damaged& e) {
      check(directory_.has("previous.safetensors") && std::string(name) == "last.safetensors", "{}", e.what());
      print_note("warning: {}; the checkpoint before it is taken\n", e.what());
    }
  }
  if (taken == "previous.safetensors") directory_.take_previous();
  if (directory_.has("log.jsonl")) drop_lines_after(file("log.jsonl"), step_ + 1);
  if (taken.empty())
    say(fmt::format("{}: stopped before its first checkpoint; it starts over", plan_.place.path));
  else
    say(fmt::format("resuming {} after step {} of {}", plan_.place.path, step_ + 1, plan_.steps));
}

void Run::restore_from(const std::string& path, const std::vector<engine::Tensor>& tensors) {
  std::optional<nn::SafeTensors> checkpoint;
  ordered_json state;
  try {
    const std::string fault = nn::seal_fault(path);
    check(fault.empty(), "{}: {}", path, fault);
    checkpoint.emplace(path);
    const auto text = checkpoint->metadata().find("state");
    check(text != checkpoint->metadata().end(), "{}: not a checkpoint of a run: it has no state", path);
    state = ordered_json::parse_or_null(text->second);
    check(state.is_object(), "{}: its state is not a JSON object", path);
  } catch (const engine::Error& e) { throw Damaged(e.what()); }
  take_position(state, path);
  for (const engine::Tensor& t : tensors)
    check(engine::Shape(checkpoint->entry(t.name()).shape) == t.shape(),
          "{}: '{}' has another shape than this run's {}", path, t.name(), t.shape());
  for (const engine::Tensor& t : tensors) checkpoint->read_into(t.name(), t.data());
}

void Run::take_position(const ordered_json& state, const std::string& path) {
  const std::string& directory = plan_.place.path;
  const auto number = [&](const char* key) { return state.contains(key) && state[key].is_number(); };
  const auto words = [&](const char* key) {
    return state.contains(key) && state[key].is_string() ? state[key].get<std::string>() : "";
  };
  const std::string options = words("options");
  const std::string now = text::repair_utf8(plan_.options).text;  // names of files may be any bytes, JSON may not
  check(options == now, "{}: options.ini has changed since{}; start a new run with --config", directory,
        difference(options, now));
  check(words("run") == id(), "{}: last.safetensors is of another run than options.ini", directory);
  const std::string data = words("data");
  check(data == plan_.data, "{}: the data has changed since{}; start a new run", directory,
        Fingerprint::difference(data, plan_.data));
  check(number("step") && state["step"].is_number_integer() && state["step"] >= -1 && state["step"] < plan_.steps,
        "{}: its step is not one of this run's {}", path, plan_.steps);
  step_ = state["step"];
  if (number("best")) best_ = state["best"];
  if (number("since_best")) since_best_ = state["since_best"];
  if (number("skipped")) skipped_ = state["skipped"];
  if (number("seconds")) seconds_before_ = state["seconds"];
}

}  // namespace run
