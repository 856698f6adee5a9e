// expat parses; an exception of an event waits until expat, which is C, has returned. Nothing to read before.
#include "tasks/files/xml.h"

#include <expat.h>

#include <new>
#include <utility>

#include "engine/base.h"

namespace files {

using engine::check;

namespace {

constexpr char kBehindNamespace = '|';

std::string_view local(std::string_view name) {
  const size_t bar = name.rfind(kBehindNamespace);
  return bar == name.npos ? name : name.substr(bar + 1);
}

}  // namespace

const char** Attributes::find(std::string_view name) const {
  const char** at = pairs_;
  while (*at && local(*at) != name) at += 2;
  return at;
}

std::string_view Attributes::operator[](std::string_view name) const {
  const char** at = find(name);
  return *at ? std::string_view(at[1]) : std::string_view();
}

bool Attributes::has(std::string_view name) const { return *find(name) != nullptr; }

void XmlReader::Free::operator()(XML_ParserStruct* parser) const { XML_ParserFree(parser); }

template <class F>
void XmlReader::guard(F f) {
  if (thrown_) return;
  try {
    f();
  } catch (...) {
    thrown_ = std::current_exception();
    XML_StopParser(parser_.get(), XML_FALSE);
  }
}

XmlReader::XmlReader(XmlEvents events, std::string where)
    : events_(std::move(events)), where_(std::move(where)), parser_(XML_ParserCreateNS(nullptr, kBehindNamespace)) {
  if (!parser_) throw std::bad_alloc();
  XML_SetUserData(parser_.get(), this);
  XML_SetElementHandler(
      parser_.get(),
      [](void* self, const char* name, const char** attributes) {
        auto* reader = static_cast<XmlReader*>(self);
        reader->guard([&] { reader->events_.start(local(name), Attributes(attributes)); });
      },
      [](void* self, const char* name) {
        auto* reader = static_cast<XmlReader*>(self);
        reader->guard([&] { reader->events_.end(local(name)); });
      });
  XML_SetCharacterDataHandler(parser_.get(), [](void* self, const char* characters, int count) {
    auto* reader = static_cast<XmlReader*>(self);
    reader->guard([&] { reader->events_.text(std::string_view(characters, size_t(count))); });
  });
}

void XmlReader::parse(std::string_view bytes, bool last) {
  const XML_Status status = XML_Parse(parser_.get(), bytes.data(), int(bytes.size()), last);
  if (thrown_) std::rethrow_exception(thrown_);
  check(status == XML_STATUS_OK, "{}: not well-formed XML in line {}: {}", where_,
        XML_GetCurrentLineNumber(parser_.get()), XML_ErrorString(XML_GetErrorCode(parser_.get())));
}

void XmlReader::feed(std::string_view bytes) { parse(bytes, false); }
void XmlReader::finish() { parse({}, true); }

}  // namespace files
