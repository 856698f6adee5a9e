// Recommend: what is handed over: by a teacher, and from one kind of interactions to the whole history.
#include <filesystem>

#include "tasks/recommend/learning.h"
#include "tests/support/programs.h"
#include "tests/tasks/recommend/tiny.h"

using namespace recommend;
using engine::real;
using test::tiny;

namespace {

struct Looked {
  SequenceModel model{tiny("last", 7), {}, 3};
  nn::Tokens histories;
  Looked() {
    model.params.initialise();
    const std::vector<int> a{0, 1, 2, 3, 4}, b{5, 6}, c{3, 5, 1};
    histories = packed({a, b, c}, 6);
  }
  Tensor apart(const Indices& kinds) const {
    const Tensor v = model.item_vectors();
    std::vector<nn::AttentionMaps> maps;
    model.user_vectors(v, histories, &maps);
    return kinds_apart(model, v, histories, kinds, maps);
  }
};

// softmax over some scores of a row
std::vector<double> shares(const nn::AttentionMaps& m, long b, long h, long query, const std::vector<int>& keys) {
  std::vector<double> p;
  double sum = 0;
  for (const int key : keys) {
    p.push_back(std::exp(double(m.scores.data()[m.layout.block(b, h) + query * m.layout.key_count(b) + key])));
    sum += p.back();
  }
  for (double& share : p) share /= sum;
  return p;
}

// A run of the program, and its options.
struct Trained {
  test::TemporaryDirectory dir;
  std::string run = dir.path + "/teacher", data;
  Trained() {
    std::string taken = "user\titem\ttime\tkind\n";
    for (int u = 0; u < 20; ++u)
      for (int n = 0; n < 6; ++n)
        taken += fmt::format("u{}\ti{}\t{}\t{}\n", u, (u + n * (1 + u % 2)) % 9, n, (u + n) % 3 ? "buy" : "click");
    data = "--interactions " + dir.write("taken.tsv", taken) +
           " --text none --layers 2 --hidden 8 --heads 2 --intermediate 8 --positions 5 --ease 5 --knn 3 --damping 1 "
           "--k 2 --lr 0.01 --batch-size 40 --kinds buy=3,click=1 --dropout 0 ";
    const test::Result made = test::call("recommend", "train " + data + "--epochs 30 --out " + run);
    REQUIRE_MESSAGE(made.status == 0, made.output);
  }
};

}  // namespace

TEST_CASE("recommend: attention over all and over one kind is compared place by place, as the formula says") {
  const Looked f;
  const engine::NoGrad no_grad;
  const Indices kinds{0, 1, 0, 1, 0, 1, 0, 2, 2, 0};  // places 0, 2, 4 of the first history; no other has two
  std::vector<nn::AttentionMaps> whole, alone;
  const Tensor v = f.model.item_vectors();
  f.model.user_vectors(v, f.histories, &whole);
  const std::vector<int> own{0, 2, 4};
  f.model.user_vectors(v, packed({own}, 6), &alone);
  double want = 0;
  for (size_t l = 0; l < 2; ++l)
    for (long h = 0; h < 2; ++h)
      for (long i = 0; i < 3; ++i) {
        std::vector<int> there, here;
        for (int j = 0; j <= int(i); ++j) there.push_back(2 * j), here.push_back(j);
        const auto p = shares(whole[l], 0, h, 2 * i, there), q = shares(alone[l], 0, h, i, here);
        for (size_t j = 0; j < p.size(); ++j) want += (p[j] - q[j]) * std::log(p[j] / q[j]);
      }
  CHECK(f.apart(kinds).item() == doctest::Approx(want / (2 * 2 * 3 * 2)).epsilon(1e-3));
  CHECK(want > 0);
}

TEST_CASE(
    "recommend: histories of one kind are no different from themselves, and those without two places are silent") {
  const Looked f;
  const engine::NoGrad no_grad;
  CHECK(std::abs(f.apart(Indices(10, 0)).item()) < 1e-6);
  CHECK(!f.apart({1, 1, 0, 1, 1, 1, 0, 2, 2, 0}));
}

TEST_CASE("recommend: aligned, both attentions move, and no further apart than they were") {
  Looked f;
  const Indices kinds{0, 1, 0, 1, 0, 0, 0, 0, 1, 0};
  f.model.params.train(0);
  const double before = double(f.apart(kinds).item());
  for (int step = 0; step < 30; ++step) {
    f.model.params.clear_grads();
    engine::backward(f.apart(kinds));
    for (Tensor t : f.model.params.tensors())
      for (long i = 0; t.has_grad() && i < t.numel(); ++i) t.data()[i] -= real(0.5) * t.grad_data()[i];
  }
  CHECK(double(f.apart(kinds).item()) < 0.5 * before);
}

TEST_CASE(
    "recommend: a teacher that is the student has nothing to say; one of other items, places or cuts is refused") {
  const Trained t;
  const auto own = load_recommender(t.run);
  TransferOptions o;
  o.teacher = t.run, o.soft_targets = 1, o.attention_kl = 1;
  const Teacher teacher(o, own->sequence->config, own->data.items, "last", 42);
  std::vector<nn::AttentionMaps> maps;
  const std::vector<int> some{4, 1, 0}, others{2, 3};
  const nn::Tokens histories = packed({some, others}, 5);
  const auto terms_of = [&](SequenceModel& student) {
    const Tensor users = student.user_vectors(student.item_vectors(), histories, &maps);
    const Indices among{0, 2, 5};
    const Tensor bias = reshape(gather_rows(reshape(student.bias, {9, 1}), among), {3});
    run::Terms terms;
    teacher.add_to(terms, linear(users, gather_rows(student.item_vectors(), among), bias), maps, histories, among);
    return double(terms.sum().item());
  };
  CHECK(std::abs(terms_of(*own->sequence)) < 1e-5);
  SequenceModel other(own->sequence->config, {}, 9);
  other.params.initialise();
  CHECK(terms_of(other) > 1e-3);

  const auto refused = [&](const SequenceConfig& config, const std::vector<Item>& items, const std::string& protocol) {
    return test::error_of([&] { Teacher(o, config, items, protocol, 42); }).substr(("--teacher " + t.run).size());
  };
  SequenceConfig longer = own->sequence->config;
  longer.positions = 7;
  CHECK(refused(longer, own->data.items, "last") == ": reads 5 places of a history, the student 7");
  CHECK(refused(own->sequence->config, {{.id = "x", .title = "", .text = "", .tags = {}}}, "last") ==
        ": does not know the item 'x'");
  CHECK(refused(own->sequence->config, own->data.items, "time").starts_with(": was trained with --protocol last"));
}

TEST_CASE("recommend: a student learns from its teacher alone, and resumed it ends in the same bits") {
  const Trained t;
  const std::string student = t.dir.path + "/student", again = t.dir.path + "/again";
  const std::string command = "train " + t.data + "--teacher " + t.run +
                              " --hard 0 --soft-targets 1 --attention-kl 1 --align-kinds 0.1 --entropy-penalty 0.01 "
                              "--patience 0 --epochs 12 --out ";
  const test::Result made = test::call("recommend", command + student);
  REQUIRE_MESSAGE(made.status == 0, made.output);
  std::vector<double> soft;
  const std::string log = nn::read_file(student + "/log.jsonl");
  for (size_t at = 0; (at = log.find("\"soft_targets\":", at)) != std::string::npos; ++at)
    soft.push_back(std::stod(log.substr(at + 15)));
  REQUIRE(soft.size() > 10);
  CHECK(soft.back() < 0.5 * soft.front());
  for (const char* term : {"attention_kl", "aligned", "entropy"})
    CHECK_MESSAGE(log.find(fmt::format("\"{}\":", term)) != std::string::npos, std::string(term));
  REQUIRE(test::call("recommend", command + again).status == 0);
  std::filesystem::rename(again + "/previous.safetensors", again + "/last.safetensors");  // a checkpoint earlier
  REQUIRE(test::call("recommend", "train --resume " + again).status == 0);
  const std::string best = "/best/model.safetensors";
  CHECK(nn::read_file(student + best) == nn::read_file(again + best));
  const auto refused = [&](const std::string& options, const std::string& says) {
    const test::Result result = test::call("recommend", "train " + t.data + options + " --out " + t.dir.path + "/x");
    CHECK_MESSAGE((result.status == 2 && result.last_line().find(says) != std::string::npos), result.output);
  };
  refused("--soft-targets 1", "--soft-targets and --attention-kl need a --teacher");
  refused("--teacher " + t.run, "--teacher hands over nothing without");
  refused("--teacher " + t.run + " --soft-targets 1 --negatives 3", "--soft-targets is of the softmax over all items");
  refused("--align-kinds 1 --layers 0", "--align-kinds: with --layers 0 nothing attends");
  refused("--entropy-penalty 1 --layers 0", "--layers 0 has no attention to shape");
}
