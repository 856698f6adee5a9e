// Texts explained, by one method or several side by side. Read told.h first: how it is shown.
#include <unistd.h>

#include "nn/format/files.h"
#include "tasks/attribution/viewer.h"
#include "tasks/explain/commands.h"
#include "tasks/explain/page.h"
#include "tasks/explain/told.h"
#include "tasks/run/directory.h"

namespace explain {

using engine::check;
using nn::ordered_json;

namespace {

struct TextsCommand {
  model::Request given;
  Asked asked;
  std::vector<std::string> methods{"shapley"};
  std::string class_name, pair, out, page;

  void declare(run::Options& options);
  std::vector<attribution::Method> settle();
  std::vector<text::Example> examples(const run::Options& options) const;
};

void TextsCommand::declare(run::Options& options) {
  given.declare(options, false);
  given.declare_texts(options, "standard input is read, a text a line.");
  options.add("--pair", pair, "the second text, for a model of pairs; with one text as an argument");
  asked.declare(options);
  options
      .add(
          "--method", methods,
          "integrated-gradients, gradient-x-input, rollout, attention, shapley, occlusion, several with commas, or all")
      .delimiter(',')
      .group("What is explained");
  options.add("--class", class_name, "by its name; if not given, the one that the model says")
      .group("What is explained");
  options.add("--out", out, "also as JSON, an object a line; -: that instead of the table")
      .writes()
      .group("What is shown");
  options.add("--page", page, "also as a page for the browser, one file, with the attention of all heads")
      .writes()
      .group("What is shown");
}

std::vector<attribution::Method> TextsCommand::settle() {
  std::vector<attribution::Method> all;
  if (methods == std::vector<std::string>{"all"}) methods = attribution::method_names();
  for (const std::string& name : methods) all.push_back(attribution::method_named(name));
  return all;
}

std::vector<text::Example> TextsCommand::examples(const run::Options& options) const {
  check(pair.empty() || options.texts().size() == 1, "--pair is the second text of one argument; got {} arguments",
        options.texts().size());
  std::vector<text::Example> examples = given.examples(options);
  if (options.texts().empty() && given.file.empty()) {
    if (isatty(STDIN_FILENO)) run::print_note("one text a line; end with Ctrl-D\n");
    std::string bytes = nn::read_file("/dev/stdin");
    if (bytes.empty()) return {};  // nothing on standard input is nothing to do
    text::Source lines{text::parse_table(std::move(bytes), "-", {.format = "txt"}), {}};
    lines.columns.text = "1";
    lines.columns.label.clear();
    examples = text::to_examples({lines}).rows;
  }
  if (!pair.empty()) examples[0].pair = pair;
  return examples;
}

Told tell(const TextsCommand& command, const attribution::Decision& decision, const text::Example& example,
          const attribution::Subject& subject, const std::vector<attribution::Method>& methods) {
  Told told{example, subject, decision, 0, {}};
  for (const attribution::Method method : methods)
    told.found.push_back(attribution::explain(method, decision, subject, command.asked.settings));
  if (!decision.class_name().empty())
    told.probability =
        attribution::Decision(decision.model(), decision.head(), decision.k(), attribution::Of::probability)
            .of_text(subject.windows);
  return told;
}

ordered_json with_attention(ordered_json json, const Told& told) {
  const text::Batch batch = attribution::pack_texts({{told.subject.windows[0]}});
  for (const int id : batch.tokens.ids) json["tokens"].push_back(told.decision.model().tokenizer.piece(id));
  json["layers"] = attribution::attention_to_view(told.decision.model(), told.decision.head(), batch);
  return json;
}

}  // namespace

void texts_command(run::Options& options, const run::Parse& parse) {
  TextsCommand command;
  command.declare(options);
  parse();
  const std::vector<attribution::Method> methods = command.settle();
  const auto model = command.given.load(options);
  const size_t head = command.asked.settle(*model);
  const std::vector<text::Example> examples = command.examples(options);
  const std::vector<attribution::Subject> subjects = subjects_of(*model, examples, command.given.reading);
  std::string lines;
  ordered_json page{{"model", model_name(command.given.directory)}, {"texts", ordered_json::array()}};
  for (size_t i = 0; i < examples.size(); ++i) {
    const int k = attribution::class_of(*model, head, command.class_name, subjects[i].windows);
    const attribution::Decision decision(*model, head, k, command.asked.score());
    const Told told = tell(command, decision, examples[i], subjects[i], methods);
    const ordered_json json = json_of(told, command.asked);
    const std::string line = json.line() + "\n";
    if (command.out == "-")
      fmt::print("{}", line);
    else
      fmt::print("{}{}", i ? "\n" : "", table_of(told, command.asked, run::terminal_width()));
    lines += line;
    if (!command.page.empty()) page["texts"].push_back(with_attention(json, told));
  }
  if (!command.out.empty() && command.out != "-") nn::write_file(command.out, lines);
  if (!command.page.empty() && !examples.empty()) nn::write_file(command.page, page_of(page));
}

}  // namespace explain
