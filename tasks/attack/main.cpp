// Attack: how few words have to be changed until a classifier errs. The search is in search.cpp; this is its table.
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "nn/format/files.h"
#include "tasks/attack/victim.h"
#include "tasks/command/labelled.h"
#include "tasks/run/console.h"
#include "tasks/run/directory.h"
#include "tasks/run/progress.h"
#include "tasks/score/proportions.h"
#include "tasks/text/wordnet.h"

namespace {

using attack::Attempt;
using attack::Outcome;
using engine::check;
using nn::ordered_json;

struct Attack {
  model::Request given;
  std::vector<std::string> data;
  std::string by = "wordnet", lexicon = text::WordNet::kPlace, out;
  long texts = 200, examples = 5;
  uint64_t seed = 1;
  attack::Limits limits;

  void declare(run::Options& options);
  attack::Candidates candidates() const;
};

void Attack::declare(run::Options& options) {
  given.declare(options, true);
  options.add("--data", data, "files with texts and labels, or LABEL=FILE; the embedded test set if not given").reads();
  options.add("--by", by, "what stands in for a word: wordnet, its synonyms; characters, slips inside of it")
      .one_of({"wordnet", "characters"});
  options.add("--lexicon", lexicon, "directory of WordNet's files (Debian: wordnet-base)")
      .only_with("--by", {"wordnet"});
  options.add("--texts", texts, "so many texts, drawn by --seed; 0: all").not_negative();
  options.add("--seed", seed, "of the draw, and of slips");
  options.add("--queries", limits.queries, "at most so many questions to the model for a text").positive();
  options.add("--changed", limits.changed, "at most this share of its words").between(0, 1);
  options.add("--examples", examples, "so many examples on the screen").not_negative();
  options.add("--out", out, "also write every attempt, one JSON object a line").writes();
}

attack::Candidates Attack::candidates() const {
  if (by == "characters") return attack::slips(seed);
  const auto words = std::make_shared<text::WordNet>(lexicon);
  return [words](std::string word) {
    for (char& c : word)
      if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    return words->synonyms(word);
  };
}

const char* name_of(Outcome outcome) {
  const char* names[] = {"skipped", "failed", "successful", "unfinished"};
  return names[int(outcome)];
}

std::string share(long k, long n) {
  if (n == 0) return "no text";
  const score::Bounds b = score::wilson(k, n);
  return fmt::format("{:.1f} % [{:.1f}, {:.1f}]", 100 * double(k) / double(n), 100 * b.low, 100 * b.high);
}

// The texts that are attacked, by their places in the set, in its order.
std::vector<int> chosen(long all, long wanted, uint64_t seed) {
  std::vector<int> rows = engine::permutation(int(all), {seed, engine::Stream::sample});
  if (wanted > 0) rows.resize(size_t(std::min(all, wanted)));
  std::sort(rows.begin(), rows.end());
  return rows;
}

ordered_json to_json(const Attempt& a, const text::Example& example, const std::vector<std::string>& labels,
                     int label) {
  ordered_json swaps = ordered_json::array();
  for (const auto& [from, to] : a.swaps) swaps.push_back({from, to});
  return {{"text", example.text},   {"label", labels[size_t(label)]}, {"outcome", name_of(a.outcome)},
          {"changed_text", a.text}, {"said", labels[size_t(a.said)]}, {"words", a.words},
          {"changed", a.changed},   {"queries", a.queries},           {"swaps", swaps}};
}

void report(const Attack& o, const std::vector<Attempt>& attempts, const std::string& lines) {
  std::map<Outcome, long> count;
  double changed = 0, queries = 0;
  for (const Attempt& a : attempts) {
    ++count[a.outcome];
    if (a.outcome == Outcome::successful) changed += double(a.changed) / double(a.words);
    if (a.outcome != Outcome::skipped) queries += double(a.queries);
  }
  const long n = long(attempts.size()), won = count[Outcome::successful], tried = n - count[Outcome::skipped];
  fmt::print("\nright before       {} of {} texts\nright under attack {}\nsuccess            {} of {} attacked ones\n",
             share(tried, n), n, share(tried - won, n), share(won, tried), tried);
  if (won) fmt::print("words changed      {:.1f} % of a text, on average\n", 100 * changed / double(won));
  if (tried)
    fmt::print("queries            {:.1f} a text, at most {}; {} texts needed more\n", queries / double(tried),
               o.limits.queries, count[Outcome::unfinished]);
  if (!o.out.empty()) nn::write_file(o.out, lines);
  fmt::print("result task=attack by={} before={:.4f} under={:.4f} success={:.4f} changed={:.4f} queries={:.1f} n={}\n",
             o.by, double(tried) / double(n), double(tried - won) / double(n), tried ? double(won) / double(tried) : 0,
             won ? changed / double(won) : 0, tried ? queries / double(tried) : 0, n);
}

void print_example(const Attempt& a, const std::string& label, const std::string& said) {
  std::vector<std::string> swaps;
  for (const auto& [from, to] : a.swaps) swaps.push_back(from + " -> " + to);
  fmt::print("{} becomes {}: {}\n  {}\n", label, said, fmt::join(swaps, ", "), a.text);
}

void attack_command(run::Options& options, const run::Parse& parse) {
  Attack o;
  o.declare(options);
  parse();
  const attack::Candidates candidates = o.candidates();
  run::print_setup("attack", "run");
  const auto model = o.given.load(options);
  check(model->only_task().head == nn::Predicts::label, "{}: only a classifier of one label a text is attacked",
        o.given.directory);
  const spec::TaskSet set = command::labelled(options, o.given, o.data, *model);
  const std::vector<text::Example>& examples = set.corpora[0].examples[spec::kTest];
  const std::vector<std::string>& labels = model->labels();
  check(std::ranges::none_of(examples, [](const text::Example& e) { return !e.pair.empty(); }),
        "texts in pairs are not attacked");
  const attack::Victim victim = attack::asking(*model, o.given.reading);
  const std::vector<int> rows = chosen(long(examples.size()), o.texts, o.seed);
  check(!rows.empty(), "there is no text to attack");
  run::Progress progress("attack", long(rows.size()));
  std::vector<Attempt> attempts;
  std::string lines;
  long shown = 0;
  for (const int row : rows) {
    const text::Example& e = examples[size_t(row)];
    attempts.push_back(attack::pwws(victim, candidates, e.text, e.label, o.limits));
    const Attempt& a = attempts.back();
    lines += to_json(a, e, labels, e.label).line() + "\n";
    progress.update(long(attempts.size()));
    if (a.outcome != Outcome::successful || shown++ >= o.examples) continue;
    progress.interrupt();
    print_example(a, labels[size_t(e.label)], labels[size_t(a.said)]);
  }
  progress.interrupt();
  report(o, attempts, lines);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(argc, argv, "attack", "Change as few words of texts as it takes until a classifier errs.",
                      {{"run", "attack a trained classifier on labelled texts", attack_command}});
}
