// Pretrain: an encoder learns from texts without labels what stands behind a [MASK] (Devlin et al. 2019). The loop is
// that of tasks/sentiment/main.cpp, which is to be read first.
#include <cmath>
#include <numeric>

#include "engine/debug.h"
#include "optim/clip.h"
#include "tasks/model/encoder.h"
#include "tasks/run/console.h"
#include "tasks/run/progress.h"
#include "tasks/model/build.h"
#include "tasks/text/lines.h"
#include "tasks/text/masking.h"

namespace {

using engine::check;
using engine::real;
using engine::Tensor;
using nlohmann::ordered_json;

constexpr uint32_t kDevEpoch = ~0u;  // the masks of the held-out texts: the same at every measurement

struct PretrainOptions {
  model::TrainOptions common;
  double dev_share = 0.01, mask_share = 0.15;

  PretrainOptions() {
    common.model = "mini";
    common.max_length = 128;
    common.too_long = "window";
    common.batch_size = 32;
    common.lr = 5e-4;
  }
  void declare(CLI::App& app) {
    model::TrainOptions& o = common;
    app.add_option("--train", o.train, "files of texts: .txt, a text a line; or tables, whose text column is read")
        ->group("Data files");
    app.add_option("--dev", o.dev, "the same, to measure on")->group("Data files");
    app.add_option("--dev-share", dev_share, "of the training texts that are held out when there is no --dev")
        ->group("Data files")
        ->check(run::between(0.0, 0.5));
    o.files.declare(app, false);
    app.add_option("--max-length", o.max_length, "tokens of a text, [CLS] and [SEP] included")
        ->group("Data files")
        ->check(run::between(3, 100000));
    app.add_option("--long", o.too_long,
                   "a longer text becomes several, as windows lie over it; or is cut; or an error")
        ->group("Data files")
        ->check(CLI::IsMember({"cut", "error", "window"}));
    app.add_option("--model", o.model, "mini (a small BERT), from nothing; or a model directory to go on from")
        ->group("Model");
    o.declare_sizes(app);
    app.add_option("--mask-share", mask_share, "of the pieces of a text that are to be told")
        ->group("Training")
        ->check(run::between(0.001, 1.0));
    o.declare_training(app);
    o.declare_accumulate(app);
    o.declare_run(app, "pretrain");
  }
};

std::vector<text::Example> read_texts(const std::vector<std::string>& files, const spec::DataOptions& how) {
  std::vector<text::Example> texts;
  for (const std::string& file : files) {
    std::vector<text::Example> more =
        file.ends_with(".txt") ? text::read_lines(file) : how.read({file}, {}, false).rows;
    texts.insert(texts.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  return texts;
}

struct Texts {
  std::vector<text::Example> train, dev;
};

Texts load_texts(const PretrainOptions& o) {
  Texts texts{read_texts(o.common.train, o.common.files), read_texts(o.common.dev, o.common.files)};
  if (o.common.dev.empty() && o.dev_share > 0) {
    for (text::Example& e : texts.train) e.label = -1;
    text::split_stratified(texts.train, o.common.seed, {1 - o.dev_share, o.dev_share, 0});
    const auto held_out = std::stable_partition(texts.train.begin(), texts.train.end(),
                                                [](const text::Example& e) { return e.split == "train"; });
    texts.dev.assign(std::make_move_iterator(held_out), std::make_move_iterator(texts.train.end()));
    texts.train.erase(held_out, texts.train.end());
  }
  check(!texts.train.empty(), "there are no texts to train on");
  check(!texts.dev.empty() || !o.common.patience, "--patience needs held-out texts");
  return texts;
}

// Every window as a text of its own; those without a piece that could be hidden are left out.
text::EncodedSet encode(const char* name, const std::vector<text::Example>& texts, const model::Encoder& model,
                        const model::TrainOptions& o) {
  text::EncodedSet set = text::encode(texts, model.tokenizer, o.max_length, text::too_long(o.too_long));
  std::erase_if(set.windows, [&](const text::Encoding& e) {
    return std::all_of(e.ids.begin(), e.ids.end(), [&](int id) { return model.tokenizer.is_special(id); });
  });
  set.labels.assign(set.windows.size(), -1);
  set.begin.resize(set.windows.size() + 1);
  std::iota(set.begin.begin(), set.begin.end(), 0);
  long tokens = 0;
  for (const text::Encoding& e : set.windows) tokens += long(e.ids.size());
  run::print_note("{:<6}{:>7} texts, as {} sequences of {:.1f} tokens on average\n", name, texts.size(), set.size(),
                  double(tokens) / double(std::max(1L, set.size())));
  return set;
}

std::unique_ptr<model::Encoder> make_model(const model::TrainOptions& o, const std::vector<text::Example>& train) {
  std::unique_ptr<model::Encoder> model;
  if (o.model != "mini") {
    model::ModelDirectory from(o.model);
    check(o.max_length <= from.config.max_position_embeddings, "--max-length {} is more than the {} positions of {}",
          o.max_length, from.config.max_position_embeddings, from.path);
    model::set_dropout(from.config, o);
    nn::Params::LoadReport report;
    model = model::load_encoder(from, o.seed, true, report);
    run::print_note("{}\n{}", from.path, report.table());
  } else {
    text::WordPiece tokenizer = model::new_tokenizer(o, train);
    nn::Config config = model::new_config(o, tokenizer.vocab_size(), {});
    model::set_dropout(config, o);
    config.check_sizes("--model mini");
    model = std::make_unique<model::Encoder>(config, std::move(tokenizer), o.seed, true);
    model->params.initialise();
  }
  check(model->tokenizer.mask_id() >= 0, "the vocabulary has no [MASK]");
  for (const std::string& pattern : o.freeze) model->params.freeze(pattern);
  run::print_note("model {}: {:.2f} M parameters, {} pieces\n", o.model, double(model->params.count()) / 1e6,
                  model->tokenizer.vocab_size());
  return model;
}

// loss: nats for a hidden piece; perplexity: e to the loss; accuracy: the share of hidden pieces that are told.
ordered_json measure(model::Encoder& model, const text::EncodedSet& set, const PretrainOptions& o) {
  const engine::NoGrad no_grad;
  model.params.eval();
  run::Progress progress("dev", set.size());
  double loss = 0, right = 0, count = 0;
  long done = 0;
  for (text::Batch& batch : text::in_order(set, o.common.batch_size)) {
    const text::Masked hidden = text::mask(std::move(batch), model.tokenizer, o.mask_share, o.common.seed, kDevEpoch);
    const Tensor logits = (*model.masked_lm)(model.bert(hidden.batch.tokens), hidden.rows);  // [M, V]
    const Tensor best = argmax(logits);
    for (size_t i = 0; i < hidden.targets.size(); ++i) right += best.data()[i] == real(hidden.targets[i]);
    loss += double(hidden.targets.size()) * double(cross_entropy(logits, hidden.targets).item());
    count += double(hidden.targets.size());
    progress.update(done += long(hidden.batch.rows.size()));
  }
  progress.interrupt();
  return {{"loss", loss / count}, {"perplexity", std::exp(loss / count)}, {"accuracy", right / count}};
}

void finish_epoch(run::Run& run, model::Encoder& model, const text::EncodedSet& dev_set, const PretrainOptions& o) {
  if (dev_set.size() == 0) return model.save(run.file("best"), o.common.max_length);
  run.pause();
  const ordered_json dev = measure(model, dev_set, o);
  const bool best = run.is_best(-dev["loss"].get<double>());
  run.log({{"dev", dev}});
  run.say(fmt::format("epoch {:g}, dev{}: loss {:.4f}  perplexity {:.2f}  accuracy {:.4f}", run.epoch(),
                      best ? " (the best so far)" : "", dev["loss"].get<double>(), dev["perplexity"].get<double>(),
                      dev["accuracy"].get<double>()));
  if (best) model.save(run.file("best"), o.common.max_length);
}

void finish_run(const run::Run& run, const text::EncodedSet& dev_set, const PretrainOptions& o) {
  nn::Params::LoadReport report;
  const auto best = model::load_encoder(model::ModelDirectory(run.file("best")), o.common.seed, true, report);
  ordered_json result = dev_set.size() ? measure(*best, dev_set, o) : ordered_json::object();
  std::string figures;
  for (const auto& [name, value] : result.items()) figures += fmt::format("{}={:.4f} ", name, value.get<double>());
  result["seconds"] = run.seconds();
  nn::write_file(run.file("result.json"), result.dump(2) + "\n");
  fmt::print("result task=pretrain {}seconds={:.0f} out={}\n", figures, run.seconds(), o.common.out);
}

void train(CLI::App& app, const run::Parse& parse) {
  PretrainOptions options;
  model::TrainOptions& o = options.common;
  options.declare(app);
  parse();
  o.settle(app, "pretrain");
  if (o.train.empty()) {
    run::print_note("error: --train is needed: files of texts\n");
    throw run::Exit{2};
  }

  run::print_setup("pretrain", "train");
  const Texts texts = load_texts(options);
  const std::unique_ptr<model::Encoder> model = make_model(o, texts.train);
  const text::EncodedSet train_set = encode("train", texts.train, *model, o);
  const text::EncodedSet dev_set = encode("dev", texts.dev, *model, o);

  text::Batches batches(train_set, o.batch_size * o.accumulate, !o.no_shuffle, o.seed);
  const long steps = model::steps_of(o, batches);
  const optim::Schedule schedule = model::make_schedule(o, steps);
  const std::vector<Tensor> trainable = model->params.trainable();
  check(!trainable.empty(), "--freeze leaves nothing to train");
  optim::Optimizer optimizer = model::make_optimizer(o, trainable);
  run::Run run(
      {o.out, o.overwrite, !o.resume.empty(), run::effective_options(app), steps, batches.per_epoch(), o.patience});
  if (!o.resume.empty()) run.restore(model->params.tensors(), optimizer);
  run::print_note("seed {}, {} steps of {} sequences, peak learning rate {:g}, into {}\n\n", o.seed, steps,
                  o.batch_size * o.accumulate, o.peak_lr(), o.out);

  while (run.next_step()) {
    model->params.train(run.step());
    std::vector<text::Masked> parts;  // several only with --accumulate
    double hidden_pieces = 0;
    for (text::Batch& part : batches.parts_at(run.step(), o.batch_size)) {
      const auto epoch = uint32_t(run.step() / batches.per_epoch());
      parts.push_back(text::mask(std::move(part), model->tokenizer, options.mask_share, o.seed, epoch));
      hidden_pieces += double(parts.back().rows.size());
    }
    double step_loss = 0;
    for (const text::Masked& part : parts) {
      const Tensor hidden = model->bert(part.batch.tokens);          // [N] -> [N, C]
      const Tensor logits = (*model->masked_lm)(hidden, part.rows);  // [N, C] -> [M, V]: the hidden pieces alone
      const Tensor loss = cross_entropy(logits, part.targets);       // [M, V], [M] -> []
      run.require_finite(loss);
      const double share = double(part.rows.size()) / hidden_pieces;
      backward(loss * real(share));
      step_loss += share * double(loss.item());
    }
    const double norm = optim::grad_norm(trainable);
    const double lr = schedule(run.step());
    optimizer.step(lr, optim::clip_factor(trainable, norm, o.clip));
    model->params.clear_grads();
    run.log({{"loss", step_loss}, {"lr", lr}, {"grad_norm", norm}});

    if (run.epoch_ends()) finish_epoch(run, *model, dev_set, options);
    if (run.epoch_ends() || run.due_for_save()) run.save(model->params.tensors(), optimizer);
  }
  if (run.interrupted()) run.save(model->params.tensors(), optimizer), run.leave();
  finish_run(run, dev_set, options);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(argc, argv, "pretrain", "Let an encoder learn from texts without labels.",
                      {{"train", "train a masked language model, from nothing or from a model directory", train}});
}
