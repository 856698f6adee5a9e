// A recommender in a directory. Read tasks/recommend/recommender.h first.
#include <filesystem>

#include "nn/format/json.h"
#include "nn/format/sealed.h"
#include "tasks/recommend/recommender.h"
#include "tasks/spec/json_object.h"

namespace recommend {

using engine::check;
using nn::ordered_json;

namespace {

void write_items(const Data& data, const std::string& path) {
  std::string lines;
  for (const Item& item : data.items)
    lines +=
        ordered_json{{"id", item.id}, {"title", item.title}, {"description", item.text}, {"tags", item.tags}}.line() +
        "\n";
  nn::write_file(path, lines);
}

void put(ordered_json& json, const History& history) {
  for (const char* key : {"items", "times", "weights"}) json[key] = ordered_json::array();
  for (const Event& event : history)
    json["items"].push_back(event.item), json["times"].push_back(event.time), json["weights"].push_back(event.weight);
}

// Users and items by their places; times as they were, so that the order stays. JSON, because ids may hold anything.
void write_interactions(const Data& data, const std::string& path) {
  std::string lines;
  for (size_t u = 0; u < data.users.size(); ++u) {
    ordered_json json{{"user", data.users[u]}};
    put(json, data.histories[u]);
    if (!data.repeats[u].empty()) put(json["repeats"], data.repeats[u]);
    lines += json.line() + "\n";
  }
  nn::write_file(path, lines);
}

template <class F>
void each_line(const std::string& path, F f) {
  const std::string text = nn::read_file(path);
  size_t number = 0;
  for (const std::string& line : engine::split(text, '\n'))
    if (++number; !line.empty()) {
      const std::string where = fmt::format("{}:{}", path, number);
      f(nn::parse_ordered_json(line, where), where);
    }
}

void read_items(Data& data, const std::string& path) {
  each_line(path, [&](const ordered_json& json, const std::string& where) {
    Item& item = data.items.emplace_back();
    spec::StrictObject object(json, where);
    object.take("id", item.id), object.take("title", item.title), object.take("description", item.text);
    if (const ordered_json* tags = object.find("tags"); tags && !tags->empty()) object.take("tags", item.tags);
    drop_repeats(item.tags);  // which older directories have
    object.finish();
  });
}

std::vector<double> numbers_of(spec::StrictObject& object, const char* key, size_t count) {
  const ordered_json* list = object.find(key);
  check(list && list->is_array() && (count == std::string::npos || list->size() == count),
        "{}: must be a list of numbers, as many as items", object.where(key));
  std::vector<double> numbers;
  for (const auto& number : *list) {
    check(number.is_number(), "{}: must be numbers; got {}", object.where(key), number.dump());
    numbers.push_back(number);
  }
  return numbers;
}

History take_history(spec::StrictObject& object, size_t all_items) {
  const std::vector<double> items = numbers_of(object, "items", std::string::npos);
  const std::vector<double> times = numbers_of(object, "times", items.size());
  const std::vector<double> weights = numbers_of(object, "weights", items.size());
  History history;
  for (size_t i = 0; i < items.size(); ++i) {
    check(items[i] >= 0 && items[i] < double(all_items), "{}: there are {} items; got {}", object.where("items"),
          all_items, items[i]);
    history.push_back({int(items[i]), times[i], weights[i]});
  }
  return history;
}

void read_interactions(Data& data, const std::string& path) {
  each_line(path, [&](const ordered_json& json, const std::string& where) {
    spec::StrictObject object(json, where);
    object.take("user", data.users.emplace_back());
    data.histories.push_back(take_history(object, data.items.size()));
    data.repeats.emplace_back();
    if (const ordered_json* repeats = object.find("repeats")) {
      spec::StrictObject again(*repeats, object.where("repeats"));
      data.repeats.back() = take_history(again, data.items.size());
      again.finish();
    }
    object.finish();
  });
}

}  // namespace

void save_recommender(const Recommender& r, const std::string& directory) {
  save_sequence(*r.sequence, directory);
  write_items(r.data, directory + "/items.jsonl");
  write_interactions(r.data, directory + "/interactions.jsonl");
  const SimpleSettings& s = r.settings;
  ordered_json joined = ordered_json::object();
  if (!r.joined.weights.empty()) to_json(joined, r.joined);
  const ordered_json json{{"protocol", r.protocol}, {"seed", r.seed},       {"k", r.k},
                          {"ease", s.ease},         {"knn", s.knn},         {"damping", s.damping},
                          {"reach", s.reach},       {"recent", s.recent},   {"near", s.near},
                          {"decay", s.decay},       {"content", s.content}, {"spread", spread_json(r.spread)},
                          {"joined", joined}};
  nn::write_file(directory + "/recommend.json", json.dump(2) + "\n");
}

std::unique_ptr<Recommender> load_recommender(const std::string& given) {
  namespace fs = std::filesystem;
  const std::string path = fs::exists(given + "/best/recommend.json") ? given + "/best" : given;
  const std::string where = path + "/recommend.json";
  check(fs::exists(where), "{}: is no directory of a recommender: it has no recommend.json", given);
  auto r = std::make_unique<Recommender>();
  nn::require_sound_directory(path);
  const ordered_json json = nn::parse_ordered_json(nn::read_regular_file(where), where);
  spec::StrictObject object(json, where);
  long seed = 0;
  object.take("protocol", r->protocol), object.take("seed", seed, 0, 9e15), object.take("k", r->k, 1, 1e6);
  object.take("ease", r->settings.ease, 0, 1e12), object.take("knn", r->settings.knn, 1, 1e9);
  object.take("damping", r->settings.damping, 0, 1e12), object.take("reach", r->settings.reach, 1, 1e9);
  object.take("recent", r->settings.recent, 1, 1e9), object.take("decay", r->settings.decay, 0, 1);
  object.take("near", r->settings.near, 1, 1e9), object.take("content", r->settings.content, 0, 1e12);
  r->seed = uint64_t(seed);
  const ordered_json *joined = object.find("joined"), *spread = object.find("spread");
  object.finish();
  check(joined && !joined->empty(), "{}: has no second stage: the training did not come to its end; --resume goes on",
        where);
  r->joined = joined_from(*joined, where + ".joined");
  if (spread) r->spread = spread_from(*spread, where + ".spread");
  read_items(r->data, path + "/items.jsonl");
  read_interactions(r->data, path + "/interactions.jsonl");
  r->sequence = load_sequence(path);
  check(r->sequence->config.items == r->items(), "{}: the model is of {} items, items.jsonl has {}", path,
        r->sequence->config.items, r->items());
  r->words = word_vectors(r->data.items);
  r->take_vectors();
  return r;
}

}  // namespace recommend
