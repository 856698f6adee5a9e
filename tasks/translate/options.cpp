// The options of `translate train`, and what they make. Read tasks/run/options.h first.
#include "tasks/translate/options.h"

#include <cmath>

#include "tasks/objective/transfer.h"
#include "tasks/run/console.h"
#include "tasks/text/embedded.h"

namespace translate {

using engine::check;

Options::Options() {
  training.batch_size = 2048;
  training.epochs = 60;
  training.lr_default = "2e-3; of an adapter 5e-4, prefix 5e-3, bitfit 1e-3";
  training.schedule = "inverse-sqrt";
  training.warmup = 0.05;
  training.beta2 = 0.98;
  training.weight_decay = 0;
  training.clip = 0;
  adapter.targets = adapter.usual_targets = "q_proj,v_proj";
}

void Options::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what, const char* group) -> run::Option& {
    return options.add(name, variable, what).group(group);
  };
  const char *files = "Data files: without any, the embedded English-German phrases", *sizes = "Model";
  add("--source", source, "texts, one a line", files).reads();
  add("--target", target, "their translations, line by line", files).reads();
  add("--data", data, "or both in a file: text, tab, translation", files).reads().excludes("--source");
  add("--dev-source", dev_source, "held-out texts: what is measured after every epoch", files).reads();
  add("--dev-target", dev_target, "their translations", files).reads();
  add("--dev", dev, "or both in a file", files).reads().excludes("--dev-source");
  add("--dev-share", dev_share, "of the pairs that are held out where no file has them", files).between(0, 0.9);
  add("--model", model, "a translation model to go on from, in Hugging Face's form; default: a new one", sizes);
  add("--pieces", pieces.kind,
      "of a new one: unigram, bpe, by SentencePiece, which keeps single blanks; wordpiece, whose blanks are guessed; "
      "learned from both languages together",
      sizes)
      .one_of({"unigram", "bpe", "wordpiece"});
  add("--vocab-size", pieces.vocabulary, "pieces at most", sizes).between(8, 1e6);
  add("--lowercase", pieces.lowercase, "texts are lower-cased, before they are cut", sizes);
  add("--layers", layers, "of the encoder", sizes).between(1, 100);
  add("--decoder-layers", decoder_layers, "0: as many", sizes).between(0, 100);
  add("--hidden", hidden, "width", sizes).between(2, 1e5);
  add("--heads", heads, "attention heads", sizes).between(1, 1000);
  add("--intermediate", intermediate, "width of the feed-forward networks", sizes).between(1, 1e6);
  add("--positions", positions, "pieces of a text at most; longer pairs are left out", sizes).between(2, 1e5);
  add("--norm", norm, "post: behind each sum, as Marian; pre: in front of each part", sizes).one_of({"post", "pre"});
  add("--activation", activation, "relu, gelu or silu", sizes).one_of({"relu", "gelu", "silu"});
  add("--dropout", dropout, "of embeddings and of what parts return; default: 0.3 of a new model, else its own", sizes)
      .between(0, 0.99);
  add("--attention-dropout", attention_dropout, "of probabilities; default: 0 of a new model, else its own", sizes)
      .between(0, 0.99);
  add("--activation-dropout", activation_dropout,
      "inside the feed-forward networks; default: 0 of a new model, else its own", sizes)
      .between(0, 0.99);
  add("--label-smoothing", label_smoothing, "share of the target that all pieces have alike", "Learning").between(0, 1);
  add("--r-drop", r_drop, "weight of the distance between two passes with other dropout masks", "Learning")
      .not_negative();
  add("--piece-dropout", piece_dropout,
      "cut the training texts anew in every epoch, each merge left out with this probability", "Learning")
      .only_with("--pieces", {"bpe"})
      .between(0, 0.99);
  add("--average", average, "measure and keep the mean of the weights after the last so many epochs", "Learning")
      .between(1, 1000);
  add("--dev-beams", dev_beams, "beams of the measurement", "Learning").between(1, 100);
  add("--tokenize", tokenize, "of its BLEU: 13a; none, for files of tokenised text; intl, zh, char", "Learning")
      .one_of({"13a", "intl", "zh", "char", "none"});
  add("--sort-window", sort_window,
      "sort the pairs of so many steps by length, then give the steps an order by the seed; 0: no sorting", "Learning")
      .between(0, 1e6);
  distil.declare(options);
  adapter.declare(options);
  training.declare(options, "translate");
  options.footer(
      "--batch-size counts target pieces here. The best model is that with the highest BLEU on the held-out texts.");
}

void Options::settle(run::Options& options) {
  training.settle(options, "translate");
  distil.settle();
  if (training.resume.empty()) objective::check_hard(options, distil.hard);
  const auto both = [](const std::string& a, const std::string& b, const char* names) {
    if (a.empty() != b.empty()) run::usage_error("{} belong together", names);
  };
  both(source, target, "--source and --target");
  both(dev_source, dev_target, "--dev-source and --dev-target");
  if (source.empty() && data.empty() && !(dev.empty() && dev_source.empty()))
    run::usage_error("--dev is for texts of one's own: --source and --target, or --data");
  if (!model.empty())
    for (const char* name : {"--pieces", "--vocab-size", "--lowercase", "--layers", "--decoder-layers", "--hidden",
                             "--heads", "--intermediate", "--positions", "--norm", "--activation"})
      if (training.resume.empty() && options.given(name))
        run::usage_error("{} is for a new model; {} has its own", name, model);
  if (adapter.any() && model.empty()) run::usage_error("--adapter is for --model DIR: what it is put on stays");
  if (!adapter.base.empty() && model.empty()) run::usage_error("--base is for --model with an adapter directory");
  if (distil.compares())
    for (const char* name : {"--pieces", "--vocab-size", "--lowercase"})
      if (training.resume.empty() && options.given(name))
        run::usage_error("{} makes pieces; a student that is compared with its teacher has the teacher's", name);
}

nn::TranslationConfig Options::config(const Pieces& p) const {
  nn::TranslationConfig c;
  c.vocab_size = p.size();
  c.d_model = hidden;
  c.encoder_layers = layers;
  c.decoder_layers = decoder_layers ? decoder_layers : layers;
  c.encoder_attention_heads = c.decoder_attention_heads = heads;
  c.encoder_ffn_dim = c.decoder_ffn_dim = intermediate;
  c.activation_function = activation;
  c.dropout = 0.3;
  set_dropouts(c);
  c.normalize_before = norm == "pre";
  c.max_position_embeddings = c.max_length = positions;
  c.eos_token_id = p.end();
  c.pad_token_id = c.decoder_start_token_id = p.padding();
  c.forbidden = {p.padding()};
  c.check_sizes("translate");
  return c;
}

void Options::set_dropouts(nn::TranslationConfig& c) const {
  c.dropout = dropout.value_or(c.dropout);
  c.attention_dropout = attention_dropout.value_or(c.attention_dropout);
  c.activation_dropout = activation_dropout.value_or(c.activation_dropout);
}

std::vector<std::string> Options::inputs() const {
  std::vector<std::string> paths;
  for (const std::string& path :
       {source, target, data, dev_source, dev_target, dev, model, adapter.base, distil.teacher})
    if (!path.empty()) paths.push_back(path);
  return paths;
}

Data read_data(const Options& o) {
  Data data;
  Texts all = !o.data.empty()     ? read_pairs(o.data)
              : !o.source.empty() ? read_pairs(o.source, o.target)
                                  : pairs_of(text::embedded_phrases(), "embedded");
  if (!o.dev.empty() || !o.dev_source.empty()) {
    data.dev = o.dev.empty() ? read_pairs(o.dev_source, o.dev_target) : read_pairs(o.dev);
    data.train = std::move(all);
    return data;
  }
  const double every = o.dev_share > 0 ? 1 / o.dev_share : 0;
  double next = every / 2;
  for (long i = 0; i < all.size(); ++i) {
    const bool held = every > 0 && double(i) >= next;
    Texts& to = held ? data.dev : data.train;
    if (held) next += every;
    to.source.push_back(all.source[i]);
    to.target.push_back(all.target[i]);
    to.where.push_back(all.where[i]);
  }
  check(data.train.size() > 0, "translate: --dev-share {} leaves no pair to learn from", o.dev_share);
  return data;
}

namespace {

Pieces pieces_of(const Options& o, const Texts& train, const Translator* teacher) {
  if (o.distil.compares()) return teacher->pieces;
  std::vector<std::string> texts = train.source;
  texts.insert(texts.end(), train.target.begin(), train.target.end());
  const Pieces pieces = Pieces::learn(texts, o.pieces);
  const long same = pieces.came_back(texts), all = long(texts.size());
  if (o.pieces.kind == "wordpiece")
    run::print_note("word pieces: {} of {} texts come back as they were, the others with other blanks\n", same, all);
  else if (same < all)
    run::print_note("pieces: {} of {} texts come back as they were; the others lose blanks, tabs or \u2581\n", same,
                    all);
  return pieces;
}

}  // namespace

Translator make_translator(const Options& o, const Texts& train, const Translator* teacher) {
  if (!o.model.empty()) {
    const std::string directory = Translator::directory_of(o.model);
    check(!o.adapter.any() || !nn::is_adapter_directory(directory),
          "--adapter {}: {} is an adapter already; merged with its base it can carry another", o.adapter.kind,
          directory);
    const Translator from = Translator::load_to_train(directory, o.adapter.base);
    nn::TranslationConfig c = from.model->config;
    o.set_dropouts(c);
    Translator t = from.twin(c, o.training.seed);
    if (o.adapter.any()) model::add_adapter(*t.model, o.adapter, directory);
    model::print_adapter(*t.model);
    return t;
  }
  Translator t{pieces_of(o, train, teacher), nullptr};
  t.model = std::make_unique<nn::EncoderDecoder>(o.config(t.pieces), o.training.seed);
  t.model->params.initialise();
  return t;
}

}  // namespace translate
