// What a training run is made of, from its options.
#pragma once

#include <memory>

#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "tasks/run/text_model.h"
#include "tasks/sentiment/options.h"

run::Splits load_splits(const TrainOptions& o);
std::unique_ptr<run::TextModel> make_model(const TrainOptions& o, const run::Splits& splits);
// The weight of every class in the loss; empty: all alike.
std::vector<engine::real> class_weights(const TrainOptions& o, const text::EncodedSet& train,
                                        const std::vector<std::string>& labels);
optim::Optimizer make_optimizer(const TrainOptions& o, const std::vector<engine::Tensor>& parameters);
optim::Schedule make_schedule(const TrainOptions& o, long steps);
