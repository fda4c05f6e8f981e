// resource.Quantity: exact decimal amounts such as "250m", "64Mi", "1.5", "2e3".
//
// Held as whole nano-units in 128 bits, so arithmetic and comparison are exact over the range the
// API allows (±2^63 units; finer than nano rounds up as upstream). The suffix family is remembered
// for printing; printing gives upstream's canonical form ("1000m" is "1", "1024Mi" is "1Gi").
// Rules: k8s.io/apimachinery pkg/api/resource/quantity.go.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/int128.h"
#include "base/result.h"

namespace minato::kube {

class Quantity {
 public:
  enum class Format : std::uint8_t { kDecimalSI, kBinarySI, kDecimalExponent };

  Quantity() = default;
  static Result<Quantity> parse(std::string_view text);
  static Quantity of(std::int64_t units, Format format = Format::kDecimalSI);
  static Quantity milli(std::int64_t milli_units);
  static Quantity bytes(std::int64_t bytes) { return of(bytes, Format::kBinarySI); }

  // Rounded up, as Quantity.Value() and MilliValue(); saturates at the ends of int64.
  std::int64_t value() const;
  std::int64_t milli_value() const;
  // The nearest double, as AsApproximateFloat64().
  double approximate() const { return static_cast<double>(nano_) / 1e9; }
  bool is_zero() const { return nano_ == 0; }
  std::string to_string() const;

  Quantity& operator+=(const Quantity& other);
  Quantity& operator-=(const Quantity& other);
  // By amount alone: "1" equals "1000m".
  bool operator==(const Quantity& other) const { return nano_ == other.nano_; }
  std::strong_ordering operator<=>(const Quantity& other) const { return nano_ <=> other.nano_; }

 private:
  Int128 nano_ = 0;
  Format format_ = Format::kDecimalSI;
};

}  // namespace minato::kube
