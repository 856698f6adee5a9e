// Model directories: what a checkpoint fills in, what begins anew, and what config.json says and may not say.
#include "nn/format/pretrained.h"

#include <memory>

#include "tests/support/nn.h"

using namespace test;

TEST_CASE("pretrained: old names, a missing prefix and extra tensors load; the report says what happened") {
  const TemporaryDirectory dir;
  nn::Config c = tiny_config();
  const Drawn original(c, 1);
  std::vector<Tensor> old;
  for (const Tensor& p : original.params.tensors()) {
    std::string name = p.name();
    if (name.starts_with("classifier.") || name.starts_with("bert.pooler.")) continue;
    name = name.substr(5);
    for (const auto& [now, before] :
         {std::pair("LayerNorm.weight", "LayerNorm.gamma"), std::pair("LayerNorm.bias", "LayerNorm.beta")})
      if (name.ends_with(now)) name = name.substr(0, name.size() - std::string(now).size()) + before;
    old.push_back(p.clone().named(name));
  }
  old.push_back(varied({3}).named("cls.predictions.bias"));
  std::filesystem::create_directories(dir.path + "/m");
  nn::save_safetensors(dir.path + "/m/model.safetensors", old);

  const auto of = [](const nn::Config& config, uint64_t seed) {
    return std::make_unique<nn::Model>(config, std::vector{nn::only_head(config)}, seed);
  };
  const auto copy = of(c, 2);
  const nn::Params::LoadReport report = nn::load_pretrained(*copy, dir.path + "/m");
  CHECK(report.loaded.size() == original.params.tensors().size() - 4);
  CHECK(report.initialised.size() == 4);
  CHECK(report.ignored == std::vector<std::string>{"cls.predictions.bias"});
  CHECK(copy->params.find("bert.embeddings.LayerNorm.weight").to_vector() ==
        original.params.find("bert.embeddings.LayerNorm.weight").to_vector());
  CHECK(report.table().find("newly initialised     4  bert.pooler.dense.weight") != std::string::npos);

  nn::save_pretrained(original, dir.path + "/own");
  const auto kept = of(c, 3);
  CHECK(nn::load_pretrained(*kept, dir.path + "/own").initialised.empty());
  c.labels.push_back("another");
  const auto relabelled = of(c, 3), other_heads = of(c, 3);
  CHECK(nn::load_pretrained(*relabelled, dir.path + "/own", nn::Anew::classifiers).initialised ==
        std::vector<std::string>{"classifier.weight", "classifier.bias"});
  CHECK(nn::load_pretrained(*other_heads, dir.path + "/own", nn::Anew::heads).initialised ==
        std::vector<std::string>{"classifier.weight", "classifier.bias"});
  const std::string pooler = "bert.pooler.dense.weight";
  for (const auto* model : {&relabelled, &other_heads})
    CHECK((*model)->params.find(pooler).to_vector() == kept->params.find(pooler).to_vector());
  c.labels.pop_back();

  nn::Model named(c, {{"a", nn::Predicts::label, 3}, {"b", nn::Predicts::number, 1}}, 4);
  CHECK(nn::load_pretrained(named, dir.path + "/own").initialised.size() == 8);  // two poolers, two classifiers
  for (const std::string task : {"a", "b"})  // whose poolers begin as the file's only one
    CHECK(named.params.find("heads." + task + ".pooler.dense.weight").to_vector() ==
          kept->params.find(pooler).to_vector());

  c.hidden_size = 8;
  const auto wider = of(c, 2);
  CHECK(error_of([&] { nn::load_pretrained(*wider, dir.path + "/m"); }).find("in the file") != std::string::npos);
  c.hidden_size = 6;
  old.erase(old.begin());
  nn::save_safetensors(dir.path + "/m/model.safetensors", old);
  const auto missing = of(c, 2);
  CHECK(error_of([&] {
          nn::load_pretrained(*missing, dir.path + "/m");
        }).find("'bert.embeddings.word_embeddings.weight' [20, 6] is missing") != std::string::npos);
}

TEST_CASE("config: what is written is what is read, and impossible values are refused") {
  const TemporaryDirectory dir;
  nn::Config c;
  c.labels = {"negative", "positive", "neutral"};
  c.classifier_dropout = 0.25;
  const nn::Config d = nn::read_config(dir.write("config.json", nn::config_json(c)));
  CHECK(nn::config_json(d) == nn::config_json(c));
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
