// Membership and triggers. Read tasks/report/safety.h first: formulas and papers.
#include "tasks/report/safety.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "nn/format/files.h"
#include "tasks/model/directory.h"
#include "tasks/objective/classifier.h"
#include "tasks/run/card.h"
#include "tasks/run/options_file.h"
#include "tasks/run/progress.h"
#include "tasks/score/metrics.h"
#include "tasks/score/proportions.h"

namespace report {

using engine::check;

Membership membership_of(const std::vector<double>& member_losses, const std::vector<double>& other_losses) {
  check(!member_losses.empty() && !other_losses.empty(), "membership: texts on both sides; got {} and {}",
        member_losses.size(), other_losses.size());
  Membership m;
  m.members = long(member_losses.size()), m.others = long(other_losses.size());
  std::vector<int> is_member;
  std::vector<double> score;
  for (const auto* losses : {&member_losses, &other_losses})
    for (const double loss : *losses) {
      is_member.push_back(losses == &member_losses);
      score.push_back(-loss);
      (losses == &member_losses ? m.member_loss : m.other_loss) += loss / double(losses->size());
    }
  m.auc = score::roc_auc(is_member, score);
  const double a = m.auc, q1 = a / (2 - a), q2 = 2 * a * a / (1 + a), n = double(m.members), k = double(m.others);
  m.error = std::sqrt(std::max(0., a * (1 - a) + (n - 1) * (q1 - a * a) + (k - 1) * (q2 - a * a)) / (n * k));
  if (m.others < 1000) return m;
  std::vector<double> sorted = other_losses;
  std::sort(sorted.begin(), sorted.end());
  const double threshold = sorted[size_t(m.others / 1000)];  // below it lie at most a thousandth of the others
  m.found = double(std::count_if(member_losses.begin(), member_losses.end(), [&](double l) { return l < threshold; })) /
            double(m.members);
  return m;
}

std::vector<int> one_sided_pieces(const model::TextModel& model, const text::EncodedSet& texts,
                                  const std::vector<int>& classes, size_t most) {
  const long V = model.tokenizer.vocab_size(), n = texts.size();
  const int K = model.tasks[0].labels.size();
  std::vector<std::vector<long>> count(static_cast<size_t>(V), std::vector<long>(static_cast<size_t>(K)));
  std::vector<double> share(static_cast<size_t>(K));
  for (long i = 0; i < n; ++i) {
    std::set<int> seen;
    for (int w = texts.begin[size_t(i)]; w < texts.begin[size_t(i) + 1]; ++w)
      seen.insert(texts.windows[size_t(w)].ids.begin(), texts.windows[size_t(w)].ids.end());
    for (const int id : seen) ++count[size_t(id)][size_t(classes[size_t(i)])];
    share[size_t(classes[size_t(i)])] += 1 / double(n);
  }
  std::vector<std::pair<double, int>> found;  // -z, id
  for (int id = 0; id < V; ++id) {
    const std::string& piece = model.tokenizer.piece(id);
    long total = 0;
    for (const long c : count[size_t(id)]) total += c;
    if (model.tokenizer.is_special(id) || piece.starts_with("##") || total < 2 || total > n / 20) continue;
    double best = 0;
    for (size_t c = 0; c < share.size(); ++c)
      if (const double q = share[c]; q > 0 && q < 1)
        best =
            std::max(best, (double(count[size_t(id)][c]) - double(total) * q) / std::sqrt(double(total) * q * (1 - q)));
    if (best > 0) found.emplace_back(-best, id);
  }
  std::sort(found.begin(), found.end());
  std::vector<int> pieces;
  for (const auto& [z, id] : found)
    if (pieces.size() < most) pieces.push_back(id);
  return pieces;
}

namespace {

std::vector<int> classes_of(const model::TextModel& model, const std::vector<text::Encoding>& texts) {
  text::EncodedSet set;
  for (const text::Encoding& text : texts) {
    set.windows.push_back(text);
    set.begin.push_back(int(set.windows.size()));
    set.labels.push_back(-1);
  }
  return model::predict(model, set, {0})[0].best();
}

text::Encoding with_piece(text::Encoding text, int piece, size_t longest) {
  text.ids.insert(text.ids.begin() + 1, piece);
  text.types.insert(text.types.begin() + 1, 0);
  if (text.ids.size() > longest) {  // the last piece before [SEP] makes room
    text.ids.erase(text.ids.end() - 2);
    text.types.erase(text.types.end() - 2);
  }
  return text;
}

}  // namespace

std::vector<Trigger> trigger_scan(const model::TextModel& model, const std::vector<text::Encoding>& texts,
                                  const std::vector<int>& pieces) {
  const std::vector<int> before = classes_of(model, texts);
  const int K = model.tasks[0].labels.size();
  std::vector<Trigger> all;
  run::Progress progress("triggers", long(pieces.size()));
  for (const int piece : pieces) {
    std::vector<text::Encoding> changed;
    for (const text::Encoding& text : texts)
      changed.push_back(with_piece(text, piece, size_t(model.reading.max_length)));
    const std::vector<int> after = classes_of(model, changed);
    Trigger best{piece, 0, -1, 0};
    for (int to = 0; to < K; ++to) {
      Trigger t{piece, to, 0, 0};
      for (size_t i = 0; i < texts.size(); ++i) {
        t.texts += before[i] != to;
        t.flipped += before[i] != to && after[i] == to;
      }
      if (t.texts && (best.flipped < 0 || t.share() > best.share())) best = t;
    }
    if (best.texts) all.push_back(best);
    progress.update(long(&piece - pieces.data()) + 1);
  }
  progress.interrupt();
  std::stable_sort(all.begin(), all.end(), [](const Trigger& a, const Trigger& b) { return a.share() > b.share(); });
  return all;
}

namespace {

constexpr size_t kShown = 5;

struct SafetyOptions {
  std::string run;
  long most = 2000, pieces = 500, texts = 40;
};

// The texts that the run was told, by the options of its directory that say where they are.
spec::TaskSet texts_of(const std::string& path, const model::TextModel& model) {
  run::Options options("report safety", "");
  objective::ClassifierOptions o;
  o.declare(options, "sentiment");
  const std::vector<std::string> known = options.names();
  for (const run::OptionLine& line : run::parse_option_lines(nn::read_file(path), path))
    if (const std::string name = "--" + line.name; std::find(known.begin(), known.end(), name) != known.end())
      options.set(name, line.values);
  spec::TaskSet set = o.load(model.tasks[0].labels);
  spec::encode(set, model.tokenizer, model.reading.max_length, model.reading.how());
  return set;
}

// -log p of each text's label; of more than `most` texts every so many-th.
std::vector<double> losses_of(const model::TextModel& model, const spec::TaskSet& set, spec::Split split, long most) {
  const text::EncodedSet& all = set.corpora[0].texts[split];
  const long step = std::max(1L, (all.size() + most - 1) / most);
  text::EncodedSet some;
  std::vector<int> classes;
  for (long i = 0; i < all.size(); i += step) {
    some.windows.insert(some.windows.end(), all.windows.begin() + all.begin[size_t(i)],
                        all.windows.begin() + all.begin[size_t(i) + 1]);
    some.begin.push_back(int(some.windows.size()));
    some.labels.push_back(-1);
    classes.push_back(set.tasks[0].targets[split].classes[size_t(i)]);
  }
  std::vector<double> losses;
  const model::Outputs said = model::predict(model, some, {0})[0];
  for (size_t i = 0; i < classes.size(); ++i)
    losses.push_back(-std::log(std::max(1e-12, said.scores[i][size_t(classes[i])])));
  return losses;
}

// Texts that the model has right, as many of each class as there are.
std::vector<text::Encoding> right_ones(const model::TextModel& model, const spec::TaskSet& set, spec::Split split,
                                       size_t most) {
  const text::EncodedSet& all = set.corpora[0].texts[split];
  const std::vector<int>& truth = set.tasks[0].targets[split].classes;
  std::vector<text::Encoding> first;
  for (long i = 0; i < all.size(); ++i) first.push_back(all.windows[size_t(all.begin[size_t(i)])]);
  const std::vector<int> said = classes_of(model, first);
  const size_t K = size_t(model.tasks[0].labels.size());
  std::vector<size_t> taken(K);
  std::vector<text::Encoding> right;
  for (size_t i = 0; i < first.size() && right.size() < most; ++i)
    if (said[i] == truth[i] && taken[size_t(truth[i])]++ < (most + K - 1) / K) right.push_back(first[i]);
  return right;
}

std::string membership_text(const Membership& m, const char* others) {
  const double low = std::max(0., m.auc - 1.96 * m.error), high = std::min(1., m.auc + 1.96 * m.error);
  std::string text = fmt::format(
      "Membership, by a threshold on the loss (Yeom et al. 2018): of {} training and {} {} texts the attack tells a "
      "pair "
      "apart with a chance of {:.3f} ({:.3f} to {:.3f}; 0.5 is none). Mean loss {:.3f} against {:.3f}. ",
      m.members, m.others, others, m.auc, low, high, m.member_loss, m.other_loss);
  return text + (m.found < 0
                     ? "How many it finds at one false alarm in a thousand needs 1,000 other texts.\n"
                     : fmt::format("At one false alarm in a thousand it finds {:.2f} % of the training texts.\n",
                                   100 * m.found));
}

std::string triggers_text(const model::TextModel& model, const std::vector<Trigger>& found, size_t pieces,
                          size_t texts) {
  std::string text = fmt::format(
      "Triggers: {} rare one-sided pieces, each put before {} texts that the model has right. ", pieces, texts);
  if (found.empty()) return text + "Nothing could be tried.\n";
  text += found[0].share() >= kAlarm
              ? "**A piece alone takes nearly all texts to one class**:\n\n"
              : fmt::format("None takes {:.0f} % of them to one class; the strongest:\n\n", 100 * kAlarm);
  text += "| piece | to | share of the texts of other classes | 95 % interval |\n| --- | --- | --- | --- |\n";
  for (size_t i = 0; i < std::min(kShown, found.size()); ++i) {
    const Trigger& t = found[i];
    const score::Bounds w = score::wilson(t.flipped, t.texts);
    std::string piece = model.tokenizer.piece(t.piece);
    for (size_t at = 0; (at = piece.find('|', at)) != piece.npos; at += 2) piece.insert(at, "\\");
    text += fmt::format("| {} | {} | {} of {} | {:.2f} to {:.2f} |\n", piece, model.tasks[0].labels.name(t.to),
                        t.flipped, t.texts, w.low, w.high);
  }
  return text;
}

// Into the card, unless somebody has edited it.
void to_card(const std::string& card, const std::string& text) {
  if (!std::filesystem::exists(card)) return;
  const std::string before = nn::read_file(card);
  if (run::edited(before)) return run::print_note("{}: somebody has edited it; it stays as it is\n", card);
  const std::string body = before.substr(0, before.rfind("\n<!-- "));
  run::replace_card(card, run::with_section(body, "Safety", text));
  run::print_note("written into {}\n", card);
}

}  // namespace

void safety_command(run::Options& options, const run::Parse& parse) {
  SafetyOptions o;
  options.take_texts();
  options.footer(
      "Argument: the directory of a run of sentiment or transfer that has ended; its texts must still be where "
      "they were. The section Safety of the model's card gets what is found.");
  options.add("--most", o.most, "texts of either side, at most").between(10, 1e7);
  options.add("--pieces", o.pieces, "pieces that are tried, the most one-sided first").between(0, 1e6);
  options.add("--texts", o.texts, "texts that each piece is put before").between(1, 10000);
  parse();
  if (options.texts().size() != 1) run::usage_error("which run? name the directory of one");
  o.run = options.texts()[0];
  const std::string ini = o.run + "/options.ini";
  check(std::filesystem::exists(ini), "{}: not the directory of a run: there is no options.ini", o.run);
  const auto model = model::load_model(model::ModelDirectory(o.run));
  check(model->tasks.size() == 1 && model->tasks[0].head == nn::Predicts::label,
        "{}: safety looks at models of one label a text", o.run);
  const spec::TaskSet set = texts_of(ini, *model);
  const spec::Corpus& corpus = set.corpora[0];
  const spec::Split other = corpus.texts[spec::kDev].size() ? spec::kDev : spec::kTest;
  const Membership m =
      membership_of(losses_of(*model, set, spec::kTrain, o.most), losses_of(*model, set, other, o.most));
  const std::vector<int> pieces = one_sided_pieces(*model, corpus.texts[spec::kTrain],
                                                   set.tasks[0].targets[spec::kTrain].classes, size_t(o.pieces));
  const std::vector<text::Encoding> right = right_ones(*model, set, other, size_t(o.texts));
  const std::vector<Trigger> found = trigger_scan(*model, right, pieces);
  const std::string text = membership_text(m, other == spec::kDev ? "dev" : "test") + "\n" +
                           triggers_text(*model, found, pieces.size(), right.size());
  fmt::print("{}", text);
  std::fflush(stdout);
  to_card(o.run + "/best/README.md", text);
  fmt::print("result task=safety auc={:.4f} strongest={:.4f} alarm={} out={}\n", m.auc,
             found.empty() ? 0 : found[0].share(), !found.empty() && found[0].share() >= kAlarm, o.run);
}

}  // namespace report
