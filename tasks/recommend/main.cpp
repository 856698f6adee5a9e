// Recommend: what a person wants next, from what they took and what its texts say. The loop is that of
// tasks/sentiment/main.cpp, which is to be read first; the model is tasks/recommend/sequence.h's.
#include <fmt/ranges.h>

#include <algorithm>
#include <iostream>

#include "nn/format/files.h"
#include "tasks/objective/epoch_events.h"
#include "tasks/recommend/options.h"
#include "tasks/recommend/report.h"
#include "tasks/recommend/rerank.h"
#include "tasks/recommend/service.h"
#include "tasks/recommend/text_training.h"
#include "tasks/run/card.h"
#include "tasks/run/console.h"
#include "tasks/run/event_log.h"
#include "tasks/run/fingerprint.h"
#include "tasks/run/stopwatch.h"
#include "tasks/text/utf8.h"

namespace {

using engine::check;
using engine::Tensor;
using nn::ordered_json;
using recommend::Recommender;
using recommend::Split;

void say_findings(const recommend::Data& data) {
  for (const text::Warning& finding : data.findings) {
    const std::string line =
        text::to_string(finding);  // "FILE:LINE: what (3 in all)"; of the whole ": what (3 in all)"
    run::print_note("{}\n", finding.first.empty() ? line.substr(2) : line);
  }
  long with_text = 0;
  for (const recommend::Item& item : data.items) with_text += !text::is_blank(item.words());
  run::print_note("{} users, {} items ({} with a text), {} interactions\n", data.users.size(), data.items.size(),
                  with_text, data.events());
}

run::Frame frame_of(const recommend::Options& o, const run::Options& options, const Recommender& r, long steps) {
  run::Fingerprint print;
  for (const recommend::Item& item : r.data.items) print.add("items", item.id).add("items", item.words());
  for (size_t u = 0; u < r.data.users.size(); ++u) {
    print.add("interactions", r.data.users[u]);
    for (const recommend::History* part : {&r.data.histories[u], &r.data.repeats[u]})
      for (const recommend::Event& e : *part)
        print.add("interactions", fmt::format("{} {} {}", e.item, e.time, e.weight));
  }
  run::Frame frame;
  frame.options = options.effective();
  frame.data = print.text();
  frame.inputs = o.inputs();
  frame.unit = "items";
  frame.steps_per_epoch = steps;
  frame.where = [&r](long user) { return "user " + engine::shown(r.data.users[size_t(user)], 100); };
  return frame;
}

recommend::Figures on_dev(const Recommender& r, const Split& split, const recommend::Source& source, long k) {
  const std::vector<double> counts = counts_of(split.train, r.items());
  return measure({r.data, r.words, counts, split.dev_among, k}, split.dev, source);
}

// The attention over the first history of the dev part, as tasks/objective/epoch_events.h has that of encoders.
void log_attention(run::Training& training, const Recommender& r, const Split& split) {
  run::EventLog* log = training.run().events();
  const auto first = std::ranges::find_if(split.dev, [](const recommend::Case& c) { return !c.history.empty(); });
  if (!log || first == split.dev.end()) return;
  log->sparingly("attention", [&] {
    const engine::NoGrad no_grad;
    std::vector<nn::AttentionMaps> layers;
    r.sequence->user_vectors(r.vectors, recommend::packed({first->history}, r.sequence->config.positions), &layers);
    std::vector<events::Proto> pictures;
    for (const nn::AttentionMaps& maps : layers)
      pictures.push_back(objective::picture_of(
          "attention/" + std::to_string(pictures.size()),
          {maps.layout.heads, maps.layout.query_count(0), maps.layout.key_count(0), maps.probs.to_vector()}));
    log->add(training.step() + 1, pictures);
  });
}

// The dev part ranked by attention; the best so far is kept.
void finish_epoch(run::Training& training, Recommender& r, const Split& split, long k) {
  r.take_vectors();
  const recommend::CaseFigures f = on_dev(r, split, r.attention(), k).mean;
  const bool best = training.keep_best(f.ndcg, [&](const std::string& directory) { save_recommender(r, directory); });
  const long epoch = (training.step() + training.run().steps_per_epoch()) / training.run().steps_per_epoch();
  training.run().log({{"epoch", epoch}, {"dev", {{"ndcg", f.ndcg}, {"hr", f.hr}}}});
  log_attention(training, r, split);
  training.run().say(fmt::format("epoch {} dev{}:  ndcg@{} {:.4f}  hr {:.4f}", epoch, best ? " (the best so far)" : "",
                                 k, f.ndcg, f.hr));
}

// The second stage, on the dev part: settings of the simple models, then weights over all of them.
void join(const recommend::Options& o, const Split& split, Recommender& r) {
  r.settings = choose(o.simple, r.data, split, o.k);
  const std::vector<recommend::Source> sources = r.sources(split.train);
  const std::vector<double> counts = counts_of(split.train, r.items());
  const recommend::Measuring m{r.data, r.words, counts, split.dev_among, o.k, &r.vectors};
  std::vector<recommend::List> lists(split.dev.size());
  std::vector<std::vector<recommend::Outcome>> outcomes(sources.size());
  for (auto& of_source : outcomes) of_source.resize(split.dev.size());
  for_each_case("dev", sources, split.dev, r.items(), [&](size_t c, const std::vector<recommend::ScoresOf>& scores) {
    lists[c] = list_of(scores, split.dev[c], split.dev_among, o.join.candidates);
    for (size_t s = 0; s < scores.size(); ++s) outcomes[s][c] = outcome_of(m, split.dev[c], scores[s]);
  });
  std::vector<std::string> names;
  for (size_t s = 0; s < sources.size(); ++s) {
    names.push_back(sources[s].name);
    const recommend::CaseFigures f = summary(m, split.dev, outcomes[s]).mean;
    run::print_note("dev: {:<12} ndcg@{} {:.4f}  hr {:.4f}\n", names[s], o.k, f.ndcg, f.hr);
  }
  std::vector<recommend::Shares> held;
  r.joined = fit_joined(names, lists, split.dev, split.dev_among, r.items(), o.join, o.training.seed, &held);
  r.spread = choose_spread(r, m, split.dev, scores_of(held, r.items()));
  run::print_note("dev: {:<12} ndcg@{} {:.4f}, each fold by weights of the others (ridge {:g})\n", "joined", o.k,
                  r.joined.dev_ndcg, r.joined.ridge);
}

void finish_run(run::Training& training, const recommend::Options& o, const Split& split, Recommender& r) {
  const std::string best = training.best_directory();
  r.sequence = recommend::load_sequence(best);
  r.take_vectors();
  const Split some = with_some_of_dev(split, o.join.most_cases, o.training.seed);
  if (some.dev.size() < split.dev.size())
    run::print_note("joined on {} of {} held-out lists\n", some.dev.size(), split.dev.size());
  join(o, some, r);
  training.run().replace_best([&](const std::string& directory) { save_recommender(r, directory); });
  const double seconds =
      run::write_result(training.run(), {{"dev_ndcg", training.best()}, {"dev_ndcg_joined", r.joined.dev_ndcg}});
  run::write_card(training.run(), {.program = "recommend",
                                   .pipeline = "other",
                                   .about = "It recommends what comes next to whom.",
                                   .figures = {{"ndcg", training.best()}, {"ndcg_joined", r.joined.dev_ndcg}},
                                   .measured_on = "dev"});
  fmt::print("result task=recommend protocol={} dev_ndcg={:.4f} dev_ndcg_joined={:.4f} seconds={:.0f} out={}\n",
             o.protocol, training.best(), r.joined.dev_ndcg, seconds, o.training.out);
}

void learn(const recommend::Options& o, const run::Options& options, const Split& split, Recommender& r) {
  const std::vector<double> counts = counts_of(split.train, r.items());
  r.sequence = std::make_unique<recommend::SequenceModel>(o.model, item_text(r.data.items, o.text), o.training.seed);
  recommend::SequenceModel& model = *r.sequence;
  for (const double n : counts) model.known.push_back(n > 0);
  model.params.initialise();
  recommend::Windows windows(split.train, o.model.positions, o.training.batch_size, o.training.accumulate,
                             o.training.seed, !o.training.no_shuffle, o.loss.weighted);
  std::optional<recommend::Teacher> teacher;
  if (!o.loss.transfer.teacher.empty())
    teacher.emplace(o.loss.transfer, o.model, r.data.items, o.protocol, o.training.seed);
  const recommend::NextItem next(counts, o.loss, teacher ? &*teacher : nullptr);
  run::print_note("{} layers of {}, {:.2f} M parameters; {}\n", o.model.layers, o.model.hidden,
                  double(model.params.count()) / 1e6, split.text());
  recommend::TextTraining texts(r.data.items, o.text, model.text, o.training.seed);
  run::Frame frame = frame_of(o, options, r, windows.steps_per_epoch());
  run::Training training(texts.joined(o.training, frame), model.params, frame);

  while (training.next_step()) {
    const run::Stopwatch watch;
    long places = 0;
    uint32_t call = 0;
    // 1 histories -> ids [N], offsets [B + 1], the item behind each place [N]
    for (const recommend::Batch& part : windows.parts_at(training.step())) {
      run::Terms terms;
      const recommend::FreshTexts fresh = texts.read(part, training.step(), call);  // of an encoder that learns
      next.add_losses(terms, model, part, call++, &fresh);  // 2 items [I, C], 3 users [N, C], 4 losses []
      training.backward(terms, part.share, part.users);     // 5 adds to every parameter's gradient
      texts.keep(fresh);
      places += part.tokens.count();
    }
    training.update({{"items_per_second", std::round(double(places) / watch.seconds())}});  // 6, 7, 8
    if (!training.epoch_ends()) continue;
    texts.read_all();
    finish_epoch(training, r, split, o.k);
  }
  finish_run(training, o, split, r);
}

void train(run::Options& options, const run::Parse& parse) {
  recommend::Options o;
  o.declare(options);
  parse();
  o.settle(options);
  run::print_setup("recommend", "train");
  Recommender r;
  r.data = read_data(o.data, o.training.seed);
  say_findings(r.data);
  r.protocol = o.protocol, r.seed = o.training.seed, r.k = o.k;
  r.words = recommend::word_vectors(r.data.items);
  o.model.items = r.items();
  const Split split = split_by(o.protocol, r.data, o.training.seed);
  learn(o, options, split, r);
}

void evaluate(run::Options& options, const run::Parse& parse) {
  std::string model, out;
  long k = 0;
  options.add("--model", model, "a directory of recommend train").required();
  options.add("--k", k, "length of the lists; 0: as in training").between(0, 1000);
  options.add("--out", out, "also write the figures as JSON to this file").writes();
  parse();
  const run::Stopwatch since;
  const auto r = recommend::load_recommender(model);
  if (k == 0) k = r->k;
  const Split split = split_by(r->protocol, r->data, r->seed);
  const recommend::Report report = report_on(*r, split, k, r->seed);
  const recommend::Figures& f = report.rows.back().figures;
  const recommend::Figures& attention = report.rows[report.rows.size() - 2].figures;
  fmt::print("{}", report.text(split, k));
  if (!out.empty()) nn::write_file(out, report.json(split, k).dump(2) + "\n");
  fmt::print(
      "result task=recommend protocol=\"{}\" k={} cases={} ndcg={:.4f} hr={:.4f} mrr={:.4f} attention_ndcg={:.4f} "
      "best_simple={} gain={:.4f} list_seconds={:.1f} seconds={:.1f}\n",
      split.text(), k, f.cases, f.mean.ndcg, f.mean.hr, f.mean.mrr, attention.mean.ndcg, report.baseline, report.gain,
      report.list_seconds, since.seconds());
}

void declare_wanted(run::Options& options, recommend::Wanted& wanted) {
  options.add("--k", wanted.k, "length of the list").between(1, 1e5);
  options.add("--diversity", wanted.diversity, "0: by score alone; nearer to 1: less of the same").between(0, 0.99);
  options.add("--rerank", wanted.rerank, "how: mmr, by the mean likeness or by the highest, or dpp")
      .only_with("--diversity")
      .one_of(recommend::kReranks);
  options
      .add("--likeness", wanted.likeness, "what of the same is: words, tags, vectors that were learned, or their mean")
      .only_with("--diversity")
      .one_of({"mean", "words", "tags", "vectors"});
}

std::string percent(double p) { return p < 0.1 ? fmt::format("{:.1f} %", 100 * p) : fmt::format("{:.0f} %", 100 * p); }

void recommend_items(run::Options& options, const run::Parse& parse) {
  std::string model, user;
  bool json = false, all_users = false;
  recommend::Wanted wanted;
  options.add("--model", model, "a directory of recommend train").required();
  options.add("--user", user, "a user of the interactions; other arguments are items, by id or title, oldest first");
  options.add("--all-users", all_users, "a line of JSON for each user").excludes("--user");
  options.add("--json", json, "a line of JSON");
  declare_wanted(options, wanted);
  options.take_texts();
  parse();
  options.check_used();
  const auto r = recommend::load_recommender(model);
  const recommend::Answering answer(*r);
  std::vector<int> history;
  const auto print = [&](const std::string& who, const std::vector<recommend::Recommended>& list) {
    if (json || all_users) return fmt::print("{}\n", recommend::list_json(*r, who, list).line());
    for (size_t n = 0; n < list.size(); ++n)
      fmt::print("{:>3}  {:<40} {:>7}{}\n", n + 1,
                 text::fitted(engine::shown(r->data.items[size_t(list[n].item)].name(), 200), 40),
                 percent(list[n].probability),
                 list[n].because < 0
                     ? ""
                     : "  because of " + engine::shown(r->data.items[size_t(list[n].because)].name(), 60));
  };
  if (all_users) {
    for (size_t u = 0; u < r->data.users.size(); ++u)
      print(r->data.users[u], answer(recommend::items_of(r->data.histories[u]), wanted));
    return;
  }
  if (!user.empty()) history = recommend::items_of(r->data.histories[size_t(r->data.user_named(user))]);
  for (const std::string& name : options.texts()) history.push_back(r->data.item_named(name));
  print(user, answer(history, wanted));
}

}  // namespace

int main(int argc, char** argv) {
  return run::program(argc, argv, "recommend", "What a person wants next, from what they took and what its texts say.",
                      {{"train", "learn from interactions and texts", train},
                       {"evaluate", "the test part: every model, diversity, probabilities, reasons", evaluate},
                       {"recommend", "a list for a user, or for some items", recommend_items},
                       {"serve", "the same over HTTP, with a page", recommend::serve_command}});
}
