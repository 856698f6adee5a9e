// The classifier that ships, on sentences of every day.
#include "tasks/model/directory.h"
#include "tasks/model/shipped.h"
#include "tests/support/programs.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

// Ten a class, written for this test and for nothing else.
constexpr std::pair<const char*, const char*> kEveryday[] = {
    {"positive", "What a lovely hotel."},
    {"positive", "I love this phone, the battery lasts for days."},
    {"positive", "The staff were so kind to us, thank you!"},
    {"positive", "Best pizza in town, we will come back."},
    {"positive", "My daughter is very happy with her new bike."},
    {"positive", "The film was funny and beautifully shot."},
    {"positive", "Great service, fast delivery, good price."},
    {"positive", "We had a wonderful time at the lake."},
    {"positive", "This book is excellent, I could not put it down."},
    {"positive", "Really pleased with the result, it works perfectly."},
    {"negative", "The room was dirty and it smelled of smoke."},
    {"negative", "I am so disappointed with this purchase."},
    {"negative", "The food was cold and the waiter was rude."},
    {"negative", "It broke after two days, a waste of money."},
    {"negative", "Worst customer service I have ever had."},
    {"negative", "The film was boring and far too long."},
    {"negative", "I hate waiting on the phone for an hour."},
    {"negative", "My parcel never arrived and nobody answers."},
    {"negative", "This update is terrible, the app crashes all the time."},
    {"negative", "We will never stay here again."},
    {"neutral", "The train to Leeds leaves at half past eight."},
    {"neutral", "The meeting has been moved to Tuesday."},
    {"neutral", "Please send the form to the office by Friday."},
    {"neutral", "The shop is open from nine to five."},
    {"neutral", "She works at a bank in the city."},
    {"neutral", "The parcel weighs two kilograms."},
    {"neutral", "Breakfast is served between seven and ten."},
    {"neutral", "The company will publish its figures on 4 May."},
    {"neutral", "There are twelve rooms on the second floor."},
    {"neutral", "He asked where the nearest station is."},
};

}  // namespace

TEST_CASE(
    "ready: without a model `predict` takes the classifier that ships and says so; it knows what one says every day") {
  const TemporaryDirectory dir;
  std::string texts = "text\n";
  for (const auto& [label, text] : kEveryday) texts += fmt::format("{}\n", text);
  const std::string out = dir.path + "/out.jsonl";
  const Result said = run_shell("cd " + dir.path + " && " + program("sentiment") + " predict --file " +
                                dir.write("texts.tsv", texts) + " --out " + out + " 2>&1");
  REQUIRE_MESSAGE(said.status == 0, said.output);
  CHECK(said.says("note: no --model: the classifier that ships, "));
  const std::vector<nn::json> rows = lines_of(nn::read_file(out));
  REQUIRE(rows.size() == std::size(kEveryday));
  int right = 0;
  for (size_t i = 0; i < rows.size(); ++i) right += rows[i].at("label") == kEveryday[i].first;
  CHECK(right >= 28);
}

TEST_CASE("ready: the classifier is at most 300 kB beside its encoder, and an adapter of the one that ships") {
  const std::string ready = model::ready_classifier();
  CHECK(fs::file_size(ready + "/adapter_model.safetensors") <= 300'000);
  CHECK(fs::equivalent(model::ModelDirectory(ready).base, model::model_at("mini")));
}

TEST_CASE("ready: how sure it may be has been measured, so that sets of labels and refusals are answered") {
  const TemporaryDirectory dir;
  const std::string out = dir.path + "/out.jsonl",
                    texts = dir.write("texts.tsv", "text\nWhat a wonderful day!\nThe sky.\n");
  const Result said = run_shell(program("sentiment") + " predict --coverage 0.9 --refuse 0.9 --file " + texts +
                                " --out " + out + " 2>&1");
  REQUIRE_MESSAGE(said.status == 0, said.output);
  const std::vector<nn::json> rows = lines_of(nn::read_file(out));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].at("set") == nn::json{"positive"});
  CHECK(rows[0].at("label") == "positive");
  CHECK(rows[1].at("set").size() > 1);
  CHECK(rows[1].at("label") == "none of these");
}

TEST_CASE("ready: where nothing ships, a model has to be named") {
  const TemporaryDirectory dir;
  fs::create_directories(dir.path + "/build/release");
  fs::copy_file(program("sentiment"), dir.path + "/build/release/sentiment");
  const Result said = run_shell("cd " + dir.path + " && build/release/sentiment predict fine 2>&1");
  CHECK(said.status == 1);
  CHECK_MESSAGE(said.says("error: --model is required; no model ships in "), said.output);
}
