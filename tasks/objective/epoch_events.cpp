// Curves and pictures of an epoch. Read tasks/run/event_log.h first, and tasks/attribution/attention.h: the maps.
#include "tasks/objective/epoch_events.h"

#include <algorithm>
#include <cmath>

#include "tasks/events/png.h"
#include "tasks/run/event_log.h"

namespace objective {

namespace {

constexpr long kSide = 512;  // pixels that a picture has at most, unless it has more tokens

// p of one class, and whether it holds: of a text without a target for this task nothing is known.
std::vector<events::Proto> curves_of(const spec::Task& task, const spec::Targets& targets,
                                     const model::Outputs& outputs) {
  const std::vector<std::string>& labels = task.spec.labels.names();
  const bool several = task.spec.head == nn::Predicts::labels;
  if ((!task.spec.one_class() && !several) || labels.size() >= model::kManyClasses) return {};
  std::vector<events::Proto> curves;
  for (size_t k = 0; k < labels.size(); ++k) {
    std::vector<double> p;
    std::vector<bool> holds;
    for (size_t i = 0; i < outputs.scores.size(); ++i) {
      p.push_back(std::clamp(outputs.scores[i][k], 0., 1.));
      holds.push_back(several ? targets.sets[i][k] : targets.classes[i] == int(k));
    }
    const std::string name = task.spec.name.empty() ? labels[k] : task.spec.name + "/" + labels[k];
    curves.push_back(events::pr_curve("pr/" + name, p, holds));
  }
  return curves;
}

}  // namespace

events::Proto picture_of(const std::string& tag, const attribution::AttentionMap& map) {
  const long rows = std::min(map.queries, kMostTokens), columns = std::min(map.keys, kMostTokens);
  const long dot = std::max(1L, kSide / std::max(rows, columns));  // pixels of a number
  std::vector<std::string> heads;
  for (long h = 0; h < map.heads; ++h) {
    std::vector<uint8_t> pixels;
    for (long y = 0; y < rows * dot; ++y)
      for (long x = 0; x < columns * dot; ++x) {
        const double p = double(map.p[size_t((h * map.queries + y / dot) * map.keys + x / dot)]);
        pixels.push_back(uint8_t(std::lround(255 * (1 - std::clamp(p, 0., 1.)))));
      }
    heads.push_back(events::grey_png(columns * dot, rows * dot, pixels));
  }
  return events::images(tag, columns * dot, rows * dot, heads);
}

void log_attention(run::Training& training, const model::TextModel& model, const text::Encoding& text) {
  run::EventLog* log = training.run().events();
  if (!log || text.ids.empty()) return;
  log->sparingly("attention", [&] {
    std::vector<events::Proto> pictures;
    for (const attribution::AttentionMap& map : attribution::attention_maps(model, text))
      pictures.push_back(picture_of("attention/" + std::to_string(pictures.size()), map));
    log->add(training.step() + 1, pictures);
  });
}

void log_epoch(run::Training& training, const model::TextModel& model, const spec::TaskSet& set,
               const std::vector<model::Outputs>& outputs) {
  run::EventLog* log = training.run().events();
  if (!log) return;
  for (size_t t = 0; t < set.tasks.size(); ++t)
    log->add(training.step() + 1, curves_of(set.tasks[t], set.tasks[t].targets[spec::kDev], outputs[t]));
  const std::vector<text::Encoding>& texts = set.corpora[0].texts[spec::kDev].windows;
  if (!texts.empty()) log_attention(training, model, texts[0]);
}

}  // namespace objective
