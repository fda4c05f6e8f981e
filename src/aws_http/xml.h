// XML answers as a small tree, read with Expat.
//
// Values, thread-compatible. Answers come from a network: document types and entities of their own
// are refused, depth, elements and bytes are bounded. Namespaces and attributes are left out; AWS
// says nothing with them. Errors: Invalid, with line and column.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace minato::aws_http {

struct Element {
  std::string name;
  std::string text;  // Of itself, not of its children.
  std::vector<Element> children;

  // The first child of that name; null when there is none.
  const Element* find(std::string_view child) const;
  // The text at a way of names, "Placement/AvailabilityZone"; "" when there is none.
  std::string_view at(std::string_view way) const;
  // The children of the child `list` that are items of it, e.g. items_of("Instances", "member").
  std::vector<const Element*> items_of(std::string_view list, std::string_view item) const;
};

Result<Element> parse_xml(std::string_view document);

}  // namespace minato::aws_http
