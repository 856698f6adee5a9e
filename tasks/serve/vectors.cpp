// Texts to vectors, their cosines, and what a model makes of two texts; the forms of text-embeddings-inference and of
// OpenAI. Read tasks/serve/service.h first.
#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>

#include "nn/format/json.h"
#include "tasks/serve/routes.h"

namespace serve {

using engine::real;
using http::ask;
using http::Request;
using http::Response;

namespace {

std::vector<real> normalised(std::vector<real> x) {
  double sum = 0;
  for (const real v : x) sum += double(v) * double(v);
  for (real& v : x) v = sum > 0 ? real(v / std::sqrt(sum)) : v;
  return x;
}

// Texts, or ids of pieces: one of either, or a list.
std::vector<std::unique_ptr<TextJob>> jobs_of(const Service& service, const Target& target, const json& inputs,
                                              const std::string& where, std::optional<bool> truncate = {}) {
  const auto is_number = [](const json& value) { return value.is_number_integer(); };
  const auto one = [&](const json& value, const std::string& at) {
    if (!value.is_array()) return service.job(target, {.text = text_at(value, at)}, TextJob::Want::vector, truncate);
    ask(!value.empty() && std::ranges::all_of(value, is_number), 422, "{} must be a text, or a list of ids", at);
    return service.job_of_ids(target, value, at, truncate);
  };
  std::vector<std::unique_ptr<TextJob>> jobs;
  if (!inputs.is_array() || (!inputs.empty() && is_number(inputs[0]))) {
    jobs.push_back(one(inputs, where));
    return jobs;
  }
  ask(!inputs.empty(), 400, "{} is empty", where);
  service.check_texts(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) jobs.push_back(one(inputs[i], fmt::format("{}[{}]", where, i)));
  return jobs;
}

// The first `dimensions` numbers of it, if so many are wanted.
std::vector<real> vector_of(const TextJob& job, std::optional<long> dimensions, bool normalise) {
  std::vector<real> x = job.vector;
  ask(!dimensions || (*dimensions > 0 && *dimensions <= long(x.size())), 422, "dimensions must be 1 to {}", x.size());
  if (dimensions) x.resize(size_t(*dimensions));
  return normalise ? normalised(std::move(x)) : x;
}

const json& needed(const json& body, const char* key) {
  ask(body.is_object() && body.contains(key) && !body[key].is_null(), 422, "the body needs a member {}", key);
  return body[key];
}

std::vector<text::Example> texts_of(const Service& service, const json& list, const char* key) {
  ask(list.is_array(), 422, "{} must be a list of texts", key);
  ask(!list.empty(), 400, "{} is empty", key);
  service.check_texts(list.size());
  std::vector<text::Example> texts;
  for (size_t i = 0; i < list.size(); ++i) texts.push_back({.text = text_at(list[i], fmt::format("{}[{}]", key, i))});
  return texts;
}

}  // namespace

ordered_json embeddings(Service& service, const Target& target, const json& body, Response& out) {
  const auto jobs = jobs_of(service, target, needed(body, "inputs"), "inputs", truncation(body));
  service.compute(target, jobs, out);
  ordered_json all = ordered_json::array();
  for (const auto& job : jobs) all.push_back(vector_of(*job, whole(body, "dimensions"), flag(body, "normalize", true)));
  return all;
}

ordered_json similarities(Service& service, const Target& target, const json& body, Response& out) {
  const json& inputs = needed(body, "inputs");
  std::vector<text::Example> texts = texts_of(service, needed(inputs, "sentences"), "inputs.sentences");
  http::check_members(inputs, {"source_sentence", "sentences"});
  texts.insert(texts.begin(), {.text = text_at(needed(inputs, "source_sentence"), "inputs.source_sentence")});
  const std::optional<bool> truncate =
      truncation(parameters(body, {"truncate", "truncation_direction", "prompt_name"}));
  const auto jobs = service.compute(target, texts, TextJob::Want::vector, out, truncate);
  const std::vector<real> source = normalised(jobs[0]->vector);
  ordered_json cosines = ordered_json::array();
  for (size_t i = 1; i < jobs.size(); ++i) {
    const std::vector<real> other = normalised(jobs[i]->vector);
    double cosine = 0;
    for (size_t c = 0; c < source.size(); ++c) cosine += double(source[c]) * double(other[c]);
    cosines.push_back(std::clamp(cosine, -1.0, 1.0));
  }
  return cosines;
}

namespace {

// By a model of pairs that says a number.
ordered_json rerank(Service& service, const Target& target, const json& body, Response& out) {
  ask(target.task().head == nn::Predicts::number, 422,
      "'{}' predicts no number; /rerank is for a model that predicts one of two texts (--pair-column)", target.name);
  const std::string query = text_at(needed(body, "query"), "query");
  std::vector<text::Example> pairs = texts_of(service, needed(body, "texts"), "texts");
  for (text::Example& pair : pairs) pair = {.text = query, .pair = pair.text};
  const auto jobs = service.compute(target, pairs, TextJob::Want::heads, out, truncation(body));
  const bool raw = flag(body, "raw_scores", false), text = flag(body, "return_text", false);
  std::vector<size_t> order(jobs.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto score = [&](size_t i) { return jobs[i]->said[target.head].scores[0]; };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return score(a) > score(b); });
  ordered_json all = ordered_json::array();
  for (const size_t i : order) {
    ordered_json one{{"index", i}};
    if (text) one["text"] = pairs[i].pair;
    one["score"] = raw ? score(i) : 1 / (1 + std::exp(-score(i)));
    all.push_back(std::move(one));
  }
  return all;
}

ordered_json tokenized(const Service& service, const Target& target, const json& body) {
  const json& inputs = needed(body, "inputs");
  const bool special = flag(body, "add_special_tokens", true);
  truncation(body);
  const text::WordPiece& tokenizer = target.model().tokenizer;
  const long most = service.options().queue_tokens;
  ordered_json all = ordered_json::array();
  long count = 0;
  for (const text::Example& example : texts_of(service, inputs.is_array() ? inputs : json::array({inputs}), "inputs")) {
    service.check_length(example);
    std::vector<int> ids = tokenizer.encode(example.text, 1 << 30).ids;  // [CLS] ... [SEP]
    count += long(ids.size());
    ask(count <= most, 422, "the texts of one request have more than {} tokens (--queue-tokens)", most);
    if (!special) ids = {ids.begin() + 1, ids.end() - 1};
    ordered_json tokens = ordered_json::array();
    for (const int id : ids)
      tokens.push_back({{"id", id},
                        {"text", tokenizer.piece(id)},
                        {"special", tokenizer.is_special(id)},
                        {"start", nullptr},
                        {"stop", nullptr}});
    all.push_back(std::move(tokens));
  }
  return all;
}

std::string base64(std::string_view bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    unsigned three = 0;
    for (size_t j = 0; j < 3; ++j)
      three = three << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (size_t j = 0; j < 4; ++j) out += i + j <= bytes.size() ? kDigits[three >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

// As OpenAI's, whose clients ask for base64 of little-endian floats where nobody says otherwise.
ordered_json openai_embeddings(Service& service, const Request& in, Response& out) {
  const json body = body_of(in);
  const Target target = service.target(in, body);
  const std::string format = word(body, "encoding_format", "float");
  ask(format == "float" || format == "base64", 422, "encoding_format must be float or base64");
  const auto jobs = jobs_of(service, target, needed(body, "input"), "input");
  service.compute(target, jobs, out);
  ordered_json data = ordered_json::array();
  long tokens = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    const std::vector<real> x = vector_of(*jobs[i], whole(body, "dimensions"), true);
    const std::vector<float> floats(x.begin(), x.end());
    ordered_json one{{"object", "embedding"}, {"index", i}};
    if (format == "float")
      one["embedding"] = floats;
    else
      one["embedding"] = base64({reinterpret_cast<const char*>(floats.data()), floats.size() * sizeof(float)});
    data.push_back(std::move(one));
    tokens += jobs[i]->tokens;
  }
  return {{"object", "list"},
          {"data", data},
          {"model", target.name},
          {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}};
}

ordered_json openai_model(const Target& target) {
  static const long since = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return {{"id", target.name}, {"object", "model"}, {"created", since}, {"owned_by", "attune"}};
}

using Answer = ordered_json (*)(Service& service, const Target& target, const json& body, Response& out);

}  // namespace

void vector_routes(http::Server& server, Service& service) {
  static_assert(std::endian::native == std::endian::little, "base64 is of little-endian numbers");
  // The members are all that text-embeddings-inference has there.
  const auto on = [&](const char* route, const std::vector<std::string>& members, Answer answer) {
    server.on("POST", route, [&service, members, answer](const Request& in, Response& out) {
      const json body = body_of(in, members);
      out.json(answer(service, service.target(in, body), body, out));
    });
  };
  on("/embed", {"inputs", "normalize", "dimensions", "truncate", "truncation_direction", "prompt_name"}, embeddings);
  on("/similarity", {"inputs", "parameters"}, similarities);
  on("/rerank", {"query", "texts", "raw_scores", "return_text", "truncate", "truncation_direction"}, rerank);
  on("/tokenize", {"inputs", "add_special_tokens", "prompt_name"},
     [](Service& s, const Target& t, const json& body, Response&) { return tokenized(s, t, body); });
  for (const char* route : {"/v1/embeddings", "/embeddings"})
    server.on("POST", route, [&](const Request& in, Response& out) { out.json(openai_embeddings(service, in, out)); });
  server.on("GET", "/v1/models", [&](const Request& in, Response& out) {
    service.target(in, json::object());  // 503 while there is none
    ordered_json list = ordered_json::array();
    for (const Target& target : service.models().targets()) list.push_back(openai_model(target));
    out.json({{"object", "list"}, {"data", list}});
  });
  server.on("GET", "/v1/models/{model}",
            [&](const Request& in, Response& out) { out.json(openai_model(service.target(in, json::object()))); });
}

}  // namespace serve
