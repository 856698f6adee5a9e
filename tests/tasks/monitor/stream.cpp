// Streams: what is too long, and where one goes on that has stopped.
#include "tasks/monitor/stream.h"

#include "nn/format/files.h"
#include "tasks/run/console.h"
#include "tests/support/support.h"

using monitor::Record;

namespace {

monitor::StreamOptions of(const std::string& file) {
  monitor::StreamOptions options;
  options.file = file;
  return options;
}

std::vector<std::string> texts(monitor::Stream& stream) {
  std::vector<std::string> all;
  for (Record record; stream.next(record);) all.push_back(fmt::format("{}:{}", record.line, record.text));
  return all;
}

}  // namespace

TEST_CASE("Stream: of a line of more than a megabyte nothing is a record, its end neither, and it counts once") {
  const run::Quiet quiet;
  const test::TemporaryDirectory dir;
  const std::string one = R"({"time": 1, "text": "one"})", two = R"({"time": 2, "text": "two"})";
  for (const size_t length : {(size_t(1) << 20) + 1, (size_t(1) << 20) + 70000, size_t(3) << 20}) {
    const std::string path = dir.path + "/s";
    nn::write_file(path, one + "\n" + std::string(length, 'x') + one + "\n" + two + "\n");
    monitor::Stream stream(of(path));
    CHECK(texts(stream) == std::vector<std::string>{"1:one", "3:two"});
    CHECK(stream.bad().at("too long") == 1);
  }
}

TEST_CASE("Stream: goes on in the format that it began with, behind a byte-order mark, blank lines and a header") {
  const run::Quiet quiet;
  const test::TemporaryDirectory dir;
  const std::string lines = "{\"time\": 1, \"text\": \"one\"}\n{\"time\": 2, \"text\": \"two\"}\n";
  const std::string csv = "text,time\none,1\n\"two\",2\n";
  for (const std::string& bytes : {"\xEF\xBB\xBF" + lines, "\n \n" + lines, "\xEF\xBB\xBF" + csv, "\n" + csv}) {
    const std::string path = dir.path + "/s";
    nn::write_file(path, bytes);
    monitor::Stream all(of(path)), rest(of(path));
    Record record;
    REQUIRE(all.next(record));
    CHECK(record.text == "one");
    rest.resume(all.offset(), all.line());
    REQUIRE(rest.next(record));
    CHECK(record.text == "two");
    CHECK(!rest.next(record));
    CHECK(rest.bad().empty());
  }
}
