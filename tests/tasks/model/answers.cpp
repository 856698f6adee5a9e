// What is said of a prediction, in JSON and in cells; and that it does not depend on how texts come in blocks.
#include "tasks/model/answers.h"

#include "tests/support/tasks.h"

using namespace test;
using model::Answer;
using model::AnswerOptions;
using nn::Predicts;

namespace {

std::vector<text::Example> texts(int count) {
  std::vector<text::Example> all;
  for (int i = 0; i < count; ++i) {
    std::string text;
    for (int w = 0; w <= i % 5; ++w) text += std::string(1, char('a' + (i * 7 + w * 11) % 26)) + "b ";
    all.push_back({.text = text});
  }
  return all;
}

std::vector<Answer> all_of(const model::TextModel& model, const std::vector<text::Example>& examples,
                           const AnswerOptions& options = {}) {
  std::vector<Answer> all;
  for (const auto& answers : model::answers(model, examples, text::encode(examples, model.tokenizer, 40), options))
    all.push_back(answers[0]);
  return all;
}

std::string row(const std::vector<model::Cell>& cells) {
  std::string all;
  for (const model::Cell& cell : cells) all += cell.text + "|";
  return all;
}

const spec::TaskSpec kTask = task_of("", Predicts::label, {"bad", "good", "so so"});
const Answer kAnswer{
    .ranked = {{"good", 0.62345678}, {"bad", 0.3}, {"so so", 0.07654322}}, .best = 1, .said = {{"good", 0.62345678}}};

}  // namespace

TEST_CASE("answers: a text gets the same bits in any block that is made of whole batches") {
  for (const std::string type : {"bert", "attention_pool"}) {
    const auto model = text_model(small_config(type), {type == "bert" ? kTask : own_attention()});
    const std::vector<text::Example> all = texts(150);
    const std::vector<Answer> whole = all_of(*model, all);
    for (const size_t block : {32, 64, 96}) {
      std::vector<Answer> parts;
      for (size_t at = 0; at < all.size(); at += block)
        for (const Answer& answer :
             all_of(*model, {all.begin() + long(at), all.begin() + long(std::min(all.size(), at + block))}))
          parts.push_back(answer);
      REQUIRE(parts.size() == whole.size());
      for (size_t i = 0; i < whole.size(); ++i) CHECK(parts[i].ranked == whole[i].ranked);
    }
  }
}

TEST_CASE("answers: labels by their probability, and none where the best is below the threshold") {
  const auto model = text_model(small_config(), {kTask});
  const std::vector<text::Example> all = texts(40);
  const std::vector<model::Outputs> outputs = model::predict(*model, text::encode(all, model->tokenizer, 40));
  double median = 0;
  for (const auto& p : outputs[0].scores) median += *std::max_element(p.begin(), p.end()) / 40;
  int refused = 0;
  const std::vector<Answer> answers = all_of(*model, all, {.threshold = median});
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto& p = outputs[0].scores[i];
    REQUIRE(answers[i].ranked.size() == 3);
    CHECK(answers[i].ranked[0].second == *std::max_element(p.begin(), p.end()));
    CHECK(answers[i].ranked[1].second >= answers[i].ranked[2].second);
    CHECK(answers[i].said.empty() == (answers[i].ranked[0].second < median));
    refused += answers[i].said.empty();
  }
  CHECK(refused > 0);
  CHECK(refused < 40);
}

TEST_CASE("answers: of ordered classes the rank is said, whether or not it is the most probable class") {
  const spec::TaskSpec ratings = task_of("", Predicts::ordinal, {"1", "2", "3", "4"});
  const auto model = text_model(small_config(), {ratings});
  const Tensor weight = model->net.params.find("classifier.weight"), bias = model->net.params.find("classifier.bias");
  for (long i = 0; i < weight.numel(); ++i) weight.data()[i] *= real(0.2);
  const real biases[] = {real(0.2), real(-0.85), real(-0.94)};  // P(y > k) = 0.55, 0.30, 0.28: y = 1, of 0.25
  std::copy_n(biases, 3, bias.data());
  const std::vector<text::Example> all = texts(40);
  const std::vector<model::Outputs> outputs = model::predict(*model, text::encode(all, model->tokenizer, 40));
  int less_probable = 0;
  const std::vector<Answer> answers = all_of(*model, all);
  for (size_t i = 0; i < answers.size(); ++i) {
    const int rank = outputs[0].best_of(i);
    CHECK(answers[i].said[0] == std::pair(ratings.labels.name(rank), outputs[0].scores[i][size_t(rank)]));
    CHECK(answers[i].ranked.size() == 4);
    CHECK(row(model::cells_of(ratings, answers[i], {})).starts_with(ratings.labels.name(rank) + "|"));
    less_probable += answers[i].ranked[0].second < answers[i].ranked[1].second;
  }
  CHECK(less_probable > 0);
}

TEST_CASE("answers: cells have four digits, two labels if nobody says how many, and none of these by its name") {
  CHECK(row(model::cells_of(kTask, kAnswer, {})) == "good|0.6235|bad|0.3000|");
  CHECK(row(model::cells_of(kTask, kAnswer, {.top = 1})) == "good|0.6235|");
  CHECK(row(model::cells_of(kTask, kAnswer, {.top = 9})) == "good|0.6235|bad|0.3000|so so|0.0765|");
  Answer unsure = kAnswer;
  unsure.said.clear();
  CHECK(row(model::cells_of(kTask, unsure, {.threshold = 0.7, .none = "?"})) == "?|0.6235|bad|0.3000|");
  CHECK(model::cells_of(kTask, kAnswer, {})[1].json == 0.6235);
  CHECK(row(model::cells_of(task_of("", Predicts::number), {.value = 3.14159265}, {})) == "3.14159|");
  const spec::TaskSpec several = task_of("", Predicts::labels, {"a", "b", "c"});
  const Answer two{.ranked = {}, .said = {{"a", 0.9}, {"c", 0.51}}};
  CHECK(row(model::cells_of(several, two, {})) == "a,c|0.9000,0.5100|");
  CHECK(row(model::cells_of(several, Answer{}, {})) == "||");
  CHECK(row(model::cells_of(several, Answer{}, {.threshold = 0.9})) == "none of these||");
  const Answer tagged{.tagged = {{"to", "O"}, {"Rome", "B-x"}}};
  CHECK(row(model::cells_of(task_of("", Predicts::tags, {"O", "B-x"}), tagged, {})) == "O B-x|");
}

TEST_CASE("answers: columns are as many as the cells, and those of named tasks begin with the names") {
  const std::vector<spec::TaskSpec> tasks{task_of("mood", Predicts::label, {"a", "b", "c", "d"}),
                                          task_of("topics", Predicts::labels), task_of("stars", Predicts::number)};
  const auto model = text_model(small_config(), tasks);
  const AnswerOptions three{.top = 3};
  const std::vector<std::string> columns = model::columns_of(*model, three, true);
  CHECK(columns == std::vector<std::string>{"mood_label", "mood_probability", "mood_second_label",
                                            "mood_second_probability", "mood_label_3", "mood_probability_3", "mood_why",
                                            "topics_labels", "topics_probabilities", "topics_why", "stars_value",
                                            "stars_why"});
  const std::vector<text::Example> one = texts(1);
  const auto said = model::answers(*model, one, text::encode(one, model->tokenizer, 40), three);
  CHECK(model::cells_of(*model, said[0], three, true).size() == columns.size());
  const auto only = text_model(small_config(), {kTask});
  CHECK(model::columns_of(*only, {}, false) ==
        std::vector<std::string>{"label", "probability", "second_label", "second_probability"});
}

TEST_CASE("answers: JSON has all probabilities in the order of the classes, or with top the best in their order") {
  const auto model = text_model(small_config(), {kTask});
  const text::Example text{.text = "cab"};
  CHECK(model::to_json(*model, text, {kAnswer}, {.digits = 4}).dump() ==
        R"({"text":"cab","label":"good","probabilities":{"bad":0.3,"good":0.6235,"so so":0.0765}})");
  CHECK(model::to_json(*model, text, {kAnswer}, {.top = 2, .digits = 2}).dump() ==
        R"({"text":"cab","label":"good","probabilities":{"good":0.62,"bad":0.3}})");
  Answer unsure = kAnswer;
  unsure.said.clear();
  unsure.why = "cab:+0.10";
  const std::string line = model::to_json(*model, text, {unsure}, {.top = 1, .threshold = 0.9}).dump();
  CHECK(line.find(R"("label":"none of these","probabilities":{"good":0.6234567)") != std::string::npos);
  CHECK(line.find(R"("why":"cab:+0.10")") != std::string::npos);
}
