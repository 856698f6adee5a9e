// Values of events: tensors, and which plugin of TensorBoard shows them. Read tasks/events/summary.h first: formulas.
#include "tasks/events/summary.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/base.h"

namespace events {

using engine::check;

namespace {

// DataType of TensorFlow's TensorProto.
enum Type { kFloat = 1, kDouble = 2, kString = 7 };

// TensorProto{1 dtype, 2 shape{2 dim{1 size}}, ...}: the values follow.
Proto tensor(Type type, const std::vector<long>& shape) {
  Proto dims;
  for (const long size : shape) dims.message(2, size ? Proto().varint(1, uint64_t(size)) : Proto());
  return Proto().varint(1, type).message(2, dims);
}

template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// SummaryMetadata{1 plugin_data{1 plugin_name, 2 content}, 2 display_name, 3 description}
Proto metadata(const std::string& plugin, const std::string& content = "", const std::string& display_name = "",
               const std::string& description = "") {
  Proto data, all;
  data.bytes(1, plugin);
  if (!content.empty()) data.bytes(2, content);
  all.message(1, data);
  if (!display_name.empty()) all.bytes(2, display_name);
  if (!description.empty()) all.bytes(3, description);
  return all;
}

// Summary.Value{1 tag, 8 tensor, 9 metadata}
Proto value(const std::string& tag, const Proto& tensor, const Proto& metadata) {
  return Proto().bytes(1, tag).message(8, tensor).message(9, metadata);
}

// google.protobuf.Value{2 number, 3 string, 4 bool}
Proto value_of(const Setting& setting) {
  Proto value;
  if (const double* number = std::get_if<double>(&setting)) value.number(2, *number);
  if (const bool* truth = std::get_if<bool>(&setting)) value.varint(4, *truth);
  if (const std::string* text = std::get_if<std::string>(&setting)) value.bytes(3, *text);
  return value;
}

// HParamsPluginData{1 version = 0, left out, 2 experiment, 3 session_start_info, 4 session_end_info}: the message is
// the plugin's content, and the tensor beside it is empty.
Proto hparams(const std::string& what, int field, const Proto& message) {
  return value("_hparams_/" + what, tensor(kFloat, {0}), metadata("hparams", Proto().message(field, message).text()));
}

}  // namespace

Proto scalar(const std::string& tag, float x, const std::string& description) {
  return value(tag, tensor(kFloat, {}).bytes(5, raw(std::vector<float>{x})), metadata("scalars", "", "", description));
}

Proto text(const std::string& tag, const std::string& markdown, const std::string& description) {
  return value(tag, tensor(kString, {}).bytes(8, markdown), metadata("text", "", "", description));
}

Proto table(const std::string& tag, const std::vector<std::vector<std::string>>& cells) {
  Proto data = tensor(kString, {long(cells.size()), cells.empty() ? 0 : long(cells[0].size())});
  for (const std::vector<std::string>& row : cells) {
    check(row.size() == cells[0].size(), "a table of events: {} cells in a row of {}", row.size(), cells[0].size());
    for (const std::string& cell : row) data.bytes(8, cell);
  }
  return value(tag, data, metadata("text"));
}

Proto images(const std::string& tag, long width, long height, const std::vector<std::string>& png) {
  Proto data = tensor(kString, {2 + long(png.size())});
  data.bytes(8, std::to_string(width)).bytes(8, std::to_string(height));
  for (const std::string& file : png) data.bytes(8, file);
  return value(tag, data, metadata("images"));
}

namespace {

// low + i width in two roundings, as numpy has it, and not in the one that a processor has an instruction for.
double edge(double low, double width, int i) {
  const volatile double product = i * width;
  return product + low;
}

}  // namespace

template <class T>
std::vector<Bin> bins_of(const T* values, long n, int k) {
  double low = INFINITY, high = -INFINITY;
  long finite = 0;
  for (long i = 0; i < n; ++i) {
    if (!std::isfinite(values[i])) continue;
    low = std::min(low, double(values[i]));
    high = std::max(high, double(values[i]));
    ++finite;
  }
  std::vector<Bin> bins(static_cast<size_t>(k));
  if (!finite) return bins;
  const double width = (high - low) / k;
  for (int i = 0; i < k; ++i) bins[size_t(i)] = {edge(low, width, i), i + 1 < k ? edge(low, width, i + 1) : high, 0};
  if (!(width > 0)) {
    bins.back().count = double(finite);
    return bins;
  }
  for (long i = 0; i < n; ++i)
    if (std::isfinite(values[i])) ++bins[size_t(std::min(int((double(values[i]) - low) / width), k - 1))].count;
  return bins;
}
template std::vector<Bin> bins_of(const float* values, long n, int k);
template std::vector<Bin> bins_of(const double* values, long n, int k);

Proto histogram(const std::string& tag, const std::vector<Bin>& bins) {
  std::vector<double> rows;
  for (const Bin& bin : bins) rows.insert(rows.end(), {bin.left, bin.right, bin.count});
  return value(tag, tensor(kDouble, {long(bins.size()), 3}).bytes(4, raw(rows)), metadata("histograms"));
}

Proto pr_curve(const std::string& tag, const std::vector<double>& p, const std::vector<bool>& holds, int T) {
  check(p.size() == holds.size() && T >= 2, "pr_curve {}: {} probabilities, {} truths, {} thresholds", tag, p.size(),
        holds.size(), T);
  std::vector<double> found(static_cast<size_t>(T)), wrong(found);  // those whose last threshold it is
  for (size_t i = 0; i < p.size(); ++i) {
    check(p[i] >= 0 && p[i] <= 1, "pr_curve {}: {} is no probability", tag, p[i]);
    ++(holds[i] ? found : wrong)[size_t(std::floor(p[i] * (T - 1)))];
  }
  for (size_t i = size_t(T) - 1; i-- > 0;) found[i] += found[i + 1], wrong[i] += wrong[i + 1];
  std::vector<float> rows;  // [6, T]
  for (const double tp : found) rows.push_back(float(tp));
  for (const double fp : wrong) rows.push_back(float(fp));
  for (const double fp : wrong) rows.push_back(float(wrong[0] - fp));
  for (const double tp : found) rows.push_back(float(found[0] - tp));
  for (size_t i = 0; i < found.size(); ++i) rows.push_back(float(found[i] / std::max(1e-7, found[i] + wrong[i])));
  for (const double tp : found) rows.push_back(float(tp / std::max(1e-7, found[0])));
  return value(tag + "/pr_curves", tensor(kFloat, {6, T}).bytes(4, raw(rows)),
               metadata("pr_curves", Proto().varint(2, uint64_t(T)).text(), tag));
}

Proto experiment(double created, const std::vector<HParam>& parameters, const std::vector<Metric>& metrics) {
  Proto all;  // Experiment{3 time_created_secs, 4 hparam_infos, 5 metric_infos}
  all.number(3, created);
  for (const HParam& p : parameters) {
    // HParamInfo{1 name, 2 display_name, 4 type, 5 domain_discrete{1 value}, 6 domain_interval{1 min, 2 max}}
    Proto info;
    info.bytes(1, p.name);
    if (!p.display_name.empty()) info.bytes(2, p.display_name);
    if (p.type != HParam::Type::unset) info.varint(4, uint64_t(p.type));
    Proto list;
    for (const Setting& setting : p.domain) list.message(1, value_of(setting));
    if (!p.domain.empty()) info.message(5, list);
    if (p.interval) info.message(6, Proto().number(1, p.interval->first).number(2, p.interval->second));
    all.message(4, info);
  }
  for (const Metric& m : metrics) {
    Proto info;  // MetricInfo{1 name{2 tag}, 3 display_name, 4 description, 5 dataset_type}
    info.message(1, Proto().bytes(2, m.tag));
    if (!m.display_name.empty()) info.bytes(3, m.display_name);
    if (!m.description.empty()) info.bytes(4, m.description);
    if (m.of != Metric::Of::unset) info.varint(5, uint64_t(m.of));
    all.message(5, info);
  }
  return hparams("experiment", 2, all);
}

Proto session_begins(double start, const std::vector<std::pair<std::string, Setting>>& settings,
                     const std::string& group) {
  Proto info;  // SessionStartInfo{1 hparams: a map, 4 group_name, 5 start_time_secs}
  for (const auto& [name, setting] : settings) info.message(1, Proto().bytes(1, name).message(2, value_of(setting)));
  if (!group.empty()) info.bytes(4, group);
  return hparams("session_start_info", 3, info.number(5, start));
}

Proto session_ends(double end, Status status) {
  return hparams("session_end_info", 4, Proto().varint(1, uint64_t(status)).number(2, end));
}

}  // namespace events
