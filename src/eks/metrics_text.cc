#include "eks/metrics_text.h"

#include <fmt/format.h>

namespace minato::eks {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

void MetricsText::counter(std::string_view name, std::string_view help, double value, const Labels& labels) {
  add("counter", name, help, value, labels);
}

void MetricsText::gauge(std::string_view name, std::string_view help, double value, const Labels& labels) {
  add("gauge", name, help, value, labels);
}

void MetricsText::add(std::string_view type, std::string_view name, std::string_view help, double value,
                      const Labels& labels) {
  if (last_ != name) text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  last_ = name;
  text_ += name;
  std::string inside;
  for (const auto& [label, text] : labels) inside += fmt::format("{}{}=\"{}\"", inside.empty() ? "" : ",", label, escaped(text));
  if (!inside.empty()) text_ += fmt::format("{{{}}}", inside);
  text_ += fmt::format(" {}\n", value);
}

}  // namespace minato::eks
