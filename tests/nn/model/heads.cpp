// Heads over one encoder: their formulas beside the layers they are made of, their gradients, and that they share.
#include "nn/model/multitask.h"

#include "nn/model/heads.h"
#include "tests/support/gradcheck.h"

using namespace test;

namespace {

nn::Config small_config(const std::string& type) {
  nn::Config c;
  c.model_type = type;
  c.vocab_size = 20;
  c.hidden_size = 6;
  c.num_hidden_layers = 1;
  c.num_attention_heads = 2;
  c.intermediate_size = 8;
  c.max_position_embeddings = 9;
  c.hidden_dropout_prob = c.attention_probs_dropout_prob = 0;
  c.initializer_range = 0.5;
  c.labels = {"a", "b", "c"};
  return c;
}

const nn::Tokens kTokens{{2, 7, 9, 3, 2, 5, 3}, {0, 1, 2, 3, 0, 1, 2}, {0, 0, 0, 0, 0, 0, 0}, {0, 4, 7}};

}  // namespace

TEST_CASE("multitask net: a head that reads [CLS] computes what BertForSequenceClassification does") {
  const nn::Config c = small_config("bert");
  nn::Params several(3), one(3);
  const nn::MultitaskNet net(several.root(), c, {{"x", nn::HeadKind::label, 3}, {"y", nn::HeadKind::tokens, 4}});
  const nn::BertClassifier classifier(one.root(), c);
  several.initialise();
  one.initialise();
  for (const Tensor& p : one.tensors()) {
    std::string name = p.name();
    if (name.starts_with("bert.pooler.")) name = "heads.x." + name.substr(5);
    if (name.starts_with("classifier.")) name = "heads.x." + name;
    std::copy_n(several.find(name).data(), p.numel(), p.data());
  }
  const Tensor expected = classifier(kTokens);
  CHECK(differs(net.heads[0](net.encode(kTokens, false)), expected) == "");
  CHECK(differs(net.heads[0](net.encode(kTokens, true)), expected) == "");
  CHECK(net.heads[1](net.encode(kTokens, true)).shape() == Shape{7, 4});
  CHECK(error_of([&] { net.heads[1](net.encode(kTokens, false)); }).find("task 'y'") == 0);
}

TEST_CASE("multitask net: a head of its own attention over words is the pooling classifier") {
  const nn::Config c = small_config("attention_pool");
  nn::Params several(3), one(3);
  const nn::MultitaskNet net(several.root(), c, {{"x", nn::HeadKind::label, 3, true, 2}});
  const nn::PoolClassifier classifier(one.root(), c, {});
  several.initialise();
  one.initialise();
  for (const Tensor& p : one.tensors()) {
    const std::string own = "heads.x." + p.name(), &name = p.name().starts_with("embeddings.") ? p.name() : own;
    std::copy_n(several.find(name).data(), p.numel(), p.data());
  }
  nn::Reading reading;
  const Tensor logits = net.heads[0](net.encode(kTokens, true), &reading);
  CHECK(differs(logits, classifier(kTokens)) == "");
  CHECK(reading.context.shape() == Shape{2, 12});
  CHECK(reading.attention.probs.numel() == 2 * 7);
  CHECK(error_of([&] {
          nn::Params p(1);
          nn::MultitaskNet(p.root(), c, {{"x", nn::HeadKind::label, 3}});
        }) == "task 'x': word embeddings alone have no [CLS] to read");
}

TEST_CASE("adapter: y = x + up(relu(down(x))), at first nearly x") {
  nn::Params params(5);
  const nn::Adapter adapter(params.root(), 6, 3);
  params.initialise();
  const Tensor x = varied({4, 6});
  CHECK(differs(adapter(x), x, 0.02, 0) == "");
  std::copy_n(varied({3, 6}, 2).data(), 18, adapter.down.weight.data());
  std::copy_n(varied({6, 3}, 3).data(), 18, adapter.up.weight.data());
  Tensor by_hand = x.clone();
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 6; ++c)
      for (int m = 0; m < 3; ++m) {
        double h = 0;
        for (int k = 0; k < 6; ++k) h += double(x.data()[r * 6 + k]) * adapter.down.weight.data()[m * 6 + k];
        by_hand.data()[r * 6 + c] += real(std::max(0., h) * adapter.up.weight.data()[c * 3 + m]);
      }
  CHECK(differs(adapter(x), by_hand) == "");
}

TEST_CASE("multitask net: gradients of every head, and of what they share") {
  for (const std::string type : {"bert", "attention_pool"}) {
    nn::Params params(7);
    std::vector<nn::HeadConfig> heads{{"own", nn::HeadKind::label, 3, true, 2, 3}, {"words", nn::HeadKind::tokens, 2}};
    if (type == "bert") heads.push_back({"cls", nn::HeadKind::labels, 2, false, 1, 3});
    const nn::MultitaskNet net(params.root(), small_config(type), heads);
    params.initialise();
    const auto all = [&](const std::vector<Tensor>&) {
      const nn::Encoded x = net.encode(kTokens, true);
      std::vector<Tensor> rows;
      for (const nn::TaskHead& head : net.heads) {
        const Tensor y = head(x);
        rows.push_back(reshape(y, {y.numel()}));
      }
      return concat(rows, 0);
    };
    const double error = gradient_error(params.tensors(), all);
    if (kDouble) CHECK_MESSAGE(error < 1e-6, type);
    for (const Tensor& p : params.tensors()) CHECK_MESSAGE(p.has_grad(), p.name());
  }
}
