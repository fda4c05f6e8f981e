#include "kube/quantity.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "base/strings.h"

namespace minato::kube {
namespace {

constexpr Int128 kNano = 1'000'000'000;
// Upstream caps at 2^63-1 whole units.
constexpr Int128 kMaxNano = static_cast<Int128>(std::numeric_limits<std::int64_t>::max()) * kNano;

struct Suffix {
  std::string_view text;
  Int128 nano;  // Nano-units in one.
};
// Largest first: printing takes the first that divides evenly.
constexpr std::array<Suffix, 9> kDecimal{{{"E", kNano * 1'000'000'000'000'000'000},
                                          {"P", kNano * 1'000'000'000'000'000},
                                          {"T", kNano * 1'000'000'000'000},
                                          {"G", kNano * 1'000'000'000},
                                          {"M", kNano * 1'000'000},
                                          {"k", kNano * 1'000},
                                          {"", kNano},
                                          {"m", 1'000'000},
                                          {"u", 1'000}}};
constexpr std::array<Suffix, 6> kBinary{{{"Ei", kNano << 60},
                                         {"Pi", kNano << 50},
                                         {"Ti", kNano << 40},
                                         {"Gi", kNano << 30},
                                         {"Mi", kNano << 20},
                                         {"Ki", kNano << 10}}};

std::string digits(Int128 value) {
  if (value == 0) return "0";
  const bool negative = value < 0;
  std::string out;
  for (; value != 0; value /= 10) {
    const int digit = static_cast<int>(value % 10);
    out.insert(out.begin(), static_cast<char>('0' + (digit < 0 ? -digit : digit)));
  }
  return negative ? "-" + out : out;
}

std::unexpected<Error> bad_quantity(std::string_view text) {
  return fail(Reason::kInvalid,
              fmt::format("'{}' is not a quantity; write for example 250m, 0.5, 256Mi or 2Gi", text));
}

struct Number {
  Int128 mantissa = 0;   // All digits, without the point.
  int fraction_digits = 0;
  bool negative = false;
  std::string_view suffix;
};

Result<Number> split_number(std::string_view text) {
  Number number;
  std::size_t at = 0;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) number.negative = text[at++] == '-';
  bool any = false, point = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      any = true;
      if (point && number.fraction_digits >= 12) continue;  // Finer than nano cannot matter.
      if (number.mantissa > kMaxNano) continue;             // Already above the cap.
      number.mantissa = number.mantissa * 10 + (c - '0');
      if (point) ++number.fraction_digits;
    } else {
      break;
    }
  }
  if (!any) return bad_quantity(text);
  number.suffix = text.substr(at);
  return number;
}

// mantissa × unit / 10^fraction_digits in nano-units, rounded away from zero, capped.
Int128 scale(const Number& number, Int128 unit_nano) {
  Int128 divisor = 1;
  for (int i = 0; i < number.fraction_digits; ++i) divisor *= 10;
  const Int128 whole = number.mantissa / divisor;
  const Int128 rest = number.mantissa % divisor;
  Int128 nano = kMaxNano;
  if (whole <= kMaxNano / unit_nano) {
    // rest < 10^12 and unit < 2^91: split the unit so that the product stays within 128 bits.
    const Int128 high = unit_nano / divisor, low = unit_nano % divisor;
    nano = whole * unit_nano + rest * high + (rest * low + divisor - 1) / divisor;
  }
  if (nano > kMaxNano) nano = kMaxNano;
  return number.negative ? -nano : nano;
}

}  // namespace

Result<Quantity> Quantity::parse(std::string_view text) {
  ASSIGN_OR_RETURN(const Number number, split_number(text));
  Quantity out;
  const auto with = [&](Int128 unit_nano, Format format) {
    out.nano_ = scale(number, unit_nano);
    out.format_ = format;
    return out;
  };
  for (const Suffix& suffix : kDecimal) {
    if (number.suffix == suffix.text) return with(suffix.nano, Format::kDecimalSI);
  }
  if (number.suffix == "n") return with(1, Format::kDecimalSI);
  for (const Suffix& suffix : kBinary) {
    if (number.suffix == suffix.text) return with(suffix.nano, Format::kBinarySI);
  }
  if (number.suffix[0] != 'e' && number.suffix[0] != 'E') return bad_quantity(text);
  std::string_view exponent_text = number.suffix.substr(1);
  if (exponent_text.starts_with('+')) exponent_text.remove_prefix(1);
  const auto exponent = parse_int(exponent_text);
  if (!exponent || *exponent > 18 || *exponent < -9) return bad_quantity(text);
  Int128 unit = kNano;
  for (std::int64_t i = 0; i < *exponent; ++i) unit *= 10;
  for (std::int64_t i = 0; i > *exponent; --i) unit /= 10;
  return with(unit, Format::kDecimalExponent);
}

Quantity Quantity::of(std::int64_t units, Format format) {
  Quantity out;
  out.nano_ = static_cast<Int128>(units) * kNano;
  out.format_ = format;
  return out;
}

Quantity Quantity::milli(std::int64_t milli_units) {
  Quantity out;
  out.nano_ = static_cast<Int128>(milli_units) * 1'000'000;
  return out;
}

namespace {

std::int64_t rounded_up(Int128 nano, Int128 unit) {
  Int128 whole = nano / unit;
  if (nano % unit > 0) ++whole;
  if (nano % unit < 0) --whole;  // Away from zero, as upstream's ScaledValue.
  constexpr Int128 kMax = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(whole > kMax ? kMax : whole < -kMax ? -kMax : whole);
}

}  // namespace

std::int64_t Quantity::value() const { return rounded_up(nano_, kNano); }
std::int64_t Quantity::milli_value() const { return rounded_up(nano_, 1'000'000); }

std::string Quantity::to_string() const {
  if (nano_ == 0) return "0";
  const Int128 magnitude = nano_ < 0 ? -nano_ : nano_;
  // Upstream prints binary quantities below 1024 and fractions in decimal form.
  if (format_ == Format::kBinarySI && magnitude >= 1024 * kNano && magnitude % kNano == 0) {
    for (const Suffix& suffix : kBinary) {
      if (nano_ % suffix.nano == 0) return digits(nano_ / suffix.nano) + std::string(suffix.text);
    }
    return digits(nano_ / kNano);
  }
  if (format_ == Format::kDecimalExponent) {
    for (int exponent = 18; exponent >= 3; exponent -= 3) {
      Int128 unit = kNano;
      for (int i = 0; i < exponent; ++i) unit *= 10;
      if (nano_ % unit == 0) return fmt::format("{}e{}", digits(nano_ / unit), exponent);
    }
  }
  if (format_ == Format::kBinarySI && magnitude % kNano == 0) return digits(nano_ / kNano);
  for (const Suffix& suffix : kDecimal) {
    if (nano_ % suffix.nano == 0) return digits(nano_ / suffix.nano) + std::string(suffix.text);
  }
  return digits(nano_) + "n";
}

Quantity& Quantity::operator+=(const Quantity& other) {
  if (nano_ == 0) format_ = other.format_;
  nano_ += other.nano_;
  return *this;
}

Quantity& Quantity::operator-=(const Quantity& other) {
  if (nano_ == 0) format_ = other.format_;
  nano_ -= other.nano_;
  return *this;
}

}  // namespace minato::kube
