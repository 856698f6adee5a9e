// A board as JSON, and back. Read board.h before.
#include "tasks/monitor/board.h"

#include "nn/format/json.h"

namespace monitor {

using engine::check;
using nn::json;

json Board::saved() const {
  json all{{"closed", closed_},   {"newest", newest_},   {"jumps", jumps_},
           {"silence", silence_}, {"no_data", no_data_}, {"silent_since", silent_since_}};
  all["series"] = json::array();
  for (const auto& [key, s] : series_) all["series"].push_back(s.saved());
  all["open"] = json::array();
  for (const auto& [bin, cells] : open_)
    for (const auto& [key, cell] : cells) {
      const size_t cut = key.find('\xff');
      all["open"].push_back(
          {{"bin", bin}, {"kind", key.substr(0, cut)}, {"name", key.substr(cut + 1)}, {"cell", cell.saved()}});
    }
  return all;
}

namespace {

// A time, a bin or a count.
long number(const json& value) {
  constexpr long kMost = 1e10;  // seconds: the year 2286
  check(value.is_number_integer() && value >= -kMost && value <= kMost, "a state with {}, where a time must be",
        nn::shown_json(value));
  return value;
}

}  // namespace

void Board::restore(const json& saved) {
  closed_ = number(saved.at("closed"));
  newest_ = number(saved.at("newest"));
  jumps_ = int(number(saved.at("jumps")) % 1000);
  silence_ = saved.at("silence");
  no_data_ = saved.at("no_data");
  silent_since_ = saved.contains("silent_since") ? number(saved.at("silent_since")) : seconds_of(closed_);
  for (const json& s : saved.at("series")) {
    const std::string kind = s.at("kind"), name = s.at("name");
    Series& to = series_.emplace(kind + '\xff' + name, Series(kind, name, seasonal(), shares())).first->second;
    to.restore(s);
  }
  for (const json& o : saved.at("open"))
    open_[number(o.at("bin"))][o.at("kind").get<std::string>() + '\xff' + o.at("name").get<std::string>()] =
        Cell::restored(o.at("cell"));
}

}  // namespace monitor
