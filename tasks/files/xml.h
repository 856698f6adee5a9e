// XML read as a stream: memory holds a block of it, never the tree.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct XML_ParserStruct;

namespace files {

// What an element was given; names without their namespaces.
class Attributes {
 public:
  explicit Attributes(const char** pairs) : pairs_(pairs) {}
  std::string_view operator[](std::string_view name) const;  // empty: none
  bool has(std::string_view name) const;

 private:
  const char** find(std::string_view name) const;
  const char** pairs_;  // name, value, name, value, ..., nullptr
};

struct XmlEvents {
  std::function<void(std::string_view name, const Attributes& attributes)> start;  // names without their namespaces
  std::function<void(std::string_view name)> end = [](std::string_view) {};
  std::function<void(std::string_view characters)> text = [](std::string_view) {
  };  // perhaps a part of what stands there
};

class XmlReader {
 public:
  // `where`: how errors begin.
  XmlReader(XmlEvents events, std::string where);
  void feed(std::string_view bytes);  // Error: not well-formed; what an event threw
  void finish();                      // Error: something is still open

 private:
  struct Free {
    void operator()(XML_ParserStruct* parser) const;
  };
  template <class F>
  void guard(F f);
  void parse(std::string_view bytes, bool last);

  XmlEvents events_;
  std::string where_;
  std::unique_ptr<XML_ParserStruct, Free> parser_;
  std::exception_ptr thrown_;
};

}  // namespace files
