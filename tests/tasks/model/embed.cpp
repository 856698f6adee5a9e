// Vectors of texts, beside the encoder's own numbers.
#include "tasks/model/embed.h"

#include "tests/support/tasks.h"

using namespace test;

namespace {

const std::vector<text::Example> kEmbedded{{.text = "cab bad"}, {.text = "deed"}, {.text = "a bed decade"}};

text::EncodedSet set_of(const model::TextModel& model, int max_length = 24, text::TooLong how = text::TooLong::cut) {
  return text::encode(kEmbedded, model.tokenizer, max_length, how);
}

// The mean of rows begin ... end - 1.
std::vector<real> mean_of(const Tensor& x, long begin, long end) {
  std::vector<real> mean(size_t(x.dim(1)));
  for (long c = 0; c < x.dim(1); ++c) {
    double sum = 0;
    for (long r = begin; r < end; ++r) sum += x.data()[r * x.dim(1) + c];
    mean[size_t(c)] = real(sum / double(end - begin));
  }
  return mean;
}

}  // namespace

TEST_CASE("embed: the mean of a text's tokens, or its first one, of every encoder and whatever its heads are") {
  for (const std::string type : {"bert", "attention_pool"}) {
    const auto model =
        text_model(small_config(type), {task_of("mood", nn::Predicts::label), task_of("stars", nn::Predicts::number)});
    const text::EncodedSet set = set_of(*model);
    const Tensor vectors = model::embed(*model, set);
    REQUIRE(vectors.shape() == Shape{3, model::vector_width(*model)});
    const NoGrad no_grad;
    const nn::Tokens tokens = text::pack(set, {0, 1, 2}).tokens;
    const Tensor x = model->net.encoder(tokens, {nn::Rows::all}).tokens;
    for (long b = 0; b < 3; ++b) {
      const std::vector<real> mean = mean_of(x, tokens.offsets[b], tokens.offsets[b + 1]);
      CHECK(differs(slice(vectors, 0, b, b + 1).data(), mean.data(), long(mean.size()), 1e-6, 1e-5) == "");
    }
    if (type == "bert") {
      const Tensor first = gather_rows(x, nn::first_of(tokens.offsets));
      CHECK(differs(model::embed(*model, set, nn::Reads::first), first, 1e-6, 1e-5) == "");
    } else {
      CHECK(error_of([&] { model::embed(*model, set, nn::Reads::first); }).find("no [CLS]") != std::string::npos);
    }
  }
}

TEST_CASE("embed: of windows the mean; of a model for vectors what its head says; of no texts nothing") {
  const auto model = text_model(small_config(), {task_of("", nn::Predicts::label)});
  const text::EncodedSet cut = set_of(*model, 5, text::TooLong::window);
  REQUIRE(cut.begin == Indices{0, 2, 4, 8});
  text::EncodedSet apart;
  for (const text::Encoding& window : cut.windows) {
    apart.windows.push_back(window);
    apart.begin.push_back(int(apart.windows.size()));
    apart.labels.push_back(-1);
  }
  const Tensor vectors = model::embed(*model, cut), of_windows = model::embed(*model, apart);
  for (long b = 0; b < 3; ++b) {
    const std::vector<real> mean = mean_of(of_windows, cut.begin[b], cut.begin[b + 1]);
    CHECK(differs(slice(vectors, 0, b, b + 1).data(), mean.data(), long(mean.size()), 1e-6, 1e-5) == "");
  }
  CHECK(model::embed(*model, text::EncodedSet{}).shape() == Shape{0, 32});
  spec::TaskSpec vector = task_of("", nn::Predicts::vector);
  vector.reads = nn::Reads::mean;
  vector.width = 7;
  const auto projected = text_model(small_config(), {vector});
  const Tensor seven = model::embed(*projected, set_of(*projected));
  CHECK(seven.shape() == Shape{3, 7});
  const NoGrad no_grad;
  CHECK(same_bits(seven.to_vector(), projected->net(text::pack(set_of(*projected), {0, 1, 2}).tokens).to_vector()));
}
