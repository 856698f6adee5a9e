// A series and its state as JSON, whose numbers come back to the bit. Read series.h before.
#include "tasks/monitor/series.h"

#include <algorithm>

#include "engine/random.h"

namespace monitor {

using nn::json;

namespace {

constexpr size_t kShown = 3;
constexpr size_t kLongest = 400;  // bytes of a text that is kept

bool before(const Shown& a, const Shown& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.time != b.time ? a.time < b.time : a.line < b.line;
}

Shown shown_of(const json& j) {
  return {j.at("weight"), j.at("time"), j.at("line"), j.at("text"), j.value("source", "")};
}

json list_of(const std::vector<Shown>& shown) {
  json list = json::array();
  for (const Shown& s : shown) list.push_back(to_json(s));
  return list;
}

std::vector<Shown> from_list(const json& list) {
  std::vector<Shown> shown;
  for (const json& j : list) shown.push_back(shown_of(j));
  return shown;
}

}  // namespace

json to_json(const Shown& s) {
  json j{{"weight", s.weight}, {"time", s.time}, {"line", s.line}, {"text", s.text}};
  if (!s.source.empty()) j["source"] = s.source;
  return j;
}

void Cell::show(Shown one) {
  if (shown.size() == kShown && !before(one, shown.back())) return;
  if (one.text.size() > kLongest) {
    size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(one.text[end]) & 0xC0) == 0x80) --end;
    one.text.resize(end);
  }
  if (std::any_of(shown.begin(), shown.end(), [&](const Shown& s) { return s.text == one.text; })) return;
  shown.insert(std::upper_bound(shown.begin(), shown.end(), one, before), std::move(one));
  if (shown.size() > kShown) shown.pop_back();
}

json Cell::saved() const { return {{"n", {texts, negatives, sum_topic, sum_negative}}, {"shown", list_of(shown)}}; }

Cell Cell::restored(const json& saved) {
  const std::vector<double> n = saved.at("n");
  return {n.at(0), n.at(1), n.at(2), n.at(3), from_list(saved.at("shown"))};
}

bool Series::firing() const {
  return std::any_of(alerts.begin(), alerts.end(), [](const auto& a) { return a.second.is_firing(); });
}

double Series::uniform(long bin) const {
  const uint64_t key = engine::hash_of(kind + '\xff' + name);
  const auto words =
      engine::philox4x32({uint32_t(bin), uint32_t(bin >> 32), 0, 0}, {uint32_t(key), uint32_t(key >> 32)});
  return (double(words[0]) + 0.5) / 4294967296.0;
}

void Series::skip() {
  volume.skip();
  negatives.skip();
  share.skip();
}

std::vector<Shown> Series::strongest(size_t bins) const {
  Cell cell;
  for (size_t i = 0; i < std::min(bins, history.size()); ++i)
    for (const Shown& s : history[history.size() - 1 - i].shown) cell.show(s);
  return cell.shown;
}

json Series::saved() const {
  json all{{"kind", kind},           {"name", name},   {"volume", volume.state()}, {"negatives", negatives.state()},
           {"share", share.state()}, {"drift", drift}, {"last_seen", last_seen}};
  all["alerts"] = json::object();
  for (const auto& [n, alert] : alerts) all["alerts"][n] = alert.saved();
  all["history"] = json::array();
  for (const Point& p : history)
    all["history"].push_back({{"n",
                               {p.texts, p.negatives, p.sum_topic, p.sum_negative, p.expected, p.low, p.high, p.share,
                                p.share_low, p.share_high, p.usual}},
                              {"bin", p.bin},
                              {"known", p.known},
                              {"alerts", p.alerts},
                              {"shown", list_of(p.shown)}});
  return all;
}

void Series::restore(const json& saved) {
  volume.restore(saved.at("volume").get<std::vector<double>>());
  negatives.restore(saved.at("negatives").get<std::vector<double>>());
  share.restore(saved.at("share").get<std::vector<double>>());
  drift = saved.at("drift");
  last_seen = saved.at("last_seen").get<long>();
  for (const auto& [n, alert] : saved.at("alerts").items()) alerts[n].restore(alert);
  for (const json& j : saved.at("history")) {
    const std::vector<double> n = j.at("n");
    history.push_back({j.at("bin"), j.at("known"), n.at(0), n.at(1), n.at(2), n.at(3), n.at(4), n.at(5), n.at(6),
                       n.at(7), n.at(8), n.at(9), n.at(10), j.at("alerts"), from_list(j.at("shown"))});
  }
}

}  // namespace monitor
