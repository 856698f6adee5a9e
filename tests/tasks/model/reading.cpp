// How a model reads: recorded in its directory, found again, and overridden in sight.
#include "tasks/model/reading.h"
#include "nn/format/json_value.h"

#include "nn/format/files.h"
#include "tasks/model/build.h"
#include "tasks/run/arguments.h"
#include "tests/support/tasks.h"

using namespace test;
using model::Reading;

TEST_CASE("reading: a saved model reads as it did, and Hugging Face's tools find model_max_length") {
  const TemporaryDirectory dir;
  for (const std::string how : {"cut", "error", "window"}) {
    const auto model = text_model(small_config(), {task_of("", nn::Predicts::label)});
    model->reading = {.max_length = 17, .too_long = how};
    model->save(dir.path);
    const auto config = nn::json::parse(nn::read_file(dir.path + "/tokenizer_config.json"));
    CHECK(config["model_max_length"] == 17);
    CHECK(config["do_lower_case"] == true);  // what the tokenizer says stays
    const model::ModelDirectory found(dir.path);
    CHECK(found.reading.max_length == 17);
    CHECK(found.reading.too_long == how);
    CHECK(model::load_model(found)->reading.too_long == how);
  }
}

TEST_CASE("reading: positions are the limit where nothing is recorded, or more than the model has") {
  const TemporaryDirectory dir;
  const auto recorded = [&](const std::string& config) {
    dir.write("tokenizer_config.json", config);
    return model::recorded_reading(dir.path, 40);
  };
  CHECK(model::recorded_reading(dir.path, 40).max_length == 40);
  CHECK(recorded("{}").max_length == 40);
  CHECK(recorded("{}").too_long == "cut");
  CHECK(recorded(R"({"model_max_length": 512})").max_length == 40);
  CHECK(recorded(R"({"model_max_length": 1000000000000000019884624838656})").max_length == 40);
  CHECK(recorded(R"({"model_max_length": 24, "long_texts": "window"})").max_length == 24);
  CHECK(error_of([&] { recorded(R"({"long_texts": "fold"})"); }).find("'fold' is not one of cut, error, window") !=
        std::string::npos);
}

TEST_CASE("reading: an option goes before what the directory recorded; what is not given stays") {
  const auto settled = [](std::vector<const char*> words) {
    run::Options options("test", "test");
    Reading asked;
    asked.declare(options);
    words.insert(words.begin(), "test");
    options.parse(int(words.size()), words.data());
    return Reading::settle(options, asked, {.max_length = 24, .too_long = "window"});
  };
  CHECK(settled({}).max_length == 24);
  CHECK(settled({}).too_long == "window");
  CHECK(settled({"--max-length", "12"}).max_length == 12);
  CHECK(settled({"--max-length", "12"}).too_long == "window");
  CHECK(settled({"--long", "cut"}).too_long == "cut");
}

TEST_CASE(
    "reading: training goes on from a model of ours as it read, but for what options say; a published one is cut") {
  const TemporaryDirectory dir;
  const auto model = text_model(small_config(), {task_of("", nn::Predicts::label)});
  model->reading = {.max_length = 17, .too_long = "window"};
  model->save(dir.path);
  const auto settled = [&](std::vector<std::string> words) {
    run::Options options("test", "test");
    model::BuildOptions build;
    build.declare(options);
    words.insert(words.begin(), {"test", "--model", dir.path});
    std::vector<const char*> arguments;
    for (const std::string& word : words) arguments.push_back(word.c_str());
    options.parse(int(arguments.size()), arguments.data());
    build.settle(options);
    return build.reading;
  };
  CHECK(settled({}).max_length == 17);
  CHECK(settled({}).too_long == "window");
  CHECK(settled({"--max-length", "9"}).max_length == 9);
  CHECK(settled({"--max-length", "9"}).too_long == "window");
  CHECK(settled({"--long", "error"}).too_long == "error");
  dir.write("tokenizer_config.json", R"({"do_lower_case": true, "model_max_length": 512})");
  CHECK(settled({}).max_length == 128);
  CHECK(settled({}).too_long == "cut");
}
