// Model directories: what a checkpoint fills in, what begins anew, and what config.json says and may not say.
#include "nn/format/pretrained.h"

#include <memory>

#include "tests/support/nn.h"

using namespace test;

namespace {

// A model, and directories of it: `own` as it is saved here; `old` without heads, under old names, with a tensor more.
struct Published {
  TemporaryDirectory dir;
  nn::Config config = tiny_config();
  Drawn original{config, 1};
  std::string own = dir.path + "/own", old = dir.path + "/old";

  Published() {
    nn::save_pretrained(original, own);
    save_old(old_tensors());
  }
  std::vector<Tensor> old_tensors() const {
    std::vector<Tensor> tensors;
    for (const Tensor& p : original.params.tensors()) {
      std::string name = p.name();
      if (name.starts_with("classifier.") || name.starts_with("bert.pooler.")) continue;
      name = name.substr(5);
      for (const auto& [now, before] :
           {std::pair("LayerNorm.weight", "LayerNorm.gamma"), std::pair("LayerNorm.bias", "LayerNorm.beta")})
        if (name.ends_with(now)) name = name.substr(0, name.size() - std::string(now).size()) + before;
      tensors.push_back(p.clone().named(name));
    }
    tensors.push_back(varied({3}).named("cls.predictions.bias"));
    return tensors;
  }
  void save_old(const std::vector<Tensor>& tensors) const {
    std::filesystem::create_directories(old);
    nn::save_safetensors(old + "/model.safetensors", tensors);
  }
};

std::unique_ptr<nn::Model> with_only_head(const nn::Config& config, uint64_t seed) {
  return std::make_unique<nn::Model>(config, std::vector{nn::only_head(config)}, seed);
}

}  // namespace

TEST_CASE("pretrained: old names, a missing prefix and extra tensors load; the report says what happened") {
  const Published p;
  const auto copy = with_only_head(p.config, 2);
  const nn::Params::LoadReport report = nn::load_pretrained(*copy, p.old);
  CHECK(report.loaded.size() == p.original.params.tensors().size() - 4);
  CHECK(report.initialised.size() == 4);
  CHECK(report.ignored == std::vector<std::string>{"cls.predictions.bias"});
  CHECK(copy->params.find("bert.embeddings.LayerNorm.weight").to_vector() ==
        p.original.params.find("bert.embeddings.LayerNorm.weight").to_vector());
  CHECK(report.table().find("newly initialised     4  bert.pooler.dense.weight") != std::string::npos);
}

TEST_CASE("pretrained: heads begin anew where that is asked for, poolers are the file's, of named heads too") {
  const Published p;
  const auto kept = with_only_head(p.config, 3);
  CHECK(nn::load_pretrained(*kept, p.own).initialised.empty());
  nn::Config more_labels = p.config;
  more_labels.labels.push_back("another");
  const std::vector<real> pooler = kept->params.find("bert.pooler.dense.weight").to_vector();
  for (const nn::Anew anew : {nn::Anew::classifiers, nn::Anew::heads}) {
    const auto relabelled = with_only_head(more_labels, 3);
    CHECK(nn::load_pretrained(*relabelled, p.own, anew).initialised ==
          std::vector<std::string>{"classifier.weight", "classifier.bias"});
    CHECK(relabelled->params.find("bert.pooler.dense.weight").to_vector() == pooler);
  }
  nn::Model named(p.config, {{"a", nn::Predicts::label, 3}, {"b", nn::Predicts::number, 1}}, 4);
  CHECK(nn::load_pretrained(named, p.own).initialised.size() == 8);  // two poolers, two classifiers
  for (const std::string task : {"a", "b"})                          // whose poolers begin as the file's only one
    CHECK(named.params.find("heads." + task + ".pooler.dense.weight").to_vector() == pooler);
}

TEST_CASE("pretrained: a tensor of another shape and one that is missing are refused by name") {
  const Published p;
  nn::Config wide = p.config;
  wide.hidden_size = 8;
  const auto wider = with_only_head(wide, 2), missing = with_only_head(p.config, 2);
  CHECK(error_of([&] { nn::load_pretrained(*wider, p.old); }).find("in the file") != std::string::npos);
  std::vector<Tensor> tensors = p.old_tensors();
  tensors.erase(tensors.begin());
  p.save_old(tensors);
  CHECK(error_of([&] {
          nn::load_pretrained(*missing, p.old);
        }).find("'bert.embeddings.word_embeddings.weight' [20, 6] is missing") != std::string::npos);
}

TEST_CASE("config: what is written is what is read, and impossible values are refused") {
  const TemporaryDirectory dir;
  nn::Config c;
  c.labels = {"negative", "positive", "neutral"};
  c.classifier_dropout = 0.25;
  c.pad_token_id = 7;
  const nn::Config d = nn::read_config(dir.write("config.json", nn::config_json(c)));
  CHECK(nn::config_json(d) == nn::config_json(c));
  CHECK(d.pad_token_id == 7);
  const auto refused = [&](const std::string& json, const std::string& why) {
    const std::string message = error_of([&] { nn::read_config(dir.write("bad.json", json)); });
    CHECK_MESSAGE(message.find(why) != std::string::npos, message);
  };
  refused("{", "bad.json");
  refused("[]", "a JSON object is needed");
  refused(R"({"hidden_size": -768})", "hidden_size must be in [1");
  refused(R"({"hidden_size": 100, "num_attention_heads": 12})", "not a multiple");
  refused(R"({"hidden_size": "big"})", "hidden_size: must be a whole number; got \"big\"");
  refused(R"({"hidden_act": "swoosh"})", "'swoosh' is not supported");
  refused(R"({"model_type": "gpt2"})", "'gpt2' is not supported");
  refused(R"({"position_embedding_type": "relative_key"})", "relative_key");
  refused(R"({"hidden_dropout_prob": 1})", "hidden_dropout_prob");
  refused(R"({"id2label": {"0": "a", "2": "b"}})", "none for id 1");
}

TEST_CASE("config: feed-forward widths that no model can have are refused") {
  const TemporaryDirectory dir;
  nn::Config c;
  c.num_hidden_layers = 2;
  c.intermediate_sizes = {3, 4};
  c.labels = {"a", "b"};
  const auto read = [&] { return nn::read_config(dir.write("config.json", nn::config_json(c))); };
  CHECK(read().intermediate_sizes == c.intermediate_sizes);
  CHECK(read().neurons_of(1) == 4);
  c.intermediate_sizes = {3};
  CHECK(error_of(read).find("intermediate_sizes must have one number for each of 2 layers; got 1") !=
        std::string::npos);
  c.intermediate_sizes = {3, 0};
  CHECK(error_of(read).find("intermediate_sizes must be in [1") != std::string::npos);
}
