// Pretrain: an encoder learns from texts without labels. The loop is that of tasks/sentiment/main.cpp, which is to be
// read first; the corpus is tasks/text/corpus.h's, the objectives are tasks/pretrain/learner.h's.
#include <chrono>
#include <cmath>

#include "engine/debug.h"
#include "optim/clip.h"
#include "tasks/pretrain/options.h"
#include "tasks/run/program.h"
#include "tasks/run/progress.h"

namespace {

using engine::check;
using engine::real;
using engine::Tensor;
using nlohmann::ordered_json;
using namespace pretrain;

constexpr uint64_t kDevDraws = uint64_t(1) << 63;  // the masks of the held-out texts: the same at every measurement

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::unique_ptr<Learner> make_learner(const Options& options) {
  const run::TrainOptions& o = options.common;
  std::unique_ptr<Learner> learner;
  if (o.model != "mini") {
    run::ModelDirectory from(o.model);
    check(o.max_length <= from.config.max_position_embeddings, "--max-length {} is more than the {} positions of {}",
          o.max_length, from.config.max_position_embeddings, from.path);
    check(o.vocab.empty() || text::WordPiece::load(o.vocab).pieces() == from.tokenizer.pieces(),
          "--vocab {} does not fit: {} has a vocabulary of its own, and its embeddings are that one's", o.vocab,
          from.path);
    run::set_dropout(from.config, o);
    nn::Params::LoadReport report;
    learner = std::make_unique<Learner>(from, options.learner(), report);
    run::print_note("{}\n{}", from.path, report.table());
  } else {
    const text::WordPiece tokenizer = make_tokenizer(options);
    nn::Config config = run::new_config(o, tokenizer.vocab_size(), {});
    run::set_dropout(config, o);
    config.check_sizes("--model mini");
    learner = std::make_unique<Learner>(config, tokenizer, options.learner());
  }
  nn::Params& params = learner->encoder().params;
  for (const std::string& pattern : o.freeze) params.freeze(pattern);
  long encoder = 0;
  for (const Tensor& t : params.tensors()) encoder += t.name().starts_with("bert.") ? t.numel() : 0;
  run::print_note("model {}: {:.2f} M parameters and {:.2f} M of the objective, {} pieces\n", o.model,
                  double(encoder) / 1e6, double(params.count() - encoder) / 1e6,
                  learner->encoder().tokenizer.vocab_size());
  return learner;
}

// loss: nats for a hidden piece; perplexity: e to the loss; accuracy: the share of hidden pieces that are told. Of a
// detection besides: nats for a token, and which of the replaced tokens were found, at how many false alarms a token.
ordered_json figures_of(const Sums& s, const LearnerOptions& o) {
  ordered_json figures{{"loss", s.value(o)}};
  if (o.objective == Objective::rtd) {
    figures["generator_loss"] = s.loss / s.masked;
    figures["detection"] = s.detection / s.tokens;
    figures["found"] = s.found / s.replaced;
    figures["false_alarms"] = s.false_alarms / (s.tokens - s.replaced);
  }
  figures["perplexity"] = std::exp(s.loss / s.masked);
  figures["accuracy"] = s.right / s.masked;
  return figures;
}

struct Measured {
  Sums all;
  ordered_json figures, by_source;
};

Measured measure(Learner& learner, const text::Corpus& dev, long part_tokens) {
  learner.encoder().params.eval();
  run::Progress progress("dev", dev.size());
  Measured result;
  for (const text::Corpus::Part& source : dev.parts) {
    if (source.first == source.last) continue;
    std::vector<long> sequences;
    for (long s = source.first; s < source.last; ++s) sequences.push_back(s);
    Sums sums;
    for (const Part& part : learner.parts(dev, sequences, kDevDraws + uint64_t(source.first), part_tokens))
      sums.add(learner.measure(part));
    if (dev.parts.size() > 1) result.by_source[source.name] = figures_of(sums, learner.options());
    result.all.add(sums);
    progress.update(source.last);
  }
  progress.interrupt();
  result.figures = figures_of(result.all, learner.options());
  return result;
}

// Measures on the held-out texts and keeps the encoder if it is the best so far; without such texts, the latest.
ordered_json keep_best(run::Run& run, Learner& learner, const text::Corpus& dev, const Options& o, double used) {
  if (dev.size() == 0) return learner.save(run.file("best"), o.common.max_length), ordered_json::object();
  run.pause();
  const Measured dev_set = measure(learner, dev, o.part_tokens);
  const bool best = run.is_best(-dev_set.all.value(learner.options()));
  ordered_json line{{"dev", dev_set.figures}};
  if (!dev_set.by_source.is_null()) line["dev_by_source"] = dev_set.by_source;
  run.log(line);
  std::string text;
  for (const auto& [name, value] : dev_set.figures.items()) text += fmt::format("  {} {:.4g}", name, value.get<double>());
  run.say(fmt::format("{:.1f} % of the budget, dev{}:{}", 100 * std::min(1.0, used), best ? " (the best so far)" : "", text));
  if (best) learner.save(run.file("best"), o.common.max_length);
  return dev_set.figures;
}

void finish_run(const run::Run& run, ordered_json result, double tokens, const Options& o) {
  std::string figures;
  for (const auto& [name, value] : result.items()) figures += fmt::format("{}={:.4f} ", name, value.get<double>());
  result["tokens"] = tokens;
  result["seconds"] = run.seconds();
  nn::write_file(run.file("result.json"), result.dump(2) + "\n");
  fmt::print("result task=pretrain {}tokens={:.0f} seconds={:.0f} out={}\n", figures, tokens, run.seconds(),
             o.common.out);
}

// Where a run stands in its data; what a checkpoint holds besides parameters and moments.
struct Position {
  long next_draw = 0;
  double tokens = 0, intervals = 0;
  ordered_json json(uint64_t fingerprint) const {
    return {{"next_draw", next_draw}, {"tokens", tokens}, {"intervals", intervals}, {"corpus", fingerprint}};
  }
  static Position from(const ordered_json& saved, uint64_t fingerprint, const std::string& directory) {
    check(saved.contains("corpus") && saved.contains("next_draw"), "{}: its checkpoint has no place in a corpus",
          directory);
    check(saved["corpus"] == fingerprint,
          "{}: its corpus has changed since: files, their texts, weights or the vocabulary; start a new run, with "
          "--model {} to go on from its weights",
          directory, directory);
    return {saved["next_draw"], saved["tokens"], saved["intervals"]};
  }
};

void train(CLI::App& app, const run::Parse& parse) {
  Options options;
  run::TrainOptions& o = options.common;
  options.declare(app);
  parse();
  o.settle(app, "pretrain");
  if (o.train.empty()) {
    run::print_note("error: --train is needed: files of texts\n");
    throw run::Exit{2};
  }

  run::print_setup("pretrain", "train");
  const std::unique_ptr<Learner> learner = make_learner(options);
  nn::Params& params = learner->encoder().params;
  const Data data = read_data(options, learner->encoder().tokenizer);
  const uint64_t corpus = data.train.fingerprint();
  text::Draws draws(data.train, o.seed);
  const Budget budget = options.budget(draws.tokens_per_epoch());
  const optim::ScheduleKind schedule = optim::schedule_kind(o.schedule);
  const std::vector<Tensor> trainable = params.trainable();
  check(!trainable.empty(), "--freeze leaves nothing to train");
  optim::Optimizer optimizer = options.optimizer(trainable);
  const long first_tokens = options.first_step_tokens ? options.first_step_tokens : options.step_tokens;
  const long most_steps = budget.steps         ? budget.steps
                          : budget.tokens > 0 ? long(budget.tokens / double(std::min(first_tokens, options.step_tokens))) + 1
                                               : 1'000'000'000;
  run::Run run({o.out, o.overwrite, !o.resume.empty(), run::effective_options(app), most_steps, most_steps, 0});
  Position at;
  Interval interval(options.eval_every);
  if (!o.resume.empty()) at = Position::from(run.restore(params.tensors(), optimizer), corpus, o.out);
  interval.continue_from(at.intervals);
  double used = budget.used(run.step() + 1, at.tokens, run.seconds());
  check(used < 1, "{}: its budget is used up; --model {} goes on from its weights in a new run", o.out, o.out);
  run::print_note("seed {}, steps of {} tokens, {:.1f} M tokens an epoch, peak learning rate {:g}, into {}\n\n", o.seed,
                  options.step_tokens, draws.tokens_per_epoch() / 1e6, o.peak_lr(), o.out);

  ordered_json dev;
  while (used < 1 && run.next_step()) {
    const double start = now();
    params.train(run.step());
    const double lr = rate_at(used, schedule, o.peak_lr(), o.warmup);
    const long first_draw = at.next_draw;
    const std::vector<long> sequences =  // as many as fill the step
        draws.take(at.next_draw, step_tokens(used, first_tokens, options.step_tokens, options.grow_until));
    const std::vector<Part> parts = learner->parts(data.train, sequences, uint64_t(first_draw), options.part_tokens);
    const Sums step = Learner::counts(parts);
    Sums sums;
    for (const Part& part : parts) {
      const Tensor loss = learner->loss(part, step, sums);  // [N], [M] -> []: the part's share of the step's
      run.require_finite(loss);
      backward(loss);
    }
    const double norm = optim::grad_norm(trainable);
    optimizer.step(lr, optim::clip_factor(trainable, norm, o.clip));
    params.clear_grads();
    at.tokens += step.tokens;
    ordered_json line{{"loss", sums.value(learner->options())}};
    if (sums.tokens > 0) line["generator_loss"] = sums.loss / sums.masked, line["detection"] = sums.detection / sums.tokens;
    line.update({{"lr", lr}, {"grad_norm", norm}, {"tokens", at.tokens}});
    line["tokens_per_second"] = std::round(step.tokens / (now() - start));
    run.log(line);

    used = budget.used(run.step() + 1, at.tokens, run.seconds());
    const bool due = interval.is_due(run.step() + 1, run.seconds() / 60, used);
    at.intervals = interval.last();
    if (due || used >= 1) dev = keep_best(run, *learner, data.dev, options, used);
    if (due || used >= 1 || run.due_for_save()) run.save(params.tensors(), optimizer, at.json(corpus));
  }
  if (run.interrupted()) run.save(params.tensors(), optimizer, at.json(corpus)), run.leave();
  finish_run(run, dev, at.tokens, options);
}

void export_half(CLI::App& app, const run::Parse& parse) {
  std::string from, out;
  app.add_option("--model", from, "a model directory of a masked language model or an encoder, or a run's")->required();
  app.add_option("--out", out, "directory, made if need be")->required();
  parse();
  const run::ModelDirectory directory(from);
  nn::Params::LoadReport report;
  const bool head = nn::SafeTensors(directory.path + "/model.safetensors").has("cls.predictions.bias");
  LearnerOptions options;
  if (!head) options.objective = Objective::rtd;
  const Learner learner(directory, options, report);
  learner.save(out, int(directory.config.max_position_embeddings), true);
  fmt::print("result task=pretrain out={}\n", out);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(argc, argv, "pretrain", "Let an encoder learn from texts without labels.",
                      {{"train", "train by masked language modelling or replaced-token detection", train},
                       {"export", "write a model directory in half precision, half as large", export_half}});
}
