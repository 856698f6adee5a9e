// From JSON to tasks; whatever is amiss is said with the file and the key. Read tasks/spec/task_file.h first.
#include "tasks/spec/task_file.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "nn/format/json.h"
#include "tasks/spec/json_object.h"
#include "tasks/text/encoding.h"
#include "tasks/text/labels.h"

namespace spec {

using engine::check;
using engine::fail;
using nn::ordered_json;

namespace {

struct Head {
  nn::Predicts kind;
  std::string name;
  Names losses, metrics;  // the first of each is the default
};
const Head kHeads[] = {
    {nn::Predicts::label, "label", {"cross_entropy", "binary_cross_entropy"}, {"macro_f1", "accuracy", "mcc"}},
    {nn::Predicts::ordinal, "ordinal", {"coral"}, {"quadratic_kappa", "mae", "accuracy", "macro_f1"}},
    {nn::Predicts::labels, "labels", {"binary_cross_entropy"}, {"micro_f1", "macro_f1"}},
    {nn::Predicts::number, "regression", {"mse"}, {"pearson", "spearman", "mse", "mae"}},
    {nn::Predicts::tags, "tokens", {"cross_entropy"}, {"entity_f1", "accuracy", "macro_f1"}}};

const Head& head_of(nn::Predicts kind) {
  return *std::find_if(std::begin(kHeads), std::end(kHeads), [&](const Head& h) { return h.kind == kind; });
}

void take_data(StrictObject& object, TaskSpec& task) {
  object.take("data", task.files.data);
  object.take("train", task.files.train);
  object.take("dev", task.files.dev);
  object.take("test", task.files.test);
  if (task.files.data == Names{"embedded"}) task.files.data.clear();
  object.take("split", task.files.split);
  object.take("text_column", task.files.how.text_column);
  object.take("pair_column", task.files.how.pair_column);
  object.take("label_column", task.files.how.label_column);
  object.take("split_column", task.files.how.split_column);
  object.take("rationale_column", task.files.how.rationale_column);
  object.take("format", task.files.how.format);
  object.take("encoding", task.files.how.encoding);
  object.take("delimiter", task.files.how.delimiter);
  object.take("sheet", task.files.how.sheet);
  object.take("no_header", task.files.how.no_header);
  object.take("examples", task.examples, 1, 1e12);
  if (!task.files.how.format.empty())
    check_name(object.where("format"), task.files.how.format, {"tsv", "csv", "jsonl"});
  const std::string wrong = text::encoding_error(task.files.how.encoding);
  check(wrong.empty(), "{}: {}", object.where("encoding"), wrong);
}

void take_labels(StrictObject& object, TaskSpec& task) {
  const ordered_json* labels = object.find("labels");
  object.take("separator", task.separator);
  if (task.separator.empty()) task.separator = task.head == nn::Predicts::tags ? " " : ",";
  task.files.how.label_as_target = !task.one_class();
  if (!labels) return;
  check(task.classifies(), "{}: a regression has none", object.where("labels"));
  Names names;
  object.take("labels", names);
  within(object.where("labels"), [&] {
    if (labels->is_array()) task.labels = text::Labels(names);
    if (labels->is_string()) task.labels = text::Labels::parse(task.labels_text = names[0]);
  });
  check(task.labels.empty() || !task.one_class() || task.labels.size() > 1, "{}: two classes at least; got '{}'",
        object.where("labels"), names[0]);
}

void take_head(StrictObject& object, TaskSpec& task) {
  std::string head = "label", reads;
  object.take("head", head);
  task.head = within(object.where("head"), [&] { return head_named(head); });
  object.take("reads", reads);
  if (!reads.empty()) {
    check_name(object.where("reads"), reads, {"cls", "attention", "mean"});
    task.reads = reads == "cls" ? nn::Reads::first : reads == "mean" ? nn::Reads::mean : nn::Reads::attention;
    check(task.head != nn::Predicts::tags, "{}: a head of tokens reads every token by itself", object.where("reads"));
  }
  long queries = 0;
  object.take("queries", queries, 1, 65536);
  if (queries) task.queries = queries;
  object.take("adapter", task.adapter, 0, 65536);
}

void take_loss(StrictObject& object, TaskSpec& task) {
  const Head& head = head_of(task.head);
  const auto choose = [&](const char* key, std::string& to, const Names& fitting, Names Head::*all) {
    to = fitting[0];
    object.take(key, to);
    Names known;
    for (const Head& h : kHeads) known.insert(known.end(), (h.*all).begin(), (h.*all).end());
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());
    check_name(object.where(key), to, known);
    check(std::find(fitting.begin(), fitting.end(), to) != fitting.end(),
          "{}: '{}' does not fit the head '{}'; these do: {}", object.where(key), to, head.name, text::listed(fitting));
  };
  choose("loss", task.loss, head.losses, &Head::losses);
  choose("metric", task.metric, head.metrics, &Head::metrics);
  task.weight = object.number("weight", 0, 1e9, false);
  object.take("label_smoothing", task.label_smoothing, 0, 1);
  check(task.label_smoothing == 0 || task.loss == "cross_entropy", "{}: is for cross_entropy; the loss is {}",
        object.where("label_smoothing"), task.loss);
  object.take("mean", task.mean, -1e30, 1e30);
  object.take("deviation", task.deviation, 1e-30, 1e30);
}

void take_class_weights(StrictObject& object, TaskSpec& task) {
  const ordered_json* weights = object.find("class_weights");
  if (!weights) return;
  const std::string where = object.where("class_weights");
  check(task.loss == "cross_entropy", "{}: is for cross_entropy; the loss is {}", where, task.loss);
  if (weights->is_string()) {
    task.class_weights = *weights;
    return check_name(where, task.class_weights, {"none", "balanced"});
  }
  check(weights->is_object(), "{}: must be \"none\", \"balanced\" or an object {{LABEL: WEIGHT}}; got {}", where,
        weights->dump().substr(0, 40));
  double sum = 0;
  for (const auto& [label, weight] : weights->items()) {
    check(weight.is_number() && weight >= 0 && weight <= 1e9, "{}.{}: must be a number from 0 to 1e9; got {}", where,
          label, weight.dump().substr(0, 40));
    sum += task.weight_of_class[label] = weight;
  }
  check(sum > 0, "{}: the weights sum to 0", where);
  task.class_weights = "given";
}

// Error: a key has another value than its default where nothing reads it.
void check_is_read(const TaskSpec& task) {
  const TaskSpec defaults;
  const DataOptions &how = task.files.how, &usual = defaults.files.how;
  const auto unread = [&](const char* key, bool given, const std::string& is_for) {
    check(!given, "{}.{}: is for {}", task.where, key, is_for);
  };
  const std::string head = fmt::format("; the head is '{}'", head_name(task.head));
  if (task.head != nn::Predicts::labels && task.head != nn::Predicts::tags)
    unread("separator", task.separator != ",", "the heads labels and tokens" + head);
  if (task.head != nn::Predicts::number) {
    unread("mean", task.mean != defaults.mean, "the head regression" + head);
    unread("deviation", task.deviation != defaults.deviation, "the head regression" + head);
  }
  const bool own = task.head != nn::Predicts::tags && task.reads.value_or(nn::Reads::attention) == nn::Reads::attention;
  check(!task.queries || own, "{}.queries: this head has no attention of its own{}", task.where,
        task.head == nn::Predicts::tags ? head : "; \"reads\": \"attention\" gives it one");
  if (task.files.data.empty() && task.files.train.empty()) {
    const std::string files = "a file; the data is \"embedded\"";
    unread("format", !how.format.empty(), files);
    unread("encoding", how.encoding != usual.encoding, files);
    unread("delimiter", !how.delimiter.empty(), files);
    unread("sheet", !how.sheet.empty(), files);
    unread("no_header", how.no_header, files);
  }
  if (!task.files.train.empty() && !task.files.dev.empty())
    unread("split", task.files.split != defaults.files.split, "\"data\", or \"train\" without \"dev\"");
}

TaskSpec task_of(const std::string& name, const ordered_json& json, const std::string& path, Written by) {
  TaskSpec task;
  task.name = name;
  task.where = path + ": tasks." + name;
  constexpr const char* kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  check(!name.empty() && name.find_first_not_of(kAllowed) == name.npos,
        "{}: the name of a task is made of letters, digits, _ and -; got '{}'", path, text::shown(name));
  StrictObject object(json, task.where);
  take_data(object, task);
  take_head(object, task);
  take_labels(object, task);
  take_loss(object, task);
  take_class_weights(object, task);
  object.finish();
  if (by == Written::by_hand) check_is_read(task);
  return task;
}

// What ties two tasks: every kind has the keys that mean something for it.
TieSpec tie_of(const ordered_json& json, const std::string& where, bool agreement) {
  TieSpec tie;
  tie.where = where;
  tie.agreement = agreement;
  StrictObject object(json, where);
  const auto name = [&](const char* key, std::string& to, const Names& names) {
    object.take(key, to);
    check_name(object.where(key), to, names);
  };
  if (agreement) {
    Names tasks;
    object.take("tasks", tasks);
    check(tasks.size() == 1 || tasks.size() == 2, "{}.tasks: one task or two; got {}", where, tasks.size());
    tie.from = tasks.front();
    tie.to = tasks.back();
    name("measure", tie.what = "symmetric_kl", {"symmetric_kl", "jensen_shannon"});
    name("views", tie.views, {"dropout", "halves", "words"});
    if (tie.views == "words") object.take("share", tie.share, 0, 0.99);
  } else {
    object.take("from", tie.from);
    object.take("to", tie.to);
    name("what", tie.what = "attention", {"attention", "context", "queries"});
  }
  if (tie.what == "queries") {
    object.take("after", tie.after, 0, 1e9);
  } else {
    object.take("weight", tie.weight, 0, 1e9);
    name("schedule", tie.schedule, {"constant", "rise", "decay"});
    object.take("texts", tie.texts = agreement ? "corpus" : "target");
    if (tie.texts != "corpus" && tie.texts != "target") object.take("text_column", tie.text_column);
    object.take("batch_size", tie.batch_size, 1, 1e6);
  }
  object.finish();
  return tie;
}

}  // namespace

const std::string& head_name(nn::Predicts head) {
  static const std::string vector = "vector", pieces = "pieces";  // these two no task file has
  if (head == nn::Predicts::vector) return vector;
  if (head == nn::Predicts::pieces) return pieces;
  return head_of(head).name;
}

nn::Predicts head_named(const std::string& name) {
  Names names;
  for (const Head& h : kHeads) {
    if (h.name == name) return h.kind;
    names.push_back(h.name);
  }
  fail("'{}' is not one of {}{}", text::shown(name), text::listed(names), text::did_you_mean(name, names));
}

const Names& losses_of(nn::Predicts head) { return head_of(head).losses; }
const Names& metrics_of(nn::Predicts head) { return head_of(head).metrics; }

void check_name(const std::string& where, const std::string& name, const Names& names) {
  check(std::find(names.begin(), names.end(), name) != names.end(), "{}: '{}' is not one of {}{}", where,
        text::shown(name), text::listed(names), text::did_you_mean(name, names));
}

TaskFile parse_task_file(const std::string& text, const std::string& path, Written by) {
  TaskFile file{path, text, {}, {}, ordered_json::object()};
  const ordered_json json = nn::parse_ordered_json(text, path, true);
  check(json.is_object(), "{}: must be an object {{\"tasks\": {{...}}, ...}}", path);
  for (const auto& [key, value] : json.items())
    if (key == "alignment" || key == "agreement") {
      check(value.is_array(), "{}: {}: must be a list of objects, [{{...}}, ...]", path, key);
      for (size_t i = 0; i < value.size(); ++i)
        file.ties.push_back(tie_of(value[i], fmt::format("{}: {}[{}]", path, key, i), key == "agreement"));
    } else if (key != "tasks") {
      file.settings[key] = value;
    }
  check(json.contains("tasks") && json["tasks"].is_object() && !json["tasks"].empty(),
        "{}: tasks: must be an object with a task or more, {{\"NAME\": {{...}}}}", path);
  double weights = 0;
  for (const auto& [name, task] : json["tasks"].items()) {
    file.tasks.push_back(task_of(name, task, path, by));
    weights += file.tasks.back().weight.value_or(1);
  }
  check(weights > 0, "{}: the tasks' weights sum to 0", path);
  return file;
}

TaskFile read_task_file(const std::string& path, Written by) { return parse_task_file(nn::read_file(path), path, by); }

ordered_json TaskSpec::json() const {
  ordered_json j;
  const auto files_of = [&](const char* key, const Names& names) {
    if (!names.empty()) j[key] = names;
  };
  if (files.data.empty() && files.train.empty()) j["data"] = "embedded";
  files_of("data", files.data);
  files_of("train", files.train);
  files_of("dev", files.dev);
  files_of("test", files.test);
  j["split"] = files.split;
  j["text_column"] = files.how.text_column;
  if (!files.how.pair_column.empty()) j["pair_column"] = files.how.pair_column;
  j["label_column"] = files.how.label_column;
  j["split_column"] = files.how.split_column;
  if (!files.how.rationale_column.empty()) j["rationale_column"] = files.how.rationale_column;
  if (!files.how.format.empty()) j["format"] = files.how.format;
  j["encoding"] = files.how.encoding;
  if (!files.how.delimiter.empty()) j["delimiter"] = files.how.delimiter;
  if (!files.how.sheet.empty()) j["sheet"] = files.how.sheet;
  j["no_header"] = files.how.no_header;
  if (examples) j["examples"] = examples;
  j["head"] = head_name(head);
  if (reads) j["reads"] = *reads == nn::Reads::first ? "cls" : *reads == nn::Reads::mean ? "mean" : "attention";
  if (queries) j["queries"] = *queries;
  j["adapter"] = adapter;
  if (classifies()) j["labels"] = labels_text == "auto" ? ordered_json(labels.names()) : ordered_json(labels_text);
  if (head == nn::Predicts::labels || head == nn::Predicts::tags) j["separator"] = separator;
  j["loss"] = loss;
  j["metric"] = metric;
  if (weight) j["weight"] = *weight;
  if (label_smoothing > 0) j["label_smoothing"] = label_smoothing;
  if (class_weights == "given") j["class_weights"] = weight_of_class;
  if (class_weights == "balanced") j["class_weights"] = class_weights;
  if (head == nn::Predicts::number) {
    j["mean"] = mean;
    j["deviation"] = deviation;
  }
  return j;
}

}  // namespace spec
