// What words add to a score: beside another library's numbers, and as a sum that must come out.
#include "tasks/attribution/words.h"

#include "tasks/text/utf8.h"
#include "tests/support/golden.h"
#include "tests/support/tasks.h"

using namespace test;
using attribution::Marks;
using attribution::WordShare;
using nn::Predicts;

namespace {

text::WordPiece numbered(long pieces) {
  std::vector<std::string> names{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (long i = 5; i < pieces; ++i) names.push_back(fmt::format("w{}", i));
  return text::WordPiece(names);
}

text::Batch batch_of(const std::vector<int>& ids) {
  text::EncodedSet set;
  set.windows.push_back({ids, std::vector<int>(ids.size(), 0), false});
  set.begin = {0, 1};
  set.labels = {-1};
  return text::pack(set, {0});
}

double sum_of(const std::vector<WordShare>& words) {
  double sum = 0;
  for (const WordShare& word : words) sum += word.share;
  return sum;
}

std::string joined(const std::vector<WordShare>& words) {
  std::string all;
  for (const WordShare& word : words) all += word.word + (word.second ? "'|" : "|");
  return all;
}

// Of one text with the letters' vocabulary, for class 0.
std::vector<WordShare> words_of(const model::TextModel& model, const text::Example& text, int max_length = 40,
                                text::TooLong how = text::TooLong::cut) {
  return attribution::word_shares(model, 0, {text}, text::encode({text}, model.tokenizer, max_length, how), {0})[0];
}

}  // namespace

TEST_CASE("golden: gradient times input at the word embeddings is Captum's, token by token") {
  const nn::SafeTensors file(golden_path("attribution.safetensors"));
  nn::Config c = nn::read_config(golden_path("bert-micro") + "/config.json");
  const auto model = text_model(c, {task_of("", Predicts::label, c.labels)}, 1, numbered(c.vocab_size));
  model->net.params.load(nn::SafeTensors(golden_path("bert-micro") + "/model.safetensors"),
                         [](const std::string&) { return false; });
  model->net.params.freeze("*");
  int sequences = 0;
  for (; file.has(fmt::format("{}/ids", sequences)); ++sequences) {
    const std::string at = std::to_string(sequences);
    const std::vector<double> shares =
        attribution::token_shares(*model, 0, batch_of(file.read_ints(at + "/ids")), file.read_ints(at + "/class"));
    const Tensor want = file.read(at + "/words/gradient_x_input_tokens");
    REQUIRE(long(shares.size()) == want.numel());
    for (size_t t = 0; t < shares.size(); ++t)
      CHECK(std::abs(shares[t] - want.data()[t]) <= 1e-5 + 2e-4 * std::abs(want.data()[t]));
  }
  CHECK(sequences >= 2);
}

TEST_CASE("words: of word embeddings the shares of all tokens and the bias are the logit, however they are read") {
  nn::Config c = small_config("attention_pool");
  spec::TaskSpec mean = task_of("", Predicts::label), attention = own_attention(),
                 number = task_of("", Predicts::number), ordinal = task_of("", Predicts::ordinal, {"1", "2", "3"});
  mean.reads = nn::Reads::mean;
  attention.adapter = 4;
  number.deviation = 3;
  for (const spec::TaskSpec& task : {own_attention(), mean, attention, number, ordinal}) {
    c.bigram_buckets = 50;
    c.length_exponent = 0.5;
    c.attention_normaliser = task.adapter ? "sparsemax" : "softmax";
    const auto model = text_model(c, {task});
    const text::EncodedSet set = text::encode({{.text = "cab bad deed"}, {.text = "fed"}}, model->tokenizer, 24);
    const text::Batch batch = text::pack(set, {0, 1});
    const NoGrad no_grad;
    const Tensor logits = model->net(batch.tokens);
    for (int k = 0; k < int(logits.dim(1)); ++k) {
      const std::vector<double> shares = attribution::token_shares(*model, 0, batch, {k, k});
      for (long b = 0; b < 2; ++b) {
        double sum = 0;
        for (int t = batch.tokens.offsets[b]; t < batch.tokens.offsets[b + 1]; ++t) sum += shares[t];
        const nn::Head& head = model->net.heads[0];
        const double bias = (head.ranks ? head.ranks->bias : head.classifier->bias).data()[head.ranks ? 0 : k];
        CHECK(sum / task.deviation + bias ==
              doctest::Approx(logits.data()[b * logits.dim(1) + (head.ranks ? 0 : k)]).epsilon(1e-4));
      }
    }
  }
}

TEST_CASE("words: pieces are joined to the words of the text as they are written; nothing of them is lost") {
  const auto model = text_model(small_config("attention_pool"), {own_attention()});
  const auto words = words_of(*model, {.text = "Don't say \u00C9t\u00E9, it's\n\u4E2D\u6587 BAD!"});
  CHECK(joined(words) == "Don't|say|\u00C9t\u00E9|,|it's|\u4E2D|\u6587|BAD|!|");
  const std::string lost = "caf\u00E9 ";
  CHECK(joined(words_of(*model, {.text = lost + lost, .pair = "fed"})) == "caf\u00E9|caf\u00E9|fed'|");
  CHECK(joined(words_of(*model, {.text = ""})) == "");
  for (const auto& [text, cut] : {std::pair{"cab bad deed fed", 40}, std::pair{"cab bad deed fed", 9}}) {
    const text::EncodedSet set = text::encode({{.text = text}}, model->tokenizer, cut);
    const std::vector<double> shares = attribution::token_shares(*model, 0, text::pack(set, {0}), {0});
    double inner = 0;
    for (size_t t = 1; t + 1 < shares.size(); ++t) inner += shares[t];
    const auto own = words_of(*model, {.text = text}, cut);
    CHECK(own.size() == 4);
    CHECK(sum_of(own) == doctest::Approx(inner).epsilon(1e-6));
    CHECK((own[3].share == 0) == (cut == 9));  // it was not read
  }
}

TEST_CASE("words: the windows of a long text are averaged, as their logits are") {
  for (const std::string type : {"attention_pool", "bert"}) {
    spec::TaskSpec task = type == "bert" ? task_of("", Predicts::label) : own_attention();
    const auto model = text_model(small_config(type), {task});
    model->net.params.freeze("*");
    const text::Example text{.text = "cab bad deed fed"};
    const text::EncodedSet set = text::encode({text}, model->tokenizer, 10, text::TooLong::window);
    REQUIRE(set.windows.size() == 2);
    const std::vector<double> shares = attribution::token_shares(*model, 0, text::pack(set, {0}), {0});
    double inner = 0;
    for (size_t w = 0, t = 0; w < 2; ++w)
      for (size_t i = 0; i < set.windows[w].ids.size(); ++i, ++t)
        inner += i > 0 && i + 1 < set.windows[w].ids.size() ? shares[t] / 2 : 0;
    const auto words = words_of(*model, text, 10, text::TooLong::window);
    CHECK(joined(words) == "cab|bad|deed|fed|");
    CHECK(sum_of(words) == doctest::Approx(inner).epsilon(1e-6));
    double first = 0;  // "cab" stands in the first window alone
    for (int t = 1; t <= 3; ++t) first += shares[t] / 2;
    CHECK(words[0].share == doctest::Approx(first).epsilon(1e-6));
  }
}

TEST_CASE("words: an added token of several words is a word of its own, and the rest are pieces") {
  text::TokenizerOptions options;
  options.added = {{.content = "bad cab"}};
  const text::WordPiece tokenizer(letters().pieces(), options);
  const auto model = text_model(small_config("attention_pool"), {own_attention()}, 3, tokenizer);
  CHECK(joined(words_of(*model, {.text = "fed bad cab a"})) == "fed|bad cab|a|");
}

TEST_CASE("words: a head of tags is refused") {
  const auto model = text_model(small_config(), {task_of("t", Predicts::tags, {"O", "B-x"})});
  CHECK(error_of([&] { words_of(*model, {.text = "a"}); }).find("which words carry a decision") != std::string::npos);
}

TEST_CASE("marks: the strongest words, signed; what has nothing to show is not marked; long texts are cut to columns") {
  const std::string text = "not a lovely\x1B[31m day";
  const std::vector<WordShare> words{{"not", false, 0, 3, -0.42},
                                     {"a", false, 4, 5, 0.004},
                                     {"lovely", false, 6, 12, 1.314},
                                     {"day", false, 18, 21, 0.05}};
  CHECK(attribution::strongest(words) == "lovely:+1.31 not:-0.42 day:+0.05");
  CHECK(attribution::marked(text, words, Marks::brackets) == "[[-not]] a [[+lovely]] [31m [[+day]]");
  CHECK(attribution::marked(text, words, Marks::colour).find("\033[4;31mnot\033[0m a \033[1;32mlovely\033[0m") == 0);
  CHECK(attribution::marked(text, words, Marks::plain_terminal).find("\033[7mnot\033[0m a \033[1mlovely\033[0m") == 0);
  for (size_t columns = 1; columns < 40; ++columns) {
    const std::string line = attribution::marked(text, words, Marks::brackets, columns);
    CHECK_MESSAGE(text::columns_of(line) <= columns, columns, ": ", line);
    CHECK((line.find("\u2026") == std::string::npos) == (columns >= 36));
  }
  CHECK(attribution::strongest({}) == "");
  CHECK(attribution::marked("a b", {}, Marks::brackets) == "a b");
}
