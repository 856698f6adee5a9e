// Figures of an assistant on labelled questions and on what is none of its business. Read tasks/answer/conversation.h
// first: the outcomes.
#include "tasks/answer/evaluate.h"

#include <algorithm>

#include "tasks/answer/conversation.h"
#include "tasks/model/predict.h"
#include "tasks/score/confidence.h"
#include "tasks/score/metrics.h"
#include "tasks/score/refusal.h"
#include "tasks/score/separation.h"
#include "tasks/score/spans.h"

namespace answer {

using engine::check;
using nn::json;
using nn::ordered_json;

namespace {

std::vector<std::string> texts_of(const std::vector<Labelled>& questions) {
  std::vector<std::string> texts;
  for (const Labelled& q : questions) texts.push_back(q.text);
  return texts;
}

// What nothing was there for is not said.
void add_share(const char* name, long part, size_t of, ordered_json& to) {
  if (of) to[name] = double(part) / double(of);
}

// What is said of questions in scope by the outcome of each.
void add_outcomes(const Assistant& assistant, const std::vector<Labelled>& questions,
                  const std::vector<Understanding>& understood, ordered_json& to) {
  long answered = 0, asked = 0, refused = 0, right = 0, offered = 0;
  std::vector<int> truth, best;
  for (size_t i = 0; i < questions.size(); ++i) {
    const std::vector<int> options = options_of(understood[i]);
    truth.push_back(questions[i].intent);
    best.push_back(understood[i].ranked[0]);
    const bool among = std::ranges::count(options, questions[i].intent) > 0;
    answered += options.size() == 1;
    asked += options.size() > 1;
    refused += options.empty();
    right += options.size() == 1 && among;
    offered += among;
  }
  const score::Confusion c = score::confusion_matrix(truth, best, int(assistant.knowledge().intents.size()));
  to["accuracy"] = score::accuracy(c);
  to["macro_f1"] = score::macro_f1(c);
  add_share("answered", answered, questions.size(), to);
  add_share("asked", asked, questions.size(), to);
  add_share("refused", refused, questions.size(), to);
  add_share("answered_right", right, size_t(answered), to);
  add_share("offered", offered, questions.size(), to);
}

void add_slots(const Assistant& assistant, const std::vector<Labelled>& questions, const Read& read, ordered_json& to) {
  std::vector<std::vector<std::string>> truth, said;
  for (size_t i = 0; i < questions.size() && !read.tags.empty(); ++i) {
    if (questions[i].tags.empty()) continue;
    truth.push_back(spec::words_of(questions[i].tags));
    said.push_back(model::tags_of_words(
        assistant.model().tasks[1], read.tags[i],
        spec::first_pieces(questions[i].text, assistant.model().tokenizer, long(read.tags[i].size()))));
  }
  if (!truth.empty()) to["slot_f1"] = score::entity_f1(truth, said);
}

struct Sides {
  const std::vector<Labelled>& questions;
  Read in, out;
};

ordered_json figures_of_detector(const Assistant& assistant, const std::string& detector, const Sides& sides) {
  const Calibration& c = assistant.calibration();
  const Scope& scope = assistant.scope();
  const auto scores = [&](const Read& texts) {
    return texts.logits.empty() ? std::vector<double>{} : scope.scores(detector, texts, c.temperature);
  };
  const std::vector<double> in = scores(sides.in), out = scores(sides.out);
  double threshold = -score::kEveryClass;
  if (!assistant.kept_classes().empty() && assistant.promises().refuse > 0)
    threshold = score::refusal_threshold(scores(assistant.kept()), assistant.promises().refuse);
  const int K = int(assistant.knowledge().intents.size());
  std::vector<int> truth, said;
  for (size_t i = 0; i < in.size(); ++i) {
    truth.push_back(sides.questions[i].intent);
    said.push_back(in[i] < threshold ? K : score::largest(sides.in.logits[i]));
  }
  for (size_t i = 0; i < out.size(); ++i) {
    truth.push_back(K);
    said.push_back(out[i] < threshold ? K : score::largest(sides.out.logits[i]));
  }
  const auto below = [&](const std::vector<double>& s) {
    return std::ranges::count_if(s, [&](double x) { return x < threshold; });
  };
  ordered_json figures = ordered_json::object();
  add_share("refused", below(in), in.size(), figures);
  add_share("found", below(out), out.size(), figures);
  if (in.empty() || out.empty()) return figures;
  const score::Separation apart = score::separation(in, out);
  const score::Confusion confusion = score::confusion_matrix(truth, said, K + 1);
  const double found = double(confusion.at(K, K));
  figures["auroc"] = apart.auroc;
  figures["fpr95"] = apart.fpr95;
  figures["aupr"] = apart.aupr_out;
  figures["accuracy"] = score::accuracy(confusion);
  figures["macro_f1"] = score::macro_f1(confusion);
  figures["open_f1"] = found > 0 ? 2 * found / double(confusion.support(K) + confusion.predicted(K)) : 0.0;
  return figures;
}

}  // namespace

std::vector<Labelled> own_questions(const Assistant& assistant) {
  std::vector<Labelled> questions;
  const json& test = assistant.settings().value("test", json::array());
  for (const json& q : test) {
    const Intent* intent = assistant.knowledge().find(q.at("intent").get<std::string>());
    check(intent, "{}: a test question of an intent that is not known, '{}'", kSettings,
          q.at("intent").get<std::string>());
    questions.push_back({q.at("text"), int(intent - assistant.knowledge().intents.data()), q.value("tags", "")});
  }
  return questions;
}

std::vector<Labelled> questions_of(const Assistant& assistant, const Knowledge& file,
                                   std::vector<std::string>& out_of_scope) {
  std::vector<Labelled> questions;
  for (const Intent& intent : file.intents) {
    const Intent* known = assistant.knowledge().find(intent.name);
    for (const Question& q : intent.questions)
      if (known)
        questions.push_back({q.text, int(known - assistant.knowledge().intents.data()), tags_of(q)});
      else
        out_of_scope.push_back(q.text);
  }
  check(!questions.empty(), "no question of an intent that the assistant knows");
  return questions;
}

ordered_json figures_of(const Assistant& assistant, const std::vector<Labelled>& questions,
                        const std::vector<std::string>& out_of_scope) {
  ordered_json figures{{"questions", questions.size()}};
  const auto through = [&](const std::vector<std::string>& texts) {
    return texts.empty() ? Read{} : assistant.read(texts);
  };
  const Sides sides{questions, through(texts_of(questions)), through(out_of_scope)};
  if (!questions.empty()) {
    add_outcomes(assistant, questions, assistant.understand(texts_of(questions)), figures);
    add_slots(assistant, questions, sides.in, figures);
  }
  figures["out_of_scope"] = out_of_scope.size();
  for (const std::string& detector : kDetectors)
    figures["detectors"][detector] = figures_of_detector(assistant, detector, sides);
  figures["detector"] = assistant.promises().detector;
  return figures;
}

std::string table_of(const ordered_json& figures) {
  std::string text;
  for (const char* name : {"questions", "accuracy", "macro_f1", "answered", "answered_right", "asked", "refused",
                           "offered", "slot_f1", "out_of_scope"})
    text += figures.contains(name) ? fmt::format("{:<15} {:g}\n", name, figures[name].get<double>())
                                   : fmt::format("{:<15} -\n", name);
  text += fmt::format("\n{:<12}", "detector");
  const char* names[] = {"refused", "found", "auroc", "fpr95", "aupr", "accuracy", "macro_f1", "open_f1"};
  for (const char* name : names) text += fmt::format(" {:>8}", name);
  for (const auto& [detector, values] : figures["detectors"].items()) {
    text += fmt::format("\n{:<12}", detector);
    for (const char* name : names)
      text += values.contains(name) ? fmt::format(" {:>8.4f}", values[name].get<double>()) : fmt::format(" {:>8}", "-");
  }
  return text + "\n\n";
}

std::string result_line(const ordered_json& figures) {
  std::string line = "result task=answer";
  const auto add = [&](const char* name, const ordered_json& from, const char* as) {
    if (from.contains(name)) line += fmt::format(" {}={:.4f}", as, from[name].get<double>());
  };
  for (const char* name : {"accuracy", "answered", "answered_right", "asked", "refused", "offered", "slot_f1"})
    add(name, figures, name);
  const ordered_json& own = figures["detectors"][figures["detector"].get<std::string>()];
  add("auroc", own, "auroc");
  add("found", own, "found");
  line += fmt::format(" n={}", figures["questions"].get<long>());
  return line;
}

}  // namespace answer
