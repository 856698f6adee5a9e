// An adapter, merged; a model, quantised. Read nn/adapter/attach.h and nn/format/pretrained.h first.
#include "tasks/model/merge.h"

#include <filesystem>

#include "nn/format/whole_directory.h"
#include "tasks/model/adapter.h"
#include "tasks/model/directory.h"

namespace model {

using engine::check;

namespace {

// What an encoder that classifies nothing is for; its head is to be kept, too.
void set_task_without_labels(ModelDirectory& from) {
  if (from.named()) return;
  if (from.config.architecture == "BertForMaskedLM") from.tasks[0].head = nn::Predicts::pieces;
  if (from.config.architecture != "BertModel") return;
  from.tasks[0].head = nn::Predicts::vector;
  if (const auto projection = nn::stored_parameter(from.path, "projection.weight"))
    from.tasks[0].width = projection->dim(0);
}

// From a directory to a new one.
struct Rewriting {
  std::string directory, base, out;
  ModelDirectory parsed(run::Options& options, const run::Parse& parse, const char* result) {
    options.add("--model", directory, "directory of a run, of a model or of an adapter").required();
    declare_base(options, base);
    options.add("--out", out, result).required();
    parse();
    check(!std::filesystem::exists(out), "{}: is there already; name a new directory", out);
    return ModelDirectory(directory, base);
  }
};

}  // namespace

void merge_command(run::Options& options, const run::Parse& parse) {
  Rewriting to;
  ModelDirectory from = to.parsed(options, parse, "directory for the plain model");
  check(from.adapter.has_value(), "{}: is a model, not an adapter: there is nothing to be merged", from.path);
  check(from.adapter->merges(),
        "{}: a {} is a network of its own, not a change of weights: it stays an adapter, which every command reads",
        from.path, nn::name_of(from.adapter->kind));
  set_task_without_labels(from);
  const auto model = load_model(from);
  nn::write_directory(to.out, [&](const std::string& directory) { model->save(directory); });
  fmt::print("result task=merge model={} base={} out={}\n", from.path, from.base, to.out);
}

void quantize_command(run::Options& options, const run::Parse& parse) {
  Rewriting to;
  ModelDirectory from = to.parsed(options, parse, "directory for the model with int8 weights");
  check(!from.config.int8, "{}: its weights are int8 already", from.base);
  check(!from.adapter || from.adapter->merges(),
        "{}: a {} is a network of its own, beside the weights: quantise its base", from.path,
        from.adapter ? nn::name_of(from.adapter->kind) : "");
  set_task_without_labels(from);
  const auto model = load_model(from);
  nn::write_directory(to.out, [&](const std::string& directory) { model->save(directory, nn::Stored::i8); });
  print_quantized(from.path, to.out, model->net.params.count());
}

void print_quantized(const std::string& model, const std::string& out, long parameters) {
  const auto bytes = double(std::filesystem::file_size(out + "/model.safetensors"));
  fmt::print("result task=quantize model={} out={} megabytes={:.1f} share={:.3f}\n", model, out, bytes / 1e6,
             bytes / (4. * double(parameters)));
}

}  // namespace model
