// A server of the http library under clients that behave, and under others.
#include "tasks/http/server.h"

#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <future>

#include "nn/format/files.h"
#include "tests/support/support.h"

using namespace test;
using nn::json;

namespace {

struct Running {
  TemporaryDirectory dir;
  http::Log log{dir.path + "/log.jsonl"};
  http::Metrics metrics;
  http::Server server;
  std::atomic<bool> held = false, inside = false;
  int port;
  std::thread thread;

  explicit Running(http::ServerOptions options = {}) : server(with_any_port(options), log, metrics) {
    server.on("POST", "/echo/{name}", [](const http::Request& in, http::Response& out) {
      out.json({{"name", in.at.at("name")}, {"body", in.body}, {"q", in.query.count("q") ? in.query.at("q") : ""}});
    });
    server.on("GET", "/slow", [this](const http::Request&, http::Response& out) {
      inside = true;
      while (held) std::this_thread::yield();
      out.json("done");
    });
    server.on("GET", "/fails", [](const http::Request&, http::Response&) { engine::fail("it cannot be done"); });
    server.on("GET", "/later", [](const http::Request&, http::Response&) { throw http::Refusal(429, "later", 7); });
    server.on_health([this] {
      if (held) throw http::Refusal(503, "it is held", 1);
    });
    server.on_metrics([] { return std::string("own_figure 1\n"); });
    port = server.listen();
    thread = std::thread([this] { server.serve(); });
  }
  ~Running() {
    held = false;
    stop();
  }
  void stop() {
    server.stop();
    if (thread.joinable()) thread.join();
  }
  static http::ServerOptions with_any_port(http::ServerOptions options) {
    options.port = 0;
    return options;
  }
  httplib::Client client() const { return httplib::Client("127.0.0.1", port); }
  // What the server answers to these very bytes, until it closes.
  std::string raw(const std::string& bytes, bool half = false) const {
    const int s = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(uint16_t(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(s, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    send(s, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (!half) shutdown(s, SHUT_WR);
    std::string answer;
    char part[4096];
    for (ssize_t n; (n = recv(s, part, sizeof part, 0)) > 0;) answer.append(part, size_t(n));
    close(s);
    return answer;
  }
};

// More than is read of them.
std::string many_headers() {
  std::string all;
  for (int i = 0; i < 10; ++i) all += "X: " + std::string(8000, 'a') + "\r\n";
  return all;
}

std::string error_in(const httplib::Result& result) { return json::parse(result->body).at("error"); }

}  // namespace

TEST_CASE("server: routes, their parts and queries; what there is not, with the nearest; a method that is not taken") {
  Running r;
  auto client = r.client();
  client.set_keep_alive(true);
  const auto echo = client.Post("/echo/me?q=a%20b", "hello", "text/plain");
  REQUIRE(echo);
  CHECK(json::parse(echo->body) == json{{"name", "me"}, {"body", "hello"}, {"q", "a b"}});
  CHECK(!echo->get_header_value("x-request-id").empty());
  CHECK(client.Get("/healt")->status == 404);
  CHECK(error_in(client.Get("/healt")) ==
        "there is no /healt (did you mean '/health'?); /openapi.json lists what there is");
  CHECK(client.Get("/echo/me")->status == 405);
  CHECK(error_in(client.Get("/echo/me")) == "/echo/me takes POST, not GET");
  CHECK(client.Get("/fails")->status == 500);
  CHECK(error_in(client.Get("/fails")) == "it cannot be done");
  const auto later = client.Get("/later");
  CHECK(later->status == 429);
  CHECK(later->get_header_value("Retry-After") == "7");
  CHECK(client.Get("/echo/me")->get_header_value("Allow") == "POST");
  const auto posted = client.Post("/health", "", "text/plain");
  CHECK(posted->status == 405);
  CHECK(posted->get_header_value("Allow") == "GET, HEAD");
  CHECK(client.Head("/health")->status == 200);
  CHECK(r.server.connections() == 1);  // all on one
  CHECK(r.metrics.text().find("attune_requests_total{route=\"/fails\",status=\"500\"} 2\n") != std::string::npos);
}

TEST_CASE("server: bodies that are too large, packed, unannounced or no HTTP are refused, and the server lives on") {
  http::ServerOptions options;
  options.max_body = 1000;
  options.client_seconds = 0.5;
  Running r(options);
  const auto says = [&](const std::string& bytes, const std::string& status, const std::string& sentence) {
    const std::string answer = r.raw(bytes, true);
    CAPTURE(answer);
    CHECK(answer.find("HTTP/1.1 " + status) == 0);
    CHECK(answer.find(sentence) != std::string::npos);
  };
  const std::string head = "POST /echo/a HTTP/1.1\r\nHost: x\r\n";
  says(head + "Content-Length: 2147483648\r\n\r\nabc", "413", "the body has 2147483648 bytes; at most 1000 are read");
  says(head + "\r\n", "411", "must say its Content-Length");
  says(head + "Content-Length: many\r\n\r\n", "400", "Content-Length is no number");
  says(head + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "415", "packed");
  says(head + "Transfer-Encoding: chunked\r\n\r\n20000\r\n" + std::string(0x20000, 'a') + "\r\n0\r\n\r\n", "413",
       "the body has more bytes than the 1000 that are read (--max-body)");
  says("GET /health HTTP/1.1\r\n" + many_headers(), "413", "more bytes than are read, 1000 of its body (--max-body)");
  says("GET /health HTTP/1.1\r\n" + std::string(200000, 'x'), "4", "");
  says("what is this\r\n\r\n", "400", "no HTTP request");
  CHECK(r.raw(head + "Content-Length: 900\r\n\r\nabc", true).find("HTTP/1.1 400") == 0);  // cut short: half a second
  CHECK(r.client().Get("/health")->status == 200);
}

TEST_CASE("server: an answer that is the connection's last says so, and has an id, a line in the log and a count") {
  http::ServerOptions options;
  options.max_body = 1000;
  Running r(options);
  const std::string head = "POST /echo/a HTTP/1.1\r\nHost: x\r\n", chunked = "Transfer-Encoding: chunked\r\n";
  const std::vector<std::pair<std::string, std::string>> last{
      {"413", head + "Content-Length: 2000\r\n\r\n"},
      {"400", head + "Content-Length: -5\r\n\r\n"},
      {"411", head + "\r\n"},
      {"413", head + chunked + "\r\n20000\r\n" + std::string(0x20000, 'a')},
      {"413", head + many_headers()},
      {"400", "what is this\r\n\r\n"},
      {"400", head + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"},
      {"400", head + "Content-Length: 3\r\n" + chunked + "\r\nabc"},
      {"501", head + "Transfer-Encoding: gzip\r\n\r\n"},
      {"200", "GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\nGET /later HTTP/1.1\r\nHost: x\r\n\r\n"},
  };
  for (const auto& [status, bytes] : last) {
    const std::string answer = r.raw(bytes, true), headers = answer.substr(0, answer.find("\r\n\r\n"));
    CAPTURE(bytes.substr(0, 100));
    CAPTURE(headers);
    CHECK(answer.find("HTTP/1.1 " + status) == 0);
    CHECK(answer.rfind("HTTP/1.1 ") == 0);  // what follows is no request
    CHECK(headers.find("\r\nConnection: close") != headers.npos);
    CHECK(headers.find("Keep-Alive") == headers.npos);
    CHECK(headers.find("\r\nx-request-id: ") != headers.npos);
  }
  const std::string log = nn::read_file(r.dir.path + "/log.jsonl");
  CHECK(std::count(log.begin(), log.end(), '\n') == long(last.size()));
  CHECK(r.metrics.text().find("attune_requests_total{route=\"none\",status=\"413\"} 1\n") != std::string::npos);
  CHECK(r.raw("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").find("Keep-Alive: ") != std::string::npos);
}

TEST_CASE("server: a head that another server may read otherwise is refused, and what follows is no request") {
  Running r;
  const std::string next = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";
  for (const std::string header :
       {"Content-Length : 30\r\n", "Content-Length\t: 30\r\n", " Content-Length: 30\r\n", "Content-Length:\r\n 30\r\n",
        "Content-Length\r\n", ": 30\r\n", "Host: x\nContent-Length: 30\r\n", "A: b\rContent-Length: 30\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding : chunked\r\n"})
    for (const std::string method : {"GET", "POST"}) {
      const std::string path = method == "GET" ? "/health" : "/echo/a";
      const std::string answer = r.raw(method + " " + path + " HTTP/1.1\r\nHost: x\r\n" + header + "\r\n" + next, true);
      CAPTURE(header);
      CHECK_MESSAGE(answer.starts_with("HTTP/1.1 400"), answer);
      CHECK(answer.rfind("HTTP/1.1 ") == 0);
      CHECK(answer.find("\r\nConnection: close") != answer.npos);
    }
  CHECK(r.raw("POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: %33\r\n\r\nabc", true).starts_with("HTTP/1.1 400"));
}

TEST_CASE("server: a body in chunks has as many bytes as any other, and may have fields behind it") {
  http::ServerOptions options;
  options.max_body = 100;
  options.client_seconds = 0.5;
  Running r(options);
  const std::string next = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
  const auto status = [&](const std::string& chunks, const char* how = "chunked") {
    const std::string answers =
        r.raw(fmt::format("POST /echo/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {}\r\n\r\n{}{}", how, chunks, next));
    const bool both = answers.find("HTTP/1.1 200", 1) != answers.npos;  // the next one, too
    return std::pair(answers.substr(9, 3), both);
  };
  const auto of = [](size_t n) { return fmt::format("{:x}\r\n{}\r\n", n, std::string(n, 'a')); };
  const std::pair whole{std::string("200"), true}, broken{std::string("400"), false}, large{std::string("413"), false};
  CHECK(status(of(100) + "0\r\n\r\n") == whole);
  CHECK(status(of(100) + "0\r\n\r\n", "Chunked") == whole);
  CHECK(status("5;a=b\r\nhello\r\n00\r\nX-Sum: 7\r\nX-More: 8\r\n\r\n") == whole);
  CHECK(status("0\r\n\r\n") == whole);
  CHECK(status(of(101) + "0\r\n\r\n") == large);
  CHECK(status(of(60) + of(41) + "0\r\n\r\n") == large);
  CHECK(status("fffffffffffffff0\r\n") == large);
  for (const char* wrong :
       {"-5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "\r\n", "5 5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello!\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "10000000000000000\r\n"})
    CHECK_MESSAGE(status(wrong) == broken, wrong);
  CHECK(r.raw("POST /echo/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe").starts_with("HTTP/1.1 400"));
}

TEST_CASE("server: a connection ends where a client says so, in any case and among other words") {
  Running r;
  const std::string ask = "GET /health HTTP/1.1\r\nHost: x\r\n", next = ask + "\r\n";
  for (const char* word : {"close", "Close", "TE, close", "close ,TE", "Keep-Alive\r\nConnection: close"}) {
    const std::string answer = r.raw(ask + "Connection: " + word + "\r\n\r\n" + next, true);
    CHECK_MESSAGE(answer.rfind("HTTP/1.1 200") == 0, word);
    CHECK_MESSAGE(answer.find("\r\nConnection: close") != answer.npos, word);
  }
  CHECK(r.raw(ask + "Connection: closely\r\n\r\n" + next).find("HTTP/1.1 200", 1) != std::string::npos);
}

TEST_CASE("server: a target may have the server's name before it") {
  Running r;
  const auto got = [&](const std::string& target) {
    return r.raw("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n").substr(9, 3);
  };
  CHECK(got("http://a/health") == "200");
  CHECK(got("HTTP://a:80/health?x=1") == "200");
  CHECK(got("http://a") == "404");  // the same as /
  CHECK(got("/http://a/health") == "404");
}

TEST_CASE("server: an answer that is finished while the server stops says that the connection ends") {
  Running r;
  r.held = true;
  auto answered = std::async(std::launch::async, [&] { return r.raw("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", true); });
  while (!r.inside) std::this_thread::yield();
  auto stopped = std::async(std::launch::async, [&] { r.stop(); });
  CHECK(stopped.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout);
  r.held = false;
  CHECK(answered.get().find("\r\nConnection: close") != std::string::npos);
  stopped.get();
}

TEST_CASE("server: one connection too many is told so at once; the others go on") {
  http::ServerOptions options;
  options.connections = 2;
  Running r(options);
  r.held = true;
  auto first = std::async(std::launch::async, [&] { return r.client().Get("/slow")->body; });
  auto second = std::async(std::launch::async, [&] { return r.client().Get("/slow")->body; });
  while (r.server.connections() < 2) std::this_thread::yield();
  const std::string third = r.raw("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(third.find("HTTP/1.1 429 Too Many Requests") == 0);
  CHECK(third.find("Retry-After: 1") != std::string::npos);
  CHECK(third.find("too many connections") != std::string::npos);
  r.held = false;
  CHECK(first.get() == "\"done\"");
  CHECK(second.get() == "\"done\"");
}

TEST_CASE("server: with an API key, requests need it; open routes do not") {
  http::ServerOptions options;
  options.api_key = "secret";
  Running r(options);
  auto client = r.client();
  CHECK(client.Get("/health")->status == 200);
  for (const char* key : {"", "Bearer ", "Bearer secre", "Bearer secrets", "secret"}) {
    const auto refused = client.Post("/echo/a", {{"Authorization", key}}, "x", "text/plain");
    CHECK(refused->status == 401);
    CHECK(refused->get_header_value("WWW-Authenticate") == "Bearer");
  }
  CHECK(client.Post("/echo/a", {{"Authorization", "Bearer secret"}}, "x", "text/plain")->status == 200);
}

TEST_CASE("server: /health says ok or what it refuses, /metrics the program's figures and its own, without a key") {
  http::ServerOptions options;
  options.api_key = "secret";
  Running r(options);
  auto client = r.client();
  CHECK(client.Get("/health")->body == R"({"status":"ok"})");
  r.held = true;
  const auto held = client.Get("/health");
  CHECK(held->status == 503);
  CHECK(error_in(held) == "it is held");
  const auto metrics = client.Get("/metrics");
  CHECK(metrics->get_header_value("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(metrics->body.starts_with("own_figure 1\n"));
  CHECK(metrics->body.find("attune_requests_total{route=\"/health\",status=\"503\"} 1\n") != std::string::npos);
}

TEST_CASE("server: stop() answers what was read, lets idle connections go, and returns") {
  Running r;
  auto idle = r.client();
  idle.set_keep_alive(true);
  CHECK(idle.Get("/health")->status == 200);
  r.held = true;
  auto accepted = std::async(std::launch::async, [&] { return r.client().Get("/slow")->body; });
  while (!r.inside) std::this_thread::yield();
  auto stopped = std::async(std::launch::async, [&] { r.stop(); });
  CHECK(stopped.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout);
  r.held = false;
  CHECK(accepted.get() == "\"done\"");
  stopped.get();
  CHECK(r.server.connections() == 0);
  CHECK(!r.client().Get("/health"));
}

TEST_CASE("server: a port that is taken is one sentence with a way out; the log has a line for each request, no body") {
  Running r;
  http::ServerOptions options;
  options.port = r.port;
  http::Metrics metrics;
  http::Server second(options, r.log, metrics);
  CHECK(error_of([&] { second.listen(); }) ==
        fmt::format(
            "127.0.0.1:{} cannot be listened on: Address already in use; --port names another, --port 0 takes any",
            r.port));
  r.client().Post("/echo/a", {{"x-request-id", "mine"}}, "secret words", "text/plain");
  const std::string log = nn::read_file(r.dir.path + "/log.jsonl");
  const json line = json::parse(log);
  CHECK(line.at("id") == "mine");
  CHECK(line.at("route") == "/echo/{name}");
  CHECK(line.at("status") == 200);
  CHECK(log.find("secret words") == std::string::npos);
}

TEST_CASE("metrics: counters, gauges and cumulative histograms in Prometheus' text form") {
  http::Metrics m;
  m.counter("a_total", "Things.");
  m.gauge("b", "Now.", [] { return 2.5; });
  m.histogram("c_seconds", "Long.", {1, 2});
  m.add("a_total", {{"of", "x\"y"}}, 3);
  for (const double v : {0.5, 1.0, 1.5, 9.0}) m.observe("c_seconds", v);
  CHECK(
      m.text() ==
      "# HELP a_total Things.\n# TYPE a_total counter\na_total{of=\"x\\\"y\"} 3\n"
      "# HELP b Now.\n# TYPE b gauge\nb 2.5\n"
      "# HELP c_seconds Long.\n# TYPE c_seconds histogram\nc_seconds_bucket{le=\"1\"} 2\nc_seconds_bucket{le=\"2\"} 3\n"
      "c_seconds_bucket{le=\"+Inf\"} 4\nc_seconds_sum 12\nc_seconds_count 4\n");
}
