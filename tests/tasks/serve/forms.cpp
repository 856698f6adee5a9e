// The forms in which published clients ask and are answered, and what the server says of itself.
#include <algorithm>
#include <set>

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
  CHECK(m.running.answer("/v2/models/mood/infer", {{"inputs", {input}}, {"outputs", nullptr}})["outputs"] ==
        all["outputs"]);
  for (const json& output : {json{{"name", "scores"}, {"parameters", {{"classification", 0}}}},
                             json{{"name", "label"}, {"parameters", {{"classification", 1}}}}})
    CHECK(m.running.post("/v2/models/mood/infer", {{"inputs", {input}}, {"outputs", {output}}})->status == 400);
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
      std::set<std::string> in_path;
      for (const json& parameter : route.value("parameters", json::array()))
        if (parameter["in"] == "path") in_path.insert(parameter["name"]);
      for (const auto& [name, value] : {std::pair{"model", "mood"}, {"version", "1"}}) {
        const std::string place = fmt::format("{{{}}}", name);
        const size_t at = asked.find(place);
        CHECK((at != asked.npos) == in_path.contains(name));
        if (at != asked.npos) asked.replace(at, place.size(), value);
      }
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
  for (const std::string& route : m.running.server.routes()) {  // and it describes every one
    std::string method = route.substr(0, route.find(' '));
    for (char& c : method) c = char(std::tolower(c));
    CHECK_MESSAGE(all["paths"].value(route.substr(route.find(' ') + 1), json()).contains(method), route);
  }
}

TEST_CASE("serve: a CSV comes back with its empty cells where they were, a heading without a name, too") {
  const Mood m;
  const auto csv = m.running.post("/ui/label?model=mood&column=text", ",text,x\n,,1\n7,,\n,abc,2\n", "text/csv");
  REQUIRE(csv->status == 200);
  const json abc = m.running.answer("/predict", {{"inputs", "abc"}});
  CHECK(csv->body == fmt::format(",text,x,label,score\r\n,,1,,\r\n7,,,,\r\n,abc,2,{},{:.4f}\r\n",
                                 abc[0]["label"].get<std::string>(), abc[0]["score"].get<double>()));
}

TEST_CASE("serve: ids are read as the text that they are the pieces of, also where it is too long") {
  const Mood m;
  std::string text;
  json ids = json::array();
  for (int i = 0; i < 100; ++i) {  // the model has 64 positions
    text += i % 3 ? " b" : " a";
    ids.push_back(m.mood->tokenizer.id(i % 3 ? "b" : "a"));
  }
  const auto asked = [&](const json& inputs, const json& truncate) {
    return m.running.post("/embed", {{"inputs", inputs}, {"model", "encoder"}, {"truncate", truncate}});
  };
  for (const json& truncate : {json(), json(true), json(false)}) {
    const auto of_text = asked(text, truncate), of_ids = asked(ids, truncate);
    CHECK(of_ids->status == of_text->status);
    CHECK(of_ids->body == of_text->body);
  }
  CHECK(asked(ids, false)->status == 422);
}

TEST_CASE("serve: what tokenize leaves out is what it was to add, and it takes so many texts as the others") {
  const Mood m;
  const json whole = m.running.answer("/tokenize", {{"inputs", "a \u6f22 b"}})[0],
             bare = m.running.answer("/tokenize", {{"inputs", "a \u6f22 b"}, {"add_special_tokens", false}})[0];
  REQUIRE(whole.size() == 5);  // [CLS] a [UNK] b [SEP]
  CHECK(bare == json{whole[1], whole[2], whole[3]});
  CHECK(bare[1]["text"] == "[UNK]");
  const json many(std::vector<json>(1025, "a"));
  for (const char* route : {"/tokenize", "/embed"}) {
    const auto refused = m.running.post(route, {{"inputs", many}, {"model", "encoder"}});
    CHECK(refused->status == 422);
    CHECK(json::parse(refused->body)["error"] == "1025 texts in one request; at most 1024 (--max-texts)");
  }
}

TEST_CASE("serve: tokenize says no more tokens than may wait for a model") {
  TemporaryDirectory dir;
  serve::ServiceOptions o = one_model(dir);
  o.queue_tokens = 100;
  Running r(o);
  r.service.load();
  CHECK(r.answer("/tokenize", {{"inputs", {std::string(48, 'a'), std::string(48, 'b')}}})[1].size() == 50);
  const auto refused = r.post("/tokenize", {{"inputs", {std::string(48, 'a'), std::string(49, 'b')}}});
  CHECK(refused->status == 422);
  CHECK(json::parse(refused->body)["error"] == "the texts of one request have more than 100 tokens (--queue-tokens)");
}

TEST_CASE("serve: routes that are open with a key say nothing of models, whatever they are asked") {
  TemporaryDirectory dir;
  Running r(one_model(dir), "secret");
  const std::vector<std::string> ready{"/", "/health", "/ping", "/v2/health/ready"};
  for (const std::string& route : ready) CHECK_MESSAGE(r.get(route)->status == 503, route);
  r.service.load();
  std::vector<std::string> open = ready;
  for (const char* route : {"/ui", "/v2/health/live", "/openapi.json", "/metrics"}) open.push_back(route);
  for (const std::string& route : open) {
    const auto got = r.get(route + "?model=none");
    CHECK_MESSAGE(got->status == 200, route);
    CHECK_MESSAGE(got->body.find("mood") == std::string::npos, route);
  }
  for (const std::string& route : r.server.routes())  // and there are no others
    if (route.starts_with("GET ") && !std::ranges::count(open, route.substr(4)))
      CHECK_MESSAGE(r.get(route.substr(4))->status == 401, route);
}

TEST_CASE(
    "serve: a member of parameters that is not read is an error with the nearest one, and so is an error's type") {
  const Mood m;
  const auto refused = [&](const std::string& path, const json& body) {
    const auto result = m.running.post(path, body);
    CHECK(result->status == 422);
    return json::parse(result->body)["error"].get<std::string>();
  };
  const json pipeline{{"inputs", "abc"}, {"parameters", {{"topk", 1}}}};
  CHECK(refused("/?model=mood", pipeline).find("'topk' (did you mean 'top_k'?)") != std::string::npos);
  CHECK(refused("/?modell=mood", {{"inputs", "abc"}}).find("did you mean 'model'") != std::string::npos);
  const json sentences{{"source_sentence", "a"}, {"sentences", {"b"}}};
  json more = sentences;
  more["sentense"] = "c";
  CHECK(refused("/similarity", {{"model", "encoder"}, {"inputs", more}}).find("'sentense'") != std::string::npos);
  CHECK(refused("/similarity", {{"model", "encoder"}, {"inputs", sentences}, {"parameters", {{"truncat", true}}}})
            .find("did you mean 'truncate'") != std::string::npos);
  refused("/similarity", {{"model", "encoder"}, {"inputs", sentences}, {"parameters", "x"}});
  const json of_two{{"inputs", {"abc", "de"}}, {"parameters", {{"normalize", false}}}};
  CHECK(m.running.answer("/?model=encoder", of_two) !=
        m.running.answer("/?model=encoder", {{"inputs", {"abc", "de"}}}));
  const auto type_of = [&](const std::string& body) {
    return json::parse(m.running.post("/predict", body, "application/json")->body)["error_type"];
  };
  CHECK(type_of(R"({"inputs": []})") == "Empty");
  CHECK(type_of(R"({"inputs": )") == "Validation");
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
