#include "spec/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/strings.h"
#include "kube/quantity.h"

namespace minato::spec {

Result<std::int64_t> parse_cpu_milli(std::string_view text) {
  const auto quantity = kube::Quantity::parse(text);
  if (!quantity || quantity->milli_value() <= 0 || quantity->milli_value() > 1'000'000) {
    return fail(
        Reason::kInvalid,
        fmt::format("'{}' is not an amount of CPU; write for example 250m, 0.5 or 2", text));
  }
  return quantity->milli_value();
}

Result<std::int64_t> parse_bytes(std::string_view text) {
  const auto quantity = kube::Quantity::parse(text);
  if (!quantity || quantity->value() <= 0) {
    return fail(
        Reason::kInvalid,
        fmt::format("'{}' is not an amount of memory; write for example 256Mi or 1Gi", text));
  }
  // "256" or "250m" of memory is nearly always a forgotten or wrong suffix.
  if (quantity->value() < 1 << 20) {
    return fail(Reason::kInvalid, fmt::format("'{}' is less than 1Mi of memory; did you mean {}Mi?",
                                              text, quantity->value()));
  }
  return quantity->value();
}

Result<double> parse_fraction_percent(std::string_view text) {
  double value = 0;
  const std::string_view number = text.ends_with('%') ? text.substr(0, text.size() - 1) : "";
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (number.empty() || error != std::errc{} || end != number.data() + number.size() || value < 0 ||
      value > 100) {
    return fail(Reason::kInvalid,
                fmt::format("'{}' is not a percentage; write for example 60%", text));
  }
  return value;
}

Result<std::int64_t> parse_percent(std::string_view text) {
  ASSIGN_OR_RETURN(const double value, parse_fraction_percent(text));
  const auto whole = static_cast<std::int64_t>(value);
  if (static_cast<double>(whole) < value || static_cast<double>(whole) > value) {
    return fail(Reason::kInvalid, fmt::format("'{}' must be a whole percentage", text));
  }
  return whole;
}

bool is_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const auto bits = parse_int(text.substr(slash + 1));
  const std::vector<std::string> bytes = split(text.substr(0, slash), '.');
  if (!bits || *bits < 0 || *bits > 32 || bytes.size() != 4) return false;
  return std::ranges::all_of(bytes, [](const std::string& byte) {
    const auto number = parse_int(byte);
    return number && *number >= 0 && *number <= 255;
  });
}

}  // namespace minato::spec
