// The models that ship with the programs, by their names: what stands in tasks/models, encoders and a classifier.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace model {

// Where they are looked for, the first that has one goes first: $ATTUNE_MODELS, if it is set; beside the program, or
// the library that somebody's program has loaded, as it is built (build/release/../../tasks/models); beside it as it is
// installed (bin/../share/attune/models, lib/../share/attune/models).
std::vector<std::string> shipping_places();
std::vector<std::string> shipped_models();  // their names, sorted

// The directory of a model that a person names: a shipped one's by its name, a word without a slash; else the path as
// it stands, which need not exist. A note where a directory of that name is there, too: ./NAME is that one.
std::string model_at(const std::string& name);

// The classifier that is ready: what texts are given to where no model is named, said in a note.
// Error: it does not ship, and a model has to be named.
inline constexpr const char* kReady = "sentiment";
std::string ready_classifier();

// Error: a directory that ships. No command changes one: what everybody's answers are made of is not one person's.
void check_not_shipped(const std::string& directory);

// What an error about a model that is not there adds: which ones ship, or where they were looked for.
std::string what_ships(const std::string& name);

// What the directory's fine-tune.ini says (`lr = 5e-4`): the peak rate that its encoder wants. Nothing: it has none.
// Error: another key, no number.
std::optional<double> wanted_lr(const std::string& directory);

}  // namespace model
