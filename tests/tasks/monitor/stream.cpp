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

TEST_CASE("Stream: a quote opens a field at its beginning alone, and one that nothing closes costs its own line") {
  const run::Quiet quiet;
  const test::TemporaryDirectory dir;
  const std::string path = dir.path + "/s";
  const auto read = [&](const std::string& rows) {
    nn::write_file(path, "time,text\n" + rows);
    monitor::Stream stream(of(path));
    std::string all;
    for (const std::string& text : texts(stream)) all += text + ";";
    for (const auto& [kind, count] : stream.bad()) all += fmt::format("{} {};", kind, count);
    return all + std::to_string(stream.records());
  };
  CHECK(read("1,a 27\" screen\n2,two\n3,three\n") == "2:a 27\" screen;3:two;4:three;3");
  CHECK(read("1,\"a 27\"\" \nscreen, \"\"new\"\"\"\n2,\"two\"\n") == "2:a 27\" \nscreen, \"new\";4:two;2");
  CHECK(read("1,\"open\n2,two\n3,three\n") == "3:two;4:three;no CSV 1;3");
  CHECK(read("1,\"open\n2,two\n3,\"three\"\n4,four") == "3:two;4:three;5:four;no CSV 1;4");
  CHECK(read("1,\"two\nlines\",3\n2,two\n") == "4:two;no CSV 1;2");  // a row, of three fields
  CHECK(read("1,\"open\n2,caf\xE9\n3,three\n") == "4:three;no CSV 1;no UTF-8 1;3");
  std::string many = "1,\"open\n";
  for (int i = 0; i < 100000; ++i) many += fmt::format("2,number {}\n", i);
  CHECK(read(many).ends_with("100001:number 99998;100002:number 99999;too long 1;100001"));
}

TEST_CASE("Stream: of two columns of one name only one that is read is refused") {
  const run::Quiet quiet;
  const test::TemporaryDirectory dir;
  const std::string path = dir.path + "/s";
  nn::write_file(path, "time,note,text,note\n1,a,one,b\n2,c,two\n");
  monitor::Stream stream(of(path));
  CHECK(texts(stream) == std::vector<std::string>{"2:one"});
  CHECK(stream.bad().at("no CSV") == 1);
  nn::write_file(path, "time,topic,text,topic\n1,a,one,b\n");
  CHECK(test::error_of([&] {
          monitor::Stream twice(of(path));
          texts(twice);
        }).find("there are two columns 'topic'") != std::string::npos);
}

TEST_CASE("Stream: a list of names that holds something else makes no record, and says so") {
  const run::Quiet quiet;
  const test::TemporaryDirectory dir;
  const std::string path = dir.path + "/s";
  nn::write_file(path, R"({"time": 1, "text": "one", "entities": ["Harlow", null, 7203]}
{"time": 2, "text": "two", "entities": [{"name": "Harlow"}]}
{"time": 3, "text": "three", "entities": "Sandow; Harlow"}
)");
  monitor::Stream stream(of(path));
  std::vector<std::string> names;
  for (Record record; stream.next(record);) names.insert(names.end(), record.entities.begin(), record.entities.end());
  CHECK(names == std::vector<std::string>{"Harlow", "7203", "Sandow", "Harlow"});
  CHECK(stream.bad().at("no names") == 1);
}
