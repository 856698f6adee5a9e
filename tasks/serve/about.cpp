// What the server says of itself. Read tasks/serve/service.h first.
#include "nn/format/json.h"
#include "tasks/serve/routes.h"

namespace serve {

using http::Request;
using http::Response;

namespace {

constexpr const char* kVersion = "0.1";

ordered_json model_type(const Target& target) {
  if (target.task().head == nn::Predicts::number)
    return {{"reranker", {{"id2label", {{"0", "value"}}}, {"label2id", {{"value", 0}}}}}};
  if (!target.classifies()) return {{"embedding", {{"pooling", "mean"}}}};
  ordered_json of_id = ordered_json::object(), of_label = ordered_json::object();
  for (int k = 0; k < int(target.task().labels.size()); ++k) {
    of_id[std::to_string(k)] = target.task().labels.name(k);
    of_label[target.task().labels.name(k)] = k;
  }
  return {{"classifier", {{"id2label", of_id}, {"label2id", of_label}}}};
}

// What the head's scores were divided by before the softmax, once somebody has measured how sure it may be.
ordered_json temperature(const Target& target) {
  const model::Calibrations& known = target.model().calibrations;
  if (target.head >= known.size() || !known[target.head]) return nullptr;
  return known[target.head]->temperature;
}

const char* dtype(const Target& target) { return target.model().config().int8 ? "int8" : "float32"; }

// text-embeddings-inference's keys of the first model, and all models under "models".
ordered_json info(const Service& service, const Target& first) {
  const ServiceOptions& o = service.options();
  const auto cuts = [](const Target& t) { return t.model().reading.too_long != "error"; };
  ordered_json models = ordered_json::array();
  for (const Target& t : service.models().targets())
    models.push_back({{"name", t.name},
                      {"model_type", model_type(t)},
                      {"head", spec::head_name(t.task().head)},
                      {"temperature", temperature(t)},
                      {"parameters", t.model().net.params.count()},
                      {"dtype", dtype(t)},
                      {"adapter", t.served->adapter},
                      {"attention", t.model().net.encoder.bert() != nullptr},
                      {"max_input_length", t.model().reading.max_length}});
  return {{"model_id", first.name},
          {"model_sha", nullptr},
          {"model_dtype", dtype(first)},
          {"served_model_name", first.name},
          {"model_type", model_type(first)},
          {"max_concurrent_requests", nullptr},
          {"max_input_length", first.model().reading.max_length},
          {"max_batch_tokens", o.batch_tokens},
          {"max_batch_requests", nullptr},
          {"max_client_batch_size", o.max_texts},
          {"auto_truncate", cuts(first)},
          {"tokenization_workers", nullptr},
          {"version", kVersion},
          {"sha", nullptr},
          {"docker_label", nullptr},
          {"models", models}};
}

struct Described {
  const char *method, *path, *summary, *body;  // body: an example; empty: none
};
constexpr Described kRoutes[] = {
    {"post", "/", "Labels with scores, a list for each text (Hugging Face's pipeline); of an encoder vectors",
     R"({"inputs": "a text", "parameters": {"top_k": 2}})"},
    {"get", "/", "200, or for a browser the page", ""},
    {"post", "/models/{model}", "The same of a model by its name", R"({"inputs": ["one text", "another"]})"},
    {"post", "/invocations", "The same", R"({"inputs": "a text"})"},
    {"post", "/predict", "Labels with scores (text-embeddings-inference): [\"a\", \"b\"] is a pair",
     R"({"inputs": [["one text"], ["another"]], "raw_scores": false, "model": "NAME"})"},
    {"post", "/embed", "A vector for each text", R"({"inputs": ["one text", "another"], "normalize": true})"},
    {"post", "/similarity", "Cosines of vectors",
     R"({"inputs": {"source_sentence": "a text", "sentences": ["another", "a third"]}})"},
    {"post", "/rerank", "Texts in the order of what a model of pairs says of them beside a query",
     R"({"query": "a question", "texts": ["an answer", "another"], "return_text": true})"},
    {"post", "/tokenize", "Pieces and their ids", R"({"inputs": "a text", "add_special_tokens": true})"},
    {"post", "/v1/embeddings", "Vectors, as OpenAI's",
     R"({"input": "a text", "model": "NAME", "encoding_format": "float"})"},
    {"post", "/embeddings", "The same", R"({"input": "a text"})"},
    {"get", "/v1/models", "The models, as OpenAI's", ""},
    {"get", "/v1/models/{model}", "One of them", ""},
    {"get", "/v2", "The server (Open Inference Protocol)", ""},
    {"get", "/v2/health/live", "Whether it runs", ""},
    {"get", "/v2/health/ready", "Whether it answers", ""},
    {"get", "/v2/models/{model}", "Inputs and outputs of a model", ""},
    {"get", "/v2/models/{model}/ready", "Whether it answers", ""},
    {"post", "/v2/models/{model}/infer", "Outputs of texts",
     R"({"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a text"]}]})"},
    {"get", "/v2/models/{model}/versions/{version}", "The same of its version, which is 1", ""},
    {"get", "/v2/models/{model}/versions/{version}/ready", "The same of its version", ""},
    {"post", "/v2/models/{model}/versions/{version}/infer", "The same of its version",
     R"({"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a text"]}]})"},
    {"post", "/ui/look", "Scores, attention and the words that carried the decision, of one text",
     R"({"inputs": "a text", "model": "NAME"})"},
    {"post", "/ui/label", "A CSV with a column of texts in, the same with labels out (?model=NAME&column=text)", ""},
    {"get", "/health", "200: requests are answered; 503: not yet, or no more", ""},
    {"get", "/ping", "The same", ""},
    {"get", "/info", "Models and limits", ""},
    {"get", "/metrics", "Figures for Prometheus", ""},
    {"get", "/openapi.json", "This", ""},
    {"get", "/ui", "The page", ""},
};

ordered_json openapi() {
  ordered_json paths = ordered_json::object();
  for (const Described& route : kRoutes) {
    ordered_json one{{"summary", route.summary}};
    const std::string path = route.path;
    const auto parameter = [&](const char* name, const char* in) {
      one["parameters"].push_back(
          {{"name", name}, {"in", in}, {"required", *in == 'p'}, {"schema", {{"type", "string"}}}});
    };
    for (const char* name : {"model", "version"})
      if (path.find(fmt::format("{{{}}}", name)) != std::string::npos) parameter(name, "path");
    if (*route.method == 'p' && path.find("{model}") == std::string::npos) parameter("model", "query");
    if (path == "/ui/label") parameter("column", "query");
    if (*route.body)
      one["requestBody"] = {
          {"required", true},
          {"content",
           {{"application/json", {{"schema", {{"type", "object"}}}, {"example", ordered_json::parse(route.body)}}}}}};
    if (path == "/ui/label")
      one["requestBody"] = {{"required", true}, {"content", {{"text/csv", {{"schema", {{"type", "string"}}}}}}}};
    one["responses"] = {{"200", {{"description", "the answer"}}},
                        {"default", {{"description", "an error: a sentence and the status that fits it"}}}};
    paths[path][route.method] = one;
  }
  return {{"openapi", "3.0.3"},
          {"info", {{"title", "attune"}, {"version", kVersion}, {"description", "Models of texts over HTTP."}}},
          {"paths", paths}};
}

const char* openai_type(int status) {
  return status == 401   ? "authentication_error"
         : status == 429 ? "rate_limit_error"
         : status >= 500 ? "server_error"
                         : "invalid_request_error";
}

const char* tei_type(int status, const std::string& sentence) {
  return status == 429                                      ? "Overloaded"
         : status == 503                                    ? "Unhealthy"
         : status == 400 && sentence.ends_with(" is empty") ? "Empty"
         : status >= 500                                    ? "Backend"
                                                            : "Validation";
}

}  // namespace

ordered_json error_body(const Request& in, int status, const std::string& sentence) {
  if (in.path.starts_with("/v1/") || in.path == "/embeddings")
    return {{"error", {{"message", sentence}, {"type", openai_type(status)}, {"param", nullptr}, {"code", nullptr}}}};
  if (in.path.starts_with("/v2")) return {{"error", sentence}};
  return {{"error", sentence}, {"error_type", tei_type(status, sentence)}};
}

void about_routes(http::Server& server, Service& service) {
  constexpr auto open = http::Server::Access::open;
  for (const char* route : {"/health", "/ping"})
    server.on(
        "GET", route, [&](const Request&, Response&) { service.check_ready(); }, open);
  server.on("GET", "/info",
            [&](const Request& in, Response& out) { out.json(info(service, service.target(in, json::object()))); });
  server.on_metrics();
  server.on(
      "GET", "/openapi.json", [](const Request&, Response& out) { out.json(openapi()); }, open);
}

void all_routes(http::Server& server, Service& service) {
  classify_routes(server, service);
  vector_routes(server, service);
  kserve_routes(server, service);
  page_routes(server, service);
  about_routes(server, service);
  server.error_body(error_body);
}

}  // namespace serve
