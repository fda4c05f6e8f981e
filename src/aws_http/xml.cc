#include "aws_http/xml.h"

#include <expat.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/strings.h"

namespace minato::aws_http {
namespace {

constexpr std::size_t kMaxBytes = 16 << 20;
constexpr std::size_t kMaxElements = 500'000;
constexpr std::size_t kMaxDepth = 32;

class Reader {
 public:
  explicit Reader(XML_Parser parser) : parser_(parser), path_{&document_} {
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetDoctypeDeclHandler(parser, on_doctype, nullptr);
  }

  Result<Element> read(std::string_view document) {
    const auto outcome =
        XML_Parse(parser_, document.data(), static_cast<int>(document.size()), XML_TRUE);
    if (outcome == XML_STATUS_OK) return std::move(document_.children.front());
    const char* what = refused_ != nullptr ? refused_ : XML_ErrorString(XML_GetErrorCode(parser_));
    return fail(Reason::kInvalid,
                fmt::format("the XML answer, line {} column {}: {}",
                            XML_GetCurrentLineNumber(parser_),
                            XML_GetCurrentColumnNumber(parser_) + 1, what));
  }

 private:
  static Reader& self(void* reader) { return *static_cast<Reader*>(reader); }

  static void on_start(void* reader, const char* name, const char**) {
    Reader& me = self(reader);
    if (me.path_.size() > kMaxDepth) return me.refuse("nested too deeply");
    if (++me.elements_ > kMaxElements) return me.refuse("too many elements");
    Element& parent = *me.path_.back();
    parent.children.push_back({.name = name, .text = {}, .children = {}});
    me.path_.push_back(&parent.children.back());
  }

  static void on_end(void* reader, const char*) {
    Reader& me = self(reader);
    Element& ended = *me.path_.back();
    ended.text = std::string(trim(ended.text));
    // A parent's children stay where they are while one of them is open: only the last grows.
    me.path_.pop_back();
  }

  static void on_text(void* reader, const char* text, int size) {
    self(reader).path_.back()->text.append(text, static_cast<std::size_t>(size));
  }

  static void on_doctype(void* reader, const char*, const char*, const char*, int) {
    self(reader).refuse("a document type, which no AWS service sends");
  }

  void refuse(const char* why) {
    refused_ = why;
    XML_StopParser(parser_, XML_FALSE);
  }

  XML_Parser parser_;
  Element document_;
  std::vector<Element*> path_;
  std::size_t elements_ = 0;
  const char* refused_ = nullptr;
};

}  // namespace

const Element* Element::find(std::string_view child) const {
  const auto found = std::ranges::find(children, child, &Element::name);
  return found == children.end() ? nullptr : &*found;
}

std::string_view Element::at(std::string_view way) const {
  const Element* here = this;
  for (const std::string& step : split(way, '/')) {
    here = here->find(step);
    if (here == nullptr) return {};
  }
  return here->text;
}

std::vector<const Element*> Element::items_of(std::string_view list, std::string_view item) const {
  std::vector<const Element*> out;
  const Element* parent = find(list);
  if (parent == nullptr) return out;
  for (const Element& child : parent->children) {
    if (child.name == item) out.push_back(&child);
  }
  return out;
}

Result<Element> parse_xml(std::string_view document) {
  if (document.size() > kMaxBytes) {
    return fail(Reason::kInvalid,
                fmt::format("the XML answer has {} bytes; at most {}", document.size(), kMaxBytes));
  }
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(
      XML_ParserCreate(nullptr), &XML_ParserFree);
  if (!parser) return fail(Reason::kInternalError, "no memory for an XML parser");
  return Reader(parser.get()).read(document);
}

}  // namespace minato::aws_http
