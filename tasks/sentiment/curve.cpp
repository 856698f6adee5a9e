// The learning curve: parts of the training texts, a run for each, a table. Read tasks/sentiment/runs.h first.
#include "tasks/sentiment/curve.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>

#include "engine/random.h"
#include "nn/format/files.h"
#include "tasks/sentiment/figure.h"

namespace sentiment {

using engine::check;
using engine::Indices;

namespace {

constexpr double kShares[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1};
constexpr long kOfAGroup = 2;
constexpr size_t kFixed = 4;  // columns of curve.csv before the figures

std::map<int, Indices> members_of(const Indices& groups, uint64_t seed) {
  std::map<int, Indices> members;
  for (const int row : engine::permutation(int(groups.size()), {seed, engine::Stream::sample}))
    members[groups[size_t(row)]].push_back(row);
  return members;
}

}  // namespace

Indices part_of(const Indices& groups, double share, uint64_t seed) {
  Indices part;
  for (const auto& [group, rows] : members_of(groups, seed)) {
    const long n = long(rows.size()), most = std::max(kOfAGroup, std::lround(share * double(n)));
    part.insert(part.end(), rows.begin(), rows.begin() + std::min(n, most));
  }
  std::sort(part.begin(), part.end());
  return part;
}

std::vector<double> shares_of(const Indices& groups) {
  const long different = long(members_of(groups, 0).size());
  std::vector<double> shares;
  for (const double share : kShares)
    if (share == 1 || share * double(groups.size()) >= double(kOfAGroup * different)) shares.push_back(share);
  return shares;
}

std::string verdict(const std::string& metric, bool lower, const std::vector<double>& before,
                    const std::vector<double>& after, long texts_before, long texts_after) {
  const std::string from = fmt::format("from {} to {} texts", texts_before, texts_after);
  if (before.size() < 2 || after.size() < 2)
    return fmt::format(
        "is it worth labelling more? one draw has no standard error: --draws 3 says more of the last "
        "step, {}",
        from);
  score::Gain gain = score::gain(before, after);
  if (lower) gain.mean = -gain.mean;
  const std::string what =
      fmt::format("{} {} by {:.4f}, standard error {:.4f}, {}", metric, lower == (gain.mean >= 0) ? "fell" : "rose",
                  std::abs(gain.mean), gain.error, from);
  if (gain.shown())
    return fmt::format("is it worth labelling more? yes: {}; twice as many again bring that or less, as a rule", what);
  return fmt::format("is it worth labelling more? not shown: {}; {}", what,
                     gain.mean > 0 ? "a gain under two standard errors may be chance" : "that is no gain");
}

namespace {

// The command: what it was told, the texts, the rows of curve.csv.
struct Curve {
  objective::ClassifierOptions o;
  int draws = 3;
  spec::TaskSet set;
  std::vector<std::string> figures = {};            // names
  std::vector<std::vector<std::string>> rows = {};  // share, texts, draw, model, then the figures

  void declare(run::Options& options);
  Indices groups() const;
  spec::TaskSet part(double share, int draw) const;
  std::string file(const std::string& name) const { return o.training.out + "/" + name; }
  void read();
  void write() const;
  bool has(double share, int draw) const;
  void add(double share, long texts, int draw, const Outcome& outcome);
  std::vector<double> values(double share) const;  // of the metric, by draw
  long texts(double share) const;
  long count(double share, int draw) const { return long(part_of(groups(), share, seed(draw)).size()); }
  void run(const run::Options& options, const Train& train, const std::vector<double>& shares);
  void report(const std::vector<double>& shares) const;
  uint64_t seed(int draw) const { return o.training.seed + uint64_t(draw) - 1; }
  std::string measured_on() const;
};

void Curve::declare(run::Options& options) {
  o.declare(options, "curve");
  options.add("--draws", draws, "runs at each share, each with other texts and first values").between(1, 100);
  options.footer(
      "Runs `train` with these options on 1, 2, 5, 10, 20, 50 and 100 % of the training texts, each label alike and "
      "two\n"
      "texts of it at least, and measures each on the same test texts (dev's where there are none). The directory "
      "gets\n"
      "curve.csv, a row a run, and curve.svg; --resume goes on with what is there. The last line says whether the "
      "last\n"
      "doubling of the texts has brought more than chance.");
}

// Texts of one label; of a regression those under and not under the mean.
Indices Curve::groups() const {
  const spec::Targets& train = set.tasks[0].targets[spec::kTrain];
  if (!train.classes.empty()) return train.classes;
  Indices groups;
  for (const double y : train.numbers) groups.push_back(y >= set.tasks[0].spec.mean);
  return groups;
}

spec::TaskSet Curve::part(double share, int draw) const {
  const auto& examples = set.corpora[0].examples;
  std::vector<text::Example> train;
  for (const int row : part_of(groups(), share, seed(draw))) train.push_back(examples[spec::kTrain][size_t(row)]);
  return spec::with_texts(set.tasks[0].spec, train, examples[spec::kDev], examples[spec::kTest]);
}

std::string share_text(double share) { return fmt::format("{:g}", share); }

void Curve::read() {
  if (!std::filesystem::exists(file("curve.csv"))) return;
  const text::Table table = text::read_table(file("curve.csv"));
  check(table.columns.size() > kFixed && table.columns[0] == "share", "{}: not a curve's table", file("curve.csv"));
  figures.assign(table.columns.begin() + kFixed, table.columns.end());
  rows = table.rows;
}

void Curve::write() const {
  std::string csv = fmt::format("share,texts,draw,model,{}\n", fmt::join(figures, ","));
  for (const auto& row : rows) csv += fmt::format("{}\n", fmt::join(row, ","));
  nn::write_file(file("curve.csv"), csv);
}

bool Curve::has(double share, int draw) const {
  return std::any_of(rows.begin(), rows.end(),
                     [&](const auto& row) { return row[0] == share_text(share) && row[2] == std::to_string(draw); });
}

void Curve::add(double share, long texts, int draw, const Outcome& outcome) {
  if (figures.empty())
    for (const auto& [name, value] : outcome.evaluation.figures.items()) figures.push_back(name);
  const std::string model = outcome.model.find_first_of(",\"\n\r") == std::string::npos ? outcome.model : "directory";
  rows.push_back({share_text(share), std::to_string(texts), std::to_string(draw), model});
  for (const std::string& name : figures) rows.back().push_back(fmt::format("{:.6f}", outcome.evaluation.value(name)));
}

std::vector<double> Curve::values(double share) const {
  const size_t column = kFixed + size_t(std::find(figures.begin(), figures.end(), o.metric) - figures.begin());
  std::vector<double> values;
  for (const auto& row : rows)
    if (row[0] == share_text(share)) values.push_back(engine::parse_number<double>(row.at(column)).value_or(NAN));
  return values;
}

long Curve::texts(double share) const {
  for (const auto& row : rows)
    if (row[0] == share_text(share)) return engine::parse_number<long>(row[1]).value_or(0);
  return 0;
}

std::string Curve::measured_on() const {
  const spec::Corpus& corpus = set.corpora[0];
  return fmt::format("{} of {}, {} texts", o.metric, corpus.separate_test ? "test" : "dev (there is no test)",
                     corpus.examples[spec::kTest].size());
}

void Curve::report(const std::vector<double>& shares) const {
  std::vector<Bar> bars;
  std::vector<Point> points;
  for (const double share : shares) {
    const std::vector<double> all = values(share);
    const double mean = std::accumulate(all.begin(), all.end(), 0.) / double(all.size());
    const double spread = score::deviation(all);
    bars.push_back({fmt::format("{:g} %, {} texts", 100 * share, texts(share)),
                    fmt::format("{:.4f} ± {:.4f}", mean, spread), std::max(mean, 0.)});
    points.push_back({double(texts(share)), mean, spread, std::to_string(texts(share))});
  }
  const std::string title =
      fmt::format("{}; mean and standard deviation of {} draw{}", measured_on(), draws, draws == 1 ? "" : "s");
  nn::write_file(file("curve.svg"), curve_svg(title, o.metric, points));
  fmt::print("\n{}\n{}\n", title, bars_text(bars, run::terminal_width()));
  const double last = shares.back(), before = shares[shares.size() - 2];
  fmt::print("{}\n", verdict(o.metric, model::lower_is_better(o.metric), values(before), values(last), texts(before),
                             texts(last)));
  if (const size_t n = set.corpora[0].examples[spec::kTest].size(); n < 400 && set.tasks[0].spec.one_class())
    fmt::print(
        "{} texts to measure on are few: a share of them is known to ±{:.2f} at best (95 %); more of them tell more\n",
        n, 1 / std::sqrt(double(n)));
  fmt::print("result task=curve {}={:.4f} texts={} out={}\n", o.metric, points.back().y, texts(last), o.training.out);
}

// Every run that is not there yet. A share of which `train` says that it is too little is left out.
void Curve::run(const run::Options& options, const Train& train, const std::vector<double>& shares) {
  const long all = long(shares.size()) * draws;
  if (!rows.empty()) run::print_note("{}: {} of {} runs are there\n", file("curve.csv"), rows.size(), all);
  for (const double share : shares)
    for (int draw = 1; draw <= draws; ++draw) {
      if (has(share, draw)) continue;
      const std::string what = fmt::format("{:g} %, {} texts, draw {}", 100 * share, count(share, draw), draw);
      try {
        add(share, count(share, draw), draw, train_on(train, options, part(share, draw), seed(draw), file("run")));
      } catch (const run::Exit&) {
        run::print_note("stopped after {} of {} runs; continue with --resume {}\n", rows.size(), all, o.training.out);
        throw;
      } catch (const engine::Error& e) {
        if (share == 1) throw;
        std::filesystem::remove_all(file("run"));
        run::print_note("{}: cannot be trained on, so {:g} % is left out: {}\n", what, 100 * share, e.what());
        break;
      }
      write();
      std::filesystem::remove_all(file("replaced"));
      run::print_note("{:>3} of {}: {}, {}: {} {:.4f}\n", rows.size(), all, what, rows.back()[3], o.metric,
                      values(share).back());
    }
}

}  // namespace

void curve_command(run::Options& options, const run::Parse& parse, const Train& train) {
  Curve c;
  c.declare(options);
  parse();
  c.o.settle(options, "curve");
  run::print_setup("sentiment", "curve");
  c.set = c.o.load();
  const Indices groups = c.groups();
  const std::vector<double> shares = shares_of(groups);
  if (*std::max_element(groups.begin(), groups.end()) == *std::min_element(groups.begin(), groups.end()))
    engine::fail("curve: all texts to train on have the label '{}'; there is nothing to learn",
                 text::shown(c.set.tasks[0].spec.labels.name(groups[0])));
  check(shares.size() > 1, "curve: {} texts to train on are too few: half of them should be two of each label",
        groups.size());
  std::vector<std::string> inputs = c.o.model.inputs();
  for (const std::string& path : c.o.files.paths()) inputs.push_back(path);
  const run::Directory directory({.path = c.o.training.out,
                                  .overwrite = c.o.training.overwrite,
                                  .resume = !c.o.training.resume.empty(),
                                  .inputs = inputs,
                                  .also = {"curve.csv", "curve.svg", "curve.texts", "run"}},
                                 options.given_lines());
  same_texts(c.set, c.file("curve.texts"));
  c.read();
  c.run(options, train, shares);
  std::vector<double> whole;
  for (const double share : shares)
    if (c.values(share).size() == size_t(c.draws)) whole.push_back(share);
  check(whole.size() > 1, "curve: only all of the texts are enough to train on, so there is none");
  c.report(whole);
}

}  // namespace sentiment
