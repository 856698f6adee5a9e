// What serving costs: sentences a second of a model by itself and behind `serve`, on the same cores. Read
// tasks/serve/README.md first: what the table says.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <thread>

#include "engine/startup.h"
#include "tasks/model/directory.h"
#include "tasks/model/predict.h"
#include "tasks/model/shipped.h"
#include "tasks/run/console.h"
#include "tasks/text/embedded.h"

namespace {

using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + long(values.size() / 2), values.end());
  return values[values.size() / 2];
}

struct BenchOptions {
  std::vector<std::string> models;
  std::string peer;
  long clients = 32, seconds = 10, turns = 3, memory = 0;
};

// A kept-alive connection: requests out, answers in.
class Client {
 public:
  explicit Client(int port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(uint16_t(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    engine::check(connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0, "the server takes no connection");
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;

  struct Answer {
    int status;
    std::string body;
  };
  // What is said of one text.
  Answer predict(const std::string& request) {
    engine::check(send(socket_, request.data(), request.size(), MSG_NOSIGNAL) == ssize_t(request.size()),
                  "cannot send");
    std::string answer;
    char part[8192];
    size_t body = 0;
    for (size_t whole = std::string::npos; answer.size() < whole;) {
      const ssize_t n = recv(socket_, part, sizeof part, 0);
      engine::check(n > 0, "the server has closed the connection");
      answer.append(part, size_t(n));
      const size_t head = answer.find("\r\n\r\n"), length = answer.find("Content-Length: ");
      if (head == std::string::npos || length > head) continue;
      body = head + 4;
      whole = body + std::stoul(answer.substr(length + 16));
    }
    return {std::stoi(answer.substr(9, 3)), answer.substr(body)};
  }

 private:
  int socket_;
};

// A server beside this program: a command of the shell, whose first line names a port of its own.
class Served {
 public:
  explicit Served(const std::string& command) {
    int out[2];
    engine::check(pipe(out) == 0, "no pipe");
    pid_ = fork();
    if (pid_ == 0) {
      engine::unbind_thread();
      dup2(out[1], STDOUT_FILENO);
      execl("/bin/sh", "sh", "-c", ("exec " + command).c_str(), nullptr);
      _exit(127);
    }
    close(out[1]);
    std::string line;
    for (char c; read(out[0], &c, 1) == 1 && c != '\n';) line += c;
    close(out[0]);
    const size_t at = line.find("127.0.0.1:");
    engine::check(at != std::string::npos, "'{}' did not start: {}", command, line);
    port_ = std::stoi(line.substr(at + 10));
  }
  ~Served() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  int port() const { return port_; }
  // Of all threads of the server and of the processes that it has started.
  double processor_seconds() const {
    std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", pid_));
    double seconds = 0;
    for (long pid = pid_; pid; pid = children >> pid ? pid : 0) {
      std::ifstream file(fmt::format("/proc/{}/stat", pid));
      std::string field;
      std::getline(file, field, ')');
      for (int i = 3; i < 14; ++i) file >> field;
      long user = 0, system = 0;
      file >> user >> system;
      seconds += double(user + system) / double(sysconf(_SC_CLK_TCK));
    }
    return seconds;
  }
  double resident_mib() const {
    std::ifstream file(fmt::format("/proc/{}/statm", pid_));
    long all = 0, resident = 0;
    file >> all >> resident;
    return double(resident) * double(sysconf(_SC_PAGESIZE)) / (1 << 20);
  }

 private:
  pid_t pid_ = -1;
  int port_ = 0;
};

std::vector<text::Example> sentences() {
  const text::Table table = text::parse_table(std::string(text::embedded_sentiment()), text::kSentimentCorpus);
  std::vector<text::Example> all;
  const size_t column = table.column("text");
  for (const auto& row : table.rows) all.push_back({.text = row[column]});
  return all;
}

std::vector<std::string> requests(const std::vector<text::Example>& texts, bool raw = false) {
  std::vector<std::string> all;
  for (const text::Example& example : texts) {
    const std::string body =
        (raw ? nn::json{{"inputs", example.text}, {"raw_scores", true}} : nn::json{{"inputs", example.text}}).dump();
    all.push_back(
        fmt::format("POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
                    "{}\r\n\r\n{}",
                    body.size(), body));
  }
  return all;
}

// A classifier with the shipped encoder's vocabulary and first values: as fast as a trained one of its size.
std::string drawn(const std::string& folder, const std::string& name, long layers, long width) {
  const model::ModelDirectory from("mini");
  nn::Config c = from.config;
  c.num_hidden_layers = layers;
  c.hidden_size = width;
  c.num_attention_heads = width / 64;
  c.intermediate_size = 4 * width;
  spec::TaskSpec task;
  task.labels = text::Labels({"negative", "positive"});
  model::TextModel model(c, {task}, from.tokenizer, from.reading, 1);
  model.net.params.initialise();
  model.save(folder + "/" + name);
  return folder + "/" + name;
}

struct Load {
  long answered = 0, refused = 0;
  double seconds = 0;
  double a_second() const { return double(answered) / seconds; }
};

Load load(int port, const std::vector<std::string>& all, long clients, double seconds, long most = 1L << 40) {
  std::atomic<long> next = 0, answered = 0, refused = 0;
  std::vector<std::thread> threads;
  const auto start = Clock::now();
  for (long c = 0; c < clients; ++c)
    threads.emplace_back([&] {
      Client client(port);
      while (seconds_since(start) < seconds && answered < most) {
        const int status = client.predict(all[size_t(next++) % all.size()]).status;
        ++(status == 200 ? answered : refused);
        if (status == 429)
          std::this_thread::sleep_for(std::chrono::milliseconds(5));  // or the clients have the processor
      }
    });
  for (std::thread& thread : threads) thread.join();
  return {answered, refused, seconds_since(start)};
}

// Sentences a second, and processor seconds for each.
struct Speed {
  double a_second = 0, processor = 0;
};

Speed speed(const Served& server, const std::vector<std::string>& all, long clients, double seconds) {
  const double before = server.processor_seconds();
  const Load done = load(server.port(), all, clients, seconds);
  return {done.a_second(), (server.processor_seconds() - before) / double(done.answered)};
}

double offline(const model::TextModel& model, const std::vector<text::Example>& texts, double seconds) {
  long done = 0;
  const auto start = Clock::now();
  for (; seconds_since(start) < seconds; done += long(texts.size()))
    model::predict(model, text::encode(texts, model.tokenizer, model.reading.max_length));
  return double(done) / seconds_since(start);
}

// Milliseconds that one kept-alive client waits beyond what the model takes for the same text, at the median.
double added_ms(const model::TextModel& model, int port, const std::vector<text::Example>& texts,
                const std::vector<std::string>& all) {
  Client client(port);
  std::vector<double> alone, served;
  for (size_t i = 0; i < 300; ++i) {
    const auto start = Clock::now();
    model::predict(model, text::encode({texts[i % texts.size()]}, model.tokenizer, model.reading.max_length));
    alone.push_back(1e3 * seconds_since(start));
    const auto asked = Clock::now();
    client.predict(all[i % all.size()]);
    served.push_back(1e3 * seconds_since(asked));
  }
  return median(served) - median(alone);
}

std::map<std::string, double> logits(Client& client, const std::string& request) {
  const Client::Answer answer = client.predict(request);
  engine::check(answer.status == 200, "a server says {}: {}", answer.status, answer.body);
  std::map<std::string, double> all;
  const nn::json said = nn::json::parse(answer.body);
  for (const nn::json& one : said) all[one["label"].get<std::string>()] = one["score"].get<double>();
  return all;
}

// Refuses a peer that computes something else.
void check_agree(int port, int peer, const std::vector<text::Example>& texts) {
  Client a(port), b(peer);
  for (const std::string& request : requests(texts, true)) {
    const std::map<std::string, double> ours = logits(a, request), its = logits(b, request);
    for (const auto& [label, logit] : ours)
      engine::check(its.contains(label) && std::abs(logit - its.at(label)) <= 1e-4,
                    "the peer computes something else: '{}' has {} here, there {}, in the answer to {}", label, logit,
                    its.contains(label) ? fmt::format("{}", its.at(label)) : "nothing",
                    request.substr(request.find("\r\n\r\n") + 4));
  }
}

void measure(const std::string& name, const std::string& directory, const BenchOptions& o) {
  const auto model = model::load_model(model::ModelDirectory(directory));
  model->net.params.freeze("*");
  model->net.pack();  // as the server's is
  const std::vector<text::Example> texts = sentences();
  const std::vector<std::string> all = requests(texts);
  const std::vector<text::Example> some(texts.begin(), texts.begin() + 320);
  const Served server(fmt::format("'{}' --model '{}' --port 0 2>/dev/null",
                                  (fs::read_symlink("/proc/self/exe").parent_path() / "serve").string(), directory));
  std::optional<Served> peer;
  if (!o.peer.empty()) check_agree(server.port(), peer.emplace(o.peer + " '" + directory + "'").port(), some);
  std::vector<double> by_itself, behind, its, ratios, processor;
  load(server.port(), all, o.clients, 1);
  if (peer) load(peer->port(), all, o.clients, 1);
  for (long turn = 0; turn < o.turns; ++turn) {
    by_itself.push_back(offline(*model, some, double(o.seconds) / double(o.turns)));
    const Speed ours = speed(server, all, o.clients, double(o.seconds) / double(o.turns));
    behind.push_back(ours.a_second);
    if (!peer) continue;
    const Speed theirs = speed(*peer, all, o.clients, double(o.seconds) / double(o.turns));
    its.push_back(theirs.a_second);
    ratios.push_back(ours.a_second / theirs.a_second);
    processor.push_back(theirs.processor / ours.processor);
  }
  const double added = added_ms(*model, server.port(), texts, all), capacity = median(behind);
  const Load over = load(server.port(), all, 4 * o.clients, double(o.seconds) / 2);
  fmt::print("{:<10} {:>9.0f} {:>9.0f} {:>7.1f} % {:>10.2f} {:>9.1f} %", name, median(by_itself), capacity,
             100 * capacity / median(by_itself), added, 100 * over.a_second() / capacity);
  if (peer)
    fmt::print("   the peer {:.0f}: {:.2f} times ({:.2f} to {:.2f}); in processor time {:.2f}", median(its),
               median(ratios), std::ranges::min(ratios), std::ranges::max(ratios), median(processor));
  if (o.memory) {
    const double before = server.resident_mib();
    load(server.port(), all, o.clients, 1e9, o.memory);
    fmt::print("   {:.1f} -> {:.1f} MiB after {} more", before, server.resident_mib(), o.memory);
  }
  fmt::print("\n");
  std::fflush(stdout);
}

void bench(run::Options& options, const run::Parse& parse) {
  BenchOptions o;
  options.add("--model", o.models, "directories of classifiers; if not given, of mini's, small's and base's size");
  options.add("--clients", o.clients, "at the same time, each with one connection").positive();
  options.add("--seconds", o.seconds, "for each figure").positive();
  options.add("--turns", o.turns, "in which each figure is taken, one after another").positive();
  options.add("--peer", o.peer,
              "a command that, with a model's directory behind it, serves it: for tools/bench/ort_server.mjs");
  options.add("--memory", o.memory, "so many requests more, and the server's memory before and after").not_negative();
  parse();
  run::print_setup("bench-serve", "run");
  const std::string folder = fs::temp_directory_path() / fmt::format("attune-bench-{}", getpid());
  const struct Remove {
    std::string path;
    ~Remove() { fs::remove_all(path); }
  } remove{folder};
  std::vector<std::pair<std::string, std::string>> all;
  for (const std::string& directory : o.models) all.emplace_back(fs::path(directory).filename(), directory);
  if (all.empty())
    all = {{"mini", drawn(folder, "mini", 2, 256)},
           {"small", drawn(folder, "small", 4, 512)},
           {"base", drawn(folder, "base", 12, 768)}};
  fmt::print("{} clients, one sentence a request\n", o.clients);
  fmt::print("{:<10} {:>9} {:>9} {:>9} {:>10} {:>11}\n", "model", "offline/s", "served/s", "share", "added ms",
             "4x clients");
  for (const auto& [name, directory] : all) measure(name, directory, o);
}

}  // namespace

int main(int argc, char** argv) {
  std::string run = "run";
  std::vector<char*> words(argv, argv + argc);
  if (argc == 1 || (std::string(argv[1]).starts_with("-") && std::string(argv[1]) != "--help"))
    words.insert(words.begin() + 1, run.data());
  words.push_back(nullptr);
  return run::program(int(words.size()) - 1, words.data(), "bench-serve", "What serving costs.",
                      {{"run", "the table: by itself, served, added, under overload", bench}});
}
