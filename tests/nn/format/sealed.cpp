// Seals and manifests: every bit of every file counts, and a directory that is handed over reads nothing beside it.
#include "nn/format/sealed.h"

#include <filesystem>

#include "nn/format/safetensors.h"
#include "nn/format/sha256.h"
#include "nn/format/tensor_stream.h"
#include "tests/support/support.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

std::string sealed_tensors(const TemporaryDirectory& dir) {
  nn::save_safetensors(dir.path + "/x", {varied({3, 2}).named("a"), varied({4}).named("b")},
                       {{"seal", nn::kUnsealed}, {"state", "{\"seal\":\"no\"}"}});
  return dir.path + "/x";
}

}  // namespace

TEST_CASE("seal: a file with one flipped bit, a byte less or a byte more is damaged, wherever that is") {
  const TemporaryDirectory dir;
  const std::string path = sealed_tensors(dir), whole = nn::read_file(path);
  CHECK(nn::seal_fault(path) == "");
  for (long i = 0; i < 4; ++i)
    CHECK(nn::SafeTensors(path).read("b").data()[i] == engine::real(float(varied({4}).data()[i])));
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string bytes = whole;
    bytes[i] = char(bytes[i] ^ (1 << i % 8));
    CHECK_MESSAGE(nn::seal_fault(dir.write("y", bytes)).starts_with("damaged: "), i);
  }
  CHECK(nn::seal_fault(dir.write("y", whole.substr(0, whole.size() - 1))) != "");
  CHECK(nn::seal_fault(dir.write("y", whole + '\0')) != "");
  CHECK(nn::seal_fault(dir.write("y", "")) == "damaged: it has no seal");
  CHECK(error_of([&] { nn::seal_fault(dir.path + "/nowhere"); }).find("cannot be read") != std::string::npos);
}

TEST_CASE("seal: a tensor that is written piece by piece has one, too; a file without a place for it is an error") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  nn::write_tensor_stream(path, "t", 300000, {{"seal", nn::kUnsealed}}, [](const nn::Append& append) {
    const std::vector<real> part(100000, real(0.5));
    for (int i = 0; i < 3; ++i) append(part.data(), long(part.size()));
  });
  CHECK(nn::seal_fault(path) == "");
  CHECK(nn::TensorStream(path, "t").count() == 300000);
  const auto plain = [](const nn::Write& write) { write("abc", 3); };
  CHECK(error_of([&] { nn::write_sealed_file(path, plain); }).find("no place for its seal") != std::string::npos);
  CHECK(nn::seal_fault(path) == "");  // what was there stands
  CHECK(std::distance(fs::directory_iterator(dir.path), {}) == 1);
}

TEST_CASE(
    "seal: it may end with the file and with the first MiB, where it is looked for; cut or further on it is none") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x", mark = "\"seal\":\"" + nn::kUnsealed;
  const auto written = [&](const std::vector<size_t>& before, const std::string& after) {  // in as many pieces
    return error_of([&] {
      nn::write_sealed_file(path, [&](const nn::Write& write) {
        for (const size_t bytes : before) write(std::string(bytes, ' ').data(), bytes);
        write((mark + after).data(), mark.size() + after.size());
      });
    });
  };
  constexpr size_t kMiB = 1 << 20;
  for (const std::vector<size_t>& before :
       {std::vector<size_t>{}, {7}, {kMiB - mark.size()}, {kMiB - 100, 100 - mark.size()}})
    for (const char* after : {"", "and more"}) {
      CHECK(written(before, after) == "");
      CHECK(nn::seal_fault(path) == "");
    }
  for (const std::vector<size_t>& before :
       {std::vector<size_t>{kMiB - mark.size() + 1}, {kMiB}, {kMiB - 100, 101 - mark.size()}, {kMiB, kMiB}})
    CHECK(written(before, "and more").find("no place for its seal") != std::string::npos);
  REQUIRE(written({9}, "") == "");
  const std::string whole = nn::read_file(path);
  for (size_t cut = 1; cut <= mark.size(); ++cut)
    CHECK(nn::seal_fault(dir.write("y", whole.substr(0, whole.size() - cut))) == "damaged: it has no seal");
}

TEST_CASE("tensor stream: any stretch of what was appended in pieces is read back, and none beyond its end") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  nn::write_tensor_stream(path, "t", 1000, {{"seal", nn::kUnsealed}}, [](const nn::Append& append) {
    for (long begin : {0, 300, 301}) {
      const long count = begin == 0 ? 300 : begin == 300 ? 1 : 699;
      std::vector<real> part;
      for (long i = begin; i < begin + count; ++i) part.push_back(real(i) + real(0.5));
      append(part.data(), count);
    }
  });
  const nn::TensorStream stream(path, "t");
  for (const auto& [first, count] :
       {std::pair{0L, 1000L}, {0L, 1L}, {299L, 3L}, {999L, 1L}, {1000L, 0L}, {17L, 500L}}) {
    std::vector<real> got(size_t(count) + 1, -1);
    stream.read(first, count, got.data());
    for (long i = 0; i < count; ++i) CHECK(got[size_t(i)] == real(first + i) + real(0.5));
    CHECK(got.back() == -1);  // nothing behind it is written
  }
  real one = 0;
  CHECK(error_of([&] { stream.read(999, 2, &one); }).find("2 numbers from 999 on are not in its 1000") !=
        std::string::npos);
  CHECK(error_of([&] { stream.read(-1, 1, &one); }).find("1 numbers from -1 on") != std::string::npos);
}

TEST_CASE("manifest: each of its files is there with its bytes, those of folders, too; others are not its concern") {
  const TemporaryDirectory dir;
  fs::create_directories(dir.path + "/deep");
  const auto anew = [&] {
    dir.write("a.json", "{}");
    dir.write("README.md", "mine");
    dir.write("deep/b.bin", "bytes");
    nn::write_manifest(dir.path);
  };
  CHECK(nn::manifest_fault(dir.path) == "");  // there is none
  anew();
  CHECK(nn::manifest_fault(dir.path) == "");
  CHECK(nn::read_file(dir.path + "/manifest.json").find(nn::sha256_hex("bytes")) != std::string::npos);
  dir.write("more.txt", "x");
  dir.write("README.md", "of people");
  CHECK(nn::manifest_fault(dir.path) == "");
  dir.write("deep/b.bin", "other");
  nn::write_manifest(dir.path);
  CHECK(nn::manifest_fault(dir.path) == "");
  dir.write("deep/b.bin", "bytez");
  CHECK(nn::manifest_fault(dir.path) == "deep/b.bin has been changed or damaged");
  dir.write("deep/b.bin", "byte");
  CHECK(nn::manifest_fault(dir.path) == "deep/b.bin has 4 bytes, not 5");
  fs::remove(dir.path + "/deep/b.bin");
  CHECK(nn::manifest_fault(dir.path) == "deep/b.bin is missing");
  CHECK(error_of([&] { nn::require_sound_directory(dir.path); }).find("deep/b.bin is missing; if you") !=
        std::string::npos);
  anew();
  fs::remove(dir.path + "/a.json");
  fs::create_symlink(dir.path + "/deep/b.bin", dir.path + "/a.json");
  CHECK(nn::manifest_fault(dir.path) == "a.json is not a plain file");
}

TEST_CASE("manifest: one that is none, or that names what is outside, is an error") {
  const TemporaryDirectory dir;
  const auto refused = [&](const std::string& text, const char* why) {
    dir.write("manifest.json", text);
    const std::string error = error_of([&] { nn::manifest_fault(dir.path); });
    CHECK_MESSAGE(error.find(why) != std::string::npos, text, " ", error);
  };
  for (const char* text : {"", "{"}) refused(text, "not JSON");
  for (const char* text : {"[]", "{\"files\":3}", "null"}) refused(text, "not a manifest");
  for (const char* file : {"3", "{\"name\":\"a\"}", "{\"name\":3,\"size\":1,\"sha256\":\"\"}",
                           "{\"name\":\"a\",\"size\":-1,\"sha256\":\"\"}"})
    refused(fmt::format("{{\"files\":[{}]}}", file), "a name, a size and a sha256");
  for (const char* name : {"../x", "/etc/passwd", "a/../../x", ""})
    refused(fmt::format("{{\"files\":[{{\"name\":\"{}\",\"size\":1,\"sha256\":\"\"}}]}}", name), "outside of the");
}

TEST_CASE("model directory: a link to what is not in it is refused by name; one to a neighbour in it is not") {
  const TemporaryDirectory dir;
  const std::string model = dir.path + "/model";
  fs::create_directories(model);
  std::ofstream(model + "/a.json") << "{}";
  std::ofstream(dir.path + "/secret") << "x";
  fs::create_symlink("a.json", model + "/b.json");
  nn::require_sound_directory(model);
  fs::create_symlink("../secret", model + "/vocab.txt");
  CHECK(error_of([&] {
          nn::require_sound_directory(model);
        }).find(model + "/vocab.txt: a link to a file that is not") == 0);
}

TEST_CASE("model directory: a Hugging Face cache's links into its own blobs are read; other links out of it are not") {
  const TemporaryDirectory dir;
  const std::string cache = dir.path + "/models--a--b", model = cache + "/snapshots/1f";
  fs::create_directories(model);
  fs::create_directories(cache + "/blobs");
  std::ofstream(cache + "/blobs/9c") << "{}";
  std::ofstream(cache + "/other") << "x";
  fs::create_symlink("../../blobs/9c", model + "/config.json");
  nn::require_sound_directory(model);
  fs::create_symlink("../../other", model + "/vocab.txt");
  CHECK_THROWS_AS(nn::require_sound_directory(model), engine::Error);
}

TEST_CASE("manifest: a card that somebody has edited is no damage") {
  const TemporaryDirectory dir;
  std::ofstream(dir.path + "/config.json") << "{}";
  std::ofstream(dir.path + "/README.md") << "before";
  nn::write_manifest(dir.path);
  std::ofstream(dir.path + "/README.md") << "after that";
  CHECK(nn::manifest_fault(dir.path) == "");
  std::ofstream(dir.path + "/config.json") << "[]";
  CHECK(nn::manifest_fault(dir.path) != "");
}
