// What the heads of a model say of texts, by what each predicts; that asking changes nothing, and that threads may ask
// at once.
#include "tasks/model/answers.h"

#include <cmath>
#include <thread>

#include "tasks/model/directory.h"
#include "tests/support/tasks.h"

using namespace test;
using nn::Predicts;

namespace {

const std::vector<text::Example> kTexts{
    {.text = "warm bread"}, {.text = "a cold soup, again"}, {.text = "x"}, {.text = "they left before the second act"}};

text::EncodedSet encoded(const model::TextModel& model) {
  return text::encode(kTexts, model.tokenizer, model.reading.max_length, model.reading.how());
}

// Tasks of every kind, on either encoder.
std::vector<spec::TaskSpec> all_tasks() {
  std::vector<spec::TaskSpec> tasks{task_of("mood", Predicts::label),
                                    task_of("topics", Predicts::labels, {"a", "b", "c"}),
                                    task_of("stars", Predicts::number), task_of("words", Predicts::tags, {"O", "B-x"})};
  tasks[2].mean = 3;
  tasks[2].deviation = 2;
  tasks[0].reads = nn::Reads::mean;
  return tasks;
}

std::vector<double> flat(const std::vector<model::Outputs>& outputs) {
  std::vector<double> all;
  for (const model::Outputs& o : outputs) {
    for (const auto& row : o.scores) all.insert(all.end(), row.begin(), row.end());
    for (const auto& tags : o.tags) all.insert(all.end(), tags.begin(), tags.end());
  }
  return all;
}

// The logits of the only head, texts one by one.
std::vector<std::vector<real>> logits_of(const model::TextModel& model) {
  const NoGrad no_grad;
  std::vector<std::vector<real>> logits;
  for (const text::Batch& batch : text::in_order(encoded(model), 1))
    logits.push_back(model.net(batch.tokens).to_vector());
  return logits;
}

}  // namespace

TEST_CASE("predict: all heads of one pass say what each says alone, in every batch, and what their loss has taught") {
  for (const std::string type : {"bert", "attention_pool"}) {
    const auto model = text_model(small_config(type), all_tasks());
    const text::EncodedSet set = encoded(*model);
    const std::vector<model::Outputs> all = model::predict(*model, set);
    REQUIRE(all.size() == 4);
    for (size_t h = 0; h < 4; ++h) {
      size_t heard = 0;
      const std::vector<double> alone =
          flat(model::predict(*model, set, {h}, [&](size_t head, const Tensor& logits, const text::Batch&) {
            heard += head == h && logits.numel() > 0;
          }));
      CHECK(heard == 1);
      const std::vector<double> together = flat({all[h]});
      REQUIRE(alone.size() == together.size());
      for (size_t i = 0; i < alone.size(); ++i) CHECK(alone[i] == doctest::Approx(together[i]).epsilon(1e-5));
    }
    const NoGrad no_grad;
    for (size_t i = 0; i < kTexts.size(); ++i) {
      const text::Batch batch = text::pack(set, {int(i)});
      const nn::Encoded x = model->net.encode(batch.tokens);
      const Tensor p = softmax(model->net.heads[0](x)), topics = model->net.heads[1](x), stars = model->net.heads[2](x);
      for (int k = 0; k < 2; ++k) CHECK(all[0].scores[i][k] == doctest::Approx(p.data()[k]).epsilon(1e-4));
      for (int k = 0; k < 3; ++k)
        CHECK(all[1].scores[i][k] == doctest::Approx(1 / (1 + std::exp(-topics.data()[k]))).epsilon(1e-4));
      CHECK(all[2].scores[i][0] == doctest::Approx(3 + 2 * stars.data()[0]).epsilon(1e-4));
      CHECK(long(all[3].tags[i].size()) == batch.tokens.count());
    }
  }
}

TEST_CASE("predict: two threads with two models get the bits that each gets alone") {
  const auto bert = text_model(small_config("bert"), all_tasks(), 1),
             pool = text_model(small_config("attention_pool"), all_tasks(), 2);
  const std::vector<double> alone[] = {flat(model::predict(*bert, encoded(*bert))),
                                       flat(model::predict(*pool, encoded(*pool)))};
  constexpr int kTimes = 30;
  int equal[2] = {0, 0};
  const auto ask = [&](const model::TextModel& model, int who) {
    for (int i = 0; i < kTimes; ++i) equal[who] += flat(model::predict(model, encoded(model))) == alone[who];
  };
  std::thread first(ask, std::cref(*bert), 0), second(ask, std::cref(*pool), 1);
  first.join();
  second.join();
  CHECK(equal[0] == kTimes);
  CHECK(equal[1] == kTimes);
}

TEST_CASE("predict: two threads may ask one model") {
  const auto model = text_model(small_config("bert"), all_tasks());
  const std::vector<double> alone = flat(model::predict(*model, encoded(*model)));
  int equal[2] = {0, 0};
  const auto ask = [&](int who) {
    for (int i = 0; i < 20; ++i) equal[who] += flat(model::predict(*model, encoded(*model))) == alone;
  };
  std::thread first(ask, 0), second(ask, 1);
  first.join();
  second.join();
  CHECK(equal[0] == 20);
  CHECK(equal[1] == 20);
}

TEST_CASE("predict: refused in the middle of a training step; afterwards the dropout of training is gone") {
  const auto model = text_model(small_config("bert", 0.3), {task_of("", Predicts::label)});
  const text::EncodedSet set = encoded(*model);
  const std::vector<double> before = flat(model::predict(*model, set));
  model->net.params.train(0);
  CHECK(error_of([&] { model::predict(*model, set); }) == "predict: the model is in the middle of a training step");
  model->net.params.eval();
  CHECK(flat(model::predict(*model, set)) == before);
  model->net.params.find("classifier.bias").data()[0] = NAN;
  CHECK(error_of([&] { model::predict(*model, set); }) == "the model's logits hold a NaN or infinity");
}

TEST_CASE("predictions: one JSON object a text, by what the head predicts; named tasks each have a part of it") {
  const auto model = text_model(small_config("bert"), all_tasks());
  const std::vector<nn::ordered_json> lines = model::predictions(*model, kTexts, model->reading);
  REQUIRE(lines.size() == 4);
  for (size_t i = 0; i < 4; ++i) {
    const nn::ordered_json& line = lines[i];
    CHECK(line["text"] == kTexts[i].text);
    const auto& mood = line["mood"]["probabilities"];
    CHECK(mood["bad"].get<double>() + mood["good"].get<double>() == doctest::Approx(1));
    CHECK(line["mood"]["label"] == (mood["bad"] > mood["good"] ? "bad" : "good"));
    for (const auto& [label, p] : line["topics"]["probabilities"].items()) {
      const auto& said = line["topics"]["labels"];
      CHECK((std::find(said.begin(), said.end(), label) != said.end()) == (p.get<double>() > 0.5));
    }
    CHECK(line["stars"]["value"].is_number());
  }
  CHECK(lines[1]["words"]["tags"].size() == 4);  // a cold soup, again
  CHECK(lines[1]["words"]["tags"][2][0] == "soup,");
  const auto only = text_model(small_config("bert"), {task_of("", Predicts::label)});
  CHECK(model::predictions(*only, kTexts, only->reading)[0].contains("label"));
  model::Reading windows = model->reading;
  windows.too_long = "window";
  CHECK(error_of([&] { model::predictions(*model, kTexts, windows); }).find("tags are not read through windows") !=
        std::string::npos);
}

TEST_CASE("directory: one without a task file predicts sigmoids, a number or tags, as its config.json says") {
  const TemporaryDirectory dir;
  const auto loaded = [&](const spec::TaskSpec& task) {
    const auto model = text_model(small_config("bert"), {task});
    model->save(dir.path);
    CHECK(!std::filesystem::exists(dir.path + "/tasks.json"));
    auto again = model::load_model(model::ModelDirectory(dir.path));
    CHECK(again->only_task().head == task.head);
    CHECK(logits_of(*again) == logits_of(*model));
    return again;
  };
  const auto several = loaded(task_of("", Predicts::labels, {"a", "b", "c"}));
  const std::vector<std::vector<real>> logits = logits_of(*several);
  const std::vector<nn::ordered_json> labels = model::predictions(*several, kTexts, several->reading);
  for (size_t i = 0; i < kTexts.size(); ++i)
    for (int k = 0; k < 3; ++k)
      CHECK(labels[i]["probabilities"][several->labels()[k]].get<double>() ==
            doctest::Approx(1 / (1 + std::exp(-double(logits[i][k])))).epsilon(1e-4));
  const auto number = loaded(task_of("", Predicts::number));
  CHECK(model::predictions(*number, kTexts, number->reading)[1]["value"].get<double>() ==
        doctest::Approx(logits_of(*number)[1][0]).epsilon(1e-4));
  const auto tags = loaded(task_of("", Predicts::tags, {"O", "B-x", "I-x"}));
  const nn::ordered_json words = model::predictions(*tags, kTexts, tags->reading)[1]["tags"];
  REQUIRE(words.size() == 4);
  const std::vector<real> tokens = logits_of(*tags)[1];  // [CLS] a c ##o ##l ##d ...
  CHECK(words[1][0] == "cold");
  CHECK(words[1][1] == tags->labels()[std::max_element(&tokens[6], &tokens[9]) - &tokens[6]]);
}
