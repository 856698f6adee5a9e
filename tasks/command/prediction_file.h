// PredictionFile: the rows of a table with what a model says of them beside them, as CSV, TSV or JSON lines; written as
// it comes, whole at the end, and continued after a kill.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tasks/model/answers.h"
#include "tasks/text/data.h"

namespace command {

class PredictionFile {
 public:
  // By the extension of the path. Error: another one, with the list.
  enum class Kind { csv, tsv, jsonl };
  static Kind kind_of(const std::string& path);

  // Names that the table has already get "_predicted" behind them. `separator`: of a CSV; 0: a comma.
  // `settings`: a fingerprint of all that decides what is said; a file is continued only with the same.
  // Rows go to PATH.part, the settings to PATH.part.settings, from the first row on. Error: PATH.part is there and
  // `resume` is not set, or it was written with other settings or other columns.
  PredictionFile(const std::string& path, const text::Table& table, const std::vector<std::string>& predicted,
                 char separator, const std::string& settings, bool resume);

  // How many of these rows, which are the next ones, stand there whole from before. Error: other rows do.
  long there(const text::Table& block);
  // Error: of JSON lines the row has a key that is called as a prediction, and the first one had not.
  void append(const text::Table& block, size_t row, const std::vector<model::Cell>& cells);
  void flush();
  // No more rows: PATH.part becomes PATH. Error: more rows stand there.
  void finish();
  long shortened() const { return shortened_; }  // cells with a NUL, of a TSV with tabs or line ends: now blanks
  const std::vector<std::string>& predicted() const { return predicted_; }  // their names
  bool resumed() const { return reading_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void resume();
  void create();
  std::string cell(std::string text);
  void check_keys(const text::Table& block, size_t row) const;
  std::string row_of(const text::Table& block, size_t row);  // up to where the predicted cells begin
  bool takes(const std::string& bytes);                      // whether the file goes on with them
  void write(const std::string& bytes);
  void stop_reading();

  std::string path_, part_, settings_path_, settings_, header_;
  Kind kind_;
  char separator_;
  std::vector<std::string> columns_, predicted_;  // names, all different in JSON
  std::unique_ptr<std::FILE, Close> file_;
  bool reading_ = false;  // what stands there from before
  long whole_ = 0;        // bytes of whole rows that have been read
  long shortened_ = 0;
};

}  // namespace command
