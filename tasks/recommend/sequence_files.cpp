// The attention model in a directory. Read tasks/recommend/sequence.h first.
#include "nn/format/json.h"
#include "nn/format/safetensors.h"
#include "tasks/recommend/sequence.h"
#include "tasks/spec/json_object.h"

namespace recommend {

using engine::check;
using engine::real;

void save_sequence(const SequenceModel& model, const std::string& directory) {
  const engine::NoGrad no_grad;
  const SequenceConfig& c = model.config;
  nn::ordered_json json{{"model_type", "attune-recommend"},
                        {"items", c.items},
                        {"hidden_size", c.hidden},
                        {"num_hidden_layers", c.layers},
                        {"num_attention_heads", c.heads},
                        {"intermediate_size", c.intermediate},
                        {"positions", c.positions},
                        {"user", c.user},
                        {"attention_temperature", c.attention_temperature},
                        {"attention_normaliser", c.attention_normaliser}};
  nn::write_file(directory + "/config.json", json.dump(2) + "\n");
  std::vector<Tensor> tensors;
  for (const Tensor& t : model.params.tensors()) {
    const std::string& name = t.name();
    const bool of_text = name.starts_with("item.") && name != "item.identity" && name != "item.bias";
    if (name == "item.identity")
      tensors.push_back(model.item_vectors().clone().named(name));
    else if (name == "item.bias")
      tensors.push_back(model.whole_bias().named(name));
    else if (!of_text)
      tensors.push_back(t);
  }
  nn::save_safetensors(directory + "/model.safetensors", tensors);
}

std::unique_ptr<SequenceModel> load_sequence(const std::string& directory) {
  const std::string path = directory + "/config.json";
  const auto json = nn::parse_ordered_json(nn::read_regular_file(path), path);
  spec::StrictObject object(json, path);
  std::string type;
  object.take("model_type", type);
  check(type == "attune-recommend", "{}: is a model of type '{}', not one that recommends", path, engine::shown(type));
  SequenceConfig c;
  object.take("items", c.items, 1, 1e9), object.take("hidden_size", c.hidden, 1, 1e5);
  object.take("num_hidden_layers", c.layers, 0, 1000), object.take("num_attention_heads", c.heads, 1, 1e4);
  object.take("intermediate_size", c.intermediate, 1, 1e6), object.take("positions", c.positions, 1, 1e6);
  object.take("user", c.user);
  object.take("attention_temperature", c.attention_temperature, 1e-3, 1e3);
  object.take("attention_normaliser", c.attention_normaliser);
  object.finish();
  check(c.user == "last" || c.user == "pooled" || c.user == "candidate",
        "{}: user must be last, pooled or candidate; got '{}'", path, engine::shown(c.user));
  const std::string& normaliser = c.attention_normaliser;
  check(normaliser == "softmax" || normaliser == "sparsemax" || normaliser == "entmax15",
        "{}: attention_normaliser must be softmax, sparsemax or entmax15; got '{}'", path, engine::shown(normaliser));
  auto model = std::make_unique<SequenceModel>(c, ItemText{}, 0);
  model->params.load(nn::open_weights(directory), [](const std::string&) { return false; });
  model->params.eval();
  return model;
}

}  // namespace recommend
