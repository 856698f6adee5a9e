// The mean of the last epochs' weights, and which of them are kept as long as an epoch may have to be done again.
#include "tasks/translate/average.h"

#include "tests/support/nn.h"

using namespace test;

namespace {

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("average: the epochs that an epoch needs are there as long as the run may begin it again") {
  const TemporaryDirectory dir;
  const translate::Average average(dir.path + "/epochs", 2);
  nn::Params params(1), mean(1);
  const nn::Linear of(params.root() / "layer", 2, 1, real(0.1)), to(mean.root() / "layer", 2, 1, real(0.1));
  params.initialise(), mean.initialise();
  const auto epoch = [&](long number, long first) {
    std::fill_n(of.weight.data(), 2, real(10 * number));
    average.keep(params, number, first);
  };
  const auto at = [&](long number) {
    average.read(mean, number);
    return double(to.weight.data()[0]);
  };
  for (long n = 1; n <= 4; ++n) epoch(n, 2);  // the checkpoint of epoch 1 is the last one: saving is slow
  CHECK(at(4) == 35);
  epoch(2, 2);  // killed, gone on with from epoch 2
  CHECK(at(2) == 15);
  epoch(3, 3);
  CHECK(at(3) == 25);
  CHECK(names_in(dir.path + "/epochs") ==
        std::vector<std::string>{"epoch-2.safetensors", "epoch-3.safetensors", "epoch-4.safetensors"});
  epoch(5, 5);
  CHECK(names_in(dir.path + "/epochs").front() == "epoch-4.safetensors");
}
