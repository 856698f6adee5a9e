// From files to texts and targets. Read tasks/spec/task_file.h first.
#include "tasks/spec/tasks.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <sstream>
#include <unordered_map>

#include "engine/strings.h"
#include "tasks/run/console.h"
#include "tasks/run/fingerprint.h"
#include "tasks/spec/class_weights.h"
#include "tasks/spec/findings.h"
#include "tasks/text/utf8.h"

namespace spec {

using engine::check;
using engine::real;

namespace {

// Tasks with the same key read the same texts.
std::string corpus_key(const DataFiles& files) {
  std::string key;
  for (const auto* list : {&files.data, &files.train, &files.dev, &files.test}) {
    for (const std::string& file : *list) key += file + '\n';
    key += '\t';
  }
  const DataOptions& f = files.how;
  return key + fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", files.split, f.text_column, f.pair_column,
                           f.split_column, f.rationale_column, f.format, f.encoding, f.no_header, f.delimiter, f.sheet);
}

text::Examples all_of(const TaskSpec& t) {
  const std::vector<std::string> files = t.files.all();
  return files.empty() ? t.files.how.read_embedded(t.labels) : t.files.how.read(files, t.labels);
}

// A corpus that an earlier task has split, with this task's labels and targets.
void follow_splits(const Corpus& corpus, const text::Examples& all, std::vector<text::Example> (&out)[3]) {
  std::unordered_map<std::string, const text::Example*> at;
  for (const text::Example& e : all.rows) at[e.where] = &e;
  for (int s : {kTrain, kDev, kTest})
    for (const text::Example& e : corpus.examples[s]) out[s].push_back(*at.at(e.where));
}

std::vector<std::string> split(const std::string& list, const std::string& separator) {
  std::vector<std::string> parts;
  if (separator == " ") return words_of(list);
  for (size_t start = 0; start <= list.size();) {
    const size_t end = std::min(list.find(separator, start), list.size());
    std::string part = list.substr(start, end - start);
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    if (!part.empty()) parts.push_back(part);
    start = end + separator.size();
  }
  return parts;
}

// The labels of a text or the tags of its words: a list of JSON, or a string with separators.
std::vector<std::string> values_of(const TaskSpec& spec, const text::Example& e) {
  return e.targets ? *e.targets : split(e.target, spec.separator);
}

// Labels that were not given: all that occur.
void find_labels(TaskSpec& spec, const std::vector<text::Example> (&examples)[3]) {
  std::vector<std::string> values;
  for (const auto& part : examples)
    for (const text::Example& e : part)
      for (const std::string& value : values_of(spec, e)) values.push_back(value);
  check(!values.empty(), "column '{}' holds no label", spec.files.how.label_column);
  spec.labels = text::Labels::from_values(std::move(values));
}

int class_of(const TaskSpec& spec, const std::string& value, const text::Example& e) {
  const int id = spec.labels.find(value);
  if (id < 0) engine::fail("{}: {}", e.where, spec.labels.unknown(value));
  return id;
}

double number_of(const text::Example& e) {
  const std::optional<double> x = engine::parse_number<double>(e.target);
  check(x && std::isfinite(*x), "{}: '{}' is not a number", e.where, text::shown(e.target));
  return *x;
}

void add_target(const TaskSpec& spec, const text::Example& e, Targets& to) {
  if (spec.one_class()) to.classes.push_back(e.label);
  if (spec.head == nn::Predicts::number) to.numbers.push_back(number_of(e));
  if (spec.head == nn::Predicts::labels) {
    std::vector<bool>& holds = to.sets.emplace_back(spec.labels.size());
    for (const std::string& value : values_of(spec, e)) holds[class_of(spec, value, e)] = true;
  }
  if (spec.head == nn::Predicts::tags) {
    Indices& tags = to.tags.emplace_back();
    for (const std::string& value : values_of(spec, e)) tags.push_back(class_of(spec, value, e));
    const size_t words = words_of(e.text).size();
    check(tags.size() == words, "{}: {} words, but {} tags", e.where, words, tags.size());
  }
}

Targets targets_of(const TaskSpec& spec, const std::vector<text::Example>& examples) {
  Targets targets;
  for (const text::Example& e : examples) add_target(spec, e, targets);
  targets.rows.resize(examples.size());
  std::iota(targets.rows.begin(), targets.rows.end(), 0);
  return targets;
}

// The rate of a regression's loss should not depend on the unit: the head predicts (y - mean) / deviation.
void standardise(TaskSpec& spec, const Targets& train) {
  double sum = 0, squares = 0;
  for (int i : train.rows) sum += train.numbers[i];
  spec.mean = sum / double(train.rows.size());
  for (int i : train.rows) squares += (train.numbers[i] - spec.mean) * (train.numbers[i] - spec.mean);
  spec.deviation = std::sqrt(squares / double(train.rows.size()));
  check(spec.deviation > 0, "all training targets are {}", spec.mean);
}

std::vector<real> class_weights(const TaskSpec& spec, const Targets& train) {
  if (spec.class_weights == "none") return {};
  const std::vector<std::string>& names = spec.labels.names();
  if (spec.class_weights == "balanced") {
    Indices seen;
    for (int i : train.rows)
      if (spec.head == nn::Predicts::label)
        seen.push_back(train.classes[i]);
      else
        seen.insert(seen.end(), train.tags[i].begin(), train.tags[i].end());
    return text::balanced_weights(seen, spec.labels.size());
  }
  for (const auto& [label, weight] : spec.weight_of_class) check_name("class_weights", label, names);
  std::vector<real> weights;
  for (const std::string& name : names) {
    check(spec.weight_of_class.contains(name), "class_weights: label '{}' has no weight", text::shown(name));
    weights.push_back(real(spec.weight_of_class.at(name)));
  }
  return weights;
}

// The targets of the texts, and what follows from those to train on: mean and deviation, weights of classes.
Task task_of(const TaskSpec& spec, int corpus, const std::vector<text::Example> (&examples)[3], uint64_t seed) {
  Task task{spec, corpus, {}, {}};
  for (int s : {kTrain, kDev, kTest}) task.targets[s] = targets_of(spec, examples[s]);
  Indices& rows = task.targets[kTrain].rows;
  check(spec.examples <= long(rows.size()), "examples: {} to train on; there are {}", spec.examples, rows.size());
  if (spec.examples) {
    rows = engine::permutation(int(rows.size()), {seed, engine::Stream::shuffle, ~1u});
    rows.resize(spec.examples);
  }
  if (!spec.classifies()) standardise(task.spec, task.targets[kTrain]);
  set_class_weights(task.spec, spec.class_weights);
  task.loss_options = {class_weights(task.spec, task.targets[kTrain]), real(spec.label_smoothing)};
  return task;
}

Task load(TaskSpec spec, uint64_t seed, std::vector<Corpus>& corpora, std::map<std::string, int>& known) {
  std::vector<text::Example> examples[3];
  const bool find_classes = spec.one_class() && spec.labels.empty();
  const auto [found, fresh] = known.try_emplace(corpus_key(spec.files), int(corpora.size()));
  if (fresh) {
    Splits splits = load_splits(spec.files, spec.labels, seed);
    Corpus& corpus = corpora.emplace_back();
    corpus.separate_test = splits.separate_test;
    corpus.examples[kTrain] = splits.train;
    corpus.examples[kDev] = splits.dev;
    corpus.examples[kTest] = splits.test;
    for (int s : {kTrain, kDev, kTest}) examples[s] = corpus.examples[s];
    if (find_classes) spec.labels = splits.labels;
    spec.files.how.take(splits.columns);
  } else {
    const text::Examples all = all_of(spec);
    if (find_classes) spec.labels = all.labels;
    spec.files.how.take(all.columns);
    follow_splits(corpora[found->second], all, examples);
  }
  if (spec.classifies() && spec.labels.empty()) find_labels(spec, examples);
  check(spec.head != nn::Predicts::ordinal || !find_classes || are_whole_numbers(spec.labels),
        "the head 'ordinal' needs an order, and {} are not whole numbers; --labels (in a task file "
        "\"labels\") names the classes from the lowest to the highest",
        text::listed(spec.labels.names()));
  return task_of(spec, found->second, examples, seed);
}

// "25.0 tokens on average, 82 at most, 3 cut to 128"
std::string lengths_of(const text::EncodedSet& set, int max_length, text::TooLong how) {
  long tokens = 0, longest = 0;
  for (long i = 0; i < set.size(); ++i) {
    tokens += set.tokens(i);
    longest = std::max(longest, set.tokens(i));
  }
  const char* what = how == text::TooLong::window ? "read in windows of" : "cut to";
  return fmt::format("{:.1f} tokens on average, {} at most{}", double(tokens) / double(set.size()), longest,
                     set.too_long ? fmt::format(", {} {} {}", set.too_long, what, max_length) : "");
}

// Of a single task with one label its labels' numbers of texts, else the names of the tasks that read them. Behind a
// line of `used` columns, or where it has no room there on a line of its own, shortened.
std::string readers_of(const TaskSet& set, int corpus, int split, size_t used) {
  const Task& first = set.tasks[0];
  std::vector<std::string> names;
  if (set.tasks.size() == 1 && first.spec.one_class()) {
    std::vector<long> counts(first.spec.labels.size());
    for (const int c : first.targets[split].classes) ++counts[c];
    for (size_t k = 0; k < counts.size(); ++k)
      names.push_back(fmt::format("{} {}", text::shown(first.spec.labels.name(int(k))), counts[k]));
  } else {
    for (const Task& task : set.tasks)
      if (task.corpus == corpus && !task.spec.name.empty()) names.push_back(task.spec.name);
  }
  if (names.empty()) return "";
  const std::string all = fmt::format("({})", fmt::join(names, ", "));
  const size_t width = run::terminal_width(), own = width - std::min<size_t>(width, 10);
  if (used + 2 + text::columns_of(all) <= width) return "  " + all;
  return fmt::format("\n        ({})", text::listed(names, own));
}

}  // namespace

TaskSet TaskSet::only(size_t task) const {
  TaskSet one{{corpora[tasks[task].corpus]}, {tasks[task]}};
  one.tasks[0].corpus = 0;
  return one;
}

TaskSet load_tasks(const std::vector<TaskSpec>& specs, uint64_t seed) {
  TaskSet set;
  std::map<std::string, int> known;
  for (const TaskSpec& spec : specs)
    set.tasks.push_back(within(spec.where, [&] { return load(spec, seed, set.corpora, known); }));
  return set;
}

TaskSet with_texts(const TaskSpec& spec, std::vector<text::Example> train, std::vector<text::Example> dev,
                   std::vector<text::Example> test) {
  TaskSet set{{Corpus{{std::move(train), std::move(dev), std::move(test)}, {}}}, {}};
  set.tasks = {task_of(spec, 0, set.corpora[0].examples, 0)};
  return set;
}

TaskSet load_test(const TaskSpec& spec, const std::vector<std::string>& files) {
  TaskSet set{{Corpus{}}, {Task{spec, 0, {}, {}}}};
  within(spec.where, [&] {
    std::vector<text::Example>& test = set.corpora[0].examples[kTest];
    if (files.empty()) {
      test = spec.files.how.read_embedded(spec.labels).rows;
      std::erase_if(test, [](const text::Example& e) { return e.split != "test"; });
    } else {
      test = spec.files.how.read(files, spec.labels).rows;
    }
    set.tasks[0].targets[kTest] = targets_of(spec, set.corpora[0].examples[kTest]);
  });
  return set;
}

void encode(TaskSet& set, const text::WordPiece& tokenizer, int max_length, text::TooLong how) {
  for (size_t c = 0; c < set.corpora.size(); ++c) {
    Corpus& corpus = set.corpora[c];
    for (int split : {kTrain, kDev, kTest}) {
      text::EncodedSet& texts = corpus.texts[split] = text::encode(corpus.examples[split], tokenizer, max_length, how);
      const std::string line = texts.size() ? fmt::format("{:<6}{:>6} texts, {}", kSplitNames[split], texts.size(),
                                                          lengths_of(texts, max_length, how))
                                            : "";
      if (texts.size())
        run::print_note("{}{}\n", line, readers_of(set, int(c), split, line.size()));
      else if (set.tasks.size() == 1)
        run::print_note("{:<6}  none\n", kSplitNames[split]);
    }
  }
  for (Task& task : set.tasks) {
    if (task.spec.head != nn::Predicts::tags) continue;
    check(how != text::TooLong::window, "{}: a head of tokens cannot read through windows", task.spec.where);
    const Corpus& corpus = set.corpora[task.corpus];
    for (int s : {kTrain, kDev, kTest}) {
      task.targets[s].places.clear();  // of another vocabulary
      for (size_t i = 0; i < corpus.examples[s].size(); ++i) {
        const Indices& types = corpus.texts[s].windows[i].types;  // 1: a second text
        const long length = std::find(types.begin(), types.end(), 1) - types.begin();
        task.targets[s].places.push_back(first_pieces(corpus.examples[s][i].text, tokenizer, length));
      }
    }
  }
}

std::string fingerprint_of(const TaskSet& set, const text::WordPiece& tokenizer) {
  run::Fingerprint print;
  for (const std::string& piece : tokenizer.pieces()) print.add("vocabulary", piece);
  const auto bytes = [](const auto& numbers) {
    return std::string_view(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof numbers[0]);
  };
  for (int split : {kTrain, kDev, kTest}) {
    for (const Corpus& corpus : set.corpora)
      for (const text::Encoding& window : corpus.texts[split].windows)
        print.add(kSplitNames[split], bytes(window.ids)).add(kSplitNames[split], bytes(window.types));
    for (const Task& task : set.tasks) {
      const Targets& targets = task.targets[split];
      print.add(kSplitNames[split], bytes(targets.rows)).add(kSplitNames[split], bytes(targets.classes));
      print.add(kSplitNames[split], bytes(targets.numbers));
      for (const Indices& tags : targets.tags) print.add(kSplitNames[split], bytes(tags));
      for (const std::vector<bool>& holds : targets.sets)
        print.add(kSplitNames[split], bytes(std::vector<char>(holds.begin(), holds.end())));
    }
  }
  return print.text();
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

Indices first_pieces(const std::string& text, const text::WordPiece& tokenizer, long length) {
  Indices places;
  long at = 1;  // behind [CLS]
  for (const std::string& word : words_of(text)) {
    const long pieces = long(tokenizer.tokenize(word).size());
    places.push_back(pieces && at < length - 1 ? int(at) : -1);
    at += pieces;
  }
  return places;
}

}  // namespace spec
