// Events and figures as other programs read them. Read board.h before.
#include "tasks/monitor/output.h"

#include <algorithm>
#include <cmath>

#include "tasks/monitor/clock.h"

namespace monitor {

using nn::ordered_json;

namespace {

std::string about(const Event& e) {
  for (const auto& [name, value] : e.labels)
    if (name == "topic" || name == "entity") return " about " + value;
  return "";
}

std::string rarity(double p) { return fmt::format("by chance once in {:.2g} such bins", 1 / std::max(p, 1e-300)); }

}  // namespace

std::string sentence_of(const Event& e) {
  if (e.kind == "stream")
    return e.what == "firing" ? fmt::format("no text came where {:.1f} were expected: nothing is known", e.ordinary)
                              : "texts come again";
  if (e.what == "no data") return "no text comes: whether it goes on is not known";
  const double times = e.ordinary > 0 ? e.seen / e.ordinary : 0;
  if (e.kind == "volume")
    return fmt::format("{:.0f} texts{} in {}, {:.2g} times the {:.1f} that were expected; {}", e.seen, about(e),
                       show_span(e.window), times, e.ordinary, rarity(e.p));
  const std::string counts =
      fmt::format("{:.0f} of {:.0f} texts{} in {} are negative, {:.0f} % where {:.0f} % is usual", e.seen, e.texts,
                  about(e), show_span(e.window), 100 * e.share, 100 * e.usual);
  if (e.kind == "drift") return counts + ": it has been rising slowly; " + rarity(e.p);
  return fmt::format("{}, {:.2g} times the {:.1f} that were expected; {}", counts, times, e.ordinary, rarity(e.p));
}

ordered_json to_json(const Event& e, const Words& words) {
  ordered_json j{{"event", e.what}, {"alert", e.kind}};
  for (const auto& [name, value] : e.labels) j["labels"][name] = value;
  j["fingerprint"] = fingerprint_of(e.labels);
  j["starts_at"] = show_time(e.first);
  j["at"] = show_time(e.at);
  if (e.what == "resolved") j["lasted"] = show_span(std::max(0L, e.at - e.first));
  j["what"] = sentence_of(e);
  j["p"] = e.p;
  j["seen"] = e.seen;
  j["expected"] = e.ordinary;
  if (e.texts > 0) j["texts_in_window"] = e.texts;
  if (e.usual > 0) j["share"] = e.share, j["usual_share"] = e.usual;
  if (e.window > 0) j["window"] = show_span(e.window);
  if (e.what == "resolved") return j;
  for (const Shown& s : e.shown) {
    ordered_json text{{"text", s.text}, {"time", show_time(s.time)}, {"line", s.line}, {"p", s.weight}};
    if (!s.source.empty()) text["source"] = s.source;
    if (words)
      if (const std::string said = words(s.text, e); !said.empty()) text["words"] = said;
    j["texts"].push_back(text);
  }
  return j;
}

ordered_json to_webhook(const Event& e, const Words& words) {
  if (e.what != "firing" && e.what != "resolved") return nullptr;
  ordered_json labels = ordered_json::object(), annotations{{"summary", sentence_of(e)}};
  for (const auto& [name, value] : e.labels) labels[name] = value;
  for (size_t i = 0; i < e.shown.size() && e.what == "firing"; ++i) {
    const std::string said = words ? words(e.shown[i].text, e) : "";
    annotations[fmt::format("text{}", i + 1)] = e.shown[i].text + (said.empty() ? "" : "  [" + said + "]");
  }
  const bool resolved = e.what == "resolved";
  const ordered_json alert{{"status", e.what},
                           {"labels", labels},
                           {"annotations", annotations},
                           {"startsAt", show_time(e.first)},
                           {"endsAt", resolved ? show_time(e.at) : "0001-01-01T00:00:00Z"},
                           {"generatorURL", ""},
                           {"fingerprint", fingerprint_of(e.labels)}};
  const std::string name = labels["alertname"];
  return {{"version", "4"},         {"groupKey", "{}:{alertname=\"" + name + "\"}"},
          {"truncatedAlerts", 0},   {"status", e.what},
          {"receiver", "attune"},   {"groupLabels", {{"alertname", name}}},
          {"commonLabels", labels}, {"commonAnnotations", annotations},
          {"externalURL", ""},      {"alerts", ordered_json::array({alert})}};
}

namespace {

std::string quoted(const std::string& value) {
  std::string out = "\"";
  for (const char c : value) out += c == '\\' ? "\\\\" : c == '"' ? "\\\"" : c == '\n' ? "\\n" : std::string(1, c);
  return out + "\"";
}

std::string family(const char* name, const char* type, const char* help) {
  return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

}  // namespace

std::string metrics_of(const Board& board, const Figures& f) {
  std::string out = family("monitor_records_total", "counter", "Records of the stream, good and bad ones.");
  out += fmt::format("monitor_records_total {}\n", f.records);
  out += family("monitor_texts_total", "counter", "Texts that were counted.");
  out += fmt::format("monitor_texts_total {}\n", f.texts);
  out += family("monitor_repeats_total", "counter", "Texts that told a story once more.");
  out += fmt::format("monitor_repeats_total {}\n", f.repeats);
  out += family("monitor_bad_records_total", "counter", "Records that were left out, by what is wrong with them.");
  for (const auto& [kind, count] : f.bad)
    out += fmt::format("monitor_bad_records_total{{kind={}}} {}\n", quoted(kind), count);
  out += family("monitor_bin_texts", "gauge", "Texts of the last bin that is closed.");
  std::string expected = family("monitor_bin_texts_expected", "gauge", "What was expected there.");
  std::string share = family("monitor_negative_share", "gauge", "Negatives among the texts of that bin.");
  std::string alerts = family("ALERTS", "gauge", "Alerts that are pending or fire.");
  for (const auto& [key, s] : board.series()) {
    const std::string labels = fmt::format("{{kind={},name={}}}", quoted(s.kind), quoted(s.name));
    if (!s.history.empty() && s.history.back().known) {
      out += fmt::format("monitor_bin_texts{} {:g}\n", labels, s.history.back().texts);
      expected += fmt::format("monitor_bin_texts_expected{} {:g}\n", labels, s.history.back().expected);
      share += fmt::format("monitor_negative_share{} {:g}\n", labels, s.history.back().share);
    }
    for (const auto& [kind, alert] : s.alerts)
      if (alert.state != State::inactive)
        alerts += fmt::format("ALERTS{{alertname={},alertstate={},{}={}}} 1\n", quoted(kind),
                              quoted(name_of(alert.state)), s.kind, quoted(s.name));
  }
  return out + expected + share + alerts;
}

}  // namespace monitor
