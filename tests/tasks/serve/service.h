// The whole service over small models, and requests to it.
#pragma once

#include <httplib.h>

#include <functional>
#include <thread>

#include "nn/format/json.h"
#include "tasks/run/console.h"
#include "tasks/serve/routes.h"
#include "tests/support/tasks.h"

namespace test {

using nn::json;

// A BERT of two layers that knows letters, and labels them.
inline nn::Config letters_config(long width = 64) {
  nn::Config c =
      sized_config({.vocabulary = 57, .width = width, .layers = 2, .heads = 4, .inner = 128, .positions = 64});
  c.initializer_range = 0.2;
  return c;
}

// One model that labels, saved as "mood" in `dir` after `make` has changed it.
inline serve::ServiceOptions one_model(
    const TemporaryDirectory& dir, const std::function<void(model::TextModel&)>& make = [](auto&) {}) {
  const auto model = text_model(letters_config(), {task_of("", nn::Predicts::label)}, 7);
  make(*model);
  serve::ServiceOptions o;
  o.models = {dir.path + "/mood"};
  model->save(o.models[0]);
  return o;
}

struct Running {
  run::Quiet quiet;
  http::Log log;
  http::Metrics metrics;
  http::Server server;
  serve::Service service;
  int port;
  std::thread thread;

  explicit Running(serve::ServiceOptions options, const std::string& api_key = "")
      : log(""), server(any_port(api_key), log, metrics), service(options, metrics), port(server.listen()) {
    serve::all_routes(server, service);
    thread = std::thread([this] { server.serve(); });
  }
  ~Running() { stop(); }
  void stop() {
    server.stop();
    if (thread.joinable()) thread.join();
  }
  static http::ServerOptions any_port(const std::string& api_key) {
    http::ServerOptions options;
    options.port = 0;
    options.api_key = api_key;
    return options;
  }
  httplib::Result post(const std::string& path, const json& body) const {
    return post(path, body.dump(), "application/json");
  }
  httplib::Result post(const std::string& path, const std::string& body, const char* type) const {
    httplib::Client client("127.0.0.1", port);
    return client.Post(path, body, type);
  }
  httplib::Result get(const std::string& path) const { return httplib::Client("127.0.0.1", port).Get(path); }
  json answer(const std::string& path, const json& body) const {
    const auto result = post(path, body);
    REQUIRE(result);
    CAPTURE(result->body);
    REQUIRE(result->status == 200);
    return json::parse(result->body);
  }
};

// "mood" labels, "grade" says a number, "three" has three named tasks, "encoder" has no head.
struct Mood {
  TemporaryDirectory dir;
  std::unique_ptr<model::TextModel> mood = text_model(letters_config(), {task_of("", nn::Predicts::label)}, 7);
  Running running;

  Mood() : running(options()) { running.service.load(); }
  serve::ServiceOptions options() {
    mood->save(dir.path + "/mood");
    text_model(letters_config(), {task_of("", nn::Predicts::number)}, 8)->save(dir.path + "/grade");
    text_model(letters_config(), {task_of("a", nn::Predicts::label), task_of("b", nn::Predicts::labels)}, 9)
        ->save(dir.path + "/two");
    spec::TaskSpec vector = task_of("", nn::Predicts::vector);
    text_model(letters_config(), {vector}, 10)->save(dir.path + "/encoder");
    serve::ServiceOptions o;
    for (const char* name : {"mood", "grade", "two", "encoder"}) o.models.push_back(dir.path + "/" + name);
    return o;
  }
};

}  // namespace test
