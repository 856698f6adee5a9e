// What is known of items and users: by their names, and until when. Read data.h first.
#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "engine/base.h"
#include "engine/strings.h"
#include "tasks/recommend/data.h"

namespace recommend {

using engine::check;

std::string Item::words() const {
  std::string all = title;
  const auto add = [&](const std::string& part) {
    if (!part.empty()) all += (all.empty() ? "" : " ") + part;
  };
  add(text);
  for (const std::string& tag : tags) add(tag);
  return all;
}

long Data::events() const {
  return std::accumulate(histories.begin(), histories.end(), 0L,
                         [](long n, const History& h) { return n + long(h.size()); });
}

int Data::item_named(const std::string& name) const {
  std::vector<std::string> known;
  std::vector<size_t> titled;
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].id == name) return int(i);
    if (items[i].title == name) titled.push_back(i);
    known.push_back(items[i].title);
  }
  if (titled.size() > 1)
    engine::fail("{} items are called '{}', with the ids '{}', '{}' ...: name one by its id", titled.size(),
                 engine::shown(name), engine::shown(items[titled[0]].id), engine::shown(items[titled[1]].id));
  check(!titled.empty(), "there is no item '{}'{}", engine::shown(name), text::did_you_mean(name, known));
  return int(titled[0]);
}

int Data::user_named(const std::string& id) const {
  const auto found = std::find(users.begin(), users.end(), id);
  check(found != users.end(), "there is no user '{}'{}", engine::shown(id), text::did_you_mean(id, users));
  return int(found - users.begin());
}

History Data::until(size_t user, size_t count, double before) const {
  History taken(histories[user].begin(), histories[user].begin() + long(count));
  if (user >= repeats.size() || repeats[user].empty()) return taken;
  std::map<int, Event*> of_item;
  for (Event& event : taken) of_item[event.item] = &event;
  for (const Event& again : repeats[user]) {
    const auto found = of_item.find(again.item);
    if (found == of_item.end() || again.time >= before) continue;
    found->second->weight += again.weight;
    found->second->kind = std::min(found->second->kind, again.kind);
  }
  return taken;
}

History Data::whole(size_t user) const {
  return until(user, histories[user].size(), std::numeric_limits<double>::infinity());
}

std::vector<History> Data::whole() const {
  std::vector<History> all;
  for (size_t u = 0; u < histories.size(); ++u) all.push_back(whole(u));
  return all;
}

}  // namespace recommend
