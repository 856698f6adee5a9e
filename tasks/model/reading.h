// How a model reads texts: how much of them, and what becomes of a longer one. A model directory records it.
#pragma once

#include "tasks/spec/data_options.h"
#include "tasks/text/batches.h"

namespace run {
class Options;
}

namespace model {

struct Reading {
  int max_length = 128;          // tokens, [CLS] and [SEP] included
  std::string too_long = "cut";  // or error, or window

  text::TooLong how() const { return text::too_long(too_long); }
  void declare(run::Options& options);
  // What an option says goes before what the directory recorded, and is said on the screen where they differ.
  static Reading settle(const run::Options& options, const Reading& asked, const Reading& recorded);
};

// Whether it was recorded by our programs: a published model's length is what its positions allow, not how it reads.
bool records_reading(const std::string& directory);

// tokenizer_config.json: model_max_length, as Hugging Face has it, and long_texts. The model's positions are the limit.
Reading recorded_reading(const std::string& directory, long positions);
void record_reading(const Reading& reading, const std::string& directory);

// The same file's "columns", which nobody else knows: {"text": NAME, "label": NAME, "pair": NAME, "delimiter": ...,
// "no_header": true}, as far as they are not the default. Of a model of named tasks tasks.json has them.
void recorded_columns(const std::string& directory, spec::DataOptions& to);
void record_columns(const spec::DataOptions& columns, const std::string& directory);

}  // namespace model
