// Adapters through the programs: trained over a model that stays, resumed, used, merged; what does not fit is refused.
#include <filesystem>

#include "nn/adapter/files.h"
#include "tests/support/programs.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

const std::string kBase =
    "train --model bert --layers 2 --hidden 32 --heads 2 --max-length 16 --epochs 2 --batch-size 8 --lr 0.01 ";

// A base model of two epochs on three moods, and what every training over it is told.
struct Based {
  TemporaryDirectory dir;
  std::string data = three_moods(dir), base = dir.path + "/base";
  std::string over = "train --model " + base + " --max-length 12 --batch-size 8 --data " + data + " ";

  Based() { REQUIRE(sentiment(kBase + "--data " + data + " --out " + base).status == 0); }
  Result sentiment(const std::string& arguments, const std::string& redirect = "2>&1") const {
    return run_shell("OMP_NUM_THREADS=1 " + program("sentiment") + " " + arguments + " " + redirect);
  }
  std::vector<double> said(const std::string& model) const {
    const Result result =
        sentiment("predict --model " + model + " 'good thing' 'awful bad' 'noon train'", "2>/dev/null");
    CHECK(result.status == 0);
    std::vector<double> all;
    for (const auto& line : lines_of(result.output))
      for (const auto& [label, p] : line["probabilities"].items()) all.push_back(p);
    REQUIRE(all.size() == 9);
    return all;
  }
  void refuses(const std::string& command, const std::string& what) const {
    const Result result = sentiment(command + " --out " + dir.path + "/none");
    CHECK(result.status != 0);
    CHECK_MESSAGE(result.output.find("error: ") != std::string::npos, result.output);
    CHECK_MESSAGE(result.output.find(what, result.output.find("error: ")) != std::string::npos, result.output);
    CHECK(!fs::exists(dir.path + "/none"));
  }
};

const char* const kKinds[] = {"lora",
                              "lora --adapter-form dora --adapter-stabilised --adapter-targets query,'*.dense'",
                              "bottleneck",
                              "bottleneck --adapter-form houlsby",
                              "prefix --adapter-rank 4",
                              "bitfit"};

bool merges(const std::string& kind) { return kind.starts_with("lora") || kind == "bitfit"; }

}  // namespace

TEST_CASE("adapters: each kind is trained over a base that stays, is small, and every command reads what it left") {
  const Based b;
  const std::string before = nn::read_file(b.base + "/best/model.safetensors");
  int i = 0;
  for (const std::string kind : kKinds) {
    const std::string run = fmt::format("{}/{}", b.dir.path, i++), best = run + "/best";
    const Result trained = b.sentiment(b.over + "--epochs 8 --lr 0.02 --adapter " + kind + " --out " + run);
    REQUIRE_MESSAGE(trained.status == 0, trained.output);
    CHECK(trained.output.find("parameters are trained") != std::string::npos);
    const auto log = lines_of(nn::read_file(run + "/log.jsonl"));
    CHECK_MESSAGE(log[log.size() - 2]["loss"].get<double>() < log[0]["loss"].get<double>(), kind);
    CHECK(!fs::exists(best + "/model.safetensors"));
    CHECK(!fs::exists(best + "/vocab.txt"));
    CHECK(fs::file_size(best + "/adapter_model.safetensors") < fs::file_size(b.base + "/best/model.safetensors") / 2);
    const nn::SafeTensors adapter(best + "/adapter_model.safetensors");
    CHECK(adapter.metadata().at("base_sha256") == nn::fingerprint_of(nn::open_weights(b.base + "/best")));
    CHECK(nn::stored_parameter(best, "classifier.weight").has_value());
    const nn::SafeTensors checkpoint(run + "/last.safetensors");  // what trains alone, with its moments
    CHECK(checkpoint.entries().size() == 3 * adapter.entries().size() + 1);
    const Result measured = b.sentiment("evaluate --model " + run + " --data " + b.data);
    CHECK_MESSAGE(measured.status == 0, measured.output);
    const std::vector<double> said = b.said(run);
    const Result merged = b.sentiment("merge --model " + run + " --out " + run + "/plain");
    CHECK_MESSAGE((merged.status == 0) == merges(kind), merged.output);
    if (!merges(kind)) {
      CHECK(merged.last_line().find("it stays an adapter, which every command reads") != std::string::npos);
      continue;
    }
    CHECK(nn::SafeTensors(run + "/plain/model.safetensors").entries().size() ==
          nn::open_weights(b.base + "/best").entries().size());
    const std::vector<double> plain = b.said(run + "/plain");
    for (size_t p = 0; p < said.size(); ++p) CHECK(std::abs(plain[p] - said[p]) < 1e-5);
  }
  CHECK(nn::read_file(b.base + "/best/model.safetensors") == before);
}

TEST_CASE("adapters: one that does not say which base it is of, as peft's, is taken with a note") {
  const Based b;
  const std::string run = b.dir.path + "/run", of_peft = b.dir.path + "/of_peft", note = "does not say which base";
  REQUIRE(b.sentiment(b.over + "--epochs 1 --adapter lora --out " + run).status == 0);
  const Result known = b.sentiment("evaluate --model " + run + " --data " + b.data);
  CHECK(known.status == 0);
  CHECK(!known.says(note));
  fs::create_directory(of_peft);
  for (const char* file : {"/adapter_config.json", "/adapter_model.safetensors"}) {
    std::string bytes = nn::read_file(run + "/best" + file);
    if (const size_t at = bytes.find("base_sha256"); at != bytes.npos) bytes.replace(at, 4, "some");
    nn::write_file(of_peft + file, bytes);
  }
  const Result unknown = b.sentiment("evaluate --model " + of_peft + " --data " + b.data);
  CHECK_MESSAGE(unknown.status == 0, unknown.output);
  CHECK(unknown.says(note));
}

TEST_CASE("adapters: a run that was stopped and resumed ends in the bits of one that ran through") {
  const Based b;
  for (const std::string kind : {"lora --adapter-dropout 0.2", "bottleneck"}) {
    const std::string through = b.dir.path + "/through", again = b.dir.path + "/again";
    const std::string how = b.over + "--epochs 60 --overwrite --adapter " + kind + " --out ";
    REQUIRE(b.sentiment(how + through).status == 0);
    fs::remove_all(again);
    stop_early("sentiment", how + again, again);
    CHECK(nn::read_file(again + "/log.jsonl") != nn::read_file(through + "/log.jsonl"));
    const Result resumed = b.sentiment("train --resume " + again);
    REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
    CHECK(resumed.output.find("resuming") != std::string::npos);
    CHECK(nn::read_file(again + "/log.jsonl") == nn::read_file(through + "/log.jsonl"));
    CHECK(nn::read_file(again + "/best/adapter_model.safetensors") ==
          nn::read_file(through + "/best/adapter_model.safetensors"));
  }
}

TEST_CASE("adapters: one is trained further; a base that was moved is found by --base, another one is refused") {
  const Based b;
  const std::string first = b.dir.path + "/first", more = b.dir.path + "/more", other = b.dir.path + "/other";
  REQUIRE(b.sentiment(b.over + "--epochs 2 --adapter lora --out " + first).status == 0);
  const std::string further = "train --model " + first + " --max-length 12 --batch-size 8 --data " + b.data;
  const Result trained = b.sentiment(further + " --epochs 2 --out " + more);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  CHECK(trained.output.find("newly initialised     0") != std::string::npos);
  CHECK(b.said(more) != b.said(first));
  CHECK(b.sentiment(further + " --adapter lora --out " + more + "2").last_line().find("is an adapter (lora) already") !=
        std::string::npos);
  REQUIRE(b.sentiment(kBase + "--seed 8 --data " + b.data + " --out " + other).status == 0);
  const Result wrong = b.sentiment("predict --model " + first + " --base " + other + " good");
  CHECK(wrong.status == 1);
  CHECK_MESSAGE(wrong.last_line().find("is of another base: it was trained on one with SHA-256 ") != std::string::npos,
                wrong.output);
  const std::vector<double> said = b.said(first);
  fs::rename(b.base, b.dir.path + "/moved");
  const Result gone = b.sentiment("predict --model " + first + " good");
  CHECK(gone.status == 1);
  CHECK_MESSAGE(gone.last_line().ends_with("which is not there; --base DIR says where it is"), gone.output);
  const Result found =
      b.sentiment("predict --model " + first + " --base " + b.dir.path + "/moved 'good thing'", "2>&1");
  CHECK_MESSAGE(found.status == 0, found.output);
  fs::rename(other, b.base);  // resumed over another base
  const Result resumed = b.sentiment("train --resume " + first);
  CHECK_MESSAGE(resumed.last_line().find("the data has changed since: base model") != std::string::npos,
                resumed.output);
}

TEST_CASE("adapters: what cannot be is refused in one line, and leaves nothing behind") {
  const Based b;
  b.refuses(b.over + "--adapter lora --adapter-rank 0", "--adapter-rank");
  b.refuses(b.over + "--adapter lora --adapter-targets query,q_proj",
            "no module fits the target 'q_proj'; modules end in query, key, value, dense, ");
  b.refuses(b.over + "--adapter lora --adapter-targets query,", "--adapter-targets: an empty name");
  b.refuses(b.over + "--adapter bitfit --adapter-rank 4",
            "--adapter-rank is for --adapter lora, bottleneck and prefix");
  b.refuses(b.over + "--adapter-alpha 4", "--adapter-alpha is for --adapter lora; got --adapter none");
  b.refuses(b.over + "--adapter prefix --adapter-rank 10", "the 10 rows of a prefix are more than the 16 positions");
  const std::string prefix = b.dir.path + "/prefix";
  REQUIRE(b.sentiment(b.over + "--epochs 1 --adapter prefix --adapter-rank 4 --out " + prefix).status == 0);
  const Result long_text = b.sentiment("predict --model " + prefix + " --max-length 13 good");
  CHECK_MESSAGE(long_text.last_line().find(
                    "--max-length 13 and the 4 rows of a prefix are more than the 16 positions") != std::string::npos,
                long_text.output);
  const Result room = b.sentiment("train --model " + b.base + " --epochs 1 --data " + b.data +
                                  " --adapter prefix --adapter-rank 10 --out " + b.dir.path + "/room");
  CHECK_MESSAGE((room.status == 0 && room.says("texts are read up to 6 tokens")), room.output);  // what it leaves
  b.refuses(b.over + "--adapter lora --base " + b.base, "--base is for an adapter directory");
  b.refuses(kBase + "--adapter lora --data " + b.data, "--adapter is for --model DIR: what it is put on stays");
  const std::string lora = b.dir.path + "/lora";
  REQUIRE(b.sentiment(b.over + "--epochs 1 --adapter lora --out " + lora).status == 0);
  fs::remove(lora + "/best/manifest.json");  // it would be the first to notice
  const std::string config = nn::read_file(lora + "/best/adapter_config.json");
  std::string strange = config;
  b.dir.write("lora/best/adapter_config.json", strange.replace(strange.find("LORA"), 4, "LOHA"));
  b.refuses("merge --model " + lora, "peft_type 'LOHA' is not supported; these are: LORA");
  b.dir.write("lora/best/adapter_config.json", config);
  const nn::SafeTensors file(lora + "/best/adapter_model.safetensors");
  std::vector<Tensor> half;
  for (const auto& [key, entry] : file.entries())
    if (key.find("lora_B") == key.npos) half.push_back(file.read(key));
  nn::save_safetensors(lora + "/best/adapter_model.safetensors", half);
  b.refuses("merge --model " + lora,
            "missing in the file: 4 (bert.encoder.layer.0.attention.self.query.lora_B.weight, ");
  b.refuses("merge --model " + b.base, "is a model, not an adapter: there is nothing to be merged");
}
