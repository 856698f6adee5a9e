// What is in scope against what is not, beside scikit-learn's values (golden), and by hand. Read
// tasks/score/separation.h before.
#include "tasks/score/separation.h"

#include "tests/support/golden_json.h"

using namespace test;
using namespace score;

TEST_CASE("separation: golden areas, rates at 95 % and the least error, with ties, of few and of separate scores") {
  const json cases = golden_json("ranking.json")["out_of_scope"];
  REQUIRE(!cases.empty());
  for (const json& want : cases) {
    const Separation got = separation(want["in_scope"], want["out_of_scope"]);
    const std::string name = want["name"];
    expect(got.auroc, want["auroc"], name + " auroc");
    expect(got.aupr_in, want["aupr_in"], name + " aupr in");
    expect(got.aupr_out, want["aupr_out"], name + " aupr out");
    expect(got.fpr95, want["fpr95"], name + " fpr95");
    expect(got.threshold, want["fpr95_threshold"], name + " threshold");
    expect(got.tpr95, want["tpr_there"], name + " tpr");
    expect(got.fpr95_out, want["fpr95_out_as_positive"], name + " fpr95 out");
    expect(got.error, want["detection_error"], name + " error");
  }
}

TEST_CASE("separation: scores the wrong way round cost one half, whatever the threshold; two kinds are needed") {
  const Separation wrong = separation({1, 2}, {3, 4});
  CHECK(wrong.auroc == 0);
  CHECK(wrong.error == 0.5);
  CHECK(wrong.fpr95 == 1);
  CHECK(wrong.threshold == 1);
  CHECK(error_of([] { separation({}, {1}); }).find("scores of both kinds; got 0 and 1") != std::string::npos);
  CHECK(error_of([] { separation({NAN}, {1}); }).find("finite") != std::string::npos);
}
