// The model card: its metadata, what is known and what is not, and that nobody's words are written over.
#include "tasks/run/card.h"

#include "tests/tasks/run/small_run.h"

using namespace test;

namespace {

struct Small {
  TemporaryDirectory dir;
  std::string path = dir.path + "/mood", card = path + "/best/README.md";
  nn::Params params{3};
  nn::Linear layer{params.root() / "layer", 2, 2, real(0.5)};

  // A run of one step with a card at its end; `before` comes between the model and the card.
  void run(
      const std::string& options, const std::function<void()>& before = [] {}) {
    run::TrainingOptions o;
    o.out = path;
    o.max_steps = 1;
    o.overwrite = true;
    params.initialise();
    run::Training training(o, params, {.options = options});
    while (training.next_step()) {
      run::Terms terms;
      terms.add("loss", 1, cross_entropy(layer(varied({2, 2}, 1)), {0, 1}));
      training.backward(terms);
      training.update();
      save(training);
    }
    before();
    run::write_card(training.run(), {.program = "sentiment",
                                     .pipeline = "text-classification",
                                     .about = "It gives texts one of its labels.",
                                     .labels = {"a|b", "good"},
                                     .texts = {{"train", 18}},
                                     .figures = {{"accuracy", 0.75}, {"macro_f1", 0.5}, {"loss", 1.25}}});
  }
  void save(run::Training& training) {
    training.keep_best({}, [&](const std::string& to) { nn::save_safetensors(to + "/x", params.tensors()); });
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("card: the metadata is Hugging Face's, what the run knows is filled in, the rest is not stated") {
  Small small;
  small.run("seed=3\nmodel=mini\nlr=0.05\ndata=/home/me/reviews.tsv\nout=/home/me/runs/x\n");
  const std::string card = nn::read_file(small.card);
  CHECK(card.starts_with("---\n"));
  CHECK(has(card, "library_name: attune\npipeline_tag: text-classification\ntags:\n- attune\nbase_model: \"mini\"\n"));
  CHECK(has(card,
            "metrics:\n- accuracy\n- f1\n- loss\nmodel-index:\n- name: \"mood\"\n  results:\n  - task:\n"
            "      type: text-classification\n    dataset:\n      type: \"reviews.tsv\"\n"
            "      name: \"reviews.tsv\"\n      split: \"test\"\n    metrics:\n    - type: accuracy\n"
            "      name: \"accuracy\"\n      value: 0.75\n    - type: f1\n      name: \"macro_f1\"\n"));
  CHECK(has(card, "# license: not stated\n"));
  CHECK(has(card, "- Labels: a\\|b, good\n"));
  CHECK(has(card, "| lr | 0.05 |\n"));
  CHECK(has(card, "train: 18 texts."));
  CHECK(has(card, "| macro_f1 | 0.5000 |"));
  CHECK(has(card, "1 steps in "));
  CHECK(!has(card, "/home/me"));  // where somebody's files are is nobody's business
  for (const char* section : {"Uses", "Bias, risks, limits", "How to start", "Safety", "Environment", "Citation"})
    CHECK_MESSAGE(has(card, fmt::format("\n## {}\n", section)), section);
  CHECK(!run::edited(card));
}

TEST_CASE("card: a model that stands in a directory is no base model that others could look up") {
  Small small;
  small.run("model=" + small.dir.path + "\n");
  CHECK(has(nn::read_file(small.card), "# base_model: not stated\n"));
}

TEST_CASE("card: one that was edited is not written over, nor lost when the model is replaced") {
  Small small;
  small.run("seed=3\n");
  CHECK(run::edited("my own words\n"));
  const std::string mine = nn::read_file(small.card) + "\nAnd I say: not for medicine.\n";
  CHECK(run::edited(mine));
  small.run("seed=4\n", [&] { nn::write_file(small.card, mine); });
  CHECK(nn::read_file(small.card) == mine);

  run::TrainingOptions o;
  o.out = small.dir.path + "/other";
  o.max_steps = 2;
  run::Training training(o, small.params, {.options = "seed=5\n"});
  REQUIRE(training.next_step());
  small.save(training);
  nn::write_file(training.run().file("best/README.md"), mine);
  small.save(training);
  CHECK(nn::read_file(training.run().file("best/README.md")) == mine);
  nn::write_file(training.run().file("best/README.md"), run::sealed("ours\n"));
  small.save(training);
  CHECK(!training.run().has("best/README.md"));
}

TEST_CASE("card: one section can be replaced, and no other changes") {
  const std::string card = "---\n---\n\n## Safety\n\nold\n\n## End\n\nlast\n";
  CHECK(run::with_section(card, "Safety", "new") == "---\n---\n\n## Safety\n\nnew\n\n## End\n\nlast\n");
  CHECK(run::with_section(card, "End", "new") == "---\n---\n\n## Safety\n\nold\n\n## End\n\nnew\n");
  CHECK_THROWS_AS(run::with_section(card, "Nothing", "new"), Error);
}
