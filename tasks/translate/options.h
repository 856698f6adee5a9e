// What `translate train` can be told.
#pragma once

#include "tasks/model/adapter.h"
#include "tasks/run/training.h"
#include "tasks/translate/distil.h"
#include "tasks/translate/pairs.h"
#include "tasks/translate/translator.h"

namespace translate {

struct Options {
  run::TrainingOptions training;  // its batches are of so many target pieces
  // data
  std::string source, target, data, dev_source, dev_target, dev;
  double dev_share = 0.02;
  // model
  std::string model;  // a directory to go on from
  PieceOptions pieces;
  long layers = 4, decoder_layers = 0, hidden = 128, heads = 4, intermediate = 256, positions = 256;
  std::string norm = "post", activation = "relu";
  std::optional<double> dropout, attention_dropout, activation_dropout;  // of a new model 0.3, 0, 0
  // learning
  double label_smoothing = 0.1;
  double r_drop = 0;         // alpha
  double piece_dropout = 0;  // of merges
  int average = 10, dev_beams = 1;
  std::string tokenize = "13a";  // of the BLEU on held-out texts
  int sort_window = 0;           // steps
  DistilOptions distil;
  model::AdapterOptions adapter;

  Options();
  void declare(run::Options& options);
  void settle(run::Options& options);  // after parsing. Error: what does not go together
  nn::TranslationConfig config(const Pieces& pieces) const;
  void set_dropouts(nn::TranslationConfig& c) const;  // those that are given
  std::vector<std::string> inputs() const;
};

struct Data {
  Texts train, dev;
};
// Files as the options say; without any, the embedded phrases. Held-out pairs are every so-manieth one where no file
// has them.
Data read_data(const Options& o);
// The translator that is trained: of --model, or drawn, with the teacher's pieces where it is compared with one, else
// with pieces learned from the training texts.
Translator make_translator(const Options& o, const Texts& train, const Translator* teacher);

}  // namespace translate
