// config.json: every form that Hugging Face writes is read, and what this model cannot compute as it says is refused.
#include "nn/format/config.h"
#include "nn/format/json_value.h"

#include "nn/model/model.h"
#include "tests/support/nn.h"
#include "tests/support/support.h"

using namespace test;
using Problem = nn::Config::Problem;

namespace {

nn::Config read(const std::string& json) {
  const TemporaryDirectory dir;
  return nn::read_config(dir.write("config.json", json));
}

std::string refused(const std::string& json) {
  const TemporaryDirectory dir;
  const std::string message = error_of([&] { nn::read_config(dir.write("config.json", json)); });
  CHECK(message.find('\n') == std::string::npos);
  return message.substr(std::min(message.size(), dir.path.size() + 1));
}

}  // namespace

TEST_CASE("config: how outputs are read is what problem_type says, else what the number of labels says") {
  CHECK(read("{}").problem() == Problem::single_label);
  CHECK(read(R"({"id2label": {"0": "score"}})").problem() == Problem::regression);
  CHECK(read(R"({"num_labels": 1})").problem() == Problem::regression);
  CHECK(read(R"({"problem_type": "multi_label_classification"})").problem() == Problem::multi_label);
  CHECK(read(R"({"problem_type": "regression", "num_labels": 3})").problem() == Problem::regression);
  CHECK(read(R"({"problem_type": "single_label_classification", "num_labels": 1})").problem() == Problem::single_label);
  CHECK(read(R"({"problem_type": null})").problem() == Problem::single_label);
  CHECK(refused(R"({"problem_type": "ranking"})") ==
        "config.json: problem_type 'ranking' is none of single_label_classification, multi_label_classification, "
        "regression, ordinal_classification");
  for (const char* type : {"single_label_classification", "multi_label_classification", "regression"}) {
    const nn::Config c = read(fmt::format(R"({{"problem_type": "{}"}})", type));
    CHECK(nn::json::parse(nn::config_json(c))["problem_type"] == type);
  }
  CHECK(nn::json::parse(nn::config_json(read(R"({"num_labels": 1})")))["problem_type"] == "regression");
}

TEST_CASE("config: labels in every form that Hugging Face's tools leave") {
  using Labels = std::vector<std::string>;
  CHECK(read(R"({"id2label": {"0": 0, "1": 1}})").labels == Labels{"0", "1"});
  CHECK(read(R"({"id2label": {"1": true, "0": 2.5, "2": "null", "3": "x"}})").labels ==
        Labels{"2.5", "true", "null", "x"});
  CHECK(refused(R"({"id2label": {"0": null, "1": "a"}})").find("the name of id 0 must be a string; got null") !=
        std::string::npos);
  CHECK(read(R"({"label2id": {"down": 1, "up": 0}})").labels == Labels{"up", "down"});
  CHECK(read(R"({"num_labels": 3})").labels == Labels{"LABEL_0", "LABEL_1", "LABEL_2"});
  CHECK(read(R"({"id2label": null, "label2id": null})").labels == Labels{"LABEL_0", "LABEL_1"});
  CHECK(read(R"({"id2label": {"0": "a"}, "num_labels": 5, "label2id": {"LABEL_0": 0}})").labels == Labels{"a"});
  CHECK(read(R"({"id2label": {"10": "k", "0": "a", "1": "b", "2": "c", "3": "d", "4": "e", "5": "f", "6": "g", "7": "h",
                  "8": "i", "9": "j"}})")
            .labels[10] == "k");
  CHECK(refused(R"({"id2label": {"0": "a", "1": "a"}})").find("'a' of id 1 is empty or there twice") !=
        std::string::npos);
  CHECK(refused(R"({"id2label": {"0": ["a"]}})").find("the name of id 0 must be a string; got [\"a\"]") !=
        std::string::npos);
  CHECK(refused(R"({"id2label": {"zero": "a"}})").find("ids are whole numbers from 0; got zero") != std::string::npos);
  CHECK(refused(R"({"id2label": {"0": "a", "2": "b"}})").find("none for id 1") != std::string::npos);
  CHECK(refused(R"({"label2id": {"a": 0, "b": 0}})").find("none for id 1") != std::string::npos);
  CHECK(refused(R"({"label2id": {"a": "0"}})").find("ids are whole numbers from 0") != std::string::npos);
  CHECK(refused(R"({"id2label": ["a", "b"]})").find("id2label: must be an object") != std::string::npos);
  CHECK(refused(R"({"id2label": {}})").find("has no names") != std::string::npos);
  CHECK(refused(R"({"num_labels": 0})").find("num_labels must be in [1,") != std::string::npos);
  CHECK(refused(R"({"id2label": {"0": "a\u001b[2J", "1": "b"}})").find("'a [2J' of id 0 holds a control character") !=
        std::string::npos);
}

TEST_CASE("config: a number is whole where it must be, and null is as if the key were not there") {
  CHECK(refused(R"({"num_attention_heads": 1.5})") ==
        "config.json: num_attention_heads: must be a whole number; got 1.5");
  CHECK(refused(R"({"hidden_size": "768"})") == "config.json: hidden_size: must be a whole number; got \"768\"");
  CHECK(refused(R"({"layer_norm_eps": "1e-12"})") == "config.json: layer_norm_eps: must be a number; got \"1e-12\"");
  CHECK(refused(R"({"vocab_size": 1e300})").find("must be a whole number") != std::string::npos);
  CHECK(refused(R"({"hidden_size": true})").find("must be a whole number; got true") != std::string::npos);
  CHECK(refused("{\"layer_norm_eps\": NaN}").find("NaN at line 1, which Python writes") != std::string::npos);
  CHECK(refused(R"({"hidden_size": 8, "hidden_size": 16})") == "config.json: the key 'hidden_size' is there twice");
  const nn::Config c = read(R"({"num_attention_heads": 12.0, "layer_norm_eps": 1e-6, "hidden_dropout_prob": null,
                                "pruned_heads": null, "classifier_dropout": null, "use_cache": false,
                                "torch_dtype": "float16", "use_return_dict": true, "is_decoder": false})");
  CHECK(c.num_attention_heads == 12);
  CHECK(c.layer_norm_eps == 1e-6);
  CHECK(c.hidden_dropout_prob == 0.1);
}

TEST_CASE("config: what would be computed otherwise is refused by its key") {
  const std::pair<const char*, const char*> others[] = {
      {R"({"is_decoder": true})", "is_decoder is true"},
      {R"({"add_cross_attention": true})", "add_cross_attention is true"},
      {R"({"is_encoder_decoder": true})", "is_encoder_decoder is true"},
      {R"({"hidden_size": 768, "embedding_size": 128})", "embedding_size 128 is not hidden_size 768"},
      {R"({"quantization_config": {"bits": 4}})", "quantization_config: quant_method (none) is not supported; int8 as"},
      {R"({"quantization_config": {"quant_method": "gptq"}})", "quantization_config: quant_method \"gptq\" is not"},
      {R"({"quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized"}})",
       "quantization_config: format \"pack-quantized\" is not"},
      {R"({"quantization_config": {"quant_method": "compressed-tensors", "format": "int-quantized"}})",
       "quantization_config: config_groups (none) is not"},
      {R"({"quantization_config": 8})", "quantization_config must be an object; got 8"},
      {R"({"auto_map": {"AutoModel": "own.Model"}})", "auto_map"},
      {R"({"position_embedding_type": "relative_key_query"})", "'relative_key_query' is not supported"},
      {R"({"model_type": "roberta"})", "model_type 'roberta' is not supported"},
      {R"({"model_type": "electra", "embedding_size": 128})", "model_type 'electra' is not supported"},
      {R"({"architectures": ["RobertaModel"]})", "architectures 'RobertaModel' without a model_type"},
      {R"({"architectures": "BertModel"})", "architectures: must be a list"},
      {R"({"hidden_act": "quick_gelu"})",
       "hidden_act 'quick_gelu' is not supported; gelu, gelu_new, relu, silu and tanh"},
      {R"({"hidden_act": "a\nb"})", "'a b' is not supported"}};
  for (const auto& [json, why] : others) CHECK_MESSAGE(refused(json).find(why) != std::string::npos, why);
  CHECK(read(R"({"hidden_act": "gelu_pytorch_tanh"})").hidden_act == "gelu_new");
  CHECK(read(R"({"hidden_act": "gelu_fast"})").hidden_act == "gelu_new");
  CHECK(read(R"({"hidden_act": "swish"})").hidden_act == "silu");
  CHECK(read(R"({"hidden_size": 96, "embedding_size": 96})").hidden_size == 96);
}

TEST_CASE("config: a head that reads words, or picks among texts, is no classifier of texts") {
  for (const std::string name : {"BertForTokenClassification", "BertForQuestionAnswering", "BertForMultipleChoice",
                                 "BertForNextSentencePrediction", "BertLMHeadModel"}) {
    const nn::Config c = read(R"({"architectures": [")" + name + "\"]}");
    const std::string message = error_of([&] { c.check_classifies("m"); });
    CHECK(message.starts_with("m: architectures: a " + name + " "));
    CHECK(message.find("--new-head") != std::string::npos);
  }
  for (const std::string name : {"BertForSequenceClassification", "BertModel", "BertForMaskedLM", "BertForPreTraining"})
    CHECK(error_of([&] { read(R"({"architectures": [")" + name + "\"]}").check_classifies("m"); }).empty());
}

TEST_CASE("config: pruned heads are checked in the time that their number takes") {
  std::string list;
  for (int h = 0; h < 60'000; ++h) list += (h ? "," : "") + std::to_string(h);
  const std::string sizes = R"({"hidden_size": 65536, "num_attention_heads": 65536, "num_hidden_layers": 1, )";
  CHECK(read(sizes + R"("pruned_heads": {"0": [)" + list + "]}}").heads_of(0) == 5536);
  CHECK(refused(sizes + R"("pruned_heads": {"0": [)" + list + ",7]}}").find("once") != std::string::npos);
  CHECK(refused(R"({"pruned_heads": {"first": [1]}})").find("'first' is not a layer") != std::string::npos);
  CHECK(refused(R"({"pruned_heads": {"0": [1.5]}})").find("whole numbers") == std::string::npos);
  CHECK(refused(R"({"pruned_heads": {"0": [1.5]}})").find("must be a whole number; got 1.5") != std::string::npos);
}

TEST_CASE("config: hidden_act is that of the masked language model's head, too") {
  nn::Config c = sized_config({.vocabulary = 60, .width = 4, .layers = 0, .heads = 1, .inner = 4, .positions = 8});
  const auto logits_with = [&](const std::string& act) {
    c.hidden_act = act;
    nn::HeadConfig pieces;
    pieces.predicts = nn::Predicts::pieces;
    nn::Model model(c, {pieces}, 1);
    model.params.initialise();
    const nn::MaskedLm& head = *model.head().masked_lm;
    const Tensor hidden = varied({2, 4});
    const Tensor made = head(hidden), expected = head.decoder(head.norm(nn::activation_named(act)(head.dense(hidden))));
    CHECK(differs(made, expected) == "");
    return made.to_vector();
  };
  CHECK(logits_with("gelu") != logits_with("relu"));
  CHECK(logits_with("relu") != logits_with("tanh"));
}
