// The outcomes, rule by rule. Read tasks/answer/conversation.h first: their order.
#include "tasks/answer/conversation.h"

#include <algorithm>
#include <cmath>

#include "engine/strings.h"
#include "nn/format/json.h"
#include "tasks/text/utf8.h"

namespace answer {

using engine::check;
using nn::json;
using nn::ordered_json;

namespace {

constexpr size_t kWordsOfAValue = 4;
constexpr long kArticles = 3, kRefusals = 2, kTimesAsked = 2;

std::string lower_bare(const std::string& text) {
  std::string out;
  for (const std::string& word : spec::words_of(text)) {
    std::string bare;
    for (const char c : word)
      if (std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || static_cast<unsigned char>(c) >= 0x80)
        bare += engine::ascii_lower(c);
    if (!bare.empty()) out += (out.empty() ? "" : " ") + bare;
  }
  return out;
}

// What an intent is called where a person may choose it: its first question.
const std::string& title_of(const Intent& intent) { return intent.questions[0].text; }

class Turn {
 public:
  Turn(const Assistant& assistant, State& state, Reply& reply)
      : assistant_(assistant), state_(state), reply_(reply), u_(reply.understood), before_(state) {
    for (const auto& [slot, value] : u_.values) state_.slots[slot] = value;
  }

  void decide() {
    state_.offered.clear();
    state_.question.clear();
    state_.wanted.clear();
    state_.asked = 0;
    if (chosen() || value_given()) return;
    const std::vector<int> options = options_of(u_);
    if (options.size() == 1) {
      reply_.rule = fmt::format("one intent is left; {}", numbers());
      return answer(intents()[size_t(options[0])]);
    }
    if (carried_over()) return;
    if (options.empty()) {
      reply_.rule = fmt::format("out of scope; {}", numbers());
      return refuse(u_);
    }
    reply_.rule = fmt::format("{} intents are left; {}", options.size(), numbers());
    ask_back(options);
  }

 private:
  const std::vector<Intent>& intents() const { return assistant_.knowledge().intents; }

  std::string numbers() const {
    const Calibration& c = assistant_.calibration();
    const std::string score = fmt::format("{} {:.4f}", assistant_.promises().detector, u_.score);
    if (!std::isfinite(c.threshold)) return score + ", nothing is refused";
    return fmt::format("{}, threshold {:.4f}: {:g} % of the questions in scope are below", score, c.threshold,
                       100 * assistant_.promises().refuse);
  }

  void answer(const Intent& intent) {
    state_.intent = intent.name;
    state_.refusals = 0;
    reply_.intent = intent.name;
    for (const std::string& slot : slots_of(intent.answer, intent.where)) {
      if (state_.slots.count(slot)) continue;
      const auto sentence = intent.ask.find(slot);
      reply_.outcome = Outcome::ask;
      reply_.text = sentence == intent.ask.end() ? fmt::format("Which {}?", slot) : sentence->second;
      reply_.rule += fmt::format("; the slot {} has no value", slot);
      state_.wanted = slot;
      state_.asked = before_.wanted == slot && before_.intent == intent.name ? before_.asked + 1 : 1;
      return;
    }
    reply_.outcome = Outcome::answer;
    reply_.text = intent.answer.empty() ? intent.name : filled(intent.answer, state_.slots);
  }

  void ask_back(const std::vector<int>& options) {
    reply_.outcome = Outcome::ask;
    reply_.options = options;
    reply_.text = "Did you mean:";
    for (size_t i = 0; i < options.size(); ++i) {
      const Intent& intent = intents()[size_t(options[i])];
      reply_.text += fmt::format("\n  {}. {}", i + 1, title_of(intent));
      state_.offered.push_back(intent.name);
    }
    state_.question = u_.text;
    state_.refusals = 0;
  }

  void refuse(const Understanding& question) {
    reply_.articles = assistant_.search(question, kArticles);
    const bool shared = std::ranges::any_of(reply_.articles, [](const Found& f) { return f.words > 0; });
    if (++state_.refusals >= kRefusals || !shared) {
      reply_.rule += shared ? "; for the second time" : "; no article shares a word";
      reply_.outcome = Outcome::hand_over;
      reply_.text = "I do not know that. I pass you on to a colleague.";
      reply_.articles.clear();
      return;
    }
    reply_.outcome = Outcome::refuse;
    reply_.text = "I do not know that. These may help:";
    for (const Found& found : reply_.articles)
      reply_.text += fmt::format("\n  - {}", assistant_.index().articles()[size_t(found.article)].title);
  }

  // After "did you mean".
  bool chosen() {
    if (before_.offered.empty()) return false;
    const std::string said = lower_bare(reply_.understood.text);
    const std::vector<std::vector<std::string>> words{{"1", "one", "first", "the first", "the first one", "yes"},
                                                      {"2", "two", "second", "the second", "the second one"},
                                                      {"3", "three", "third", "the third", "the third one"}};
    for (size_t i = 0; i < before_.offered.size() && i < words.size(); ++i) {
      const Intent* intent = assistant_.knowledge().find(before_.offered[i]);
      if (!intent) continue;
      const bool named = said == lower_bare(intent->name) || said == lower_bare(title_of(*intent));
      if (!named && !std::ranges::count(words[i], said)) continue;
      reply_.rule = fmt::format("number {} of those that were offered was chosen", i + 1);
      answer(*intent);
      return true;
    }
    if (!std::ranges::count(std::vector<std::string>{"no", "none", "neither", "none of these", "none of them"}, said))
      return false;
    reply_.rule = "none of those that were offered";
    refuse(before_.question.empty() ? u_ : assistant_.understand({before_.question})[0]);
    return true;
  }

  // After a slot was asked for.
  bool value_given() {
    const Intent* intent = before_.wanted.empty() ? nullptr : assistant_.knowledge().find(before_.intent);
    if (!intent) return false;
    if (!u_.values.count(before_.wanted)) {
      const std::vector<std::string> tagged = assistant_.knowledge().slots();
      const bool could_be_marked = std::ranges::count(tagged, before_.wanted) > 0;
      if (spec::words_of(u_.text).size() > kWordsOfAValue) return false;
      const std::vector<int> options = options_of(u_);
      const bool asks_the_same = options.size() == 1 && intents()[size_t(options[0])].name == before_.intent;
      const bool insists = asks_the_same && before_.asked >= kTimesAsked;
      if (could_be_marked && options.size() == 1 && !insists) return false;
      state_.slots = before_.slots;
      state_.slots[before_.wanted] = u_.text;
    }
    reply_.rule = fmt::format("the slot {} was asked for", before_.wanted);
    answer(*intent);
    return true;
  }

  // "And S-1042?"
  bool carried_over() {
    const Intent* intent = before_.intent.empty() ? nullptr : assistant_.knowledge().find(before_.intent);
    if (!intent) return false;
    for (const std::string& slot : slots_of(intent->answer, intent->where))
      if (u_.values.count(slot)) {
        reply_.rule = fmt::format("a value for the slot {} of the last answer; {}", slot, numbers());
        answer(*intent);
        return true;
      }
    return false;
  }

  const Assistant& assistant_;
  State& state_;
  Reply& reply_;
  const Understanding& u_;
  const State before_;
};

}  // namespace

std::vector<int> options_of(const Understanding& u) {
  if (!u.in_scope) return {};
  if (u.offered.size() == 1) return u.offered;
  const size_t most = u.offered.empty() ? 2 : std::min(u.offered.size(), kMostOptions);
  return {u.ranked.begin(), u.ranked.begin() + long(std::min(most, u.ranked.size()))};
}

ordered_json State::json() const {
  return {{"intent", intent}, {"slots", slots}, {"offered", offered},  {"question", question},
          {"wanted", wanted}, {"asked", asked}, {"refusals", refusals}};
}

State State::from(const nn::json& value, const std::string& where) {
  State state;
  if (value.is_null()) return state;
  const nn::JsonObject object(value, where);
  const std::string unknown =
      text::unknown_member(value, {"intent", "wanted", "asked", "question", "refusals", "slots", "offered"});
  check(unknown.empty(), "{}: {}", where, unknown);
  object.take("intent", state.intent);
  object.take("wanted", state.wanted);
  object.take("asked", state.asked);
  object.take("question", state.question);
  object.take("refusals", state.refusals);
  if (const auto* slots = object.find("slots")) {
    check(slots->is_object(), "{}: slots must be an object", where);
    for (const auto& [slot, text] : slots->items()) {
      check(text.is_string(), "{}: slots.{} must be a string", where, engine::shown(slot));
      state.slots[slot] = text;
    }
  }
  if (const auto* offered = object.find("offered")) {
    check(offered->is_array(), "{}: offered must be a list", where);
    for (const auto& name : *offered) {
      check(name.is_string(), "{}: offered must be a list of strings", where);
      state.offered.push_back(name);
    }
  }
  return state;
}

std::string_view name_of(Outcome outcome) {
  constexpr std::string_view names[] = {"answer", "ask", "refuse", "hand over"};
  return names[size_t(outcome)];
}

Reply reply_to(const Assistant& assistant, const std::string& text, State& state, bool with_words) {
  check(text::is_utf8(text), "'{}' is not valid UTF-8", engine::shown(text));
  check(!text::is_blank(text), "a question must have a word in it");
  Reply reply;
  reply.understood = assistant.understand({text})[0];
  Turn(assistant, state, reply).decide();
  if (with_words) reply.words = assistant.words(text, reply.understood.ranked[0]);
  return reply;
}

ordered_json to_json(const Assistant& assistant, const Reply& reply, const State& state) {
  const Understanding& u = reply.understood;
  const auto named = [&](int k) {
    return ordered_json{{"intent", assistant.knowledge().intents[size_t(k)].name}, {"certainty", u.p[size_t(k)]}};
  };
  const double best = u.p[size_t(u.ranked[0])];
  const bool refused = reply.outcome == Outcome::refuse || reply.outcome == Outcome::hand_over;
  ordered_json out{{"outcome", name_of(reply.outcome)}, {"text", reply.text}, {"intent", reply.intent}};
  const Intent* said = assistant.knowledge().find(reply.intent);
  out["certainty"] = refused ? 1 - best : said ? u.p[size_t(said - assistant.knowledge().intents.data())] : best;
  out["options"] = out["ranking"] = ordered_json::array();
  for (const int k : reply.options) out["options"].push_back(named(k));
  for (size_t i = 0; i < std::min(u.ranked.size(), size_t(5)); ++i) out["ranking"].push_back(named(u.ranked[i]));
  out["slots"] = state.slots;
  out["articles"] = ordered_json::array();
  for (const Found& f : reply.articles) {
    const Article& a = assistant.index().articles()[size_t(f.article)];
    out["articles"].push_back({{"id", a.id},
                               {"title", a.title},
                               {"text", a.text},
                               {"score", f.score},
                               {"cosine", f.cosine},
                               {"words", f.words}});
  }
  out["nearest"] = {{"text", u.nearest}, {"cosine", u.cosine}};
  out["rule"] = reply.rule;
  out["scope"] = {{"detector", assistant.promises().detector}, {"score", u.score}, {"in", u.in_scope}};
  if (std::isfinite(assistant.calibration().threshold)) out["scope"]["threshold"] = assistant.calibration().threshold;
  for (const Assistant::Word& w : reply.words)
    out["words"].push_back({{"word", w.word}, {"share", w.share}, {"attention", w.attention}});
  out["state"] = state.json();
  return out;
}

}  // namespace answer
