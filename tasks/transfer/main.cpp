// Transfer: a student learns from labels and from a teacher: its logits, its attention, its hidden states. The loop is
// that of tasks/sentiment/main.cpp, which is to be read first, with the teacher's terms added.
#include <cmath>

#include "optim/clip.h"
#include "tasks/run/console.h"
#include "tasks/model/build.h"
#include "tasks/objective/transfer.h"

namespace {

using engine::check;
using engine::real;
using engine::Tensor;
using nlohmann::ordered_json;

void train(CLI::App& app, const run::Parse& parse) {
  model::TrainOptions o;
  objective::TransferOptions t;
  o.model = "mini";
  t.declare(app);
  o.declare(app, "transfer");
  parse();
  o.settle(app, "transfer");
  if (t.teacher.empty()) {
    run::print_note("error: --teacher is needed: the directory of a run or of a model\n");
    throw run::Exit{2};
  }

  run::print_setup("transfer", "train");
  const std::unique_ptr<model::TextModel> teacher = model::load_model(model::ModelDirectory(t.teacher));
  check(o.max_length <= teacher->config.max_position_embeddings,
        "--max-length {} is more than the teacher's {} positions", o.max_length,
        teacher->config.max_position_embeddings);
  const spec::Splits splits = model::load_splits(o);
  const std::unique_ptr<model::TextModel> model =
      model::make_model(o, splits, o.vocab.empty() ? &teacher->tokenizer : nullptr);
  objective::start_from_teacher(t, *teacher, *model);
  const text::TooLong how = text::too_long(o.too_long);
  const text::EncodedSet train_set = model::encode_and_report("train", splits.train, *model, o.max_length, how);
  const text::EncodedSet dev_set = model::encode_and_report("dev", splits.dev, *model, o.max_length, how);
  const text::EncodedSet test_set = model::encode_and_report("test", splits.test, *model, o.max_length, how);
  objective::Transfer transfer(t, *teacher, *model, o.seed);
  transfer.read_texts(train_set);

  text::Batches batches(train_set, o.batch_size * o.accumulate, !o.no_shuffle, o.seed);
  const long steps = model::steps_of(o, batches);
  const optim::Schedule schedule = model::make_schedule(o, steps);
  std::vector<Tensor> trainable = model->params.trainable();
  const objective::RetentionLearning retention(o.retention, *model, trainable);
  const std::vector<Tensor>& projections = transfer.projections();
  trainable.insert(trainable.end(), projections.begin(), projections.end());
  optim::Optimizer optimizer = model::make_optimizer(o, trainable);
  const engine::CrossEntropyOptions loss_options{model::class_weights(o, train_set, splits.labels.names()),
                                                 real(o.label_smoothing)};
  const objective::Adjustments adjustments(o.attention, splits.train, model->tokenizer);
  const bool look = adjustments.look_at_attention() || transfer.looks_inside();
  std::vector<Tensor> kept = model->params.tensors();  // in a checkpoint
  kept.insert(kept.end(), projections.begin(), projections.end());
  run::Run run(
      {o.out, o.overwrite, !o.resume.empty(), run::effective_options(app), steps, batches.per_epoch(), o.patience});
  if (!o.resume.empty()) run.restore(kept, optimizer);
  run::print_note("seed {}, {} steps of {} texts, peak learning rate {:g}, into {}\n\n", o.seed, steps,
                  o.batch_size * o.accumulate, o.peak_lr(), o.out);

  while (run.next_step()) {
    model->params.train(run.step());
    double step_loss = 0;
    ordered_json terms = ordered_json::object();  // every term of the loss, without its weight
    for (const text::Batch& part : batches.parts_at(run.step(), o.batch_size, loss_options.class_weights)) {
      const auto forward = [&](nn::Trace* trace) {
        return mean_over_windows(model->classifier(part.tokens, trace), part);  // [N] -> [B, K]
      };
      nn::Trace trace;
      const Tensor logits = forward(look ? &trace : nullptr);
      Tensor hard = cross_entropy(logits, part.labels, loss_options);  // [B, K], [B] -> []
      terms["hard"] = terms.value("hard", 0.) + part.share * double(hard.item());
      if (adjustments.twice()) hard = adjustments.r_drop(hard, logits, forward(nullptr), part, loss_options, terms);
      Tensor loss = hard * real(t.hard) + transfer.loss(logits, trace, part, terms);  // the teacher's terms
      loss = retention.add_to(adjustments.add_to(loss, trace, part, terms), part.share, terms);
      run.require_finite(loss);
      backward(loss * real(part.share));
      step_loss += part.share * loss.item();
    }
    const double norm = optim::grad_norm(trainable);
    const double lr = schedule(run.step());
    optimizer.step(lr, optim::clip_factor(trainable, norm, o.clip));
    retention.step(lr / o.peak_lr());
    model->params.clear_grads();
    for (const Tensor& p : projections) p.clear_grad();
    ordered_json figures{{"loss", step_loss}, {"lr", lr}, {"grad_norm", norm}};
    figures.update(terms);
    run.log(figures);

    if (run.epoch_ends()) model::finish_epoch(run, *model, dev_set, o);
    if (run.epoch_ends() || run.due_for_save()) run.save(kept, optimizer);
  }
  if (run.interrupted()) run.save(kept, optimizer), run.leave();
  retention.report(run.file("best"));
  model::finish_run(run, "transfer", test_set, dev_set.size() > 0, o);
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(
      argc, argv, "transfer", "Hand over what a teacher has learned: logits, attention, hidden states.",
      {{"train", "train a student beside a teacher; `sentiment` evaluates and uses what it made", train}});
}
