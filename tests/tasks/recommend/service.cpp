// Recommend over HTTP: what a request's body becomes, and what is refused with which status.
#include "tasks/recommend/service.h"

#include "tasks/recommend/options.h"
#include "tests/support/support.h"

using namespace recommend;

namespace {

// A recommender of few items whose attention has learned nothing, with equal weights.
std::unique_ptr<Recommender> small() {
  auto r = std::make_unique<Recommender>();
  for (int i = 0; i < 8; ++i)
    r->data.items.push_back({fmt::format("i{}", i), fmt::format("Thing {}", i), "red box", {"x"}});
  for (int u = 0; u < 6; ++u) {
    r->data.users.push_back(fmt::format("u{}", u));
    History& h = r->data.histories.emplace_back();
    for (int n = 0; n < 4; ++n) h.push_back({(u + n) % 8, double(n), 1});
  }
  r->settings.ease = 5;
  r->words = word_vectors(r->data.items);
  r->sequence =
      std::make_unique<SequenceModel>(SequenceConfig{.items = 8, .hidden = 8, .layers = 1, .heads = 2}, ItemText{}, 1);
  r->sequence->params.initialise();
  r->take_vectors();
  r->joined.weights.assign(14, 0.1);
  return r;
}

int refusal_of(const Answering& answering, const std::string& body) {
  try {
    answer_json(answering, body);
  } catch (const http::Refusal& refusal) { return refusal.status; }
  return 200;
}

}  // namespace

TEST_CASE("recommend: a request's items and user make the history, what is excluded and what was had is not shown") {
  const auto r = small();
  const Answering answering(*r);
  const auto answer = answer_json(answering, R"({"user": "u0", "items": ["Thing 5"], "exclude": ["i7"], "k": 10})");
  CHECK(answer["user"] == "u0");
  std::vector<std::string> shown;
  for (const auto& item : answer["items"]) shown.push_back(item["id"]);
  std::sort(shown.begin(), shown.end());
  CHECK(shown == std::vector<std::string>{"i4", "i6"});      // u0 had i0 ... i3
  CHECK(answer_json(answering, "{}")["items"].size() == 8);  // nobody: what most take
  CHECK(answer_json(answering, R"({"items": ["i1", "i5", "i1", "i1"]})") ==
        answer_json(answering, R"({"items": ["i1", "i5"]})"));  // a repeat counts once, as in training
}

TEST_CASE("recommend: requests that mean nothing are refused with their status") {
  const auto r = small();
  const Answering answering(*r);
  CHECK(refusal_of(answering, "{") == 400);
  CHECK(refusal_of(answering, "[]") == 422);
  CHECK(refusal_of(answering, R"({"items": "i1"})") == 422);
  CHECK(refusal_of(answering, R"({"items": [1]})") == 422);
  CHECK(refusal_of(answering, R"({"items": ["i99"]})") == 404);
  CHECK(refusal_of(answering, R"({"user": "u99"})") == 404);
  CHECK(refusal_of(answering, R"({"diversty": 0.5})") == 422);
  CHECK(refusal_of(answering, R"({"k": 2.5})") == 422);
  CHECK(refusal_of(answering, R"({"k": 2.0})") == 200);
  CHECK(refusal_of(answering, R"({"user": 1})") == 422);
  CHECK(refusal_of(answering, R"({"k": 0})") == 422);
  CHECK(refusal_of(answering, R"({"diversity": 1})") == 422);
  CHECK(refusal_of(answering, R"({"rerank": "best"})") == 422);
  CHECK(refusal_of(answering, R"({"k": 3, "diversity": 0.5, "rerank": "dpp"})") == 200);
}
