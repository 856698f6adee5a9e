// Model directories as their users meet them: heads that are read as config.json says, weights in several files, and
// what is refused before a number comes out. Read tests/tasks/program.cpp before.

#include "nn/format/json_value.h"
#include "nn/format/pretrained.h"
#include "tasks/model/directory.h"
#include "tasks/text/tokenizer_files.h"
#include "tests/support/support.h"

using namespace test;
using nn::json;

namespace {

// A BERT of one layer whose classifier's weights are 0, so that its logits are the biases 2, 1.5 and -3 for every text.
void write_model(const std::string& directory, const json& changes = json::object(), bool masked_lm = false) {
  std::vector<std::string> pieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "soup", "."};
  std::swap(pieces[0], pieces[changes.value("pad_token_id", size_t(0))]);
  nn::Config c;
  c.vocab_size = long(pieces.size());
  c.type_vocab_size = changes.value("type_vocab_size", 2L);
  c.hidden_size = 8;
  c.num_hidden_layers = 1;
  c.num_attention_heads = 2;
  c.intermediate_size = 8;
  c.max_position_embeddings = 16;
  c.labels = {"salty", "cold", "late"};
  nn::HeadConfig head;
  head.outputs = 3;
  nn::Model model(c, {head}, 1);
  model.params.initialise();
  std::vector<Tensor> tensors;
  for (const Tensor& t : model.params.tensors()) {
    if (t.name() == "classifier.weight") std::fill_n(t.data(), t.numel(), real(0));
    if (t.name() == "classifier.bias") std::copy_n(std::vector<real>{2, 1.5, -3}.data(), 3, t.data());
    if (!masked_lm || t.name().starts_with("bert.")) tensors.push_back(t);
  }
  const auto add = [&](const std::string& name, const Shape& shape, real seed) {
    tensors.push_back(varied(shape, seed).named("cls.predictions." + name));
  };
  if (masked_lm) {
    add("bias", {9}, 1);
    add("decoder.weight", {9, 8}, 2);
    add("transform.dense.weight", {8, 8}, 3);
    add("transform.dense.bias", {8}, 4);
    add("transform.LayerNorm.weight", {8}, 5);
    add("transform.LayerNorm.bias", {8}, 6);
  }
  std::filesystem::create_directories(directory);
  nn::save_safetensors(directory + "/model.safetensors", tensors);
  json config = json::parse(nn::config_json(c));
  config.update(changes);
  nn::write_file(directory + "/config.json", config.dump());
  text::save_tokenizer(text::WordPiece(pieces), directory, 16);
}

Result predict(const std::string& model) {
  return run_shell(program("sentiment") + " predict --model " + model + " 'good soup' 2>/dev/null");
}

std::string error_line(const Result& result) {
  CHECK(result.status == 1);
  const size_t at = result.output.find("error: ");
  CHECK(at != std::string::npos);
  return at == std::string::npos ? "" : result.output.substr(at);
}

}  // namespace

TEST_CASE("sentiment: labels that do not exclude each other have a sigmoid each, others a softmax") {
  const TemporaryDirectory dir;
  write_model(dir.path + "/m");
  const json one = json::parse(predict(dir.path + "/m").output);
  CHECK(one["label"] == "salty");
  CHECK(one["probabilities"]["salty"].get<double>() ==
        doctest::Approx(0.61994).epsilon(1e-4));  // e^2 / (e^2 + e^1.5 + e^-3)
  write_model(dir.path + "/m", {{"problem_type", "multi_label_classification"}});
  const json several = json::parse(predict(dir.path + "/m").output);
  CHECK(!several.contains("label"));
  CHECK(several["labels"] == json{"salty", "cold"});
  CHECK(several["probabilities"]["salty"].get<double>() == doctest::Approx(0.880797).epsilon(1e-4));  // 1 / (1 + e^-2)
  CHECK(several["probabilities"]["cold"].get<double>() == doctest::Approx(0.817574).epsilon(1e-4));
  CHECK(several["probabilities"]["late"].get<double>() == doctest::Approx(0.0474259).epsilon(1e-3));
  // The loss of a text that is "cold": (log(1 + e^2) + log(1 + e^-1.5) + log(1 + e^-3)) / 3.
  const std::string data = dir.write("d.tsv", "text\tlabel\ngood soup\tcold\n");
  const Result evaluated = run_shell(program("sentiment") + " evaluate --model " + dir.path + "/m --data " + data +
                                     " --labels salty,cold,late 2>/dev/null");
  CHECK(evaluated.says("loss 0.7923"));
}

TEST_CASE("sentiment: a model of one kind of text refuses a second one by the key that says so and by the option") {
  const TemporaryDirectory dir;
  const std::string model = dir.path + "/m", data = dir.write("d.tsv", "text\tb\ngood soup\tcold\n");
  write_model(model, {{"type_vocab_size", 1}});
  CHECK(predict(model).status == 0);
  const std::string ask = program("sentiment") + " predict --model " + model + " --file " + data;
  CHECK(run_shell(ask).status == 0);
  CHECK(error_line(run_shell(ask + " --pair-column b 2>&1")) ==
        "error: config.json says type_vocab_size 1: the model does not tell a second text (--pair-column) from the "
        "first\n");
}

TEST_CASE("model directory: pad_token_id is where the vocabulary has its [PAD]") {
  const TemporaryDirectory dir;
  write_model(dir.path + "/m", {{"pad_token_id", 3}});
  model::load_model(model::ModelDirectory(dir.path + "/m"))->save(dir.path + "/again");
  const auto padding = [&](const std::string& of) {
    return json::parse(nn::read_file(dir.path + of + "/config.json"))["pad_token_id"];
  };
  CHECK(padding("/again") == 3);
  CHECK(text::load_tokenizer(dir.path + "/again").tokenizer.pad_id() == 3);
  write_model(dir.path + "/m");
  model::load_model(model::ModelDirectory(dir.path + "/m"))->save(dir.path + "/again");
  CHECK(padding("/again") == 0);
}

TEST_CASE("sentiment: a tagger says that it gives tags; heads of other models give no prediction, but a reason") {
  const TemporaryDirectory dir;
  const std::string model = dir.path + "/m",
                    ask = program("sentiment") + " predict --model " + model + " 'good soup' 2>&1";
  const std::pair<json, const char*> others[] = {
      {{{"architectures", {"BertForMultipleChoice"}}}, "a BertForMultipleChoice picks one"},
      {{{"problem_type", "regression"}}, "a regression of 3 numbers"},
      {{{"model_type", "roberta"}}, "model_type 'roberta' is not supported"}};
  for (const auto& [changes, why] : others) {
    write_model(model, changes);
    CHECK_MESSAGE(error_line(run_shell(ask)).find(why) != std::string::npos, why);
  }
  write_model(model, {{"architectures", {"BertForTokenClassification"}}});
  const Result tags = run_shell(ask);
  CHECK(tags.status == 0);
  CHECK_MESSAGE(tags.says("a BertForTokenClassification labels words, not texts"), tags.output);
  CHECK_MESSAGE(tags.says(R"("tags":[["good","salty"],["soup","salty"]])"), tags.output);
}

TEST_CASE(
    "sentiment: training goes on from a tagger or from labels that do not exclude each other with a new head only") {
  const TemporaryDirectory dir;
  const std::string model = dir.path + "/m";
  std::string rows = "text\tlabel\tsplit\n";
  for (int i = 0; i < 9; ++i)
    rows += fmt::format("good soup\t{}\t{}\n",
                        i % 3 == 0   ? "salty"
                        : i % 3 == 1 ? "cold"
                                     : "late",
                        i < 6 ? "train" : "test");
  const std::string train = program("sentiment") + " train --model " + model +
                            " --max-length 8 --max-steps 1 --labels " + "salty,cold,late --data " +
                            dir.write("d.tsv", rows) + " --overwrite --out " + dir.path + "/run";
  for (const json& changes : {json{{"architectures", {"BertForTokenClassification"}}},
                              json{{"problem_type", "multi_label_classification"}}}) {
    write_model(model, changes);
    CHECK(error_line(run_shell(train + " 2>&1")).find("--new-head") != std::string::npos);
    const Result anew = run_shell(train + " --new-head 2>&1");
    REQUIRE_MESSAGE(anew.status == 0, anew.output);
    const json config = json::parse(nn::read_file(dir.path + "/run/best/config.json"));
    CHECK(config["architectures"][0] == "BertForSequenceClassification");
    CHECK(config["problem_type"] == "single_label_classification");
  }
}

TEST_CASE("sentiment: weights in several files predict what they do in one") {
  const TemporaryDirectory dir;
  write_model(dir.path + "/m");
  const std::string before = predict(dir.path + "/m").output;
  const nn::SafeTensors whole(dir.path + "/m/model.safetensors");
  std::vector<Tensor> parts[2];
  json index{{"metadata", json::object()}, {"weight_map", json::object()}};
  size_t i = 0;
  for (const auto& [name, entry] : whole.entries()) {
    index["weight_map"][name] = fmt::format("part-{}.safetensors", i % 2);
    parts[i++ % 2].push_back(whole.read(name));
  }
  for (int p = 0; p < 2; ++p) nn::save_safetensors(fmt::format("{}/m/part-{}.safetensors", dir.path, p), parts[p]);
  std::filesystem::remove(dir.path + "/m/model.safetensors");
  nn::write_file(dir.path + "/m/model.safetensors.index.json", index.dump());
  const Result after = predict(dir.path + "/m");
  CHECK(after.status == 0);
  CHECK(after.output == before);
}

TEST_CASE(
    "pretrain: a decoder of its own, or two biases where there is one, is refused; one equal to the embeddings is "
    "not") {
  const TemporaryDirectory dir;
  const std::string model = dir.path + "/m",
                    lines = dir.write("t.txt", "good soup .\nbad soup .\ngood .\nbad bad soup .\n");
  const std::string train = program("pretrain") + " train --model " + model + " --max-length 8 --max-steps 1 --train " +
                            lines + " --overwrite --out " + dir.path + "/run 2>&1";
  write_model(model, {{"tie_word_embeddings", false}, {"architectures", {"BertForMaskedLM"}}}, true);
  CHECK(error_line(run_shell(train)).find("tie_word_embeddings is false and 'cls.predictions.decoder.weight'") !=
        std::string::npos);
  const nn::SafeTensors file(model + "/model.safetensors");
  std::vector<Tensor> tied, biased;
  for (const auto& [name, entry] : file.entries()) {
    const bool decoder = name == "cls.predictions.decoder.weight";
    tied.push_back(file.read(decoder ? "bert.embeddings.word_embeddings.weight" : name).named(name));
  }
  biased = tied;
  biased.push_back(varied({9}, 7).named("cls.predictions.decoder.bias"));
  nn::save_safetensors(model + "/model.safetensors", tied);
  const Result trained = run_shell(train);
  CHECK_MESSAGE(trained.status == 0, trained.output);
  nn::save_safetensors(model + "/model.safetensors", biased);
  CHECK(error_line(run_shell(train)).find("'cls.predictions.decoder.bias' and 'cls.predictions.bias' differ") !=
        std::string::npos);
}

TEST_CASE("transfer: a teacher that cuts texts otherwise, or whose labels do not exclude each other, is refused") {
  const TemporaryDirectory dir;
  const std::string model = dir.path + "/m";
  std::string rows = "text,label\n";
  for (int i = 0; i < 30; ++i)
    rows += i % 3 == 0 ? "good soup,salty\n" : i % 3 == 1 ? "bad soup,cold\n" : "soup,late\n";
  const std::string train = program("transfer") + " train --teacher " + model + " --vocab " + model +
                            "/vocab.txt --layers 1 --hidden 8 --heads 2 --max-length 8 --max-steps 1 --labels "
                            "salty,cold,late --soft-targets 1 --data " +
                            dir.write("d.csv", rows) + " --overwrite --out " + dir.path + "/run 2>&1";
  write_model(model);
  const Result same = run_shell(train);
  CHECK_MESSAGE(same.status == 0, same.output);
  CHECK(error_line(run_shell(train + " --cased")).find("cut texts otherwise: lower case true and false") !=
        std::string::npos);
  write_model(model, {{"problem_type", "multi_label_classification"}});
  CHECK(error_line(run_shell(train)).find("the teacher's labels do not exclude each other") != std::string::npos);
}

TEST_CASE("multitask: a task with a sigmoid for each label is exported as one, and predicts the same") {
  const TemporaryDirectory dir;
  std::string rows = "text\tlabel\n";
  for (int i = 0; i < 40; ++i) rows += i % 2 ? "good soup\tup\n" : "bad train\tdown\n";
  const std::string tasks = dir.write("t.json", R"({"tasks": {"mood": {"data": ")" + dir.write("d.tsv", rows) +
                                                    R"(", "head": "label", "loss": "binary_cross_entropy"}}})");
  const std::string run = dir.path + "/run", one = dir.path + "/one";
  const Result trained =
      run_shell(program("multitask") + " train --tasks " + tasks + " --epochs 1 --out " + run + " 2>&1");
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  REQUIRE(run_shell(program("multitask") + " export --model " + run + " --task mood --out " + one + " 2>&1").status ==
          0);
  CHECK(json::parse(nn::read_file(one + "/config.json"))["problem_type"] == "multi_label_classification");
  const json joint =
      json::parse(run_shell(program("multitask") + " predict --model " + run + " 'good train' 2>/dev/null").output);
  const json single = json::parse(
      predict(one).output.empty()
          ? "{}"
          : run_shell(program("sentiment") + " predict --model " + one + " 'good train' 2>/dev/null").output);
  for (const char* label : {"up", "down"})
    CHECK(single["probabilities"][label].get<double>() ==
          doctest::Approx(joint["mood"]["probabilities"][label].get<double>()).epsilon(1e-5));
}
