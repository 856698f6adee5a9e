// Speed of whole training steps and inferences, alone and as one side of a comparison. tools/bench/README.md says what
// is measured and how; tools/bench/compare.sh sets the other side beside it.
#include <fcntl.h>
#include <omp.h>
#include <sched.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numeric>
#include <optional>

#include "engine/blas.h"
#include "engine/profile.h"
#include "nn/format/json.h"
#include "nn/format/pretrained.h"
#include "optim/adamw.h"
#include "optim/clip.h"
#include "tasks/run/console.h"
#include "tools/bench/clock.h"
#include "tools/bench/first_step.h"
#include "tools/bench/limits.h"
#include "tools/bench/works.h"

extern char** environ;

namespace {

using namespace engine;
using bench::Batch;
using bench::Work;
using nn::ordered_json;

nn::Config shape_named(const std::string& name) {
  nn::Config c;
  c.labels = {"negative", "positive", "neutral"};
  if (name == "base") return c;
  const bool small = name == "small";
  check(small || name == "tiny", "--shape '{}' is not one of base, small, tiny", name);
  c.num_hidden_layers = small ? 4 : 2;
  c.hidden_size = small ? 256 : 128;
  c.num_attention_heads = small ? 4 : 2;
  c.intermediate_size = 4 * c.hidden_size;
  return c;
}

// ---- what is timed --------------------------------------------------------------------------------------------------

nn::Model classifier(const nn::Config& c) { return nn::Model(c, {nn::only_head(c)}, 42); }

// What packs and does not belong to a head multiplies int8, as with the weights of a directory that `quantize` wrote.
void pack_bytes(nn::Model& model) {
  model.pack();
  model.for_each_linear([](nn::Linear& layer) {
    if (layer.packed && !nn::belongs_to_head(layer.weight.name()))
      layer.packed = std::make_shared<PackedLinear>(byte_rows(layer.weight), layer.bias);
  });
}

// A training step as `sentiment train` makes it: dropout 0.1, cross-entropy, clipping at 1, AdamW with decay.
class Trainer {
 public:
  explicit Trainer(nn::Model& model) : model_(model), adamw_(model.params.trainable()) {}

  void step(const Batch& batch) {
    gradients(batch);
    update();
    model_.params.clear_grads();
  }
  void gradients(const Batch& batch) {
    model_.params.train(step_++);
    backward(cross_entropy(model_(batch.tokens), batch.labels));
  }
  void update() {
    const std::vector<Tensor>& parameters = model_.params.tensors();
    const double norm = optim::grad_norm(parameters);
    adamw_.step(2e-5, optim::clip_factor(parameters, norm, 1));
  }

 private:
  nn::Model& model_;
  optim::AdamW adamw_;
  long step_ = 0;
};

Tensor infer(nn::Model& model, const Batch& batch) {
  const NoGrad no_grad;
  model.params.eval();
  return model(batch.tokens);
}

double sample(const std::function<void()>& pass) { return bench::repeated(pass).seconds; }

double median_of_samples(int samples, const std::function<void()>& pass) {
  pass();  // warm-up
  std::vector<double> seconds;
  for (int i = 0; i < samples; ++i) seconds.push_back(sample(pass));
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

// Operations of a forward pass: the linear layers and attention. In the last layer only [CLS] asks.
double forward_flops(const nn::Config& c, const nn::Tokens& tokens) {
  const double N = double(tokens.count()), B = double(tokens.sequences()), L = double(c.num_hidden_layers);
  const double C = double(c.hidden_size), F = double(c.intermediate_size);
  double pairs = 0;
  for (long b = 0; b < tokens.sequences(); ++b) {
    const double T = tokens.offsets[b + 1] - tokens.offsets[b];
    pairs += (L - 1) * T * T + T;
  }
  const double rows = (L - 1) * N + B;  // that go through a whole layer
  return 2 * rows * (2 * C * C + 2 * C * F) + 2 * L * N * 2 * C * C + 4 * pairs * C + 2 * B * C * C;
}

// Trains (or infers) on a work; what was measured goes into the table and the JSON.
struct Figures {
  double seconds = 0, flops = 0, tokens = 0, bytes = 0;
  double rate() const { return flops / seconds / 1e9; }
};
Figures measure(const nn::Config& config, const std::string& what, const Work& work, int samples) {
  forget_peak();
  nn::Model model = classifier(config);
  model.params.initialise();
  std::optional<Trainer> trainer;
  if (what == "train")
    trainer.emplace(model);
  else
    model.pack();
  Figures f;
  for (const Batch& batch : work) {
    f.flops += (what == "train" ? 3 : 1) * forward_flops(config, batch.tokens);
    f.tokens += double(batch.tokens.count());
  }
  f.seconds = median_of_samples(samples, [&] {
    for (const Batch& batch : work)
      if (trainer)
        trainer->step(batch);
      else
        infer(model, batch);
  });
  f.bytes = double(memory_use().peak);
  return f;
}

// A table on stdout, and the same as JSON.
class Table {
 public:
  explicit Table(const std::string& first) {
    fmt::print("{:<28}{:>12}{:>12}{:>12}{:>10}{:>10}\n", first, "ms", "us/token", "GFLOP/s", "of limit", "MiB");
  }
  void row(const std::string& name, const Figures& f) {
    fmt::print("{:<28}{:>12.3f}{:>12.2f}{:>12.1f}{:>9.0f}%{:>10.0f}\n", name, 1e3 * f.seconds,
               1e6 * f.seconds / f.tokens, f.rate(), 100e9 * f.rate() / bench::flops_limit(), f.bytes / 1048576);
    std::fflush(stdout);
    rows_.push_back({{"name", name},
                     {"seconds", f.seconds},
                     {"tokens", f.tokens},
                     {"gflops", f.rate()},
                     {"limit_gflops", bench::flops_limit() / 1e9},
                     {"peak_tensor_bytes", f.bytes}});
  }
  void save(const std::string& path) const {
    if (!path.empty())
      nn::write_file(path, ordered_json{{"setup", blas_description()}, {"rows", rows_}}.dump(2) + "\n");
  }

 private:
  ordered_json rows_ = ordered_json::array();
};

// ---- commands -------------------------------------------------------------------------------------------------------

void prepare(run::Options& options, const run::Parse& parse) {
  std::string shape, out;
  options.add("--shape", shape, "base (12 layers of 768), small (4 of 256) or tiny (2 of 128)").required();
  options.add("--out", out, "directory for config.json, model.safetensors and the works as JSON").required();
  parse();
  const nn::Config config = shape_named(shape);
  nn::Model model = classifier(config);
  model.params.initialise();
  std::filesystem::create_directories(out);
  nn::save_pretrained(model, out);
  for (const auto& [name, make] : bench::works()) nn::write_file(out + "/" + name + ".json", bench::json_of(make()));
}

// The side of attune in a comparison: bench::answer().
void serve(run::Options& options, const run::Parse& parse) {
  std::string what, directory, name = "full";
  bool int8 = false;
  options.add("what", what, "train, infer, or adamw: clipping and update alone")
      .required()
      .one_of({"train", "infer", "adamw"});
  options.add("--model", directory, "directory that `prepare` made").required();
  options.add("--work", name, "full, real, sorted, dev, 1x32, 1x128 or 32x128");
  options.add("--int8", int8, "infer with int8 weights");
  parse();
  check(!int8 || what == "infer", "--int8 is for infer, not for {}", what);
  nn::Model model = classifier(nn::read_config(directory + "/config.json"));
  nn::load_pretrained(model, directory);
  const Work work = bench::work_named(name);
  Trainer trainer(model);
  if (what == "infer") int8 ? pack_bytes(model) : model.pack();
  profile_end("set-up", Pass::other);

  ordered_json ready{{"ready", true}, {"setup", blas_description()}};
  std::vector<real> logits = infer(model, work[0]).to_vector();
  if (what == "train") ready["loss"] = cross_entropy(infer(model, work[0]), work[0].labels).item();
  if (what == "infer") ready["logits"] = std::vector<real>(logits.begin(), logits.begin() + 3);
  const auto pass = [&] {
    if (what == "adamw") return trainer.update();
    for (const Batch& batch : work)
      if (what == "train")
        trainer.step(batch);
      else
        infer(model, batch);
  };
  if (what == "adamw") trainer.gradients(work[0]);
  pass();  // warm-up
  bench::answer(
      ready, [&] { return bench::repeated(pass); },
      [] {
        return ordered_json{{"peak_tensor_bytes", memory_use().peak}};
      });
}

void steps(run::Options& options, const run::Parse& parse) {
  std::vector<std::string> shapes{"tiny", "small", "base"};
  std::string out;
  int samples = 5;
  options.add("--shape", shapes, "base, small, tiny; may be repeated; all of them if not given");
  options.add("--samples", samples, "the median of so many is shown").between(1, 1000);
  options.add("--out", out, "also write the figures as JSON to this file");
  parse();
  Table table("work");
  for (const std::string& shape : shapes) {
    for (const char* work : {"full", "real"})
      table.row(fmt::format("train {} {}", shape, work),
                measure(shape_named(shape), "train", bench::work_named(work), samples));
    for (const char* work : {"1x32", "1x128", "32x128", "dev"})
      table.row(fmt::format("infer {} {}", shape, work),
                measure(shape_named(shape), "infer", bench::work_named(work), samples));
  }
  table.save(out);
}

// A way to multiply the weights of all layers, and what its rounds took.
struct Way {
  const char* name;
  std::optional<Instructions> instructions = {};
  bool int8 = false;
  size_t beside = 0;  // what it is compared with
  std::vector<std::shared_ptr<const PackedLinear>> layers = {};
  std::vector<double> seconds = {};
};

std::vector<Way> ways_of(nn::Model& model) {
  std::vector<Way> ways{{"plain"}};
  for (const auto& [name, name8, instructions] : {std::tuple{"packed, avx2", "int8, avx2", Instructions::avx2},
                                                  {"packed", "int8, vnni", Instructions::avx512},
                                                  {"packed, again", "int8, amx", Instructions::amx}}) {
    if (std::ranges::count(instructions_here(), instructions) == 0) continue;
    ways.push_back({name, instructions});
    ways.push_back({name8, instructions, true, ways.size() - 1});
  }
  for (Way& way : ways)
    model.for_each_linear([&](nn::Linear& layer) {
      std::shared_ptr<const PackedLinear>& to = way.layers.emplace_back();
      if (!way.instructions || nn::belongs_to_head(layer.weight.name())) return;
      to = way.int8 ? std::make_shared<PackedLinear>(byte_rows(layer.weight), layer.bias, *way.instructions)
                    : std::make_shared<PackedLinear>(layer.weight, layer.bias, *way.instructions);
    });
  return ways;
}

void print_way(const std::string& what, const Way& way, const Way& beside) {
  std::vector<double> ratios, sorted = way.seconds;
  for (size_t i = 0; i < sorted.size(); ++i) ratios.push_back(beside.seconds[i] / way.seconds[i]);
  std::ranges::sort(ratios), std::ranges::sort(sorted);
  fmt::print("{:<15} {:<14} {:>10.3f} ms   {} / this {:.2f} ({:.2f} to {:.2f})\n", what, way.name,
             1e3 * sorted[sorted.size() / 2], beside.name, ratios[ratios.size() / 2], ratios.front(), ratios.back());
}

// One model whose weights multiply in several ways, by turns. Shown are milliseconds, and against float32 as it is
// packed with the same instructions the median of the rounds' ratios, the smallest and the largest.
void weights(run::Options& options, const run::Parse& parse) {
  std::string shape = "base";
  std::vector<std::string> names{"1x32", "1x128", "32x128", "dev"};
  int rounds = 7;
  options.add("--shape", shape, "base, small or tiny");
  options.add("--work", names, "1x32, 1x128, 32x128, dev; may be repeated; all of them if not given");
  options.add("--rounds", rounds, "samples of each").between(1, 1000);
  parse();
  nn::Model model = classifier(shape_named(shape));
  model.params.initialise();
  std::vector<Way> ways = ways_of(model);
  for (const std::string& name : names) {
    const Work work = bench::work_named(name);
    for (int round = -1; round < rounds; ++round)  // the first warms up
      for (Way& way : ways) {
        size_t next = 0;
        model.for_each_linear([&](nn::Linear& layer) { layer.packed = way.layers[next++]; });
        const double seconds = sample([&] {
          for (const Batch& batch : work) infer(model, batch);
        });
        if (round >= 0) way.seconds.push_back(seconds);
      }
    for (const Way& way : ways) print_way(shape + " " + name, way, ways[way.beside]);
    std::fflush(stdout);
    for (Way& way : ways) way.seconds.clear();
  }
}

// How the cost of a training step grows, one thing at a time, the others as in 16 x 128 tokens of the shape.
void growth(run::Options& options, const run::Parse& parse) {
  std::string shape = "small", out;
  options.add("--shape", shape, "base, small or tiny");
  options.add("--out", out, "also write the figures as JSON to this file");
  parse();
  Table table("training step");
  const nn::Config config = shape_named(shape);
  const auto row = [&](const std::string& name, const nn::Config& c, int batch, int length) {
    table.row(fmt::format("{} {}", shape, name),
              measure(c, "train", bench::work_of(std::vector<int>(batch, length), batch), 3));
  };
  for (int batch : {1, 4, 16, 64}) row(fmt::format("batch {} x 128", batch), config, batch, 128);
  for (int length : {16, 32, 64, 128, 256, 512})
    row(fmt::format("length {} x {}", 2048 / length, length), config, 2048 / length, length);
  for (int layers : {1, 2, 4, 8, 12}) {
    nn::Config deeper = config;
    deeper.num_hidden_layers = layers;
    row(fmt::format("layers {}", layers), deeper, 16, 128);
  }
  const int all = omp_get_max_threads();
  for (int threads = 1; threads <= all; threads *= 2) {
    omp_set_num_threads(threads);
    row(fmt::format("threads {}", threads), config, 16, 128);
  }
  omp_set_num_threads(all);
  table.save(out);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(
      argc, argv, "bench", "Times whole training steps and inferences.",
      {{"prepare", "write a model and the works that are timed", prepare},
       {"serve", "take samples on request: one side of compare.sh", serve},
       {"steps", "a table of training steps and inferences of base, small and tiny", steps},
       {"weights", "weights as they are, packed and as int8, by turns", weights},
       {"growth", "how a step grows with batch, length, layers and threads", growth},
       {"first-step", "seconds from the start of a training run to its first step", bench::first_step}});
}
