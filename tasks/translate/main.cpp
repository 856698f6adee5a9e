// Translate: an encoder-decoder learns from pairs of sentences, translates, and is measured. The loop is that of
// tasks/sentiment/main.cpp, which is to be read first; the model is nn/model/decoder.h's.
#include <fmt/ranges.h>

#include <filesystem>

#include "nn/adapter/files.h"
#include "nn/format/files.h"
#include "nn/format/whole_directory.h"
#include "nn/loss/agreement.h"
#include "tasks/model/adapter.h"
#include "tasks/model/merge.h"
#include "tasks/objective/epoch_events.h"
#include "tasks/run/card.h"
#include "tasks/run/checkpoint.h"
#include "tasks/run/console.h"
#include "tasks/run/directory.h"
#include "tasks/run/event_log.h"
#include "tasks/run/fingerprint.h"
#include "tasks/run/progress.h"
#include "tasks/run/stopwatch.h"
#include "tasks/translate/average.h"
#include "tasks/translate/options.h"
#include "tasks/translate/scoring.h"
#include "tasks/translate/translate.h"

namespace {

using engine::check;
using engine::Tensor;
using nn::ordered_json;
using translate::Texts;
using translate::Translator;

std::vector<std::vector<std::string>> one_each(const std::vector<std::string>& references) {
  std::vector<std::vector<std::string>> all;
  for (const std::string& reference : references) all.push_back({reference});
  return all;
}

std::vector<std::string> best_of(const std::vector<std::vector<translate::Translation>>& found) {
  std::vector<std::string> texts;
  for (const auto& translations : found) texts.push_back(translations[0].text);
  return texts;
}

// A model of lower case is measured in lower case.
translate::Scores measure(const Translator& translator, const Texts& dev, const translate::DecodeOptions& how,
                          translate::ScoreOptions scores) {
  scores.lowercase |= translator.pieces.lowercase();
  run::Progress progress("dev", dev.size());
  const auto found = translator.translate(dev.source, how, [&](long done) { progress.update(done); });
  progress.interrupt();
  const std::vector<std::string> best = best_of(found);
  scores.check_raw(best, "the translations");
  return score_texts(best, one_each(dev.target), scores);
}

run::Frame frame_of(const translate::Options& o, const run::Options& options, const Translator& translator,
                    const std::optional<Translator>& teacher, const translate::Data& data, long steps_per_epoch) {
  run::Fingerprint print;
  for (long i = 0; i < translator.pieces.size(); ++i) print.add("vocabulary", translator.pieces.piece(int(i)));
  const auto add = [&](const char* part, const Texts& texts) {
    for (long i = 0; i < texts.size(); ++i) print.add(part, texts.source[i]).add(part, texts.target[i]);
  };
  add("train", data.train), add("held-out texts", data.dev);
  if (teacher) print.add_values("teacher", teacher->model->params.tensors());
  run::Frame frame;
  frame.options = options.effective();
  frame.data = print.text();
  frame.inputs = o.inputs();
  frame.unit = "target pieces";
  frame.default_lr = o.adapter.any() ? model::adapter_lr(o.adapter.adapter_kind()) : 2e-3;
  frame.steps_per_epoch = steps_per_epoch;
  frame.also_written = {"epochs"};
  frame.where = [&data](long text) { return data.train.where[text]; };
  return frame;
}

// The attention across of the first held-out pair, if its target has a place, as tasks/objective/epoch_events.h has
// that of encoders.
void log_alignment(run::Training& training, const Translator& translator, const Texts& dev) {
  run::EventLog* log = training.run().events();
  if (!log) return;
  log->sparingly("attention", [&] {
    const std::vector<int> source = translator.pieces.source(dev.source[0]),
                           target = translator.pieces.target(dev.target[0]);
    if (long(target.size()) > translator.model->config.max_position_embeddings) return;
    const Tensor map = translator.alignment(source, target);  // [T, S]
    log->add(training.step() + 1,
             {objective::picture_of("attention/across", {1, map.dim(0), map.dim(1), map.to_vector()})});
  });
}

// The first epoch that this run does again if the newer of its checkpoints is lost with it.
long first_again(const run::Run& run) {
  const char* older = run.has("previous.safetensors") ? "previous.safetensors" : "last.safetensors";
  return run::steps_before(run.file(older)) / run.steps_per_epoch() + 1;
}

// The mean of the last epochs' weights is measured on the held-out texts and kept if it is the best so far.
void finish_epoch(run::Training& training, const translate::Options& o, const Translator& translator, Translator& mean,
                  const Texts& dev) {
  const translate::Average average(training.run().file("epochs"), o.average);
  const long epoch = (training.step() + 1 + training.run().steps_per_epoch() - 1) / training.run().steps_per_epoch();
  average.keep(translator.model->params, epoch, first_again(training.run()));
  average.read(mean.model->params, epoch);
  const auto save = [&](const std::string& directory) { mean.save(directory); };
  training.run().pause();
  if (dev.size() == 0) return void(training.keep_best({}, save));
  translate::DecodeOptions how;
  how.beams = o.dev_beams;
  translate::ScoreOptions what;
  what.tokenize = o.tokenize;
  what.force = true;  // a run is not stopped for it
  const translate::Scores scores = measure(mean, dev, how, what);
  const bool best = training.keep_best(scores.bleu.score, save);
  training.run().log({{"epoch", epoch},
                      {"seconds", std::round(training.run().seconds())},
                      {"dev", {{"bleu", scores.bleu.score}, {"chrf2", scores.chrf2}}}});
  log_alignment(training, mean, dev);
  training.run().say(fmt::format("epoch {} dev{}:  bleu {:.2f}  chrf2 {:.2f}", epoch, best ? " (the best so far)" : "",
                                 scores.bleu.score, scores.chrf2));
}

// A figure is there if held-out texts gave one.
void finish_run(const run::Training& training, const Texts& dev, const std::string& out) {
  const double bleu = training.best();
  const bool measured = dev.size() > 0;
  const ordered_json figures = measured ? ordered_json{{"dev_bleu", bleu}} : ordered_json::object();
  const double seconds = run::write_result(training.run(), figures);
  run::write_card(training.run(), {.program = "translate",
                                   .pipeline = "translation",
                                   .about = "It translates sentences.",
                                   .texts = measured ? ordered_json{{"held out", dev.size()}} : ordered_json(),
                                   .figures = measured ? figures : ordered_json(),
                                   .measured_on = "held-out"});
  fmt::print("result task=translate{} seconds={:.0f} out={}\n", measured ? fmt::format(" dev_bleu={:.2f}", bleu) : "",
             seconds, out);
}

// The cross-entropy of what is said next; with R-Drop that of two passes (nn/loss/agreement.h), `again` the second.
void add_loss(run::Terms& terms, const translate::Options& o, double weight, const Tensor& logits,
              const translate::Batch& part, const std::function<Tensor()>& again) {
  const auto loss_of = [&](const Tensor& y) {
    return cross_entropy(y, part.target, {.label_smoothing = engine::real(o.label_smoothing)});
  };
  if (o.r_drop == 0) return terms.add("cross_entropy", weight, loss_of(logits));
  const Tensor second = again();
  const nn::TwoPasses both = nn::two_passes(loss_of(logits), loss_of(second), logits, second);
  terms.add("cross_entropy", weight, both.loss);
  terms.add("r_drop", weight * nn::distance_weight(o.r_drop), both.distance);
}

translate::BatchOptions batch_options(const translate::Options& o, const Texts& texts,
                                      const std::vector<translate::Pair>& pairs, const Translator& translator,
                                      long positions) {
  translate::BatchOptions how{.start = int(translator.model->config.decoder_start_token_id),
                              .tokens = o.training.batch_size,
                              .accumulate = o.training.accumulate,
                              .seed = o.training.seed,
                              .shuffled = !o.training.no_shuffle,
                              .window = o.sort_window};
  if (o.piece_dropout > 0)
    how.pairs_of = [&, positions](long epoch) {
      uint32_t seed;
      engine::Random{o.training.seed, engine::Stream::pieces, uint32_t(epoch)}.words(0, 1, &seed);
      return cut_anew(pairs, texts, translator.pieces, float(o.piece_dropout), seed >> 1, positions);
    };
  return how;
}

// What is measured after every epoch: a pair that the model cannot read would end the run there.
Texts measured_in(const Texts& dev, const Translator& translator) {
  const long positions = translator.model->config.max_position_embeddings;
  Texts texts = translate::readable(dev, translator.pieces, positions);
  const long skipped = dev.size() - texts.size();
  check(skipped == 0 || texts.size() > 0, "every held-out source has more than {} pieces, the model's positions",
        positions);
  if (skipped)
    run::print_note("left out: {} held-out pairs whose source has more than {} pieces\n", skipped, positions);
  return texts;
}

void learn(const translate::Options& o, const run::Options& options, const translate::Data& data,
           Translator& translator, const std::optional<Translator>& teacher) {
  const translate::Distil distil(o.distil, teacher ? &*teacher : nullptr, translator);
  nn::EncoderDecoder& model = *translator.model;
  long skipped = 0;
  const std::vector<translate::Pair> pairs = encode(data.train, translator.pieces, distil.positions(), &skipped);
  if (skipped) run::print_note("left out: {} pairs of more than {} pieces\n", skipped, distil.positions());
  const Texts dev = measured_in(data.dev, translator);
  translate::Batches batches(pairs, batch_options(o, data.train, pairs, translator, distil.positions()));
  Translator mean = translator.twin(model.config, 0);
  run::Training training(o.training, model.params,
                         frame_of(o, options, translator, teacher, data, batches.steps_per_epoch()));

  while (training.next_step()) {
    const run::Stopwatch watch;
    long tokens = 0;
    // 1 pairs -> source ids [N], target ids [M], offsets [B + 1] of each
    for (const translate::Batch& part : batches.parts_at(training.step())) {
      nn::TranslationTrace trace;
      nn::TranslationTrace* look = distil.looks_inside() ? &trace : nullptr;
      const Tensor logits = model(part.source, part.input, look);  // 2 encode, 3 decode: [N], [M] -> [M, V]
      run::Terms terms;                                            // 4 [M, V], [M] -> []
      add_loss(terms, o, distil.hard(), logits, part, [&] { return model(part.source, part.input); });
      distil.add_to(terms, logits, trace, part);         //   the teacher's terms
      training.backward(terms, part.share, part.texts);  // 5 adds to every parameter's gradient
      tokens += long(part.source.count() + part.target.size());
    }
    training.update({{"tokens_per_second", std::round(double(tokens) / watch.seconds())}});  // 6, 7, 8
    if (training.epoch_ends()) finish_epoch(training, o, translator, mean, dev);
  }
  finish_run(training, dev, o.training.out);
}

void train(run::Options& options, const run::Parse& parse) {
  translate::Options o;
  o.declare(options);
  parse();
  o.settle(options);
  run::print_setup("translate", "train");
  translate::Data data = read_data(o);
  check(data.dev.size() || !o.training.patience, "--patience needs held-out texts");
  const std::optional<Translator> teacher = load_teacher(o.distil);
  if (o.distil.teacher_beams) data.train = written_by(*teacher, data.train, o.distil.teacher_beams);
  Translator translator = make_translator(o, data.train, teacher ? &*teacher : nullptr);
  const nn::TranslationConfig& c = translator.model->config;
  run::print_note("{} + {} layers of {}, {} pieces, {:.2f} M parameters; {} pairs, {} held out\n", c.encoder_layers,
                  c.decoder_layers, c.d_model, c.vocab_size,
                  double(translator.model->params.count() - c.vocab_size) / 1e6, data.train.size(), data.dev.size());
  learn(o, options, data, translator, teacher);
}

void declare_model(run::Options& options, std::string& model, std::string& base) {
  options.add("--model", model, "a model directory, an adapter's, or a run's").required();
  model::declare_base(options, base);
}

void evaluate(run::Options& options, const run::Parse& parse) {
  std::string model, base, source, target, data, out;
  translate::DecodeOptions how;
  translate::ScoreOptions scores;
  declare_model(options, model, base);
  options.add("--source", source, "texts, one a line").reads();
  options.add("--target", target, "their translations, line by line").reads();
  options.add("--data", data, "or both in a file: text, tab, translation").reads().excludes("--source");
  how.declare(options, false);
  scores.declare(options);
  options.add("--out", out, "also write the scores as JSON to this file").writes();
  parse();
  how.settle();
  if (source.empty() != target.empty()) run::usage_error("--source and --target belong together");
  if (data.empty() && source.empty()) run::usage_error("--source and --target are needed, or --data");
  const Translator translator = Translator::load(model, base);
  translator.model->pack();
  const Texts texts = data.empty() ? translate::read_pairs(source, target) : translate::read_pairs(data);
  scores.check_raw(texts.target, data.empty() ? target : data);
  const run::Stopwatch watch;
  const translate::Scores s = measure(translator, texts, how, scores);
  if (!out.empty()) nn::write_file(out, s.json().dump(2) + "\n");
  fmt::print("{}result task=translate bleu={:.4f} chrf2={:.4f} chrf2pp={:.4f} sentences={} seconds={:.1f}\n", s.text(),
             s.bleu.score, s.chrf2, s.chrfpp, texts.size(), watch.seconds());
}

void quantize(run::Options& options, const run::Parse& parse) {
  std::string model, base, out;
  declare_model(options, model, base);
  options.add("--out", out, "directory for the model with int8 weights").required();
  parse();
  check(!std::filesystem::exists(out), "{}: is there already; name a new directory", out);
  const Translator translator = Translator::load_to_train(model, base);
  nn::write_directory(out, [&](const std::string& directory) { translator.save(directory, nn::Stored::i8); });
  model::print_quantized(model, out, translator.model->params.count());
}

void merge(run::Options& options, const run::Parse& parse) {
  std::string model, base, out;
  declare_model(options, model, base);
  options.add("--out", out, "directory for the plain model").required();
  parse();
  check(nn::is_adapter_directory(Translator::directory_of(model)),
        "{}: is a model, not an adapter: there is nothing to be merged", model);
  check(!std::filesystem::exists(out), "{}: is there already; name a new directory", out);
  const Translator translator = Translator::load(model, base);
  nn::write_directory(out, [&](const std::string& directory) { translator.save(directory); });
  fmt::print("result task=merge model={} out={}\n", model, out);
}

// Files that are scored.
struct Scoring {
  std::string hypotheses, baseline, out;
  std::vector<std::string> references;
  long resamples = 1000;
  uint64_t seed = 12345;
  translate::ScoreOptions how;

  void declare(run::Options& options) {
    options.add("--hypotheses", hypotheses, "translations, one a line").reads().required();
    options.add("--references", references, "what they should be, line by line; may be repeated").reads().required();
    options.add("--baseline", baseline, "another system's, to be compared by a paired bootstrap").reads();
    options.add("--resamples", resamples, "of the bootstrap").only_with("--baseline").between(1, 1e6);
    options.add("--seed", seed, "of the bootstrap").only_with("--baseline").between(0, 9e15);
    how.declare(options);
    options.add("--out", out, "also write the scores as JSON to this file").writes();
  }
  std::vector<std::string> read(const std::string& path) const {
    const std::vector<std::string> lines = translate::read_texts(path);
    how.check_raw(lines, path);
    return lines;
  }
  // As many lines as there are hypotheses.
  std::vector<std::string> parallel(const std::string& path, size_t count) const {
    const std::vector<std::string> lines = read(path);
    check(lines.size() == count, "{} has {} lines, {} has {}: they are not parallel", hypotheses, count, path,
          lines.size());
    return lines;
  }
};

void score_files(run::Options& options, const run::Parse& parse) {
  Scoring o;
  o.declare(options);
  parse();
  const std::vector<std::string> system = o.read(o.hypotheses);
  std::vector<std::vector<std::string>> by_sentence(system.size());
  for (const std::string& path : o.references)
    for (size_t i = 0; const std::string& line : o.parallel(path, system.size())) by_sentence[i++].push_back(line);
  const translate::Scores s = score_texts(system, by_sentence, o.how);
  fmt::print("{}", s.text());
  ordered_json compared = ordered_json::object();
  if (!o.baseline.empty())
    fmt::print("{}", compare(o.parallel(o.baseline, system.size()), system, by_sentence, o.how, o.resamples, o.seed,
                             compared));
  if (!o.out.empty()) {
    ordered_json scores = s.json();
    if (!o.baseline.empty()) scores["compared"] = compared;
    nn::write_file(o.out, scores.dump(2) + "\n");
  }
  fmt::print("result task=score bleu={:.4f} chrf2={:.4f} chrf2pp={:.4f} sentences={}{}\n", s.bleu.score, s.chrf2,
             s.chrfpp, system.size(),
             o.baseline.empty() ? "" : fmt::format(" p={:.4f}", compared["BLEU"]["p"].get<double>()));
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(
      argc, argv, "translate", "Translate sentences; learn it from pairs of them.",
      {{"train", "learn from pairs of sentences", train},
       {"evaluate", "translate held-out texts and score the result", evaluate},
       {"translate", "translate texts", translate::translate_texts},
       {"merge", "put what an adapter has learned into its base model", merge},
       {"quantize", "write a model with int8 weights, a quarter as large, that translates faster", quantize},
       {"score", "BLEU and chrF of translations, as sacreBLEU has them", score_files}});
}
