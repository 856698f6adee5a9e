// Model directories whose weights are int8: what they hold, what is computed with them, what is refused.
#include <filesystem>

#include "engine/blas.h"
#include "nn/format/pretrained.h"
#include "tests/support/nn.h"

using namespace test;
using nn::Stored;

namespace {

nn::Config wide_config() {
  nn::Config c =
      sized_config({.vocabulary = 1000, .width = 128, .layers = 2, .heads = 4, .inner = 256, .positions = 40});
  c.initializer_range = 0.1;
  c.labels = {"negative", "positive", "neutral"};
  return c;
}

// Of values that a file of float32 holds without loss: in the double build, too.
struct Storable : Drawn {
  explicit Storable(const nn::Config& c) : Drawn(c) {
    for (const Tensor& p : params.tensors())
      for (long i = 0; i < p.numel(); ++i) p.data()[i] = float(p.data()[i]);
  }
};

// A model, its directory with int8 weights, and the model of that.
struct Quantised {
  TemporaryDirectory dir;
  Storable before;
  nn::Model after;
  explicit Quantised(const nn::Config& c = wide_config())
      : before(c),
        after((nn::save_pretrained(before, dir.path, Stored::i8), nn::read_config(dir.path + "/config.json")),
              {nn::only_head(c)}, 1) {
    nn::load_pretrained(after, dir.path);
  }
  std::string weights() const { return dir.path + "/model.safetensors"; }
};

}  // namespace

TEST_CASE("int8 directory: at most 30 % of the size; every weight within half a step of what it was") {
  const Quantised q;
  CHECK(double(std::filesystem::file_size(q.weights())) < 0.3 * 4 * double(q.before.params.count()));
  const nn::SafeTensors file(q.weights());
  for (const Tensor& p : q.before.params.tensors()) {
    CAPTURE(p.name());
    const Tensor& loaded = q.after.params.find(p.name());
    const bool bytes = file.entry(p.name()).dtype == "I8";
    const bool expected = p.shape().rank() == 2 && p.dim(0) >= 16 && !nn::belongs_to_head(p.name());
    CHECK(bytes == expected);
    if (!bytes) CHECK(same_bits(loaded.to_vector(), p.to_vector()));
    if (!bytes) continue;
    const ByteRows rows = file.read_bytes(p.name());
    for (long i = 0; i < p.numel(); ++i)
      REQUIRE(std::abs(loaded.data()[i] - p.data()[i]) <= rows.scales[i / rows.columns] * real(0.50001));
  }
}

TEST_CASE("int8 directory: products are int8 where no history is recorded; a text says the same alone and in a batch") {
  Quantised q;
  nn::Model& model = q.after;
  model.for_each_linear([](const nn::Linear& layer) {
    CHECK((layer.packed && layer.packed->bytes()) == !nn::belongs_to_head(layer.weight.name()));
  });
  const nn::Tokens tokens = sentences({7, 3, 12});
  const Tensor recorded = model(tokens);  // with what the bytes stand for, as float32
  const NoGrad no_grad;
  const RowsAlone rows_alone;  // of the head, whose product is not of bytes
  const Tensor said = model(tokens), alone = model(sentences({7}));
  CHECK(differs(said, recorded, 0.03, 0.03) == "");
  CHECK(differs(said, recorded, 1e-7, 0) != "");
  CHECK(same_bits(slice(said, 0, 0, 1).to_vector(), alone.to_vector()));
  const Tensor before = q.before(tokens);
  CHECK(differs(said, before, 0.05, 0.05) == "");
}

TEST_CASE("int8 directory: loaded, packed and loaded again, the products are those of the file that was last loaded") {
  Quantised q;
  const TemporaryDirectory plain;
  nn::save_pretrained(q.before, plain.path);
  const nn::Tokens tokens = sentences({5, 9});
  const NoGrad no_grad;
  Drawn model(wide_config(), 5);
  model.pack();
  nn::load_pretrained(model, plain.path);
  CHECK(same_bits(model(tokens).to_vector(), q.before(tokens).to_vector()));
}

TEST_CASE("int8 directory: what does not fit together is refused in one sentence") {
  Quantised q;
  const std::string config = nn::read_file(q.dir.path + "/config.json");
  nn::Config other = q.after.config;
  other.int8 = false;
  nn::Model unsaid(other, {nn::only_head(other)}, 1);
  CHECK(error_of([&] { nn::load_pretrained(unsaid, q.dir.path); }) ==
        q.weights() + ": int8 weights are there, and config.json has no quantization_config");
  nn::save_safetensors(q.weights(), q.before.params.tensors());
  CHECK(error_of([&] { nn::load_pretrained(q.after, q.dir.path); }) ==
        q.weights() + ": int8 weights are not there, and config.json has a quantization_config");
  for (const char* name : {"bert.encoder.layer.0.output.dense.weight", "classifier.weight"})
    for (const real value : {real(NAN), real(INFINITY)})
      for (const Stored stored : {Stored::i8, Stored::f16}) {
        real& one = q.before.params.find(name).data()[3];
        const real was = std::exchange(one, value);
        const std::string error = error_of([&] { nn::save_pretrained(q.before, q.dir.path, stored); });
        CHECK(error.find(name) != error.npos);
        CHECK(error.ends_with("holds a NaN or an infinity"));
        one = was;
      }
  const Drawn tiny(tiny_config());
  CHECK(error_of([&] { nn::save_pretrained(tiny, q.dir.path, Stored::i8); }).find("no weights of at least 16 rows") !=
        std::string::npos);
  const Tensor alone = varied({20, 20}).named("a");
  nn::save_safetensors(q.weights(), {alone}, {}, Stored::i8);
  std::string bytes = nn::read_file(q.weights());
  bytes.replace(bytes.find("a_scale"), 7, "b_scale");
  nn::write_file(q.weights(), bytes);
  CHECK(error_of([&] { nn::SafeTensors(q.weights()).read("a"); }) ==
        q.weights() + ": tensor 'a' has type I8; int8 needs rows and a 'a_scale'");
}

TEST_CASE("int8 directory: a tensor of bytes that has no scales is nobody's weight, and no model is int8 for it") {
  const TemporaryDirectory dir;
  const Storable before(wide_config());
  nn::save_pretrained(before, dir.path);
  std::vector<Tensor> all = before.params.tensors();
  all.push_back(varied({20, 20}).named("unused"));
  const std::string weights = dir.path + "/model.safetensors";
  nn::save_safetensors(weights, all, {},
                       [](const Tensor& t) { return t.name() == "unused" ? Stored::i8 : Stored::f32; });
  std::string bytes = nn::read_file(weights);
  bytes.replace(bytes.find("unused_scale"), 12, "unused_other");
  nn::write_file(weights, bytes);
  nn::Model after(nn::read_config(dir.path + "/config.json"), {nn::only_head(wide_config())}, 1);
  nn::load_pretrained(after, dir.path);
  for (const Tensor& p : before.params.tensors())
    CHECK(same_bits(after.params.find(p.name()).to_vector(), p.to_vector()));
}
