// A whole translation model against Hugging Face's MarianMTModel: forward, maps, gradients, six AdamW steps, and what
// it writes in greedy and in beam search.

#include "nn/format/json_value.h"
#include "nn/model/beam.h"
#include "nn/model/decoder.h"
#include "optim/adamw.h"
#include "optim/clip.h"
#include "tests/support/golden.h"

using namespace test;
using nn::json;

namespace {

nn::Tokens packed(const std::vector<int>& padded, const std::vector<int>& lengths) {
  const size_t T = padded.size() / lengths.size();
  nn::Tokens tokens;
  tokens.offsets = offsets_of(lengths);
  for (size_t b = 0; b < lengths.size(); ++b)
    for (int t = 0; t < lengths[b]; ++t) {
      tokens.ids.push_back(padded[b * T + t]);
      tokens.positions.push_back(t);
    }
  return tokens;
}

struct MicroMarian {
  std::string folder = golden_path("marian-micro");
  nn::SafeTensors expected{folder + "/expected.safetensors"};
  std::unique_ptr<nn::EncoderDecoder> model = nn::load_translation(folder);
  nn::Tokens source = packed(expected.read_ints("source"), expected.read_ints("source_lengths"));
  nn::Tokens input = packed(expected.read_ints("decoder_input"), expected.read_ints("target_lengths"));
  Indices target = packed(expected.read_ints("target"), expected.read_ints("target_lengths")).ids;

  Tensor loss(real smoothing, nn::TranslationTrace* trace = nullptr) const {
    return cross_entropy((*model)(source, input, trace), target, {.label_smoothing = smoothing});
  }
};

void expect_maps(const MicroMarian& m, const std::vector<nn::AttentionMaps>& maps, const std::string& which) {
  for (size_t l = 0; l < maps.size(); ++l)
    for (long b = 0; b < maps[l].layout.sequences(); ++b) {
      const Tensor map = m.expected.read(fmt::format("{}_attention.{}.{}", which, l, b));
      const real* got = maps[l].probs.data() + maps[l].layout.block(b, 0);
      CHECK_MESSAGE(differs(got, map.data(), map.numel(), 1e-5, 1.3e-4) == "", which, l, b);
    }
}

}  // namespace

TEST_CASE("golden: marian-micro's logits, hidden states and attention maps agree with Hugging Face") {
  MicroMarian m;
  nn::TranslationTrace trace;
  const Tensor logits = (*m.model)(m.source, m.input, &trace);
  CHECK(differs(logits, m.expected.read("logits")) == "");
  CHECK(differs((*m.model)(m.source, m.input), m.expected.read("logits")) == "");
  const Tensor positions = m.expected.read("positions");
  CHECK(differs(slice(m.model->positions, 0, 0, positions.dim(0)), positions) == "");
  for (size_t i = 0; i < trace.encoder_hidden.size(); ++i)
    CHECK(differs(trace.encoder_hidden[i], m.expected.read(fmt::format("encoder_hidden.{}", i))) == "");
  for (size_t i = 0; i < trace.decoder_hidden.size(); ++i)
    CHECK(differs(trace.decoder_hidden[i], m.expected.read(fmt::format("decoder_hidden.{}", i))) == "");
  expect_maps(m, trace.encoder, "encoder");
  expect_maps(m, trace.decoder, "decoder");
  expect_maps(m, trace.cross, "cross");
}

TEST_CASE("golden: every gradient of marian-micro agrees, with and without label smoothing, fused and open") {
  int cases = 0;
  const MicroMarian all;
  for (const auto& [name, entry] : all.expected.entries()) {  // smoothing_0.1/loss_mean
    if (!name.starts_with("smoothing_") || !name.ends_with("/loss_mean")) continue;
    const std::string prefix = name.substr(0, name.find('/') + 1);
    const double smoothing = std::stod(prefix.substr(10));
    ++cases;
    for (const bool open_form : {false, true}) {
      MicroMarian m;
      nn::TranslationTrace trace;
      const Tensor loss = m.loss(real(smoothing), open_form ? &trace : nullptr);
      CHECK(loss.item() == doctest::Approx(m.expected.read(prefix + "loss_mean").data()[0]).epsilon(1e-5));
      const double sum = double(loss.item()) * double(m.target.size());
      CHECK(sum == doctest::Approx(m.expected.read(prefix + "loss_sum").data()[0]).epsilon(1e-5));
      backward(loss);
      for (const Tensor& p : m.model->params.trainable()) {
        const Tensor want = m.expected.read(prefix + "grad/" + p.name());
        double scale = 0;
        for (real g : want.to_vector()) scale = std::max(scale, std::abs(double(g)));
        CHECK_MESSAGE(differs(p.grad_tensor(), want, 2e-4 * scale + 1e-7, 2e-4) == "", p.name());
      }
    }
  }
  CHECK(cases >= 2);
}

TEST_CASE("golden: six AdamW steps of marian-micro take PyTorch's course, loss by loss and weight by weight") {
  MicroMarian m;
  const json trajectory = json::parse(nn::read_file(m.folder + "/trajectory.json"));
  const std::vector<Tensor> trained = m.model->params.trainable();
  optim::AdamW optimizer(trained, {.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-9, .weight_decay = 0.01});
  const real smoothing = trajectory["label_smoothing"];
  for (const json& step : trajectory["steps"]) {
    const Tensor loss = m.loss(smoothing);
    backward(loss);
    const double norm = optim::grad_norm(trained);
    CHECK(loss.item() == doctest::Approx(step["loss"].get<double>()).epsilon(2e-4));
    CHECK(norm == doctest::Approx(step["grad_norm"].get<double>()).epsilon(2e-4));
    optimizer.step(step["lr"], optim::clip_factor(trained, norm, trajectory["clip_grad_norm"]));
    m.model->params.clear_grads();
  }
  CHECK(m.loss(smoothing).item() == doctest::Approx(trajectory["loss_after"].get<double>()).epsilon(2e-4));
  const nn::SafeTensors after(m.folder + "/after.safetensors");
  for (const Tensor& p : m.model->params.tensors()) {
    // A key's bias has the true gradient 0; Adam makes steps of full size of its rounding.
    const bool noise = p.name().ends_with("k_proj.bias");
    CHECK_MESSAGE(differs(p, after.read(p.name()), noise ? 0.02 : 2e-4, 2e-4) == "", p.name());
  }
}

TEST_CASE("golden: marian-micro writes Hugging Face's sequences, token for token, in greedy and in beam search") {
  MicroMarian m;
  const json file = json::parse(nn::read_file(m.folder + "/generation.json"));
  std::vector<int> padded, lengths = file["source_lengths"];
  for (const json& row : file["source"])
    for (const json& id : row) padded.push_back(id);
  const nn::Tokens source = packed(padded, lengths);
  for (const json& run : file["transformers_4.45"]["runs"]) {
    nn::SearchOptions o;
    o.beams = o.n_best = run["num_beams"];
    o.length_penalty = run["length_penalty"];
    o.stop = run["early_stopping"].get<bool>() ? nn::Stop::first : nn::Stop::present;
    for (const long id : m.model->config.forbidden) o.forbidden.push_back(int(id));
    const long most = run["max_length"].get<long>() - 1;
    nn::Decoding decoding(*m.model, source);
    const auto found =
        nn::search([&](const Indices& ids, const Indices& parents) { return decoding.step(ids, parents); },
                   std::vector<nn::Asked>(lengths.size(), {.most = most}), int(m.model->config.decoder_start_token_id),
                   int(m.model->config.eos_token_id), o);
    CAPTURE(run["num_beams"].get<int>());
    CAPTURE(o.length_penalty);
    CAPTURE(most);
    for (size_t s = 0; s < found.size(); ++s) {
      REQUIRE(found[s].size() == run["sequences"][s].size());
      for (size_t rank = 0; rank < found[s].size(); ++rank) {
        Indices want = run["sequences"][s][rank];
        want.erase(want.begin());
        CHECK(found[s][rank].ids == want);
        if (run.contains("scores"))
          CHECK(found[s][rank].score == doctest::Approx(run["scores"][s][rank].get<double>()).epsilon(1e-5));
      }
      if (!run.contains("token_log_probs")) continue;
      const std::vector<double> want = run["token_log_probs"][s];
      REQUIRE(found[s][0].log_probs.size() == want.size());
      // There the padding token is out of the softmax already; here its probability stays.
      for (size_t t = 0; t < want.size(); ++t)
        CHECK(found[s][0].log_probs[t] == doctest::Approx(want[t]).epsilon(0.02));
    }
  }
}
