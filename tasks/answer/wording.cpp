// TF-IDF and logistic regression over it. Read tasks/answer/wording.h first: the formulas.
#include "tasks/answer/wording.h"

#include <cmath>
#include <map>

#include "engine/random.h"
#include "nn/format/json.h"
#include "nn/format/safetensors.h"
#include "tasks/score/confidence.h"
#include "tasks/text/utf8.h"
#include "tasks/text/wordpiece.h"

namespace answer {

using engine::check;
using engine::real;
using engine::Tensor;

namespace {

constexpr int kPasses = 20;
constexpr double kRate = 2;

bool is_word(const std::string& feature) { return feature[0] == ' '; }

}  // namespace

std::string stem_of(std::string word) {
  for (const std::string end : {"ingly", "edly", "ing", "ies", "ed", "es", "ly", "s", "e"}) {
    if (!word.ends_with(end) || word.size() < end.size() + 3) continue;
    word.resize(word.size() - end.size());
    if (end == "ies") word += 'y';
    break;
  }
  const size_t n = word.size();
  if (n > 3 && word[n - 1] == word[n - 2] && std::string_view("lsz").find(word[n - 1]) == std::string_view::npos)
    word.pop_back();  // "shipp" -> "ship"
  if (word.size() > 3 && word.back() == 'y') word.back() = 'i';
  return word;
}

void append_runs(const std::string& word, size_t n, std::vector<std::string>& to) {
  const std::string framed = "<" + word + ">";
  std::vector<size_t> starts;
  for (size_t at = 0; at < framed.size(); text::next_code_point(framed, at)) starts.push_back(at);
  starts.push_back(framed.size());
  for (size_t i = 0; i + n < starts.size(); ++i)
    to.push_back("#" + framed.substr(starts[i], starts[i + n] - starts[i]));
}

std::vector<std::string> Wording::features(const std::string& text) {
  std::vector<std::string> features;
  std::string before;
  for (const std::string& word : text::split_words(text)) {
    features.push_back(" " + stem_of(word));
    if (!before.empty()) features.push_back(" " + before + " " + word);
    before = word;
    for (size_t n = 3; n <= 5; ++n) append_runs(word, n, features);
  }
  return features;
}

Wording::Wording(const std::vector<std::string>& texts, const std::vector<int>& classes, long K, uint64_t seed)
    : K_(K) {
  check(!texts.empty() && texts.size() == classes.size(), "wording: a class for each text; got {} and {}", texts.size(),
        classes.size());
  std::vector<double> texts_with;
  for (const std::string& text : texts) {
    std::map<std::string, int> seen;
    for (const std::string& feature : features(text)) ++seen[feature];
    for (const auto& [feature, count] : seen) {
      const auto [at, is_new] = ids_.emplace(feature, int(ids_.size()));
      if (is_new) texts_with.push_back(0);
      ++texts_with[size_t(at->second)];
    }
  }
  for (const double n : texts_with) idf_.push_back(1 + std::log((1 + double(texts.size())) / (1 + n)));
  weights_.assign(idf_.size() * size_t(K), 0);
  bias_.assign(size_t(K), 0);
  std::vector<std::vector<Entry>> rows;
  for (const std::string& text : texts) rows.push_back(vector_of(text));
  for (int pass = 0; pass < kPasses; ++pass)
    for (const int i : engine::permutation(int(rows.size()), {seed, engine::Stream::shuffle, uint32_t(pass)})) {
      std::vector<double> slope = score::probabilities(product(rows[size_t(i)]));
      slope[size_t(classes[size_t(i)])] -= 1;
      const double rate = kRate / std::sqrt(1.0 + pass);
      for (const Entry& e : rows[size_t(i)])
        for (long k = 0; k < K; ++k) weights_[size_t(e.feature * K + k)] -= rate * slope[size_t(k)] * e.x;
      for (long k = 0; k < K; ++k) bias_[size_t(k)] -= rate * 0.1 * slope[size_t(k)];
    }
}

std::vector<Wording::Entry> Wording::vector_of(const std::string& text) const {
  std::map<std::string, double> count;
  for (const std::string& feature : features(text)) ++count[feature];
  std::vector<Entry> entries;
  double norm[2] = {0, 0};
  std::vector<bool> word;
  for (const auto& [feature, n] : count) {
    const auto found = ids_.find(feature);
    if (found == ids_.end()) continue;
    const double x = (1 + std::log(n)) * idf_[size_t(found->second)];
    entries.push_back({found->second, x});
    word.push_back(is_word(feature));
    norm[is_word(feature)] += x * x;
  }
  for (size_t e = 0; e < entries.size(); ++e) entries[e].x /= std::sqrt(norm[word[e]]);
  return entries;
}

std::vector<double> Wording::product(const std::vector<Entry>& x) const {
  std::vector<double> y = bias_;
  for (const Entry& e : x)
    for (long k = 0; k < K_; ++k) y[size_t(k)] += weights_[size_t(e.feature * K_ + k)] * e.x;
  return y;
}

std::vector<double> Wording::logits(const std::string& text) const { return product(vector_of(text)); }

void Wording::save(const std::string& path) const {
  std::vector<std::string> names(ids_.size());
  for (const auto& [feature, id] : ids_) names[size_t(id)] = feature;
  const auto tensor = [](const std::vector<double>& x, const engine::Shape& shape, const char* name) {
    Tensor t(shape, std::vector<real>(x.begin(), x.end()));
    return t.named(name);
  };
  const long F = long(idf_.size());
  nn::save_safetensors(path,
                       {tensor(idf_, {F}, "idf"), tensor(weights_, {F, K_}, "weight"), tensor(bias_, {K_}, "bias")},
                       {{"features", nn::json(names).line()}});
}

Wording Wording::load(const std::string& path) {
  const nn::SafeTensors file(path);
  check(file.has("idf") && file.has("weight") && file.has("bias") && file.metadata().count("features"),
        "{}: not what `answer train` writes of the words", path);
  const auto take = [&](const char* name) {
    const std::vector<real> x = file.read(name).to_vector();
    return std::vector<double>(x.begin(), x.end());
  };
  Wording w;
  w.idf_ = take("idf");
  w.weights_ = take("weight");
  w.bias_ = take("bias");
  w.K_ = long(w.bias_.size());
  for (const auto& name : nn::parse_json(file.metadata().at("features"), path)) {
    check(name.is_string(), "{}: a feature must be a string; got {}", path, nn::shown_json(name));
    w.ids_.emplace(name, int(w.ids_.size()));
  }
  check(w.ids_.size() == w.idf_.size() && w.weights_.size() == w.idf_.size() * size_t(w.K_),
        "{}: {} features, idf {} and weights {} do not fit", path, w.ids_.size(), w.idf_.size(), w.weights_.size());
  return w;
}

}  // namespace answer
