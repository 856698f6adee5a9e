// Targets of what single programs read: knowledge, streams, interactions, studies, runs. Read tests/fuzz/place.h first.
#include <filesystem>

#include "nn/format/files.h"
#include "nn/format/json.h"
#include "tasks/answer/conversation.h"
#include "tasks/monitor/board.h"
#include "tasks/monitor/nab.h"
#include "tasks/monitor/repeats.h"
#include "tasks/monitor/stream.h"
#include "tasks/recommend/service.h"
#include "tasks/report/run_files.h"
#include "tasks/search/journal.h"
#include "tasks/search/study.h"
#include "tasks/tune/study_file.h"
#include "tests/fuzz/place.h"
#include "tests/fuzz/targets.h"

namespace fuzz {
namespace {

namespace fs = std::filesystem;

void knowledge(std::string_view bytes) {
  constexpr const char* kNames[] = {"x.md", "x.jsonl", "x.csv"};
  const std::string name = kNames[choice(bytes, std::size(kNames))];
  const std::string lines = answer::parse_knowledge(std::string(bytes), name).json_lines();
  hold(answer::parse_knowledge(lines, "x.jsonl").json_lines() == lines, "knowledge that is written is read");
}

void chat_state(std::string_view bytes) {
  const answer::State state = answer::State::from(nn::parse_json(bytes, "body"), "state");
  hold(answer::State::from(state.json(), "again").json() == state.json(), "a state that is sent is read");
}

// From any record on, a stream that is taken up again has the records that it had.
void stream(std::string_view bytes) {
  monitor::StreamOptions options;
  constexpr const char* kFormats[] = {"auto", "jsonl", "csv"};
  options.format = kFormats[choice(bytes, std::size(kFormats))];
  const size_t stop = choice(bytes, 8);
  options.file = file("stream", bytes);
  std::vector<std::string> texts, again;
  monitor::Stream all(options);
  long offset = 0, line = 1;
  for (monitor::Record record; all.next(record);) {
    hold(record.time >= 0, "a time is after 1970");
    texts.push_back(record.text);
    if (texts.size() == stop) offset = all.offset(), line = all.line();
  }
  if (offset == 0) return;
  monitor::Stream rest(options);
  rest.resume(offset, line);
  for (monitor::Record record; rest.next(record);) again.push_back(record.text);
  hold(again == std::vector<std::string>(texts.begin() + long(stop), texts.end()), "a stream goes on where it was");
}

void monitor_state(std::string_view bytes) {
  const nn::json state = nn::parse_json(bytes, "state");
  monitor::BoardOptions options;
  options.settle();
  try {
    if (state.contains("repeats")) {
      monitor::Repeats repeats;
      repeats.restore(state["repeats"]);
      repeats.told(repeats.hash_of("the trains are late"), 1000);
    }
    monitor::Board board(options, {"trains"}, {}, {}, {});
    board.restore(state);
    for (const long time : {1'700'000'000L, 1'700'003'600L, 1'700'100'000L}) {
      monitor::Record record;
      record.time = time, record.text = "the trains are late";
      if (board.check_time(record).empty()) board.add(record, {.topic = "trains", .negative_p = 0.9, .negative = true});
    }
    board.finish();
    board.take_events();
    board.saved();
  } catch (const nn::JsonError&) {}  // whoever reads the state says that it is damaged
}

void nab(std::string_view bytes) {
  const bool windows = choice(bytes, 2);
  const std::string series = "timestamp,value\n2020-01-01 00:00:00,1\n2020-01-01 01:00:00,2\n";
  const monitor::Marked marked =
      monitor::read_marked(file("nab.csv", windows ? series : bytes),
                           file("nab.json", windows ? bytes : R"({"nab.csv": [["2020-01-01", "2020-01-02"]]})"));
  monitor::nab_score(marked, {0, 1});
}

void interactions(std::string_view bytes) {
  constexpr std::string_view kEvents = "user\titem\ttime\nu\ta\t1\nu\tb\t2\n", kItems = "id\ttitle\na\tA\nb\tB\n";
  const bool items = choice(bytes, 2);
  recommend::DataOptions options;
  options.interactions = file("interactions.tsv", items ? kEvents : bytes);
  options.items = file("items.tsv", items ? bytes : kItems);
  const recommend::Data data = recommend::read_data(options, 1);
  for (const recommend::History& history : data.histories)
    for (const recommend::Event& event : history)
      hold(event.item >= 0 && size_t(event.item) < data.items.size(), "an interaction is with an item");
}

std::unique_ptr<recommend::Recommender> small_recommender() {
  auto r = std::make_unique<recommend::Recommender>();
  for (int i = 0; i < 8; ++i)
    r->data.items.push_back({fmt::format("i{}", i), fmt::format("Thing {}", i), "red box", {"x"}});
  for (int u = 0; u < 6; ++u) {
    r->data.users.push_back(fmt::format("u{}", u));
    recommend::History& h = r->data.histories.emplace_back();
    for (int n = 0; n < 4; ++n) h.push_back({(u + n) % 8, double(n), 1});
  }
  r->data.repeats.resize(r->data.users.size());
  r->settings.ease = 5;
  r->words = recommend::word_vectors(r->data.items);
  r->sequence = std::make_unique<recommend::SequenceModel>(
      recommend::SequenceConfig{.items = 8, .hidden = 8, .layers = 1, .heads = 2}, recommend::ItemText{}, 1);
  r->sequence->params.initialise();
  r->take_vectors();
  r->joined.weights.assign(14, 0.1);
  r->joined.sources = {"popularity", "recent", "knn", "ease", "transitions", "words", "attention"};
  return r;
}

void recommend_body(std::string_view bytes) {
  static const auto r = small_recommender();
  static const recommend::Answering answering(*r);
  const auto answer = recommend::answer_json(answering, std::string(bytes));
  hold(answer["items"].size() <= 8, "a list is of items");
}

void recommender(std::string_view bytes) {
  constexpr const char* kFiles[] = {"recommend.json", "config.json", "items.jsonl", "interactions.jsonl",
                                    "model.safetensors"};
  static const std::string kept = [] {
    fs::create_directories(place() + "/kept");
    recommend::save_recommender(*small_recommender(), place() + "/kept");
    return place() + "/kept";
  }();
  const std::string name = kFiles[choice(bytes, std::size(kFiles))], path = place() + "/recommender";
  fs::copy(kept, path, fs::copy_options::overwrite_existing | fs::copy_options::recursive);
  file("recommender/" + name, bytes);
  const auto r = recommend::load_recommender(path);
  const recommend::Answering answering(*r);
  recommend::answer_json(answering, R"({"items": [], "k": 3, "diversity": 0.5})");
}

void study_file(std::string_view bytes) {
  const tune::StudyFile study = tune::read_study(file("study.json", bytes));
  const search::Sampler sampler(study.settings.sampler, study.settings.space, 1, study.settings.direction);
  search::Trial trial;
  trial.values = sampler.sample(0, {});
  for (const search::Parameter& p : study.settings.space.parameters) trial.domain[p.name] = p.distribution;
  tune::options_of(trial);
}

void journal(std::string_view bytes) {
  search::Journal journal(file("journal.log", bytes));
  journal.read();
  for (const search::StudyRecord& study : journal.studies()) {
    search::best_of(study.trials, search::Direction::minimize);
    for (const search::Trial& trial : study.trials) {
      hold(name_of(trial.state) != nullptr, "a state has a name");
      tune::options_of(trial);
    }
  }
}

void run_files(std::string_view bytes) {
  constexpr const char* kFiles[] = {"log.jsonl", "predictions.jsonl", "result.json", "options.ini"};
  const std::string name = kFiles[choice(bytes, std::size(kFiles))];
  fs::remove_all(place() + "/files");
  file("files/options.ini", "# run 1\nseed = 3\n");
  file("files/" + name, bytes);
  report::read_runs({place() + "/files"});
}

}  // namespace

std::vector<Target> program_targets() {
  return {{"knowledge", knowledge},
          {"chat_state", chat_state},
          {"stream", stream},
          {"monitor_state", monitor_state},
          {"nab", nab},
          {"interactions", interactions},
          {"recommend_body", recommend_body},
          {"recommender", recommender},
          {"study_file", study_file},
          {"journal", journal},
          {"run_files", run_files}};
}

}  // namespace fuzz
