// Conversation: from what is understood to what is said, and what is remembered from one question to the next.
#pragma once

#include "tasks/answer/assistant.h"

namespace answer {

// The intents between which a question lies: none, it is refused; one, it is answered; two or three, the conformal
// set's likeliest: it is asked back. A set of none, which a question has that is between many, counts as the two
// likeliest.
constexpr size_t kMostOptions = 3;
std::vector<int> options_of(const Understanding& u);

// What is remembered: the intent that was answered last, every slot's last value, and what was asked back.
struct State {
  std::string intent;
  std::map<std::string, std::string> slots;
  std::vector<std::string> offered;  // intents, after "did you mean"
  std::string question;              // that they were offered for
  std::string wanted;                // the slot that was asked for, of `intent`
  long asked = 0;                    // for it, times in succession
  long refusals = 0;                 // in succession

  nn::ordered_json json() const;
  static State from(const nn::json& object, const std::string& where);  // Error: not of this form
};

enum class Outcome { answer, ask, refuse, hand_over };
std::string_view name_of(Outcome outcome);

struct Reply {
  Outcome outcome = Outcome::refuse;
  std::string text, intent;
  std::string rule;  // which rule decided, with its numbers
  Understanding understood;
  std::vector<int> options;            // of ask
  std::vector<Found> articles;         // of refuse
  std::vector<Assistant::Word> words;  // where they are asked for
};

// In this order:
//   a choice      after "did you mean": a number, yes or the first, the name or first question of an intent; none of
//                 these: the question that they were offered for is refused
//   a value       after a slot was asked for: what the head of slots marks as it; or a text of at most four words as it
//                 stands, if no question has marks for this slot, or if it is no question of one intent, or if it was
//                 asked for twice and this is no question of another intent
//   an answer     one intent is left: its template, filled with the slots of the question or of those before. A slot
//                 without a value is asked for
//   carried over  no answer by itself, but the question has a value for a slot of the last answer: that one again
//   ask           two or three intents are left
//   refuse        out of scope: the nearest articles; or, a second time in succession or where no article shares a
//                 word, hand over
Reply reply_to(const Assistant& assistant, const std::string& text, State& state, bool with_words);

// {"outcome": ..., "text": ..., "intent": ..., "certainty": p, "options": [{"intent", "certainty"}],
//  "ranking": the five likeliest, "slots": {...},
//  "articles": [{"id", "title", "text", "score", "cosine", "words"}], "nearest": {"text", "cosine"}, "rule": ...,
//  "scope": {"detector", "score", "threshold"}, "words": [{"word", "share", "attention"}], "state": {...}}
// certainty is that of what was decided: of a refusal 1 - the likeliest intent's.
nn::ordered_json to_json(const Assistant& assistant, const Reply& reply, const State& state);

}  // namespace answer
