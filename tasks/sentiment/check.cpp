// A look at files before training. Read tasks/spec/findings.h and tasks/objective/defaults.h first.
#include "tasks/sentiment/check.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "engine/strings.h"
#include "nn/format/files.h"
#include "nn/format/json_value.h"
#include "tasks/model/shipped.h"
#include "tasks/objective/defaults.h"
#include "tasks/run/console.h"
#include "tasks/run/directory.h"
#include "tasks/spec/findings.h"
#include "tasks/text/batches.h"
#include "tasks/text/tokenizer_files.h"

namespace sentiment {

namespace {

using nn::ordered_json;

constexpr const char* kShipped = "mini";
constexpr int kMaxLength = 128;    // tokens that `train` reads where it is not told otherwise
constexpr double kTrained = 0.8;   // of the texts, where it is not told otherwise
constexpr long kFewTexts = 10;     // of a class, to learn it from
constexpr size_t kRareShown = 12;  // rare classes

struct Question {
  std::vector<std::string> files;
  spec::DataOptions how;
  std::string out;
};

std::string quoted(const std::string& word) {
  constexpr const char* kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./=,";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// The command line that trains on these files, as they were described here.
std::string next_command(const run::Options& options, const Question& q, const std::string& head) {
  std::error_code error;
  const auto program = std::filesystem::relative(std::filesystem::read_symlink("/proc/self/exe", error), error);
  const std::string path = program.has_parent_path() ? program.string() : "./" + program.string();
  std::string line = (error ? "sentiment" : quoted(path)) + " train --data";
  for (const std::string& file : q.files) line += " " + quoted(file);
  const spec::DataOptions& how = q.how;
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"--text-column", how.text_column},
                                                        {"--pair-column", how.pair_column},
                                                        {"--label-column", how.label_column},
                                                        {"--labels", how.labels},
                                                        {"--format", how.format},
                                                        {"--delimiter", how.delimiter},
                                                        {"--sheet", how.sheet},
                                                        {"--encoding", how.encoding}})
    if (options.given(name)) line += " " + name + " " + quoted(value);
  if (how.no_header) line += " --no-header";
  return head == "label" ? line : line + " --head " + head;
}

// How long the texts are, in the shipped encoder's tokens or, without it, in words.
ordered_json lengths_of(const std::vector<text::Example>& rows, const std::optional<text::WordPiece>& tokenizer) {
  std::vector<long> lengths;
  for (const text::Example& e : rows) {
    const auto count = [&](const std::string& t) {
      return tokenizer ? long(tokenizer->tokenize(t).size()) : long(spec::words_of(t).size());
    };
    const long special = tokenizer ? (e.pair.empty() ? 2 : 3) : 0;  // [CLS] and [SEP]
    lengths.push_back(count(e.text) + count(e.pair) + special);
  }
  std::sort(lengths.begin(), lengths.end());
  const auto at = [&](double share) { return lengths[size_t(share * double(lengths.size() - 1))]; };
  const long over = std::count_if(lengths.begin(), lengths.end(), [](long n) { return n > kMaxLength; });
  return {{"unit", tokenizer ? "tokens" : "words"}, {"shortest", lengths.front()}, {"half_up_to", at(0.5)},
          {"95_percent_up_to", at(0.95)},           {"longest", lengths.back()},   {"over_128", over}};
}

// label, ordinal or regression.
std::string likely_head(const text::Labels& labels) {
  const bool numbers = std::all_of(labels.names().begin(), labels.names().end(), [](const std::string& name) {
    return engine::parse_number<double>(name).has_value();
  });
  if (spec::are_ratings(labels)) return "ordinal";
  return numbers && !spec::are_whole_numbers(labels) && labels.size() > 2 ? "regression" : "label";
}

std::vector<std::string> warnings_of(const ordered_json& facts, const spec::EqualTexts& equal) {
  std::vector<std::string> warnings;
  const long n = facts["texts"];
  if (equal.contradictions)
    warnings.push_back(fmt::format("texts with more than one label: {}, first {}", equal.contradictions, equal.first));
  if (equal.repeats) warnings.push_back(fmt::format("texts that stood there before: {} of {}", equal.repeats, n));
  if (const long empty = facts["nearly_empty"]) warnings.push_back(fmt::format("texts of one word or none: {}", empty));
  const long over = facts["lengths"]["over_128"];
  if (2 * over > n)
    warnings.push_back(
        fmt::format("{} of {} texts are longer than the {} tokens that are read; --long window reads all "
                    "of them",
                    over, n, kMaxLength));
  if (facts.contains("words") && facts["words"]["unknown"].get<double>() > 0.05)
    warnings.push_back(fmt::format("{:.0f} % of the words are unknown to mini (emoji? another script?)",
                                   100 * facts["words"]["unknown"].get<double>()));
  if (const size_t labels = facts["classes"].size(); facts["head"] == "label" && 2 * long(labels) > n)
    warnings.push_back(fmt::format("{} labels for {} texts: are they in this column?", labels, n));
  std::vector<std::string> rare;
  for (const auto& [label, count] : facts["classes"].items())
    if (count.get<long>() < kFewTexts) rare.push_back(label);
  if (!rare.empty() && facts["head"] != "regression")
    warnings.push_back(
        fmt::format("labels of fewer than {} texts: {}{}", kFewTexts,
                    fmt::join(rare.begin(), rare.begin() + long(std::min(rare.size(), kRareShown)), ", "),
                    rare.size() > kRareShown ? fmt::format(" and {} more", rare.size() - kRareShown) : ""));
  return warnings;
}

ordered_json facts_of(const std::vector<text::Example>& rows, const text::Labels& labels) {
  const std::string directory = model::model_at(kShipped);
  std::optional<text::WordPiece> tokenizer;
  if (directory != kShipped) tokenizer = text::load_tokenizer(directory).tokenizer;
  ordered_json facts{{"texts", rows.size()}, {"head", likely_head(labels)}};
  engine::Indices classes;
  for (const text::Example& e : rows) classes.push_back(e.label);
  const std::vector<long> counts = spec::class_counts(classes, labels.size());
  for (int k = 0; k < labels.size(); ++k) facts["classes"][labels.name(k)] = counts[size_t(k)];
  facts["lengths"] = lengths_of(rows, tokenizer);
  if (tokenizer) {
    const text::Coverage words = text::coverage_of(rows, *tokenizer);
    facts["words"] = {{"whole", words.whole_share()}, {"unknown", words.unknown_share()}};
  }
  const spec::EqualTexts equal = spec::equal_texts(rows, labels);
  facts["repeats"] = equal.repeats;
  facts["contradictions"] = equal.contradictions;
  facts["nearly_empty"] = spec::nearly_empty(rows);
  objective::TextFacts decides = objective::facts_of(rows, facts["head"] == "label" ? labels.size() : 0, kMaxLength);
  decides.texts = std::lround(kTrained * double(rows.size()));
  const objective::ModelChoice choice = objective::choose_model(decides);
  facts["model"] = choice.model;
  facts["why"] = choice.why;
  facts["warnings"] = warnings_of(facts, equal);
  return facts;
}

void print(const ordered_json& facts, const Question& q) {
  const ordered_json& lengths = facts["lengths"];
  fmt::print("{}: {} texts in '{}', labels in '{}'\n", fmt::join(q.files, ", "), facts["texts"].get<long>(),
             q.how.text_column, q.how.label_column);
  std::vector<std::string> classes;
  for (const auto& [label, count] : facts["classes"].items())
    classes.push_back(fmt::format("{} {}", text::shown(label), count.get<long>()));
  const std::string head = fmt::format("{} labels: ", classes.size());
  fmt::print("{}{}\n", head, text::listed(classes, run::terminal_width() - head.size()));
  fmt::print("{} of a text: {} at least, half of them up to {}, 95 % up to {}, {} at most\n",
             lengths["unit"].get<std::string>(), lengths["shortest"].get<long>(), lengths["half_up_to"].get<long>(),
             lengths["95_percent_up_to"].get<long>(), lengths["longest"].get<long>());
  if (facts.contains("words"))
    fmt::print("mini knows {:.0f} % of the words as a whole, {:.1f} % not at all\n",
               100 * facts["words"]["whole"].get<double>(), 100 * facts["words"]["unknown"].get<double>());
  for (const ordered_json& warning : facts["warnings"]) fmt::print("warning: {}\n", warning.get<std::string>());
  if (facts["head"] == "ordinal")
    fmt::print(
        "the labels are whole numbers: if they are ratings, --head ordinal knows their order; if they are numbers "
        "of classes, leave it out\n");
  fmt::print("train would take --model {}: {}\n\nnext: {}\n", facts["model"].get<std::string>(),
             facts["why"].get<std::string>(), facts["next"].get<std::string>());
}

}  // namespace

void check_command(run::Options& options, const run::Parse& parse) {
  Question q;
  options.add("FILE", q.files, "files with texts and labels, or LABEL=FILE").reads().required();
  q.how.declare(options, true);
  options.add("--out", q.out, "also write what was found as JSON to this file").writes();
  parse();
  const text::Examples examples = q.how.read(q.files, text::Labels::parse(q.how.labels));
  q.how.take(examples.columns);
  engine::check(!examples.rows.empty(), "there is no text in {}", fmt::format("{}", fmt::join(q.files, ", ")));
  ordered_json facts = facts_of(examples.rows, examples.labels);
  facts["next"] = next_command(options, q, facts["head"]);
  print(facts, q);
  if (!q.out.empty()) nn::write_file(q.out, facts.dump(2) + "\n");
}

}  // namespace sentiment
