// Which model for how many texts, and how long it is trained. Read README.md, the table of that name, first.
#include "tasks/objective/defaults.h"

#include <algorithm>
#include <filesystem>

#include "engine/base.h"

#include "nn/format/config.h"
#include "tasks/model/shipped.h"
#include "tasks/text/tokenizer_files.h"

namespace objective {

namespace {

constexpr const char* kShipped = "mini";
constexpr double kSameLanguage =
    0.7;                            // of the words known as a whole: English has 0.75 and more, French 0.5, German 0.25
constexpr long kManyTexts = 20000;  // enough to learn words from
constexpr long kLookedAt = 2000;    // texts that tell the language

}  // namespace

TextFacts facts_of(const std::vector<text::Example>& train, long classes, long max_length) {
  TextFacts facts{.texts = long(train.size()), .classes = classes, .max_length = max_length};
  const std::string directory = model::model_at(kShipped);
  facts.ships = directory != kShipped && std::filesystem::exists(directory);
  if (!facts.ships) return facts;
  facts.positions = nn::read_config(directory + "/config.json").max_position_embeddings;
  facts.known = text::coverage_of(train, text::load_tokenizer(directory).tokenizer, kLookedAt).whole_share();
  return facts;
}

ModelChoice choose_model(const TextFacts& f) {
  const std::string known = fmt::format("{:.0f} % of their words", 100 * f.known);
  if (f.ships && f.known >= kSameLanguage && f.texts <= kManyTexts && f.max_length <= f.positions)
    return {kShipped, fmt::format("{} texts, and it knows {}", f.texts, known)};
  ModelChoice pool{"pool", ""};
  if (!f.ships)
    pool.why = "no encoder ships with this program";
  else if (f.known < kSameLanguage)
    pool.why = fmt::format("mini, which ships, knows {} only: another language", known);
  else if (f.max_length > f.positions)
    pool.why = fmt::format("mini, which ships, reads {} tokens at most", f.positions);
  else
    pool.why = fmt::format("{} texts are enough to learn words from", f.texts);
  // n-grams of characters stand in for a stem that is seen once; their table grows with the texts
  pool.options = {{"--length-exponent", "0.5"},
                  {"--subwords", f.texts < 2000    ? "10000"
                                 : f.texts < 20000 ? "30000"
                                                   : "100000"}};
  if (f.classes > 0 && f.classes <= 128) pool.options.emplace_back("--log-odds", "0.3");
  return pool;
}

PassesChoice choose_passes(long steps_per_epoch, long classes) {
  const auto passes = [&](long steps) { return (steps + steps_per_epoch - 1) / steps_per_epoch; };
  return {std::clamp(passes(kSteps + kStepsOfAClass * classes), kFewestPasses, kMostPasses),
          std::max(3L, passes(kPatientSteps))};
}

}  // namespace objective
