// Journal: the file in which a search is kept, in Optuna's form (optuna/storages/_journal): one JSON object a line,
// only ever appended to, under a lock that several processes respect, Optuna's among them. What was there is read by
// playing the lines again.
//
//   op_code 0 a study (study_name, directions: 1 minimise, 2 maximise), 1 no more, 2/3 its user's/system's attribute
//           4 a trial (whole, or running and empty), 5 a parameter of it, 6 its state and value, 7 a report,
//           8/9 its user's/system's attribute; ids count from 0 in the order of the file
//
// A line is whole or it is not there: what a kill left of the last one is cut off before the next is written.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tasks/search/space.h"

namespace search {

enum class Direction { minimize = 1, maximize = 2 };
enum class State { running = 0, complete = 1, pruned = 2, failed = 3, waiting = 4 };
const char* name_of(State state);

struct Trial {
  long id = 0, number = 0;  // in the file, in its study
  State state = State::running;
  std::optional<double> value = {};
  Values values = {};                               // of the parameters
  std::map<std::string, Distribution> domain = {};  // and what they were chosen from
  std::map<long, double> reports = {};              // by step
  ordered_json user = ordered_json::object(), system = ordered_json::object();
  std::map<std::string, size_t> reports_before = {};  // a system's attribute: how many reports there were when it came
  std::string start = {}, end = {};                   // ISO 8601
  long finished = -1;                                 // the how manyeth that was done

  bool over() const { return state != State::running && state != State::waiting; }
  std::optional<long> last_step() const {
    return reports.empty() ? std::nullopt : std::optional(reports.rbegin()->first);
  }
};

struct StudyRecord {
  long id = 0;
  std::string name;
  std::vector<Direction> directions;
  ordered_json user = ordered_json::object(), system = ordered_json::object();
  std::vector<Trial> trials;  // by number
};

class Journal {
 public:
  explicit Journal(std::string path);

  // Plays what has been appended since the last call; a broken last line is left. Error: FILE:LINE: what is wrong.
  void read();
  const std::string& path() const { return path_; }
  const std::vector<StudyRecord>& studies() const { return studies_; }
  // Error, where `name` is given: no such study, with the names of those there are. Empty: the only one.
  const StudyRecord& study(const std::string& name) const;
  const StudyRecord* find(const std::string& name) const;

  // Has the lock and has read everything while it lives. Waits for whoever has it; one that a killed process left is
  // taken away: of a process of ours at once (the system says that it has gone), of another after half a minute.
  class Locked {
   public:
    explicit Locked(Journal& journal);
    ~Locked();
    Locked(const Locked&) = delete;
    // Lines with op_code and what belongs to it, on the disk when it returns, and played. A number that is none is
    // written as Python does.
    void append(const std::vector<ordered_json>& lines);

   private:
    void take_link();
    void let_go();
    Journal& journal_;
    int fd_ = -1;
  };

 private:
  void play(const std::string& line);
  void play_study(const json& log, long op);
  void play_trial(const json& log, long op);
  void create_trial(const json& log);
  void set_parameter(Trial& trial, const std::string& name, const json& value, const std::string& distribution);
  StudyRecord* study_of(const json& log);
  Trial* trial_of(const json& log);

  std::string path_, worker_;
  std::vector<StudyRecord> studies_;
  std::vector<std::pair<long, long>> trials_;    // by id: the study's id, the number in it
  std::map<std::string, Distribution> domains_;  // by their JSON
  long next_study_ = 0, finished_ = 0, lines_ = 0;
  size_t offset_ = 0;  // what has been played of the file
};

std::string now_text();  // 2026-01-02T03:04:05.000000, local time as Optuna has it

}  // namespace search
