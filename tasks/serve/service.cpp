// From texts to jobs, from jobs to batches. Read tasks/http/scheduler.h and tasks/model/predict.h first.
#include "tasks/serve/service.h"

#include <cmath>

#include "engine/blas.h"
#include "engine/graph.h"
#include "engine/startup.h"
#include "nn/format/json.h"
#include "tasks/model/predict.h"
#include "tasks/run/arguments.h"

namespace serve {

using engine::Indices;
using engine::real;
using engine::Tensor;
using http::ask;
using http::Refusal;

void ServiceOptions::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Models");
  };
  add("--model", models,
      "directories of models, runs or adapters, or names of models that ship; NAME=DIR gives one a name; if not given, "
      "the one that ships and classifies; probabilities are calibrated where a directory has a calibration.json");
  add("--base", base, "where the base of adapter directories is, if not where they say");
  const auto limit = [&](const char* name, long& variable, const char* what) {
    options.add(name, variable, what).group("Limits").between(1, 1e9);
  };
  limit("--batch-tokens", batch_tokens, "of a batch, at most; a batch is what is waiting, nobody waits for more");
  limit("--queue-tokens", queue_tokens, "that may wait; a request beyond is answered 429 at once");
  limit("--max-texts", max_texts, "of one request");
  limit("--max-text", max_text, "bytes of one text");
  options.add("--log-texts", log_texts, "the log has the texts, too").group("Server").only_with("--log");
}

Service::Service(const ServiceOptions& options, http::Metrics& metrics)
    : options_(options),
      metrics_(metrics),
      scheduler_([this](size_t lane, const std::vector<http::Job*>& jobs) { run(lane, jobs); }, options.batch_tokens,
                 options.queue_tokens) {
  metrics_.counter("attune_texts_total", "Texts that a model has read.");
  metrics_.counter("attune_tokens_total", "Tokens of them.");
  metrics_.counter("attune_batches_total", "Batches that a model has computed.");
  metrics_.histogram("attune_batch_texts", "Texts of a batch.", {1, 2, 4, 8, 16, 32, 64, 128, 256});
  metrics_.histogram("attune_queue_duration_seconds", "From the arrival of a text to the beginning of its batch.",
                     {0.0001, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5});
  metrics_.gauge("attune_queue_tokens", "Tokens that are waiting.", [this] { return double(scheduler_.waiting()); });
}

void Service::load() {
  models_.load(options_.models, options_.base);
  engine::release_team();  // the worker has its own
  ready_ = true;
}

std::string Service::names() const {
  std::string names;
  for (const Target& target : models_.targets()) names += (names.empty() ? "" : ", ") + target.name;
  return names;
}

namespace {

// What the route, the query and the body call the model: one name, wherever it stands.
void add_name(const std::string& another, std::string& name) {
  ask(name.empty() || another.empty() || name == another, 400,
      "two models are named, '{}' and '{}'; a request is for one", engine::shown(name), engine::shown(another));
  if (!another.empty()) name = another;
}

}  // namespace

void Service::check_ready() const {
  if (!ready_) throw Refusal(503, "the models are being loaded; ask again in a moment", 1);
}

Target Service::target(const http::Request& in, const json& body) const {
  check_ready();
  std::string name;
  for (const auto* where : {&in.at, &in.query})
    if (const auto found = where->find("model"); found != where->end()) add_name(found->second, name);
  add_name(word(body, "model", ""), name);
  return models_.find(name);
}

void Service::check_length(const text::Example& example) const {
  for (const std::string* text : {&example.text, &example.pair})
    ask(long(text->size()) <= options_.max_text, 422, "a text has {} bytes; at most {} are read (--max-text)",
        text->size(), options_.max_text);
}

namespace {

// What becomes of a text that is too long: what the request says, else what the model was made with.
text::TooLong too_long(const model::Reading& reading, std::optional<bool> truncate) {
  if (!truncate) return reading.how();
  return *truncate ? text::TooLong::cut : text::TooLong::error;
}

}  // namespace

std::unique_ptr<TextJob> Service::job(const Target& target, const text::Example& example, TextJob::Want want,
                                      std::optional<bool> truncate) const {
  check_length(example);
  const model::Reading& reading = target.model().reading;
  auto job = std::make_unique<TextJob>();
  job->lane = target.lane;
  job->want = want;
  job->example = example;
  text::Example named = example;
  named.where = "inputs";  // how an error begins
  try {
    job->set = text::encode({named}, target.model().tokenizer, reading.max_length, too_long(reading, truncate));
  } catch (const engine::Error& e) { throw Refusal(422, e.what()); }
  job->tokens = job->set.tokens(0);
  return job;
}

std::unique_ptr<TextJob> Service::job_of_ids(const Target& target, const json& list, const std::string& where,
                                             std::optional<bool> truncate) const {
  const text::WordPiece& tokenizer = target.model().tokenizer;
  std::vector<int> ids;
  for (const json& id : list) {
    ask(id >= 0 && id < tokenizer.vocab_size(), 422, "{}: {} is no id of this model's vocabulary, 0 to {}", where,
        nn::shown_json(id), tokenizer.vocab_size() - 1);
    ids.push_back(id);
  }
  ids.insert(ids.begin(), tokenizer.cls_id());
  ids.push_back(tokenizer.sep_id());
  auto job = std::make_unique<TextJob>();
  job->lane = target.lane;
  job->want = TextJob::Want::vector;
  const model::Reading& reading = target.model().reading;
  try {
    text::Example named;
    named.where = where;
    text::add(job->set, {ids, std::vector<int>(ids.size(), 0)}, named, reading.max_length, too_long(reading, truncate));
  } catch (const engine::Error& e) { throw Refusal(422, e.what()); }
  job->tokens = job->set.tokens(0);
  return job;
}

void Service::check_texts(size_t count) const {
  ask(long(count) <= options_.max_texts, 422, "{} texts in one request; at most {} (--max-texts)", count,
      options_.max_texts);
}

void Service::compute(const Target& target, const std::vector<std::unique_ptr<TextJob>>& jobs, http::Response& out,
                      bool patient) {
  if (!patient) check_texts(jobs.size());
  std::vector<http::Job*> all;
  long tokens = 0;
  for (const auto& job : jobs) {
    all.push_back(job.get());
    tokens += job->tokens;
  }
  out.log["model"] = target.name;
  out.log["texts"] = out.log.value("texts", 0L) + long(jobs.size());
  out.log["tokens"] = out.log.value("tokens", 0L) + tokens;
  if (options_.log_texts)
    for (const auto& job : jobs) out.log["inputs"].push_back(job->example.text);
  patient ? scheduler_.compute_patiently(all) : scheduler_.compute(all);
  if (jobs.empty() || patient) return;
  const auto ms = [](auto from, auto to) { return std::chrono::duration<double, std::milli>(to - from).count(); };
  const double queued = ms(jobs[0]->asked, jobs[0]->begun), computed = ms(jobs[0]->begun, jobs.back()->done);
  out.log["queue_ms"] = queued;
  out.log["inference_ms"] = computed;
  out.headers.emplace_back("x-compute-type", "cpu");
  out.headers.emplace_back("x-compute-tokens", std::to_string(tokens));
  out.headers.emplace_back("x-queue-time", std::to_string(std::lround(queued)));
  out.headers.emplace_back("x-inference-time", std::to_string(std::lround(computed)));
}

std::vector<std::unique_ptr<TextJob>> Service::compute(const Target& target, const std::vector<text::Example>& examples,
                                                       TextJob::Want want, http::Response& out,
                                                       std::optional<bool> truncate) {
  check_texts(examples.size());
  std::vector<std::unique_ptr<TextJob>> jobs;
  for (const text::Example& example : examples) jobs.push_back(job(target, example, want, truncate));
  compute(target, jobs, out);
  return jobs;
}

namespace {

text::EncodedSet together(const std::vector<TextJob*>& jobs) {
  text::EncodedSet set;
  for (const TextJob* job : jobs) {
    set.windows.insert(set.windows.end(), job->set.windows.begin(), job->set.windows.end());
    set.begin.push_back(int(set.windows.size()));
    set.labels.push_back(-1);
  }
  return set;
}

void run_heads(const model::TextModel& model, const std::vector<TextJob*>& jobs) {
  const text::EncodedSet set = together(jobs);
  for (TextJob* job : jobs) job->said.assign(model.tasks.size(), {});
  const auto keep_logits = [&](size_t head, const Tensor& logits, const text::Batch& batch) {
    if (model.tasks[head].head == nn::Predicts::tags) return;
    const Tensor y = text::mean_over_windows(logits, batch);  // [B, K]
    for (size_t b = 0; b < batch.rows.size(); ++b)
      jobs[size_t(batch.rows[b])]->said[head].logits.assign(y.data() + long(b) * y.dim(1),
                                                            y.data() + long(b + 1) * y.dim(1));
  };
  const std::vector<model::Outputs> outputs = model::predict(model, set, {}, keep_logits);
  for (size_t h = 0; h < outputs.size(); ++h)
    for (size_t i = 0; i < jobs.size(); ++i) {
      if (!outputs[h].tags.empty()) {
        jobs[i]->said[h].tags = outputs[h].tags[i];
        continue;
      }
      jobs[i]->said[h].scores = outputs[h].scores[i];
      jobs[i]->said[h].best = outputs[h].best_of(i);
    }
}

// The mean over a text's tokens, then over its windows.    [N, C] -> [C]
void run_vectors(const model::TextModel& model, const std::vector<TextJob*>& jobs) {
  const engine::NoGrad no_grad;
  for (const text::Batch& batch : text::in_order(together(jobs), model::kEvaluationBatch)) {
    const nn::Encoded x = model.net.encoder(batch.tokens, {nn::Rows::all});
    const long C = x.tokens.dim(1);
    for (size_t b = 0; b < batch.rows.size(); ++b) {
      std::vector<double> sum(static_cast<size_t>(C));
      for (int w = batch.windows[b]; w < batch.windows[b + 1]; ++w)
        for (long t = x.offsets[w]; t < x.offsets[w + 1]; ++t)
          for (long c = 0; c < C; ++c)
            sum[size_t(c)] += x.tokens.data()[t * C + c] / real(x.offsets[w + 1] - x.offsets[w]);
      for (double& s : sum) s /= batch.windows[b + 1] - batch.windows[b];
      jobs[size_t(batch.rows[b])]->vector.assign(sum.begin(), sum.end());
    }
  }
}

}  // namespace

void Service::run(size_t lane, const std::vector<http::Job*>& jobs) {
  const engine::RowsAlone rows_alone;  // the same bits in any batch
  const model::TextModel& model = *models_.all()[lane].model;
  std::vector<TextJob*> heads, vectors;
  long tokens = 0;
  for (http::Job* job : jobs) {
    auto* text = static_cast<TextJob*>(job);
    tokens += text->tokens;
    metrics_.observe("attune_queue_duration_seconds", std::chrono::duration<double>(text->begun - text->asked).count());
    if (text->want == TextJob::Want::look)
      text->look(*text, model);
    else
      (text->want == TextJob::Want::heads ? heads : vectors).push_back(text);
  }
  if (!heads.empty()) run_heads(model, heads);
  if (!vectors.empty()) run_vectors(model, vectors);
  const http::MetricLabels name{{"model", models_.all()[lane].name}};
  metrics_.add("attune_texts_total", name, double(jobs.size()));
  metrics_.add("attune_tokens_total", name, double(tokens));
  metrics_.add("attune_batches_total", name);
  metrics_.observe("attune_batch_texts", double(jobs.size()));
}

json body_of(const http::Request& in) {
  ask(!in.body.empty(), 400, "the request has no body; it must be a JSON object");
  json body;
  try {
    body = nn::parse_json(in.body, "body");
  } catch (const engine::Error& e) { throw Refusal(400, e.what()); }
  ask(body.is_object(), 422, "the body must be a JSON object, as {{\"inputs\": \"a text\"}}; it is {}",
      nn::shown_json(body));
  return body;
}

json body_of(const http::Request& in, std::vector<std::string> members) {
  json body = body_of(in);
  members.push_back("model");
  http::check_members(body, members);
  http::check_query(in, {"model"});
  return body;
}

namespace {

const json* member(const json& body, const char* key) {
  if (!body.is_object()) return nullptr;
  const auto found = body.find(key);
  return found == body.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace

bool flag(const json& body, const char* key, bool missing) {
  const json* value = member(body, key);
  ask(!value || value->is_boolean(), 422, "{} must be true or false", key);
  return value ? value->get<bool>() : missing;
}

std::string word(const json& body, const char* key, const std::string& missing) {
  const json* value = member(body, key);
  return value ? text_at(*value, key) : missing;
}

std::optional<long> whole(const json& body, const char* key) {
  const json* value = member(body, key);
  if (!value) return std::nullopt;
  ask(value->is_number_integer(), 422, "{} must be a whole number; it is {}", key, nn::shown_json(*value));
  return value->get<long>();
}

std::optional<bool> truncation(const json& body) {
  const std::string direction = word(body, "truncation_direction", "right");
  ask(direction == "right" || direction == "Right", 422,
      "texts are cut from the right; truncation_direction can be nothing else");
  ask(!member(body, "prompt_name"), 422, "prompt_name: the models of this server have no prompts");
  if (!member(body, "truncate")) return std::nullopt;
  return flag(body, "truncate", true);
}

json parameters(const json& body, const std::vector<std::string>& known) {
  const json given = body.value("parameters", json::object());
  ask(given.is_object() || given.is_null(), 422, "parameters must be an object; it is {}", nn::shown_json(given));
  if (given.is_null()) return json::object();
  http::check_members(given, known);
  return given;
}

std::string text_at(const json& value, const std::string& where) {
  ask(value.is_string(), 422, "{} must be a string; it is {}", where, nn::shown_json(value));
  return value.get<std::string>();
}

}  // namespace serve
