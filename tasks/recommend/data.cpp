// From tables to items and histories, with what is odd counted. Read tasks/text/data.h first: tables.
#include "tasks/recommend/data.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "engine/random.h"
#include "tasks/files/embed.h"
#include "tasks/run/arguments.h"
#include "tasks/text/dates.h"

EMBED(items, "tasks/data/catalogue.tsv");
EMBED(interactions, "tasks/data/interactions.tsv");

namespace recommend {

using engine::check;
using text::Table;

std::string_view shipped_items() { return {attune_items_begin, attune_items_end}; }
std::string_view shipped_interactions() { return {attune_interactions_begin, attune_interactions_end}; }

void DataOptions::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Data files: without any, the catalogue that ships");
  };
  add("--interactions", interactions, "who took what: a row for each user and item (CSV, TSV, JSONL)").reads();
  add("--items", items, "what there is: id, title, description, tags").reads();
  add("--user-column", user_column, "of the interactions");
  add("--item-column", item_column, "of the interactions: the item's id");
  add("--time-column", time_column, "seconds or dates; a file without it is in the order of time");
  add("--kind-column", kind_column, "what a user did: buy, click");
  add("--kinds", kinds, "weights by kind, others are left out: buy=3,click=1");
  add("--weight-column", weight_column, "how much an interaction counts in the models that count; default: 1 each");
  add("--min-weight", min_weight, "interactions below it are left out: 4 keeps ratings that are likes").not_negative();
  add("--min-user", min_user, "leave out users with fewer interactions").between(1, 1e6);
  add("--min-item", min_item, "leave out items with fewer interactions").between(1, 1e6);
  add("--id-column", id_column, "of the items");
  add("--title-column", title_column, "of the items, where there is one");
  add("--description-column", text_column, "of the items, where there is one");
  add("--tags-column", tags_column, "of the items, where there is one");
  add("--tag-separator", tag_separator, "what stands between tags, with or without blanks");
}

bool drop_repeats(std::vector<std::string>& tags) {
  std::set<std::string> seen;
  return std::erase_if(tags, [&](const std::string& tag) { return !seen.insert(tag).second; }) > 0;
}

std::optional<double> seconds_of(std::string_view time) {
  if (const auto number = engine::parse_number<double>(time)) return std::isfinite(*number) ? number : std::nullopt;
  return text::seconds_of_date(time);
}

namespace {

constexpr double kMilliseconds = 1e11;  // as seconds the year 5138
constexpr double kMostWeight = 1e9;     // of an interaction: its square is no trouble to single precision
constexpr const char* kBlanks = " \t\r\n\f\v";

// A table's columns by their names, those that need not be there nothing.
struct Cells {
  const Table& table;
  std::optional<size_t> find(const std::string& name, bool must) const {
    if (!must && (name.empty() || std::find(table.columns.begin(), table.columns.end(), name) == table.columns.end()))
      return std::nullopt;
    return table.column(name);
  }
  std::string where(size_t row) const { return fmt::format("{}:{}", table.path, table.lines[row]); }
};

class Reader {
 public:
  Reader(const DataOptions& options, uint64_t seed) : o_(options), seed_(seed) {}

  void read_items(const Table& table);
  void read_interactions(const Table& table);
  Data finish();

 private:
  struct Row {
    int user, item, kind;
    double time, weight;
    long drawn;  // the row whose draw says where it stands among equal times
  };
  std::string trimmed(const std::string& cell, const char* what, const std::string& where);
  void note(const std::string& what, const std::string& where) {
    text::add_warning(data_.findings, {.what = what, .count = 1, .first = where});
  }
  std::optional<double> weight_of(const std::vector<std::string>& row, const std::string& where);
  int kind_of(const std::vector<std::string>& row) const;
  int item_of(const std::string& id, const std::string& where);
  void read_kinds();
  void note_late(const std::vector<Row>& rows);
  void keep_core(std::vector<Row>& rows);
  void count_oddities(const std::vector<Row>& rows);
  void drop_unused(const std::vector<Row>& once, const std::vector<Row>& again);

  const DataOptions& o_;
  uint64_t seed_;
  Data data_;
  std::map<std::string, int> item_ids_, user_ids_;
  std::map<std::string, double> kinds_;
  std::optional<size_t> kind_, weight_;
  std::vector<Row> rows_;
  bool has_times_ = false, any_items_ = false;
};

std::string without_blanks(const std::string& cell) {
  const size_t first = cell.find_first_not_of(kBlanks);
  return first == cell.npos ? "" : cell.substr(first, cell.find_last_not_of(kBlanks) - first + 1);
}

// What stands between separators of one character or more.
std::vector<std::string> tags_between(const std::string& cell, const std::string& separator) {
  std::vector<std::string> tags;
  for (size_t begin = 0, end = 0; end != cell.npos; begin = end + separator.size()) {
    end = cell.find(separator, begin);
    tags.push_back(cell.substr(begin, end - begin));
  }
  return tags;
}

std::string Reader::trimmed(const std::string& cell, const char* what, const std::string& where) {
  const std::string bare = without_blanks(cell);
  if (!bare.empty() && bare != cell) note(fmt::format("{} with blanks around it is taken without them", what), where);
  return bare;
}

void Reader::read_items(const Table& table) {
  const Cells cells{table};
  const size_t id_at = *cells.find(o_.id_column, true);
  const auto title_at = cells.find(o_.title_column, false), text_at = cells.find(o_.text_column, false),
             tags_at = cells.find(o_.tags_column, false);
  check(!tags_at || !o_.tag_separator.empty(), "--tag-separator: what stands between tags is nothing");
  any_items_ = true;
  for (size_t r = 0; r < table.rows.size(); ++r) {
    const std::vector<std::string>& row = table.rows[r];
    const std::string where = cells.where(r), id = trimmed(row[id_at], "an item's id", where);
    if (id.empty()) {
      note("an item without an id is left out", where);
      continue;
    }
    if (!item_ids_.emplace(id, int(data_.items.size())).second) {
      note("an item that was there before is left out", where);
      continue;
    }
    Item item{.id = id, .title = title_at ? row[*title_at] : "", .text = text_at ? row[*text_at] : "", .tags = {}};
    const auto nested = tags_at ? table.nested.find({r, *tags_at}) : table.nested.end();
    if (nested != table.nested.end()) {
      check(nested->second.list, "{}: '{}' must be a text or a list of words", where, o_.tags_column);
      item.tags = nested->second.items;
    } else if (tags_at) {
      item.tags = tags_between(row[*tags_at], o_.tag_separator);
    }
    for (std::string& tag : item.tags) tag = without_blanks(tag);
    std::erase(item.tags, "");
    if (drop_repeats(item.tags)) note("a tag that an item has twice counts once", where);
    if (text::is_blank(item.words())) note("an item has no text", where);
    data_.items.push_back(std::move(item));
  }
}

std::optional<double> Reader::weight_of(const std::vector<std::string>& row, const std::string& where) {
  double weight = 1;
  if (kind_ && !kinds_.empty()) {
    const auto kind = kinds_.find(row[*kind_]);
    if (kind == kinds_.end()) {
      note("an interaction of a kind that --kinds does not name is left out", where);
      return std::nullopt;
    }
    weight = kind->second;
  }
  if (weight_) {
    const auto number = engine::parse_number<double>(row[*weight_]);
    check(number && *number >= 0 && *number <= kMostWeight, "{}: the weight must be a number from 0 to {:g}; got '{}'",
          where, kMostWeight, engine::shown(row[*weight_]));
    weight *= *number;
  }
  if (weight >= o_.min_weight && weight > 0) return weight;
  note(weight > 0 ? "an interaction below --min-weight is left out" : "an interaction of weight 0 is left out", where);
  return std::nullopt;
}

int Reader::kind_of(const std::vector<std::string>& row) const {
  if (!kind_ || data_.kinds.empty()) return 0;
  return int(std::ranges::find(data_.kinds, row[*kind_]) - data_.kinds.begin());
}

int Reader::item_of(const std::string& id, const std::string& where) {
  const auto [found, added] = item_ids_.emplace(id, int(data_.items.size()));
  if (!added) return found->second;
  if (any_items_) note("an item that the catalogue lacks is kept, without a text", where);
  data_.items.push_back({.id = id, .title = "", .text = "", .tags = {}});
  return found->second;
}

void Reader::read_kinds() {
  for (const std::string& part : o_.kinds.empty() ? std::vector<std::string>{} : engine::split(o_.kinds, ',')) {
    const size_t equals = part.find('=');
    const std::string kind = without_blanks(part.substr(0, equals));
    const auto weight =
        engine::parse_number<double>(equals == part.npos ? "" : without_blanks(part.substr(equals + 1)));
    check(weight && *weight > 0 && *weight <= kMostWeight,
          "--kinds: must be KIND=WEIGHT,..., weights above 0 to {:g}; got '{}'", kMostWeight, engine::shown(part));
    check(kinds_.emplace(kind, *weight).second, "--kinds: '{}' is there twice", engine::shown(kind));
    data_.kinds.push_back(kind);
  }
  std::ranges::stable_sort(data_.kinds, std::greater(), [&](const std::string& kind) { return kinds_.at(kind); });
}

// What a table of times says where some are seconds and others cannot be.
void Reader::note_late(const std::vector<Row>& rows) {
  const auto after = [&](double time) {
    return std::count_if(rows.begin(), rows.end(), [&](const Row& row) { return row.time > time; });
  };
  const long late = after(kMilliseconds);
  if (has_times_ && late > 0 && after(0) > late)
    data_.findings.push_back({.what = "a time is after the year 5000 and others are not: are some in milliseconds?",
                              .count = late,
                              .first = ""});
}

void Reader::read_interactions(const Table& table) {
  const Cells cells{table};
  const size_t user_at = *cells.find(o_.user_column, true), item_at = *cells.find(o_.item_column, true);
  const auto time_at = cells.find(o_.time_column, false);
  kind_ = cells.find(o_.kind_column, !o_.kinds.empty());
  weight_ = cells.find(o_.weight_column, !o_.weight_column.empty());
  read_kinds();
  has_times_ = time_at && std::ranges::any_of(table.rows, [&](const auto& r) { return !text::is_blank(r[*time_at]); });
  std::map<int, Row> last;  // of each user: the row before
  for (size_t r = 0; r < table.rows.size(); ++r) {
    const std::vector<std::string>& row = table.rows[r];
    const std::string where = cells.where(r);
    const std::string user = trimmed(row[user_at], "a user's id", where),
                      id = trimmed(row[item_at], "an item's id", where);
    if (user.empty() || id.empty()) {
      note("an interaction without a user or an item is left out", where);
      continue;
    }
    const std::optional<double> weight = weight_of(row, where);
    if (!weight) continue;
    const auto [u, added] = user_ids_.emplace(user, int(data_.users.size()));
    if (added) data_.users.push_back(user);
    double time = double(r);
    long drawn = long(r);
    if (has_times_ && text::is_blank(row[*time_at])) {
      note("an interaction without a time stands where the file has it", where);
      const auto before = last.find(u->second);
      time = before == last.end() ? -1e300 : before->second.time;
      if (before != last.end()) drawn = before->second.drawn;
    } else if (has_times_) {
      const auto seconds = seconds_of(row[*time_at]);
      check(seconds.has_value(), "{}: the time must be seconds or a date; got '{}'", where,
            engine::shown(row[*time_at]));
      time = *seconds;
    }
    rows_.push_back({u->second, item_of(id, where), kind_of(row), time, *weight, drawn});
    last.insert_or_assign(u->second, rows_.back());
  }
  note_late(rows_);
}

// Users and items with fewer interactions than asked for go, again and again, until those that are left have enough.
void Reader::keep_core(std::vector<Row>& rows) {
  const size_t before = rows.size();
  for (bool changed = o_.min_user > 1 || o_.min_item > 1; changed;) {
    std::vector<long> of_user(data_.users.size()), of_item(data_.items.size());
    for (const Row& row : rows) ++of_user[size_t(row.user)], ++of_item[size_t(row.item)];
    changed = std::erase_if(rows, [&](const Row& row) {
                return of_user[size_t(row.user)] < o_.min_user || of_item[size_t(row.item)] < o_.min_item;
              }) > 0;
  }
  if (rows.size() != before)
    data_.findings.push_back({.what = "an interaction of a user or an item with too few of them is left out",
                              .count = long(before - rows.size()),
                              .first = ""});
}

// Rows sorted by user and time.
void Reader::count_oddities(const std::vector<Row>& rows) {
  long equal = 0, single = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool before = i > 0 && rows[i - 1].user == rows[i].user;
    const bool behind = i + 1 < rows.size() && rows[i + 1].user == rows[i].user;
    equal += before && rows[i - 1].time == rows[i].time && rows[i - 1].drawn != rows[i].drawn;
    single += !before && !behind;
  }
  if (equal && has_times_)
    data_.findings.push_back(
        {.what = "an interaction has the time of the user's one before: which comes first is drawn",
         .count = equal,
         .first = ""});
  if (single)
    data_.findings.push_back({.what = "a user has one interaction: it counts, but nothing of theirs can be held out",
                              .count = single,
                              .first = ""});
  if (!has_times_)
    data_.findings.push_back(
        {.what = "there are no times: the order in the file is taken for the order of time", .count = 0, .first = ""});
}

// Users, and where the core was asked for items, of whom nothing is left.
void Reader::drop_unused(const std::vector<Row>& once, const std::vector<Row>& again) {
  std::vector<char> user(data_.users.size()), item(data_.items.size(), o_.min_item == 1);
  for (const Row& row : once) user[size_t(row.user)] = item[size_t(row.item)] = 1;
  std::vector<int> new_user(user.size()), new_item(item.size());
  Data left;
  left.findings = std::move(data_.findings);
  left.kinds = std::move(data_.kinds);
  for (size_t u = 0; u < user.size(); ++u)
    if (user[u]) new_user[u] = int(left.users.size()), left.users.push_back(data_.users[u]);
  for (size_t i = 0; i < item.size(); ++i)
    if (item[i]) new_item[i] = int(left.items.size()), left.items.push_back(std::move(data_.items[i]));
  const auto add = [&](const std::vector<Row>& rows, std::vector<History>& to) {
    to.resize(left.users.size());
    for (const Row& row : rows)
      to[size_t(new_user[size_t(row.user)])].push_back({new_item[size_t(row.item)], row.time, row.weight, row.kind});
  };
  add(once, left.histories);
  add(again, left.repeats);
  data_ = std::move(left);
}

Data Reader::finish() {
  keep_core(rows_);
  check(!rows_.empty(), "recommend: no interaction is left to learn from");
  std::vector<uint32_t> draw(size_t(std::ranges::max(rows_, {}, &Row::drawn).drawn) + 1);
  engine::Random{seed_, engine::Stream::sample}.words(0, long(draw.size()), draw.data());
  std::stable_sort(rows_.begin(), rows_.end(), [&](const Row& a, const Row& b) {
    if (a.user != b.user) return a.user < b.user;
    if (a.time != b.time) return a.time < b.time;
    return has_times_ && draw[size_t(a.drawn)] < draw[size_t(b.drawn)];
  });
  std::vector<Row> once, again;
  std::set<int> had;  // of the user's items
  for (const Row& row : rows_) {
    if (once.empty() || once.back().user != row.user) had.clear();
    (had.insert(row.item).second ? once : again).push_back(row);
  }
  if (!again.empty())
    data_.findings.push_back(
        {.what = "an interaction repeats one of the user's: the first time counts, and the weight of each from its own",
         .count = long(again.size()),
         .first = ""});
  count_oddities(once);
  drop_unused(once, again);
  return std::move(data_);
}

}  // namespace

Data read_tables(const Table& interactions, const Table& items, const DataOptions& options, uint64_t seed) {
  Reader reader(options, seed);
  if (!items.columns.empty()) reader.read_items(items);
  reader.read_interactions(interactions);
  return reader.finish();
}

Data read_data(const DataOptions& options, uint64_t seed) {
  if (options.interactions.empty()) {
    check(options.items.empty(), "--items needs --interactions: who took them");
    return read_tables(text::parse_table(std::string(shipped_interactions()), "interactions.tsv"),
                       text::parse_table(std::string(shipped_items()), "catalogue.tsv"), options, seed);
  }
  text::TableOptions rows, things;
  rows.optional_keys = {options.time_column};
  things.optional_keys = {options.title_column, options.text_column, options.tags_column};
  return read_tables(text::read_table(options.interactions, rows),
                     options.items.empty() ? Table{} : text::read_table(options.items, things), options, seed);
}

}  // namespace recommend
