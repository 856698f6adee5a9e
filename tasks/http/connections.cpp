// Sockets: a loop that accepts, a thread for each connection, httplib's own reading and writing of HTTP. Read
// tasks/http/stream.h first.
//
// httplib 0.11's own loop is not used: it has no bound on connections, a backlog of 5, Nagle's algorithm (40 ms a
// request on a kept-alive connection), reads and throws away a body that is too large, and stops only when idle clients
// let go. Its parser is: Server::process_request, which its own TLS server uses in the same way.
#include <netdb.h>
#include <netinet/tcp.h>
#include <omp.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <set>
#include <thread>
#include <utility>

#include "engine/startup.h"
#include "engine/strings.h"
#include "tasks/http/framing.h"
#include "tasks/http/server.h"
#include "tasks/http/stream.h"

namespace http {

namespace {

constexpr int kBacklog = 1024;
constexpr size_t kHeaderBytes = 64 << 10;  // of a request, beside its body
constexpr int kIdleSeconds = 60;           // a connection without a request is closed

std::string new_id() {
  static std::atomic<unsigned long> count = 0;
  static const unsigned long start =
      static_cast<unsigned long>(std::chrono::system_clock::now().time_since_epoch().count());
  return fmt::format("{:x}-{}", start / 1000000, ++count);
}

// Of what is asked, which has the server's name before it where a proxy asks (RFC 9112, 3.2.2).
std::string path_of(const std::string& target) {
  const size_t name = target.find("://");
  if (name == target.npos || target.starts_with('/')) return target;
  const size_t path = target.find('/', name + 3);
  return path == target.npos ? "/" : target.substr(path);
}

// An answer that nobody's handler has made.
std::string alone(int status, const char* reason, const std::string& sentence, const std::string& id) {
  const std::string body = nn::json{{"error", sentence}}.dump();
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nx-request-id: {}\r\n{}Connection: "
      "close\r\n\r\n{}",
      status, reason, body.size(), id, status == 429 ? "Retry-After: 1\r\n" : "", body);
}

void turn_away(int socket) {
  const std::string all =
      alone(429, "Too Many Requests", "too many connections (--connections); ask again in a moment", new_id());
  send(socket, all.data(), all.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  shutdown(socket, SHUT_WR);
  char rest[4096];  // what it has asked so far is taken, or the answer would be lost with it
  while (recv(socket, rest, sizeof rest, MSG_DONTWAIT) > 0) {}
  close(socket);
}

}  // namespace

// What is open. A connection between two requests is idle, and may be closed at any time.
struct Server::Connections {
  int listener = -1, wake[2] = {-1, -1};  // a pipe that ends the loop
  std::atomic<bool> stopping = false;
  std::atomic<long> open = 0;
  std::mutex mutex;
  std::condition_variable none;
  std::set<int> idle;

  Connections() { engine::check(pipe(wake) == 0, "no more files can be opened"); }
  ~Connections() {
    for (const int file : {listener, wake[0], wake[1]})
      if (file >= 0) close(file);
  }
  // Waits for a request. False: the client has gone, or is to go.
  bool wait_for_request(int socket) {
    {
      const std::lock_guard lock(mutex);
      if (stopping) return wait_for(socket, POLLIN, Clock::now());  // what has come before
      idle.insert(socket);
    }
    const bool came = wait_for(socket, POLLIN, Clock::now() + std::chrono::seconds(kIdleSeconds));
    const std::lock_guard lock(mutex);
    idle.erase(socket);
    return came;
  }
};

// httplib's reading of requests, without its sockets.
class Server::Http : public httplib::Server {
 public:
  explicit Http(http::Server& server) : server_(server) {
    set_pre_routing_handler(
        [this](const httplib::Request& in, httplib::Response& out) { return before_body(in, out); });
    set_keep_alive_timeout(kIdleSeconds);  // what answers say of it
    set_keep_alive_max_count(1000000);
    const auto handler = [this](const httplib::Request& in, httplib::Response& out) { handle(in, out, in.body); };
    Post(".*", handler);
    Put(".*", handler);
    Patch(".*", handler);
    Delete(".*", handler);
    // What is no HTTP has no handler.
    set_error_handler(HandlerWithResponse([this](const httplib::Request& in, httplib::Response& out) {
      if (!out.body.empty()) return HandlerResponse::Unhandled;
      close_ = true;  // nobody knows where the next one begins
      const char* sentence = out.status == 414   ? "the address is too long"
                             : out.status == 400 ? "this is no HTTP request, or not all of it came"
                                                 : "this request cannot be answered";
      out.set_content(nn::json{{"error", sentence}}.dump(), "application/json");
      if (!stream_->exhausted()) out.set_header("x-request-id", refused(in.method, out.status, sentence));
      return HandlerResponse::Handled;
    }));
    set_exception_handler(
        [](const httplib::Request&, httplib::Response& out, const std::exception_ptr&) { out.status = 500; });
  }

  // One connection, request after request.
  void talk(int socket) {
    omp_set_num_threads(1);  // or every connection would have a team of threads, spinning
    Connections& all = *server_.connections_;
    Stream stream(socket);
    stream_ = &stream;
    for (bool open = true; open;) {
      if (!stream.has_input() && !all.wait_for_request(socket)) return;
      stream.begin(size_t(server_.options_.max_body) + kHeaderBytes, server_.options_.client_seconds);
      close_ = false;
      bool closed = false;
      open = process_request(stream, all.stopping, closed, [](httplib::Request& in) {
        in.ranges.clear();                    // answers are whole
        in.headers.erase("Accept-Encoding");  // brotli at its slowest would take longer than most models
        // What curl -d calls its body: httplib would refuse it beyond 8 KiB, and take what is in it for the query's.
        in.headers.erase("Content-Type");
      });
      if (stream.exhausted()) {
        const std::string sentence =
            fmt::format("the request has more bytes than are read, {} of its body (--max-body) and {} beside it",
                        server_.options_.max_body, kHeaderBytes);
        stream.say_instead(alone(413, "Payload Too Large", sentence, refused("", 413, sentence)));
      }
      open = open && !closed && !close_ && !stream.exhausted() && !all.stopping;
      if (!open) stream.announce_end();
      open = stream.flush() && open;
    }
    shutdown(socket, SHUT_WR);  // what the client still sends is read for a moment, or it would not read the answer
    char rest[4096];
    const auto until = Clock::now() + std::chrono::milliseconds(200);
    while (close_ && wait_for(socket, POLLIN, until) && recv(socket, rest, sizeof rest, MSG_DONTWAIT) > 0) {}
  }

 private:
  // Counts and logs what no handler has seen; its id.
  std::string refused(const std::string& method, int status, const std::string& sentence) {
    Request in;
    in.method = method, in.id = new_id();
    Response out;
    out.status = status;
    out.log["error"] = sentence;
    server_.finish(in, out, "none", 0);
    return in.id;
  }

  // Once the headers are here: what needs no body, what has one in chunks, and what is wrong with one that is only
  // announced. Two servers that see its end in different places would take what follows for two different requests: so
  // there is one way to say it.
  HandlerResponse before_body(const httplib::Request& in, httplib::Response& out) {
    const bool has_body = in.method == "POST" || in.method == "PUT" || in.method == "PATCH" || in.method == "DELETE";
    const auto most = size_t(server_.options_.max_body);
    try {
      const Head head(stream_->take_head());
      close_ = head.ends_connection() || (!has_body && head.announces_body());  // of which nobody reads the body
      if (has_body) head.check_body(most);
      if (has_body && !head.in_chunks()) return HandlerResponse::Unhandled;
      const Read read = [&](char* to, size_t size) { return stream_->read(to, size); };
      handle(in, out, has_body ? read_chunks(read, most) : "");
    } catch (const Refusal& refusal) {
      close_ = true;  // what comes next would be its body
      if (stream_->exhausted())
        out.status = refusal.status;  // talk() says it
      else
        handle(in, out, "", [&] { throw Refusal(refusal); });
    }
    return HandlerResponse::Handled;
  }
  void handle(const httplib::Request& in, httplib::Response& out, const std::string& body,
              const std::function<void()>& instead = nullptr) {
    Request request{.method = in.method,
                    .path = path_of(in.path),
                    .body = body,
                    .id = in.get_header_value("x-request-id"),
                    .at = {},
                    .query = {},
                    .find_header = [&](const std::string& name) { return in.get_header_value(name); },
                    .is_awaited = [&] { return !server_.connections_->stopping && !stream_->hung_up(); }};
    if (request.id.empty() || request.id.size() > 100) request.id = new_id();
    request.id = engine::shown(request.id, 100);
    const std::string* twice = nullptr;
    for (const auto& [name, value] : in.params) {
      const auto [there, is_new] = request.query.emplace(name, value);
      if (!is_new && there->second != value) twice = &name;
    }
    const auto refuse_two = [&] { ask(false, 400, "two different '{}' behind the ?", engine::shown(*twice)); };
    Response response;
    server_.answer(request, response, !instead && twice ? refuse_two : instead);
    out.status = response.status;
    for (const auto& [name, value] : response.headers) out.set_header(name, value);
    out.set_content(response.body, response.type);
  }

  http::Server& server_;
  inline static thread_local bool close_ = false;
  inline static thread_local Stream* stream_ = nullptr;  // that this thread talks to
};

Server::Server(const ServerOptions& options, Log& log, Metrics& metrics)
    : options_(options), log_(log), metrics_(metrics), connections_(std::make_unique<Connections>()) {
  http_ = std::make_unique<Http>(*this);
  metrics_.counter("attune_requests_total", "Requests, by route and status.");
  metrics_.histogram("attune_request_duration_seconds", "From a request that is read to its answer, by route.",
                     {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10});
  metrics_.counter("attune_connections_refused_total", "Connections that were one too many.");
  metrics_.gauge("attune_connections", "Open connections.", [this] { return double(connections()); });
  metrics_.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", Metrics::resident_bytes);
}

Server::~Server() = default;

long Server::connections() const { return connections_->open; }

int Server::listen() {
  const std::string where = fmt::format("{}:{}", options_.host, options_.port);
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  const int error = getaddrinfo(options_.host.c_str(), std::to_string(options_.port).c_str(), &hints, &found);
  engine::check(error == 0, "{}: {}", engine::shown(where, 100), gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  int& listener = connections_->listener;
  listener = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // those that it accepts inherit it
  const bool bound = bind(listener, found->ai_addr, found->ai_addrlen) == 0 && ::listen(listener, kBacklog) == 0;
  engine::check(bound, "{} cannot be listened on: {}{}", where, std::strerror(errno),
                errno == EADDRINUSE ? "; --port names another, --port 0 takes any" : "");
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  getsockname(listener, reinterpret_cast<sockaddr*>(&own), &size);
  return ntohs(own.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&own)->sin6_port
                                         : reinterpret_cast<sockaddr_in*>(&own)->sin_port);
}

void Server::serve() {
  Connections& all = *connections_;
  std::thread([&] {
    engine::unbind_thread();  // or all that it begins would stay on the core that OpenMP has bound main()'s to
    while (!all.stopping) {
      pollfd both[2] = {{all.listener, POLLIN, 0}, {all.wake[0], POLLIN, 0}};
      if (poll(both, 2, -1) < 0 || all.stopping) continue;
      const int socket = accept4(all.listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) {
        if (errno == EMFILE || errno == ENFILE) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        continue;
      }
      if (all.open >= options_.connections) {
        metrics_.add("attune_connections_refused_total");
        turn_away(socket);
        continue;
      }
      ++all.open;
      try {
        std::thread([&, socket] {
          http_->talk(socket);
          close(socket);
          const std::lock_guard lock(all.mutex);
          if (--all.open == 0) all.none.notify_all();
        }).detach();
      } catch (const std::system_error&) {  // no more threads
        --all.open;
        turn_away(socket);
      }
    }
  }).join();
  close(std::exchange(all.listener, -1));
  std::unique_lock lock(all.mutex);
  for (const int socket : all.idle) shutdown(socket, SHUT_RD);  // their threads wake up and go
  all.none.wait(lock, [&] { return all.open == 0; });
}

void Server::stop() {
  {
    const std::lock_guard lock(connections_->mutex);
    connections_->stopping = true;
  }
  [[maybe_unused]] const ssize_t n = write(connections_->wake[1], "", 1);
}

struct StopSignals::Thread {
  std::atomic<bool> over = false;
  std::thread thread;
  sigset_t signals, before;
};

StopSignals::StopSignals(std::function<void(int)> stop) : thread_(std::make_unique<Thread>()) {
  sigemptyset(&thread_->signals);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR2}) sigaddset(&thread_->signals, signal);
  pthread_sigmask(SIG_BLOCK, &thread_->signals, &thread_->before);
  thread_->thread = std::thread([this, stop = std::move(stop)] {
    for (int signal = 0, count = 0; sigwait(&thread_->signals, &signal) == 0 && !thread_->over;) {
      if (signal == SIGUSR2) continue;
      if (++count > 1) _exit(128 + signal);
      stop(signal);
    }
  });
}

StopSignals::~StopSignals() {
  thread_->over = true;
  pthread_kill(thread_->thread.native_handle(), SIGUSR2);
  thread_->thread.join();
  pthread_sigmask(SIG_SETMASK, &thread_->before, nullptr);
}

}  // namespace http
