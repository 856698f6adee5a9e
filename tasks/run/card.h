// The model card: README.md of a model directory, in the form of Hugging Face's cards: metadata as YAML, then sections.
// What a run knows is filled in, the rest is "not stated"; a card that somebody has edited is never written over.
#pragma once

#include <string>
#include <vector>

#include "nn/format/json_value.h"

namespace run {

class Run;

struct Card {
  std::string program;   // that trained: "sentiment"
  std::string pipeline;  // Hugging Face's name of what the model does: "text-classification"
  std::string about;     // a sentence
  std::vector<std::string> labels = {};
  std::string data = {};          // what is learned from, where no option names a file
  nn::ordered_json texts = {};    // how many, by what for: {"train": 720, ...}
  nn::ordered_json figures = {};  // numbers, by the names of score/metrics.h
  std::string measured_on = "test";
};

// result.json of a run that has ended: the figures and, last, the seconds it took, which are returned.
double write_result(const Run& run, nn::ordered_json figures);

// The card of a run that has ended, into its best/. What the run was told and what it cost is read from its directory.
void write_card(const Run& run, const Card& card);

// A card's last line is a comment with the SHA-256 of all above it: without it, or with another, somebody has edited
// it.
std::string sealed(const std::string& text);
bool edited(const std::string& card);

// Writes the card unless an edited one is there, which is said on the screen; returns whether it wrote.
bool replace_card(const std::string& path, const std::string& text);
// An edited card of one directory goes to another: of a model to the one that takes its place.
void keep_edited_card(const std::string& from, const std::string& to);

// The section of this heading ("Safety") gets another text. Error: the card has no such section.
std::string with_section(const std::string& card, const std::string& heading, const std::string& text);

}  // namespace run
