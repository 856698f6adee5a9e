// Lists over HTTP. The assembler includes page.html; the Makefile knows that this object depends on it. Read
// tasks/http/server.h first.
#include "tasks/recommend/service.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "engine/startup.h"
#include "engine/strings.h"
#include "nn/format/json.h"
#include "tasks/files/embed.h"
#include "tasks/http/scheduler.h"
#include "tasks/recommend/rerank.h"
#include "tasks/text/labels.h"

EMBED(recommend_page, "tasks/recommend/page.html");

namespace recommend {

using http::ask;
using http::Request;
using http::Response;
using nn::json;
using nn::ordered_json;

namespace {

ordered_json item_json(const Item& item) {
  return {{"id", item.id}, {"title", item.name()}, {"description", item.text}, {"tags", item.tags}};
}

std::vector<int> items_at(const Recommender& r, const json& body, const char* key) {
  std::vector<int> items;
  if (!body.contains(key) || body[key].is_null()) return items;
  ask(body[key].is_array() && body[key].size() <= 10000, 422, "{} must be a list of ids or titles, 10000 at most", key);
  for (const json& name : body[key]) {
    ask(name.is_string(), 422, "{} must be a list of ids or titles; got {}", key, name.dump().substr(0, 40));
    try {
      items.push_back(r.data.item_named(name));
    } catch (const engine::Error& e) { throw http::Refusal(404, e.what()); }
  }
  return items;
}

double number_at(const json& body, const char* key, double missing, double low, double high) {
  if (!body.contains(key) || body[key].is_null()) return missing;
  ask(body[key].is_number() && body[key] >= low && body[key] <= high, 422, "{} must be a number from {} to {}", key,
      low, high);
  return body[key];
}

// One list on its way to the thread that makes it.
struct ListJob : http::Job {
  std::string body;
  ordered_json answer;
};

// Items whose title, id or tags have the words, most taken first.
ordered_json found_items(const Recommender& r, const std::vector<int>& by_count, const std::string& words, long n) {
  ordered_json found = ordered_json::array();
  for (const int i : by_count) {
    const Item& item = r.data.items[size_t(i)];
    std::string all = item.name() + " " + item.id;
    for (const std::string& tag : item.tags) all += " " + tag;
    if (engine::ascii_lower(all).find(engine::ascii_lower(words)) == std::string::npos) continue;
    found.push_back(item_json(item));
    if (long(found.size()) == n) break;
  }
  return {{"items", found}};
}

void page(const Request&, Response& out) { out.page({attune_recommend_page_begin, attune_recommend_page_end}); }

}  // namespace

ordered_json list_json(const Recommender& r, const std::string& user, const std::vector<Recommended>& list) {
  ordered_json items = ordered_json::array();
  for (const Recommended& one : list) {
    ordered_json item = item_json(r.data.items[size_t(one.item)]);
    item["score"] = one.score, item["probability"] = one.probability, item["because"] = nullptr;
    if (one.because >= 0) {
      const Item& reason = r.data.items[size_t(one.because)];
      item["because"] = {{"id", reason.id}, {"title", reason.name()}, {"part", one.part}};
    }
    items.push_back(std::move(item));
  }
  ordered_json answer = ordered_json::object();
  if (!user.empty()) answer["user"] = user;
  answer["items"] = std::move(items);
  return answer;
}

namespace {

json body_of(const std::string& text) {
  try {
    return nn::parse_json(text, "body");
  } catch (const engine::Error& e) { throw http::Refusal(400, e.what()); }
}

}  // namespace

ordered_json answer_json(const Answering& answering, const std::string& text) {
  const Recommender& r = answering.model();
  const json body = body_of(text);
  ask(body.is_object(), 422, "the body must be an object");
  http::check_members(body, {"user", "items", "exclude", "k", "diversity", "rerank", "likeness"});
  Wanted wanted;
  const double k = number_at(body, "k", 10, 1, 1000);
  ask(k == std::floor(k), 422, "k must be a whole number; it is {}", k);
  wanted.k = long(k);
  wanted.diversity = number_at(body, "diversity", 0, 0, 0.99);
  if (body.contains("rerank")) {
    const json& how = body["rerank"];
    ask(std::ranges::any_of(kReranks, [&](const std::string& one) { return how == one; }), 422, "rerank must be {}",
        fmt::format("{}", fmt::join(kReranks, ", ")));
    wanted.rerank = how;
  }
  if (body.contains("likeness")) {
    const json& kind = body["likeness"];
    ask(kind == "mean" || kind == "words" || kind == "tags" || kind == "vectors", 422,
        "likeness must be mean, words, tags or vectors");
    wanted.likeness = kind;
  }
  wanted.exclude = items_at(r, body, "exclude");
  std::vector<int> history;
  std::string user;
  if (body.contains("user") && !body["user"].is_null()) {
    ask(body["user"].is_string(), 422, "user must be a string");
    user = body["user"];
    const auto found = std::find(r.data.users.begin(), r.data.users.end(), user);
    ask(found != r.data.users.end(), 404, "there is no user '{}'", engine::shown(user));
    history = items_of(r.data.histories[size_t(found - r.data.users.begin())]);
  }
  const std::vector<int> more = items_at(r, body, "items");
  history.insert(history.end(), more.begin(), more.end());
  return list_json(r, user, answering(history, wanted));
}

void add_routes(http::Server& server, const Answering& answering) {
  const Recommender& r = answering.model();
  std::vector<int> by_count(size_t(r.items()));
  const std::vector<double> counts = counts_of(r.data.whole(), r.items());
  for (size_t i = 0; i < by_count.size(); ++i) by_count[i] = int(i);
  std::stable_sort(by_count.begin(), by_count.end(),
                   [&](int a, int b) { return counts[size_t(a)] > counts[size_t(b)]; });
  // One thread makes the lists, with all of OpenMP's.
  const auto make = [&answering](size_t, const std::vector<http::Job*>& jobs) {
    for (http::Job* job : jobs) {
      auto& list = static_cast<ListJob&>(*job);
      list.answer = answer_json(answering, list.body);
    }
  };
  const auto scheduler = std::make_shared<http::Scheduler>(make, 1, 256);
  server.on("POST", "/recommend", [scheduler](const Request& in, Response& out) {
    ListJob job;
    job.body = in.body;
    scheduler->compute({&job});
    out.json(job.answer);
  });
  server.on("GET", "/items", [&r, by_count](const Request& in, Response& out) {
    const auto q = in.query.find("q"), n = in.query.find("n");
    const long most = n == in.query.end() ? 20 : engine::parse_number<long>(n->second).value_or(0);
    ask(most >= 1 && most <= 1000, 422, "n must be 1 to 1000");
    out.json(found_items(r, by_count, q == in.query.end() ? "" : q->second, most));
  });
  server.on_health();
  server.on_metrics();
  server.on("GET", "/", page, http::Server::Access::open);
}

void serve_command(run::Options& options, const run::Parse& parse) {
  std::string model;
  http::ServerOptions listening;
  options.add("--model", model, "a directory of recommend train").required();
  listening.declare(options);
  parse();
  run::print_setup("recommend", "serve");
  http::Log log(listening.log);
  http::Metrics metrics;
  http::Server server(listening, log, metrics);
  const http::StopSignals signals([&](int) {
    run::print_note("stopping: what was accepted is answered first\n");
    server.stop();
  });
  const auto r = load_recommender(model);
  const Answering answering(*r);
  engine::release_team();  // the scheduler's thread has its own
  add_routes(server, answering);
  const int port = server.listen();
  fmt::print("serving on http://{}:{}  {} items, {} users\n", listening.host, port, r->items(), r->data.users.size());
  std::fflush(stdout);
  server.serve();
}

}  // namespace recommend
