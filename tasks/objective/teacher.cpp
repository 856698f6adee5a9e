// The teacher's outputs, text by text, computed or read from a cache. Read nn/format/tensor_stream.h and
// tasks/text/batches.h first.
#include "tasks/objective/teacher.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "nn/format/sealed.h"
#include "tasks/run/console.h"
#include "tasks/run/progress.h"

namespace objective {

using engine::check;
using engine::real;
using engine::Tensor;

namespace {

const char* kTensor = "outputs";

std::string hex(uint64_t hash) { return fmt::format("{:016x}", hash); }

std::string hash_of(const std::vector<Tensor>& tensors) {
  std::string text;
  for (const Tensor& t : tensors)
    text += fmt::format("{} {:x}\n", t.name(),
                        engine::hash_of({reinterpret_cast<const char*>(t.data()), size_t(t.numel()) * sizeof(real)}));
  return hex(engine::hash_of(text));
}

std::string hash_of(const text::EncodedSet& set) {
  std::string text;
  const auto add = [&](const std::vector<int>& x) {
    text.append(reinterpret_cast<const char*>(x.data()), x.size() * sizeof(int)) += '\n';
  };
  for (const text::Encoding& e : set.windows) {
    add(e.ids);
    add(e.types);
  }
  add(set.begin);
  return hex(engine::hash_of(text));
}

std::string names_of(const std::vector<TeacherOutput>& outputs) {
  std::string names;
  for (const TeacherOutput& o : outputs) names += (names.empty() ? "" : " ") + o.name();
  return names;
}

// The inverse of names_of().
std::vector<TeacherOutput> outputs_of(const std::string& names, long layers, const std::string& path) {
  std::vector<TeacherOutput> outputs;
  std::istringstream words(names);
  for (std::string name; words >> name;) {
    bool known = name == "logits";
    if (known) outputs.push_back({name});
    for (const char* kind : {"scores", "query", "key", "value", "hidden"})
      for (int layer = 0; layer < layers && !known; ++layer)
        if ((known = TeacherOutput{kind, layer}.name() == name)) outputs.push_back({kind, layer});
    check(known, "{}: not a cache of this teacher: it holds '{}'", path, name);
  }
  return outputs;
}

}  // namespace

Teacher::Teacher(const model::TextModel& model, const text::EncodedSet& set, std::vector<TeacherOutput> needed,
                 const std::string& cache)
    : model_(model), set_(set), needed_(std::move(needed)), held_(needed_) {
  looks_inside_ = std::any_of(needed_.begin(), needed_.end(), [](const TeacherOutput& o) { return o.layer >= 0; });
  if (cache.empty()) return;
  const std::map<std::string, std::string> identity{{"teacher", hash_of(model.net.params.tensors())},
                                                    {"texts", hash_of(set)}};
  if (!std::filesystem::exists(cache)) write_cache(cache, identity);
  open_cache(cache, identity);
}

// Columns of an output; of scores, heads.
long Teacher::width(const TeacherOutput& output) const {
  const nn::Config& c = model_.config();
  if (output.kind == "logits") return long(c.labels.size());
  if (output.kind == "hidden") return c.hidden_size;
  const long heads = c.heads_of(output.layer);
  return output.kind == "scores" ? heads : heads * (c.hidden_size / c.num_attention_heads);
}

long Teacher::size(const TeacherOutput& output, long text) const {
  long rows = output.kind == "logits";
  for (int w = set_.begin[text]; w < set_.begin[text + 1]; ++w) {
    const long T = long(set_.windows[w].ids.size());
    rows += output.kind == "logits" ? 0 : output.kind == "scores" ? T * T : T;
  }
  return rows * width(output);
}

std::vector<Tensor> Teacher::compute(long text, const std::vector<TeacherOutput>& outputs) const {
  const engine::NoGrad no_grad;
  nn::Trace trace;
  const text::Batch alone = text::pack(set_, {int(text)});
  const Tensor logits = mean_over_windows(model_.net(alone.tokens, looks_inside_ ? &trace : nullptr), alone);
  std::vector<Tensor> values;
  for (const TeacherOutput& o : outputs) {
    if (o.layer < 0)
      values.push_back(logits);
    else if (o.kind == "hidden")
      values.push_back(trace.hidden[o.layer + 1]);
    else {
      const nn::AttentionMaps& maps = trace.attention[o.layer];
      values.push_back(o.kind == "scores"  ? maps.scores
                       : o.kind == "query" ? maps.q
                       : o.kind == "key"   ? maps.k
                                           : maps.v);
    }
    check(values.back().numel() == size(o, text), "teacher: {} has {} numbers, not the {} of its text", o.name(),
          values.back().numel(), size(o, text));
  }
  return values;
}

void Teacher::write_cache(const std::string& path, const std::map<std::string, std::string>& identity) const {
  long count = 0;
  for (long text = 0; text < set_.size(); ++text)
    for (const TeacherOutput& o : needed_) count += size(o, text);
  std::map<std::string, std::string> metadata = identity;
  metadata["holds"] = names_of(needed_);
  metadata["seal"] = nn::kUnsealed;
  run::Progress progress("teacher", set_.size());
  nn::write_tensor_stream(path, kTensor, count, metadata, [&](const nn::Append& append) {
    for (long text = 0; text < set_.size(); ++text) {
      for (const Tensor& values : compute(text, needed_)) append(values.data(), values.numel());
      progress.update(text + 1);
    }
  });
  progress.interrupt();
}

void Teacher::open_cache(const std::string& path, const std::map<std::string, std::string>& identity) {
  cache_.emplace(path, kTensor);
  const auto said = [&](const std::string& key) {
    const auto found = cache_->metadata().find(key);
    return found == cache_->metadata().end() ? "" : found->second;
  };
  check(said("teacher") == identity.at("teacher"), "{}: a cache of another teacher; remove it, or name another file",
        path);
  check(said("texts") == identity.at("texts"), "{}: a cache for other texts; remove it, or name another file", path);
  held_ = outputs_of(said("holds"), model_.config().num_hidden_layers, path);
  for (const TeacherOutput& need : needed_)
    check(std::any_of(held_.begin(), held_.end(), [&](const TeacherOutput& o) { return o.name() == need.name(); }),
          "{}: the cache holds {}, but {} is needed; remove it, or name another file", path, names_of(held_),
          need.name());
  begin_ = {0};
  for (long text = 0; text < set_.size(); ++text) {
    long count = 0;
    for (const TeacherOutput& o : held_) count += size(o, text);
    begin_.push_back(begin_.back() + count);
  }
  check(begin_.back() == cache_->count(), "{}: a cache for other texts; remove it, or name another file", path);
  const std::string fault = nn::seal_fault(path);
  check(fault.empty(), "{}: {}; remove it, or name another file", path, fault);
  run::print_note("teacher: {} of {} texts from {}\n", names_of(needed_), set_.size(), path);
}

// Of each output that is needed, the texts end to end.
std::vector<std::vector<real>> Teacher::join(const std::vector<int>& texts) const {
  std::vector<std::vector<real>> joined(needed_.size());
  for (const int text : texts) {
    if (!cache_) {
      const std::vector<Tensor> values = compute(text, needed_);
      for (size_t i = 0; i < needed_.size(); ++i)
        joined[i].insert(joined[i].end(), values[i].data(), values[i].data() + values[i].numel());
      continue;
    }
    long at = begin_[text];
    for (const TeacherOutput& held : held_) {
      const long count = size(held, text);
      for (size_t i = 0; i < needed_.size(); ++i) {
        if (needed_[i].name() != held.name()) continue;
        joined[i].resize(joined[i].size() + count);
        cache_->read(at, count, joined[i].data() + joined[i].size() - count);
      }
      at += count;
    }
  }
  return joined;
}

Tensor Teacher::read(const text::Batch& batch, nn::Trace& trace) const {
  const std::vector<std::vector<real>> joined = join(batch.rows);
  trace.hidden.resize(model_.config().num_hidden_layers + 1);
  trace.attention.resize(model_.config().num_hidden_layers);
  Tensor logits;
  for (size_t i = 0; i < needed_.size(); ++i) {
    const TeacherOutput& o = needed_[i];
    const long numbers = long(joined[i].size());
    const Tensor value(o.kind == "scores" ? engine::Shape{numbers} : engine::Shape{numbers / width(o), width(o)},
                       joined[i]);
    if (o.layer < 0) {
      logits = value;
      continue;
    }
    nn::AttentionMaps& maps = trace.attention[o.layer];
    maps.layout = engine::Ragged(batch.tokens.offsets, model_.config().heads_of(o.layer));
    (o.kind == "hidden"   ? trace.hidden[o.layer + 1]
     : o.kind == "scores" ? maps.scores
     : o.kind == "query"  ? maps.q
     : o.kind == "key"    ? maps.k
                          : maps.v) = value;
  }
  return logits;
}

}  // namespace objective
