// A stream that is drawn: rates by hour and weekday, counts, texts in turn. Read recording.h before.
#include "tasks/monitor/recording.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

#include "engine/random.h"
#include "nn/format/json_value.h"
#include "tasks/monitor/clock.h"
#include "tasks/text/data.h"
#include "tasks/text/embedded.h"

namespace monitor {

namespace {

constexpr long kBegin = 1704067200;  // 2024-01-01T00:00:00Z, a Monday
const char* const kTopics[] = {"finance", "support", "films", "restaurants", "travel"};
const char* const kMoods[] = {"negative", "positive", "neutral"};
const char* const kSources[] = {"forum", "press", "mail", "shop"};
constexpr double kDispersion = 1.4;  // variance over mean of an hour's count

// Uniform numbers, one after the other, of a seed.
class Dice {
 public:
  explicit Dice(uint64_t seed) : random_{seed, engine::Stream::sample} {}
  double uniform() {
    uint32_t word = 0;
    random_.words(count_++, 1, &word);
    return (double(word) + 0.5) / 4294967296.0;
  }
  long below(long n) { return std::min(n - 1, long(uniform() * double(n))); }
  // Negative binomial of this mean, its variance kDispersion times that, by adding up probabilities.
  long count(double mean) {
    const double r = mean / (kDispersion - 1), q = 1 - 1 / kDispersion;
    double p = std::pow(1 / kDispersion, r), sum = p;
    const double u = uniform();
    long x = 0;
    for (; u > sum && x < 10000; ++x) sum += p *= q * (r + double(x)) / double(x + 1);
    return x;
  }

 private:
  engine::Random random_;
  uint64_t count_ = 0;
};

// How much of a day's texts an hour has, times 24; weekends are quieter.
double rhythm(long hour_of_week) {
  const double hour = double(hour_of_week % 24);
  const double day = 1 + 0.7 * std::sin(2 * M_PI * (hour - 8) / 24) + 0.2 * std::sin(4 * M_PI * (hour - 8) / 24);
  return day * (hour_of_week / 24 >= 5 ? 0.65 : 1.14);
}

// The texts of a topic and a mood, each in its turn, in an order of the seed.
struct Texts {
  std::vector<std::string> texts;
  size_t next = 0;
  const std::string& take() { return texts[next++ % texts.size()]; }
};

std::map<std::string, Texts> held_out(uint64_t seed) {
  const text::Table table = text::parse_table(std::string(text::embedded_sentiment()), text::kSentimentCorpus, {});
  const size_t words = table.column("text"), label = table.column("label"), topic = table.column("topic"),
               split = table.column("split");
  std::map<std::string, Texts> texts;
  for (const auto& row : table.rows)
    if (row[split] != "train") texts[row[topic] + "/" + row[label]].texts.push_back(row[words]);
  uint32_t which = 0;
  for (auto& [key, cell] : texts) {
    const std::vector<int> order =
        engine::permutation(int(cell.texts.size()), {seed, engine::Stream::shuffle, 0, which++});
    std::vector<std::string> mixed;
    for (const int i : order) mixed.push_back(cell.texts[size_t(i)]);
    cell.texts = mixed;
  }
  return texts;
}

double times(const Surge& surge, const std::string& topic, long day, bool negative) {
  if (topic != surge.topic || day < surge.day || day >= surge.day + surge.days) return 1;
  return negative ? surge.negatives : surge.all;
}

}  // namespace

std::string recording(const RecordingOptions& o) {
  Dice dice(o.seed);
  std::map<std::string, Texts> texts = held_out(o.seed);
  struct Line {
    long time;
    std::string json;
  };
  std::vector<Line> lines;
  for (long hour = 0; hour < 24 * o.days; ++hour)
    for (const char* topic : kTopics)
      for (const char* mood : kMoods) {
        const bool negative = mood == kMoods[0];
        double mean = o.texts_a_day / 72 * rhythm(hour % 168) * times(kDecoy, topic, hour / 24, negative);
        for (const Surge& surge : kSurges) mean *= times(surge, topic, hour / 24, negative);
        for (long n = dice.count(mean); n > 0; --n) {
          const long time = kBegin + 3600 * hour + dice.below(3600);
          const nn::ordered_json json{{"time", show_time(time)},
                                      {"text", texts[std::string(topic) + "/" + mood].take()},
                                      {"source", kSources[dice.below(4)]},
                                      {"topic", topic},
                                      {"sentiment", mood}};
          const long late = dice.uniform() < 0.02 ? dice.below(900) : 0;
          lines.push_back({time + late, json.dump()});
          if (dice.uniform() < 0.03) lines.push_back({time + late + 60 + dice.below(1800), json.dump()});  // once more
        }
      }
  std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.time < b.time; });
  std::string out;
  for (const Line& line : lines) out += line.json + "\n";
  return out;
}

}  // namespace monitor
