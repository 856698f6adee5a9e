// Office Open XML: the workbook's parts found by their relations, the sheet read cell by cell (ECMA-376, part 1, 18).
// Read tasks/files/workbook.h before.
#include <charconv>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "engine/base.h"
#include "engine/strings.h"
#include "tasks/files/workbook.h"
#include "tasks/files/xml.h"

namespace files {

using engine::check;
using engine::parse_number;

namespace {

constexpr long kXlsxRows = 1'048'576, kXlsxColumns = 16'384;  // of a sheet, by Excel's specification

void read_xml(const Archive& archive, const std::string& part, XmlEvents events) {
  XmlReader reader(std::move(events), archive.path() + ": " + part);
  archive.read(part, [&](std::string_view bytes) { reader.feed(bytes); });
  reader.finish();
}

// A path of the archive as a relation of a part in `folder` means it: "/xl/a.xml", "a.xml", "../b.xml".
std::string resolve(const std::string& folder, std::string_view target) {
  if (target.starts_with('/')) return std::string(target.substr(1));
  std::string base = folder;
  for (; target.starts_with("../"); target.remove_prefix(3)) {
    const size_t slash = base.find_last_of('/', base.size() < 2 ? 0 : base.size() - 2);
    base.resize(slash == base.npos ? 0 : slash + 1);
  }
  return base + std::string(target);
}

std::string folder_of(const std::string& part) { return part.substr(0, part.rfind('/') + 1); }

struct Relation {
  std::string type, part;  // type: its last word, "worksheet"
};

// By their ids, what a part names; empty if it names none.
std::map<std::string, Relation> relations_of(const Archive& archive, const std::string& part) {
  std::map<std::string, Relation> relations;
  const std::string folder = folder_of(part), file = folder + "_rels/" + part.substr(folder.size()) + ".rels";
  if (!archive.has(file)) return relations;
  read_xml(archive, file, {.start = [&](std::string_view name, const Attributes& a) {
             if (name != "Relationship" || a["TargetMode"] == "External") return;
             const std::string type(a["Type"]);
             relations[std::string(a["Id"])] = {type.substr(type.rfind('/') + 1), resolve(folder, a["Target"])};
           }});
  return relations;
}

std::string part_of_type(const std::map<std::string, Relation>& relations, std::string_view type) {
  for (const auto& [id, relation] : relations)
    if (relation.type == type) return relation.part;
  return "";
}

std::string main_part(const Archive& archive) {
  const std::string part = part_of_type(relations_of(archive, ""), "officeDocument");
  return part.empty() ? "xl/workbook.xml" : part;
}

// "_x000D_" is how a string of a workbook writes a character that XML cannot hold.
std::string unescaped(std::string text) {
  for (size_t at = 0; (at = text.find("_x", at)) != text.npos; ++at) {
    unsigned code = 0;
    const char* digits = text.data() + at + 2;
    if (at + 7 > text.size() || text[at + 6] != '_' ||
        std::from_chars(digits, digits + 4, code, 16).ptr != digits + 4 || code > 0x7F)
      continue;
    text.replace(at, 7, 1, char(code == 0 ? ' ' : code));
  }
  return text;
}

// A string in runs, <t> or <r><t>, without the readings that <rPh> puts beside ideographs.
class RichText {
 public:
  void start(std::string_view name) {
    if (name == "rPh") ++phonetic_;
    in_text_ = name == "t" && !phonetic_;
  }
  void end(std::string_view name) {
    if (name == "rPh") --phonetic_;
    if (name == "t") in_text_ = false;
  }
  void text(std::string_view characters) {
    if (in_text_) value_ += characters;
  }
  std::string take() { return unescaped(std::exchange(value_, {})); }

 private:
  int phonetic_ = 0;
  bool in_text_ = false;
  std::string value_;
};

std::vector<std::string> shared_strings(const Archive& archive, const std::string& part) {
  std::vector<std::string> strings;
  RichText rich;
  size_t bytes = 0;
  read_xml(archive, part,
           {.start = [&](std::string_view name, const Attributes&) { rich.start(name); },
            .end =
                [&](std::string_view name) {
                  rich.end(name);
                  if (name != "si") return;
                  strings.push_back(rich.take());
                  bytes += sizeof(std::string) + strings.back().size();
                  check(bytes <= archive.most(), "{}: more strings than a workbook of this size should hold",
                        archive.path());
                },
            .text = [&](std::string_view characters) { rich.text(characters); }});
  return strings;
}

enum class Shows { number, day, time, elapsed };

// What a number format makes of a number (18.8.31): a day if y or d is in it, a time if only h, m or s is; what stands
// in quotes, in brackets or behind a backslash is no letter of a format, but [h] counts on beyond the day.
Shows shows(std::string_view format) {
  bool day = false, time = false, elapsed = false;
  format = format.substr(0, format.find(';'));
  for (size_t i = 0; i < format.size(); ++i) {
    const char c = format[i];
    if (c == '\\' || c == '_' || c == '*') {
      ++i;
    } else if (c == '"' || c == '[') {
      const size_t end = std::min(format.find(c == '"' ? '"' : ']', i + 1), format.size());
      const std::string_view inside = format.substr(i + 1, end - i - 1);
      elapsed = elapsed || (c == '[' && !inside.empty() && inside.find_first_not_of("hHmMsS") == inside.npos);
      i = end;
    } else {
      day = day || c == 'y' || c == 'Y' || c == 'd' || c == 'D';
      time = time || c == 'h' || c == 'H' || c == 's' || c == 'S';
    }
    if (!time && !day && (c == 'm' || c == 'M')) day = format.find_first_of("hHsS") == format.npos;
  }
  return elapsed ? Shows::elapsed : day ? Shows::day : time ? Shows::time : Shows::number;
}

// The formats that a workbook does not spell out (18.8.30, those of East Asia included).
Shows shows_builtin(long id) {
  if (id == 46) return Shows::elapsed;
  if ((id >= 18 && id <= 21) || id == 45 || id == 47 || (id >= 32 && id <= 35)) return Shows::time;
  if ((id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 50 && id <= 58)) return Shows::day;
  return Shows::number;
}

// What each style of cells shows.
std::vector<Shows> styles_of(const Archive& archive, const std::string& part) {
  std::vector<Shows> styles;
  std::map<long, Shows> formats;
  bool cells = false;
  const auto id_of = [](const Attributes& a) { return parse_number<long>(a["numFmtId"]).value_or(0); };
  read_xml(archive, part,
           {.start =
                [&](std::string_view name, const Attributes& a) {
                  if (name == "numFmt") formats[id_of(a)] = shows(a["formatCode"]);
                  if (name == "cellXfs") cells = true;
                  if (name != "xf" || !cells) return;
                  const auto own = formats.find(id_of(a));
                  styles.push_back(own == formats.end() ? shows_builtin(id_of(a)) : own->second);
                },
            .end = [&](std::string_view name) { cells = cells && name != "cellXfs"; }});
  return styles;
}

// A number of days since the end of 1899 (or since 1904) as a day, a time, or both. Day 60 of 1900 never was.
std::string date_text(std::string_view number, Shows as, bool from_1904) {
  const std::optional<double> x = parse_number<double>(number);
  if (!x || !(*x >= 0 && *x < 2'958'466)) return number_text(number);
  const long seconds = std::lround(*x * 86400), day = seconds / 86400, rest = seconds % 86400;
  if (as == Shows::elapsed || (as == Shows::time && day == 0)) return time_text(seconds);
  using namespace std::chrono;
  const sys_days zero = from_1904 ? sys_days{1904y / January / 1} : sys_days{1899y / December / 30};
  const year_month_day date{zero + days{day + (!from_1904 && day < 60 ? 1 : 0)}};
  const std::string text =
      fmt::format("{:04}-{:02}-{:02}", int(date.year()), unsigned(date.month()), unsigned(date.day()));
  return rest == 0 ? text : text + "T" + time_text(rest);
}

// "BC17" is column 54, row 16, from 0.
struct Place {
  long row = -1, column = -1;
};
Place place_of(std::string_view reference) {
  Place place{-1, 0};
  size_t at = 0;
  for (; at < reference.size() && reference[at] >= 'A' && reference[at] <= 'Z' && at < 4; ++at)
    place.column = 26 * place.column + (reference[at] - 'A' + 1);
  place.column -= 1;
  place.row = parse_number<long>(reference.substr(at)).value_or(0) - 1;
  return place;
}

class XlsxSheet {
 public:
  XlsxSheet(const Archive& archive, const std::string& name) : archive_(archive), cells_(archive, name) {
    const std::string book = main_part(archive);
    const auto relations = relations_of(archive, book);
    const std::string strings = part_of_type(relations, "sharedStrings"), styles = part_of_type(relations, "styles");
    if (!strings.empty()) strings_ = shared_strings(archive, strings);
    if (!styles.empty()) styles_ = styles_of(archive, styles);
    read_xml(archive, book, {.start = [&](std::string_view element, const Attributes& a) {
               if (element == "workbookPr") from_1904_ = a["date1904"] == "1" || a["date1904"] == "true";
             }});
  }

  Sheet read(const std::string& part) {
    read_xml(archive_, part,
             {.start = [this](std::string_view name, const Attributes& a) { start(name, a); },
              .end = [this](std::string_view name) { end(name); },
              .text =
                  [this](std::string_view characters) {
                    if (in_value_) value_ += characters;
                    if (in_string_) rich_.text(characters);
                  }});
    return cells_.finish();
  }

 private:
  void start(std::string_view name, const Attributes& a) {
    if (name == "row") {
      row_ = parse_number<long>(a["r"]).value_or(row_ + 2) - 1;
      column_ = -1;
    } else if (name == "c") {
      start_cell(a);
    } else if (name == "v") {
      in_value_ = true;
    } else if (name == "is") {
      in_string_ = true;
    } else if (in_string_) {
      rich_.start(name);
    }
  }

  void start_cell(const Attributes& a) {
    ++column_;
    if (const Place place = place_of(a["r"]); place.row >= 0) {
      row_ = place.row;
      column_ = place.column;
    }
    check(row_ >= 0 && row_ < kXlsxRows && column_ >= 0 && column_ < kXlsxColumns,
          "{}: a cell '{}' beyond the {} rows and {} columns of a sheet", archive_.path(), engine::shown(a["r"]),
          kXlsxRows, kXlsxColumns);
    type_ = a["t"];
    style_ = size_t(parse_number<long>(a["s"]).value_or(0));
    value_.clear();
    rich_.take();
  }

  void end(std::string_view name) {
    if (name == "v") {
      in_value_ = false;
    } else if (name == "is") {
      in_string_ = false;
    } else if (name == "c") {
      cells_.add(row_, column_, text_of_cell());
    } else if (in_string_) {
      rich_.end(name);
    }
  }

  std::string text_of_cell() {
    if (type_ == "inlineStr") return rich_.take();
    if (type_ == "s") {
      if (value_.empty()) return "";
      const size_t which = parse_number<size_t>(value_).value_or(strings_.size());
      check(which < strings_.size(), "{}: row {} asks for string '{}' of {}", archive_.path(), row_ + 1,
            engine::shown(value_), strings_.size());
      return strings_[which];
    }
    if (type_ == "b") return value_ == "1" || value_ == "true" ? "TRUE" : value_.empty() ? "" : "FALSE";
    if (type_ == "str") return unescaped(value_);
    if (type_ == "e" || type_ == "d" || value_.empty()) return value_;  // d: an ISO day already
    const Shows as = style_ < styles_.size() ? styles_[style_] : Shows::number;
    return as == Shows::number ? number_text(value_) : date_text(value_, as, from_1904_);
  }

  const Archive& archive_;
  SheetBuilder cells_;
  std::vector<std::string> strings_;
  std::vector<Shows> styles_;
  bool from_1904_ = false, in_value_ = false, in_string_ = false;
  long row_ = -1, column_ = -1;
  size_t style_ = 0;
  std::string type_, value_;
  RichText rich_;
};

}  // namespace

std::vector<SheetPart> xlsx_sheets(const Archive& archive) {
  std::vector<SheetPart> sheets;
  const std::string book = main_part(archive);
  const auto relations = relations_of(archive, book);
  read_xml(archive, book, {.start = [&](std::string_view name, const Attributes& a) {
             if (name != "sheet") return;
             const auto found = relations.find(std::string(a["id"]));  // r:id; a chart is a sheet, too
             if (found != relations.end() && found->second.type == "worksheet")
               sheets.push_back({std::string(a["name"]), found->second.part});
           }});
  return sheets;
}

Sheet read_xlsx(const Archive& archive, const std::string& name, const std::string& part) {
  return XlsxSheet(archive, name).read(part);
}

}  // namespace files
