// From options to what explanations are made of. Read tasks/attribution/explanation.h first.
#include "tasks/explain/asked.h"

#include <filesystem>

#include "tasks/attribution/gradients.h"

namespace explain {

using engine::check;

void Asked::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("What is explained");
  };
  add("--task", task, "which task of a model that has several; if not given, the first");
  add("--of", of, "the score before the softmax, which moves also where a probability is near 0 or 1, or that")
      .one_of({"logit", "probability"});
  add("--absent", absent,
      "what stands for a word that is taken away: mask, pad, remove (what follows moves up); auto: mask for a BERT, "
      "remove for word embeddings")
      .only_with("--method", {"integrated-gradients", "shapley", "occlusion", "all"})
      .one_of({"auto", "mask", "pad", "remove"});
  add("--steps", settings.steps, "of integrated gradients; doubled while they do not add up within 0.1 %, up to 800")
      .only_with("--method", {"integrated-gradients", "all"})
      .between(1, attribution::kMostSteps);
  add("--samples", settings.samples,
      "pairs of orders for Shapley values of more than 12 words; up to 12 they are exact")
      .only_with("--method", {"shapley", "all"})
      .between(2, 100'000);
  add("--seed", settings.seed, "of what is sampled").only_with("--method", {"shapley", "all"});
}

size_t Asked::settle(model::TextModel& model) {
  model.net.params.freeze("*");
  if (absent == "auto")
    settings.absent = model.net.encoder.bert() ? attribution::Absent::mask : attribution::Absent::remove;
  else
    settings.absent = attribution::absent_named(absent);
  return task.empty() ? 0 : model.task(task);
}

std::string Asked::absent_text(const model::TextModel& model) const {
  if (settings.absent == attribution::Absent::remove) return "removed";
  return model.tokenizer.piece(attribution::absent_id(settings.absent, model.tokenizer));
}

std::string name_of(const text::Example& example, size_t i) {
  return example.where.empty() ? fmt::format("text {}", i + 1) : example.where;
}

std::vector<attribution::Subject> subjects_of(const model::TextModel& model, const std::vector<text::Example>& examples,
                                              const model::Reading& reading) {
  for (size_t i = 0; i < examples.size(); ++i)
    check(!text::is_blank(examples[i].text), "{}: there is no word in it to explain", name_of(examples[i], i));
  const text::EncodedSet set = text::encode(examples, model.tokenizer, reading.max_length, reading.how());
  std::vector<attribution::Subject> subjects;
  long cut = 0;
  for (size_t i = 0; i < examples.size(); ++i) {
    subjects.push_back(attribution::subject_of(examples[i], set, long(i), model.tokenizer));
    const size_t read = subjects.back().read().size();
    check(read > 0, "{}: there is no word in it to explain", name_of(examples[i], i));
    if (subjects.back().windows[0].truncated && cut++ == 0)
      run::print_note(
          "note: {}: longer than the {} tokens that are read: {} of {} words are explained; --long window "
          "reads all\n",
          name_of(examples[i], i), reading.max_length, read, subjects.back().words.size());
  }
  if (cut > 1) run::print_note("note: so are {} texts more\n", cut - 1);
  return subjects;
}

std::string model_name(const std::string& directory) {
  const std::filesystem::path path = std::filesystem::path(directory) / "";  // with or without a slash at its end
  return path.parent_path().filename().string();
}

std::string score_text(const attribution::Decision& decision) {
  if (decision.class_name().empty()) return "the number";
  return fmt::format("the {} of {}", decision.of() == attribution::Of::logit ? "logit" : "probability",
                     decision.class_name());
}

}  // namespace explain
