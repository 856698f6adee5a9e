// tools/fetch_model.sh as its users run it, against a hub of our own on this machine.
#include <httplib.h>

#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "nn/format/files.h"
#include "tests/support/support.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

Result run(const std::string& command) { return run_shell("{ " + command + "\n} 2>&1"); }

// An HTTP server on a port of its own, which is a host of its own to curl. It remembers what it was asked.
class Host {
 public:
  struct Request {
    std::string method, target, authorization, range;
  };
  struct Redirect {
    std::string to, size, hash;  // as the hub announces a large file; size and hash empty: a plain redirect
  };
  std::map<std::string, std::string> files;
  std::map<std::string, Redirect> redirects;
  int refuse = 0;               // the status of every answer, if not 0
  bool ranges = true;           // false: every download is a whole one
  size_t breaks = 0, most = 0;  // so many downloads end at byte `most` of the file

  Host() {
    server_.Get(".*", [this](const httplib::Request& in, httplib::Response& out) { answer(in, out); });
    server_.set_pre_routing_handler([this](const httplib::Request& in, httplib::Response&) {
      // httplib itself cuts out what a request's Range names; only a request without it gets everything.
      if (!ranges) const_cast<httplib::Request&>(in).ranges.clear();
      return httplib::Server::HandlerResponse::Unhandled;
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~Host() { stop(); }
  void stop() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }
  std::string address() const { return fmt::format("http://127.0.0.1:{}", port_); }
  // What it was asked since the last call.
  std::vector<Request> asked() {
    const std::lock_guard lock(mutex_);
    return std::exchange(asked_, {});
  }
  std::vector<Request> downloads() {
    std::vector<Request> requests = asked();
    std::erase_if(requests, [](const Request& r) { return r.method != "GET"; });
    return requests;
  }

 private:
  void answer(const httplib::Request& in, httplib::Response& out) {
    const std::lock_guard lock(mutex_);
    asked_.push_back({in.method, in.target, in.get_header_value("Authorization"), in.get_header_value("Range")});
    if (refuse) {
      out.status = refuse;
      out.set_content("refused", "text/plain");
    } else if (const auto redirect = redirects.find(in.path); redirect != redirects.end()) {
      out.set_redirect(redirect->second.to);
      out.set_content("Found", "text/plain");
      if (redirect->second.size.empty()) return;
      out.set_header("X-Linked-Size", redirect->second.size);
      out.set_header("X-Linked-ETag", "\"" + redirect->second.hash + "\"");
    } else if (const auto file = files.find(in.path); file == files.end()) {
      out.status = 404;
    } else {
      const std::string& bytes = file->second;
      const bool breaking = in.method == "GET" && breaks > 0;
      const size_t last = breaking ? most : bytes.size();
      breaks -= breaking;
      const auto provide = [&bytes, last](size_t at, size_t length, httplib::DataSink& sink) {
        const size_t n = at < last ? std::min(length, last - at) : 0;
        return (n == 0 || sink.write(bytes.data() + at, n)) && n == length;
      };
      if (bytes.empty()) return out.set_content("", "text/plain");
      out.set_content_provider(bytes.size(), "application/octet-stream", provide);
    }
  }

  httplib::Server server_;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<Request> asked_;
  int port_ = 0;
};

const std::string kAt = "/org/small/resolve/main/", kBlob = "/blob/7", kKey = "?key=a%20b&list=[1,2]";

// org/small on the hub. As there, the weights lie on another host, which a signed address opens.
struct Published {
  const TemporaryDirectory dir;
  const std::string out = dir.path + "/model", weights = nn::read_file(golden_path("bert-micro/model.safetensors"));
  Host hub, cdn;

  Published() {
    hub.files[kAt + "config.json"] = nn::read_file(golden_path("bert-micro/config.json"));
    hub.files[kAt + "vocab.txt"] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    hub.files[kAt + "tokenizer.json"] = R"({"a \"quoted\\": [{}, [], "", -1.5e+3, {"b": [true, null]}], "c": ":,{["})";
    hub.files[kAt + "tokenizer_config.json"] = "{\"do_lower_case\": true}\n";
    publish(weights);
  }
  void publish(const std::string& bytes) {
    cdn.files[kBlob] = bytes;
    const std::string hash = run("sha256sum <" + dir.write("bytes", bytes)).output.substr(0, 64);
    hub.redirects[kAt + "model.safetensors"] = {cdn.address() + kBlob + kKey, std::to_string(bytes.size()), hash};
  }
  Result fetch(const std::string& arguments, const std::string& environment = "") const {
    return run("env -u HF_TOKEN no_proxy='*' HF_ENDPOINT=" + hub.address() + " " + environment +
               " tools/fetch_model.sh " + arguments);
  }
  Result fetch() const { return fetch("org/small " + out); }
  bool has(const std::string& file) const { return fs::exists(out + "/" + file); }
  bool arrived(const std::string& file, const std::string& bytes) const {
    return has(file) && nn::read_file(out + "/" + file) == bytes;
  }
  bool arrived() const { return arrived("model.safetensors", weights) && !has_parts(); }
  bool has_parts() const {
    for (const auto& entry : fs::directory_iterator(out))
      if (entry.path().extension() == ".part") return true;
    return false;
  }
};

}  // namespace

TEST_CASE("fetch_model: a model arrives as it was served, and a second run downloads nothing") {
  Published p;
  const Result first = p.fetch();
  REQUIRE_MESSAGE(first.status == 0, first.output);
  for (const auto& [path, bytes] : p.hub.files) CHECK(p.arrived(path.substr(kAt.size()), bytes));
  CHECK(p.arrived());
  CHECK(!p.has("special_tokens_map.json"));
  CHECK(!p.has_parts());
  CHECK(first.says("done: --model " + p.out));
  CHECK(p.hub.downloads().size() == 4);
  CHECK(p.cdn.asked().size() == 1);  // the hub said how large it is: no HEAD

  const Result second = p.fetch();
  CHECK(second.status == 0);
  CHECK(second.says("kept"));
  CHECK(p.hub.downloads().empty());
  CHECK(p.cdn.asked().empty());

  fs::resize_file(p.out + "/vocab.txt", 5);
  std::string damaged = p.weights;
  damaged.back() ^= 1;
  p.dir.write("model/model.safetensors", damaged);
  CHECK(p.fetch().status == 0);
  CHECK(p.hub.downloads().size() == 1);
  CHECK(p.arrived("vocab.txt", p.hub.files[kAt + "vocab.txt"]));
  CHECK(p.arrived());
}

TEST_CASE("fetch_model: a translator arrives with its two SentencePiece models and how it is to decode") {
  Published p;
  for (const char* file : {"vocab.txt", "tokenizer.json", "tokenizer_config.json"}) p.hub.files.erase(kAt + file);
  p.hub.files[kAt + "config.json"] = nn::read_file(golden_path("marian-micro/config.json"));
  CHECK(p.fetch().says("org/small: has neither vocab.txt nor tokenizer.json"));
  p.hub.files[kAt + "source.spm"] = p.hub.files[kAt + "target.spm"] = "\n\x0e\n\x05<unk>";
  CHECK(p.fetch().says("org/small: has source.spm, yet no vocab.json"));
  p.hub.files[kAt + "vocab.json"] = p.hub.files[kAt + "generation_config.json"] = "{\"</s>\": 0}";
  const Result result = p.fetch();
  REQUIRE_MESSAGE(result.status == 0, result.output);
  for (const auto& [path, bytes] : p.hub.files) CHECK(p.arrived(path.substr(kAt.size()), bytes));
  CHECK(!result.says("lower-cased"));
  p.hub.files[kAt + "source.spm"] = "something else";
  CHECK(p.fetch().says("error: source.spm from the server is not a SentencePiece model"));
}

TEST_CASE("fetch_model: old bare names, revisions, the default directory, and what is optional") {
  Published p;
  for (const auto& [path, bytes] : std::map(p.hub.files)) {  // as bert-base-uncased became google-bert/...
    p.hub.redirects["/small/resolve/main/" + path.substr(kAt.size())] = {path, "", ""};
    p.hub.files["/org/small/resolve/refs/pr/7/" + path.substr(kAt.size())] = bytes;
  }
  p.hub.redirects["/small/resolve/main/model.safetensors"] = {kAt + "model.safetensors", "", ""};
  const Result bare = p.fetch("small " + p.out);
  REQUIRE_MESSAGE(bare.status == 0, bare.output);
  CHECK(p.arrived());

  p.hub.files["/org/small/resolve/refs/pr/7/model.safetensors"] = p.weights;
  p.hub.asked();
  const std::string script = fs::absolute("tools/fetch_model.sh");
  const Result proposed = run("cd " + p.dir.path + "; env -u HF_TOKEN no_proxy='*' HF_ENDPOINT=" + p.hub.address() +
                              "/ " + script + " --revision=refs/pr/7 org/small");
  REQUIRE_MESSAGE(proposed.status == 0, proposed.output);
  CHECK(fs::file_size(p.dir.path + "/models/org/small/model.safetensors") == p.weights.size());
  CHECK(p.hub.asked()[0].target == "/org/small/resolve/refs%2Fpr%2F7/config.json");

  p.hub.files.erase(kAt + "vocab.txt");
  p.hub.files.erase(kAt + "tokenizer_config.json");
  const Result less = p.fetch("org/small --revision main -- " + p.dir.path + "/less");
  CHECK(less.status == 0);
  CHECK(fs::exists(p.dir.path + "/less/tokenizer.json"));
  CHECK(less.says("warning: there is no tokenizer_config.json"));
  p.hub.files.erase(kAt + "tokenizer.json");
  const Result none = p.fetch("org/small " + p.dir.path + "/none");
  CHECK(none.status == 1);
  CHECK(none.says("has neither vocab.txt nor tokenizer.json"));
}

TEST_CASE("fetch_model: a broken download is continued") {
  Published p;
  const auto ranges = [&] {
    std::vector<std::string> asked;
    for (const auto& request : p.cdn.downloads()) asked.push_back(request.range);
    return asked;
  };
  SUBCASE("by the same run, as long as something comes") {
    p.cdn.breaks = 1;
    p.cdn.most = 40'000;
    const Result result = p.fetch();
    CHECK_MESSAGE(result.status == 0, result.output);
    CHECK(ranges() == std::vector<std::string>{"", "bytes=40000-"});
  }
  SUBCASE("by the next run") {
    p.cdn.breaks = 100;
    p.cdn.most = 40'000;
    const Result stopped = p.fetch();
    CHECK(stopped.status == 1);
    CHECK(stopped.says(fmt::format("error: model.safetensors: stopped at 40000 of {} bytes", p.weights.size())));
    CHECK(p.has("config.json"));
    CHECK(!p.has("model.safetensors"));
    CHECK(p.cdn.breaks == 98);
    p.cdn.breaks = 0;
    ranges();
    CHECK(p.fetch().status == 0);
    CHECK(ranges() == std::vector<std::string>{"bytes=40000-"});
  }
  SUBCASE("by the next run, also when a server's refusal came in place of the bytes") {
    p.cdn.refuse = 500;
    const Result refused = p.fetch();
    CHECK(refused.status == 1);
    CHECK(refused.says("error: model.safetensors: stopped at 0 of"));
    p.cdn.refuse = 0;
    CHECK(p.fetch().status == 0);
  }
  SUBCASE("from its beginning by a server that cannot do otherwise") {
    p.cdn.breaks = 1;
    p.cdn.most = 40'000;
    p.cdn.ranges = false;
    const Result result = p.fetch();
    CHECK_MESSAGE(result.status == 0, result.output);
    CHECK(ranges() == std::vector<std::string>{"", "bytes=40000-", ""});
  }
  SUBCASE("but not into a file of two versions") {
    fs::create_directory(p.out);
    p.dir.write("model/model.safetensors.part", p.weights.substr(0, 50'000) + std::string(9, 'x'));
    const Result mixed = p.fetch();
    CHECK(mixed.status == 1);
    CHECK(mixed.says("does not have the sha256 that the server names"));
    CHECK(!p.has("model.safetensors"));
    CHECK(p.fetch().status == 0);
  }
  SUBCASE("and a part that is too long is none") {
    fs::create_directory(p.out);
    p.dir.write("model/model.safetensors.part", p.weights + "x");
    CHECK(p.fetch().status == 0);
    CHECK(ranges() == std::vector<std::string>{""});
  }
  CHECK(p.arrived());
}

TEST_CASE("fetch_model: the token goes to the hub, to no other host and on no command line") {
  Published p;
  const std::string log = p.dir.path + "/log", token = "hf_aB3\"\\$~";
  fs::create_directory(p.dir.path + "/bin");
  fs::permissions(
      p.dir.write("bin/curl", "#!/bin/sh\nprintf '%s\\n' \"$*\" >>" + log + "\nPATH=${PATH#*:}\nexec curl \"$@\"\n"),
      fs::perms::owner_all);
  const auto fetch = [&](const std::string& to) {
    return p.fetch("org/small " + p.dir.path + to, "HF_TOKEN='" + token + "' PATH=" + p.dir.path + "/bin:\"$PATH\"");
  };
  const Result result = fetch("/a");
  REQUIRE_MESSAGE(result.status == 0, result.output);
  p.hub.redirects[kAt + "model.safetensors"].size = "";  // then the other host is asked for it
  CHECK(fetch("/b").status == 0);
  for (const auto& request : p.hub.asked()) CHECK(request.authorization == "Bearer " + token);
  const auto elsewhere = p.cdn.asked();
  CHECK(elsewhere.size() == 3);
  for (const auto& request : elsewhere) {
    CHECK(request.authorization == "");
    CHECK(request.target == kBlob + kKey);
  }
  const std::string commands = nn::read_file(log);
  CHECK(commands.find("--head") != std::string::npos);
  CHECK(commands.find("hf_") == std::string::npos);
  CHECK(commands.find("key=") == std::string::npos);
  // An address that only contains the hub's is another host's.
  p.hub.redirects[kAt + "model.safetensors"].to = p.cdn.address() + kBlob + "?:" + p.hub.address() + "/";
  CHECK(fetch("/c").status == 0);
  for (const auto& request : p.cdn.asked()) CHECK(request.authorization == "");
  p.hub.asked();
  CHECK(p.fetch().status == 0);
  for (const auto& request : p.hub.asked()) CHECK(request.authorization == "");
}

TEST_CASE("fetch_model: a server that refuses gets one line that says what to do, and nothing is left behind") {
  Published p;
  const auto refused = [&](const std::string& why, const std::string& environment = "") {
    const Result result = p.fetch("org/small " + p.out, environment);
    CHECK(result.status == 1);
    CHECK_MESSAGE(result.output.find("error: ") == 0, result.output);
    CHECK_MESSAGE(result.one_line(), result.output);
    CHECK_MESSAGE(result.says(why), result.output);
    CHECK(!fs::exists(p.out));
  };
  p.hub.refuse = 401;
  refused("(401): check the name, or set HF_TOKEN");
  refused("does not accept HF_TOKEN (401)", "HF_TOKEN=hf_old");
  p.hub.refuse = 403;
  refused("gated (403): accept its conditions at " + p.hub.address() + "/org/small");
  p.hub.refuse = 404;
  refused("org/small: no such model, or no config.json at revision main (404)");
  p.hub.refuse = 503;
  refused("config.json: the server answers with status 503");
  p.hub.refuse = 0;
  p.hub.redirects.erase(kAt + "model.safetensors");
  refused("org/small: has no model.safetensors at revision main");
  p.hub.files[kAt + "pytorch_model.bin"] = "pickle";
  refused("only pytorch_model.bin: convert it with https://huggingface.co/spaces/safetensors/convert");
  p.hub.redirects[kAt + "config.json"] = {kAt + "config.json", "", ""};
  refused("config.json: the server answers with status 302");
  p.hub.stop();
  refused("/org/small/resolve/main/config.json: Failed to connect");
}

TEST_CASE("fetch_model: a file that is not what it should be is refused, whatever its size") {
  Published p;
  const auto refused = [&](const std::string& file, const std::string& bytes, const std::string& why) {
    const bool weights = file == "model.safetensors";
    const std::string before = weights ? p.weights : p.hub.files[kAt + file];
    weights ? p.publish(bytes) : void(p.hub.files[kAt + file] = bytes);
    const Result result = p.fetch();
    CHECK(result.status == 1);
    CHECK_MESSAGE(result.says("error: " + file + " from the server " + why), result.output);
    CHECK(!p.has(file));
    CHECK(!p.has_parts());
    weights ? p.publish(before) : void(p.hub.files[kAt + file] = before);
    fs::remove_all(p.out);
  };
  const std::string page = "\n<!DOCTYPE html>\n<title>Log in</title>\n";
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 93300\n";
  refused("config.json", page, "is an HTML page");
  refused("config.json", "[\"model_type\"]", "is not a JSON object");
  refused("config.json", "{\"model_type\": \"bert\",}", "is not a JSON object");
  refused("config.json", "{\"a\": {\"model_type\": \"bert\"}}", "has no \"model_type\"");
  refused("tokenizer_config.json", "{\"a\": \"b}", "is not a JSON object");
  refused("vocab.txt", "", "is empty");
  refused("vocab.txt", pointer, "is a git-lfs pointer");
  refused("model.safetensors", page, "is an HTML page");
  refused("model.safetensors", pointer, "is a git-lfs pointer");
  refused("model.safetensors", "", "is not safetensors");
  refused("model.safetensors", std::string(100, '\xff'), "is not safetensors, or truncated: its header does not fit");
  refused("model.safetensors", p.weights.substr(0, 100), "is not safetensors, or truncated: its header does not fit");
  refused("model.safetensors", p.weights.substr(0, 50'000), "is truncated or damaged: its tensors need ");
  refused("model.safetensors", p.weights + "x", "is truncated or damaged: its tensors need ");
  std::string header = p.weights;
  refused("model.safetensors", header.replace(header.find('}'), 1, ","),
          "is not safetensors: its header is not a JSON");
  refused("model.safetensors", std::string("\2\0\0\0\0\0\0\0{}", 10), "holds no tensors");
  CHECK(p.fetch().status == 0);

  p.hub.redirects[kAt + "model.safetensors"].size = std::to_string(p.weights.size() - 1);
  fs::remove(p.out + "/model.safetensors");
  const Result longer = p.fetch();
  CHECK(longer.status == 1);
  CHECK_MESSAGE(longer.says(fmt::format("has {} bytes instead of", p.weights.size())), longer.output);
}

TEST_CASE("fetch_model: wrong usage exits with 2 and asks nobody, --help with 0") {
  Published p;
  for (const char* arguments :
       {"", "''", "a b c", "--nonsense a", "a --revision", "a --revision=", "a --revision ../b", "a/b/c", "/a", "a/",
        "../a", "a/..", "'a b'", "https://huggingface.co/a", "-- -a/.. b"}) {
    const Result result = p.fetch(arguments);
    CHECK_MESSAGE(result.status == 2, arguments, ": ", result.output);
    CHECK_MESSAGE(result.one_line(), result.output);
  }
  CHECK(p.fetch("a --revision").says("--revision needs a value"));
  CHECK(p.fetch("a", "HF_TOKEN='a b'").status == 2);
  CHECK(p.fetch("a", "HF_ENDPOINT=ftp://b").status == 2);
  CHECK(p.hub.asked().empty());
  const Result help = p.fetch("--help");
  CHECK(help.status == 0);
  for (const char* what : {"NAME [DIR] [--revision REV]", "HF_TOKEN", "HF_ENDPOINT", "Exit status"})
    CHECK(help.says(what));
}
