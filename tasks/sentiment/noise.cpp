// Confidence out of fold, counted. Read tasks/score/confident.h and tasks/sentiment/runs.h first.
#include "tasks/sentiment/noise.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>

#include "engine/random.h"
#include "nn/format/json.h"
#include "tasks/command/prediction_file.h"
#include "tasks/run/directory.h"
#include "tasks/score/confident.h"
#include "tasks/sentiment/figure.h"
#include "tasks/text/table_blocks.h"
#include "tasks/text/utf8.h"

namespace sentiment {

using engine::check;
using engine::Indices;
using nn::json;

Indices folds_of(const std::vector<text::Example>& examples, int folds, uint64_t seed) {
  check(folds <= long(examples.size()), "noise: {} folds need as many texts; there are {}", folds, examples.size());
  std::map<int, Indices> rows_of;
  for (const int row : engine::permutation(int(examples.size()), {seed, engine::Stream::sample}))
    rows_of[examples[size_t(row)].label].push_back(row);
  std::unordered_map<std::string, int> fold_of;
  Indices fold(examples.size());
  int next = 0;
  for (const auto& [label, rows] : rows_of)
    for (const int row : rows) {
      const auto [known, fresh] =
          fold_of.try_emplace(examples[size_t(row)].text + '\n' + examples[size_t(row)].pair, next);
      fold[size_t(row)] = known->second;
      if (fresh) next = (next + 1) % folds;
    }
  return fold;
}

namespace {

constexpr size_t kPairs = 12;          // of labels, in the figure
constexpr size_t kSuspectsShown = 10;  // texts on the screen
constexpr double kEnough = 0.7;        // of the labels that a model should agree with

struct Noise {
  objective::ClassifierOptions o;
  std::string out, by = "margin";
  int folds = 5;
  spec::TaskSpec task;
  std::vector<text::Example> examples;
  Indices given;                       // their labels
  std::vector<std::vector<double>> p;  // [n][K] out of fold
  score::ConfidentJoint joint;

  void declare(run::Options& options);
  void load();
  std::string file(const std::string& name) const { return out + ".folds/" + name; }
  spec::TaskSet without(int fold, const Indices& fold_of) const;
  void ask(const run::Options& options, const Train& train);
  double sureness(int i) const;
  int suggested(int i) const;
  Indices order() const;
  text::Table table(char& separator) const;
  void write(const Indices& order) const;
  std::vector<Bar> pairs() const;
  void show(const Indices& order) const;
};

void Noise::declare(run::Options& options) {
  o.declare_learning(options);
  options.add("--out", out, "all texts, the most suspicious first: .csv, .tsv or .jsonl; the figure beside it as .svg")
      .writes()
      .required();
  options.add("--folds", folds, "parts of the texts; each is judged by a model that was trained on the others")
      .between(2, 1000);
  options
      .add("--by", by, "the order: margin, the label's probability less the next one's; or self-confidence, it alone")
      .one_of({"margin", "self-confidence"});
  options.footer(
      "Every text of --data is judged by a model that has not seen it: `train` with these options, once for each "
      "fold.\n"
      "A label is suspected where another one is as probable as it usually is for texts that have it (confident\n"
      "learning: Northcutt et al. 2021). Suspects come first; look at them in this order, as long as you find "
      "mistakes.\n"
      "A run that was killed goes on with the folds that it had when the same command is given again.");
}

// All texts of all splits: here they are one.
void Noise::load() {
  check(o.predicts() == nn::Predicts::label || o.predicts() == nn::Predicts::ordinal,
        "noise: it is about labels; --head {} has none", o.head);
  spec::TaskSet set = o.load();
  task = set.tasks[0].spec;
  for (const int split : {spec::kTrain, spec::kDev, spec::kTest}) {
    if (split == spec::kTest && !set.corpora[0].separate_test) break;
    for (text::Example& e : set.corpora[0].examples[split]) examples.push_back(std::move(e));
  }
  for (const text::Example& e : examples) given.push_back(e.label);
  check(std::set<int>(given.begin(), given.end()).size() > 1,
        "noise: all {} texts have the label '{}'; none can be wrong", examples.size(),
        text::shown(task.labels.name(given[0])));
}

// The other folds, shared out to train and dev as --split says, and this one to be asked about.
spec::TaskSet Noise::without(int fold, const Indices& fold_of) const {
  std::vector<text::Example> rest, train, dev, test;
  for (size_t i = 0; i < examples.size(); ++i) (fold_of[i] == fold ? test : rest).push_back(examples[i]);
  text::Shares shares = text::Shares::parse(o.files.split);
  shares = {shares.train + shares.test, shares.dev, 0};
  text::split_stratified(rest, o.training.seed, shares);
  for (text::Example& e : rest) (e.split == "dev" ? dev : train).push_back(std::move(e));
  return spec::with_texts(task, train, dev, test);
}

void Noise::ask(const run::Options& options, const Train& train) {
  const Indices fold_of = folds_of(examples, folds, o.training.seed);
  p.resize(examples.size());
  for (int fold = 0; fold < folds; ++fold) {
    if (std::find(fold_of.begin(), fold_of.end(), fold) == fold_of.end()) continue;  // equal texts are in one
    const std::string kept = file(fmt::format("fold-{}.json", fold + 1));
    if (!std::filesystem::exists(kept)) {
      const Outcome outcome = train_on(train, options, without(fold, fold_of), o.training.seed, file("run"));
      nn::write_file(kept, json(outcome.outputs.scores).dump());
      run::print_note("fold {} of {}, {}: {}\n", fold + 1, folds, outcome.model, outcome.evaluation.line());
    }
    const auto scores = nn::read_json(kept).get<std::vector<std::vector<double>>>();
    size_t next = 0;
    for (size_t i = 0; i < examples.size(); ++i)
      if (fold_of[i] == fold) p[i] = scores.at(next++);
  }
}

double Noise::sureness(int i) const {
  const std::vector<double>& row = p[size_t(i)];
  return by == "margin" ? score::normalised_margin(row, given[size_t(i)]) : row[size_t(given[size_t(i)])];
}

// What a suspect's label should be, or the most probable one.
int Noise::suggested(int i) const {
  const std::vector<double>& row = p[size_t(i)];
  return joint.suspects(i, given[size_t(i)]) ? joint.believed[size_t(i)]
                                             : int(std::max_element(row.begin(), row.end()) - row.begin());
}

Indices Noise::order() const {
  Indices order(examples.size());
  std::iota(order.begin(), order.end(), 0);
  const auto rank = [&](int i) { return std::pair(!joint.suspects(i, given[size_t(i)]), sureness(i)); };
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return rank(a) < rank(b); });
  return order;
}

// The rows of the files beside the examples, where all files have the same columns; else what is known of the examples.
text::Table Noise::table(char& separator) const {
  text::Table read, rows;
  bool same = !o.files.all().empty();
  std::unordered_map<std::string, size_t> at;
  for (const std::string& path : o.files.paths()) {
    text::TableOptions how = o.files.how.table_options();
    how.keep_objects = true;
    text::TableBlocks blocks(path, how, 1L << 40);
    if (!blocks.next()) continue;
    const text::Table& next = blocks.table();
    if (read.rows.empty()) read.columns = next.columns, read.marked = next.marked, separator = blocks.separator();
    same = same && next.columns == read.columns;
    for (size_t r = 0; r < next.rows.size(); ++r) {
      at[fmt::format("{}:{}", next.path, next.lines[r])] = read.rows.size();
      read.rows.push_back(next.rows[r]);
      if (!next.objects.empty()) read.objects.push_back(next.objects[r]);
    }
  }
  rows.columns = same ? read.columns : std::vector<std::string>{"where", "text", "pair"};
  rows.marked = read.marked;
  for (const text::Example& e : examples) {
    const auto found = at.find(e.where);
    check(!same || found != at.end(), "noise: {} is no row of the files", e.where);
    rows.rows.push_back(same ? read.rows[found->second] : std::vector<std::string>{e.where, e.text, e.pair});
    if (same && read.objects.size() == read.rows.size()) rows.objects.push_back(read.objects[found->second]);
  }
  return rows;
}

void Noise::write(const Indices& order) const {
  char separator = 0;
  const text::Table rows = table(separator);
  command::PredictionFile to(
      out, rows, {"rank", "suspected", "given_label", "suggested_label", "probability", "given_probability"}, separator,
      "", false);
  const auto number = [](double x) { return model::Cell{fmt::format("{:.4f}", x), std::round(x * 1e4) / 1e4}; };
  for (size_t r = 0; r < order.size(); ++r) {
    const int i = order[r], own = given[size_t(i)], other = suggested(i);
    const std::string suspected = joint.suspects(i, own) ? "yes" : "no";
    to.append(rows, size_t(i),
              {{std::to_string(r + 1), r + 1},
               {suspected, suspected},
               {task.labels.name(own), task.labels.name(own)},
               {task.labels.name(other), task.labels.name(other)},
               number(p[size_t(i)][size_t(other)]),
               number(p[size_t(i)][size_t(own)])});
  }
  to.finish();
}

// The labels that are confused most, with the number of texts that the joint comes to.
std::vector<Bar> Noise::pairs() const {
  std::vector<Bar> bars;
  for (size_t s = 0; s < joint.joint.size(); ++s)
    for (size_t y = 0; y < joint.joint.size(); ++y)
      if (const double texts = joint.joint[s][y] * double(examples.size()); s != y && texts > 0)
        bars.push_back({fmt::format("{}, should be {}", text::shown(task.labels.name(int(s))),
                                    text::shown(task.labels.name(int(y)))),
                        fmt::format("{:.1f}", texts), texts});
  std::stable_sort(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) { return a.value > b.value; });
  if (bars.size() > kPairs) bars.resize(kPairs);
  return bars;
}

void Noise::show(const Indices& order) const {
  const long suspects =
      std::count_if(order.begin(), order.end(), [&](int i) { return joint.suspects(i, given[size_t(i)]); });
  const double share = joint.wrong_share(), n = double(examples.size());
  const std::vector<Bar> bars = pairs();
  const std::string title = fmt::format("labels that are confused most, texts of {} (estimated)", examples.size());
  nn::write_file(svg_beside(out), bars_svg(title, bars));
  const size_t columns = run::terminal_width();
  if (!bars.empty()) fmt::print("\n{}\n{}", title, bars_text(bars, columns));
  fmt::print("\n");
  for (size_t r = 0; r < order.size() && r < kSuspectsShown && long(r) < suspects; ++r) {
    const int i = order[r];
    const std::string change = fmt::format("{} -> {}", text::shown(task.labels.name(given[size_t(i)])),
                                           text::shown(task.labels.name(suggested(i))));
    fmt::print("{}\n", text::fitted(fmt::format("{:>3}  {:.2f}  {:<20}  {}", r + 1, p[size_t(i)][size_t(suggested(i))],
                                                change, text::shown(examples[size_t(i)].text)),
                                    columns));
  }
  long agrees = 0;
  for (size_t i = 0; i < p.size(); ++i) agrees += std::max_element(p[i].begin(), p[i].end()) - p[i].begin() == given[i];
  if (double(agrees) < kEnough * n)
    run::print_note(
        "warning: the models agree with {} of {} labels only; where they know so little, suspects may be "
        "right (--model, --epochs)\n",
        agrees, examples.size());
  fmt::print(
      "an estimated {:.1f} % of the labels are wrong, about {:.0f} of {}; {} are suspected and stand first in {}\n"
      "result task=noise share={:.4f} suspected={} texts={} out={}\n",
      100 * share, share * n, examples.size(), suspects, out, share, suspects, examples.size(), out);
}

}  // namespace

void noise_command(run::Options& options, const run::Parse& parse, const Train& train) {
  Noise noise;
  noise.declare(options);
  parse();
  command::PredictionFile::kind_of(noise.out);
  noise.o.settle(options, "noise");
  run::print_setup("sentiment", "noise");
  noise.load();
  folds_of(noise.examples, noise.folds, 0);  // its error before anything is trained
  run::Directory directory({.path = noise.out + ".folds", .resume = std::filesystem::exists(noise.file("options.ini"))},
                           options.effective());
  check(nn::read_file(noise.file("options.ini")).ends_with(options.effective()),
        "{}: begun with other options; give the same or remove it", noise.out + ".folds");
  spec::TaskSet all = spec::with_texts(noise.task, noise.examples, {}, {});
  same_texts(all, noise.file("texts"));
  try {
    noise.ask(options, train);
  } catch (const run::Exit&) {
    run::print_note("stopped; the same command goes on with the folds that are there\n");
    throw;
  }
  noise.joint = score::confident_joint(noise.p, noise.given, noise.task.labels.size());
  const Indices order = noise.order();
  noise.write(order);
  noise.show(order);
  std::filesystem::remove_all(noise.out + ".folds");
}

}  // namespace sentiment
