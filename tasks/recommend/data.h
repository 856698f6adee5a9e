// Data: who took what and when, and what there is to take, from tables; what is odd in them is counted, never dropped
// without a word.
#pragma once

#include <string>
#include <vector>

#include "tasks/text/data.h"

namespace run {
class Options;
}

namespace recommend {

struct Item {
  std::string id, title, text;  // text: a description
  std::vector<std::string> tags;
  std::string words() const;  // title, description and tags as one text
  const std::string& name() const { return title.empty() ? id : title; }
};

struct Event {
  int item = 0;
  double time = 0;  // seconds; without times the order in the file
  double weight = 1;
  int kind = 0;  // in Data::kinds
};
using History = std::vector<Event>;  // oldest first

struct Data {
  std::vector<Item> items;              // [I]
  std::vector<std::string> users;       // [U]
  std::vector<History> histories;       // [U] each item once, at its first time
  std::vector<History> repeats;         // [U] what they took once more
  std::vector<std::string> kinds;       // of --kinds, the weightiest first; none: all are kind 0
  std::vector<text::Warning> findings;  // one for each kind of oddity, with its count
  long events() const;                  // in all histories
  // The first `count` of a user's history; repeats of them that were there `before` that time add their weights, and the
  // weightiest kind counts. whole(): with all there is.
  History until(size_t user, size_t count, double before) const;
  History whole(size_t user) const;
  std::vector<History> whole() const;                    // [U]
  int item_named(const std::string& id_or_title) const;  // Error: there is none (did you mean ...?)
  int user_named(const std::string& id) const;           // Error: the same
};

struct DataOptions {
  std::string interactions, items;  // files; both empty: the catalogue that ships
  std::string user_column = "user", item_column = "item", time_column = "time", kind_column = "kind", weight_column;
  std::string id_column = "id", title_column = "title", text_column = "description", tags_column = "tags";
  std::string tag_separator = "|", kinds;
  double min_weight = 0;            // of an interaction
  long min_user = 1, min_item = 1;  // interactions that a user or item must have to stay
  void declare(run::Options& options);
};

// Interactions in the order of their times, equal ones by a draw of the seed: files stand in the order of ids, and a
// model would learn that. A user has an item once, at its first time; what comes again is a repeat.
// Error: FILE:LINE: no number where a time or a weight must be; a file without users or items; nothing left.
Data read_data(const DataOptions& options, uint64_t seed);
Data read_tables(const text::Table& interactions, const text::Table& items, const DataOptions& options, uint64_t seed);

// Seconds: a number, or a date as tasks/text/dates.h reads it. Else nothing.
std::optional<double> seconds_of(std::string_view time);
// The first of each stays where it is. Whether there were others.
bool drop_repeats(std::vector<std::string>& tags);

// The catalogue that ships: items and interactions written for this project.
std::string_view shipped_items();
std::string_view shipped_interactions();

}  // namespace recommend
