// Explain: what a decision of a model hangs on, word by word; whether such explanations are faithful; which part of the
// model carries a difference.
#include "tasks/explain/commands.h"

// `explain "a text"` is `explain text "a text"`.
int main(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  std::string text = "text";
  std::vector<char*> words(argv, argv + argc);
  const bool known = first == "text" || first == "compare" || first == "patch" || first == "--help" || first == "-h" ||
                     first == "help" || first == "--version";
  if (argc > 1 && !known) words.insert(words.begin() + 1, text.data());
  words.push_back(nullptr);
  return run::program(
      int(words.size()) - 1, words.data(), "explain", "What a decision of a model hangs on.",
      {{"text", "what each word adds to a decision; `explain \"a text\"` is the same", explain::texts_command},
       {"compare", "all methods on many texts: which is faithful, and does attention explain?",
        explain::compare_command},
       {"patch", "two texts: which layer, word and head carries the difference", explain::patch_command}});
}
