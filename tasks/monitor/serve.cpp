// The page, and what it asks: a copy of the board after every bin, behind a lock; server-sent events. Read watcher.h
// and tasks/http/server.h before. The assembler includes page.html; the Makefile knows that this object depends on it.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <iterator>
#include <thread>

#include "tasks/files/embed.h"
#include "tasks/http/server.h"
#include "tasks/monitor/commands.h"
#include "tasks/monitor/trend.h"
#include "tasks/monitor/watcher.h"

EMBED(monitor_page, "tasks/monitor/page.html");

namespace monitor {

using http::ask;
using nn::ordered_json;

namespace {

constexpr auto kHold = std::chrono::seconds(10);  // that a client waits for an event before it asks again
constexpr size_t kEvents = 500;                   // alerts that are kept for clients that were away, and as many bins

// What clients see: written by the thread that reads the stream, after a bin or an event.
class Shop {
 public:
  void put(const Watcher& watcher, long trend_bins) {
    const std::lock_guard lock(mutex_);
    metrics_ = metrics_of(watcher.board(), watcher.figures());
    if (watcher.board().closed_until() == closed_) return;
    closed_ = watcher.board().closed_until();
    series_.clear();
    for (const auto& [key, s] : watcher.board().series()) series_[key] = {s.kind, s.name, s.history};
    begin_ = watcher.board().seconds_of(0);
    bin_ = watcher.board().options().bin_seconds;
    trend_bins_ = trend_bins;
    push(bins_, "bin", {{"closed", watcher.board().seconds_of(closed_)}});
  }
  void tell(const ordered_json& event) {
    const std::lock_guard lock(mutex_);
    push(alerts_, "alert", event);
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }

  ordered_json overview() const;
  ordered_json texts(const std::string& kind, const std::string& name, long at) const;
  ordered_json alerts() const;
  std::string metrics() const {
    const std::lock_guard lock(mutex_);
    return metrics_;
  }
  // What has happened since the event `last`, as server-sent events; waits for it. The client comes again at once. A
  // number that no event has yet is of a server before this one, whose client has seen nothing of this one.
  std::string since(long last) const;

 private:
  struct Line {
    std::string kind, name;
    std::deque<Point> history;
  };
  struct Sent {
    long id;
    std::string type;
    ordered_json data;
  };
  void push(std::deque<Sent>& to, const char* type, const ordered_json& data) {
    to.push_back({++last_, type, data});
    if (to.size() > kEvents) to.pop_front();
    changed_.notify_all();
  }
  long time_of(long bin) const { return begin_ + bin * bin_; }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::string, Line> series_;
  std::deque<Sent> alerts_, bins_;
  std::string metrics_;
  long closed_ = -1, last_ = 0, begin_ = 0, bin_ = 3600, trend_bins_ = 24;
  bool closing_ = false;
};

ordered_json Shop::overview() const {
  const std::lock_guard lock(mutex_);
  ordered_json all{{"bin", bin_}, {"last", last_}, {"series", ordered_json::array()}};
  for (const auto& [key, line] : series_) {
    ordered_json points = ordered_json::array();
    std::vector<double> held, texts;
    for (const Point& p : line.history) {
      points.push_back({time_of(p.bin), p.known ? ordered_json(p.texts) : ordered_json(nullptr), p.expected, p.low,
                        p.high, p.share, p.share_low, p.share_high, p.usual, p.alerts});
      if (p.known) held.push_back(p.negatives), texts.push_back(p.texts);
    }
    const size_t skip = texts.size() > size_t(trend_bins_) ? texts.size() - size_t(trend_bins_) : 0;
    const auto trend = trend_of({held.begin() + long(skip), held.end()}, {texts.begin() + long(skip), texts.end()});
    ordered_json one{{"kind", line.kind}, {"name", line.name}, {"points", points}};
    if (trend)
      one["trend"] = {{"slope", trend->slope},
                      {"low", trend->low},
                      {"high", trend->high},
                      {"texts", trend->texts},
                      {"bins", trend_bins_}};
    all["series"].push_back(one);
  }
  return all;
}

ordered_json Shop::texts(const std::string& kind, const std::string& name, long at) const {
  const std::lock_guard lock(mutex_);
  const auto found = series_.find(kind + '\xff' + name);
  ask(found != series_.end(), 404, "there is no {} '{}'", kind, name);
  ordered_json list = ordered_json::array();
  for (const Point& p : found->second.history)
    if (time_of(p.bin) == at)
      for (const Shown& s : p.shown) list.push_back(ordered_json(to_json(s)));
  return {{"texts", list}};
}

ordered_json Shop::alerts() const {
  const std::lock_guard lock(mutex_);
  ordered_json list = ordered_json::array();
  for (const Sent& s : alerts_) list.push_back(s.data);
  return {{"alerts", list}};
}

std::string Shop::since(long last) const {
  std::unique_lock lock(mutex_);
  if (last > last_) last = 0;
  changed_.wait_for(lock, kHold, [&] { return closing_ || last_ > last; });
  std::string out = "retry: 200\n\n";
  std::vector<Sent> sent;
  std::ranges::merge(alerts_, bins_, std::back_inserter(sent), {}, &Sent::id, &Sent::id);
  for (const Sent& s : sent)
    if (s.id > last) out += fmt::format("id: {}\nevent: {}\ndata: {}\n\n", s.id, s.type, s.data.dump());
  return out;
}

long number(const http::Request& in, const std::string& text, const char* what) {
  const auto value = engine::parse_number<long>(text);
  ask(value.has_value(), 422, "{} must be a whole number (route {})", what, in.path);
  return *value;
}

void page(const http::Request&, http::Response& out) { out.page({attune_monitor_page_begin, attune_monitor_page_end}); }

void add_routes(http::Server& server, const Shop& shop) {
  using http::Request;
  using http::Response;
  const auto open = http::Server::Access::open;
  server.on("GET", "/ui", page, open);
  server.on(
      "GET", "/", [](const Request&, Response& out) { out.status = 302, out.headers.emplace_back("Location", "/ui"); },
      open);
  server.on_health();
  server.on_metrics([&] { return shop.metrics(); });
  server.on("GET", "/api/series", [&](const Request&, Response& out) { out.json(shop.overview()); });
  server.on("GET", "/api/alerts", [&](const Request&, Response& out) { out.json(shop.alerts()); });
  server.on("GET", "/api/texts", [&](const Request& in, Response& out) {
    const auto value = [&](const char* key) {
      const auto found = in.query.find(key);
      return found == in.query.end() ? std::string() : found->second;
    };
    out.json(shop.texts(value("kind"), value("name"), number(in, value("at"), "at")));
  });
  server.on("GET", "/api/events", [&](const Request& in, Response& out) {
    const auto asked = in.query.find("last");
    std::string last = in.header("Last-Event-ID");
    if (last.empty() && asked != in.query.end()) last = asked->second;
    out.type = "text/event-stream";
    out.headers.emplace_back("Cache-Control", "no-store");
    out.body = shop.since(last.empty() ? 0 : number(in, last, "last"));
  });
}

// The stream to its end, or to a signal; what it says goes to the page.
void watch(Watcher& watcher, Shop& shop, const WatchOptions& o) {
  const Words words = watcher.words();
  watcher.run([&](const Event& event) { shop.tell(to_json(event, words)); }, o.state.empty(),
              [&] { shop.put(watcher, o.board.trend); });
  shop.put(watcher, o.board.trend);
}

}  // namespace

void serve(::run::Options& options, const ::run::Parse& parse) {
  WatchOptions o;
  http::ServerOptions listening;
  o.declare(options);
  options.add("--follow", o.stream.follow, "wait for more at the end of the file").group("Stream");
  options.add("--speed", o.speed, "seconds of a recorded stream in a second; 0: as fast as can be")
      .group("Stream")
      .not_negative();
  options.add("--state", o.state, "file to save the state in, and to go on from, if it is there")
      .writes()
      .group("Output");
  listening.declare(options);
  parse();
  o.settle();
  ::run::print_setup("monitor", "serve");
  http::Log log(listening.log);
  http::Metrics metrics;
  http::Server server(listening, log, metrics);
  Shop shop;
  const http::StopSignals signals([&](int) {  // before the first thread: none of them takes a signal
    request_stop();
    shop.close();
    server.stop();
  });
  Watcher watcher(o);
  add_routes(server, shop);
  const int port = server.listen();
  fmt::print("serving on http://{}:{}  page: /ui\n", listening.host, port);
  std::fflush(stdout);
  std::thread answering([&] { server.serve(); });
  std::exception_ptr failed;
  try {
    watch(watcher, shop, o);
  } catch (...) {
    failed = std::current_exception();
    shop.close();
    server.stop();
  }
  answering.join();  // after a signal: the page stays when the stream is at its end
  if (failed) std::rethrow_exception(failed);
  print_result("serve", watcher, 0, stdout);
}

}  // namespace monitor
