// Speed of whole training steps and inferences, alone and as one side of a comparison. tools/bench/README.md says what
// is measured and how; tools/bench/compare.sh sets the other side beside it.
#include <fcntl.h>
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

#include "engine/blas.h"
#include "engine/profile.h"
#include "nn/json.h"
#include "nn/pretrained.h"
#include "optim/adamw.h"
#include "optim/clip.h"
#include "tasks/run/program.h"

extern char** environ;

namespace {

using namespace engine;
using nlohmann::ordered_json;

// Lengths of SST-2's training sentences in pieces of bert-base-uncased, [CLS] and [SEP] included: 64 quantiles.
constexpr int kLengths[64] = {4,  6,  7,  8,  9,  9,  10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 16, 16, 17, 17, 18,
                              18, 18, 19, 19, 20, 20, 21, 21, 22, 22, 23, 23, 23, 24, 24, 25, 25, 26, 26, 27, 27, 28,
                              28, 29, 30, 30, 31, 31, 32, 33, 33, 34, 35, 36, 37, 38, 39, 41, 42, 44, 47, 52};

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

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

long peak_rss() {
  rusage use;
  getrusage(RUSAGE_SELF, &use);
  return use.ru_maxrss * 1024;
}

// ---- works: what a pass goes over ------------------------------------------------------------------------------------

struct Batch {
  nn::Tokens tokens;
  Indices labels;
};
using Work = std::vector<Batch>;

Batch batch_of(const std::vector<int>& lengths, const Random& random) {
  Batch batch;
  batch.tokens.offsets = {0};
  std::vector<uint32_t> word(std::accumulate(lengths.begin(), lengths.end(), 0));
  random.words(0, long(word.size()), word.data());
  for (int length : lengths) {
    for (int t = 0; t < length; ++t) {
      const int inner = 1000 + int(word[batch.tokens.ids.size()] % 28000);
      batch.tokens.ids.push_back(t == 0 ? 101 : t + 1 == length ? 102 : inner);  // [CLS] ... [SEP]
      batch.tokens.positions.push_back(t);
      batch.tokens.types.push_back(0);
    }
    batch.tokens.offsets.push_back(int(batch.tokens.ids.size()));
    batch.labels.push_back(int(batch.labels.size() % 3));
  }
  return batch;
}

// `lengths` in groups of `size`.
Work work_of(const std::vector<int>& lengths, size_t size) {
  Work work;
  for (size_t i = 0; i < lengths.size(); i += size)
    work.push_back(batch_of({lengths.begin() + i, lengths.begin() + i + size},
                            {42, Stream::shuffle, uint32_t(work.size()), uint32_t(size)}));
  return work;
}

std::vector<int> real_lengths(int copies, bool sorted) {
  std::vector<int> lengths;
  for (int i = 0; i < copies; ++i) lengths.insert(lengths.end(), kLengths, kLengths + 64);
  if (sorted) return std::sort(lengths.begin(), lengths.end()), lengths;
  std::vector<int> shuffled;
  for (int i : permutation(int(lengths.size()), {7, Stream::shuffle, 0, 0})) shuffled.push_back(lengths[i]);
  return shuffled;
}

const std::map<std::string, std::function<Work()>>& works() {
  static const std::map<std::string, std::function<Work()>> all{
      {"full", [] { return work_of(std::vector<int>(16, 128), 16); }},
      {"real", [] { return work_of(real_lengths(1, false), 16); }},
      {"sorted", [] { return work_of(real_lengths(1, true), 16); }},
      {"dev", [] { return work_of(real_lengths(4, false), 32); }},
      {"1x32", [] { return work_of({32}, 1); }},
      {"1x128", [] { return work_of({128}, 1); }},
      {"32x128", [] { return work_of(std::vector<int>(32, 128), 32); }},
  };
  return all;
}

Work work_named(const std::string& name) {
  check(works().contains(name), "--work '{}' is not one of full, real, sorted, dev, 1x32, 1x128, 32x128", name);
  return works().at(name)();
}

std::string json_of(const Work& work) {
  ordered_json batches = ordered_json::array();
  for (const Batch& batch : work) {
    ordered_json ids = ordered_json::array();
    for (long b = 0; b < batch.tokens.sequences(); ++b)
      ids.push_back(Indices(batch.tokens.ids.begin() + batch.tokens.offsets[b],
                            batch.tokens.ids.begin() + batch.tokens.offsets[b + 1]));
    batches.push_back({{"ids", ids}, {"labels", batch.labels}});
  }
  return ordered_json{{"batches", batches}}.dump() + "\n";
}

// ---- what is timed ---------------------------------------------------------------------------------------------------

struct Model {
  nn::Params params{42};
  nn::BertClassifier classifier;
  explicit Model(const nn::Config& c) : classifier(params.root(), c) {}
};

// A training step as `sentiment train` makes it: dropout 0.1, cross-entropy, clipping at 1, AdamW with decay.
class Trainer {
 public:
  explicit Trainer(Model& model) : model_(model), adamw_(model.params.trainable()) {}

  void step(const Batch& batch) {
    gradients(batch);
    update();
    model_.params.clear_grads();
  }
  void gradients(const Batch& batch) {
    model_.params.train(step_++);
    backward(cross_entropy(model_.classifier(batch.tokens), batch.labels));
  }
  void update() {
    const std::vector<Tensor>& parameters = model_.params.tensors();
    const double norm = optim::grad_norm(parameters);
    adamw_.step(2e-5, optim::clip_factor(parameters, norm, 1));
  }

 private:
  Model& model_;
  optim::AdamW adamw_;
  long step_ = 0;
};

Tensor infer(Model& model, const Batch& batch) {
  const NoGrad no_grad;
  model.params.eval();
  return model.classifier(batch.tokens);
}

// Seconds of one pass; passes are repeated until 0.2 s are over.
double sample(const std::function<void()>& pass) {
  const double start = now();
  long passes = 0;
  for (double spent = 0; spent < 0.2; spent = now() - start) pass(), ++passes;
  return (now() - start) / double(passes);
}

// ---- commands --------------------------------------------------------------------------------------------------------

void prepare(CLI::App& app, const run::Parse& parse) {
  std::string shape, out;
  app.add_option("--shape", shape, "base (12 layers of 768), small (4 of 256) or tiny (2 of 128)")->required();
  app.add_option("--out", out, "directory for config.json, model.safetensors and the works as JSON")->required();
  parse();
  const nn::Config config = shape_named(shape);
  Model model(config);
  model.params.initialise();
  std::filesystem::create_directories(out);
  nn::save_pretrained(model.params, config, out);
  for (const auto& [name, make] : works()) nn::write_file(out + "/" + name + ".json", json_of(make()));
}

// One line {"ready": ...}; for every line on stdin one sample {"seconds": s}; at the end {"peak_rss_bytes": n}.
void serve(CLI::App& app, const run::Parse& parse) {
  std::string what, directory, name = "full";
  app.add_option("what", what, "train, infer, or adamw: clipping and update alone")
      ->required()
      ->check(CLI::IsMember({"train", "infer", "adamw"}));
  app.add_option("--model", directory, "directory that `prepare` made")->required();
  app.add_option("--work", name, "full, real, sorted, dev, 1x32, 1x128 or 32x128");
  parse();
  Model model(nn::read_config(directory + "/config.json"));
  nn::load_pretrained(model.params, directory);
  const Work work = work_named(name);
  Trainer trainer(model);
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
  std::cout << ready.dump() << std::endl;
  for (std::string line; std::getline(std::cin, line);)
    std::cout << (profile_end("waiting", Pass::other), ordered_json{{"seconds", sample(pass)}}.dump()) << std::endl;
  std::cout << ordered_json{{"peak_rss_bytes", peak_rss()}, {"peak_tensor_bytes", memory_use().peak}}.dump()
            << std::endl;
}

// From the start of `sentiment train` to the first line of its log, which is written after the first step.
void first_step(CLI::App&, const run::Parse& parse) {
  parse();
  namespace fs = std::filesystem;
  const std::string program = fs::read_symlink("/proc/self/exe").parent_path() / "sentiment";
  const std::string out = fs::temp_directory_path() / fmt::format("attune-first-step-{}", getpid());
  std::string command = program;
  std::vector<std::string> words{program, "train", "--model", "mini", "--out", out};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
  cpu_set_t everywhere;  // this thread may be bound to one processor, and a child inherits that
  CPU_ZERO(&everywhere);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &everywhere);
  sched_setaffinity(0, sizeof everywhere, &everywhere);
  pid_t child = 0;
  const double start = now();
  check(posix_spawn(&child, program.c_str(), &quiet, nullptr, arguments.data(), environ) == 0, "{} cannot be started",
        program);
  const auto logged = [&] {
    std::error_code none;
    const auto size = fs::file_size(out + "/log.jsonl", none);
    return !none && size > 0;
  };
  int status = 0;
  while (!logged() && waitpid(child, &status, WNOHANG) == 0) usleep(500);
  const double seconds = now() - start;
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  check(logged(), "{} ended without a step", program);
  fs::remove_all(out);
  fmt::print("{}\n", ordered_json{{"seconds", seconds}}.dump());
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(argc, argv, "bench", "Times whole training steps and inferences.",
                      {{"prepare", "write a model and the works that are timed", prepare},
                       {"serve", "take samples on request: one side of compare.sh", serve},
                       {"first-step", "seconds from the start of a training run to its first step", first_step}});
}
