// The forms in which published clients ask and are answered, and what the server says of itself.
#include "nn/format/files.h"
#include "tests/tasks/serve/service.h"

using namespace test;

TEST_CASE("serve: vectors, cosines, OpenAI's form and base64, ids in the place of texts") {
  const Mood m;
  const json plain = m.running.answer("/v1/embeddings", {{"input", {"abc", "de"}}, {"model", "encoder"}});
  CHECK(plain["usage"] == json{{"prompt_tokens", 9}, {"total_tokens", 9}});
  CHECK(plain["data"][1]["embedding"].size() == 64);
  double norm = 0;
  for (const double x : plain["data"][0]["embedding"]) norm += x * x;
  CHECK(norm == doctest::Approx(1).epsilon(1e-5));
  const json ids = m.running.answer("/v1/embeddings", {{"input", {5, 32, 33}}, {"model", "encoder"}});  // a ##b ##c
  CHECK(ids["data"][0]["embedding"] == plain["data"][0]["embedding"]);
  const json packed = m.running.answer(
      "/v1/embeddings", {{"input", "abc"}, {"model", "encoder"}, {"encoding_format", "base64"}, {"dimensions", 3}});
  CHECK(packed["data"][0]["embedding"].get<std::string>().size() == 16);
  const json cosines = m.running.answer(
      "/similarity", {{"model", "encoder"}, {"inputs", {{"source_sentence", "abc"}, {"sentences", {"abc", "xyz"}}}}});
  CHECK(cosines[0].get<double>() == doctest::Approx(1));
  CHECK(cosines[1].get<double>() < 1);
  CHECK(m.running.answer("/tokenize", {{"inputs", "ab"}})[0].size() == 4);
  const json ranked = m.running.answer("/rerank", {{"model", "grade"},
                                                   {"query", "abc"},
                                                   {"texts", {"a", "xyz", "q"}},
                                                   {"raw_scores", true},
                                                   {"return_text", true}});
  CHECK(ranked.size() == 3);
  CHECK(ranked[0]["score"].get<double>() >= ranked[1]["score"].get<double>());
  CHECK(m.running.get("/v1/models")->body.find("\"id\":\"two:b\"") != std::string::npos);
}

TEST_CASE("serve: the Open Inference Protocol, with classes") {
  const Mood m;
  const json input{{"name", "text"}, {"shape", {2}}, {"datatype", "BYTES"}, {"data", {"abc", "xyz"}}};
  const json all = m.running.answer("/v2/models/mood/infer", {{"id", "7"}, {"inputs", {input}}});
  CHECK(all["id"] == "7");
  REQUIRE(all["outputs"].size() == 3);
  CHECK(all["outputs"][1]["shape"] == json{2, 2});
  CHECK(all["outputs"][1]["data"].size() == 4);
  const json two = m.running.answer(
      "/v2/models/mood/infer",
      {{"inputs", {input}},
       {"outputs", {{{"name", "scores"}, {"parameters", {{"classification", 1}}}}, {{"name", "embedding"}}}}});
  CHECK(two["outputs"][0]["shape"] == json{2, 1});
  const std::string first = two["outputs"][0]["data"][0];
  CHECK(first.substr(first.find(':')) == (all["outputs"][0]["data"][0] == "good" ? ":1:good" : ":0:bad"));
  CHECK(two["outputs"][1]["shape"] == json{2, 64});
  CHECK(m.running.get("/v2/models/mood/versions/1/ready")->status == 200);
  CHECK(m.running.get("/v2/models/mood/versions/2")->status == 404);
  json wrong = input;
  wrong["shape"] = {3};
  const auto refused = m.running.post("/v2/models/mood/infer", {{"inputs", {wrong}}});
  CHECK(refused->status == 400);
  CHECK(json::parse(refused->body)["error"] == "input text: shape says 3 texts, data has 2");
}

TEST_CASE("serve: the page's own routes: attention and words of a text; a CSV with labels") {
  const Mood m;
  const json look = m.running.answer("/ui/look", {{"inputs", "abc de"}});
  CHECK(look["tokens"].size() == 7);
  REQUIRE(look["layers"].size() == 2);
  CHECK(look["layers"][0]["heads"].size() == 4);
  long sum = 0;
  for (const long p : look["layers"][1]["heads"][3][2]) sum += p;
  CHECK(std::abs(sum - 10000) < 10);
  CHECK(look["words"].size() == 2);
  CHECK(look["words"][1]["word"] == "de");
  CHECK(look["scores"] == m.running.answer("/predict", {{"inputs", "abc de"}}));
  CHECK(!m.running.answer("/ui/look", {{"inputs", "abc"}, {"model", "encoder"}}).contains("words"));
  const json abc = m.running.answer("/predict", {{"inputs", "abc"}});
  const auto csv = m.running.post("/ui/label?model=mood", "id,text,label\n1,abc,\"x, y\"\n2,,z\n", "text/csv");
  CHECK(csv->status == 200);
  CHECK(csv->body == fmt::format("id,text,label,label_predicted,score\r\n1,abc,\"x, y\",{},{:.4f}\r\n2,,z,,\r\n",
                                 abc[0]["label"].get<std::string>(), abc[0]["score"].get<double>()));
  const auto none = m.running.post("/ui/label?column=words", "id,text\n1,abc\n", "text/csv");
  CHECK(none->status == 422);
  CHECK(none->body.find("words") != std::string::npos);
  const auto page = m.running.get("/ui");
  CHECK(page->body.find("<title>attune</title>") != std::string::npos);
  CHECK(page->body.find("://") == std::string::npos);  // it asks nobody else
}

TEST_CASE("serve: every route that /openapi.json describes is there, and takes the example of its body") {
  const Mood m;
  const auto described = m.running.get("/openapi.json");
  REQUIRE(described);
  const json all = json::parse(described->body);
  CHECK(all["openapi"] == "3.0.3");
  int bodies = 0;
  for (const auto& [path, methods] : all["paths"].items())
    for (const auto& [method, route] : methods.items()) {
      std::string asked = path;
      const size_t model = asked.find("{model}");
      CHECK((model != asked.npos) == route.contains("parameters"));
      if (model != asked.npos) asked.replace(model, 7, "mood");
      CAPTURE(asked);
      CHECK(!route["summary"].get<std::string>().empty());
      if (method == "get") {
        const auto got = m.running.get(asked);
        REQUIRE(got);
        CHECK(got->status == 200);
        continue;
      }
      std::string body = "text\nabc\n";
      const char* type = "text/csv";
      if (route["requestBody"]["content"].contains("application/json")) {
        json example = route["requestBody"]["content"]["application/json"]["example"];
        if (example.contains("model")) example["model"] = "mood";
        if (path == "/rerank") example["model"] = "grade";
        body = example.dump(), type = "application/json";
        ++bodies;
      }
      const auto got = m.running.post(asked + (path == "/ui/label" ? "?model=mood&column=text" : ""), body, type);
      REQUIRE(got);
      CHECK_MESSAGE(got->status == 200, got->body);
    }
  CHECK(bodies >= 12);
}

TEST_CASE("serve: what OpenAI's and KServe's clients ask before anything else is answered in their forms") {
  const Mood m;
  const auto json_at = [&](const std::string& path) { return json::parse(m.running.get(path)->body); };
  CHECK(json_at("/v1/models/mood")["id"] == "mood");
  CHECK(m.running.get("/v1/models/none")->status == 404);
  CHECK(json_at("/v2")["name"] == "attune");
  CHECK(json_at("/v2/health/live")["live"] == true);
  CHECK(json_at("/v2/health/ready")["ready"] == true);
  CHECK(json_at("/v2/models/mood/ready")["ready"] == true);
  CHECK(m.running.get("/v2/models/none/ready")->status == 404);
  CHECK(json_at("/info")["models"].size() == 5);  // one of them has two tasks
}
