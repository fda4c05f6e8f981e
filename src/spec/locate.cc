#include "spec/locate.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "base/strings.h"

namespace minato::spec {
namespace {

struct Found {
  std::size_t depth = 0;  // Of the parts of the key.
  int line = 0;
};

// yaml-cpp throws; nothing thrown leaves here.
Found find(const std::string& text, const std::vector<std::string>& parts) {
  Found out;
  try {
    YAML::Node node = YAML::Load(text);
    for (const std::string& part : parts) {
      if (!node.IsMap()) return out;
      bool any = false;
      for (const auto& entry : node) {
        if (!entry.first.IsScalar() || entry.first.Scalar() != part) continue;
        ++out.depth;
        out.line = entry.first.Mark().line + 1;
        const YAML::Node child = entry.second;
        node.reset(child);
        any = true;
        break;
      }
      if (!any) return out;
    }
  } catch (const std::exception&) {
    return {};
  }
  return out;
}

}  // namespace

std::string locate(const std::vector<Source>& sources, std::string_view key) {
  const std::vector<std::string> parts = split(key, '.');
  Found best;
  std::string name;
  for (const Source& source : sources) {
    const Found found = find(source.text, parts);
    if (found.depth == 0 || found.depth < best.depth) continue;
    best = found;
    name = source.name;
  }
  return name.empty() ? "" : fmt::format("{}:{}", name, best.line);
}

Error with_places(const Error& error, const std::vector<Source>& sources) {
  if (error.causes.empty()) return error;
  Error out = error;
  std::vector<std::string> lines;
  for (Cause& cause : out.causes) {
    const std::string place = locate(sources, cause.field);
    lines.push_back(
        fmt::format("{}{}'{}': {}", place, place.empty() ? "" : ": ", cause.field, cause.message));
  }
  out.message = join(lines, "\n");
  return out;
}

}  // namespace minato::spec
