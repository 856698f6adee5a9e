// Two texts and what carries the difference between them. Read tasks/attribution/patching.h first.
#include <algorithm>
#include <cmath>

#include "nn/format/files.h"
#include "tasks/attribution/patching.h"
#include "tasks/explain/asked.h"
#include "tasks/explain/commands.h"
#include "tasks/explain/page.h"
#include "tasks/text/utf8.h"

namespace explain {

using attribution::Component;
using attribution::Contrast;
using attribution::Decision;
using attribution::Effects;
using attribution::Patching;
using engine::check;
using nn::ordered_json;

namespace {

struct PatchCommand {
  model::Request given;
  Asked asked;
  std::string class_name, against, pair, out, page;

  void declare(run::Options& options);
};

void PatchCommand::declare(run::Options& options) {
  given.declare(options, false, false);
  options.take_texts();
  options.footer(
      "Two texts: the clean one and the corrupted one, of as many pieces, as \"The film was good.\" and \"The film was "
      "bad.\"");
  options.add("--class", class_name, "by its name; if not given, what the model says of the clean text");
  options.add("--against", against,
              "the class whose logit is taken off; if not given, what it says of the corrupted one");
  options.add("--pair", pair, "the second text, the same behind both, for a model of pairs");
  options.add("--task", asked.task, "which task of a model that has several; if not given, the first");
  options.add("--out", out, "also as JSON; -: that instead of the tables").writes();
  options.add("--page", page, "also as a page for the browser, one file").writes();
}

// The logit of one class less that of another, where a head has logits that are compared; of classes that stand for
// themselves, of classes that have an order and of numbers there is one alone.
Contrast contrast_of(const PatchCommand& command, const model::TextModel& model, size_t head,
                     const std::vector<attribution::Subject>& both) {
  const int k = attribution::class_of(model, head, command.class_name, both[0].windows);
  Contrast contrast{Decision(model, head, k)};
  const bool compared = model.tasks[head].head == nn::Predicts::label && model.tasks[head].labels.size() > 1;
  check(compared || command.against.empty(), "--against: this head's logits are not compared with each other");
  if (!compared) return contrast;
  int other = attribution::class_of(model, head, command.against, both[1].windows);
  if (other == k && command.against.empty()) {  // the next best of the clean text
    std::vector<double> y;
    for (int c = 0; c < model.tasks[head].labels.size(); ++c)
      y.push_back(c == k ? -INFINITY : Decision(model, head, c).of_text(both[0].windows));
    other = int(std::max_element(y.begin(), y.end()) - y.begin());
  }
  check(other != k, "--against {}: the same class as --class", command.against);
  contrast.other.emplace(model, head, other);
  return contrast;
}

std::string contrast_text(const Contrast& contrast) {
  if (!contrast.other) return score_text(contrast.one);
  return fmt::format("{} less that of {}", score_text(contrast.one), contrast.other->class_name());
}

std::vector<std::string> row_names(const Patching& found, const Effects& effects) {
  std::vector<std::string> names;
  if (effects.component != Component::head)
    for (const attribution::Site& site : found.sites)
      names.push_back(site.clean == site.corrupted ? site.clean : site.clean + " / " + site.corrupted);
  size_t heads = 0;
  for (const auto& layer : effects.denoising) heads = std::max(heads, layer.size());
  for (size_t h = 0; effects.component == Component::head && h < heads; ++h) names.push_back(fmt::format("head {}", h));
  return names;
}

std::string table_of(const Patching& found, const Effects& effects, const std::vector<std::vector<double>>& values) {
  const bool residual = effects.component == Component::residual;
  std::string text = fmt::format("{:<20}", attribution::name_of(effects.component));
  for (size_t l = 0; l < values.size(); ++l)
    text += fmt::format("{:>7}", residual ? l == 0 ? "embed" : fmt::format("l{}", l - 1) : fmt::format("l{}", l));
  text += "\n";
  const std::vector<std::string> names = row_names(found, effects);
  for (size_t r = 0; r < names.size(); ++r) {
    const std::string name = text::fitted(names[r], 20);
    text += name + std::string(20 - text::columns_of(name), ' ');
    for (const auto& layer : values) text += r < layer.size() ? fmt::format("{:>7.2f}", layer[r]) : "       ";
    text += "\n";
  }
  return text;
}

ordered_json json_of(const Patching& found, const Contrast& contrast, const std::vector<text::Example>& texts) {
  ordered_json json{
      {"clean", texts[0].text},     {"corrupted", texts[1].text},         {"contrast", contrast_text(contrast)},
      {"clean_value", found.clean}, {"corrupted_value", found.corrupted}, {"runs", found.runs}};
  for (const attribution::Site& site : found.sites)
    json["sites"].push_back({{"clean", site.clean}, {"corrupted", site.corrupted}, {"tokens", site.rows}});
  for (const Effects& e : found.effects)
    json["effects"].push_back(
        {{"component", attribution::name_of(e.component)}, {"denoising", e.denoising}, {"noising", e.noising}});
  return json;
}

void print(const Patching& found, const Contrast& contrast) {
  fmt::print("{}: {:+.3f} of the clean text, {:+.3f} of the corrupted one\n", contrast_text(contrast), found.clean,
             found.corrupted);
  fmt::print(
      "\ndenoising: how much of the difference comes back when the clean text's is put into the corrupted run\n");
  for (const Effects& e : found.effects) fmt::print("\n{}", table_of(found, e, e.denoising));
  fmt::print("\nnoising: how much of it is lost when the corrupted text's is put into the clean run\n");
  for (const Effects& e : found.effects) fmt::print("\n{}", table_of(found, e, e.noising));
}

}  // namespace

void patch_command(run::Options& options, const run::Parse& parse) {
  PatchCommand command;
  command.declare(options);
  parse();
  if (options.texts().size() != 2) run::usage_error("two texts are patched; got {}", options.texts().size());
  const auto model = command.given.load(options);
  const size_t head = command.asked.settle(*model);
  std::vector<text::Example> texts;
  for (const std::string& text : options.texts()) texts.push_back({.text = text, .pair = command.pair});
  const std::vector<attribution::Subject> both = subjects_of(*model, texts, command.given.reading);
  const Contrast contrast = contrast_of(command, *model, head, both);
  const Patching found = attribution::patch(contrast, both[0], both[1]);
  const ordered_json json = json_of(found, contrast, texts);
  const std::string line = json.line() + "\n";
  if (command.out == "-")
    fmt::print("{}", line);
  else
    print(found, contrast);
  if (!command.out.empty() && command.out != "-") nn::write_file(command.out, line);
  if (!command.page.empty())
    nn::write_file(command.page, page_of({{"model", model_name(command.given.directory)},
                                          {"texts", ordered_json::array()},
                                          {"patching", json}}));
}

}  // namespace explain
