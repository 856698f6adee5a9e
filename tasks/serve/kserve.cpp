// The Open Inference Protocol, version 2, as KServe and Triton have it over HTTP, with Triton's extension for classes.
// Read tasks/serve/service.h first.
#include <algorithm>

#include "nn/format/json.h"
#include "tasks/serve/routes.h"

namespace serve {

using http::ask;
using http::Request;
using http::Response;

namespace {

ordered_json tensor(const std::string& name, const char* type, std::vector<long> shape) {
  return {{"name", name}, {"datatype", type}, {"shape", std::move(shape)}};
}

ordered_json metadata(const Target& target) {
  ordered_json outputs = ordered_json::array();
  const long K = target.task().classifies() ? long(target.task().labels.size()) : 1;
  if (target.classifies()) {
    outputs = {tensor("label", "BYTES", {-1}), tensor("scores", "FP32", {-1, K}), tensor("logits", "FP32", {-1, K})};
  } else if (target.task().head == nn::Predicts::number) {
    outputs = {tensor("scores", "FP32", {-1, 1})};
  }
  outputs.push_back(tensor("embedding", "FP32", {-1, target.model().config().hidden_size}));
  return {{"name", target.name},
          {"versions", {"1"}},
          {"platform", "attune"},
          {"inputs", {tensor("text", "BYTES", {-1}), tensor("text_pair", "BYTES", {-1})}},
          {"outputs", outputs}};
}

void flatten(const json& data, const std::string& where, std::vector<std::string>& to) {
  if (!data.is_array()) return to.push_back(text_at(data, where));
  for (const json& inner : data) flatten(inner, where, to);
}

std::vector<std::string> strings_of(const json& input, const std::string& name) {
  ask(word(input, "datatype", "") == "BYTES", 400, "input {}: datatype must be BYTES", name);
  std::vector<std::string> texts;
  ask(input.contains("data"), 400, "input {}: there is no data (binary data is not read)", name);
  flatten(input["data"], "input " + name, texts);
  long count = 1;
  ask(input.contains("shape") && input["shape"].is_array(), 400, "input {}: there is no shape", name);
  for (const json& n : input["shape"]) {
    ask(n.is_number_integer() && n.get<long>() >= 0, 400, "input {}: a shape is a list of counts", name);
    count = std::min(count * std::min(n.get<long>(), 1L << 30), 1L << 30);
  }
  ask(count == long(texts.size()), 400, "input {}: shape says {} texts, data has {}", name, count, texts.size());
  return texts;
}

std::vector<text::Example> examples_of(const json& body) {
  ask(body.contains("inputs") && body["inputs"].is_array() && !body["inputs"].empty(), 400,
      "the body needs inputs: [{{name, shape, datatype, data}}]");
  std::vector<text::Example> examples;
  bool first = true;
  for (const json& input : body["inputs"]) {
    const std::string name = word(input, "name", "");
    const std::vector<std::string> texts = strings_of(input, name);
    ask(name == "text_pair" ? !first : first, 400, "input {}: there is text, and behind it there may be text_pair",
        name);
    if (first) examples.resize(texts.size());
    ask(texts.size() == examples.size(), 400, "text has {} texts, text_pair {}", examples.size(), texts.size());
    for (size_t i = 0; i < texts.size(); ++i) (first ? examples[i].text : examples[i].pair) = texts[i];
    first = false;
  }
  return examples;
}

using Jobs = std::vector<std::unique_ptr<TextJob>>;

// `value:index:label` of the k highest, of every text.
ordered_json classes(const Target& target, const Jobs& jobs, const std::string& name, long k) {
  const long K = long(target.task().labels.size());
  k = std::min(k, K);
  ordered_json data = ordered_json::array();
  for (const auto& job : jobs) {
    const auto best = ranked(target, job->said[target.head], name == "logits");
    for (long i = 0; i < k; ++i)
      data.push_back(fmt::format("{}:{}:{}", float(best[size_t(i)].second),
                                 target.task().labels.find(best[size_t(i)].first), best[size_t(i)].first));
  }
  ordered_json out = tensor(name, "BYTES", {long(jobs.size()), k});
  out["data"] = data;
  return out;
}

ordered_json output(const Target& target, const Jobs& jobs, const std::string& name, const json& parameters) {
  const bool numbers = name == "scores" || name == "logits";
  ask(name == "embedding" || (target.classifies() && (numbers || name == "label")) ||
          (target.task().head == nn::Predicts::number && name == "scores"),
      400, "'{}' has no output '{}'; /v2/models/{} lists them", target.name, name, target.name);
  if (const auto k = whole(parameters, "classification")) {
    ask(*k > 0, 400, "output {}: classification is how many classes are said, 1 or more", name);
    ask(target.classifies() && numbers, 400, "output {}: classification is of scores and logits of classes", name);
    return classes(target, jobs, name, *k);
  }
  std::vector<long> shape{long(jobs.size())};
  ordered_json data = ordered_json::array();
  for (const auto& job : jobs) {
    if (name == "label") {
      data.push_back(target.task().labels.name(job->said[target.head].best));
      continue;
    }
    std::vector<float> row;
    if (name == "scores") row.assign(job->said[target.head].scores.begin(), job->said[target.head].scores.end());
    if (name == "logits") row.assign(job->said[target.head].logits.begin(), job->said[target.head].logits.end());
    if (name == "embedding") row.assign(job->vector.begin(), job->vector.end());
    shape.resize(2);
    shape[1] = long(row.size());
    for (const float x : row) data.push_back(x);
  }
  ordered_json out = tensor(name, name == "label" ? "BYTES" : "FP32", shape);
  out["data"] = data;
  return out;
}

void infer(Service& service, const Request& in, Response& out) {
  ask(in.header("Inference-Header-Content-Length").empty(), 400, "binary data is not read; send JSON alone");
  const json body = body_of(in);
  const Target target = service.target(in, body);
  const std::vector<text::Example> examples = examples_of(body);
  json wanted = body.value("outputs", json());
  if (wanted.is_null()) wanted = json::array();
  ask(wanted.is_array(), 400, "outputs must be a list");
  const ordered_json known_outputs = metadata(target)["outputs"];
  if (wanted.empty())
    for (const auto& known : known_outputs)
      if (known["name"] != "embedding" || !target.served->classifies()) wanted.push_back({{"name", known["name"]}});
  const auto is_vector = [](const json& one) { return word(one, "name", "") == "embedding"; };
  Jobs said, vectors;
  if (!std::ranges::all_of(wanted, is_vector)) {
    ask(target.served->classifies(), 400, "'{}' is an encoder; its only output is embedding", target.name);
    said = service.compute(target, examples, TextJob::Want::heads, out);
  }
  if (std::ranges::any_of(wanted, is_vector)) vectors = service.compute(target, examples, TextJob::Want::vector, out);
  ordered_json answer{{"model_name", target.name}, {"model_version", "1"}};
  if (const std::string id = word(body, "id", ""); !id.empty()) answer["id"] = id;
  answer["outputs"] = ordered_json::array();
  for (const json& one : wanted)
    answer["outputs"].push_back(output(target, is_vector(one) ? vectors : said, word(one, "name", ""),
                                       one.value("parameters", json::object())));
  out.json(answer);
}

}  // namespace

void kserve_routes(http::Server& server, Service& service) {
  server.on("GET", "/v2", [](const Request&, Response& out) {
    out.json({{"name", "attune"}, {"version", "0.1"}, {"extensions", {"classification"}}});
  });
  server.on(
      "GET", "/v2/health/live",
      [](const Request&, Response& out) {
        out.json({{"live", true}});
      },
      http::Server::Access::open);
  server.on(
      "GET", "/v2/health/ready",
      [&](const Request&, Response& out) {
        service.check_ready();
        out.json({{"ready", true}, {"live", true}});
      },
      http::Server::Access::open);
  for (const std::string model : {"/v2/models/{model}", "/v2/models/{model}/versions/{version}"}) {
    const auto target = [&service](const Request& in) {
      const auto version = in.at.find("version");
      ask(version == in.at.end() || version->second == "1", 404, "there is version 1 alone");
      return service.target(in, json::object());
    };
    server.on("GET", model, [=](const Request& in, Response& out) { out.json(metadata(target(in))); });
    server.on("GET", model + "/ready", [=](const Request& in, Response& out) {
      out.json({{"name", target(in).name}, {"ready", true}});
    });
    server.on("POST", model + "/infer", [=, &service](const Request& in, Response& out) {
      target(in);
      infer(service, in, out);
    });
  }
}

}  // namespace serve
