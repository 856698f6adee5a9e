// Texts to labels, in the two forms that clients know. Read tasks/serve/service.h first.
//
// They differ: to /, as a pipeline of Hugging Face, ["a", "b"] is two texts, and the answer is a list for each text,
// also for one; to /predict, as text-embeddings-inference has it, ["a", "b"] is one pair, ["a"] is one text, [["a"],
// ["b"]] are two, and the answer to one is flat.
#include <algorithm>
#include <numeric>

#include "nn/format/json.h"
#include "tasks/serve/routes.h"

namespace serve {

using http::ask;
using http::Request;
using http::Response;

std::vector<std::pair<std::string, double>> ranked(const Target& target, const Said& said, bool raw) {
  const spec::TaskSpec& task = target.task();
  if (task.head == nn::Predicts::number) return {{"value", raw ? double(said.logits[0]) : said.scores[0]}};
  // Of ordered classes there are logits between them, none of them.
  const bool logits = raw && said.logits.size() == said.scores.size();
  std::vector<int> order(said.scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return said.scores[size_t(a)] > said.scores[size_t(b)]; });
  const auto best = std::find(order.begin(), order.end(), said.best);
  if (best != order.end()) std::rotate(order.begin(), best, best + 1);
  std::vector<std::pair<std::string, double>> all;
  for (const int k : order)
    all.emplace_back(task.labels.name(k), logits ? double(said.logits[size_t(k)]) : said.scores[size_t(k)]);
  return all;
}

ordered_json label_scores(const std::vector<std::pair<std::string, double>>& ranked) {
  ordered_json list = ordered_json::array();
  for (const auto& [label, score] : ranked) list.push_back({{"label", label}, {"score", score}});
  return list;
}

namespace {

struct Asked {
  std::vector<text::Example> texts;
  bool one = false;  // not a list
};

text::Example pair_of(const json& list, const std::string& where) {
  ask(list.size() == 1 || list.size() == 2, 422, "{} must be a text or a pair of texts; it has {} members", where,
      list.size());
  text::Example example{.text = text_at(list[0], where)};
  if (list.size() == 2) example.pair = text_at(list[1], where);
  return example;
}

// {"text": ..., "text_pair": ...}
text::Example object_of(const json& value, const std::string& where) {
  ask(value.contains("text"), 422, "{} needs a member text", where);
  http::check_members(value, {"text", "text_pair"});
  text::Example example{.text = text_at(value["text"], where + ".text")};
  if (value.contains("text_pair")) example.pair = text_at(value["text_pair"], where + ".text_pair");
  return example;
}

text::Example example_of(const json& value, const std::string& where) {
  if (value.is_array()) return pair_of(value, where);
  if (value.is_object()) return object_of(value, where);
  return {.text = text_at(value, where)};
}

const json& inputs_of(const json& body) {
  ask(body.contains("inputs"), 422, "the body needs a member inputs: a text, or a list of texts");
  const json& inputs = body["inputs"];
  ask(!inputs.is_array() || !inputs.empty(), 400, "inputs is empty");
  return inputs;
}

Asked as_pipeline(const json& body) {
  const json& inputs = inputs_of(body);
  if (!inputs.is_array()) return {{example_of(inputs, "inputs")}, true};
  Asked asked;
  for (size_t i = 0; i < inputs.size(); ++i) asked.texts.push_back(example_of(inputs[i], fmt::format("inputs[{}]", i)));
  return asked;
}

Asked as_embeddings_inference(const json& body) {
  const json& inputs = inputs_of(body);
  const bool flat = !inputs.is_array() || std::ranges::all_of(inputs, [](const json& i) { return i.is_string(); });
  return flat ? Asked{{example_of(inputs, "inputs")}, true} : as_pipeline(body);
}

void check_classifies(const Target& target) {
  ask(target.task().head != nn::Predicts::tags, 422,
      "'{}' labels words; this server answers for whole texts (predict of the programs writes tags)", target.name);
  ask(target.task().head != nn::Predicts::vector, 422, "'{}' is an encoder without a classifier; /embed asks it",
      target.name);
}

// A share between 0 and 1, or nothing where the member is missing or null.
std::optional<double> share(const json& body, const char* key) {
  if (!body.contains(key) || body[key].is_null()) return std::nullopt;
  ask(body[key].is_number() && body[key] > 0. && body[key] < 1., 422, "{} must be a number between 0 and 1", key);
  return body[key].get<double>();
}

// What of the labels is said, by the model's calibration (tasks/model/calibration.h), as `sentiment predict` has it:
//   coverage  a share: those of a set that holds the right one so often, one at least; by_class: of each class's texts
//   refuse    a share: nothing where the likeliest is under the probability from which on so many are right
struct Promises {
  std::vector<double> strangest;  // [K], or nothing: every label
  double least = 0;

  Promises(const json& given, const Target& target) {
    const std::optional<double> coverage = share(given, "coverage"), accuracy = share(given, "refuse");
    const bool by_class = flag(given, "by_class", false);
    ask(coverage || !by_class, 422, "by_class is about the sets of coverage; give that, too");
    if (!coverage && !accuracy) return;
    const model::Calibrations& all = target.model().calibrations;
    ask(target.head < all.size() && all[target.head], 422,
        "'{}' is not calibrated, so that it promises nothing (`sentiment calibrate` measures on fresh texts)",
        target.name);
    const model::Calibration& known = *all[target.head];
    if (coverage && by_class) strangest = known.thresholds_by_class(*coverage);
    if (coverage && !by_class) strangest.assign(size_t(known.classes), known.threshold(*coverage));
    if (!accuracy) return;
    const model::Calibration::Refusal refusal = known.refusal(*accuracy);
    ask(refusal.coverage > 0, 422,
        "refuse {}: of the {} texts that it was calibrated on, no surest part is right so often", *accuracy,
        known.texts.size());
    least = refusal.threshold;
  }

  // Labels in their order -> those that are said.    probabilities: of the same, whatever is shown
  using Scores = std::vector<std::pair<std::string, double>>;
  Scores kept(const Scores& labels, const Scores& probabilities, const text::Labels& names) const {
    if (least > 0 && probabilities[0].second < least) return {};
    if (strangest.empty()) return labels;
    Scores some;
    for (size_t i = 0; i < labels.size(); ++i)
      if (1 - probabilities[i].second <= strangest[size_t(names.find(labels[i].first))]) some.push_back(labels[i]);
    if (some.empty()) some.push_back(labels[0]);
    return some;
  }
};

// Of every text its labels.
std::vector<ordered_json> classified(Service& service, const Target& target, const Asked& asked, bool raw, long top,
                                     const Promises& promises, std::optional<bool> truncate, Response& out) {
  check_classifies(target);
  std::vector<ordered_json> all;
  for (const auto& job : service.compute(target, asked.texts, TextJob::Want::heads, out, truncate)) {
    const Said& said = job->said[target.head];
    auto labels = promises.kept(ranked(target, said, raw), ranked(target, said, false), target.task().labels);
    if (top > 0) labels.resize(std::min(labels.size(), size_t(top)));
    all.push_back(label_scores(labels));
  }
  return all;
}

void predict(Service& service, const Request& in, Response& out) {
  const json body =
      body_of(in, {"inputs", "raw_scores", "truncate", "truncation_direction", "coverage", "by_class", "refuse"});
  const Target target = service.target(in, body);
  const Asked asked = as_embeddings_inference(body);
  const std::vector<ordered_json> all = classified(service, target, asked, flag(body, "raw_scores", false), 0,
                                                   Promises(body, target), truncation(body), out);
  out.json(asked.one ? all[0] : ordered_json(all));
}

// What a pipeline's parameters ask for.
struct Pipeline {
  bool raw = false;
  long top = 0;
  std::optional<bool> truncate;
  json given;
  Pipeline(const json& body, const Target& target)
      : given(parameters(body, {"top_k", "function_to_apply", "coverage", "by_class", "refuse", "truncation"})) {
    truncate = given.contains("truncation") ? flag(given, "truncation", true) : truncation(body);
    top = whole(given, "top_k").value_or(0);
    ask(top >= 0, 422, "top_k must be above 0");
    const std::string function = word(given, "function_to_apply", ""),
                      own = target.task().head == nn::Predicts::label && target.task().loss == "cross_entropy"
                                ? "softmax"
                            : target.task().head == nn::Predicts::number ? "none"
                                                                         : "sigmoid";
    raw = function == "none";
    ask(raw || function.empty() || function == own, 422, "function_to_apply: this model's is {}; none is possible, too",
        own);
  }
};

void root(Service& service, const Request& in, Response& out) {
  http::check_query(in, {"model"});
  const json body = body_of(in);
  const Target target = service.target(in, body);
  const bool sentences = body.contains("inputs") && body["inputs"].is_object() && body["inputs"].contains("sentences");
  if (sentences) return out.json(similarities(service, target, body, out));
  if (target.task().head == nn::Predicts::vector) {
    json asked = body;
    asked.update(parameters(body, {"normalize", "dimensions", "truncate", "truncation_direction", "prompt_name"}));
    return out.json(embeddings(service, target, asked, out));
  }
  const Pipeline how(body, target);
  out.json(
      classified(service, target, as_pipeline(body), how.raw, how.top, Promises(how.given, target), how.truncate, out));
}

}  // namespace

void classify_routes(http::Server& server, Service& service) {
  server.on("POST", "/predict", [&](const Request& in, Response& out) { predict(service, in, out); });
  for (const char* route : {"/", "/invocations", "/models/{model}"})
    server.on("POST", route, [&](const Request& in, Response& out) { root(service, in, out); });
}

}  // namespace serve
