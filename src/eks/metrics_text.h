// Figures as Prometheus reads them. Pure.
// Rule: prometheus.io/docs/instrumenting/exposition_formats (text format 0.0.4).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace minato::eks {

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

class MetricsText {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;
  // Of one name all at once: help and type are written before the first.
  void counter(std::string_view name, std::string_view help, double value, const Labels& labels = {});
  void gauge(std::string_view name, std::string_view help, double value, const Labels& labels = {});
  const std::string& text() const { return text_; }

 private:
  void add(std::string_view type, std::string_view name, std::string_view help, double value, const Labels& labels);
  std::string text_;
  std::string last_;
};

}  // namespace minato::eks
