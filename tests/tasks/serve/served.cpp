// The whole service over small models, as its clients see it.
#include <omp.h>

#include <future>

#include "engine/blas.h"
#include "nn/format/files.h"
#include "tasks/capi/attune.h"
#include "tasks/model/predict.h"
#include "tasks/model/shipped.h"
#include "tests/support/golden.h"
#include "tests/tasks/serve/service.h"

using namespace test;
using nn::json;
namespace fs = std::filesystem;

namespace {

std::string word_of(int i, int letters) {
  std::string word;
  for (int l = 0; l < letters; ++l) word += char('a' + (i * 7 + l * l * 3 + i * l) % 26);
  return word;
}

// Two classifiers, "mood" calibrated and "plain" not.
struct Calibrated {
  TemporaryDirectory dir;
  serve::ServiceOptions options;
  std::unique_ptr<model::TextModel> mood = text_model(letters_config(), {task_of("", nn::Predicts::label)}, 7);

  Calibrated() {
    options.models = {dir.path + "/mood", dir.path + "/plain"};
    mood->save(options.models[1]);
  }
  double largest_probability(const std::string& text) const {
    const std::vector<text::Example> example{{.text = text}};
    const auto p = model::predict(*mood, text::encode(example, mood->tokenizer, 64))[0].scores[0];
    return std::max(p[0], p[1]);
  }
  // Of 19 texts the surest 18 are right; a set of coverage 0.9 takes the 18th strangest, 1 - `own`.
  void calibrate(double own) const {
    model::Calibration known;
    known.classes = 2;
    for (int i = 0; i < 18; ++i) known.texts.push_back({.label = 0, .own = own, .largest = own});
    known.texts.push_back({.label = 1, .own = 1 - own, .largest = own - 0.001});
    mood->calibrations = {known};
    fs::remove_all(options.models[0]);
    mood->save(options.models[0]);
    model::write_calibrations(*mood, options.models[0]);
  }
};

}  // namespace

TEST_CASE("serve: the answer to a text is the same bits alone, in a request with others, and under load") {
  const Mood m;
  std::vector<std::string> texts;
  for (int i = 0; i < 90; ++i) texts.push_back(word_of(i, 1 + i * 7 % 60));
  std::vector<json> alone, vectors;
  for (const std::string& text : texts) {
    alone.push_back(m.running.answer("/predict", {{"inputs", text}, {"raw_scores", true}}));
    vectors.push_back(m.running.answer("/embed", {{"inputs", text}, {"model", "encoder"}})[0]);
  }
  CHECK(m.running.answer("/", {{"inputs", texts}, {"parameters", {{"function_to_apply", "none"}}}}) == json(alone));
  CHECK(m.running.answer("/embed", {{"inputs", texts}, {"model", "encoder"}}) == json(vectors));
  std::vector<std::future<long>> clients;
  for (size_t c = 0; c < 8; ++c)
    clients.push_back(std::async(std::launch::async, [&, c] {
      long different = 0;
      for (size_t i = c; i < texts.size(); i += 1 + c % 3) {
        different += m.running.answer("/predict", {{"inputs", texts[i]}, {"raw_scores", true}}) != alone[i];
        different += m.running.answer("/embed", {{"inputs", texts[i]}, {"model", "encoder"}})[0] != vectors[i];
      }
      return different;
    }));
  for (auto& client : clients) CHECK(client.get() == 0);
}

TEST_CASE("serve: probabilities are those that the programs predict; the forms of both kinds of client") {
  const Mood m;
  const std::vector<text::Example> examples{{.text = "abc"}, {.text = "xyz", .pair = "bcd"}};
  const auto expected = model::predict(*m.mood, text::encode(examples, m.mood->tokenizer, 64))[0].scores;
  const json flat = m.running.answer("/predict", {{"inputs", "abc"}}),
             pair = m.running.answer("/predict", {{"inputs", {"xyz", "bcd"}}});
  REQUIRE(flat.size() == 2);
  const std::string best = expected[0][1] > expected[0][0] ? "good" : "bad";
  CHECK(flat[0]["label"] == best);
  CHECK(flat[0]["score"].get<double>() == doctest::Approx(std::max(expected[0][0], expected[0][1])).epsilon(1e-5));
  CHECK(pair[0]["score"].get<double>() == doctest::Approx(std::max(expected[1][0], expected[1][1])).epsilon(1e-5));
  CHECK(m.running.answer("/predict", {{"inputs", json::array({"abc"})}}) == flat);
  CHECK(m.running.answer("/predict", {{"inputs", {{"abc"}, {"xyz", "bcd"}}}}) == json{flat, pair});
  CHECK(m.running.answer("/", {{"inputs", "abc"}}) == json::array({flat}));
  CHECK(m.running.answer("/", {{"inputs", {"abc", "abc"}}}) == json{flat, flat});
  CHECK(m.running.answer("/models/mood", {{"inputs", "abc"}, {"parameters", {{"top_k", 1}}}}) ==
        json::array({json::array({flat[0]})}));
  CHECK(m.running.answer("/predict", {{"inputs", "abc"}, {"model", "two:b"}}).size() == 2);
  CHECK(m.running.answer("/predict", {{"inputs", "abc"}, {"model", "two:b"}}) !=
        m.running.answer("/predict", {{"inputs", "abc"}, {"model", "two"}}));
}

TEST_CASE("serve: a calibrated model says the labels of a conformal set, or none where it is least sure") {
  const Calibrated models;
  const double largest = models.largest_probability("abc"), least = 1 - largest;
  const auto answers = [&](double own, json body) {
    models.calibrate(own);
    Running running(models.options);
    running.service.load();
    body["inputs"] = "abc";
    return running.answer("/predict", body);
  };
  CHECK(answers(largest - 0.01, {{"coverage", 0.9}}).size() == 1);
  CHECK(answers(0.5 + (largest - 0.5) / 2, {{"refuse", 0.99}}).size() == 2);  // sure enough: all labels
  CHECK(answers(largest + least / 2, {{"refuse", 0.99}}) == json::array());
  CHECK(answers(largest + least / 2, {{"coverage", 0.9}}).size() == 1);  // it would be empty: the likeliest
}

TEST_CASE("serve, capi: who loads a model keeps no team of threads beside that of who computes") {
  const auto threads = [] { return std::distance(fs::directory_iterator("/proc/self/task"), {}); };
  serve::ServiceOptions options;
  options.models = {"mini"};
  http::Metrics metrics;
  serve::Service service(options, metrics);
  std::thread([&] {
    const run::Quiet quiet;
    const auto before = threads();
    omp_set_num_threads(4);
    service.load();
    CHECK(threads() == before);
    attune_free(attune_load("mini", "threads = 4"));
    CHECK(threads() == before);
  }).join();
}

TEST_CASE("serve: a conformal set is asked of a model that is calibrated, with a coverage that can be") {
  const Calibrated models;
  models.calibrate(0.7);
  Running running(models.options);
  running.service.load();
  const auto refusal = [&](json body, const char* model) {
    body["inputs"] = "abc", body["model"] = model;
    const auto result = running.post("/predict", body);
    CHECK(result->status == 422);
    return json::parse(result->body)["error"].get<std::string>();
  };
  CHECK(refusal({{"coverage", 0.9}}, "plain").starts_with("'plain' is not calibrated"));
  CHECK(refusal({{"coverage", 1.5}}, "mood") == "coverage must be a number between 0 and 1");
  CHECK(refusal({{"by_class", true}}, "mood").starts_with("by_class is about the sets of coverage"));
}

TEST_CASE("serve: what is asked wrongly has its status and a sentence, in the form that its clients read") {
  const Mood m;
  const auto says = [&](const std::string& path, const std::string& body, int status, const std::string& sentence) {
    const auto result = m.running.post(path, body, "application/json");
    REQUIRE(result);
    CAPTURE(body);
    CHECK(result->status == status);
    const json error = json::parse(result->body)["error"];
    const std::string said = error.is_object() ? error["message"] : error;
    CHECK(error.is_object() == path.starts_with("/v1/"));
    CHECK_MESSAGE(said.find(sentence) != std::string::npos, said);
    CHECK(said.find('\n') == std::string::npos);
  };
  says("/predict", "", 400, "no body");
  says("/predict", R"({"inputs": "a)", 400, "not JSON");
  says("/predict", "{\"inputs\": \"\xff\"}", 400, "UTF-8");
  says("/predict", std::string(1000, '['), 400, "nested more than 64 deep");
  says("/predict", "[1]", 422, "must be a JSON object");
  says("/predict", R"({"inputs": []})", 400, "inputs is empty");
  says("/predict", R"({"inputs": 5})", 422, "inputs must be a string; it is 5");
  says("/predict", R"({"inputs": ["a", "b", "c"]})", 422, "a text or a pair of texts; it has 3");
  says("/predict", R"({"inputs": "a", "model": "mod"})", 404, "there is no model 'mod'; there is mood, grade");
  says("/predict", R"({"inputs": "a", "model": "mod"})", 404, "did you mean 'mood'?");
  says("/v1/embeddings", R"({"input": "a", "model": "mod"})", 404, "there is no model 'mod'");
  says("/v1/embeddings", R"({"input": [1, 99], "model": "encoder"})", 422,
       "99 is no id of this model's vocabulary, 0 to 56");
  says("/predict", R"({"inputs": "a", "model": "encoder"})", 422, "is an encoder without a classifier; /embed asks it");
  says("/rerank", R"({"query": "a", "texts": ["b"]})", 422, "'mood' predicts no number");
  says("/v1/embeddings", R"({"input": [5, -2], "model": "encoder"})", 422, "input: -2 is no id of this model's");
  says("/embed", R"({"inputs": [[5], [5, 18446744073709551615]]})", 422, "inputs[1]: 18446744073709551615 is no id");
  says("/predict?model=mood", R"({"inputs": "a", "model": "two:b"})", 400,
       "two models are named, 'mood' and 'two:b'; a request is for one");
  says("/models/grade?model=mood", R"({"inputs": "a"})", 400, "two models are named, 'grade' and 'mood'");
  says("/predict?model=mood&model=grade", R"({"inputs": "a"})", 400, "two different 'model' behind the ?");
  says("/predict?modle=mood", R"({"inputs": "a"})", 422, "'modle' is not read behind the ?; model is");
  says("/predict", R"({"inputs": "a", "raw_score": true})", 422,
       "there is no member 'raw_score' (did you mean 'raw_scores'?)");
  says("/predict", R"({"inputs": [{"text": "a", "text_par": "b"}]})", 422, "there is no member 'text_par' (did you");
  says("/embed", R"({"inputs": "a", "normalise": false})", 422, "(did you mean 'normalize'?)");
  says("/embed", json{{"inputs", std::string(100, 'a')}, {"truncate", false}}.dump(), 422, "more than the 64");
  says("/embed", R"({"inputs": "a", "prompt_name": "query"})", 422, "have no prompts");
  says("/", R"({"inputs": "a", "parameters": "top_k"})", 422, "parameters must be an object; it is \"top_k\"");
  says("/ui/look", R"({"inputs": "a", "text": "b"})", 422, "there is no member 'text'");
  says("/predict", json{{"inputs", std::string(300000, 'a')}}.dump(), 422,
       "a text has 300000 bytes; at most 200000 are read");
  says("/predict", json{{"inputs", std::string(100, 'a')}, {"truncate", false}}.dump(), 422,
       "inputs: a text of 102 tokens, more than the 64");
  says("/", json{{"inputs", std::vector<std::string>(1025, "a")}}.dump(), 422,
       "1025 texts in one request; at most 1024");
  CHECK(m.running.post("/predict", json{{"inputs", "abc"}})->status == 200);
}

TEST_CASE(
    "serve: what published clients send beyond what is needed is taken, and so is a body that curl calls a form") {
  const Mood m;
  const json plain = m.running.answer("/predict", {{"inputs", "abc"}});
  CHECK(m.running.answer("/predict?model=mood", {{"inputs", "abc"}, {"model", "mood"}, {"truncate", nullptr}}) ==
        plain);
  m.running.answer("/v1/embeddings", {{"input", "abc"}, {"model", "encoder"}, {"user", "u7"}});
  m.running.answer("/", {{"inputs", "abc"}, {"options", {{"wait_for_model", true}}}});
  m.running.answer("/embed", {{"inputs", "abc"}, {"truncate", true}, {"truncation_direction", "Right"}});
  const std::string text(20000, 'a');
  const auto form =
      m.running.post("/predict", json{{"inputs", text + "&model=none"}}.dump(), "application/x-www-form-urlencoded");
  CHECK_MESSAGE(form->status == 200, form->body);
}

TEST_CASE("serve: 503 until the models are there, and nothing else is") {
  TemporaryDirectory dir;
  Running r(one_model(dir));
  CHECK(r.get("/health")->status == 503);
  CHECK(r.post("/predict", json{{"inputs", "a"}})->status == 503);
  CHECK(r.get("/metrics")->status == 200);
  r.service.load();
  CHECK(r.get("/health")->status == 200);
  CHECK(r.post("/predict", json{{"inputs", "a"}})->status == 200);
  r.service.drain();
  CHECK(r.post("/predict", json{{"inputs", "a"}})->status == 503);
}

TEST_CASE("serve: adapters over one base share its weights, and each says what it says by itself") {
  TemporaryDirectory dir;
  const std::string base = dir.path + "/bert-micro";
  fs::copy(golden_path("bert-micro"), base);
  std::string vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (long i = 5; i < nn::read_config(base + "/config.json").vocab_size; ++i) vocab += fmt::format("w{}\n", i);
  dir.write("bert-micro/vocab.txt", vocab);
  serve::ServiceOptions o;
  o.models = {base};
  for (const char* name : {"lora-micro", "dora-micro", "lora-bias-micro"}) {
    fs::copy(golden_path(std::string("adapters/") + name), dir.path + "/" + name);
    o.models.push_back(dir.path + "/" + name);
  }
  o.base = base;
  Running r(o);
  r.service.load();
  const auto& all = r.service.models().all();
  std::vector<json> said;
  for (size_t i = 0; i < all.size(); ++i) {
    if (i > 0) CHECK(all[i].shared > all[i].model->net.params.count() / 2);
    const auto alone = i == 0 ? model::load_model(model::ModelDirectory(base))
                              : model::load_model(model::ModelDirectory(all[i].path, base), model::Adapters::as_it_is);
    const auto expected =
        model::predict(*alone, text::encode({{.text = "w7 w9 w30"}}, alone->tokenizer, 64))[0].scores[0];
    said.push_back(r.answer("/predict", {{"inputs", "w7 w9 w30"}, {"model", all[i].name}}));
    CHECK(said[i][0]["score"].get<double>() == doctest::Approx(*std::ranges::max_element(expected)).epsilon(1e-5));
  }
  CHECK(said[0] != said[1]);
  CHECK(said[1] != said[2]);
}

TEST_CASE("serve: an adapter that is alone over its base is merged into it, and says what predict says, bit for bit") {
  serve::ServiceOptions o;
  o.models = {model::ready_classifier()};
  Running r(o);
  r.service.load();
  const auto& served = r.service.models().all()[0];
  CHECK(served.adapter);
  CHECK(!served.model->net.adapter);
  served.model->net.for_each_linear([](nn::Linear& layer) {
    if (layer.weight.dim(0) >= 16) CHECK((layer.packed != nullptr) == (instructions_here().size() > 1));
  });
  const auto alone = model::load_model(model::ModelDirectory(served.path));
  alone->net.params.freeze("*");
  alone->net.pack();
  const RowsAlone rows_alone;
  const std::string text = "What a lovely hotel.";
  const auto expected = model::predict(*alone, text::encode({{.text = text}}, alone->tokenizer, 64))[0].scores[0];
  const json said = r.answer("/predict", {{"inputs", text}});
  CHECK(real(said[0]["score"].get<double>()) == *std::ranges::max_element(expected));
}
