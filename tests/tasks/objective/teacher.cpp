// A teacher's outputs on disk: the same bits as beside the teacher, and believed only where they belong.
#include <fstream>

#include "nn/format/tensor_stream.h"
#include "tests/support/programs.h"

using namespace test;

namespace {

const std::string kTiny = " --hidden 16 --heads 2 --max-length 12 --epochs 2 --batch-size 5 ";

std::string data_file(const TemporaryDirectory& dir) {
  std::string rows = "label\ttext\tsplit\n";
  const char* words[] = {"dull and far too long for what it has to say", "warm, quick and fine", "it opens at noon"};
  const char* labels[] = {"negative", "positive", "neutral"};
  for (int i = 0; i < 24; ++i)
    rows += fmt::format("{}\t{} {} {}\t{}\n", labels[i % 3], i, words[i % 3], std::string(i, 'x'),
                        i < 18 ? "train" : "dev");
  return dir.write("data.tsv", rows);
}

}  // namespace

TEST_CASE("tensor stream: what was written comes back part by part; other counts and places are refused") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/t.safetensors";
  const std::vector<real> numbers{1, -2, 3, 4, real(0.5)};
  const auto write = [&](long announced) {
    nn::write_tensor_stream(path, "x", announced, {{"who", "me"}}, [&](const nn::Append& append) {
      append(numbers.data(), 2);
      append(numbers.data() + 2, 3);
    });
  };
  CHECK(error_of([&] { write(6); }).find("6 numbers were announced, 5 came") != std::string::npos);
  CHECK(!std::filesystem::exists(path));
  write(5);
  const nn::TensorStream stream(path, "x");
  CHECK(stream.count() == 5);
  CHECK(stream.metadata().at("who") == "me");
  std::vector<real> part(3);
  stream.read(1, 3, part.data());
  CHECK(part == std::vector<real>{-2, 3, 4});
  CHECK(nn::SafeTensors(path).read("x").to_vector() == numbers);  // and any reader of the format can
  CHECK(error_of([&] { stream.read(3, 3, part.data()); }).find("3 numbers from 3 on are not in its 5") !=
        std::string::npos);
}

TEST_CASE("teacher cache: every term has the same bits from the cache as beside the teacher, windows included") {
  const TemporaryDirectory dir;
  const std::string data = data_file(dir), teacher = dir.path + "/teacher", cache = dir.path + "/cache.safetensors";
  REQUIRE(call("sentiment", "train --model bert --layers 3" + kTiny + "--lr 1e-3 --data " + data + " --out " + teacher)
              .status == 0);
  std::string terms;
  for (const char* term : {"soft-targets", "soft-cross-entropy", "score-mse", "attention-cross-entropy", "attention-kl",
                           "minilm", "relations", "hidden-mse", "hidden-cosine", "activation-map", "patient"})
    terms += fmt::format(" --{} 0.5", term);
  const auto train = [&](const std::string& out, const std::string& options) {
    const Result result =
        call("transfer", "train --teacher " + teacher + " --data " + data + kTiny +
                             "--layers 2 --long window --lr 1e-3 --out " + dir.path + "/" + out + options);
    REQUIRE_MESSAGE(result.status == 0, result.output);
    return result;
  };
  train("beside", terms);
  train("writes", terms + " --teacher-cache " + cache);
  const Result reads = train("reads", terms + " --teacher-cache " + cache);
  CHECK(reads.says("teacher: logits scores.0 query.0 key.0 value.0 hidden.0 scores.2"));
  const auto log = [&](const std::string& out) { return nn::read_file(dir.path + "/" + out + "/log.jsonl"); };
  CHECK(log("writes") == log("beside"));
  CHECK(log("reads") == log("beside"));
  train("less", " --minilm 1 --layer-map last --teacher-cache " + cache);  // a cache may hold more than is needed
  train("less-beside", " --minilm 1 --layer-map last");
  CHECK(log("less") == log("less-beside"));
}

TEST_CASE("teacher cache: other weights, other texts, an output that is missing, and half a file are refused") {
  const TemporaryDirectory dir;
  const std::string data = data_file(dir), teacher = dir.path + "/teacher", other = dir.path + "/other";
  const std::string cache = dir.path + "/cache.safetensors";
  const std::string bert = "train --model bert --layers 2" + kTiny + "--data " + data + " --out ";
  REQUIRE(call("sentiment", bert + teacher).status == 0);
  REQUIRE(call("sentiment", bert + other + " --seed 3").status == 0);
  const auto with = [&](const std::string& from, const std::string& options) {
    return call("transfer", "train --teacher " + from + " --layers 1 --data " + data + kTiny + "--overwrite --out " +
                                dir.path + "/student --teacher-cache " + cache + " " + options);
  };
  const auto refused = [&](const Result& result, const std::string& why) {
    CHECK_MESSAGE(result.status == 1, result.output);
    CHECK_MESSAGE(result.last_line().find(why) != std::string::npos, result.output);
  };
  REQUIRE(with(teacher, "--score-mse 1 --layer-map 1").status == 0);
  refused(with(other, "--score-mse 1 --layer-map 1"), "a cache of another teacher; remove it, or name another file");
  refused(with(teacher, "--score-mse 1 --layer-map 1 --max-length 5"), "a cache for other texts");
  refused(with(teacher, "--score-mse 1 --layer-map 0"), "the cache holds scores.1, but scores.0 is needed");
  refused(with(teacher, "--soft-targets 1"), "the cache holds scores.1, but logits is needed");
  const std::string whole = nn::read_file(cache);
  std::string flipped = whole;
  flipped[whole.size() - 7] = char(flipped[whole.size() - 7] ^ 16);
  dir.write("cache.safetensors", flipped);
  refused(with(teacher, "--score-mse 1 --layer-map 1"), "damaged: its bytes are not those that were written");
  dir.write("cache.safetensors", whole.substr(0, whole.size() / 2));
  refused(with(teacher, "--score-mse 1 --layer-map 1"), "cache.safetensors");
  dir.write("cache.safetensors", "not a cache");
  refused(with(teacher, "--score-mse 1 --layer-map 1"), "cache.safetensors");
}
