// Texts with holes: how Terraform and Markdown files are written in this module.
//
//   @{name}            the value of that name
//   @if name           (a line of its own) what follows up to @else or @end stands only if the flag
//   @if !name          is set, or is not set; may be nested
//
// Pure. A name that was not given is a broken template, hence a CHECK, never an error of a user.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace minato::render {

struct Values {
  std::map<std::string, std::string> texts;
  std::map<std::string, bool> flags;
};

std::string expand(std::string_view text, const Values& values);

}  // namespace minato::render
