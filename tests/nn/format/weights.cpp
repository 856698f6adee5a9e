// The weights of a model directory: in one file, in several with an index, or in a form that is named and not read.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "nn/format/pretrained.h"
#include "tests/support/support.h"

using namespace test;

namespace {

// Two files of two tensors each.
void write_shards(const std::string& directory) {
  const auto save = [&](const std::string& name, const std::string& a, const std::string& b) {
    nn::save_safetensors(directory + "/" + name,
                         {varied({2, 3}, real(a[0])).named(a), varied({4}, real(b[0])).named(b)});
  };
  save("model-00001-of-00002.safetensors", "a", "d");
  save("model-00002-of-00002.safetensors", "b", "c");
}

std::string index_of(const std::vector<std::pair<std::string, std::string>>& places) {
  std::string map;
  for (const auto& [tensor, file] : places)
    map += fmt::format("{}\"{}\": \"{}\"", map.empty() ? "" : ", ", tensor, file);
  return R"({"metadata": {"total_size": 80}, "weight_map": {)" + map + "}}";
}

const std::string kOne = "model-00001-of-00002.safetensors", kTwo = "model-00002-of-00002.safetensors";

}  // namespace

TEST_CASE("weights: several files with an index are read as one") {
  const TemporaryDirectory dir;
  write_shards(dir.path);
  dir.write("model.safetensors.index.json", index_of({{"a", kOne}, {"b", kTwo}, {"c", kTwo}, {"d", kOne}}));
  const nn::SafeTensors file = nn::open_weights(dir.path);
  CHECK(file.entries().size() == 4);
  CHECK(differs(file.read("a"), varied({2, 3}, 'a')) == "");
  CHECK(differs(file.read("b"), varied({2, 3}, 'b')) == "");
  CHECK(differs(file.read("c"), varied({4}, 'c')) == "");
  CHECK(differs(file.read("d"), varied({4}, 'd')) == "");
  CHECK(error_of([&] { file.read("e"); }) == dir.path + "/model.safetensors.index.json: there is no tensor 'e'");
  nn::save_safetensors(dir.path + "/model.safetensors", {varied({1}).named("only")});
  CHECK(nn::open_weights(dir.path).has("only"));  // the one file comes first
}

TEST_CASE("weights: an index that lies is refused") {
  const TemporaryDirectory dir;
  write_shards(dir.path);
  const auto refused = [&](const std::string& index, const std::string& why) {
    dir.write("model.safetensors.index.json", index);
    const std::string message = error_of([&] { nn::open_weights(dir.path); });
    CHECK_MESSAGE(message.find(why) != std::string::npos, message);
    CHECK(message.find('\n') == std::string::npos);
  };
  refused(index_of({{"a", kOne}, {"b", kTwo}, {"c", kTwo}}), "tensor 'd' of");
  refused(index_of({{"a", kOne}, {"b", kTwo}, {"c", kTwo}, {"d", kTwo}}), "tensor 'd' is not in " + kTwo);
  refused(index_of({{"a", kOne}, {"b", kTwo}, {"c", kTwo}, {"d", kOne}, {"e", kOne}}), "tensor 'e' is not in");
  refused(index_of({{"a", "other.safetensors"}}), "other.safetensors: no such file");
  for (const char* outside : {"../x.safetensors", "/etc/passwd", "pytorch_model.bin", ""})
    refused(index_of({{"a", outside}}), "must name a .safetensors file beside the index");
  refused(R"({"weight_map": {"a": 3}})", "a file's name is needed; got 3");
  refused(R"({"weight_map": []})", "an object with a weight_map");
  refused(R"({"weight_map": {}})", "an object with a weight_map");
  refused("[]", "an object with a weight_map");
  nn::save_safetensors(dir.path + "/" + kTwo, {varied({2}).named("a"), varied({2}).named("b")});
  refused(index_of({{"a", kOne}, {"b", kTwo}, {"d", kOne}}), "tensor 'a' is in another of the files, too");
}

TEST_CASE("weights: a file that is something else is called what it is") {
  const TemporaryDirectory dir;
  const std::string filler(64, 'x');
  const std::pair<std::string, const char*> others[] = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"},
      {"<!DOCTYPE html>\n<html>" + filler, "a page (HTML or XML)"},
      {"\n <html>" + filler, "a page (HTML or XML)"},
      {"{\"error\": \"not found\"}", "JSON text"},
      {std::string("\x1f\x8b\x08\0\0\0\0\0", 8) + filler, "gunzip"},
      {"PK\x03\x04" + filler, "a zip archive"},
      {"\x80\x02}q" + filler, "a pickle"},
      {"\x89HDF\r\n\x1a\n" + filler, "an HDF5 file"},
      {"GGUF" + filler, "a GGUF file"}};
  for (const auto& [bytes, what] : others) {
    dir.write("model.safetensors", bytes);
    const std::string message = error_of([&] { nn::open_weights(dir.path); });
    CHECK_MESSAGE(message.find(what) != std::string::npos, message);
    CHECK(message.find('\n') == std::string::npos);
  }
}

TEST_CASE("weights: another framework's file is named, with what to do") {
  const std::pair<const char*, const char*> others[] = {{"pytorch_model.bin", "are a pickle"},
                                                        {"pytorch_model.bin.index.json", "safe_serialization=True"},
                                                        {"tf_model.h5", "from_tf=True"},
                                                        {"flax_model.msgpack", "from_flax=True"},
                                                        {"bert_model.ckpt.index", "TensorFlow's"},
                                                        {"adapter_model.safetensors", "an adapter alone"},
                                                        {"model.safetensors.gz", "'model.safetensors.gz' is there"},
                                                        {"weights.ckpt", "'weights.ckpt' is there"}};
  for (const auto& [name, what] : others) {
    const TemporaryDirectory dir;
    dir.write(name, "x");
    const std::string message = error_of([&] { nn::open_weights(dir.path); });
    CHECK(message.starts_with(dir.path + "/model.safetensors: no such file; "));
    CHECK_MESSAGE(message.find(what) != std::string::npos, message);
  }
  const TemporaryDirectory empty;
  CHECK(error_of([&] { nn::open_weights(empty.path); }) == empty.path + "/model.safetensors: no such file");
}

TEST_CASE("weights: a header of a hundred thousand tensors is read in the time that its bytes take") {
  const TemporaryDirectory dir;
  std::string header;
  for (int i = 0; i < 100'000; ++i)
    header += fmt::format(R"({}"layer.{}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", i ? "," : "{", i);
  header += "}";
  const uint64_t size = header.size();
  const std::string path = dir.write(
      "x", std::string(reinterpret_cast<const char*>(&size), 8) + header);  // quadratic, it would take an hour
  CHECK(nn::SafeTensors(path).entries().size() == 100'000);
}

TEST_CASE("weights: names from a file reach no terminal as they are") {
  const TemporaryDirectory dir;
  const std::string name = "evil\x1b]0;title\x07\nname";
  nn::save_safetensors(dir.path + "/model.safetensors", {varied({1}).named(name)});
  const nn::SafeTensors file = nn::open_weights(dir.path);
  CHECK(error_of([&] { file.read_ints(name); }).find("'evil ]0;title  name'") != std::string::npos);
  nn::Params params(1);
  params.root().parameter("w", {1}, {});
  CHECK(params.load(file, [](const std::string&) { return true; })
            .table()
            .find("ignored               1  evil ]0;title  name\n") != std::string::npos);
}

TEST_CASE("files: what a killed save left behind goes with the next one, what another process writes stays") {
  const TemporaryDirectory dir;
  const std::string dead = run_shell("sh -c 'echo $$'").output;  // the number of a process that is gone
  const std::string path = dir.path + "/x";
  const auto part = [&](const std::string& who) { return "x." + who + ".part"; };
  const std::string gone = part(dead.substr(0, dead.size() - 1)), alive = part("1");
  for (const std::string& name : {gone, alive, part("note"), std::string("y.1.part"), std::string("x.part")})
    dir.write(name, "half");
  const int writer = open((dir.path + "/" + alive).c_str(), O_RDONLY);
  REQUIRE(flock(writer, LOCK_EX | LOCK_NB) == 0);  // as a process that still writes holds it
  nn::write_file(path, "whole");
  close(writer);
  CHECK(nn::read_file(path) == "whole");
  CHECK(!std::filesystem::exists(dir.path + "/" + gone));
  for (const std::string& name : {alive, part("note"), std::string("y.1.part"), std::string("x.part")})
    CHECK(std::filesystem::exists(dir.path + "/" + name));
}
