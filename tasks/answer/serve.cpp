// `answer serve`: the assistant over HTTP, with a page to chat on. The assembler includes page.html; the Makefile knows
// that this object depends on it. Read tasks/http/server.h and tasks/answer/conversation.h first.
#include <atomic>
#include <thread>

#include "engine/blas.h"
#include "engine/startup.h"
#include "nn/format/json.h"
#include "tasks/answer/commands.h"
#include "tasks/answer/conversation.h"
#include "tasks/files/embed.h"
#include "tasks/http/scheduler.h"
#include "tasks/http/server.h"

EMBED(answer_page, "tasks/answer/page.html");

namespace answer {

using http::ask;
using http::Refusal;
using http::Request;
using http::Response;
using nn::json;
using nn::ordered_json;

namespace {

constexpr long kLongest = 20000;  // bytes of a question

// A question on its way to the one thread that asks the model.
struct QuestionJob : http::Job {
  std::string text;
  State state;
  bool words = false;
  ordered_json reply;
};

class Chat {
 public:
  Chat(std::string directory, OtherPromises promises)
      : directory_(std::move(directory)),
        promises_(std::move(promises)),
        scheduler_([this](size_t, const std::vector<http::Job*>& jobs) { run(jobs); }, 64, 1024) {}

  void load() {
    assistant_ = std::make_unique<Assistant>(directory_, promises_);
    engine::release_team();  // the scheduler's thread has its own
    ready_ = true;
  }
  void drain() { scheduler_.drain(); }
  const Assistant& assistant() const { return *assistant_; }
  void require_ready() const {
    if (!ready_) throw Refusal(503, "the assistant is being loaded; ask again in a moment", 1);
  }

  // {"text": ..., "state": what the last reply had, "words": true} -> what reply_to() says. Nothing is remembered here:
  // the state travels with the client.
  void answer(const Request& in, Response& out) {
    require_ready();
    QuestionJob job;
    try {
      const json body = nn::parse_json(in.body, "body");
      const nn::JsonObject object(body, "body");
      const std::string unknown = text::unknown_member(body, {"text", "state", "words"});
      engine::check(unknown.empty(), "body: {}", unknown);
      object.take("text", job.text);
      object.take("words", job.words);
      if (const json* state = object.find("state")) job.state = State::from(*state, "body: state");
    } catch (const engine::Error& e) { throw Refusal(400, e.what()); }
    ask(!text::is_blank(job.text), 422, "text must have a word in it");
    ask(long(job.text.size()) <= kLongest, 422, "text has {} bytes; at most {} are read", job.text.size(), kLongest);
    scheduler_.compute({&job});
    out.json(job.reply);
    out.log["outcome"] = job.reply["outcome"];
    out.log["intent"] = job.reply["intent"];
  }

 private:
  void run(const std::vector<http::Job*>& jobs) {
    const engine::RowsAlone rows_alone;  // the same bits whoever asks beside
    for (http::Job* job : jobs) {
      auto& question = static_cast<QuestionJob&>(*job);
      const Reply reply = reply_to(*assistant_, question.text, question.state, question.words);
      question.reply = to_json(*assistant_, reply, question.state);
    }
  }

  std::string directory_;
  OtherPromises promises_;
  std::unique_ptr<Assistant> assistant_;
  std::atomic<bool> ready_ = false;
  http::Scheduler scheduler_;
};

// What the page shows before anything is asked.
void about(const Chat& chat, Response& out) {
  chat.require_ready();
  const Assistant& a = chat.assistant();
  ordered_json examples = ordered_json::array();
  const size_t step = std::max<size_t>(1, a.knowledge().intents.size() / 4);
  for (size_t i = 0; i < a.knowledge().intents.size(); i += step)
    examples.push_back(a.knowledge().intents[i].questions[0].text);
  out.json({{"intents", a.knowledge().intents.size()},
            {"articles", a.index().articles().size()},
            {"refuse", a.promises().refuse},
            {"ask", a.promises().ask},
            {"kept", a.calibration().questions},
            {"doubts", a.calibration().doubts},
            {"examples", examples}});
}

void page(Response& out) { out.page({attune_answer_page_begin, attune_answer_page_end}); }

void add_routes(http::Server& server, Chat& chat) {
  const auto open = http::Server::Access::open;
  server.on("POST", "/ask", [&](const Request& in, Response& out) { chat.answer(in, out); });
  server.on("GET", "/about", [&](const Request&, Response& out) { about(chat, out); });
  server.on_health([&] { chat.require_ready(); });
  server.on_metrics();
  for (const char* route : {"/", "/ui"})
    server.on(
        "GET", route, [](const Request&, Response& out) { page(out); }, open);
}

}  // namespace

void serve_command(run::Options& options, const run::Parse& parse) {
  http::ServerOptions listening;
  std::string directory;
  OtherPromises promises;
  options.add("--model", directory, "the directory of a run of `train`").required();
  promises.declare(options);
  listening.declare(options);
  parse();
  run::print_setup("answer", "serve");
  http::Log log(listening.log);
  http::Metrics metrics;
  http::Server server(listening, log, metrics);
  std::atomic<bool> loaded = false;
  const http::StopSignals signals([&](int signal) {
    if (!loaded) _exit(128 + signal);
    run::print_note("stopping: what was accepted is answered first\n");
    server.stop();
  });
  const int port = server.listen();
  Chat chat(directory, promises);
  add_routes(server, chat);
  std::thread answering([&] { server.serve(); });  // 503, until the assistant is there
  try {
    chat.load();
  } catch (...) {
    server.stop();
    answering.join();
    chat.drain();
    throw;
  }
  loaded = true;
  fmt::print("serving on http://{}:{}  page: /ui\n", listening.host, port);
  std::fflush(stdout);
  answering.join();
  chat.drain();
}

}  // namespace answer
