// curve --data FILE: quality by the number of texts to train on. Is it worth labelling more?
#pragma once

#include "tasks/score/intervals.h"
#include "tasks/sentiment/runs.h"

namespace sentiment {

// Runs `train` at shares of the training texts, several times each; DIR/curve.csv, DIR/curve.svg, and a sentence.
void curve_command(run::Options& options, const run::Parse& parse, const Train& train);

// Of texts in groups, by place the number of each one's group, those of a share: of every group of n texts the nearest
// number to share n, but two at least if there are two; which ones, by seed, in their order. The draws of one seed hold
// each other: what is in one is in that of every larger share.
engine::Indices part_of(const engine::Indices& groups, double share, uint64_t seed);

// Of 1, 2, 5, 10, 20, 50, 100 % those that come to two texts for each group.
std::vector<double> shares_of(const engine::Indices& groups);

// "Is it worth labelling more?": what the last doubling, from so many texts to so many, has brought. `lower`: the
// metric is an error, and falls.
std::string verdict(const std::string& metric, bool lower, const std::vector<double>& before,
                    const std::vector<double>& after, long texts_before, long texts_after);

}  // namespace sentiment
