// From a request to its handler, and from what that threw to an answer. Read tasks/http/server.h first; the sockets are
// in connections.cpp.
#include <algorithm>
#include <chrono>

#include "engine/strings.h"
#include "tasks/http/server.h"
#include "tasks/run/arguments.h"
#include "tasks/text/labels.h"

namespace http {

using nn::ordered_json;

void ServerOptions::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Server");
  };
  add("--host", host, "address to listen on; 0.0.0.0 is all of this machine's, for whoever reaches it");
  add("--port", port, "0: any that is free; the line `serving on` says which").between(0, 65535);
  add("--api-key", api_key,
      "what clients must say: `Authorization: Bearer KEY`; open are the page, /, /health, /metrics and, of serve, "
      "/ping, "
      "/openapi.json, /v2/health/live and /v2/health/ready");
  add("--connections", connections, "open at the same time; one more is answered 429 and closed").between(1, 100000);
  add("--max-body", max_body, "bytes of a request").between(1, 1e12);
  add("--client-seconds", client_seconds, "that a client may take to send a request, and to take the answer")
      .positive();
  add("--log", log, "a line of JSON for every request, without texts, to this file; -: standard error").writes();
}

void check_members(const nn::json& object, const std::vector<std::string>& known) {
  const std::string unknown = text::unknown_member(object, known);
  ask(unknown.empty(), 422, "{}", unknown);
}

void check_query(const Request& in, const std::vector<std::string>& known) {
  for (const auto& [name, value] : in.query)
    ask(std::ranges::count(known, name) > 0, 422, "'{}' is not read behind the ?; {} is{}", engine::shown(name),
        text::listed(known), text::did_you_mean(name, known));
}

void Response::json(const ordered_json& value) { body = value.line(); }

void Response::page(std::string html) {
  type = "text/html; charset=utf-8";
  body = std::move(html);
  headers.emplace_back("Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
                       "img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'");
}

void Server::on(const std::string& method, const std::string& route, Handler handler, Access access) {
  routes_.push_back({method, route, engine::split(route.substr(1), '/'), std::move(handler), access});
}

std::vector<std::string> Server::routes() const {
  std::vector<std::string> all;
  for (const Route& route : routes_) all.push_back(route.method + " " + route.pattern);
  return all;
}

void Server::on_health(std::function<void()> ready) {
  const auto health = [ready = std::move(ready)](const Request&, Response& out) {
    if (ready) ready();
    out.json({{"status", "ok"}});
  };
  on("GET", "/health", health, Access::open);
}

void Server::on_metrics(std::function<std::string()> more) {
  const auto metrics = [this, more = std::move(more)](const Request&, Response& out) {
    out.type = "text/plain; version=0.0.4; charset=utf-8";
    out.body = (more ? more() : "") + metrics_.text();
  };
  on("GET", "/metrics", metrics, Access::open);
}

namespace {

bool fits(const std::vector<std::string>& route, const std::vector<std::string>& path,
          std::map<std::string, std::string>& at) {
  if (route.size() != path.size()) return false;
  at.clear();
  for (size_t i = 0; i < route.size(); ++i) {
    if (!route[i].starts_with('{') && route[i] != path[i]) return false;
    if (route[i].starts_with('{')) {
      if (path[i].empty()) return false;
      at[route[i].substr(1, route[i].size() - 2)] = path[i];
    }
  }
  return true;
}

// The same time whatever they have in common.
bool same_secret(const std::string& a, const std::string& b) {
  unsigned different = a.size() != b.size();
  for (size_t i = 0; i < b.size(); ++i) different |= unsigned(a.empty() ? 1 : a[i % a.size()] ^ b[i]);
  return different == 0;
}

Refusal other_method(const std::string& path, const std::string& method, const std::string& allowed) {
  Refusal other(405, fmt::format("{} takes {}, not {}", engine::shown(path, 100), allowed, engine::shown(method)));
  other.allow = allowed;
  return other;
}

}  // namespace

const Server::Route& Server::find(const std::string& method, const std::string& path,
                                  std::map<std::string, std::string>& at) const {
  const std::vector<std::string> parts = engine::split(path.substr(std::min<size_t>(1, path.size())), '/');
  std::string allowed;
  for (const Route& route : routes_) {
    if (!fits(route.parts, parts, at)) continue;
    if (route.method == method || (method == "HEAD" && route.method == "GET")) return route;
    allowed += (allowed.empty() ? "" : ", ") + route.method + (route.method == "GET" ? ", HEAD" : "");
  }
  if (!allowed.empty()) throw other_method(path, method, allowed);
  std::vector<std::string> known;
  for (const Route& route : routes_) known.push_back(route.pattern);
  throw Refusal(404, fmt::format("there is no {}{}; /openapi.json lists what there is", engine::shown(path, 100),
                                 text::did_you_mean(path, known)));
}

bool Server::has_key(const Request& in) const {
  return options_.api_key.empty() || same_secret(in.header("Authorization"), "Bearer " + options_.api_key);
}

void Server::answer(const Request& asked, Response& out, const std::function<void()>& instead) {
  const auto start = std::chrono::steady_clock::now();
  Request in = asked;
  std::string pattern = "none";
  const auto refuse = [&](int status, const std::string& sentence) {
    out.status = status;
    out.type = "application/json";
    out.json(error_body_ ? error_body_(in, status, sentence) : ordered_json{{"error", sentence}});
    out.log["error"] = sentence;
  };
  try {
    const Route& route = find(in.method, in.path, in.at);
    pattern = route.pattern;
    ask(route.access == Access::open || has_key(in), 401, "{} wants the header `Authorization: Bearer KEY`",
        engine::shown(in.path, 100));
    if (instead) instead();
    route.handler(in, out);
  } catch (const Refusal& e) {
    refuse(e.status, e.what());
    if (e.retry_after) out.headers.emplace_back("Retry-After", std::to_string(e.retry_after));
    if (!e.allow.empty()) out.headers.emplace_back("Allow", e.allow);
    if (e.status == 401) out.headers.emplace_back("WWW-Authenticate", "Bearer");
  } catch (const std::bad_alloc&) {
    refuse(507, "there is not enough memory for this request");
  } catch (const std::exception& e) { refuse(500, e.what()); }
  finish(in, out, pattern, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

void Server::finish(const Request& in, Response& out, const std::string& route, double seconds) {
  out.headers.emplace_back("x-request-id", in.id);
  metrics_.add("attune_requests_total", {{"route", route}, {"status", std::to_string(out.status)}});
  metrics_.observe("attune_request_duration_seconds", seconds, {{"route", route}});
  ordered_json line{
      {"id", in.id}, {"method", in.method}, {"route", route}, {"status", out.status}, {"ms", seconds * 1e3}};
  line.update(out.log);
  log_.write(line);
}

}  // namespace http
