// Pretrain: an encoder learns from texts without labels. The loop is that of tasks/sentiment/main.cpp, which is to be
// read first; the corpus is tasks/text/corpus.h's, the objectives are tasks/pretrain/learner.h's.
#include <cmath>
#include <filesystem>
#include <sstream>

#include "nn/format/whole_directory.h"
#include "tasks/objective/epoch_events.h"
#include "tasks/pretrain/counts.h"
#include "tasks/pretrain/options.h"
#include "tasks/pretrain/stack.h"
#include "tasks/run/card.h"
#include "tasks/run/console.h"
#include "tasks/run/directory.h"
#include "tasks/run/fingerprint.h"
#include "tasks/run/progress.h"
#include "tasks/run/stopwatch.h"

namespace {

using engine::check;
using engine::real;
using engine::Tensor;
using nn::ordered_json;
using pretrain::Learner;
using pretrain::Sums;

constexpr uint64_t kDevDraws = uint64_t(1) << 63;  // the masks of the held-out texts: the same at every measurement

// A masked language model, which --soft-targets ask for, or an encoder of which only layers are read.
std::unique_ptr<model::TextModel> load_teacher(const pretrain::Options& o) {
  const objective::TransferOptions& t = o.transfer;
  const model::ModelDirectory directory(t.teacher);
  check(!t.reads_logits() || directory.has("cls.predictions.bias"),
        "{}: has no head of a masked language model, cls.predictions, whose logits --soft-targets and "
        "--soft-cross-entropy compare",
        directory.path);
  auto teacher = model::load_to_train(directory, {task_of(pretrain::Objective::mlm)}, o.training.seed);
  model::check_positions(o.model.reading, teacher->net, t.teacher);
  return teacher;
}

std::unique_ptr<Learner> make_learner(const pretrain::Options& o) {
  const pretrain::LearnerOptions how = o.learner();
  std::unique_ptr<model::TextModel> net, teacher;
  if (!o.transfer.teacher.empty()) teacher = load_teacher(o);
  if (o.model.pretrained()) {
    net = model::build(o.model, {task_of(how.objective)}, {}, o.training.seed);
    if (o.stack) net = pretrain::stack_layers(*net, o.stack, o.training.seed);
  } else {
    check(!o.stack, "--stack is for a model directory; --layers says how many a new one has");
    const text::WordPiece tokenizer = teacher ? teacher->tokenizer : make_tokenizer(o);
    net = model::build(o.model, {task_of(how.objective)}, {}, o.training.seed, &tokenizer);
  }
  if (teacher) objective::start_from_teacher(o.transfer, *teacher, *net);
  auto learner = std::make_unique<Learner>(std::move(net), how);
  if (teacher) learner->learn_from(std::move(teacher), o.transfer);
  long beside = 0;
  for (const Tensor& t : learner->beside_the_model()) beside += t.numel();
  if (beside)
    run::print_note("{}: {:.2f} M parameters\n", learner->teacher() ? "projection" : "generator and detector",
                    double(beside) / 1e6);
  return learner;
}

// loss: nats for a hidden piece; perplexity: e to the loss; accuracy: the share of hidden pieces that are told. Of a
// detection besides: nats for a token, and which of the replaced tokens were found, at how many false alarms a token.
ordered_json figures_of(const Sums& s, const pretrain::LearnerOptions& o) {
  ordered_json figures{{"loss", s.value(o)}};
  if (o.objective == pretrain::Objective::rtd) {
    figures["generator"] = s.loss / s.masked;
    figures["detection"] = s.detection / s.tokens;
    figures["found"] = s.found / std::max(1.0, s.replaced);
    figures["false_alarms"] = s.false_alarms / std::max(1.0, s.tokens - s.replaced);
  }
  figures["perplexity"] = std::exp(s.loss / s.masked);
  figures["accuracy"] = s.right / s.masked;
  return figures;
}

struct Measured {
  ordered_json figures, by_source;
};

Measured measure(Learner& learner, const text::Corpus& dev, long part_tokens) {
  run::Progress progress("dev", dev.size());
  Sums all;
  Measured result;
  for (const text::Corpus::Part& source : dev.parts) {
    if (source.first == source.last) continue;
    std::vector<long> sequences;
    for (long s = source.first; s < source.last; ++s) sequences.push_back(s);
    Sums sums;
    for (const pretrain::Part& part : learner.parts(dev, sequences, kDevDraws + uint64_t(source.first), part_tokens))
      sums.add(learner.measure(part));
    if (dev.parts.size() > 1) result.by_source[source.name] = figures_of(sums, learner.options());
    all.add(sums);
    progress.update(source.last);
  }
  progress.interrupt();
  result.figures = figures_of(all, learner.options());
  return result;
}

// Measures on the held-out texts and keeps the encoder if it is the best so far; without such texts, or where the pieces
// are not learned, the latest.
void keep_best(run::Training& training, Learner& learner, const text::Corpus& dev, long part_tokens) {
  const auto save = [&](const std::string& directory) { learner.model().save(directory); };
  if (dev.size() == 0) {
    training.keep_best({}, save);
    return;
  }
  training.run().pause();
  const Measured measured = measure(learner, dev, part_tokens);
  std::optional<double> merit;
  if (learner.learns_pieces()) merit = -measured.figures["loss"].get<double>();
  const bool best = training.keep_best(merit, save) && merit;
  ordered_json line{{"dev", measured.figures}};
  if (!measured.by_source.is_null()) line["dev_by_source"] = measured.by_source;
  training.run().log(line);
  const std::vector<int> first(dev.ids.begin(), dev.ids.begin() + dev.begin[1]);
  objective::log_attention(training, learner.model(), {first, std::vector<int>(first.size())});
  std::string text;
  for (const auto& [name, value] : measured.figures.items())
    text += fmt::format("  {} {:.4g}", name, value.get<double>());
  training.run().say(fmt::format("{:.1f} % of the budget, dev{}:{}", 100 * std::min(1.0, training.run().used()),
                                 best ? " (the best so far)" : "", text));
}

// Of what best/ holds: of all measurements those with the least loss, or the latest ones.
ordered_json figures_of_best(const run::Run& run, bool latest) {
  ordered_json best = ordered_json::object();
  std::istringstream log(nn::read_file(run.file("log.jsonl")));
  for (std::string text; std::getline(log, text);) {
    const ordered_json line = ordered_json::parse_or_null(text);
    if (!line.is_object() || !line.contains("dev")) continue;
    const ordered_json &loss = line["dev"]["loss"], none = best.empty() ? ordered_json() : best["loss"];
    if (latest || best.empty() || (loss.is_number() && (!none.is_number() || loss < none))) best = line["dev"];
  }
  for (const auto& [name, value] : best.items())
    if (value.is_null()) best[name] = NAN;  // of a run that diverged; JSON has no such number
  return best;
}

void finish_run(const run::Training& training, const pretrain::Options& o, ordered_json result, double tokens) {
  std::string figures;
  for (const auto& [name, value] : result.items()) figures += fmt::format("{}={:.4f} ", name, value.get<double>());
  const bool mlm = o.objective == "mlm";
  run::write_card(training.run(), {.program = "pretrain",
                                   .pipeline = mlm ? "fill-mask" : "feature-extraction",
                                   .about = mlm ? "An encoder that was trained to tell hidden pieces of texts."
                                                : "An encoder that was trained to tell which pieces of texts a "
                                                  "generator had replaced (ELECTRA).",
                                   .figures = result,
                                   .measured_on = "held-out"});
  result["tokens"] = tokens;
  const double seconds = run::write_result(training.run(), result);
  fmt::print("result task=pretrain {}tokens={:.0f} seconds={:.0f} out={}\n", figures, tokens, seconds, o.training.out);
}

// Where a run stands in its data. A checkpoint holds it as a tensor, whose numbers are exact below 2^24: in digits.
class Position {
 public:
  long next_draw = 0, tokens = 0, intervals = 0;

  Position() : saved_(Tensor::zeros({9}).named("position")) {}
  const Tensor& saved() const { return saved_; }
  void keep() const {
    int at = 0;
    for (const long number : {next_draw, tokens, intervals})
      for (int digit = 0; digit < 3; ++digit) saved_.data()[at++] = real(number >> (20 * digit) & kDigit);
  }
  void take() {
    int at = 0;
    for (long* number : {&next_draw, &tokens, &intervals}) {
      *number = 0;
      for (int digit = 0; digit < 3; ++digit) *number |= long(saved_.data()[at++]) << (20 * digit);
    }
  }

 private:
  static constexpr long kDigit = (1 << 20) - 1;
  Tensor saved_;
};

run::Frame frame_of(const pretrain::Options& o, const run::Options& options, Learner& learner,
                    const pretrain::Data& data, double tokens_per_epoch) {
  run::Fingerprint print;
  for (const std::string& piece : learner.model().tokenizer.pieces()) print.add("vocabulary", piece);
  print.add("corpus", std::to_string(data.train.fingerprint()));
  print.add("held-out texts", std::to_string(data.dev.fingerprint()));
  o.shaping.add_to(print);
  if (learner.teacher()) print.add_values("teacher", learner.teacher()->net.params.tensors());
  run::Frame frame;
  frame.options = options.effective();
  frame.data = print.text();
  frame.inputs = o.inputs();
  frame.unit = "tokens";
  frame.where = [](long sequence) { return fmt::format("sequence {} of the texts", sequence + 1); };
  frame.also_trained = learner.beside_the_model();
  frame.steps_per_epoch = std::max(1L, std::lround(tokens_per_epoch / double(o.tokens_a_step())));
  const double fewest =
      double(o.first_step_tokens ? std::min(o.first_step_tokens, o.tokens_a_step()) : o.tokens_a_step());
  const pretrain::Budget budget = o.budget(tokens_per_epoch);
  frame.most_steps = budget.steps ? budget.steps : budget.tokens > 0 ? long(budget.tokens / fewest) + 1 : 1'000'000'000;
  return frame;
}

// A step's gradients: the losses of its parts, each by its share of what the step counts, which is returned.
Sums add_gradients(run::Training& training, Learner& learner, const objective::Shaping& shaping,
                   const std::vector<pretrain::Part>& parts) {
  const Sums step = Learner::counts(parts);
  for (const pretrain::Part& part : parts) {
    nn::Trace trace;
    run::Terms terms = learner.loss(part, step, shaping.ask(trace));  // [N], [M] -> []
    shaping.add_to(terms, trace, part.batch(), part.share_of(step));
    training.backward(terms, 1, part.sequences);
  }
  return step;
}

// The loop, over a budget that is counted in steps, tokens or seconds.
void learn(const pretrain::Options& o, const run::Options& options, Learner& learner, const pretrain::Data& data) {
  const objective::Shaping shaping(o.shaping, {}, learner.model().tokenizer);
  text::Draws draws(data.train, o.training.seed, !o.training.no_shuffle);
  const pretrain::Budget budget = o.budget(draws.tokens_per_epoch());
  pretrain::Interval interval(o.eval_every);
  Position at;
  const run::Training* begun = nullptr;
  const auto used = [&] {
    return begun ? budget.used(begun->step() + 1, double(at.tokens), begun->run().seconds()) : 0;
  };
  run::Frame frame = frame_of(o, options, learner, data, draws.tokens_per_epoch());
  frame.also_saved = {at.saved()};
  if (!budget.steps) frame.used = used;
  run::Training training(o.training, learner.model().net.params, frame);
  begun = &training;
  at.take();
  interval.continue_from(double(at.intervals));
  check(used() < 1 || !training.run().has("result.json"),
        "{}: its budget is used up; --model {} goes on from its weights in a new run", o.training.out, o.training.out);
  bool moved = false;  // since they were measured
  while (training.next_step()) {
    const run::Stopwatch watch;
    learner.train(training.step());
    const uint64_t first_draw = uint64_t(at.next_draw);
    const std::vector<long> sequences = draws.take(at.next_draw, o.tokens_of_step(used()));
    const std::vector<pretrain::Part> parts = learner.parts(data.train, sequences, first_draw, o.training.batch_size);
    const Sums step = add_gradients(training, learner, shaping, parts);
    at.tokens += std::lround(step.tokens);
    const bool due = interval.is_due(training.step() + 1, training.run().seconds() / 60, used());
    at.intervals = std::lround(interval.last());
    at.keep();
    training.update({{"tokens", at.tokens}, {"tokens_per_second", std::round(step.tokens / watch.seconds())}});
    moved = !due && used() < 1;
    if (!moved) keep_best(training, learner, data.dev, o.training.batch_size);
  }
  if (moved) keep_best(training, learner, data.dev, o.training.batch_size);
  finish_run(training, o, figures_of_best(training.run(), !learner.learns_pieces()), double(at.tokens));
}

void train(run::Options& options, const run::Parse& parse) {
  pretrain::Options o;
  o.declare(options);
  parse();
  o.settle(options);

  run::print_setup("pretrain", "train");
  const std::unique_ptr<Learner> learner = make_learner(o);
  model::TextModel& model = learner->model();
  const pretrain::Data data = read_data(o, model.tokenizer);
  check(data.dev.size() || !o.training.patience, "--patience needs held-out texts");
  if (o.start == "counts" && !run::has_checkpoint(o.training.resume))
    pretrain::start_from_counts(model.net, data.train, o.training.seed);
  learn(o, options, *learner, data);
}

void export_half(run::Options& options, const run::Parse& parse) {
  std::string from, out;
  options.add("--model", from, "a directory of a model, of an adapter or of a run").required();
  options.add("--out", out, "a new directory").required();
  parse();
  namespace fs = std::filesystem;
  check(!fs::exists(out) || fs::is_empty(out), "{}: is there already; name a new directory", out);
  const model::ModelDirectory directory(from);
  const std::string& kind = directory.config.architecture;
  const bool pieces = kind == "BertForMaskedLM";
  check(!pieces || directory.has("cls.predictions.bias"),
        "{}: a masked language model without its head, cls.predictions", directory.path);
  const auto objective = pieces ? pretrain::Objective::mlm : pretrain::Objective::rtd;
  const auto model = pieces || kind == "BertModel" ? model::load_to_train(directory, {task_of(objective)}, 0)
                                                   : model::load_model(directory, model::Adapters::as_it_is);
  nn::write_directory(out, [&](const std::string& to) { model->save(to, nn::Stored::f16); });
  fmt::print("result task=pretrain out={}\n", out);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(argc, argv, "pretrain", "Let an encoder learn from texts without labels.",
                      {{"train", "train by masked language modelling or replaced-token detection", train},
                       {"export", "write a model or an adapter in half precision, half as large", export_half}});
}
