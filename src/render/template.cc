#include "render/template.h"

#include <vector>

#include "base/check.h"
#include "base/strings.h"

namespace minato::render {
namespace {

bool flag(std::string_view name, const Values& values) {
  const bool negated = name.starts_with('!');
  if (negated) name.remove_prefix(1);
  const auto found = values.flags.find(std::string(name));
  CHECK(found != values.flags.end(), "a template asks for the flag '{}'", name);
  return found->second != negated;
}

void append_line(std::string& out, std::string_view line, const Values& values) {
  while (true) {
    const std::size_t open = line.find("@{");
    out += line.substr(0, open);
    if (open == std::string_view::npos) break;
    const std::size_t close = line.find('}', open);
    CHECK(close != std::string_view::npos, "a template has an open hole");
    const std::string name(line.substr(open + 2, close - open - 2));
    const auto found = values.texts.find(name);
    CHECK(found != values.texts.end(), "a template asks for the text '{}'", name);
    out += found->second;
    line.remove_prefix(close + 1);
  }
  out += '\n';
}

}  // namespace

std::string expand(std::string_view text, const Values& values) {
  if (text.starts_with('\n')) text.remove_prefix(1);
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::string out;
  std::vector<bool> open;  // Whether each enclosing @if lets its lines stand.
  for (const std::string& line : split(text, '\n')) {
    const std::string_view word = trim(line);
    bool shown = true;
    for (const bool stands : open) shown = shown && stands;
    if (word.starts_with("@if ")) {
      open.push_back(flag(trim(word.substr(4)), values));
    } else if (word == "@else") {
      CHECK(!open.empty(), "@else without @if");
      open.back() = !open.back();
    } else if (word == "@end") {
      CHECK(!open.empty(), "@end without @if");
      open.pop_back();
    } else if (shown) {
      append_line(out, line, values);
    }
  }
  CHECK(open.empty(), "@if without @end");
  return out;
}

}  // namespace minato::render
