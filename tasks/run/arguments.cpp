// The options of a command: declared, read from the command line and from files. Read tasks/run/options_file.h first.
#include "tasks/run/arguments.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "nn/format/files.h"
#include "tasks/run/console.h"
#include "tasks/run/directory.h"
#include "tasks/run/options_file.h"
#include "tasks/text/labels.h"

namespace run {

Options::Options(std::string command, std::string summary)
    : command_(std::move(command)), summary_(std::move(summary)) {
  add("--config", config_, "read options from FILE, lines `option = value`; the command line overrides them")
      .reads()
      .not_saved();
}

Option& Options::declare(const std::string& name, const std::string& help, Binding binding) {
  engine::check(!find(name), "{}: declared twice", name);
  engine::check(name.starts_with("--") || !name.starts_with("-"), "{}: an option begins with two dashes", name);
  options_.push_back(Option(name, help, std::move(binding)));
  return options_.back();
}

Option* Options::find(const std::string& name) {
  const auto found = std::find_if(options_.begin(), options_.end(), [&](const Option& o) { return o.name_ == name; });
  return found == options_.end() ? nullptr : &*found;
}

std::vector<std::string> Options::names() const {
  std::vector<std::string> names;
  for (const Option& o : options_)
    if (!o.positional() && o.name_ != "--config") names.push_back(o.name_);
  return names;
}

std::vector<std::string> Options::given_names() const {
  std::vector<std::string> names;
  for (const Option& o : options_)
    if (o.is_given_) names.push_back(o.name_);
  return names;
}

void Options::decide(const std::string& name, const std::string& value) {
  if (Option* option = find(name)) option->is_given_ = false;
  set(name, {value});
}

void Options::pass_on(Options& to) const {
  for (const Option& o : options_)
    if (o.is_given_ && !o.positional() && o.name_ != "--config" && to.find(o.name_)) to.set(o.name_, o.given_);
}

bool Options::given(const std::string& name) const {
  const Option* option = find(name);
  engine::check(option != nullptr, "{}: not an option of {}", name, command_);
  return option->is_given_;
}

void Options::parse(int argc, const char* const* argv) {
  for (Option& o : options_) o.defaults_ = o.binding_.values();
  try {
    take_words({argv + 1, argv + argc});
    for (Option& o : options_)
      if (o.is_given_) o.assign();
    if (!config_.empty()) read_file(config_);
    check_given();
  } catch (const engine::Error& e) { usage_error("{}\n{} --help lists the options", e.what(), command_); }
  check_files();
}

void Options::take_words(const std::vector<std::string>& words) {
  for (size_t at = 0; at < words.size();) {
    const std::string& word = words[at];
    if (word == "--help" || word == "-h") {
      fmt::print("{}", help());
      throw Exit{0};
    }
    if (word == "--") {
      while (++at < words.size()) take_argument(words[at], true);
    } else if (word.starts_with("-") && word != "-") {
      at = take_option(words, at);
    } else {
      take_argument(word, false);
      ++at;
    }
  }
}

namespace {

// Whether a word can be the value of the option before it: -3 and - can, --name and -h cannot.
bool can_be_value(const std::string& word) {
  return !word.starts_with("-") || word == "-" ||
         (word.size() > 1 && std::string("0123456789.").find(word[1]) != std::string::npos);
}

}  // namespace

// Takes the option at `at` with its values; returns the place of the next word.
size_t Options::take_option(const std::vector<std::string>& words, size_t at) {
  const std::string& word = words[at++];
  const size_t equal = word.find('=');
  const std::string name = word.substr(0, equal);
  Option* option = find(name);
  if (!option || option->positional()) unknown(name);
  if (!option->binding_.list) option->given_.clear();  // the last one counts, as GNU programs have it
  option->is_given_ = true;
  if (equal != std::string::npos) {
    option->given_.push_back(word.substr(equal + 1));
  } else if (option->flag()) {
    option->given_.push_back("true");
  } else {
    engine::check(at < words.size() && can_be_value(words[at]), "{}: a value is missing{}", name,
                  at < words.size()
                      ? fmt::format("; one that begins with a dash is written {}={}", name, text::shown(words[at]))
                      : "");
    option->given_.push_back(words[at++]);
    while (option->binding_.list && at < words.size() && can_be_value(words[at])) option->given_.push_back(words[at++]);
  }
  return at;
}

void Options::take_argument(const std::string& word, bool after_dashes) {
  for (Option& o : options_)
    if (o.positional() && (o.binding_.list || !o.is_given_)) {
      o.is_given_ = true;
      o.given_.push_back(word);
      return;
    }
  if (!after_dashes && word == "-") unknown(word);
  engine::check(takes_texts_, "'{}' is not expected here", text::shown(word));
  texts_.push_back(word);
}

void Options::unknown(const std::string& name) const {
  std::vector<std::string> known = names();
  known.insert(known.end(), {"--config", "--help"});
  engine::fail("there is no option {}{}{}", text::shown(name), text::did_you_mean(name, known),
               takes_texts_ ? "; a text that begins with a dash comes after --" : "");
}

void Options::check_given() const {
  for (const Option& o : options_) {
    engine::check(!o.required_ || o.is_given_, "{} is required", o.name_);
    for (const std::string& other : o.excludes_)
      engine::check(!o.is_given_ || !given(other), "{} excludes {}", o.name_, other);
  }
}

void Options::check_files() const {
  const auto check_other = [](const Option& out, const Option& other) {
    for (const std::string& file : out.binding_.values())
      for (const std::string& named : other.binding_.values())
        engine::check(!same_file(file, named) && !same_file(file, named.substr(named.find('=') + 1)),
                      "{} {}: the file of {}; name another", out.name_, file, other.name_);
  };
  std::vector<const Option*> before;  // that write
  for (const Option& out : options_) {
    if (!out.writes_) continue;
    for (const Option& other : options_)
      if (other.reads_) check_other(out, other);
    for (const Option* other : before) check_other(out, *other);
    before.push_back(&out);
  }
}

bool Options::of_use(const Option::With& with) const {
  const Option* other = find(with.other);
  if (!other) return false;
  const std::vector<std::string> now = other->binding_.values();
  if (with.values.empty()) return other->is_given_ && !(other->flag() && now == std::vector<std::string>{"false"});
  return std::ranges::any_of(now, [&](const std::string& value) { return std::ranges::count(with.values, value); });
}

void Options::check_used() const {
  for (const Option& o : options_) {
    const auto serves = [&](const Option::With& with) { return of_use(with); };
    const auto is_here = [&](const Option::With& with) { return find(with.other) != nullptr; };
    if (!o.is_given_ || o.given_ == o.defaults_ || std::ranges::any_of(o.only_with_, serves)) continue;
    if (std::ranges::none_of(o.only_with_, is_here)) continue;
    std::string wanted, got;
    for (const auto& [other, values] : o.only_with_) {
      if (!find(other)) continue;
      wanted += (wanted.empty() ? "" : " or ") + other;
      if (values.empty()) continue;
      wanted += fmt::format(" {}", fmt::join(values, ", "));
      got = fmt::format("; got {} {}", other, fmt::join(find(other)->binding_.values(), ","));
    }
    usage_error("{} is for {}{}", o.name_, wanted, got);
  }
}

void Options::read_file(const std::string& path) {
  std::vector<std::pair<Option*, long>> seen;  // and where
  for (OptionLine& line : parse_option_lines(nn::read_file(path), path)) {
    const std::string where = fmt::format("{}:{}", path, line.line);
    const std::string name = line.name.starts_with("-") ? line.name : "--" + line.name;
    Option* option = find(name);
    engine::check(option && name != "--config", "{}: there is no option '{}'{}", where, text::shown(line.name),
                  text::did_you_mean(name, names()));
    if (line.values.empty() && option->flag()) line.values = {"true"};
    engine::check(!line.values.empty(), "{}: {} needs a value: `{} = ...`", where, line.name, line.name);
    const auto before = std::find_if(seen.begin(), seen.end(), [&](const auto& s) { return s.first == option; });
    if (before == seen.end() && option->is_given_) continue;  // on the command line
    engine::check(option->binding_.list || (before == seen.end() && line.values.size() == 1),
                  "{}: {} takes one value{}", where, line.name,
                  before == seen.end() ? "" : fmt::format("; there is one in line {}", before->second));
    if (before == seen.end()) seen.emplace_back(option, line.line);
    option->is_given_ = true;
    option->given_.insert(option->given_.end(), line.values.begin(), line.values.end());
    try {
      option->assign();
    } catch (const engine::Error& e) { engine::fail("{}: {}", where, e.what()); }
  }
}

bool Options::set(const std::string& name, const std::vector<std::string>& values) {
  Option* option = find(name);
  engine::check(option != nullptr, "there is no option {}{}", name, text::did_you_mean(name, names()));
  if (option->is_given_) return false;
  engine::check(option->binding_.list || values.size() == 1, "{}: takes one value; got {}", name, values.size());
  option->is_given_ = true;
  option->given_ = values;
  option->assign();
  return true;
}

std::string Options::effective() const {
  std::string lines;
  for (const Option& o : options_) {
    if (!o.saved_ || o.positional()) continue;
    for (const std::string& value : o.is_given_ ? o.given_ : o.defaults_)
      if (o.is_given_ || !value.empty()) lines += option_line(o.name_.substr(2), value);
  }
  return lines;
}

std::string Options::given_lines() const {
  std::string lines;
  for (const Option& o : options_)
    if (o.saved_ && !o.positional() && o.is_given_)
      for (const std::string& value : o.given_) lines += option_line(o.name_.substr(2), value);
  return lines;
}

std::string Options::help() const {
  std::string arguments, positionals;
  std::vector<std::pair<std::string, std::string>> groups{{"", ""}};  // heading and lines, in the order of appearance
  const auto line = [](const std::string& left, const std::string& help) {
    const bool fits = left.size() + 1 < 34 - 2;
    return "  " + (fits ? fmt::format("{:<32}", left) : left + "\n" + std::string(34, ' ')) + help + "\n";
  };
  groups[0].second = line("-h,--help", "Print this help message and exit");
  for (const Option& o : options_) {
    if (o.positional()) {
      arguments += " " + o.name_;
      positionals += line(o.summary(), o.help_);
      continue;
    }
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == o.group_; });
    if (group == groups.end()) group = groups.insert(groups.end(), {o.group_, ""});
    group->second += line(o.summary(), o.help_);
  }
  std::string text =
      fmt::format("{}\nUsage: {} [OPTION]{}{}\n", summary_, command_, arguments, takes_texts_ ? " [TEXT]..." : "");
  if (!positionals.empty()) text += "\nPositionals:\n" + positionals;
  for (const auto& [heading, lines] : groups)
    text += fmt::format("\n{}:\n{}", heading.empty() ? "Options" : heading, lines);
  return footer_.empty() ? text : text + "\n" + footer_ + "\n";
}

}  // namespace run
