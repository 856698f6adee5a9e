// How long a translation may and must be, how it must begin, and what of it the directory says.
#include <set>

#include "tests/support/translator.h"

using namespace test;
using translate::DecodeOptions;

namespace {

// The pieces of a sentence's translation, without the end.
std::vector<int> said(const Translator& t, const DecodeOptions& how, const std::string& text = "red") {
  std::vector<int> ids = t.translate({text}, how)[0][0].ids;
  CHECK(ids.back() == t.pieces.end());
  ids.pop_back();
  return ids;
}

// One that ends at once, where it may.
Translator short_spoken() {
  Translator t = drawn(shared_pieces(), 2, 1, 5, 100);
  t.model->final_logits_bias.data()[t.pieces.end()] = 100;
  t.model->config.max_position_embeddings = t.model->config.max_length = 40;
  return t;
}

}  // namespace

TEST_CASE("translator: the least length is kept where the source's pieces would allow less; what cannot be is said") {
  Translator t = short_spoken();
  DecodeOptions how;
  how.beams = 1;
  CHECK(said(t, how).empty());
  how.min_length = 3;
  CHECK(said(t, how).size() == 3);
  how.max_length_factor = 0.1;  // 10 pieces
  how.min_length = 25;
  CHECK(said(t, how).size() == 25);
  how.max_length = 26;
  CHECK(said(t, how).size() == 25);
  how.max_length = 25;
  CHECK(error_of([&] { said(t, how); }) == "--min-length 25 and the end are more than --max-length 25");
  how.max_length = 0;
  how.min_length = 39;
  CHECK(error_of([&] { said(t, how); }) == "--min-length 39 and the end are more than the directory's max_length 40");
  t.model->config.max_length = 100;
  how.min_length = 40;
  CHECK(error_of([&] { said(t, how); }) == "--min-length 40 and the end are more than the model's 40 positions");
}

TEST_CASE("translator: what a translation begins with counts for its length") {
  Translator t = short_spoken();
  DecodeOptions how;
  how.beams = 1;
  how.begin = "das rote Haus";
  std::vector<int> begin = t.pieces.target(how.begin);
  begin.pop_back();
  const long count = long(begin.size());
  REQUIRE(count > 2);
  how.max_length = count + 1;
  CHECK(said(t, how) == begin);
  how.max_length = count;
  CHECK(error_of([&] { said(t, how); }) ==
        fmt::format("--begin, {} pieces, and the end are more than --max-length {}", count, count));
  how.max_length = 0;
  how.max_length_factor = 0.1;
  for (int i = 0; i < 4; ++i) how.begin += " das rote Haus";
  begin = t.pieces.target(how.begin);
  begin.pop_back();
  REQUIRE(begin.size() > 11);
  t.model->config.max_position_embeddings = t.model->config.max_length = 100;
  CHECK(said(t, how) == begin);
  t.model->config.max_position_embeddings = 12;
  CHECK(error_of([&] { said(t, how); }).ends_with(" pieces, and the end are more than the model's 12 positions"));
}

TEST_CASE("translator: what the directory says of decoding holds where nothing else is asked for") {
  Translator t = short_spoken();
  nn::TranslationConfig& c = t.model->config;
  DecodeOptions how;
  how.beams = 1;
  c.min_length = 7;  // the start is one of them
  CHECK(said(t, how).size() == 6);
  how.min_length = 2;
  CHECK(said(t, how).size() == 2);
  how.min_length.reset();
  how.max_length = 6;
  CHECK(error_of([&] { said(t, how); }) == "the directory's minimum of 6 and the end are more than --max-length 6");
  how.max_length = 0;
  c.min_length = 30;
  const auto repeats = [&] {
    const std::vector<int> ids = said(t, how);
    return std::set<int>(ids.begin(), ids.end()).size() < ids.size();
  };
  CHECK(repeats());
  c.no_repeat_ngram_size = 1;
  CHECK(!repeats());
  how.no_repeat = 0;
  CHECK(repeats());
  const int first = t.pieces.target("rot")[0];
  c.forced_bos_token_id = first;
  CHECK(said(t, how)[0] == first);
  how.begin = "Haus";
  CHECK((said(t, how)[0] == first && said(t, how)[1] == t.pieces.target("Haus")[0]));
}

TEST_CASE("translator: the directory's first piece costs nothing, and --begin what the model says") {
  Translator t = short_spoken();
  DecodeOptions how;
  how.beams = 1;
  how.length_penalty = 0;
  const auto score = [&] { return t.translate({"red"}, how)[0][0].score; };
  const double at_once = score();
  how.begin = "rot";
  CHECK(score() < at_once - 1);
  how.begin = "";
  t.model->config.forced_bos_token_id = t.pieces.target("rot")[0];
  CHECK(score() > -1e-3);
}

TEST_CASE("translator: with the directory's renormalize_logits no score depends on the logit of <pad>") {
  Translator t = drawn(shared_pieces(), 2, 1, 5, 40);
  t.model->config.min_length = 4;
  DecodeOptions how;
  how.beams = 2;
  const auto score = [&](engine::real bias) {
    t.model->final_logits_bias.data()[t.pieces.padding()] = bias;
    return t.translate({"the red house"}, how)[0][0].score;
  };
  CHECK(score(5) < score(0) - 0.1);
  t.model->config.renormalize_logits = true;
  CHECK(score(5) == doctest::Approx(score(0)));
}
