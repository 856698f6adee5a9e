// Reader: what models say of a text: its topic, whether it is negative, and towards whom.
#pragma once

#include <memory>

#include "nn/format/json_value.h"
#include "tasks/model/text_model.h"
#include "tasks/monitor/stream.h"

namespace run {
class Options;
}

namespace monitor {

struct ReaderOptions {
  std::vector<std::string> models;
  bool labelled = false;
  std::string topic_head = "topic", sentiment_head = "sentiment", entity_head = "entity", negative;

  void declare(run::Options& options);
};

// A text's topic, and how probable it is that the text is of it and is negative, calibrated.
struct Said {
  std::string topic;
  double topic_p = 1, negative_p = 0;
  bool negative = false;
  struct Towards {
    std::string name;
    double negative_p = 0;
    bool negative = false;
  };
  std::vector<Towards> entities = {};
};

// What was measured on dev, as `monitor.json` in a model's directory has it: for every head the temperature of its
// logits and its confusion, rows true, columns said. A head that is not there is taken as it is.
struct Calibration {
  double temperature = 1;
  std::vector<std::vector<double>> confusion = {};  // [K, K], or nothing
};
inline constexpr const char* kCalibration = "monitor.json";

class Reader {
 public:
  // Error: no model has a head that tells a topic or what is negative; two have one; an option names a head or a label
  // that there is not.
  explicit Reader(const ReaderOptions& options);
  ~Reader();

  // The same bits in whatever batches records come.
  std::vector<Said> read(const std::vector<Record>& records) const;
  // "crashed:+0.91 profit:-0.20": what spoke for the class that counts, negative or else the topic; empty: no model.
  std::string words(const std::string& text, const std::string& topic, bool negative) const;

  bool tells_negative() const { return sentiment_ || entity_; }
  const std::vector<std::string>& topics() const { return topics_; }  // of the model; empty: those that records name
  const std::vector<std::vector<double>>& topic_confusion() const { return topic_confusion_; }
  // [2, 2] of not negative and negative, or nothing.
  const std::vector<std::vector<double>>& negative_confusion() const { return negative_confusion_; }
  // The same of the head that tells what is negative towards a name.
  const std::vector<std::vector<double>>& entity_confusion() const { return entity_confusion_; }
  const std::string& identity() const { return identity_; }  // another model, or another calibration, has another

 private:
  struct Head;
  std::vector<Said> labelled(const std::vector<Record>& records, std::vector<text::Example>& examples,
                             std::vector<text::Example>& pairs) const;
  std::vector<std::vector<double>> probabilities(const Head& head, const std::vector<text::Example>& examples) const;
  void find_heads();
  void check_names() const;
  std::string identity_of_files() const;
  std::unique_ptr<Head> head(size_t model, size_t index) const;

  ReaderOptions o_;
  std::vector<std::unique_ptr<model::TextModel>> models_;
  std::vector<std::string> paths_;
  std::string identity_ = "labelled";  // of the files as they were read
  std::unique_ptr<Head> topic_, sentiment_, entity_;
  std::vector<std::string> topics_;
  std::vector<std::vector<double>> topic_confusion_, negative_confusion_, entity_confusion_;
};

// Which of these labels means negative: `given`, or negative, bearish, bad; -1: none of them.
int negative_of(const std::vector<std::string>& labels, const std::string& given);

// softmax(log p / T): what a temperature makes of probabilities.
std::vector<double> tempered(std::vector<double> p, double temperature);

}  // namespace monitor
