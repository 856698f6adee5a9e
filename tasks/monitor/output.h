// Output: an event as a person reads it, as a line of JSON, in Alertmanager's form; all of it as metrics.
#pragma once

#include "tasks/monitor/board.h"

namespace monitor {

// "34 of 41 texts about markets in 4h are negative, 83 % where 31 % is usual, 3.7 times the 9.1 that were expected; by
// chance once in 2.1e+06 such bins"
std::string sentence_of(const Event& event);

// `words` says what drew the attention in a text; without it texts have none.
using Words = std::function<std::string(const std::string& text, const Event& event)>;
nn::ordered_json to_json(const Event& event, const Words& words);

// The body of Alertmanager's webhook, version 4, of one alert: firing and resolved alone, anything else is null.
nn::ordered_json to_webhook(const Event& event, const Words& words);

// Counters of the stream.
struct Figures {
  long records = 0, texts = 0, repeats = 0, alerts = 0;
  std::map<std::string, long> bad = {};
};
// In the text form of Prometheus: monitor_texts_total ..., and ALERTS as Prometheus itself has it.
std::string metrics_of(const Board& board, const Figures& figures);

}  // namespace monitor
