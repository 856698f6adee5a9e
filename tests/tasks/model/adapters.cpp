// peft's directories as programs load them: with their base, merged or beside it, to be used or trained on.
#include <filesystem>

#include "nn/adapter/attach.h"
#include "tasks/model/build.h"
#include "tests/support/golden.h"
#include "tests/support/tasks.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

// bert-micro with a vocabulary, beside peft's directories over it.
struct Micros {
  TemporaryDirectory dir;
  nn::Tokens tokens = packed_batch(nn::SafeTensors(golden_path("bert-micro") + "/expected.safetensors"));
  std::string base = dir.path + "/bert-micro";
  const std::vector<std::string> names{"lora-micro", "dora-micro", "lora-bias-micro"};

  Micros() {
    fs::copy(golden_path("bert-micro"), base);
    std::string vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (long i = 5; i < nn::read_config(base + "/config.json").vocab_size; ++i) vocab += fmt::format("w{}\n", i);
    dir.write("bert-micro/vocab.txt", vocab);
    for (const std::string& name : names) fs::copy(golden_path("adapters/" + name), dir.path + "/" + name);
  }
  Tensor expected(const std::string& name, const std::string& tensor) const {
    return nn::SafeTensors(dir.path + "/" + name + "/expected.safetensors").read(tensor);
  }
};

}  // namespace

TEST_CASE("golden: peft's directories as programs load them give the golden logits, merged and beside their base") {
  const Micros m;
  for (const std::string& name : m.names) {
    const model::ModelDirectory from(m.dir.path + "/" + name, m.base);
    CHECK(from.tasks[0].labels.names() == nn::read_config(m.base + "/config.json").labels);
    const auto beside = model::load_model(from, model::Adapters::as_it_is), merged = model::load_model(from);
    CHECK(differs(beside->net(m.tokens), m.expected(name, "logits")) == "");
    CHECK(differs(merged->net(m.tokens), m.expected(name, "merged_logits")) == "");
    merged->save(m.dir.path + "/plain");
    const auto plain = model::load_model(model::ModelDirectory(m.dir.path + "/plain"));
    CHECK(differs(plain->net(m.tokens), m.expected(name, "logits"), 1e-5, 0) == "");
    beside->save(m.dir.path + "/again");
    const auto again = model::load_model(model::ModelDirectory(m.dir.path + "/again"), model::Adapters::as_it_is);
    CHECK(same_bits(again->net(m.tokens).to_vector(), beside->net(m.tokens).to_vector()));
  }
}

TEST_CASE("adapter directories: the base is found from where the directory is; other labels are named as others do") {
  const Micros m;
  fs::create_directory(m.dir.path + "/lora-micro/bert-micro");
  for (const char* file : {"config.json", "model.safetensors", "vocab.txt"})
    fs::copy(m.base + "/" + file, m.dir.path + "/lora-micro/bert-micro/" + file);
  const model::ModelDirectory from(m.dir.path + "/lora-micro");
  CHECK(fs::equivalent(from.base, m.dir.path + "/lora-micro/bert-micro"));
  const nn::SafeTensors file(m.dir.path + "/lora-micro/adapter_model.safetensors");
  std::vector<Tensor> two;
  for (const auto& [key, entry] : file.entries()) {
    Tensor t = file.read(key);
    if (key.find("classifier") != key.npos) t = slice(t, 0, 0, 2).detach();
    two.push_back(t.named(key));
  }
  nn::save_safetensors(m.dir.path + "/lora-micro/adapter_model.safetensors", two);
  const auto model = model::load_model(model::ModelDirectory(m.dir.path + "/lora-micro"));
  CHECK(model->labels() == std::vector<std::string>{"LABEL_0", "LABEL_1"});
  CHECK(model->net(m.tokens).dim(1) == 2);
}

TEST_CASE("adapter directories: trained on, what the directory holds is trained; with another head, that is new") {
  const Micros m;
  const model::ModelDirectory from(m.dir.path + "/lora-micro", m.base);
  const auto same = model::load_to_train(from, from.tasks, 1);
  CHECK(same->net.params.trainable().size() == 10);
  CHECK(differs(same->net(m.tokens), m.expected("lora-micro", "logits")) == "");
  const auto anew = model::load_to_train(from, from.tasks, 1, nn::Anew::classifiers);
  CHECK(differs(anew->net.params.find("classifier.weight"), same->net.params.find("classifier.weight")) != "");
  CHECK(differs(anew->net.params.find("bert.encoder.layer.1.attention.self.value.lora_B.weight"),
                same->net.params.find("bert.encoder.layer.1.attention.self.value.lora_B.weight"), 0, 0) == "");
  spec::TaskSpec named = from.tasks[0];
  named.name = "mood";
  const auto several = model::load_to_train(from, {named}, 1);
  CHECK(several->net.adapter->saves_module("heads.mood.classifier"));
  several->save(m.dir.path + "/several");
  const auto again = model::load_model(model::ModelDirectory(m.dir.path + "/several"), model::Adapters::as_it_is);
  CHECK(same_bits(again->net(m.tokens).to_vector(), several->net(m.tokens).to_vector()));
}
