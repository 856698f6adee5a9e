// Naive Bayes as first values of pool's embeddings: the ratios, where they stand, and the logits that they make.
#include "tasks/model/log_odds.h"

#include <cmath>

#include "tasks/text/subwords.h"
#include "tests/support/tasks.h"

using namespace test;

namespace {

// Pieces 0 ... 9 in texts of two words each, labels 0 and 1: piece 5 stands in two texts of class 0, piece 6 in one of
// each, piece 7 in one of class 1, twice.
text::EncodedSet texts() {
  text::EncodedSet set;
  const auto add = [&](const Indices& ids, int label) {
    text::Encoding e;
    e.ids = ids;
    e.types.assign(ids.size(), 0);
    set.windows.push_back(e);
    set.begin.push_back(int(set.windows.size()));
    set.labels.push_back(label);
  };
  add({5, 6}, 0);
  add({5, 8}, 0);
  add({7, 7, 6}, 1);
  return set;
}

const std::vector<std::string> kPieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "d", "e", "f"};

std::unique_ptr<model::TextModel> pool(const std::vector<spec::TaskSpec>& tasks, long hidden, long pairs,
                                       long ngrams = 0) {
  nn::Config c = small_config("attention_pool");
  c.hidden_size = hidden;
  c.num_attention_heads = 2;
  c.bigram_buckets = pairs;
  c.subword_buckets = ngrams;
  c.initializer_range = 0;
  return text_model(c, tasks, 1, text::WordPiece(kPieces));
}

const spec::TaskSpec kOnlyTask = task_of("", nn::Predicts::label, {"a", "b"});

std::unique_ptr<model::TextModel> pool(long hidden, long pairs, long ngrams = 0) {
  return pool(std::vector{kOnlyTask}, hidden, pairs, ngrams);
}

}  // namespace

TEST_CASE("log_count_ratio: the closed form; nothing for a feature that no text has and for a class without texts") {
  const std::vector<double> r = model::log_count_ratio({2, 0}, {2, 1});  // 2 of 2 texts inside, 0 of 1 outside
  CHECK(r[0] == doctest::Approx(std::log((2 + 2. / 3) / (2 + 2. / 3)) - std::log((1. / 3) / (1 + 1. / 3))));
  CHECK(r[1] == doctest::Approx(-r[0]));  // of two classes the one's odds are the other's, turned round
  for (const double zero : model::log_count_ratio({0, 0, 0}, {5, 2, 9})) CHECK(zero == doctest::Approx(0));
  const std::vector<double> lonely = model::log_count_ratio({3, 0}, {4, 0});
  CHECK(lonely == std::vector<double>{0, 0});
  const std::vector<double> three = model::log_count_ratio({1, 4, 0}, {5, 5, 10});
  CHECK(three[0] == doctest::Approx(std::log(1.25 / 5.25) - std::log(4.75 / 15.75)));
  CHECK(three[1] > 0);
  CHECK(three[2] < 0);
}

TEST_CASE("log odds: each text counts a piece once; a model without random values begins as naive Bayes") {
  const auto model = pool(4, 0);
  const text::EncodedSet set = texts();
  model::start_from_log_odds(*model, train_set(kOnlyTask, set), 0.5);
  const Tensor& table = model->net.params.find("embeddings.word_embeddings.weight");
  const auto row = [&](int piece) { return std::vector<real>(table.data() + 4 * piece, table.data() + 4 * piece + 4); };
  const std::vector<double> five = model::log_count_ratio({2, 0}, {2, 1}), seven = model::log_count_ratio({0, 1}, {2, 1});
  CHECK(row(5)[0] == doctest::Approx(0.5 * five[0]));
  CHECK(row(7)[1] == doctest::Approx(0.5 * seven[1]));
  CHECK(row(5)[2] == 0);
  CHECK(row(9)[0] == doctest::Approx(0));
  const NoGrad no_grad;
  const Tensor logits = model->net(text::pack(set, {2}).tokens);  // 7 7 6, the mean of its pieces, two heads
  CHECK(logits.data()[1] == doctest::Approx(2 * (2 * row(7)[1] + row(6)[1]) / 3).epsilon(1e-4));
}

TEST_CASE("log odds: pairs get theirs, and a model that cannot hold them is refused") {
  const auto model = pool(4, 1000);
  const text::EncodedSet set = texts();
  model::start_from_log_odds(*model, train_set(kOnlyTask, set), 1);
  const Tensor& table = model->net.params.find("embeddings.bigram_embeddings.weight");
  const Indices rows = nn::bigram_rows(text::pack(set, {0}).tokens, 1000);
  const std::vector<double> starts_with_5 = model::log_count_ratio({2, 0}, {2, 1}),
                            five_six = model::log_count_ratio({1, 0}, {2, 1});
  CHECK(table.data()[4 * rows[0]] == doctest::Approx(starts_with_5[0]));
  CHECK(table.data()[4 * rows[1] + 1] == doctest::Approx(five_six[1]));
  CHECK(error_of([&] {
          model::start_from_log_odds(*pool(1, 0), train_set(kOnlyTask, set), 1);
        }).find("1 wide, 2 classes") != std::string::npos);
  const auto bert = text_model(tiny_config(), {kOnlyTask});
  CHECK(error_of([&] { model::start_from_log_odds(*bert, train_set(kOnlyTask, set), 1); }) ==
        "log odds are first values for a pool; this model's type is bert");
}

TEST_CASE("log odds: an n-gram counts once in a text, whichever of its pieces has it") {
  const auto model = pool(4, 0, 1000);
  model::start_from_log_odds(*model, train_set(kOnlyTask, texts()), 0.5);
  const Tensor& table = model->net.params.find("embeddings.subword_embeddings.weight");
  const nn::PieceRows rows = text::subword_rows(model->tokenizer.pieces(), 1000).of({5, 7});  // <b> and <d>
  REQUIRE(rows.rows.size() == 2);
  const std::vector<double> b = model::log_count_ratio({2, 0}, {2, 1}), d = model::log_count_ratio({0, 1}, {2, 1});
  CHECK(table.data()[4 * rows.rows[0]] == doctest::Approx(0.5 * b[0]));
  CHECK(table.data()[4 * rows.rows[1] + 1] == doctest::Approx(0.5 * d[1]));
  CHECK(table.data()[4 * rows.rows[1] + 2] == 0);
}

TEST_CASE("log odds: of several tasks each has numbers of its own, its own classes and its own classifier") {
  const spec::TaskSpec first = task_of("first", nn::Predicts::label, {"a", "b"}),
                       second = task_of("second", nn::Predicts::label, {"x", "y", "z"});
  const auto model = pool({first, second}, 6, 0);
  const text::EncodedSet set = texts();
  spec::TaskSet tasks = train_set(first, set);
  tasks.tasks.push_back(tasks.tasks[0]);
  tasks.tasks[1].spec = second;
  tasks.tasks[1].targets[spec::kTrain].classes = {2, 0, 1};
  model::start_from_log_odds(*model, tasks, 1);
  const real* five = model->net.params.find("embeddings.word_embeddings.weight").data() + 5 * 6;
  const std::vector<double> one = model::log_count_ratio({2, 0}, {2, 1}),
                            other = model::log_count_ratio({1, 0, 1}, {1, 1, 1});
  for (int k = 0; k < 2; ++k) CHECK(five[k] == doctest::Approx(one[k]));
  for (int k = 0; k < 3; ++k) CHECK(five[2 + k] == doctest::Approx(other[k]));
  CHECK(five[5] == 0);
  const Tensor& classifier = model->net.params.find("heads.second.classifier.weight");  // [3, 2 x 6]
  for (int k = 0; k < 3; ++k)
    for (int c = 0; c < 12; ++c) CHECK(classifier.data()[12 * k + c] == (c % 6 == 2 + k ? 1 : 0));
}

TEST_CASE("attention pooling with a length exponent: the context of T tokens is (T / 20)^p times their mean") {
  nn::Config c = tiny_config("attention_pool");
  const nn::Tokens tokens{{3, 4, 5, 6, 7, 8, 9}, {0, 1, 2, 3, 0, 1, 2}, {0, 0, 0, 0, 0, 0, 0}, {0, 4, 7}};
  const auto logits = [&](double exponent) {  // [2, 3]; the classifier's bias is 0
    c.length_exponent = exponent;
    const NoGrad no_grad;
    return Drawn(c)(tokens);
  };
  const Tensor mean = logits(0), root = logits(0.5), sum = logits(1);
  for (int k = 0; k < 3; ++k) {
    CHECK(root.data()[k] == doctest::Approx(std::sqrt(0.2) * mean.data()[k]).epsilon(1e-4));
    CHECK(sum.data()[k] == doctest::Approx(0.2 * mean.data()[k]).epsilon(1e-4));
    CHECK(root.data()[3 + k] == doctest::Approx(std::sqrt(0.15) * mean.data()[3 + k]).epsilon(1e-4));
  }
}

TEST_CASE("sentiment: pool with all of its options trains, and what it leaves is loaded again") {
  const TemporaryDirectory dir;
  std::string rows = "label\ttext\n";
  for (int i = 0; i < 30; ++i) rows += fmt::format("{}\t{} number {} here\n", i % 2, i % 2 ? "good" : "bad", i);
  const std::string data = dir.write("data.tsv", rows),
                    common = "train --labels auto --hidden 8 --batch-size 4 --data " + data +
                             " --bigrams 200 --subwords 200 --length-exponent 0.5 --out ";
  const auto sentiment = [](const std::string& arguments) {
    return run_shell(program("sentiment") + " " + arguments + " 2>&1");
  };
  const Result run = sentiment(common + dir.path + "/a --epochs 2 --log-odds 0.3");
  REQUIRE_MESSAGE(run.status == 0, run.output);
  CHECK(run.output.find("accuracy=1.0000") != std::string::npos);  // the labels are in the words
  CHECK(nn::read_config(dir.path + "/a/best/config.json").length_exponent == 0.5);
  CHECK(sentiment("predict --model " + dir.path + "/a \"good number 99\"").output.find("\"label\":\"1\"") !=
        std::string::npos);
}
