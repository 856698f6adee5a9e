// Texts in, texts out. Read nn/model/decoder.h and nn/model/beam.h first.
#include "tasks/translate/translator.h"

#include <algorithm>
#include <filesystem>

#include "engine/ops.h"
#include "nn/adapter/attach.h"
#include "nn/adapter/files.h"
#include "nn/format/sealed.h"
#include "tasks/model/adapter.h"
#include "tasks/run/console.h"
#include "tasks/text/data.h"
#include "tasks/text/utf8.h"
#include "tasks/translate/pairs.h"

namespace translate {

using engine::check;
using engine::Tensor;

void DecodeOptions::declare(run::Options& options, bool several) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Decoding");
  };
  add("--beams", beams, "hypotheses that go on together; 1: the most likely piece each time; default: the directory's")
      .between(1, 1000);
  add("--length-penalty", length_penalty,
      "a: a hypothesis' score is the sum of its log p / pieces^a; 0: short ones win; default: the directory's")
      .between(-10, 10);
  add("--stop", stop,
      "exact: when nothing that goes on can become better; present, first: as Hugging Face's early_stopping false and "
      "true; default: the directory's; of a new model exact")
      .one_of({"exact", "present", "first"});
  if (several) add("--n-best", n_best, "translations of each text").between(1, 1000);
  add("--min-length", min_length, "pieces at least, without the end; default: the directory's").between(0, 1e5);
  add("--max-length", max_length, "pieces at most, with the end; 0: what the directory and the positions allow")
      .between(0, 1e5);
  add("--max-length-factor", max_length_factor,
      "and at most so many times the source's pieces, and 10 more; what --min-length and --begin need is allowed")
      .between(0.1, 1000);
  add("--no-repeat", no_repeat, "runs of so many pieces occur once; 0: as they come; default: the directory's")
      .between(0, 100);
  add("--begin", begin, "how every translation begins").check([](const std::string& value) {
    return text::is_utf8(value) ? "" : "the text is not valid UTF-8";
  });
  add("--sample", sample, "draw the pieces by their probability");
  add("--temperature", temperature, "of draws: below 1 nearer to the most likely").only_with("--sample").positive();
  add("--top-k", top_k, "of draws: among so many; 0: all").only_with("--sample").between(0, 1e6);
  add("--top-p", top_p, "of draws: among the fewest that have this probability together")
      .only_with("--sample")
      .between(1e-6, 1);
  add("--batch-tokens", batch_tokens, "source pieces that are translated together").between(1, 1e7);
  add("--seed", seed, "of draws").only_with("--sample").between(0, 9e15);
}

void DecodeOptions::settle() const {
  if (max_length && min_length.value_or(0) >= max_length)
    run::usage_error("--min-length {} and the end are more than --max-length {}", *min_length, max_length);
  if (sample && beams.value_or(1) > 1) run::usage_error("--beams {} is of a search; --sample draws", *beams);
  if (sample && stop) run::usage_error("--stop {} is of a search; --sample draws", *stop);
}

namespace {

// The directory's early_stopping is Hugging Face's; a model of ours says "never": nothing that is better is missed.
nn::Stop stop_of(const DecodeOptions& o, const nn::TranslationConfig& c) {
  const std::string stop = o.stop                        ? *o.stop
                           : c.early_stopping == "true"  ? "first"
                           : c.early_stopping == "false" ? "present"
                                                         : "exact";
  return stop == "exact" ? nn::Stop::exact : stop == "present" ? nn::Stop::present : nn::Stop::first;
}

nn::SearchOptions search_options(const DecodeOptions& o, const nn::TranslationConfig& c) {
  nn::SearchOptions s;
  s.beams = o.sample ? 1 : o.beams.value_or(std::max(int(c.num_beams), o.n_best));
  s.length_penalty = o.length_penalty.value_or(c.length_penalty);
  s.stop = stop_of(o, c);
  s.n_best = o.n_best;
  s.least = o.min_length.value_or(std::max(c.min_length - 1, 0L));  // which counts the start
  s.no_repeat = o.no_repeat.value_or(int(c.no_repeat_ngram_size));
  s.sample = o.sample;
  s.temperature = o.temperature;
  s.top_k = o.top_k;
  s.top_p = o.top_p;
  s.seed = o.seed;
  for (const long id : c.forbidden) s.forbidden.push_back(int(id));
  s.renormalize = c.renormalize_logits;
  s.force_end = c.forces_end;
  return s;
}

}  // namespace

std::string Translator::directory_of(const std::string& path) {
  const auto there = [](const std::string& directory) {
    return std::filesystem::exists(directory + "/config.json") || nn::is_adapter_directory(directory);
  };
  return !there(path) && there(path + "/best") ? path + "/best" : path;
}

namespace {

Translator load_whole(const std::string& directory) {
  nn::require_sound_directory(directory);
  Translator t{Pieces::load(directory), nn::load_translation(directory)};
  std::string& stop = t.model->config.early_stopping;  // older ones of ours did not say it
  if (stop.empty()) stop = std::filesystem::exists(directory + "/translate.json") ? "never" : "false";
  const nn::TranslationConfig& c = t.model->config;
  check(t.pieces.size() == c.vocab_size, "{}: vocab.json has {} pieces, the model {}: it is another model's vocabulary",
        directory, t.pieces.size(), c.vocab_size);
  check(t.pieces.end() == c.eos_token_id && t.pieces.padding() == c.pad_token_id,
        "{}: </s> and <pad> are {} and {} in vocab.json, {} and {} in config.json", directory, t.pieces.end(),
        t.pieces.padding(), c.eos_token_id, c.pad_token_id);
  return t;
}

void require_float(const Translator& t, const std::string& path) {
  check(!t.model->config.int8, "{}: its weights are int8, for translating alone; name the model that it was made from",
        path);
}

}  // namespace

Translator Translator::load(const std::string& path, const std::string& base) {
  check(std::filesystem::is_directory(path), "{}: no such directory", path);
  const std::string directory = directory_of(path);
  if (!nn::is_adapter_directory(directory)) {
    check(base.empty(), "--base is for an adapter directory; {} is a model of its own", directory);
    return load_whole(directory);
  }
  nn::require_sound_directory(directory);
  nn::AdapterConfig config = nn::read_adapter_config(directory + "/adapter_config.json");
  config.base = directory_of(model::find_base(config, directory, base));
  check(!nn::is_adapter_directory(config.base), "{}: its base, {}, is an adapter, too; merge that one first", directory,
        config.base);
  Translator t = load_whole(config.base);
  require_float(t, config.base);
  nn::attach(*t.model, config, nn::fingerprint_of(nn::open_weights(config.base)));
  nn::load_adapter(*t.model, directory);
  nn::merge(*t.model);
  return t;
}

Translator Translator::load_to_train(const std::string& path, const std::string& base) {
  Translator t = load(path, base);
  require_float(t, path);
  return t;
}

void Translator::save(const std::string& directory, nn::Stored stored) const {
  if (model->adapter) return nn::save_adapter(*model, directory, stored);
  nn::save_translation(*model, directory, stored);
  pieces.save(directory);
}

Translator Translator::twin(const nn::TranslationConfig& config, uint64_t seed) const {
  Translator t{pieces, std::make_unique<nn::EncoderDecoder>(config, seed)};
  t.model->params.initialise();
  if (model->adapter) nn::attach(*t.model, *model->adapter, model->params.base_fingerprint());
  for (const Tensor& p : t.model->params.tensors()) {
    const Tensor& from = model->params.find(p.name());
    std::copy_n(from.data(), from.numel(), p.data());
  }
  return t;
}

namespace {

// The sources of texts, empty where a text is; and those that are not, the longest first: batches of like lengths.
struct Sources {
  std::vector<std::vector<int>> ids;
  std::vector<int> order;
  Sources(const std::vector<std::string>& texts, const Translator& t, long first) : ids(texts.size()) {
    const long positions = t.model->config.max_position_embeddings;
    for (size_t i = 0; i < texts.size(); ++i) {
      if (text::is_blank(texts[i])) continue;
      check(text::is_utf8(texts[i]), "text {} is not valid UTF-8", first + long(i) + 1);
      ids[i] = t.pieces.source(texts[i]);
      check(long(ids[i].size()) <= positions, "text {} has {} pieces; the model has {} positions", first + long(i) + 1,
            ids[i].size(), positions);
      order.push_back(int(i));
    }
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return ids[a].size() > ids[b].size(); });
  }
};

// How long translations may be, with the end, and what they begin with.
struct Bounds {
  long most, needed = 1;  // needed: what is allowed however short the source
  std::vector<int> begin;
  long free = 0;  // of `begin`: the directory's piece costs nothing

  Bounds(const Translator& t, const DecodeOptions& o, long least) {
    const nn::TranslationConfig& c = t.model->config;
    const long asked = o.max_length ? o.max_length : c.max_length - 1;
    most = std::min(asked, c.max_position_embeddings);
    if (c.forced_bos_token_id >= 0) begin = {int(c.forced_bos_token_id)}, free = 1;
    if (!o.begin.empty()) {
      const std::vector<int> pieces = t.pieces.target(o.begin);
      begin.insert(begin.end(), pieces.begin(), pieces.end() - 1);  // without its end
    }
    const std::string bound = asked > most   ? fmt::format("the model's {} positions", most)
                              : o.max_length ? fmt::format("--max-length {}", o.max_length)
                                             : fmt::format("the directory's max_length {}", c.max_length);
    const auto need = [&](const std::string& what, long pieces) {
      check(pieces < most, "{} and the end are more than {}", what, bound);
      needed = std::max(needed, pieces + 1);
    };
    need(fmt::format("{} {}", o.min_length ? "--min-length" : "the directory's minimum of", least), least);
    need(fmt::format("--begin, {} pieces,", begin.size()), long(begin.size()));
  }
  long of(const std::vector<int>& source, double factor) const {
    return std::min(most, std::max(needed, long(factor * double(source.size())) + 10));
  }
};

}  // namespace

std::vector<std::vector<Translation>> Translator::translate(const std::vector<std::string>& texts,
                                                            const DecodeOptions& o,
                                                            const std::function<void(long)>& progress,
                                                            long first_text) const {
  const nn::TranslationConfig& c = model->config;
  const nn::SearchOptions how = search_options(o, c);
  const Bounds bounds(*this, o, how.least);
  const Sources sources(texts, *this, first_text);
  std::vector<std::vector<Translation>> result(texts.size(), std::vector<Translation>(1));
  for (size_t first = 0, next; first < sources.order.size(); first = next) {
    std::vector<const std::vector<int>*> batch;
    std::vector<nn::Asked> asked;
    long tokens = 0;
    for (next = first; next < sources.order.size() && (next == first || tokens < o.batch_tokens); ++next) {
      const std::vector<int>& source = sources.ids[sources.order[next]];
      batch.push_back(&source);
      tokens += long(source.size());
      asked.push_back({bounds.of(source, o.max_length_factor), bounds.begin, bounds.free,
                       uint32_t(first_text + sources.order[next])});
    }
    nn::Decoding decoding(*model, packed(batch));
    const auto found =
        nn::search([&](const nn::Indices& ids, const nn::Indices& parents) { return decoding.step(ids, parents); },
                   asked, int(c.decoder_start_token_id), int(c.eos_token_id), how);
    for (size_t i = first; i < next; ++i) {
      std::vector<Translation>& to = result[sources.order[i]];
      to.clear();
      for (const nn::Hypothesis& h : found[i - first]) to.push_back({pieces.text(h.ids), h.score, h.ids});
    }
    if (progress) progress(long(next));
  }
  return result;
}

void Translator::require(const std::vector<std::string>& texts, long first) const { Sources(texts, *this, first); }

Tensor Translator::alignment(const std::vector<int>& source, const std::vector<int>& target) const {
  const engine::NoGrad no_grad;
  const Pair pair{source, target};
  const Batch batch = batch_of({&pair}, int(model->config.decoder_start_token_id));
  nn::TranslationTrace trace;
  (*model)(batch.source, batch.input, &trace);
  const nn::AttentionMaps& maps = trace.cross.back();
  return reshape(ragged_mean_heads(maps.probs, maps.layout), {long(target.size()), long(source.size())});
}

}  // namespace translate
