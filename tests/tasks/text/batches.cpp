// Batches and splits: everything once, in an order that the seed and the step decide.
#include "tasks/text/batches.h"

#include <map>
#include <set>

#include "tasks/text/tokenizer_files.h"
#include "tests/support/support.h"

using namespace test;

namespace {

text::WordPiece small_tokenizer() {
  return text::WordPiece({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##b", "caf\u00e9", "."});
}

text::EncodedSet sentences(int n) {
  std::vector<text::Example> examples;
  for (int i = 0; i < n; ++i) {
    std::string line = "a";
    for (int t = 0; t < i % 7; ++t) line += " b";
    examples.push_back({.text = line, .label = i % 3});
  }
  return text::encode(examples, small_tokenizer(), 6);
}

}  // namespace

TEST_CASE("batches: sentences lie end to end with positions from 0, and long ones are cut and counted") {
  const text::EncodedSet set = sentences(7);
  CHECK(set.too_long == 3);  // of 6, 7 and 8 tokens: the last three have more than 6
  const text::Batch batch = text::pack(set, {1, 0});
  CHECK(batch.tokens.ids == Indices{2, 5, 6, 3, 2, 5, 3});
  CHECK(batch.tokens.positions == Indices{0, 1, 2, 3, 0, 1, 2});
  CHECK(batch.tokens.offsets == Indices{0, 4, 7});
  CHECK(batch.tokens.types == Indices(7, 0));
  CHECK(batch.labels == Indices{1, 0});
}

TEST_CASE(
    "batches: every epoch has every sentence once, the last batch may be short, and at() depends on the step alone") {
  const text::EncodedSet set = sentences(25);
  text::Batches batches(set, 8, true, 3), again(set, 8, true, 3), other(set, 8, true, 4), plain(set, 8, false, 3);
  CHECK(batches.per_epoch() == 4);
  std::vector<Indices> epochs;
  for (int epoch = 0; epoch < 3; ++epoch) {
    Indices rows;
    for (int i = 0; i < 4; ++i) {
      const text::Batch batch = batches.at(epoch * 4 + i);
      CHECK(batch.rows.size() == (i < 3 ? 8u : 1u));
      rows.insert(rows.end(), batch.rows.begin(), batch.rows.end());
    }
    CHECK(std::set<int>(rows.begin(), rows.end()).size() == 25);
    epochs.push_back(rows);
  }
  CHECK(epochs[0] != epochs[1]);
  CHECK(again.at(9).rows == batches.at(9).rows);
  CHECK(again.at(2).rows == batches.at(2).rows);
  CHECK(other.at(0).rows != batches.at(0).rows);
  CHECK(plain.at(4).rows == Indices{0, 1, 2, 3, 4, 5, 6, 7});
  long seen = 0;
  for (const text::Batch& batch : text::in_order(set, 8))
    for (int row : batch.rows) CHECK(row == seen++);
  CHECK(seen == 25);
}

TEST_CASE("encode: a long text is cut, refused, or read through windows that cover it evenly") {
  const std::vector<text::Example> examples{{.text = "a b", .label = 0, .where = "r.tsv:1"},
                                            {.text = "a b b b b b b", .label = 1, .where = "r.tsv:2"}};
  const text::WordPiece tokenizer = small_tokenizer();
  CHECK(text::encode(examples, tokenizer, 6).too_long == 1);
  CHECK(error_of([&] { text::encode(examples, tokenizer, 6, text::TooLong::error); }) ==
        "r.tsv:2: a text of 9 tokens, more than the 6 that are allowed");
  const text::EncodedSet set = text::encode(examples, tokenizer, 6, text::TooLong::window);
  CHECK(set.begin == Indices{0, 1, 3});
  CHECK(set.size() == 2);
  CHECK(set.windows[1].ids == Indices{2, 5, 6, 6, 6, 3});  // [CLS] a b b b [SEP]
  CHECK(set.windows[2].ids == Indices{2, 6, 6, 6, 6, 3});  // ends at the end
  CHECK(error_of([&] { text::too_long("windows"); }) ==
        "long texts: 'windows' is not one of cut, error, window (did you mean 'window'?)");
  CHECK(error_of([&] { text::encode(examples, tokenizer, 1); }).find("encode: a text needs room for [CLS] and") == 0);
  CHECK(error_of([&] { text::encode(examples, tokenizer, 2, text::TooLong::window); }).find("encode: a window") == 0);
  const text::Batch batch = text::pack(set, {1, 0});
  CHECK(batch.windows == Indices{0, 2, 3});
  const Tensor logits({3, 2}, {1, 2, 5, 8, 7, 9});
  CHECK(mean_over_windows(logits, batch).to_vector() == std::vector<real>{3, 5, 7, 9});
}

TEST_CASE("encode: a second text goes behind the first with token type 1, and windows refuse a long pair") {
  const std::vector<text::Example> examples{{.text = "a b", .pair = "b a", .where = "r.tsv:1"}};
  const text::WordPiece tokenizer = small_tokenizer();
  const text::EncodedSet set = text::encode(examples, tokenizer, 12);
  CHECK(set.windows[0].ids == Indices{2, 5, 6, 3, 6, 5, 3});
  CHECK(set.windows[0].types == Indices{0, 0, 0, 0, 1, 1, 1});
  CHECK(error_of([&] { text::encode(examples, tokenizer, 5, text::TooLong::window); }) ==
        "r.tsv:1: a pair of texts of 7 tokens, more than 5; windows are for single texts");
}

TEST_CASE("batches: the parts of a step add up to the gradient of the whole, also in a short last one, also weighted") {
  const text::EncodedSet set = sentences(25);
  text::Batches batches(set, 8, true, 3);
  const Tensor table = varied({7, 3}).require_grad();
  const auto gradient = [&](const text::Batch& batch, const engine::CrossEntropyOptions& options) {
    Indices first;
    for (long b = 0; b < batch.tokens.sequences(); ++b)
      first.push_back(int(batch.tokens.offsets[b + 1] - 1 - batch.tokens.offsets[b]) % 7);
    backward(cross_entropy(embedding(table, first), batch.labels, options) * real(batch.share));
  };
  for (const std::vector<real>& weights : {std::vector<real>{}, std::vector<real>{1, 2, real(0.5)}})
    for (const long step : {0L, 2L, 3L}) {  // 8, 8 and 1 texts
      const engine::CrossEntropyOptions options{weights};
      table.clear_grad();
      gradient(batches.at(step), options);
      const Tensor whole = table.grad_tensor();
      table.clear_grad();
      double shares = 0;
      for (const text::Batch& part : batches.parts_at(step, 3, weights)) {
        gradient(part, options);
        shares += part.share;
      }
      CHECK(shares == doctest::Approx(1));
      CHECK(differs(table.grad_tensor(), whole, 1e-7, 1e-5) == "");
    }
}

TEST_CASE("balanced_weights: n / (K n_k), as scikit-learn has it") {
  CHECK(differs(text::balanced_weights({0, 0, 0, 1, 2, 2}, 3).data(), std::vector<real>{real(2 / 3.), 2, 1}.data(), 3,
                1e-6, 0) == "");
}

TEST_CASE("split_stratified: other shares, and how they are written") {
  const auto counts = [](long n, const char* spec) {
    std::vector<text::Example> examples(n);
    text::split_stratified(examples, 1, text::Shares::parse(spec));
    std::map<std::string, int> count;
    for (const text::Example& e : examples) ++count[e.split];
    return std::array{count["train"], count["dev"], count["test"]};
  };
  CHECK(counts(100, "72/8/20") == std::array{72, 8, 20});
  CHECK(counts(100, "4/0/1") == std::array{80, 0, 20});
  CHECK(counts(7, "80/10/10") == std::array{5, 1, 1});
  CHECK(counts(2, "80/10/10") == std::array{2, 0, 0});
  for (const char* bad : {"", "80", "80/20", "0/1/1", "80/-1/1", "80/10/10/1", "80/10/x", "nan/1/1"})
    CHECK(error_of([&] { text::Shares::parse(bad); }) ==
          fmt::format("a split is TRAIN/DEV/TEST, as 80/10/10, with train above 0; got '{}'", bad));
}

TEST_CASE("split_stratified: every label is shared out 80 / 10 / 10, the same for the same seed") {
  std::vector<text::Example> examples(300);
  for (int i = 0; i < 300; ++i) examples[i].label = i < 100 ? 0 : 1;
  text::split_stratified(examples, 7);
  std::map<std::string, int> counts;
  for (const text::Example& e : examples) ++counts[e.split + std::to_string(e.label)];
  CHECK(counts["train0"] == 80);
  CHECK(counts["dev0"] == 10);
  CHECK(counts["test1"] == 20);
  std::vector<text::Example> again = examples, other = examples;
  text::split_stratified(again, 7);
  text::split_stratified(other, 8);
  int same = 0, differ = 0;
  for (int i = 0; i < 300; ++i) {
    same += again[i].split == examples[i].split;
    differ += other[i].split != examples[i].split;
  }
  CHECK(same == 300);
  CHECK(differ > 0);
}

TEST_CASE("tokenizer files: a saved tokenizer loads again, from vocab.txt and from tokenizer.json alone") {
  const TemporaryDirectory dir;
  text::TokenizerOptions options;
  options.lower_case = false;
  const text::WordPiece cased(small_tokenizer().pieces(), options);
  text::save_tokenizer(cased, dir.path, 64);
  for (const char* removed : {"", "/vocab.txt"}) {
    if (*removed) std::filesystem::remove(dir.path + removed);
    const text::WordPiece loaded = text::load_tokenizer(dir.path).tokenizer;
    CHECK(loaded.pieces() == cased.pieces());
    CHECK(!loaded.options().lower_case);
    CHECK(loaded.encode("a bb caf\u00e9. A", 20).ids == cased.encode("a bb caf\u00e9. A", 20).ids);
  }
  std::filesystem::remove(dir.path + "/tokenizer.json");
  CHECK(error_of([&] { text::load_tokenizer(dir.path); }).find("neither vocab.txt nor tokenizer.json") !=
        std::string::npos);
  dir.write("tokenizer.json", "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":7}}}");
  CHECK(error_of([&] { text::load_tokenizer(dir.path); }).find("has id 7 among 1 pieces") != std::string::npos);
  dir.write("tokenizer.json", "{\"model\":{\"type\":\"BPE\"}}");
  CHECK(error_of([&] { text::load_tokenizer(dir.path); }).find("not a WordPiece tokenizer") != std::string::npos);
}
