// Server: HTTP on a socket, from routes to handlers. What httplib's own server leaves open is decided here: how many
// connections, how large a body, how long a client may take, and what becomes of all that when the server is stopped.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nn/format/json_value.h"
#include "tasks/http/log.h"
#include "tasks/http/metrics.h"
#include "tasks/http/refusal.h"

namespace run {
class Options;
}

namespace http {

struct ServerOptions {
  std::string host = "127.0.0.1", api_key, log;
  int port = 8080;             // 0: any that is free
  long connections = 256;      // open ones; each has a thread, which sleeps as long as nothing comes
  long max_body = 2L << 20;    // bytes
  double client_seconds = 20;  // that a client may take for one request, and for taking the answer

  void declare(run::Options& options);
};

struct Request {
  std::string method, path, body, id;
  std::map<std::string, std::string> at;     // what stands in the place of {name} in the route
  std::map<std::string, std::string> query;  // what stands behind the ?
  std::string header(const std::string& name) const { return find_header(name); }
  std::function<std::string(const std::string& name)> find_header;
  // False: the client has gone, or the server is to stop. Who works for long asks now and then.
  std::function<bool()> is_awaited = [] { return true; };
};

struct Response {
  int status = 200;
  std::string body, type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
  nn::ordered_json log =
      nn::ordered_json::object();  // what its line in the log has beside time, route, status and duration

  void json(const nn::ordered_json& value);  // what is no UTF-8 becomes U+FFFD
  void page(std::string html);  // one file with its style and script inside, which may ask this server and nobody else
};

class Server {
 public:
  using Handler = std::function<void(const Request&, Response&)>;
  using ErrorBody = std::function<nn::ordered_json(const Request&, int status, const std::string& sentence)>;

  Server(const ServerOptions& options, Log& log, Metrics& metrics);
  ~Server();
  Server(const Server&) = delete;

  // "/v2/models/{model}/infer". An `open` route wants no API key. A Refusal is answered with its status, an
  // engine::Error with 500, both as error_body says it; one without it has {"error": sentence}.
  enum class Access { closed, open };
  void on(const std::string& method, const std::string& route, Handler handler, Access access = Access::closed);
  // GET /health and /metrics, open: {"status": "ok"}, or what `ready` refuses; `more` and the server's own figures.
  void on_health(std::function<void()> ready = {});
  void on_metrics(std::function<std::string()> more = {});
  void error_body(ErrorBody body) { error_body_ = std::move(body); }
  std::vector<std::string> routes() const;  // "GET /health", in the order in which they were added

  // From here on clients can connect. The port. Error: it is taken, or not to be had.
  int listen();
  // Takes connections until stop() is called, then returns when every request that was read has its answer.
  void serve();
  void stop();  // from any thread, and more than once
  long connections() const;

  // What serve() does with a request that was read. `instead` of the handler, if there is one, is called: it refuses.
  void answer(const Request& in, Response& out, const std::function<void()>& instead);

 private:
  struct Route {
    std::string method, pattern;
    std::vector<std::string> parts;
    Handler handler;
    Access access;
  };
  struct Connections;
  class Http;
  const Route& find(const std::string& method, const std::string& path, std::map<std::string, std::string>& at) const;
  bool has_key(const Request& in) const;
  void finish(const Request& in, Response& out, const std::string& route, double seconds);

  ServerOptions options_;
  Log& log_;
  Metrics& metrics_;
  std::vector<Route> routes_;
  ErrorBody error_body_;
  std::unique_ptr<Connections> connections_;
  std::unique_ptr<Http> http_;
};

// Refusal 422: a key of a JSON object, or a name behind the ?, that is none of these, with the nearest one.
void check_members(const nn::json& object, const std::vector<std::string>& known);
void check_query(const Request& in, const std::vector<std::string>& known);

// Calls stop() at the first SIGTERM or SIGINT; at the second one the process ends. To be made before any thread.
class StopSignals {
 public:
  explicit StopSignals(std::function<void(int signal)> stop);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;

 private:
  struct Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace http
