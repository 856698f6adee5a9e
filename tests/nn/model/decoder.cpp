// Properties of the encoder-decoder: position by position as at once, a pair alone as in a batch, nothing later is
// seen, both kinds of norm, directories.
#include "nn/model/decoder.h"

#include <omp.h>

#include "nn/model/beam.h"
#include "optim/muon.h"
#include "tests/support/gradcheck.h"
#include "tests/support/nn.h"

using namespace test;

namespace {

nn::TranslationConfig small(bool before, double dropout = 0) {
  nn::TranslationConfig c =
      sized_translation({.vocabulary = 23, .width = 8, .layers = 2, .heads = 2, .inner = 12, .positions = 30});
  c.dropout = c.attention_dropout = c.activation_dropout = dropout;
  c.normalize_before = before;
  c.forbidden = {22};
  return c;
}

nn::Tokens sequences(const std::vector<int>& lengths, int seed, bool start = false) {
  nn::Tokens tokens;
  tokens.offsets = {0};
  for (size_t b = 0; b < lengths.size(); ++b) {
    for (int t = 0; t < lengths[b]; ++t) {
      tokens.ids.push_back(start && t == 0 ? 22 : int(1 + (seed * (b + 3) + 13 * t + t * t) % 21));
      tokens.positions.push_back(t);
    }
    tokens.offsets.push_back(int(tokens.ids.size()));
  }
  return tokens;
}

struct DrawnDecoder : nn::EncoderDecoder {
  explicit DrawnDecoder(const nn::TranslationConfig& c) : nn::EncoderDecoder(c, 3) { params.initialise(); }
};

}  // namespace

TEST_CASE("decoder: position by position, rows that take each other's place give the logits of whole passes") {
  for (const bool before : {false, true}) {
    const DrawnDecoder model(small(before));
    const nn::Tokens source = sequences({4, 1, 6}, 5);
    nn::Decoding decoding(model, source);
    // Sentences 0, 1, 2 with rows; at the third step sentence 1 is done, rows of 0 and 2 change places and multiply.
    const std::vector<std::pair<Indices, Indices>> steps{
        {{22, 22, 22}, {0, 1, 2}}, {{3, 4, 5, 6}, {0, 0, 1, 2}}, {{7, 8, 9, 10}, {1, 0, 3, 3}}, {{11, 12}, {2, 3}}};
    std::vector<Indices> said(3);
    Indices of{0, 1, 2};
    for (const auto& [ids, parents] : steps) {
      const Tensor logits = decoding.step(ids, parents);
      std::vector<Indices> longer;
      Indices owners;
      for (size_t j = 0; j < ids.size(); ++j) {
        longer.push_back(said[parents[j]]);
        longer.back().push_back(ids[j]);
        owners.push_back(of[parents[j]]);
      }
      said = longer, of = owners;
      for (size_t j = 0; j < said.size(); ++j) {
        nn::Tokens one, input;
        for (int i = source.offsets[of[j]]; i < source.offsets[of[j] + 1]; ++i) {
          one.positions.push_back(int(one.ids.size()));
          one.ids.push_back(source.ids[i]);
        }
        one.offsets = {0, int(one.ids.size())};
        input.ids = said[j];
        for (size_t t = 0; t < said[j].size(); ++t) input.positions.push_back(int(t));
        input.offsets = {0, int(said[j].size())};
        const long last = long(said[j].size());
        const Tensor whole = slice(model(one, input), 0, last - 1, last);
        CHECK(differs(slice(logits, 0, long(j), long(j) + 1), whole, 1e-5, 1e-5) == "");
      }
    }
  }
}

TEST_CASE("decoder: packed weights give the logits of those that are not, at once and position by position") {
  for (const bool before : {false, true}) {
    const nn::Tokens source = sequences({4, 1, 6}, 5), input = sequences({5, 3, 2}, 8, true);
    const DrawnDecoder plain(small(before));
    DrawnDecoder model(small(before));
    std::copy_n(varied(Shape{1, 23}).data(), 23, model.final_logits_bias.data());
    std::copy_n(varied(Shape{1, 23}).data(), 23, plain.final_logits_bias.data());
    model.pack();
    CHECK(bool(model.packed_output) == (instructions_here().back() != Instructions::portable));
    const NoGrad no_grad;
    CHECK(differs(model(source, input), plain(source, input), 1e-5, 1e-5) == "");
    nn::Decoding decoding(model, source), expected(plain, source);
    CHECK(differs(decoding.step({22, 22, 22}, {0, 1, 2}), expected.step({22, 22, 22}, {0, 1, 2}), 1e-5, 1e-5) == "");
    CHECK(differs(decoding.step({3, 4, 5, 6}, {0, 0, 1, 2}), expected.step({3, 4, 5, 6}, {0, 0, 1, 2}), 1e-5, 1e-5) ==
          "");
  }
}

TEST_CASE("decoder: a later target token changes no earlier logits, and other pairs change none") {
  const DrawnDecoder model(small(false));
  const nn::Tokens source = sequences({4, 1, 6}, 5), input = sequences({5, 3, 2}, 8, true);
  const Tensor logits = model(source, input);
  nn::Tokens other = input;
  other.ids[3] = 17;  // position 3 of pair 0
  const Tensor changed = model(source, other);
  CHECK(differs(slice(changed, 0, 0, 3), slice(logits, 0, 0, 3), 0, 0) == "");
  CHECK(differs(slice(changed, 0, 3, 5), slice(logits, 0, 3, 5), 1e-3, 0) != "");
  CHECK(differs(slice(changed, 0, 5, 10), slice(logits, 0, 5, 10), 0, 0) == "");
}

TEST_CASE("decoder: each parameter of either kind of norm gets a gradient, and only the output bias none") {
  for (const bool before : {false, true}) {
    DrawnDecoder model(small(before, 0.1));
    model.params.train(0);
    backward(cross_entropy(model(sequences({4, 1, 6}, 5), sequences({5, 3, 2}, 8, true)), sequences({5, 3, 2}, 9).ids,
                           {.label_smoothing = real(0.1)}));
    for (const Tensor& p : model.params.tensors()) {
      const bool moves = differs(p.grad_tensor(), Tensor::zeros(p.shape()), 0, 0) != "";
      CHECK_MESSAGE(moves == (p.name() != "final_logits_bias"), p.name());
    }
  }
}

// Ten of a layer of the decoder, six of one of the encoder: attention's four, once or twice, and the network's two.
TEST_CASE("decoder: Muon takes every matrix of a layer") {
  const DrawnDecoder model(small(false));
  const std::vector<Tensor>& parameters = model.params.tensors();
  CHECK(std::count_if(parameters.begin(), parameters.end(), optim::inner_matrix) == 2 * 6 + 2 * 10);
}

TEST_CASE("decoder: the gradient of every parameter agrees with central differences, with either kind of norm") {
  for (const bool before : {false, true}) {
    nn::TranslationConfig c = small(before);
    c.d_model = 4;
    c.encoder_layers = c.decoder_layers = 1;
    c.encoder_ffn_dim = c.decoder_ffn_dim = 5;
    c.activation_function = "silu";  // smooth
    const DrawnDecoder model(c);
    const nn::Tokens source = sequences({2, 3}, 5), input = sequences({3, 1}, 8);  // without the row that is held back
    gradcheck(before ? "pre-norm" : "post-norm", model.params.trainable(),
              [&](const std::vector<Tensor>&) { return model(source, input); });
  }
}

TEST_CASE("decoder: the row a target begins with takes gradient from the output side alone") {
  DrawnDecoder model(small(false));
  const nn::Tokens source = sequences({4, 2}, 5), input = sequences({3, 2}, 8, true);
  const auto start_row = [&](const Tensor& loss) {
    model.params.clear_grads();
    backward(loss);
    return slice(model.shared.grad_tensor(), 0, 22, 23);
  };
  const Tensor states = model.decode(input, model.encode(source), source.offsets);
  CHECK(differs(start_row(sum(mul(states, varied(states.shape())))), Tensor::zeros({1, 8}), 0, 0) == "");
  CHECK(differs(start_row(mean(model.logits(model.decode(input, model.encode(source), source.offsets)))),
                Tensor::zeros({1, 8}), 0, 0) != "");
}

TEST_CASE("decoder: eight pairs are learned by heart, and then written by greedy and by beam search") {
  for (const bool before : {false, true}) {
    nn::TranslationConfig c = small(before);
    c.d_model = 32;
    c.encoder_ffn_dim = c.decoder_ffn_dim = 48;
    DrawnDecoder model(c);
    const std::vector<int> lengths{5, 3, 2, 7, 4, 6, 1, 8};
    const nn::Tokens source = sequences({4, 1, 6, 3, 9, 2, 5, 7}, 5), input = sequences(lengths, 8, true);
    Indices target(input.ids.begin() + 1, input.ids.end());
    target.push_back(0);
    for (size_t b = 0; b + 1 < input.offsets.size(); ++b) target[input.offsets[b + 1] - 1] = 0;
    optim::AdamW optimizer(model.params.trainable(), {.beta2 = 0.98, .weight_decay = 0});
    for (int step = 0; step < 250; ++step) {
      model.params.clear_grads();
      const Tensor loss = cross_entropy(model(source, input), target);
      backward(loss);
      optimizer.step(3e-3);
      if (step == 249) CHECK(loss.item() < 0.05);
    }
    for (const int beams : {1, 4}) {
      nn::Decoding decoding(model, source);
      const auto found =
          nn::search([&](const Indices& i, const Indices& p) { return decoding.step(i, p); },
                     std::vector<nn::Asked>(8, {.most = 12}), 22, 0, {.beams = beams, .forbidden = {22}});
      for (int b = 0; b < 8; ++b)
        CHECK(found[b][0].ids == Indices(target.begin() + input.offsets[b], target.begin() + input.offsets[b + 1]));
    }
  }
}

TEST_CASE("decoder: the same bits with 1, 2 and 4 threads, over ten training steps with dropout and a search") {
  const int before = omp_get_max_threads();
  std::vector<std::vector<real>> runs;
  for (const int threads : {1, 2, 4}) {
    omp_set_num_threads(threads);
    nn::TranslationConfig c = small(false, 0.2);
    c.d_model = 64;
    DrawnDecoder model(c);
    const nn::Tokens source = sequences({14, 11, 16, 13}, 5), input = sequences({15, 13, 12, 17}, 8, true);
    optim::AdamW optimizer(model.params.trainable());
    for (int step = 0; step < 10; ++step) {
      model.params.train(step);
      model.params.clear_grads();
      backward(cross_entropy(model(source, input), sequences({15, 13, 12, 17}, 9).ids));
      optimizer.step(3e-3);
    }
    model.params.eval();
    std::vector<real> bits;
    nn::Decoding decoding(model, source);
    for (const auto& found :
         nn::search([&](const Indices&i, const Indices&p) { return decoding.step(i, p); },
                    std::vector<nn::Asked>(4, {.most = 12}), 22, 0, {.beams = 3, .forbidden = {22}}))
      bits.push_back(real(found[0].score));
    for (const Tensor& p : model.params.tensors()) {
      const std::vector<real> values = p.to_vector();
      bits.insert(bits.end(), values.begin(), values.end());
    }
    runs.push_back(bits);
  }
  omp_set_num_threads(before);
  CHECK(same_bits(runs[0], runs[1]));
  CHECK(same_bits(runs[0], runs[2]));
}

TEST_CASE("decoder: a directory comes back bit for bit, in Hugging Face's names or as a type of its own") {
  for (const bool before : {false, true}) {
    const DrawnDecoder model(small(before));
    const TemporaryDirectory directory;
    nn::save_translation(model, directory.path);
    const auto again = nn::load_translation(directory.path);
    for (size_t i = 0; i < model.params.tensors().size(); ++i)
      CHECK(differs(again->params.tensors()[i], model.params.tensors()[i], 0, kDouble ? 1e-7 : 0) == "");
    CHECK(again->config.forbidden == std::vector<long>{22});
    const std::string config = nn::read_file(directory.path + "/config.json");
    CHECK((config.find("\"MarianMTModel\"") != std::string::npos) == !before);
  }
}

TEST_CASE("decoder: a directory of int8 weights gives what they stand for, multiplies int8, and says so") {
  nn::TranslationConfig c = small(false);
  c.d_model = 16;
  c.encoder_ffn_dim = c.decoder_ffn_dim = 32;
  const DrawnDecoder model(c);
  const TemporaryDirectory directory;
  nn::save_translation(model, directory.path, nn::Stored::i8);
  const auto bytes = nn::load_translation(directory.path);
  CHECK(bytes->config.int8);
  REQUIRE(bytes->packed_output);
  CHECK(bytes->packed_output->bytes());
  bytes->for_each_linear([](nn::Linear& layer) { CHECK((layer.packed && layer.packed->bytes())); });
  for (size_t i = 0; i < model.params.tensors().size(); ++i) {
    const Tensor &now = bytes->params.tensors()[i], &before = model.params.tensors()[i];
    CHECK_MESSAGE(differs(now, before, largest_magnitude(before.to_vector()) / 127, 0) == "", before.name());
  }
  const nn::Tokens source = sequences({4, 1, 6}, 5), input = sequences({5, 3, 2}, 8, true);
  const Tensor expected = model(source, input), open = (*bytes)(source, input);  // with a history: what they stand for
  const NoGrad no_grad;
  const Tensor logits = (*bytes)(source, input);
  CHECK(differs(open, logits, 0, 0) != "");
  CHECK(differs(logits, expected, 0.1, 0) == "");
  CHECK(differs(logits, expected, 1e-4, 0) != "");
  bytes->pack();
  CHECK(bytes->packed_output->bytes());
  std::string config = nn::read_file(directory.path + "/config.json");
  config.replace(config.find("quantization_config"), 5, "other");
  directory.write("config.json", config);
  CHECK(error_of([&] { nn::load_translation(directory.path); }).find("and config.json has no quantization_config") !=
        std::string::npos);
  CHECK(error_of([&] {
          nn::save_translation(DrawnDecoder(small(false)), directory.path, nn::Stored::i8);
        }).find("int8 would not make it smaller") != std::string::npos);
}

TEST_CASE("decoder: tables of sines and cosines in a file are passed over, others refused") {
  const DrawnDecoder model(small(false));
  const TemporaryDirectory directory;
  nn::save_translation(model, directory.path);
  std::vector<Tensor> tensors = model.params.tensors();
  tensors.push_back(model.positions.clone().named("model.encoder.embed_positions.weight"));
  tensors.push_back(model.positions.clone().named("model.decoder.embed_positions.weight"));
  nn::save_safetensors(directory.path + "/model.safetensors", tensors, {}, [](const Tensor& t) {
    return t.name().ends_with("embed_positions.weight") ? nn::Stored::f16 : nn::Stored::f32;
  });
  CHECK_NOTHROW(nn::load_translation(directory.path));
  tensors.back().data()[9] += real(0.1);
  nn::save_safetensors(directory.path + "/model.safetensors", tensors);
  CHECK(error_of([&] { nn::load_translation(directory.path); })
            .ends_with("model.safetensors: model.decoder.embed_positions.weight is not the table of sines and cosines; "
                       "positions that "
                       "were learned are not supported"));
}

TEST_CASE("decoder: what a directory or a batch must not say is one clear line") {
  const DrawnDecoder model(small(false));
  CHECK(error_of([&] { model.encode(sequences({31}, 1)); }) == "a source of 31 pieces; the model has 30 positions");
  nn::Tokens wrong = sequences({2}, 1);
  wrong.ids[1] = 23;
  CHECK(error_of([&] { model.encode(wrong); }) == "a source has piece 23; the model's vocabulary has 23");
  const TemporaryDirectory directory;
  nn::save_translation(model, directory.path);
  std::string config = nn::read_file(directory.path + "/config.json");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = config;
    text.replace(text.find(from), from.size(), to);
    directory.write("config.json", text);
    return error_of([&] { nn::read_translation_config(directory.path); }).substr(directory.path.size());
  };
  CHECK(with("\"marian\"", "\"bart\"") ==
        "/config.json: model_type 'bart' is not a translation model that is read: marian is");
  CHECK(with("\"d_model\": 8", "\"d_model\": 9") == "/config.json: d_model must be even, for sines and cosines; got 9");
  CHECK(with("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false") ==
        "/config.json: tie_word_embeddings is false: tables of their own are not supported");
  // what is not said is as Hugging Face's own defaults have it
  std::string silent = config;
  for (const char* key : {"\"num_beams\"", "\"max_length\""}) silent.replace(silent.find(key) + 1, 3, "old");
  directory.write("config.json", silent);
  std::filesystem::remove(directory.path + "/generation_config.json");
  CHECK(nn::read_translation_config(directory.path).num_beams == 1);
  CHECK(nn::read_translation_config(directory.path).max_length == 20);
}
