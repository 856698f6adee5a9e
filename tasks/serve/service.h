// Service: texts in, what models say of them out, through one scheduler. What every route is made of.
#pragma once

#include <optional>

#include "nn/format/json_value.h"
#include "tasks/http/metrics.h"
#include "tasks/http/scheduler.h"
#include "tasks/http/server.h"
#include "tasks/serve/models.h"

namespace serve {

using nn::json;
using nn::ordered_json;

struct ServiceOptions {
  std::vector<std::string> models;
  std::string base;
  long batch_tokens = 4096, queue_tokens = 65536;  // of a batch; that may wait
  long max_texts = 1024, max_text = 200000;        // of a request; bytes of a text
  bool log_texts = false;

  void declare(run::Options& options);
};

// What a head says of a text, in numbers.
struct Said {
  std::vector<double> scores;        // as model::Outputs has them
  std::vector<engine::real> logits;  // [K]
  int best = 0;                      // the class that is said; of a number 0
  engine::Indices tags = {};         // of every token
};

// A text on its way. `heads`: of which its model's heads say something; `vector`: as numbers, the mean of its tokens.
struct TextJob : http::Job {
  enum class Want { heads, vector, look } want = Want::heads;
  text::Example example;
  text::EncodedSet set;                                                   // it alone
  std::vector<Said> said;                                                 // of every head
  std::vector<engine::real> vector;                                       // [C]
  std::function<void(TextJob& job, const model::TextModel& model)> look;  // on the scheduler's thread, by itself
};

class Service {
 public:
  Service(const ServiceOptions& options, http::Metrics& metrics);

  void load();  // the models; until then everything is answered 503
  void drain() { scheduler_.drain(); }
  void check_ready() const;  // all that open routes say: models have names only for who has the key. Refusal 503
  const Models& models() const { return models_; }
  std::string names() const;  // of the models
  const ServiceOptions& options() const { return options_; }

  // The model that a request means: that of its route, its query `model` or its member, else the first. Refusal: 503
  // before load(), 404, 400 where they name two.
  Target target(const http::Request& in, const json& body) const;

  // A text as its model reads it. `truncate`: cut it or refuse it, whatever the model does with longer ones.
  // Refusal 422: too long.
  std::unique_ptr<TextJob> job(const Target& target, const text::Example& example, TextJob::Want want,
                               std::optional<bool> truncate = {}) const;
  // Of whole numbers, without special ones, read as a text of so many pieces. Refusal 422: no ids, with `where`.
  std::unique_ptr<TextJob> job_of_ids(const Target& target, const json& list, const std::string& where,
                                      std::optional<bool> truncate = {}) const;
  // Refusal 422: more texts, or a longer one, than one request may have.
  void check_texts(size_t count) const;
  void check_length(const text::Example& example) const;

  // Computes them; adds what it took to the answer's headers and its line in the log. `patient`: see Scheduler.
  void compute(const Target& target, const std::vector<std::unique_ptr<TextJob>>& jobs, http::Response& out,
               bool patient = false);
  std::vector<std::unique_ptr<TextJob>> compute(const Target& target, const std::vector<text::Example>& examples,
                                                TextJob::Want want, http::Response& out,
                                                std::optional<bool> truncate = {});

 private:
  void run(size_t lane, const std::vector<http::Job*>& jobs);

  ServiceOptions options_;
  http::Metrics& metrics_;
  Models models_;
  std::atomic<bool> ready_ = false;
  http::Scheduler scheduler_;
};

// The body of a request: an object. Refusal 400: no JSON, not UTF-8, cut short; 422: something else than an object.
json body_of(const http::Request& in);
// The same of a route whose members are these and `model`, which may stand behind the ?, too. Refusal 422: another one.
json body_of(const http::Request& in, std::vector<std::string> members);
// Its member of a type, or what stands where it is missing or null. Refusal 422.
bool flag(const json& body, const char* key, bool missing);
std::string word(const json& body, const char* key, const std::string& missing);
std::optional<long> whole(const json& body, const char* key);
std::string text_at(const json& value, const std::string& where);  // a string
// Its `truncate`, for Service::job. Refusal 422: `truncation_direction` or `prompt_name` that cannot be.
std::optional<bool> truncation(const json& body);
// The member `parameters`, an object with these members; {} where it is missing or null.
json parameters(const json& body, const std::vector<std::string>& known);

}  // namespace serve
