// What the training of a text classifier is made of, from its options; the loop itself stands in the programs.
#pragma once

#include <memory>

#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "tasks/model/evaluate.h"
#include "tasks/run/run.h"
#include "tasks/model/text_model.h"
#include "tasks/model/train_options.h"

namespace model {
spec::Splits load_splits(const TrainOptions& o);
spec::Splits load_splits(const TrainOptions& o, const text::Labels& labels);  // empty: those of the data
std::unique_ptr<TextModel> make_model(const TrainOptions& o, const spec::Splits& splits,
                                      const text::WordPiece* tokenizer = nullptr);  // of a new model, if there is one
// What a new model is made of: its tokenizer, from --vocab or learned from the texts; its sizes; its dropout.
text::WordPiece new_tokenizer(const TrainOptions& o, const std::vector<text::Example>& examples);
nn::Config new_config(const TrainOptions& o, long vocab_size, const std::vector<std::string>& labels);
void set_dropout(nn::Config& config, const TrainOptions& o);
// The weight of every class in the loss; empty: all alike.
std::vector<engine::real> class_weights(const TrainOptions& o, const text::EncodedSet& train,
                                        const std::vector<std::string>& labels);
optim::Optimizer make_optimizer(const TrainOptions& o, const std::vector<engine::Tensor>& parameters);
long steps_of(const TrainOptions& o, const text::Batches& batches);  // as --epochs or --max-steps say
optim::Schedule make_schedule(const TrainOptions& o, long steps);

// Measures an epoch on the dev set, keeps the model if it is the best so far; without a dev set, the latest.
void finish_epoch(Run& run, TextModel& model, const text::EncodedSet& dev_set, const TrainOptions& o);
// The best epoch's model on the test set: the last words of a run, and its result.json.
void finish_run(const Run& run, const std::string& task, const text::EncodedSet& test_set, bool has_dev,
                const TrainOptions& o);

}  // namespace model
