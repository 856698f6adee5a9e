// Articles as vectors and words, in one file. Read tasks/answer/index.h and tasks/score/bm25.h first.
#include "tasks/answer/index.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "nn/format/json.h"
#include "nn/format/safetensors.h"
#include "nn/format/sha256.h"
#include "tasks/score/order.h"
#include "tasks/text/wordpiece.h"

namespace answer {

using engine::check;
using engine::real;
using nn::json;
using nn::ordered_json;

namespace {

const std::set<std::string> kFunctionWords{
    "a",    "an",    "the",   "is",    "are",    "was",   "were",  "be",  "been", "do",     "does", "did",
    "can",  "could", "will",  "would", "should", "i",     "me",    "my",  "you",  "your",   "it",   "its",
    "this", "that",  "there", "to",    "of",     "in",    "on",    "at",  "for",  "from",   "with", "and",
    "or",   "if",    "how",   "what",  "when",   "where", "which", "who", "why",  "please", "as",   "by",
    "so",   "we",    "our",   "us",    "have",   "has",   "had",   "not", "no"};

std::vector<std::vector<std::string>> terms_of(const std::vector<Article>& articles, std::string Article::*part) {
  std::vector<std::vector<std::string>> terms;
  for (const Article& a : articles) terms.push_back(index_terms(a.*part));
  return terms;
}

Tensor vectors_of(const std::vector<Article>& articles, const model::TextModel& model) {
  std::vector<std::string> titles, texts;
  for (const Article& a : articles) {
    titles.push_back(a.title.empty() ? a.text : a.title);
    texts.push_back(a.text.empty() ? a.title : a.text);
  }
  const Tensor t = read(model, titles).vectors, x = read(model, texts).vectors;
  Tensor mean(t.shape());  // [n, C]
  for (long i = 0; i < t.numel(); ++i) mean.data()[i] = (t.data()[i] + x.data()[i]) / 2;
  return mean;
}

}  // namespace

std::vector<std::string> index_terms(const std::string& text) {
  std::vector<std::string> terms;
  for (const std::string& word : text::split_words(text)) {
    if (kFunctionWords.count(word) || (word.size() == 1 && std::ispunct(static_cast<unsigned char>(word[0])))) continue;
    terms.push_back(stem_of(word));
    append_runs(word, 3, terms);
  }
  return terms;
}

std::string hash_of(const std::string& model_directory) {
  std::string hashes;
  for (const char* name : {"model.safetensors", "adapter_model.safetensors"})
    if (const std::string file = model_directory + "/" + name; std::filesystem::exists(file))
      hashes += (hashes.empty() ? "" : "+") + nn::sha256_hex(nn::read_file(file));
  check(!hashes.empty(), "{}: no weights there", model_directory);
  return hashes;
}

Index::Index(std::vector<Article> articles, Tensor vectors, std::string model_hash)
    : articles_(std::move(articles)),
      vectors_(std::move(vectors)),
      nearest_(vectors_),
      hash_(std::move(model_hash)),
      titles_(terms_of(articles_, &Article::title)),
      texts_(terms_of(articles_, &Article::text)) {}

Index::Index(const std::vector<Article>& articles, const model::TextModel& model, std::string model_hash)
    : Index(articles, vectors_of(articles, model), std::move(model_hash)) {}

void Index::save(const std::string& path) const {
  ordered_json list = ordered_json::array();
  for (const Article& a : articles_) list.push_back({{"id", a.id}, {"title", a.title}, {"text", a.text}});
  Tensor vectors = vectors_.clone();
  nn::save_safetensors(path, {vectors.named("vectors")}, {{"model", hash_}, {"articles", list.dump()}});
}

Index Index::load(const std::string& path, const std::string& model_hash) {
  const nn::SafeTensors file(path);
  const auto& metadata = file.metadata();
  check(file.has("vectors") && metadata.count("model") && metadata.count("articles"),
        "{}: not an index of articles; `answer index` writes one", path);
  check(metadata.at("model") == model_hash,
        "{}: an index of another model ({}..., this one is {}...); `answer index` makes it again", path,
        metadata.at("model").substr(0, 12), model_hash.substr(0, 12));
  const json list = nn::parse_json(metadata.at("articles"), path);
  check(list.is_array(), "{}: its articles must be a list", path);
  std::vector<Article> articles;
  for (const json& a : list) {
    Article& article = articles.emplace_back();
    const nn::JsonObject object(a, path);
    object.take("id", article.id);
    object.take("title", article.title);
    object.take("text", article.text);
    article.where = path;
  }
  Tensor vectors = file.read("vectors");
  check(vectors.shape().rank() == 2 && vectors.dim(0) == long(articles.size()), "{}: {} articles, but vectors {}", path,
        articles.size(), vectors);
  return Index(std::move(articles), std::move(vectors), model_hash);
}

void Index::add(std::vector<Article> added, const model::TextModel& model) {
  const Tensor fresh = vectors_of(added, model);  // [m, C]
  const long C = fresh.dim(1);
  check(articles_.empty() || vectors_.dim(1) == C, "the index has vectors of {}, the model makes some of {}",
        vectors_.dim(1), C);
  std::vector<Article> articles = articles_;
  std::vector<real> rows = vectors_.to_vector();
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < articles.size(); ++i) places[articles[i].id] = i;
  for (size_t i = 0; i < added.size(); ++i) {
    const real* row = fresh.data() + long(i) * C;
    const auto [place, is_new] = places.emplace(added[i].id, articles.size());
    if (is_new) {
      articles.push_back(added[i]);
      rows.insert(rows.end(), row, row + C);
    } else {
      std::copy(row, row + C, rows.begin() + long(place->second) * C);
      articles[place->second] = added[i];
    }
  }
  *this = Index(articles, Tensor({long(articles.size()), C}, rows), hash_);
}

std::vector<Found> Index::search(const std::string& question, const Tensor& vector, long k, double by_vector) const {
  if (articles_.empty()) return {};
  const score::Neighbours near = nearest_(vector, kDepth);
  const std::vector<std::string> terms = index_terms(question);
  std::vector<double> words = titles_.scores(terms);
  const std::vector<double> text = texts_.scores(terms);
  for (size_t i = 0; i < words.size(); ++i) words[i] += kText * text[i];
  std::vector<int> by_words = score::top(words, kDepth);
  std::erase_if(by_words, [&](int i) { return words[size_t(i)] <= 0; });
  std::vector<int> named = near.index;  // by either ranking; in the order of the articles, so that equal ones keep it
  named.insert(named.end(), by_words.begin(), by_words.end());
  std::ranges::sort(named);
  named.erase(std::unique(named.begin(), named.end()), named.end());
  const auto places = [&](std::vector<int> ranking) {
    for (int& i : ranking) i = int(std::ranges::lower_bound(named, i) - named.begin());
    return ranking;
  };
  const std::vector<double> both =
      score::fused({places(near.index), places(by_words)}, {by_vector, 1 - by_vector}, long(named.size()));
  std::vector<Found> found;
  const long C = vectors_.dim(1);
  for (const int place : score::top(both, k)) {
    const int i = named[size_t(place)];
    double cosine = 0;
    for (long c = 0; c < C; ++c) cosine += double(vector.data()[c]) * double(vectors_.data()[long(i) * C + c]);
    found.push_back({i, cosine, words[size_t(i)], both[size_t(place)]});
  }
  return found;
}

}  // namespace answer
