// `answer evaluate` and `answer index`: figures of an assistant that is there, and new articles for it. Read
// tasks/answer/evaluate.h first.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <sstream>

#include "engine/random.h"
#include "nn/format/json.h"
#include "tasks/answer/commands.h"
#include "tasks/answer/evaluate.h"
#include "tasks/run/directory.h"
#include "tasks/run/stopwatch.h"
#include "tasks/score/proportions.h"
#include "tasks/score/refusal.h"
#include "tasks/score/top_k.h"

namespace answer {

using engine::check;
using nn::json;
using nn::ordered_json;

namespace {

std::vector<std::string> lines_of(const std::string& path) {
  std::istringstream in(text::read_file(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!text::is_blank(line)) lines.push_back(line);
  }
  check(!lines.empty(), "{}: no text", path);
  return lines;
}

struct Search {
  std::string question;
  std::vector<std::string> wanted;  // ids
};

std::vector<Search> searches_of(const std::string& path, const std::vector<Article>& articles) {
  std::set<std::string> known;
  for (const Article& a : articles) known.insert(a.id);
  std::vector<Search> searches;
  std::istringstream in(text::read_file(path));
  long number = 0;
  for (std::string line; std::getline(in, line);) {
    const std::string where = path + ":" + std::to_string(++number);
    if (text::is_blank(line)) continue;
    const json object = nn::parse_json(line, where);
    Search& search = searches.emplace_back();
    nn::JsonObject(object, where).take("question", search.question);
    check(object.contains("articles") && object["articles"].is_array() && !text::is_blank(search.question),
          "{}: a search is {{\"question\": ..., \"articles\": [ids]}}", where);
    for (const json& id : object["articles"]) {
      check(id.is_string(), "{}: an id must be a string", where);
      const std::string wanted = id;
      check(known.contains(wanted), "{}: the assistant has no article '{}'", where, engine::shown(wanted));
      check(!std::ranges::count(search.wanted, wanted), "{}: the article '{}' is there twice", where,
            engine::shown(wanted));
      search.wanted.push_back(wanted);
    }
  }
  check(!searches.empty(), "{}: no text", path);
  return searches;
}

template <class F>
double ms_of(F f) {
  const run::Stopwatch watch;
  f();
  return 1e3 * watch.seconds();
}

// NDCG@10, MAP over the list of what either ranking names, and how often the first article is a right one, all of the
// searches that want an article; the time of a search in ms, and of its part that is one product with all vectors.
ordered_json retrieval_of(const Assistant& assistant, const std::vector<Search>& searches, double by_vector) {
  const std::vector<Article>& articles = assistant.index().articles();
  check(!articles.empty(), "the assistant has no article to be found");
  std::vector<std::string> texts;
  for (const Search& search : searches) texts.push_back(search.question);
  const Read all = assistant.read(texts);
  std::vector<score::TopK> ten, whole;
  std::vector<double> ms, vectors_ms;
  long first = 0, judged = 0;
  for (size_t i = 0; i < searches.size(); ++i) {
    const Tensor vector = engine::slice(all.vectors, 0, long(i), long(i) + 1);  // [1, C]
    std::vector<Found> found;
    vectors_ms.push_back(ms_of([&] { assistant.index().nearest(vector, Index::kDepth); }));
    ms.push_back(ms_of([&] { found = assistant.index().search(texts[i], vector, 2 * Index::kDepth, by_vector); }));
    std::vector<bool> relevant;
    for (const Found& f : found)
      relevant.push_back(std::ranges::count(searches[i].wanted, articles[size_t(f.article)].id) > 0);
    const long positives = long(searches[i].wanted.size());
    ten.push_back(score::top_k_of_ranked(relevant, positives, 10));
    whole.push_back(score::top_k_of_ranked(relevant, positives, 2 * Index::kDepth));
    first += !relevant.empty() && relevant[0];
    judged += positives > 0;
  }
  ordered_json figures{{"searches", searches.size()}};
  if (judged < long(searches.size()))
    run::print_note("note: {} of {} searches want no article; they are timed, and not judged\n",
                    long(searches.size()) - judged, searches.size());
  if (judged > 0) {
    figures["ndcg@10"] = score::mean_of(ten, score::Undefined::skip).ndcg;
    figures["map"] = score::mean_of(whole, score::Undefined::skip).map;
    figures["hit@1"] = double(first) / double(judged);
  }
  figures["median_ms"] = score::quantile(ms, 0.5);
  figures["p95_ms"] = score::quantile(ms, 0.95);
  figures["vectors_median_ms"] = score::quantile(vectors_ms, 0.5);
  figures["vectors_p95_ms"] = score::quantile(vectors_ms, 0.95);
  return figures;
}

// How far a promise of `alpha` by n questions comes out apart for m others, by counting alone: the threshold is the
// k-th smallest of n scores, k = floor(alpha (n + 1)), so that the number below it among m more of the same kind is
// beta-binomial (Vovk 2012) with a = k, b = n + 1 - k; the standard deviation of its share is
//   sqrt(a b (a + b + m) / ((a + b)^2 (a + b + 1) m))
double spread_by_counting(double alpha, double n, double m) {
  const double a = std::floor(alpha * (n + 1)), b = n + 1 - a;
  return std::sqrt(a * b * (a + b + m) / ((a + b) * (a + b) * (a + b + 1) * m));
}

// The share that is refused of one half of the questions that were not learned, when the other half says the threshold;
// over so many halves, drawn by number. "counting": the standard deviation that such halves have of themselves.
ordered_json promise_of(const Assistant& assistant, const std::vector<Labelled>& questions, int splits) {
  const Promises& p = assistant.promises();
  const double T = assistant.calibration().temperature;
  std::vector<std::string> texts;
  for (const Labelled& q : questions) texts.push_back(q.text);
  std::vector<double> scores = assistant.scope().scores(p.detector, assistant.kept(), T);
  if (!texts.empty())
    for (const double score : assistant.scope().scores(p.detector, assistant.read(texts), T)) scores.push_back(score);
  check(scores.size() > 1 && p.refuse > 0, "--splits: a promise, and two questions that were not learned, are needed");
  std::vector<double> shares;
  for (int s = 0; s < splits; ++s) {
    const std::vector<int> order = engine::permutation(int(scores.size()), {uint64_t(s), engine::Stream::shuffle, 0});
    std::vector<double> half, other;
    for (size_t i = 0; i < order.size(); ++i) (i % 2 ? half : other).push_back(scores[size_t(order[i])]);
    const double threshold = score::refusal_threshold(half, p.refuse);
    shares.push_back(double(std::ranges::count_if(other, [&](double x) { return x < threshold; })) /
                     double(other.size()));
  }
  const size_t says = scores.size() / 2, tells = scores.size() - says;
  return {{"mean", std::accumulate(shares.begin(), shares.end(), 0.0) / double(splits)},
          {"least", *std::ranges::min_element(shares)},
          {"most", *std::ranges::max_element(shares)},
          {"counting", spread_by_counting(p.refuse, double(says), double(tells))}};
}

struct Asked {
  std::string model, data, searches, out;
  std::vector<std::string> out_of_scope;
  int splits = 0;
  double by_vector = Index::kByVector;
  OtherPromises promises;

  void declare(run::Options& options) {
    options.add("--model", model, "the directory of a run of `train`").required();
    options
        .add("--data", data,
             "questions and their intents, in the form of what is known; without it those that `train` kept for the "
             "test. Questions of other intents are out of scope")
        .reads();
    options
        .add("--out-of-scope", out_of_scope,
             "files of texts that are none of its business, a line each; of the shop without it its own")
        .reads();
    options
        .add("--search", searches,
             "a file of searches: {\"question\": ..., \"articles\": [ids]} a line; one without ids is only timed")
        .reads();
    options.add("--by-vector", by_vector, "the weight of the vectors among searches, the rest is that of the words")
        .only_with("--search")
        .between(0, 1);
    options
        .add("--splits", splits,
             "also try the promise: so many halves of the questions that were not learned say the threshold, the other "
             "half is refused by it")
        .not_negative();
    options.add("--out", out, "also write the figures as JSON to this file").writes();
    promises.declare(options);
  }
};

}  // namespace

void evaluate_command(run::Options& options, const run::Parse& parse) {
  Asked asked;
  asked.declare(options);
  parse();
  run::print_setup("answer", "evaluate");
  const Assistant assistant(asked.model, asked.promises);
  for (const std::string& sentence : assistant.calibration().doubts) run::print_note("warning: {}\n", sentence);
  std::vector<std::string> others;
  for (const std::string& path : asked.out_of_scope)
    for (const std::string& line : lines_of(path)) others.push_back(line);
  const std::vector<Labelled> questions =
      asked.data.empty() ? own_questions(assistant) : questions_of(assistant, read_knowledge(asked.data), others);
  for (const json& text : assistant.settings().value("left_out", json::array())) others.push_back(text);
  if (others.empty() && assistant.settings().value("shop", false)) others = embedded_out_of_scope();
  ordered_json figures = figures_of(assistant, questions, others);
  fmt::print("{}", table_of(figures));
  std::string line = result_line(figures);
  if (!asked.searches.empty()) {
    figures["search"] =
        retrieval_of(assistant, searches_of(asked.searches, assistant.index().articles()), asked.by_vector);
    for (const auto& [name, value] : figures["search"].items()) {
      fmt::print("{:<15} {:g}\n", name, value.get<double>());
      line += fmt::format(" {}={:.4f}", name, value.get<double>());
    }
  }
  if (asked.splits) {
    figures["promise"] = promise_of(assistant, questions, asked.splits);
    for (const auto& [name, value] : figures["promise"].items()) {
      fmt::print("refused, {:<6} {:g}\n", name, value.get<double>());
      line += fmt::format(" refused_{}={:.4f}", name, value.get<double>());
    }
  }
  if (!asked.out.empty()) nn::write_file(asked.out, figures.dump(2) + "\n");
  fmt::print("{}\n", line);
}

void index_command(run::Options& options, const run::Parse& parse) {
  std::string directory, data;
  options.add("--model", directory, "the directory of a run of `train`").required();
  options
      .add("--data", data,
           "a file with articles: new ones come to those that are there, others take the place of those of their ids")
      .reads()
      .required();
  parse();
  Assistant assistant(directory);
  const Knowledge file = read_knowledge(data);
  check(!file.articles.empty(), "{}: no article in it", data);
  if (!file.intents.empty())
    run::print_note("note: {} intents of {} are passed over: `train` learns intents\n", file.intents.size(), data);
  const size_t before = assistant.index().articles().size();
  assistant.index().add(file.articles, assistant.model());
  assistant.index().save(directory + "/" + kIndex);
  const size_t now = assistant.index().articles().size();
  fmt::print("result task=index articles={} new={} replaced={}\n", now, now - before,
             file.articles.size() - (now - before));
}

}  // namespace answer
