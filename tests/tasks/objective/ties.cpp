// What ties tasks: entries of the task file and their errors, weights over a run, views of a text, where gradients go.
// Read tasks/objective/ties.h first.
#include "tasks/objective/ties.h"

#include "tasks/text/views.h"
#include "tests/support/nn.h"

using namespace test;
using namespace objective;
using namespace spec;
using doctest::Approx;

namespace {

const char* const kTasks =
    R"("tasks": {"mood": {"labels": "bad,good", "reads": "attention", "queries": 2},
                 "topic": {"labels": "food,sport", "reads": "attention", "queries": 1},
                 "cls": {"labels": "bad,good"}, "number": {"head": "regression"}}})";

TaskFile file_with(const std::string& ties, const std::string& path = "t.json") {
  return parse_task_file("{" + ties + ", " + kTasks, path);
}
std::string refused(const std::string& ties) {
  return error_of([&] { file_with(ties); });
}

run::TrainingOptions options() {
  run::TrainingOptions o;
  o.seed = 3;
  o.batch_size = 2;
  return o;
}

// A BERT of one small layer over texts that we write, and the tasks of a file.
struct Fixture {
  explicit Fixture(const TaskFile& task_file) : file(task_file) {
    Corpus corpus;
    for (const char* text :
         {"the soup was cold", "a goal in the last minute", "warm bread", "they lost the match again"})
      corpus.examples[kTrain].push_back({.text = text, .label = 0});
    corpus.examples[kDev] = corpus.examples[kTrain];
    set.corpora.push_back(corpus);
    for (const TaskSpec& spec : file.tasks) {
      Task task{spec, 0, {}, {}};
      for (Targets& targets : task.targets) targets.rows = {0, 1, 2, 3};
      set.tasks.push_back(task);
    }
    const nn::Config config =
        sized_config({.vocabulary = 60, .width = 8, .layers = 1, .heads = 2, .inner = 16, .positions = 16});
    std::vector<std::string> pieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    for (char c = 'a'; c <= 'z'; ++c) {
      pieces.push_back({c});
      pieces.push_back({'#', '#', c});
    }
    model = std::make_unique<model::TextModel>(config, file.tasks, text::WordPiece(pieces), model::Reading{16}, 5);
    model->net.params.initialise();
    encode(set, model->tokenizer, 16, text::TooLong::cut);
    for (const Tensor& p : model->net.params.tensors())  // away from a start where all attention is alike
      for (long i = 0; i < p.numel(); ++i) p.data()[i] += real(0.2 * std::sin(double(i) * 1.7 + double(p.numel())));
  }
  Ties ties(long steps = 10, long per_epoch = 2) const { return Ties(file, *model, set, options(), steps, per_epoch); }
  // The gradients of one step's ties, by the parameters' names; nothing for those that none reached.
  std::map<std::string, std::vector<real>> gradients(long step) const {
    model->net.params.clear_grads();
    model->net.params.train(uint32_t(step));
    ties().backward(step);
    std::map<std::string, std::vector<real>> all;
    for (const Tensor& p : model->net.params.tensors())
      if (p.has_grad()) all[p.name()] = p.grad_tensor().to_vector();
    return all;
  }

  TaskFile file;
  TaskSet set;
  std::unique_ptr<model::TextModel> model;
};

double size_of(const std::vector<real>& x) {
  double sum = 0;
  for (real v : x) sum += std::abs(double(v));
  return sum;
}

}  // namespace

TEST_CASE("ties: an entry of the task file has its defaults, and what is amiss is one line with the key") {
  const TaskFile file = file_with(R"("alignment": [{"from": "topic", "to": "mood"}],
                                     "agreement": [{"tasks": ["mood", "cls"], "views": "words", "share": 0.4}])");
  REQUIRE(file.ties.size() == 2);
  CHECK((file.ties[0].what == "attention" && file.ties[0].texts == "target" && file.ties[0].weight == 1));
  CHECK((file.ties[1].what == "symmetric_kl" && file.ties[1].texts == "corpus" && file.ties[1].share == 0.4));
  CHECK((file.ties[1].from == "mood" && file.ties[1].to == "cls"));
  CHECK(refused(R"("alignment": {})") == "t.json: alignment: must be a list of objects, [{...}, ...]");
  CHECK(refused(R"("alignment": [{"from": "a", "to": "b", "schedule": "rises"}])") ==
        "t.json: alignment[0].schedule: 'rises' is not one of constant, rise, decay (did you mean 'rise'?)");
  CHECK(refused(R"("alignment": [{"from": "a", "to": "b", "what": "atention"}])").find("(did you mean 'attention'?)") !=
        std::string::npos);
  CHECK(refused(R"("alignment": [{"from": "a", "to": "b", "wieght": 1}])").find("(did you mean 'weight'?)") !=
        std::string::npos);
  CHECK(refused(R"("alignment": [{"from": "a", "to": "b", "weight": -1}])").find("must be a number from 0") !=
        std::string::npos);
  CHECK(refused(R"("alignment": [{"from": "a", "to": "b", "what": "queries", "weight": 1}])").find("no key 'weight'") !=
        std::string::npos);
  CHECK(refused(R"("agreement": [{"tasks": ["a", "b", "c"]}])") ==
        "t.json: agreement[0].tasks: one task or two; got 3");
  CHECK(
      refused(R"("agreement": [{"tasks": "a", "measure": "kl"}])").find("is not one of symmetric_kl, jensen_shannon") !=
      std::string::npos);
}

TEST_CASE("ties: a task that is not there, or cannot be tied like this, is named with its entry") {
  const auto error = [](const std::string& ties) {
    const Fixture at(file_with(ties));
    return error_of([&] { at.ties(); });
  };
  CHECK(error(R"("alignment": [{"from": "topik", "to": "mood"}])") ==
        "t.json: alignment[0].from: 'topik' is not one of mood, topic, cls, number (did you mean 'topic'?)");
  CHECK(error(R"("alignment": [{"from": "topic", "to": "cls"}])") ==
        "t.json: alignment[0]: task 'cls' has no attention of its own; \"reads\": \"attention\" gives it one");
  CHECK(error(R"("alignment": [{"from": "topic", "to": "cls", "what": "context"}])") == "");
  CHECK(error(R"("alignment": [{"from": "mood", "to": "mood"}])").find("cannot be tied to itself") !=
        std::string::npos);
  CHECK(error(R"("alignment": [{"from": "topic", "to": "mood", "what": "queries"}])").find("'topic' has 1 queries") !=
        std::string::npos);
  CHECK(error(R"("agreement": [{"tasks": ["mood", "topic"]}])").find("have other labels") != std::string::npos);
  CHECK(error(R"("agreement": [{"tasks": "number"}])").find("does not predict one class") != std::string::npos);
  CHECK(error(R"("alignment": [{"from": "topic", "to": "mood", "texts": "none.tsv"}])")
            .find("t.json: alignment[0].texts: none.tsv") == 0);
}

TEST_CASE("ties: the source's head learns nothing, the target's attention does, and agreement moves both sides") {
  for (const std::string what : {"attention", "context"}) {
    CAPTURE(what);
    const Fixture at(file_with("\"alignment\": [{\"from\": \"topic\", \"to\": \"mood\", \"what\": \"" + what + "\"}]"));
    const auto gradients = at.gradients(3);
    REQUIRE(gradients.contains("heads.mood.pool.queries"));
    CHECK(size_of(gradients.at("heads.mood.pool.queries")) > 1e-6);
    for (const auto& [name, g] : gradients) CHECK_MESSAGE(!name.starts_with("heads.topic."), name);
  }
  const Fixture at(file_with(R"("agreement": [{"tasks": ["mood", "cls"], "views": "words"}])"));
  const auto gradients = at.gradients(3);
  CHECK(size_of(gradients.at("heads.mood.classifier.weight")) > 1e-6);
  CHECK(size_of(gradients.at("heads.cls.classifier.weight")) > 1e-6);
}

TEST_CASE("ties: weights enter as given, rise and decay over the run") {
  CHECK(tie_weight("constant", 0.5, 0.3) == 0.5);
  CHECK(tie_weight("rise", 0.5, 0.3) == Approx(0.15));
  CHECK(tie_weight("decay", 0.5, 0.3) == Approx(0.35));
  const auto gradient = [](const std::string& keys, long step) {
    const Fixture at(file_with("\"alignment\": [{\"from\": \"topic\", \"to\": \"mood\"" + keys + "}]"));
    const auto all = at.gradients(step);
    return all.contains("heads.mood.pool.queries") ? size_of(all.at("heads.mood.pool.queries")) : 0;
  };
  const double one = gradient("", 4);
  CHECK(one > 0);
  CHECK(gradient(", \"weight\": 2.5", 4) == Approx(2.5 * one).epsilon(1e-4));
  CHECK(gradient(", \"schedule\": \"rise\"", 4) == Approx(0.4 * one).epsilon(1e-4));  // step 4 of 10
  CHECK(gradient(", \"schedule\": \"decay\"", 4) == Approx(0.6 * one).epsilon(1e-4));
  CHECK(gradient(", \"schedule\": \"rise\"", 0) == 0);
  CHECK(gradient(", \"weight\": 0", 4) == 0);
}

TEST_CASE("ties: gradients are added to those that are there, and a step's are a function of its number") {
  const Fixture at(file_with(R"("alignment": [{"from": "topic", "to": "mood"}])"));
  const Tensor queries = at.model->net.params.find("heads.mood.pool.queries");
  const std::vector<real> alone = at.gradients(7).at("heads.mood.pool.queries");
  CHECK(same_bits(alone, at.gradients(7).at("heads.mood.pool.queries")));
  CHECK(!same_bits(alone, at.gradients(6).at("heads.mood.pool.queries")));
  const Fixture elsewhere(file_with(R"("alignment": [{"from": "topic", "to": "mood"}])", "run/tasks.json"));
  CHECK(same_bits(alone, elsewhere.gradients(7).at("heads.mood.pool.queries")));  // as a resumed run reads it
  at.model->net.params.clear_grads();
  at.model->net.params.train(7);
  queries.grad()[0] = 1;
  const auto values = at.ties().backward(7);
  CHECK(queries.grad()[0] == Approx(1 + alone[0]).epsilon(1e-5));
  CHECK(values.at("attention(topic,mood)").get<double>() > 0);
}

TEST_CASE("ties: queries are handed over once, at the end of the epoch that was named") {
  const Fixture at(parse_task_file(
      R"({"alignment": [{"from": "a", "to": "b", "what": "queries", "after": 2}],
          "tasks": {"a": {"labels": "x,y", "reads": "attention"}, "b": {"labels": "x,y", "reads": "attention"}}})",
      "t.json"));
  const Tensor from = at.model->net.params.find("heads.a.pool.queries"),
               to = at.model->net.params.find("heads.b.pool.queries");
  to.data()[0] = from.data()[0] + 1;
  const Ties ties = at.ties(10, 3);
  for (long step = 0; step < 6; ++step) ties.hand_over(step);
  CHECK(to.data()[0] == from.data()[0] + 1);
  ties.hand_over(6);
  CHECK(to.to_vector() == from.to_vector());
  CHECK(error_of([&] { at.ties(6, 3); }).find("alignment[0].after: the queries are handed over after epoch 2") !=
        std::string::npos);
}

TEST_CASE("ties: a head that reads the mean has one context, over words, too") {
  spec::TaskSpec mean = task_of("", nn::Predicts::label);
  mean.reads = nn::Reads::mean;
  CHECK(model::head_config(mean, small_config("attention_pool")).queries == 1);
  CHECK(model::head_config(task_of("", nn::Predicts::label), small_config("attention_pool")).queries ==
        small_config("attention_pool").num_attention_heads);
}

TEST_CASE("views: halves share no token but the first and the last, words leave out about their share") {
  nn::Tokens tokens;
  tokens.offsets = {0, 7, 10};
  for (int t = 0; t < 10; ++t) {
    tokens.ids.push_back(100 + t);
    tokens.types.push_back(t % 2);
    tokens.positions.push_back(t < 7 ? t : t - 7);
  }
  const auto [first, second] = text::two_views(tokens, "halves", 0, {});
  CHECK(first.ids == Indices{100, 101, 102, 106, 107, 108, 109});  // one token has no halves
  CHECK(second.ids == Indices{100, 103, 104, 105, 106, 107, 108, 109});
  CHECK(first.offsets == Indices{0, 4, 7});
  CHECK(first.positions == Indices{0, 1, 2, 3, 0, 1, 2});
  CHECK(second.types == Indices{0, 1, 0, 1, 0, 1, 0, 1});
  CHECK(text::two_views(tokens, "dropout", 0, {}).first.ids == tokens.ids);
  long left = 0;
  nn::Tokens many;
  many.ids = many.types = many.positions = Indices(5000, 9);
  many.offsets = {0, 5000};
  const auto [a, b] = text::two_views(many, "words", 0.3, {7, Stream::shuffle, 1, 2});
  left = a.count();
  CHECK(std::abs(double(left) / 5000 - 0.7) < 0.03);
  CHECK(a.count() != b.count());
}

TEST_CASE("likeness: 1 for two tasks with one head's parameters, every pair of tasks that read texts as a whole") {
  const Fixture at(file_with(R"("agreement": [{"tasks": "mood"}])"));
  const auto all = likeness_of(*at.model, at.set);
  CHECK(all.size() == 6);
  for (const auto& [pair, value] : all.items()) CHECK_MESSAGE((value >= 0 && value <= 1 + 1e-6), pair);
  for (const std::string part : {"weight", "bias"}) {
    const Tensor a = at.model->net.params.find("heads.cls.pooler.dense." + part),
                 b = at.model->net.params.find("heads.number.pooler.dense." + part);
    std::copy_n(a.data(), a.numel(), b.data());
  }
  CHECK(likeness_of(*at.model, at.set).at("cls,number").get<double>() == Approx(1).epsilon(1e-5));
}
