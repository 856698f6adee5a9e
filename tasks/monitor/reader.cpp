// Texts through the heads of one model or several, calibrated. Read tasks/model/predict.h and reader.h before.
#include "tasks/monitor/reader.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "engine/blas.h"
#include "engine/strings.h"
#include "nn/format/json.h"
#include "nn/format/sha256.h"
#include "tasks/attribution/words.h"
#include "tasks/model/directory.h"
#include "tasks/model/predict.h"
#include "tasks/model/shipped.h"
#include "tasks/run/console.h"

namespace monitor {

using engine::check;

void ReaderOptions::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Models");
  };
  add("--model", models,
      "directories of models whose heads tell topic and sentiment, or names of models that ship; if not given, the one "
      "that ships and tells sentiments");
  add("--labelled", labelled, "no model: topic and sentiment stand in the records").excludes("--model");
  add("--topic-head", topic_head, "name of the head that tells the topic; empty: none").excludes("--labelled");
  add("--sentiment-head", sentiment_head, "name of the one that tells the sentiment; empty: none")
      .excludes("--labelled");
  add("--entity-head", entity_head, "name of the one that tells it towards a name: it reads text and name as a pair")
      .excludes("--labelled");
  add("--negative", negative, "the label that counts as negative; if not given, negative, bearish or bad");
}

struct Reader::Head {
  const model::TextModel* model;
  size_t index;
  std::vector<std::string> labels;
  Calibration calibration;
  int negative;  // -1: none of the labels
};

int negative_of(const std::vector<std::string>& labels, const std::string& given) {
  const std::vector<std::string> known =
      given.empty() ? std::vector<std::string>{"negative", "bearish", "bad"} : std::vector<std::string>{given};
  for (const std::string& name : known)
    for (size_t i = 0; i < labels.size(); ++i) {
      if (engine::ascii_lower(labels[i]) == engine::ascii_lower(name)) return int(i);
    }
  return -1;
}

std::vector<double> tempered(std::vector<double> p, double temperature) {
  if (temperature == 1) return p;
  double sum = 0;
  for (double& x : p) sum += x = std::pow(std::max(x, 1e-12), 1 / temperature);
  for (double& x : p) x /= sum;
  return p;
}

namespace {

Calibration calibration_of(const std::string& directory, const std::string& head, size_t K) {
  Calibration c;
  const std::string path = directory + "/" + kCalibration;
  if (!std::filesystem::exists(path)) return c;
  const nn::json all = nn::read_json(path);
  if (!all.is_object() || !all.contains("heads") || !all["heads"].contains(head)) return c;
  const nn::json& own = all["heads"][head];
  try {
    c.temperature = own.at("temperature");
    c.confusion = own.at("confusion").get<std::vector<std::vector<double>>>();
  } catch (const nn::JsonError&) { engine::fail("{}: heads.{}: a temperature and a confusion", path, head); }
  const bool square = std::ranges::all_of(c.confusion, [&](const auto& row) { return row.size() == K; });
  check(c.temperature > 0 && c.confusion.size() == K && square,
        "{}: heads.{}: a temperature above 0 and {} rows of as many counts", path, head, K);
  return c;
}

// Two classes of many: rows and columns other than `k`, and `k`. Nothing of nothing.
std::vector<std::vector<double>> against_others(const std::vector<std::vector<double>>& confusion, int k) {
  if (confusion.empty()) return {};
  std::vector<std::vector<double>> two(2, std::vector<double>(2, 0));
  for (int i = 0; i < int(confusion.size()); ++i)
    for (int j = 0; j < int(confusion.size()); ++j) two[i == k][j == k] += confusion[size_t(i)][size_t(j)];
  return two;
}

}  // namespace

Reader::Reader(const ReaderOptions& options) : o_(options) {
  if (o_.labelled) return;
  if (o_.models.empty()) o_.models.push_back(model::ready_classifier());
  for (const std::string& given : o_.models) {
    const model::ModelDirectory directory(model::model_at(given));
    paths_.push_back(directory.path);
    models_.push_back(model::load_model(directory));
    models_.back()->net.params.freeze("*");
  }
  identity_ = identity_of_files();
  find_heads();
  check(topic_ || sentiment_ || entity_,
        "no model has a head '{}' or '{}'; --topic-head and --sentiment-head name them", o_.topic_head,
        o_.sentiment_head);
  check_names();
  if (topic_) topics_ = topic_->labels, topic_confusion_ = topic_->calibration.confusion;
  const auto negative = [](const Head& head) { return against_others(head.calibration.confusion, head.negative); };
  if (sentiment_) negative_confusion_ = negative(*sentiment_);
  entity_confusion_ = entity_ ? negative(*entity_) : negative_confusion_;  // without a head of its own: the text's
}

Reader::~Reader() = default;

std::unique_ptr<Reader::Head> Reader::head(size_t model, size_t index) const {
  const spec::TaskSpec& task = models_[model]->tasks[index];
  const std::vector<std::string>& labels = task.labels.names();
  return std::make_unique<Head>(Head{models_[model].get(), index, labels,
                                     calibration_of(paths_[model], task.name, labels.size()),
                                     negative_of(labels, o_.negative)});
}

// By name; a head without a name, or the only one of its model, by whether one of its labels is negative.
void Reader::find_heads() {
  for (size_t m = 0; m < models_.size(); ++m)
    for (size_t h = 0; h < models_[m]->tasks.size(); ++h) {
      const spec::TaskSpec& task = models_[m]->tasks[h];
      if (!task.one_class()) continue;
      std::unique_ptr<Head> found = head(m, h);
      const bool nameless = models_[m]->tasks.size() == 1 && task.name.empty();
      const auto is = [&](const std::string& wanted, bool fits) {
        return !wanted.empty() && (task.name == wanted || (nameless && fits));
      };
      std::unique_ptr<Head>* place = is(o_.topic_head, found->negative < 0)        ? &topic_
                                     : is(o_.sentiment_head, found->negative >= 0) ? &sentiment_
                                     : is(o_.entity_head, false)                   ? &entity_
                                                                                   : nullptr;
      if (!place) continue;
      check(!*place, "{}: two heads tell the same: '{}'", paths_[m], task.name);
      if (place != &topic_ && found->negative < 0 && !o_.negative.empty())
        spec::check_name("--negative", o_.negative, found->labels);
      check(place == &topic_ || found->negative >= 0,
            "{}: none of the labels of '{}' is negative; --negative names one", paths_[m], task.name);
      *place = std::move(found);
    }
}

// A head that an option names is one that there is; so is the label, wherever it is looked for.
void Reader::check_names() const {
  std::vector<std::string> names, labels;
  for (const auto& model : models_)
    for (const spec::TaskSpec& task : model->tasks) {
      if (task.one_class() && !task.name.empty()) names.push_back(task.name);
      if (task.one_class()) labels.insert(labels.end(), task.labels.names().begin(), task.labels.names().end());
    }
  const ReaderOptions usual;
  for (const auto& [option, head] : {std::pair{"--topic-head", &ReaderOptions::topic_head},
                                     {"--sentiment-head", &ReaderOptions::sentiment_head},
                                     {"--entity-head", &ReaderOptions::entity_head}}) {
    if ((o_.*head).empty() || o_.*head == usual.*head) continue;
    check(!names.empty(), "{}: '{}': no head of the model has a name", option, engine::shown(o_.*head));
    spec::check_name(option, o_.*head, names);
  }
  if (!o_.negative.empty() && !tells_negative()) spec::check_name("--negative", o_.negative, labels);
}

std::vector<std::vector<double>> Reader::probabilities(const Head& head,
                                                       const std::vector<text::Example>& examples) const {
  const engine::RowsAlone rows_alone;
  const model::Reading& reading = head.model->reading;
  const text::EncodedSet set = text::encode(examples, head.model->tokenizer, reading.max_length, reading.how());
  std::vector<std::vector<double>> p = model::predict(*head.model, set, {head.index})[0].scores;
  for (std::vector<double>& row : p) row = tempered(row, head.calibration.temperature);
  return p;
}

namespace {
int best_of(const std::vector<double>& p) { return int(std::max_element(p.begin(), p.end()) - p.begin()); }
}  // namespace

// What the records themselves say; `examples`: their texts, `pairs`: each with every name of it.
std::vector<Said> Reader::labelled(const std::vector<Record>& records, std::vector<text::Example>& examples,
                                   std::vector<text::Example>& pairs) const {
  std::vector<Said> said(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const Record& r = records[i];
    said[i].topic = r.topic.empty() ? "all" : r.topic;
    said[i].negative = !r.sentiment.empty() && negative_of({r.sentiment}, o_.negative) == 0;
    said[i].negative_p = said[i].negative;
    examples.push_back({.text = r.text, .where = "record"});
    for (const std::string& name : r.entities) {
      said[i].entities.push_back({name});
      pairs.push_back({.text = r.text, .pair = name, .where = "record"});
    }
  }
  return said;
}

std::vector<Said> Reader::read(const std::vector<Record>& records) const {
  std::vector<text::Example> examples, pairs;
  std::vector<Said> said = labelled(records, examples, pairs);
  if (topic_) {
    const auto p = probabilities(*topic_, examples);
    for (size_t i = 0; i < p.size(); ++i) {
      const int best = best_of(p[i]);
      said[i].topic = topic_->labels[size_t(best)];
      said[i].topic_p = p[i][size_t(best)];
    }
  }
  if (sentiment_) {
    const auto p = probabilities(*sentiment_, examples);
    for (size_t i = 0; i < p.size(); ++i) {
      said[i].negative_p = p[i][size_t(sentiment_->negative)];
      said[i].negative = best_of(p[i]) == sentiment_->negative;
    }
  }
  const auto towards = entity_ && !pairs.empty() ? probabilities(*entity_, pairs) : std::vector<std::vector<double>>();
  size_t pair = 0;
  for (Said& one : said)
    for (Said::Towards& entity : one.entities) {
      entity.negative_p = one.negative_p;
      entity.negative = one.negative;
      if (!towards.empty()) {
        entity.negative_p = towards[pair][size_t(entity_->negative)];
        entity.negative = best_of(towards[pair]) == entity_->negative;
      }
      ++pair;
    }
  return said;
}

std::string Reader::words(const std::string& text, const std::string& topic, bool negative) const {
  const Head* head = negative && sentiment_ ? sentiment_.get() : topic_ ? topic_.get() : sentiment_.get();
  if (!head) return "";
  const auto found = std::find(head->labels.begin(), head->labels.end(), topic);
  const int k = head == sentiment_.get() ? head->negative : int(found - head->labels.begin());
  if (k < 0 || k >= int(head->labels.size())) return "";
  const engine::RowsAlone rows_alone;
  const model::Reading& reading = head->model->reading;
  const std::vector<text::Example> example{{.text = text, .where = "record"}};
  const text::EncodedSet set = text::encode(example, head->model->tokenizer, reading.max_length, reading.how());
  return attribution::strongest(attribution::word_shares(*head->model, head->index, example, set, {k})[0]);
}

std::string Reader::identity_of_files() const {
  std::string all;
  for (const std::string& path : paths_)
    for (const char* file : {"model.safetensors", "adapter_model.safetensors", "tasks.json", kCalibration})
      if (std::filesystem::exists(path + "/" + file)) all += nn::sha256_hex(nn::read_file(path + "/" + file));
  return nn::sha256_hex(all).substr(0, 16);
}

}  // namespace monitor
