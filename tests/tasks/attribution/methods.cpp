// Explanations: beside Captum's and ERASER's numbers, and what must add up, be equal or be nothing.
#include "tasks/attribution/explanation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tasks/attribution/attended.h"
#include "tasks/attribution/gradients.h"
#include "tests/support/golden.h"
#include "tests/support/tasks.h"

using namespace test;
using namespace attribution;
using nn::Predicts;

namespace {

text::WordPiece numbered(long pieces, int mask) {
  std::vector<std::string> names{"[PAD]", "[UNK]", "[CLS]", "[SEP]"};
  for (long i = 4; i < pieces; ++i) names.push_back(i == mask ? "[MASK]" : fmt::format("w{}", i));
  return text::WordPiece(names);
}

// The golden model, and what was computed of it.
struct Golden {
  nn::SafeTensors file{golden_path("attribution.safetensors")};
  std::unique_ptr<model::TextModel> model;
  Golden() {
    nn::Config c = nn::read_config(golden_path("bert-micro") + "/config.json");
    model = text_model(c, {task_of("", Predicts::label, c.labels)}, 1,
                       numbered(c.vocab_size, file.read_ints("mask_id")[0]));
    model->net.params.load(nn::SafeTensors(golden_path("bert-micro") + "/model.safetensors"),
                           [](const std::string&) { return false; });
    model->net.params.freeze("*");
  }
  Windows text(const std::string& at) const {
    const std::vector<int> ids = file.read_ints(at + "/ids");
    return {{ids, std::vector<int>(ids.size(), 0)}};
  }
  Decision decision(const std::string& at, Of of = Of::logit) const {
    return Decision(*model, 0, file.read_ints(at + "/class")[0], of);
  }
  double number(const std::string& name, long i = 0) const { return double(file.read(name).data()[i]); }
};

void check_near(const std::vector<double>& found, const Tensor& want, const std::string& what) {
  REQUIRE_MESSAGE(long(found.size()) == want.numel(), what);
  for (size_t i = 0; i < found.size(); ++i)
    CHECK_MESSAGE(std::abs(found[i] - double(want.data()[i])) <= 1e-5 + 2e-4 * std::abs(double(want.data()[i])), what,
                  " ", i);
}

// A BERT or word embeddings of which each word of one letter is a piece; every parameter is far from 0.
std::unique_ptr<model::TextModel> lettered(const std::string& type, spec::TaskSpec task, double range = 0.4) {
  nn::Config c = small_config(type);
  c.initializer_range = range;
  auto model = text_model(c, {task}, 5);
  model->net.params.freeze("*");
  return model;
}

Subject subject(const model::TextModel& model, const text::Example& text, int max_length = 40,
                text::TooLong how = text::TooLong::cut) {
  return subject_of(text, text::encode({text}, model.tokenizer, max_length, how), 0, model.tokenizer);
}

double total(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0); }

}  // namespace

TEST_CASE("golden: integrated gradients are Captum's, from four baselines, and so is what is left over") {
  const Golden golden;
  const long steps = golden.file.read_ints("n_steps")[0];
  const Rule rule = gauss_legendre(steps);
  check_near(rule.points, golden.file.read("gauss_legendre_alpha"), "points");
  check_near(rule.weights, golden.file.read("gauss_legendre_weight"), "weights");
  int sequences = 0;
  for (; golden.file.has(fmt::format("{}/ids", sequences)); ++sequences) {
    const std::string at = std::to_string(sequences);
    const Decision decision = golden.decision(at);
    const Windows text = golden.text(at);
    const text::Batch batch = pack_texts({text});
    const Tensor x = embedded(decision, batch);
    const Tensor words = engine::embedding(golden.model->net.encoder.word_embeddings(), batch.tokens.ids);
    Indices pad(batch.tokens.ids.size(), 0), ends = pad;
    ends.front() = batch.tokens.ids.front();
    ends.back() = batch.tokens.ids.back();
    const Tensor zero = Tensor::zeros(x.shape());
    const std::pair<const char*, Tensor> baselines[] = {{"sum_zero", zero},
                                                        {"sum_pad", embedded(decision, batch, pad)},
                                                        {"words_zero", x - words},
                                                        {"words_pad", embedded(decision, batch, pad)},
                                                        {"words_pad_keep_ends", embedded(decision, batch, ends)}};
    for (const auto& [name, x0] : baselines) {
      const Integrated found = integrate(decision, text, x0, steps);
      const std::string where = at + "/" + name;
      if (!golden.file.has(where + "/tokens")) continue;
      check_near(found.tokens, golden.file.read(where + "/tokens"), where);
      CHECK_MESSAGE(std::abs(found.delta - golden.number(where + "/delta")) < 2e-5, where);
      CHECK_MESSAGE(std::abs(found.value - golden.number(where + "/output", 0)) < 1e-5, where);
      CHECK_MESSAGE(std::abs(found.baseline - golden.number(where + "/output", 1)) < 1e-5, where);
    }
  }
  CHECK(sequences >= 2);
}

TEST_CASE("golden: gradients, gradient times input and rollout") {
  const Golden golden;
  for (int i = 0; golden.file.has(fmt::format("{}/ids", i)); ++i) {
    const std::string at = std::to_string(i);
    const Decision decision = golden.decision(at);
    const Windows text = golden.text(at);
    const std::vector<real> d = gradient(decision, text).to_vector();
    check_near({d.begin(), d.end()}, golden.file.read(at + "/sum/gradient"), at + "/sum/gradient");
    check_near(gradient_x_input(decision, text), golden.file.read(at + "/words/gradient_x_input_tokens"), at);
    const auto layers = rollout_of(attention_maps(*golden.model, text[0]));
    std::vector<double> all;
    for (const auto& layer : layers) all.insert(all.end(), layer.begin(), layer.end());
    check_near(all, golden.file.read(at + "/rollout"), at + "/rollout");
    const std::vector<double> first = rollout(decision, text);
    const std::vector<double> row(layers.back().begin(), layers.back().begin() + long(first.size()));
    CHECK(first == row);  // the head reads [CLS]
  }
}

TEST_CASE("golden: exact Shapley values of logit and probability, and of every coalition what it is worth") {
  const Golden golden;
  int cases = 0;
  for (; golden.file.has(fmt::format("shapley.{}/ids", cases)); ++cases) {
    const std::string at = fmt::format("shapley.{}", cases);
    const std::vector<int> word = golden.file.read_ints(at + "/word_of_token");
    Subject s{golden.text(at), {}};
    for (size_t t = 0; t < word.size(); ++t) {
      if (word[t] < 0) continue;
      s.words.resize(std::max(s.words.size(), size_t(word[t]) + 1));
      s.words[size_t(word[t])].tokens.push_back(int(t));
    }
    for (const Of of : {Of::logit, Of::probability}) {
      const std::string where = at + (of == Of::logit ? "/logit" : "/probability");
      const Decision decision = golden.decision(at, of);
      std::vector<Coalition> all(size_t(1) << s.words.size(), Coalition(s.words.size()));
      for (size_t bits = 0; bits < all.size(); ++bits)
        for (size_t i = 0; i < s.words.size(); ++i) all[bits][i] = bits >> i & 1;
      check_near(worth_of(decision, s, Absent::mask)(all), golden.file.read(where + "/coalition_values"), where);
      const Explanation found = explain(Method::shapley, decision, s, {});
      check_near(found.shares, golden.file.read(where + "/phi"), where);
    }
  }
  CHECK(cases >= 2);
}

TEST_CASE("golden: comprehensiveness and sufficiency, words masked and deleted") {
  const Golden golden;
  const std::vector<real> f = golden.file.read("fractions").to_vector();
  int cases = 0;
  for (int i = 0; golden.file.has(fmt::format("{}/ids", i)); ++i) {
    const std::string at = std::to_string(i);
    if (!golden.file.has(at + "/eraser_order")) continue;
    ++cases;
    Subject s{golden.text(at), {}};
    for (int t = 1; t + 1 < int(s.windows[0].ids.size()); ++t) s.words.push_back({.text = "w", .tokens = {t}});
    std::vector<int> order = golden.file.read_ints(at + "/eraser_order");
    for (int& place : order) --place;  // of the tokens behind the first
    for (const Absent absent : {Absent::mask, Absent::remove}) {
      const std::string where = at + (absent == Absent::mask ? "/eraser_mask" : "/eraser_delete");
      const Decision decision = golden.decision(at, Of::probability);
      // 0.05 in float32 is a little more than 0.05: rounded back, so that a half is a half
      std::vector<double> fractions;
      for (const real x : f) fractions.push_back(std::round(double(x) * 1e4) / 1e4);
      const Faithfulness found = faithfulness(order, fractions, worth_of(decision, s, absent));
      CHECK(found.probability == doctest::Approx(golden.number(where + "/probability")).epsilon(1e-5));
      check_near(found.comprehensiveness, golden.file.read(where + "/comprehensiveness"), where);
      check_near(found.sufficiency, golden.file.read(where + "/sufficiency"), where);
      CHECK(std::abs(found.comprehensiveness_aopc - golden.number(where + "/comprehensiveness_aopc")) < 1e-5);
      CHECK(std::abs(found.sufficiency_aopc - golden.number(where + "/sufficiency_aopc")) < 1e-5);
    }
  }
  CHECK(cases >= 2);
}

TEST_CASE("integrated gradients: complete within a thousandth, whatever the encoder, the head and the windows") {
  spec::TaskSpec mean = task_of("", Predicts::label), number = task_of("", Predicts::number),
                 ordinal = task_of("", Predicts::ordinal, {"1", "2", "3"}), labels = task_of("", Predicts::labels);
  mean.reads = nn::Reads::mean;
  number.deviation = 3;
  number.mean = 7;
  const text::Example one{.text = "cab bad deed fed a b"}, two{.text = "cab bad", .pair = "deed fed"};
  for (const std::string type : {"bert", "attention_pool"})
    for (spec::TaskSpec task : {mean, own_attention(), number, ordinal, labels}) {
      if (type == "attention_pool" && !task.reads) task.reads = nn::Reads::attention;
      const auto model = lettered(type, task);
      for (const auto& [text, length, how] :
           {std::tuple{one, 40, text::TooLong::cut}, std::tuple{one, 8, text::TooLong::window},
            std::tuple{two, 40, text::TooLong::cut}}) {
        const Subject s = subject(*model, text, length, how);
        CHECK((s.windows.size() > 1) == (how == text::TooLong::window));
        for (const Of of : {Of::logit, Of::probability}) {
          if (of == Of::probability && task.head == Predicts::number) continue;
          const Decision decision(*model, 0, 0, of);
          const Integrated found = integrated_gradients(decision, s.windows, model->tokenizer.mask_id());
          CHECK(found.complete);
          Indices told;  // [CLS] and [SEP] stand in the baseline, too
          for (const Word& word : s.words) told.insert(told.end(), word.tokens.begin(), word.tokens.end());
          for (size_t t = 0; t < found.tokens.size(); ++t)
            if (type == "bert" && std::find(told.begin(), told.end(), int(t)) == told.end())
              CHECK(found.tokens[t] == 0);
          CHECK(found.steps >= 50);
          const double moved = found.value - found.baseline;
          CHECK(std::abs(total(found.tokens) - moved) <= 1e-3 * std::abs(moved) + 1e-4);
          CHECK(found.value == doctest::Approx(decision.of_text(s.windows)).epsilon(1e-4));
        }
      }
    }
}

TEST_CASE("integrated gradients: too few steps are doubled until the sum is right") {
  const auto model = lettered("bert", task_of("", Predicts::label), 1.5);  // far from linear
  const Subject s = subject(*model, {.text = "cab bad deed"});
  const Decision decision(*model, 0, 1);
  const Integrated found = integrated_gradients(decision, s.windows, 0, 1);
  CHECK(found.steps > 1);
  const bool told = found.complete == (std::abs(found.delta) <= 1e-3 * std::abs(found.value - found.baseline));
  CHECK(told);
}

TEST_CASE("decisions: the logit of an ordinal class is a number, with a slope, however sure the model is") {
  const auto model = lettered("bert", task_of("", Predicts::ordinal, {"a", "b", "c"}));
  const text::EncodedSet set = text::encode({{.text = "cab"}}, model->tokenizer, 40);
  const text::Batch batch = text::pack(set, {0});
  const auto logit = [&](int k, real x0, real x1) {
    const Tensor x = Tensor({1, 2}, std::vector<real>{x0, x1}).require_grad();
    const Tensor y = Decision(*model, 0, k).of_logits(x, batch);
    engine::backward(engine::sum(y));
    CHECK(std::isfinite(x.grad()[0] + x.grad()[1]));
    return double(y.item());
  };
  CHECK(logit(2, 14, 12) == doctest::Approx(12).epsilon(1e-3));  // s(12) rounds to 1 - 6.14e-6 in float
  CHECK(logit(0, -12, -14) == doctest::Approx(12).epsilon(1e-3));
  CHECK(logit(1, 12, -12) == doctest::Approx(12 - std::log(2)).epsilon(1e-3));
  CHECK(logit(1, 14, 12) == doctest::Approx(-12 + std::log(1 - std::exp(-2))).epsilon(1e-3));  // its share is 5e-6
  for (const int k : {0, 1, 2})
    for (const real far : {-40, 40}) CHECK(std::abs(logit(k, far, far)) < 21);  // 1e-9 is kept
}

TEST_CASE("decisions: logits and probabilities are those that the model says, of any head") {
  const spec::TaskSpec tasks[] = {task_of("", Predicts::label, {"a", "b", "c"}),
                                  task_of("", Predicts::labels, {"a", "b", "c"}),
                                  task_of("", Predicts::ordinal, {"a", "b", "c"})};
  for (const spec::TaskSpec& task : tasks) {
    const auto model = lettered("bert", task);
    if (const auto& ranks = model->net.heads[0].ranks) ranks->bias.data()[1] = -1;
    const text::EncodedSet set = text::encode({{.text = "cab bad"}}, model->tokenizer, 40);
    const model::Outputs said = model::predict(*model, set)[0];
    for (int k = 0; k < 3; ++k) {
      const double p = Decision(*model, 0, k, Of::probability).of_text(set.windows);
      CHECK(p == doctest::Approx(said.scores[0][size_t(k)]).epsilon(1e-5));
      if (task.head == Predicts::label) continue;
      CHECK(Decision(*model, 0, k).of_text(set.windows) == doctest::Approx(std::log(p / (1 - p))).epsilon(1e-3));
    }
    CHECK(class_of(*model, 0, "b", set.windows) == 1);
    CHECK(class_of(*model, 0, "", set.windows) == said.best_of(0));
    CHECK(error_of([&] { class_of(*model, 0, "d", set.windows); }).find("'d' is not one of a, b, c") !=
          std::string::npos);
  }
  const auto tags = lettered("bert", task_of("t", Predicts::tags, {"O", "B-x"}));
  CHECK(error_of([&] { Decision(*tags, 0, 0); }).find("not one of a head of") != std::string::npos);
  const auto number = lettered("bert", task_of("", Predicts::number));
  CHECK(error_of([&] { Decision(*number, 0, 0, Of::probability); }).find("no probability") != std::string::npos);
}

TEST_CASE("absent words: masked they keep their places, removed they leave none, [CLS] and [SEP] stay") {
  const auto model = lettered("bert", task_of("", Predicts::label));
  const Subject s = subject(*model, {.text = "cab a", .pair = "bad"});
  REQUIRE(s.words.size() == 3);
  std::vector<Indices> rows;
  for (const Word& word : s.words) rows.push_back(word.tokens);
  CHECK(rows == std::vector<Indices>{{1, 2, 3}, {4}, {6, 7, 8}});
  const auto& t = model->tokenizer;
  const auto without = [&](const Coalition& there, Absent how) {
    return with_words(s.windows, rows, there, how, t)[0];
  };
  CHECK(without({true, true, true}, Absent::remove).ids == s.windows[0].ids);
  const text::Encoding masked = without({false, true, false}, Absent::mask);
  const int M = t.mask_id(), C = t.cls_id(), S = t.sep_id(), a = t.id("a");
  CHECK(masked.ids == std::vector<int>{C, M, M, M, a, S, M, M, M, S});
  CHECK(masked.types == s.windows[0].types);
  const text::Encoding removed = without({false, true, false}, Absent::remove);
  CHECK(removed.ids == std::vector<int>{C, a, S, S});
  CHECK(removed.types == std::vector<int>{0, 0, 0, 1});
}

TEST_CASE(
    "explanations: pairs and long texts, by every method a share for every word that was read, 0 for the others") {
  for (const std::string type : {"bert", "attention_pool"}) {
    const auto model = lettered(type, type == "bert" ? task_of("", Predicts::label) : own_attention());
    const Decision decision(*model, 0, 1);
    const Subject pair = subject(*model, {.text = "cab bad", .pair = "deed fed"}),
                  cut = subject(*model, {.text = "cab bad deed fed"}, 9),
                  windows = subject(*model, {.text = "cab bad deed fed"}, 9, text::TooLong::window);
    for (const Subject* s : {&pair, &cut, &windows})
      for (const std::string& name : method_names()) {
        const Explanation found = explain(method_named(name), decision, *s, {.samples = 3});
        REQUIRE(found.shares.size() == 4);
        CHECK(found.value == doctest::Approx(decision.of_text(s->windows)).epsilon(1e-4));
        for (size_t i = 0; i < 4; ++i) CHECK_MESSAGE((found.shares[i] == 0) == s->words[i].tokens.empty(), name);
      }
    CHECK(cut.words[3].tokens.empty());
    CHECK(error_of([&] {
            explain(Method::shapley, decision, subject(*model, {.text = " "}), {});
          }).find("no word to explain") != std::string::npos);
  }
  const auto mean = lettered("attention_pool", [] {
    spec::TaskSpec task = task_of("", Predicts::label);
    task.reads = nn::Reads::mean;
    return task;
  }());
  CHECK(error_of([&] {
          explain(Method::attention, Decision(*mean, 0, 0), subject(*mean, {.text = "a"}), {});
        }).find("no attention to show") != std::string::npos);
}

TEST_CASE("attention: a head's own attention adds up to 1 over all tokens, and rollout too") {
  for (const std::string type : {"bert", "attention_pool"}) {
    const auto model = lettered(type, own_attention());
    const Subject s = subject(*model, {.text = "cab bad deed fed"}, 9, text::TooLong::window);
    const Decision decision(*model, 0, 0);
    CHECK(total(attention_weights(decision, s.windows)) == doctest::Approx(1).epsilon(1e-5));
    CHECK(total(rollout(decision, s.windows)) == doctest::Approx(1).epsilon(1e-5));
  }
}

TEST_CASE("attention: of several heads with queries of their own each shows its own") {
  spec::TaskSpec a = own_attention(), b = own_attention();
  a.name = "a";
  b.name = "b";
  nn::Config c = small_config();
  c.initializer_range = 0.4;
  const auto model = text_model(c, {a, task_of("first", Predicts::label), b}, 5);
  const Subject s = subject(*model, {.text = "cab bad deed"});
  const engine::NoGrad no_grad;
  for (const size_t head : {size_t(0), size_t(2)}) {
    const text::Batch batch = pack_texts({s.windows});
    nn::Trace trace;
    model->net.heads[head](model->net.encoder(batch.tokens, {nn::Rows::all}), &trace);
    const nn::AttentionMaps& own = trace.attention.at(0);
    const std::vector<double> found = attention_weights(Decision(*model, head, 0), s.windows);
    REQUIRE(long(found.size()) * 2 == own.probs.numel());
    for (size_t t = 0; t < found.size(); ++t)
      CHECK(found[t] == doctest::Approx((own.probs.data()[t] + own.probs.data()[t + found.size()]) / 2).epsilon(1e-4));
  }
}
