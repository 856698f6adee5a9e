// Attention in figures: what a head is said to do, beside its matrices; also where tokens were left behind.
#include "tasks/explain/attention.h"

#include <cmath>

#include "tests/support/tasks.h"

using namespace test;
using explain::Analysis;

TEST_CASE("analysis: figures of every head are those of its matrices, and the table's the mean of the texts'") {
  for (const std::string type : {"bert", "attention_pool"}) {
    const auto model = text_model(small_config(type), {own_attention()});
    const text::EncodedSet set = text::encode({{.text = "cab bad"}, {.text = "deed"}}, model->tokenizer, 24);
    const Analysis analysis(*model, set);
    REQUIRE(analysis.heads().size() == (type == "bert" ? 3 : 1));
    std::vector<nlohmann::ordered_json> texts;
    for (const text::Encoding& text : set.windows) texts.push_back(Analysis::of_text(*model, text));
    CHECK(texts[1]["tokens"] == nlohmann::ordered_json{"[CLS]", "d", "##e", "##e", "##d", "[SEP]"});
    for (size_t l = 0; l < analysis.heads().size(); ++l)
      for (size_t h = 0; h < analysis.heads()[l].size(); ++h) {
        double entropy = 0, special = 0;
        for (const auto& text : texts) {
          const auto& head = text["layers"][l]["heads"][h];
          double own_entropy = 0, own_special = 0, rows = 0;
          for (const auto& row : head["probabilities"]) {
            double sum = 0;
            for (size_t k = 0; k < row.size(); ++k) {
              const double p = row[k];
              sum += p;
              if (p > 0) own_entropy -= p * std::log(p);
              if (k == 0 || k + 1 == row.size()) own_special += p;
            }
            CHECK(sum == doctest::Approx(1).epsilon(1e-4));
            ++rows;
          }
          CHECK(head["entropy"].get<double>() == doctest::Approx(own_entropy / rows).epsilon(1e-3));
          CHECK(head["special"].get<double>() == doctest::Approx(own_special / rows).epsilon(1e-3));
          entropy += own_entropy / rows / 2;
          special += own_special / rows / 2;
        }
        CHECK(analysis.heads()[l][h].entropy == doctest::Approx(entropy).epsilon(1e-3));
        CHECK(analysis.heads()[l][h].special == doctest::Approx(special).epsilon(1e-3));
      }
    CHECK(analysis.table().find("[CLS]+[SEP]") != std::string::npos);
  }
}

TEST_CASE("analysis: of tokens that were left behind a head's own attention says which ones it sees") {
  nn::Config c = small_config();
  c.token_retention = {0.6, 0.4};
  const auto model = text_model(c, {own_attention()});
  const text::EncodedSet set = text::encode({{.text = "cab bad deed"}}, model->tokenizer, 24);  // 12 tokens
  const auto text = Analysis::of_text(*model, set.windows[0]);
  CHECK(!text["layers"][0].contains("tokens"));
  CHECK(text["layers"][1]["tokens"].size() == 8);  // ceil(0.6 x 12)
  REQUIRE(text["layers"][2]["tokens"].size() == 5);
  CHECK(text["layers"][2]["tokens"][0] == 0);
  for (const auto& token : text["layers"][2]["tokens"]) {
    const auto& before = text["layers"][1]["tokens"];
    CHECK(std::find(before.begin(), before.end(), token) != before.end());
  }
  CHECK(text["layers"][2]["heads"][1]["probabilities"][0].size() == 5);
  CHECK(error_of([&] { Analysis(*model, text::EncodedSet()); }) == "analyze: there is no text to look at");
}
