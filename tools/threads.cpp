// threads MODEL...: several threads use each model at once through the C interface and get the bits that one alone
// gets; calls that fail have each thread's own error. What tools/short_runs.sh watches; read tasks/capi/attune.h first.
#include <cstdio>
#include <thread>
#include <vector>

#include "tasks/capi/attune.h"

namespace {

constexpr int kThreads = 4, kRounds = 3;

struct Work {
  std::vector<float> vectors = std::vector<float>(1 << 14);
  std::vector<double> scores = std::vector<double>(256);
  int failed = 0;

  void use(const attune_model* model) {
    const char *texts[] = {"good food", "the room was cold, the staff rude", ""}, *wrong = "\xff";
    std::vector<int64_t> tokens(64 * ATTUNE_FIELDS);
    for (int round = 0; round < kRounds; ++round) {
      failed += attune_embed(model, texts, 3, vectors.data(), vectors.size()) <= 0;
      failed += attune_classify(model, 0, texts, nullptr, 3, nullptr, scores.data(), scores.size()) <= 0;
      failed += attune_tokenize(model, texts[1], nullptr, tokens.data(), tokens.size()) <= 0;
      failed += attune_tokenize(model, wrong, nullptr, tokens.data(), tokens.size()) >= 0 || !*attune_error();
    }
  }
};

bool sound(const char* directory) {
  attune_model* model = attune_load(directory, "threads = 2");
  if (!model) return std::printf("error: %s\n", attune_error()), false;
  Work alone, several[kThreads];
  alone.use(model);
  std::vector<std::thread> threads;
  for (Work& work : several) threads.emplace_back([&] { work.use(model); });
  for (std::thread& thread : threads) thread.join();
  attune_free(model);
  bool same = alone.failed == 0;
  for (const Work& work : several)
    same = same && work.failed == 0 && work.vectors == alone.vectors && work.scores == alone.scores;
  std::printf("%s: %s\n", directory, same ? "the same bits in every thread" : "threads disagree");
  return same;
}

}  // namespace

int main(int argc, char** argv) {
  bool all = argc > 1;
  for (int i = 1; i < argc; ++i) all = sound(argv[i]) && all;
  return all ? 0 : 1;
}
