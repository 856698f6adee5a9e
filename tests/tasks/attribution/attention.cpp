// Attention in figures: what a head is said to do, beside its matrices; also where tokens were left behind.
#include "tasks/attribution/attention.h"

#include <cmath>

#include "tests/support/tasks.h"

using namespace test;
using attribution::Analysis;

TEST_CASE("analysis: figures of every head are those of its matrices, and the table's the mean of the texts'") {
  for (const std::string type : {"bert", "attention_pool"}) {
    const auto model = text_model(small_config(type), {own_attention()});
    const text::EncodedSet set =
        text::encode({{.text = "cab bad"}, {.text = "deed"}, {.text = "cab \u2603 bad"}}, model->tokenizer, 24);
    const Analysis analysis(*model, set);
    REQUIRE(analysis.heads().size() == (type == "bert" ? 3 : 1));
    std::vector<nn::ordered_json> texts;
    for (const text::Encoding& text : set.windows) texts.push_back(Analysis::of_text(*model, text));
    CHECK(texts[2]["tokens"][4] == "[UNK]");  // that is neither [CLS] nor [SEP]
    CHECK(texts[1]["tokens"] == nn::ordered_json{"[CLS]", "d", "##e", "##e", "##d", "[SEP]"});
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
          entropy += own_entropy / rows / double(texts.size());
          special += own_special / rows / double(texts.size());
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

TEST_CASE("attention maps: those of the JSON, over all tokens; what was left behind is 0") {
  nn::Config c = small_config();
  c.token_retention = {0.6, 0.4};
  for (const auto& model : {text_model(small_config(), {own_attention()}), text_model(c, {own_attention()})}) {
    const text::Encoding text = model->tokenizer.encode("cab bad deed", 24);
    const auto json = Analysis::of_text(*model, text)["layers"];
    const std::vector<attribution::AttentionMap> maps = attribution::attention_maps(*model, text);
    REQUIRE(maps.size() == 3);
    for (size_t l = 0; l < maps.size(); ++l) {
      const long T = 12, Q = l < 2 ? T : 1;
      REQUIRE(maps[l].queries == Q);
      REQUIRE(maps[l].p.size() == size_t(maps[l].heads * Q * T));
      std::vector<real> expected(maps[l].p.size());
      for (long h = 0; h < maps[l].heads; ++h) {
        const auto& rows = json[l]["heads"][size_t(h)]["probabilities"];
        const auto token = [&](size_t k) { return json[l].contains("tokens") ? long(json[l]["tokens"][k]) : long(k); };
        for (size_t q = 0; q < rows.size(); ++q)
          for (size_t k = 0; k < rows[q].size(); ++k)
            expected[size_t((h * Q + (l < 2 ? token(q) : 0)) * T + token(k))] = rows[q][k];
      }
      CHECK(differs(maps[l].p.data(), expected.data(), long(expected.size()), 1e-6, 0) == "");
    }
  }
}

TEST_CASE("attention maps: over words what goes to a word is added, what comes from it averaged") {
  const attribution::AttentionMap map{1, 3, 3, {0.5, 0.25, 0.25, 0.1, 0.3, 0.6, 0.3, 0.5, 0.2}};
  const attribution::AttentionMap over = attribution::over_words(map, {0, 1, 1});
  const std::vector<real> expected{0.5, 0.5, 0.2, 0.8};
  CHECK(differs(over.p.data(), expected.data(), 4, 1e-6, 0) == "");
  const attribution::AttentionMap own = attribution::over_words({2, 1, 3, {0.5, 0.25, 0.25, 0.1, 0.3, 0.6}}, {0, 0, 1});
  const std::vector<real> two_heads{0.75, 0.25, 0.4, 0.6};
  REQUIRE(own.p.size() == 4);
  CHECK(differs(own.p.data(), two_heads.data(), 4, 1e-6, 0) == "");
  CHECK(error_of([&] { attribution::over_words(map, {0, 1}); }) == "over_words: a word for every token; got 2 for 3");
}
