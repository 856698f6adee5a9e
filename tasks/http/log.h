// A log of requests: a line of JSON each.
#pragma once

#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

#include "nn/format/json_value.h"

namespace http {

class Log {
 public:
  // "-": standard error; empty: none. Error: it cannot be written.
  explicit Log(const std::string& path);
  // With the time before everything else. What is no UTF-8 becomes U+FFFD. That a line cannot be written stops nobody.
  void write(const nn::ordered_json& line);

 private:
  struct Close {
    void operator()(std::FILE* file) const {
      if (file != stderr) std::fclose(file);
    }
  };
  std::mutex mutex_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace http
