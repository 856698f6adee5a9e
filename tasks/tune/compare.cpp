// Five functions, and samplers compared on them. Read tasks/tune/compare.h first.
#include "tasks/tune/compare.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <numbers>
#include <sstream>

#include "engine/strings.h"
#include "nn/format/files.h"
#include "tasks/score/rank_sum.h"
#include "tasks/search/pruner.h"

namespace tune {

using engine::check;
using search::Direction;
using search::Distribution;
using search::SamplerOptions;
using search::Space;
using search::State;
using search::Trial;
using search::Values;

namespace {

std::string x(int i) { return fmt::format("x{}", i); }

Space box(const std::vector<std::pair<double, double>>& bounds) {
  Space space;
  for (size_t i = 0; i < bounds.size(); ++i)
    space.parameters.push_back(
        {.name = x(int(i)), .distribution = Distribution::number(bounds[i].first, bounds[i].second)});
  return space;
}

double branin(const Values& v) {
  constexpr double pi = std::numbers::pi;
  const double a = v.at("x0"), b = v.at("x1");
  const double q = b - 5.1 / (4 * pi * pi) * a * a + 5 / pi * a - 6;
  return q * q + 10 * (1 - 1 / (8 * pi)) * std::cos(a) + 10;
}

double hartmann6(const Values& v) {
  constexpr double alpha[] = {1, 1.2, 3, 3.2};
  constexpr double A[4][6] = {
      {10, 3, 17, 3.5, 1.7, 8}, {0.05, 10, 17, 0.1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, 0.05, 10, 0.1, 14}};
  constexpr double P[4][6] = {{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
                              {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
                              {0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
                              {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381}};
  double sum = 0;
  for (int i = 0; i < 4; ++i) {
    double inner = 0;
    for (int j = 0; j < 6; ++j) inner += A[i][j] * (v.at(x(j)) - P[i][j]) * (v.at(x(j)) - P[i][j]);
    sum -= alpha[i] * std::exp(-inner);
  }
  return sum;
}

double ackley5(const Values& v) {
  double squares = 0, waves = 0;
  for (int i = 0; i < 5; ++i) {
    const double z = v.at(x(i)) - 1.7;
    squares += z * z / 5, waves += std::cos(2 * std::numbers::pi * z) / 5;
  }
  return -20 * std::exp(-0.2 * std::sqrt(squares)) - std::exp(waves) + 20 + std::numbers::e;
}

// Two ways to go: one with a parameter on a logarithm's scale, one with two others.
double conditional(const Values& v) {
  if (v.at("way") == 0) return std::abs(std::log10(v.at("rate")) + 2.3) + 0.4;
  const double a = v.at("left") - 0.31, b = v.at("right") - 0.82;
  return 4 * std::sqrt(a * a + b * b);
}

// Rate, width, layers, dropout and an optimiser: what a curve of training runs looks like.
double training(const Values& v) {
  const double rate = std::log10(v.at("rate")) + 3.1 - 0.3 * (v.at("optimizer") == 1);
  const double width = std::log2(v.at("width") / 96), layers = v.at("layers") - 4;
  const double dropout = v.at("dropout") - 0.15;
  constexpr double worse[] = {0, 0.05, 0.2};
  return 0.3 * rate * rate + 0.06 * width * width + 0.02 * layers * layers + 2 * dropout * dropout +
         worse[int(v.at("optimizer"))];
}

}  // namespace

std::vector<Function> functions() {
  Space ways, run;
  ways.parameters = {
      {.name = "way", .distribution = Distribution::choice({"one", "two"})},
      {.name = "rate", .distribution = Distribution::number(1e-5, 1, true), .parent = "way", .when = {0}},
      {.name = "left", .distribution = Distribution::number(0, 1), .parent = "way", .when = {1}},
      {.name = "right", .distribution = Distribution::number(0, 1), .parent = "way", .when = {1}}};
  run.parameters = {{.name = "rate", .distribution = Distribution::number(1e-5, 1e-1, true)},
                    {.name = "width", .distribution = Distribution::whole(16, 512, false, 16)},
                    {.name = "layers", .distribution = Distribution::whole(1, 8)},
                    {.name = "dropout", .distribution = Distribution::number(0, 0.6)},
                    {.name = "optimizer", .distribution = Distribution::choice({"adamw", "muon", "sgd"})}};
  return {{"branin", box({{-5, 10}, {0, 15}}), branin, 0.397887},
          {"hartmann6", box(std::vector<std::pair<double, double>>(6, {0, 1})), hartmann6, -3.32237},
          {"ackley5", box(std::vector<std::pair<double, double>>(5, {-5, 10})), ackley5, 0},
          {"conditional", ways, conditional, 0},
          {"training", run, training, 0}};
}

double best_found(const Function& f, const SamplerOptions& options, uint64_t seed, long trials) {
  const search::Sampler sampler(options, f.space, seed, Direction::minimize);
  std::vector<Trial> all;
  std::vector<const Trial*> seen;
  all.reserve(size_t(trials));
  double best = INFINITY;
  for (long n = 0; n < trials; ++n) {
    Trial& t = all.emplace_back(Trial{.id = n, .number = n, .state = State::complete});
    t.values = sampler.sample(n, seen);
    t.value = f.value(t.values);
    best = std::min(best, *t.value);
    seen.push_back(&t);
  }
  return best;
}

namespace {

using Best = std::map<std::string, std::vector<double>>;  // by function, seed by seed

SamplerOptions sampler_named(const std::string& name) {
  if (name == "independent") return {.name = "tpe", .joint = false};
  return {.name = name};
}

// Lines `function seed value`, which measured/functions.py prints of another program's search.
Best read_best(const std::string& path) {
  Best best;
  std::istringstream in(nn::read_file(path));
  long line = 0;
  for (std::string text; std::getline(in, text);) {
    ++line;
    const std::vector<std::string> words = engine::split(text, ' ');
    const auto value = engine::parse_number<double>(words.size() == 3 ? words[2] : "");
    check(value.has_value(), "{}:{}: `function seed value` is wanted; got {}", path, line, engine::shown(text));
    best[words[0]].push_back(*value);
  }
  return best;
}

// Milliseconds of a processor for the seven values of a trial, with so many before it.
double suggestion_time(const SamplerOptions& options, long before) {
  Space space = functions()[4].space;
  space.parameters.push_back({.name = "decay", .distribution = Distribution::number(1e-6, 1, true)});
  space.parameters.push_back({.name = "batch", .distribution = Distribution::whole(4, 512, true)});
  const search::Sampler random({.name = "random"}, space, 1, Direction::minimize);
  const search::Sampler sampler(options, space, 1, Direction::minimize);
  std::vector<Trial> all(static_cast<size_t>(before));
  std::vector<const Trial*> seen;
  for (long n = 0; n < before; ++n) {
    Trial& t = all[size_t(n)];
    t.id = t.number = n, t.state = State::complete, t.values = random.sample(n, {}), t.value = training(t.values);
    seen.push_back(&t);
  }
  constexpr long kTimes = 20;
  const std::clock_t start = std::clock();
  for (long n = 0; n < kTimes; ++n) sampler.sample(before + n, seen);
  return 1e3 * double(std::clock() - start) / CLOCKS_PER_SEC / kTimes;
}

// A row for each function, then all of them together: sum of z by the root of their number (Stouffer 1949).
void print_comparison(const std::vector<Function>& all, const std::string& name, const Best& ours,
                      const std::string& other, const Best& theirs) {
  fmt::print("\n{:<12} {:>12} {:>12} {:>12} {:>10}\n", "best of each", "minimum", name, other, "p lower");
  double sum = 0;
  for (const Function& f : all) {
    const auto at = theirs.find(f.name);
    check(at != theirs.end(), "there is no value of {} for {}", other, f.name);
    const score::RankSum r = score::rank_sum(ours.at(f.name), at->second);
    sum += r.z;
    fmt::print("{:<12} {:>12.5g} {:>12.5g} {:>12.5g} {:>10.2g}\n", f.name, f.minimum,
               search::percentile_of(ours.at(f.name), 50), search::percentile_of(at->second, 50), r.lower);
  }
  const double z = sum / std::sqrt(double(all.size()));
  fmt::print("all five: p that {} is lower {:.2g}, that it is higher {:.2g}\n", name, score::normal_below(z),
             score::normal_below(-z));
}

}  // namespace

void compare_command(run::Options& options, const run::Parse& parse) {
  std::vector<std::string> samplers{"tpe", "random"};
  long trials = 50, seeds = 20;
  std::string beside;
  bool timing = false;
  options
      .add("--sampler", samplers,
           "tpe, independent (one parameter at a time) or random; each is laid beside the last of them")
      .one_of({"tpe", "independent", "random"});
  options.add("--trials", trials, "of a search").positive();
  options.add("--seeds", seeds, "searches of each function").positive();
  options.add("--beside", beside, "lines `function seed value` of another program: each is laid beside these, too");
  options.add("--timing", timing, "also say how long a trial's values take with 1,000 trials before it");
  options.footer(
      "Five functions whose minimum is known; medians over the seeds of the lowest value that each search found, and "
      "the "
      "one-sided p of Mann and Whitney that a sampler's are lower.");
  parse();
  const std::vector<Function> all = functions();
  std::vector<Best> best;
  for (const std::string& name : samplers) {
    Best& found = best.emplace_back();
    for (const Function& f : all)
      for (long seed = 1; seed <= seeds; ++seed)
        found[f.name].push_back(best_found(f, sampler_named(name), uint64_t(seed), trials));
  }
  for (size_t i = 0; i + 1 < samplers.size(); ++i)
    print_comparison(all, samplers[i], best[i], samplers.back(), best.back());
  if (!beside.empty()) {
    const Best theirs = read_best(beside);
    for (size_t i = 0; i < samplers.size(); ++i)
      if (samplers[i] != "random") print_comparison(all, samplers[i], best[i], "beside", theirs);
  }
  if (!timing) return;
  for (const std::string& name : samplers)
    fmt::print("{}: {:.2f} ms for seven values with 1,000 trials before\n", name,
               suggestion_time(sampler_named(name), 1000));
}

}  // namespace tune
