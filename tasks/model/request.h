// Request: what every command that uses a trained model is told alike: the model, the texts, how they are read for it.
#pragma once

#include "tasks/model/directory.h"
#include "tasks/model/predict.h"
#include "tasks/run/console.h"

namespace model {

struct Request {
  std::string directory, base, file;
  Reading reading;  // after load(): the model's, unless options say otherwise
  spec::DataOptions files;

  // Without labels the model need not be named: the classifier that ships is taken. Without files there are none of
  // their options.
  void declare(run::Options& options, bool with_labels, bool with_files = true);
  // Texts as arguments or from --file; the footer of --help says what is taken without any.
  void declare_texts(run::Options& options, const std::string& without);

  // From now on `reading` and `files` are the model's where no option says otherwise.
  std::unique_ptr<TextModel> load(const run::Options& options);
  // Usage error: texts both as arguments and in a file; options of a table, and texts that stand in none.
  void check_texts(const run::Options& options) const;
  // The texts that were given, after load(); error: both as arguments and in a file.
  std::vector<text::Example> examples(const run::Options& options) const;
};

}  // namespace model
