// Assistant: what `answer train` leaves, ready to be asked: model, knowledge, index, and what was promised.
#pragma once

#include <memory>

#include "nn/format/json_value.h"
#include "tasks/answer/index.h"
#include "tasks/answer/options.h"
#include "tasks/answer/scope.h"

namespace answer {

// Files of a run beside best/, the model.
inline constexpr const char* kSettings = "answer.json";             // promises, and the texts that were left out
inline constexpr const char* kKnowledge = "knowledge.jsonl";        // what the model learned, as it was read
inline constexpr const char* kQuestions = "questions.safetensors";  // vectors and logits: learned, for calibration
inline constexpr const char* kIndex = "articles.safetensors";
inline constexpr const char* kWording = "wording.safetensors";

// What is understood of a text.
struct Understanding {
  std::string text;
  std::vector<double> p;    // [K], calibrated
  std::vector<int> ranked;  // intents, the likeliest first
  double score = 0;         // of the detector; in scope from Assistant::threshold() on
  bool in_scope = false;
  std::vector<int> offered;                   // the conformal set, the likeliest first
  std::map<std::string, std::string> values;  // of slots
  std::string nearest;                        // the question that was learned and lies nearest, and its cosine
  double cosine = 0;
  Tensor vector;  // [1, C]
};

// How sure is sure: from questions that were kept back.
struct Calibration {
  double temperature = 1, threshold = 0, nonconformity = 0;
  long questions = 0;
  // Which promises these many questions cannot keep, in words; empty: none.
  std::vector<std::string> doubts;
};
Calibration calibrate(const Read& kept, const Indices& classes, const Scope& scope, const Promises& promises);

class Assistant {
 public:
  // A run's directory. Error: what a part of it lacks; an index of another model.
  explicit Assistant(const std::string& directory, const OtherPromises& others = {});

  // The model and the wording together.
  Read read(const std::vector<std::string>& texts) const;
  std::vector<Understanding> understand(const std::vector<std::string>& texts) const;
  std::vector<Found> search(const Understanding& u, long k) const { return index().search(u.text, u.vector, k); }
  // What every word adds to the score of an intent, and how much attention it gets: the mean over heads and queries of
  // the last layer, or of the pooling.
  struct Word {
    std::string word;
    double share = 0, attention = 0;
  };
  std::vector<Word> words(const std::string& text, int intent) const;

  const Knowledge& knowledge() const { return knowledge_; }
  const model::TextModel& model() const { return *model_; }
  const Index& index() const { return *index_; }
  Index& index() { return *index_; }
  const Scope& scope() const { return *scope_; }
  const Promises& promises() const { return promises_; }
  const Calibration& calibration() const { return calibration_; }
  const Read& kept() const { return kept_; }  // the questions for calibration
  double wording_weight() const { return wording_weight_; }
  const Indices& kept_classes() const { return kept_classes_; }
  const nn::json& settings() const { return settings_; }

 private:
  std::string directory_;
  std::unique_ptr<model::TextModel> model_;
  Knowledge knowledge_;
  nn::json settings_;
  Promises promises_;
  std::unique_ptr<Index> index_;
  std::unique_ptr<Scope> scope_;
  std::unique_ptr<Wording> wording_;
  double wording_weight_ = 0;
  Read kept_;
  Indices kept_classes_;
  std::vector<std::string> learned_;
  Calibration calibration_;
};

// The knowledge that is learned, its questions as the texts of one or two tasks (train; dev: kept for calibration;
// test), and the questions of intents that were left out. The first `written` texts to learn from stand in the
// knowledge; behind them are those that the encoder alone learns from, changed or there again.
struct Lesson {
  Knowledge knowledge;
  spec::TaskSet set;
  size_t written = 0;
  std::vector<std::string> left_out;
};

// What training leaves beside the model: learns the wording, reads every question, and the articles.
void save_assistant(const std::string& directory, const model::TextModel& model, const std::string& model_directory,
                    const Lesson& lesson, const TrainOptions& o);

}  // namespace answer
