// Fingerprint: a few lines that change when what a run learns from does, one a part: "train 9b1f...".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/tensor.h"

namespace run {

class Fingerprint {
 public:
  // More bytes of a part ("train", "vocabulary"); ("ab", "c") and ("a", "bc") differ.
  Fingerprint& add(const std::string& part, std::string_view bytes);
  Fingerprint& add_values(const std::string& part, const std::vector<engine::Tensor>& values);
  std::string text() const;

  // ": train, vocabulary": the parts that differ in two texts, or nothing where none has a name.
  static std::string difference(const std::string& before, const std::string& now);

 private:
  std::vector<std::pair<std::string, uint64_t>> parts_;
};

}  // namespace run
