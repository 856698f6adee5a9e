// /ui/label: a file of texts in, the same with labels out. Read tests/tasks/serve/service.h first.
#include <netinet/in.h>
#include <sys/socket.h>

#include <future>

#include "tests/tasks/serve/service.h"

using namespace test;

namespace {

// A model that was made in some way, beside one that was not.
struct Made {
  TemporaryDirectory dir;
  Running running;

  explicit Made(const std::function<void(model::TextModel&)>& make) : running(one_model(dir, make)) {
    running.service.load();
  }
  // What /predict says of a text or a pair, as the two cells of its row.
  std::string cells(const json& inputs) const {
    const json best = running.answer("/predict", {{"inputs", inputs}})[0];
    return fmt::format("{},{:.4f}\r\n", best["label"].get<std::string>(), best["score"].get<double>());
  }
  httplib::Result label(const std::string& csv, const std::string& query = "") const {
    return running.post("/ui/label" + query, csv, "text/csv");
  }
};

const std::string kLong = "abc " + std::string(60, 'x') + " de fgh qrstuv mnop ijkl uvwz bcde yahu ofor";

// So many rows that a test is over before they are.
std::string many_rows() {
  std::string csv = "text\n";
  for (int i = 0; i < 40000; ++i) csv += "a cold soup again and again and again\n";
  return csv;
}

void wait_for_work(const Running& running) {
  while (running.metrics.text().find("attune_batches_total{") == std::string::npos) std::this_thread::yield();
}

}  // namespace

TEST_CASE("serve: a file's long texts are read through windows where the model was made so, and cut, not refused") {
  std::string cut;
  for (const std::string how : {"cut", "window", "error"}) {
    const Made made([&](model::TextModel& m) { m.reading.too_long = how; });
    const auto csv = made.label("text\n" + kLong + "\n");
    CAPTURE(how);
    CAPTURE(csv->body);
    REQUIRE(csv->status == 200);
    if (how != "error") CHECK(csv->body == "text,label,score\r\n" + kLong + "," + made.cells(kLong));
    CHECK((csv->body == cut) == (how == "error"));
    if (how == "cut") cut = csv->body;
  }
}

TEST_CASE("serve: a file is read by the columns, the delimiter and the header that the model was made with") {
  const Made made([](model::TextModel& m) {
    spec::DataOptions& how = m.tasks[0].files.how;
    how.text_column = "said", how.pair_column = "answer", how.delimiter = "semicolon";
  });
  const auto csv = made.label("text;answer;said\nq;xyz, z;abc\nq;w;\n");
  REQUIRE(csv->status == 200);
  CHECK(csv->body ==
        "text,answer,said,label,score\r\nq,\"xyz, z\",abc," + made.cells({"abc", "xyz, z"}) + "q,w,,,\r\n");
  CHECK(made.label("text;answer\nq;w\n", "?column=text")->body ==
        "text,answer,label,score\r\nq,w," + made.cells({"q", "w"}));
  const auto refused = made.label("said,text\na,b\n");
  CHECK(refused->status == 422);
  CHECK(refused->body.find("answer") != std::string::npos);
  const Made bare(
      [](model::TextModel& m) { m.tasks[0].files.how.text_column = "2", m.tasks[0].files.how.no_header = true; });
  CHECK(bare.label("1,abc\n")->body == "1,2,label,score\r\n1,abc," + bare.cells("abc"));
}

TEST_CASE("serve: a file is labelled no longer than its client waits, and than the server is to run") {
  const Made made([](model::TextModel&) {});
  const std::string csv = many_rows();
  const int s = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(uint16_t(made.running.port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(connect(s, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  const std::string request =
      fmt::format("POST /ui/label HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", csv.size(), csv);
  for (size_t sent = 0; sent < request.size();) {
    const ssize_t n = send(s, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    REQUIRE(n > 0);
    sent += size_t(n);
  }
  wait_for_work(made.running);
  close(s);
  while (made.running.server.connections() > 0) std::this_thread::yield();
  CHECK(made.running.metrics.text().find("{route=\"/ui/label\",status=\"503\"} 1\n") != std::string::npos);

  Made other([](model::TextModel&) {});
  auto answered = std::async(std::launch::async, [&] { return other.label(csv); });
  wait_for_work(other.running);
  other.running.stop();
  const auto answer = answered.get();
  REQUIRE(answer);
  CHECK(answer->status == 503);
  CHECK(answer->body.find("the server is being stopped") != std::string::npos);
}
