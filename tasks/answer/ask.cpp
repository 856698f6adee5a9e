// `answer ask`: a person at a terminal, or JSON lines in and out. Read tasks/answer/conversation.h first.
#include <unistd.h>

#include <iostream>

#include "nn/format/json.h"
#include "tasks/answer/commands.h"
#include "tasks/answer/conversation.h"
#include "tasks/text/utf8.h"

namespace answer {

using engine::check;
using nn::json;
using nn::ordered_json;

namespace {

// What is understood, in a line under the answer.
std::string why(const Assistant& assistant, const Reply& reply) {
  const Understanding& u = reply.understood;
  std::string line = fmt::format("{}", name_of(reply.outcome));
  for (size_t i = 0; i < std::min(u.ranked.size(), size_t(2)); ++i)
    line += fmt::format("{} {} {:.0f} %", i ? "," : ":", assistant.knowledge().intents[size_t(u.ranked[i])].name,
                        100 * u.p[size_t(u.ranked[i])]);
  line += fmt::format("; nearest: \"{}\" ({:.2f})", engine::shown(u.nearest, 60), u.cosine);
  for (const auto& [slot, value] : u.values) line += fmt::format("; {} = {}", slot, engine::shown(value));
  return line + "\n    " + reply.rule;
}

void talk(const Assistant& assistant, bool explain) {
  State state;
  const bool person = isatty(STDIN_FILENO);
  if (person) run::print_note("An empty line or Ctrl-D ends.\n");
  for (std::string line; !run::stop_requested();) {
    if (person) run::print_note("> ");
    if (!std::getline(std::cin, line)) break;
    const bool readable = text::is_utf8(line);  // else reply_to() says so
    if (person && !readable) {
      run::print_note("That is not UTF-8, as terminals have it as a rule.\n");
      continue;
    }
    if (readable && text::is_blank(line)) {
      if (person) break;
      continue;
    }
    const Reply reply = reply_to(assistant, line, state, false);
    if (!person) fmt::print("> {}\n", line);
    fmt::print("{}\n", reply.text);
    if (explain) fmt::print("    [{}]\n", why(assistant, reply));
    std::fflush(stdout);
  }
}

// {"text": ..., "session": ..., "state": {...}} a line; without a state it is the session's own.
void answer_lines(const Assistant& assistant, bool words) {
  std::map<std::string, State> sessions;
  long number = 0, bad = 0;
  for (std::string line; std::getline(std::cin, line);) {
    const std::string where = fmt::format("line {}", ++number);
    if (text::is_blank(line)) continue;
    try {
      const json object = nn::parse_json(line, where);
      std::string text, session;
      const nn::JsonObject in(object, where);
      const std::string unknown = text::unknown_member(object, {"text", "session", "state"});
      check(unknown.empty(), "{}: {}", where, unknown);
      in.take("text", text);
      in.take("session", session);
      check(!text::is_blank(text), "{}: \"text\" must have a word in it", where);
      State& state = sessions[session];
      if (const auto* given = in.find("state")) state = State::from(*given, where + ": state");
      const Reply reply = reply_to(assistant, text, state, words);
      ordered_json out = to_json(assistant, reply, state);
      if (!session.empty()) out["session"] = session;
      fmt::print("{}\n", out.line());
    } catch (const engine::Error& e) {
      ++bad;
      fmt::print("{}\n", ordered_json{{"error", e.what()}}.line());
    }
    std::fflush(stdout);
  }
  if (bad) run::print_note("{} of {} lines were no questions\n", bad, number);
}

}  // namespace

void ask_command(run::Options& options, const run::Parse& parse) {
  std::string model;
  bool lines = false, explain = false;
  OtherPromises promises;
  options.add("--model", model, "the directory of a run of `train`").required();
  options.add("--json", lines,
              "JSON lines: {\"text\": ..., \"session\": ...} in, what was understood and is said out; sessions are "
              "conversations of their own");
  options.add("--explain", explain,
              "also what was understood, from which question, by which rule; with --json what every word adds, and the "
              "attention it gets");
  promises.declare(options);
  options.take_texts();
  options.footer("Other arguments are the turns of one conversation; without any it is read from standard input.");
  parse();
  const Assistant assistant(model, promises);
  for (const std::string& sentence : assistant.calibration().doubts) run::print_note("warning: {}\n", sentence);
  State state;
  for (const std::string& text : options.texts()) {
    const Reply reply = reply_to(assistant, text, state, explain && lines);
    if (lines)
      fmt::print("{}\n", to_json(assistant, reply, state).line());
    else
      fmt::print("> {}\n{}\n{}", text, reply.text, explain ? "    [" + why(assistant, reply) + "]\n" : "");
  }
  if (!options.texts().empty()) return;
  if (lines)
    answer_lines(assistant, explain);
  else
    talk(assistant, explain);
}

}  // namespace answer
