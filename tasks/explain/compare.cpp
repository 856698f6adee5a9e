// All methods on many texts: whose order of words is faithful to what the model does. Read verdict.h first.
#include <cmath>

#include "nn/format/files.h"
#include "tasks/explain/asked.h"
#include "tasks/explain/commands.h"
#include "tasks/explain/verdict.h"
#include "tasks/model/adapter.h"
#include "tasks/run/directory.h"
#include "tasks/run/progress.h"
#include "tasks/score/metrics.h"
#include "tasks/score/numbers.h"
#include "tasks/score/order.h"

namespace explain {

using attribution::Decision;
using attribution::Method;
using attribution::Subject;
using engine::check;

namespace {

struct CompareCommand {
  std::vector<std::string> models;
  std::string base, out;
  std::vector<std::string> data;
  long texts = 100, seeds = 3;
  model::Reading reading;
  spec::DataOptions files;
  Asked asked;

  void declare(run::Options& options);
};

void CompareCommand::declare(run::Options& options) {
  options
      .add("--model", models,
           "directory of a run, of a model or of an adapter, or the name of one that ships; several: one for each "
           "seed, as they were trained with other seeds")
      .required();
  model::declare_base(options, base);
  options.add("--data", data, "files with texts; labels are not needed: what is explained is what the model says")
      .reads()
      .required();
  options.add("--texts", texts, "texts of each seed, drawn without repetition").positive();
  options.add("--seeds", seeds, "how many times other texts and other random orders are drawn, or other models taken")
      .positive();
  options.add("--out", out, "also write the figures to this file, as JSON").writes();
  asked.declare(options);
  reading.declare(options);
  files.declare(options, false);
  options.footer("Texts of fewer than 3 words are left out: there is no order to speak of.");
}

// One text by all methods: what each order loses.
class Measured {
 public:
  explicit Measured(long seeds) {
    std::vector<std::string> names = attribution::method_names();
    names.insert(names.end(), {kSizes, kRandom});
    for (const std::string& name : names)
      comparison_.rows.push_back({.name = name,
                                  .comprehensiveness = std::vector<std::vector<double>>(size_t(seeds)),
                                  .sufficiency = std::vector<std::vector<double>>(size_t(seeds)),
                                  .order = std::vector<std::vector<double>>(size_t(seeds)),
                                  .size = std::vector<std::vector<double>>(size_t(seeds))});
    comparison_.runs = seeds;
  }

  // `settings`.seed: of this text's random order and samples
  void add(size_t seed, const Decision& decision, const Subject& subject, const attribution::Settings& settings) {
    const Decision probability(decision.model(), decision.head(), decision.k(), attribution::Of::probability);
    const attribution::Worth worth = attribution::worth_of(probability, subject, settings.absent);
    const std::vector<size_t> read = subject.read();
    std::vector<std::vector<double>> shares;
    for (size_t m = 0; m < attribution::method_names().size(); ++m) {
      const attribution::Explanation found = attribution::explain(Method(m), decision, subject, settings);
      comparison_.rows[m].runs += found.runs;
      std::vector<double>& own = shares.emplace_back();
      for (const size_t i : read) own.push_back(found.shares[i]);
      if (Method(m) != Method::integrated_gradients) continue;
      comparison_.complete += found.complete;
      comparison_.at_once += found.complete && found.runs == settings.steps;
    }
    shares.push_back(sizes(shares[size_t(Method::shapley)]));
    std::vector<double> random(read.size());
    const std::vector<int> places =
        engine::permutation(int(read.size()), {settings.seed, engine::Stream::shuffle, 1, 0});
    for (size_t i = 0; i < places.size(); ++i) random[size_t(places[i])] = double(places.size() - i);
    shares.push_back(random);
    const std::vector<double> reference = shares[size_t(Method::shapley)];
    for (size_t m = 0; m < shares.size(); ++m) {
      const attribution::Faithfulness f =
          attribution::faithfulness(score::order_of(shares[m]), attribution::kFractions, worth);
      Row& row = comparison_.rows[m];
      row.comprehensiveness[seed].push_back(f.comprehensiveness_aopc);
      row.sufficiency[seed].push_back(f.sufficiency_aopc);
      row.order[seed].push_back(score::spearman(shares[m], reference));
      row.size[seed].push_back(score::spearman(sizes(shares[m]), sizes(reference)));
    }
    ++comparison_.texts;
  }

  const Comparison& comparison() const { return comparison_; }

 private:
  static std::vector<double> sizes(std::vector<double> x) {
    for (double& value : x) value = std::abs(value);
    return x;
  }

  Comparison comparison_;
};

// The texts of each seed, parts of one permutation: no text is counted twice.
std::vector<std::vector<text::Example>> drawn(const CompareCommand& command) {
  std::vector<text::Example> all = command.files.read(command.data, {}, false).rows;
  std::erase_if(all, [](const text::Example& e) { return text::is_blank(e.text); });
  const size_t seeds = size_t(command.seeds), each = std::min(size_t(command.texts), all.size() / seeds);
  check(each > 0, "compare: {} seeds need a text each; there are {}", seeds, all.size());
  if (each < size_t(command.texts))
    run::print_note("note: {} texts are {} a seed, not {}\n", all.size(), each, command.texts);
  const std::vector<int> order =
      engine::permutation(int(all.size()), {command.asked.settings.seed, engine::Stream::shuffle, 0, 0});
  std::vector<std::vector<text::Example>> parts(seeds);
  for (size_t i = 0; i < seeds * each; ++i) parts[i / each].push_back(all[size_t(order[i])]);
  return parts;
}

void check_head(const spec::TaskSpec& task) {
  check(task.one_class() || task.head == nn::Predicts::labels,
        "compare: comprehensiveness and sufficiency are about the probability of a class; this head predicts {}",
        spec::head_name(task.head));
}

// The model of a seed, ready to be asked.
struct Side {
  std::unique_ptr<model::TextModel> model;
  model::Reading reading;
  size_t head;
};

Side side_of(CompareCommand& command, const run::Options& options, size_t seed) {
  const std::string& directory = command.models[seed % command.models.size()];
  Side side{model::load_model(model::ModelDirectory(directory, command.base)), {}, 0};
  side.model->net.pack();
  side.reading = model::Reading::settle(options, command.reading, side.model->reading);
  model::check_positions(side.reading, side.model->net, directory);
  side.head = command.asked.settle(*side.model);
  check_head(side.model->tasks[side.head]);
  return side;
}

void print(const CompareCommand& command, const Comparison& found, const std::string& absent, long left_out) {
  if (left_out) run::print_note("note: {} texts of fewer than 3 words are left out\n", left_out);
  fmt::print("{} texts, {} seeds; absent words: {}\n\n{}\n{}\n", found.texts, found.runs, absent, found.table(),
             found.answer());
  if (!command.out.empty()) nn::write_file(command.out, found.json().dump(2) + "\n");
  const Mean a = found.gain(found.row("attention")), s = found.gain(found.row("shapley"));
  fmt::print("result task=compare texts={} attention={:.4f} shapley={:.4f} correlation={:.4f}\n", found.texts, a.mean,
             s.mean, mean_of(found.row("attention").order).mean);
}

}  // namespace

void compare_command(run::Options& options, const run::Parse& parse) {
  CompareCommand command;
  command.declare(options);
  parse();
  command.seeds = std::max(command.seeds, long(command.models.size()));
  Side side = side_of(command, options, 0);
  command.files.follow(options, side.model->tasks[0].files.how);
  const std::vector<std::vector<text::Example>> parts = drawn(command);
  Measured measured(command.seeds);
  long done = 0, left_out = 0;
  run::Progress progress("compare", command.seeds * long(parts[0].size()), 0, "texts");
  for (size_t seed = 0; seed < parts.size(); ++seed) {
    if (seed > 0 && command.models.size() > 1) side = side_of(command, options, seed);
    const std::vector<Subject> subjects = subjects_of(*side.model, parts[seed], side.reading);
    for (size_t i = 0; i < subjects.size(); ++i) {
      progress.update(++done);
      if (subjects[i].read().size() < 3) {
        ++left_out;
        continue;
      }
      attribution::Settings settings = command.asked.settings;
      settings.seed += 1000 * seed + i;
      const int k = attribution::class_of(*side.model, side.head, "", subjects[i].windows);
      measured.add(seed, Decision(*side.model, side.head, k, command.asked.score()), subjects[i], settings);
    }
  }
  progress.interrupt();
  check(measured.comparison().texts > 0, "compare: no text has three words");
  print(command, measured.comparison(), command.asked.absent_text(*side.model), left_out);
}

}  // namespace explain
