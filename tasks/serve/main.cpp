// Models over HTTP: read options, listen, load, answer until somebody says stop. Read tasks/serve/service.h next: from
// a text to its answer.
#include "engine/startup.h"
#include "tasks/run/console.h"
#include "tasks/serve/routes.h"

namespace {

void serve_command(run::Options& options, const run::Parse& parse) {
  http::ServerOptions listening;
  serve::ServiceOptions serving;
  serving.declare(options);
  listening.declare(options);
  parse();
  run::print_setup("serve", "run");

  http::Log log(listening.log);
  http::Metrics metrics;
  http::Server server(listening, log, metrics);
  std::atomic<bool> loaded = false, stopped = false;
  const http::StopSignals signals([&](int signal) {  // 1 before the first thread: none of them takes a signal
    if (!loaded) _exit(128 + signal);
    stopped = true;
    run::print_note("stopping: what was accepted is answered first\n");
    server.stop();
  });
  const int port = server.listen();          // 2 a client that comes now waits, and is not refused
  serve::Service service(serving, metrics);  // 3 the queue and its worker
  serve::all_routes(server, service);
  std::thread answering([&] { server.serve(); });  // 4 from here on 503, until the models are there
  const auto end = [&] {
    server.stop();
    answering.join();
    service.drain();
  };
  try {
    service.load();  // 5
  } catch (...) {
    end();
    throw;
  }
  loaded = true;
  fmt::print("serving on http://{}:{}  page: /ui  models: {}\n", listening.host, port, service.names());
  std::fflush(stdout);
  answering.join();  // 6 after a signal, when every request has its answer
  service.drain();
}

}  // namespace

// `serve --model DIR` is `serve run --model DIR`: there is no other command.
int main(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  std::string run = "run";
  std::vector<char*> words(argv, argv + argc);
  if (first.empty() || (first.starts_with("-") && first != "--help" && first != "-h" && first != "--version"))
    words.insert(words.begin() + 1, run.data());
  words.push_back(nullptr);
  return run::program(int(words.size()) - 1, words.data(), "serve",
                      "Models of texts over HTTP, with a page for the browser.",
                      {{"run", "serve models until SIGTERM; `serve --model DIR` is the same", serve_command}});
}
