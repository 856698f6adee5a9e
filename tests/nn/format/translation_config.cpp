// An encoder-decoder's config.json and generation_config.json: what is read of decoding, written again, refused.
#include "nn/format/translation_config.h"

#include <filesystem>

#include "nn/format/files.h"
#include "nn/format/json_value.h"
#include "tests/support/nn.h"

using namespace test;

namespace {

// A directory whose generation_config.json says this.
nn::TranslationConfig read_with(const TemporaryDirectory& dir, const std::string& generation) {
  nn::TranslationConfig c =
      sized_translation({.vocabulary = 20, .width = 8, .layers = 1, .heads = 2, .inner = 8, .positions = 30});
  dir.write("config.json", nn::translation_config_json(c));
  dir.write("generation_config.json", generation);
  return nn::read_translation_config(dir.path);
}

}  // namespace

TEST_CASE("translation config: what generation_config.json says of decoding is read, and written again as it was") {
  const TemporaryDirectory dir;
  const std::string said = R"({"early_stopping": true, "forced_bos_token_id": 3, "max_length": 25, "min_length": 4,
                               "no_repeat_ngram_size": 2, "num_beams": 6})";
  const nn::TranslationConfig c = read_with(dir, said);
  CHECK(c.early_stopping == "true");
  CHECK(c.forced_bos_token_id == 3);
  CHECK(c.min_length == 4);
  CHECK(c.no_repeat_ngram_size == 2);
  const nn::json written = nn::json::parse(nn::generation_config_json(c)), given = nn::json::parse(said);
  for (const auto& [key, value] : given.items()) CHECK_MESSAGE(written[key] == value, key);
  for (const char* stop : {"false", "\"never\""}) {
    const std::string of_stop = fmt::format("{{\"early_stopping\": {}}}", stop);
    const nn::json again = nn::json::parse(nn::generation_config_json(read_with(dir, of_stop)));
    CHECK(again["early_stopping"] == nn::json::parse(stop));
  }
  // what is not said is not written
  const nn::json silent = nn::json::parse(nn::generation_config_json(read_with(dir, "{\"do_sample\": false}")));
  for (const char* key : {"early_stopping", "forced_bos_token_id", "min_length", "no_repeat_ngram_size"})
    CHECK_MESSAGE(!silent.contains(key), key);
}

TEST_CASE("translation config: generation_config.json alone says how to decode; without it, config.json does") {
  const TemporaryDirectory dir;
  nn::TranslationConfig c =
      sized_translation({.vocabulary = 20, .width = 8, .layers = 1, .heads = 2, .inner = 8, .positions = 30});
  c.num_beams = 7, c.length_penalty = 0.5, c.max_length = 25, c.no_repeat_ngram_size = 2, c.forbidden = {5};
  nn::ordered_json config = nn::ordered_json::parse(nn::translation_config_json(c));
  config["repetition_penalty"] = 1.5;
  dir.write("config.json", config.dump());
  dir.write("generation_config.json", R"({"max_length": 12})");
  const nn::TranslationConfig by_file = nn::read_translation_config(dir.path);
  CHECK((by_file.num_beams == 1 && by_file.length_penalty == 1 && by_file.max_length == 12));
  CHECK((by_file.no_repeat_ngram_size == 0 && by_file.forbidden.empty() && !by_file.forces_end));
  std::filesystem::remove(dir.path + "/generation_config.json");
  CHECK(error_of([&] { nn::read_translation_config(dir.path); }) ==
        dir.path + "/config.json: repetition_penalty is 1.5; it is not supported");
  config.erase("repetition_penalty");
  config.erase("forced_eos_token_id");
  dir.write("config.json", config.dump());
  const nn::TranslationConfig by_config = nn::read_translation_config(dir.path);
  CHECK((by_config.num_beams == 7 && by_config.length_penalty == 0.5 && by_config.max_length == 25));
  CHECK((by_config.no_repeat_ngram_size == 2 && by_config.forbidden == std::vector<long>{5} && by_config.forces_end));
}

TEST_CASE("translation config: forced_eos_token_id that is null or not there forces no end, and stays so") {
  const TemporaryDirectory dir;
  CHECK(read_with(dir, R"({"forced_eos_token_id": 0})").forces_end);
  for (const char* none : {"{}", R"({"forced_eos_token_id": null})"}) {
    const nn::TranslationConfig c = read_with(dir, none);
    CHECK(!c.forces_end);
    CHECK(!read_with(dir, nn::generation_config_json(c)).forces_end);
  }
}

TEST_CASE("translation config: sizes that would keep a machine busy for minutes are refused") {
  const TemporaryDirectory dir;
  CHECK(error_of([&] { read_with(dir, R"({"num_beams": 100000})"); }) ==
        dir.path + "/config.json: num_beams must be in [1, 1000]; got 100000");
  CHECK(error_of([&] {
          nn::TranslationConfig c = sized_translation(
              {.vocabulary = 20, .width = 8, .layers = 1, .heads = 2, .inner = 8, .positions = 10'000'000});
          c.check_sizes("here");
        }) == "here: max_position_embeddings must be in [1, 100000]; got 10000000");
}

TEST_CASE("translation config: a search that is not this one is refused by its key") {
  const TemporaryDirectory dir;
  const auto refused = [&](const std::string& generation) {
    return error_of([&] { read_with(dir, generation); }).substr(dir.path.size() + 1);
  };
  CHECK(refused("{\"num_beam_groups\": 2}") == "generation_config.json: num_beam_groups is 2; it is not supported");
  CHECK(refused("{\"repetition_penalty\": 1.2}") ==
        "generation_config.json: repetition_penalty is 1.2; it is not supported");
  CHECK(refused("{\"do_sample\": true}").starts_with("generation_config.json: do_sample is true; "));
  CHECK(refused("{\"early_stopping\": \"soon\"}") ==
        "generation_config.json: early_stopping must be false, true or \"never\"; got \"soon\"");
  CHECK(refused("{\"min_length\": 9, \"max_length\": 9}") ==
        "config.json: min_length must be from 0 to below max_length 9; got 9");
  CHECK(refused("{\"forced_bos_token_id\": 99}") ==
        "config.json: forced_bos_token_id: 99 must be in the vocabulary of 20 and not the end");
  CHECK_NOTHROW(
      read_with(dir, R"({"repetition_penalty": 1.0, "num_beam_groups": 1, "top_k": 50, "temperature": 1.0})"));
}

TEST_CASE("translation config: max_new_tokens and min_new_tokens win, and do not count the start") {
  const TemporaryDirectory dir;
  const nn::TranslationConfig c =
      read_with(dir, R"({"max_length": 9, "max_new_tokens": 12, "min_length": 8, "min_new_tokens": 3})");
  CHECK(c.max_length == 13);
  CHECK(c.min_length == 4);
  CHECK(read_with(dir, R"({"max_length": 9, "max_new_tokens": null, "min_new_tokens": 0})").max_length == 9);
  CHECK(error_of([&] { read_with(dir, R"({"max_new_tokens": -1})"); }) ==
        dir.path + "/generation_config.json: max_new_tokens must be in [1, 10000000]; got -1");
  CHECK(read_with(dir, R"({"max_new_tokens": 5, "min_new_tokens": 5})").min_length == 5);
  CHECK(read_with(dir, R"({"max_length": 9, "min_new_tokens": 70})").min_length == 8);
}

TEST_CASE("translation config: what would change a translation and is not supported is refused by its key, not null") {
  const TemporaryDirectory dir;
  const auto refused = [&](const std::string& generation) {
    return error_of([&] { read_with(dir, generation); }).substr(dir.path.size() + 1);
  };
  const std::pair<const char*, const char*> keys[] = {{"suppress_tokens", "[3]"},
                                                      {"begin_suppress_tokens", "[3]"},
                                                      {"sequence_bias", "[[[3],-1.0]]"},
                                                      {"exponential_decay_length_penalty", "[5,1.5]"},
                                                      {"forced_decoder_ids", "[[1,3]]"},
                                                      {"force_words_ids", "[[3]]"},
                                                      {"encoder_repetition_penalty", "1.5"},
                                                      {"guidance_scale", "2"},
                                                      {"penalty_alpha", "0.6"}};
  for (const auto& [key, value] : keys) {
    CHECK(refused(fmt::format("{{\"{}\": {}}}", key, value)) ==
          fmt::format("generation_config.json: {} is {}; it is not supported", key, value));
    CHECK_NOTHROW(read_with(dir, fmt::format("{{\"{}\": null}}", key)));
  }
  CHECK_NOTHROW(read_with(dir, R"({"suppress_tokens": [], "guidance_scale": 1.0, "num_return_sequences": 4})"));
  for (const char* key : {"eos_token_id", "forced_eos_token_id"}) {
    CHECK(refused(fmt::format("{{\"{}\": [0, 5]}}", key)) ==
          fmt::format("generation_config.json: {} is [0,5]; another one than 0 is not supported", key));
    CHECK_NOTHROW(read_with(dir, fmt::format("{{\"{}\": [0]}}", key)));
  }
  CHECK(refused("{\"decoder_start_token_id\": 4}") ==
        "generation_config.json: decoder_start_token_id is 4; another one than 19 is not supported");
}

TEST_CASE("translation config: renormalize_logits is read, and written where it is true") {
  const TemporaryDirectory dir;
  const auto written = [&](const std::string& generation) {
    return nn::json::parse(nn::generation_config_json(read_with(dir, generation)));
  };
  CHECK(written(R"({"renormalize_logits": true})")["renormalize_logits"] == true);
  for (const char* no : {"{}", R"({"renormalize_logits": false})", R"({"renormalize_logits": null})"})
    CHECK(!written(no).contains("renormalize_logits"));
}

TEST_CASE("translation config: a key that config.json does not have means Hugging Face's default") {
  const TemporaryDirectory dir;
  const nn::TranslationConfig given =
      sized_translation({.vocabulary = 20, .width = 8, .layers = 1, .heads = 2, .inner = 8, .positions = 30});
  CHECK((given.activation_function == "relu" && given.scale_embedding));
  nn::ordered_json config = nn::ordered_json::parse(nn::translation_config_json(given)),
                   less = nn::ordered_json::object();
  for (const auto& [key, value] : config.items())
    if (key != "activation_function" && key != "scale_embedding" && key != "dropout" && key != "num_beams")
      less[key] = value;
  dir.write("config.json", less.dump());
  const nn::TranslationConfig c = nn::read_translation_config(dir.path);
  CHECK(c.activation_function == "gelu");
  CHECK(!c.scale_embedding);
  CHECK(c.dropout == 0.1);
  CHECK(c.num_beams == 1);
}
