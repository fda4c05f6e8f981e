// Formats of texts that upstream checks (k8s.io/apiextensions-apiserver
// pkg/apiserver/validation/formats.go, k8s.io/kube-openapi pkg/validation/strfmt).
#include <algorithm>
#include <array>
#include <map>

#include "base/strings.h"
#include "base/time.h"
#include "kube/base64.h"
#include "kube/schema.h"

namespace minato::kube {
namespace {

bool is_digit(char c) { return '0' <= c && c <= '9'; }
bool is_hex(char c) {
  return is_digit(c) || ('a' <= c && c <= 'f') || ('A' <= c && c <= 'F');
}
bool all(std::string_view text, bool (*test)(char)) { return std::ranges::all_of(text, test); }

bool matches(const char* pattern, std::string_view text) {
  static std::map<std::string, Pattern, std::less<>> made;
  auto found = made.find(pattern);
  if (found == made.end()) found = made.emplace(pattern, *Pattern::make(pattern)).first;
  return found->second.matches(text);
}

bool is_ipv4(std::string_view text) { return check_ipv4(text).empty(); }

// Groups of up to four hex digits, one "::" at most, and an IPv4 address in place of the last two.
bool is_ipv6(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap != std::string_view::npos && text.find("::", gap + 1) != std::string_view::npos)
    return false;
  std::size_t groups = 0;
  const auto count = [&](std::string_view part, bool is_last) {
    if (part.empty()) return true;
    const std::vector<std::string> pieces = split(part, ':');
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (is_last && i + 1 == pieces.size() && pieces[i].find('.') != std::string::npos) {
        if (!is_ipv4(pieces[i])) return false;
        groups += 2;
      } else {
        if (pieces[i].empty() || pieces[i].size() > 4 || !all(pieces[i], is_hex)) return false;
        ++groups;
      }
    }
    return true;
  };
  if (gap == std::string_view::npos) return count(text, true) && groups == 8;
  return count(text.substr(0, gap), false) && count(text.substr(gap + 2), true) && groups < 8;
}

bool is_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view address = text.substr(0, slash), bits = text.substr(slash + 1);
  if (bits.empty() || bits.size() > 3 || !all(bits, is_digit)) return false;
  const std::int64_t length = *parse_int(bits);
  return (is_ipv4(address) && length <= 32) || (is_ipv6(address) && length <= 128);
}

bool is_date(std::string_view text) {
  return text.size() == 10 && parse_rfc3339(std::string(text) + "T00:00:00Z").has_value();
}
bool is_date_time(std::string_view text) { return parse_rfc3339(text).has_value(); }
// Go's form ("1h30m"), or Scala's ("22 hours").
bool is_duration(std::string_view text) {
  return matches(R"(^[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+)$)", text) ||
         matches(R"(^\d+(\.\d+)?\s*(ns|nano|us|micro|ms|milli|s|sec|m|min|h|hr|hour|d|day|w|wk|week|nanosecond|microsecond|millisecond|second|minute)s?$)", text);
}
bool is_email(std::string_view text) { return matches(R"(^[^\s@<>]+@[^\s@<>]+$)", text); }
bool is_uri(std::string_view text) {
  return text.starts_with('/') || matches(R"(^[A-Za-z][A-Za-z0-9+.-]*:\S*$)", text);
}
bool is_hostname(std::string_view text) {
  return text.size() <= 255 &&
         matches(R"(^([A-Za-z0-9_]([A-Za-z0-9_-]{0,62}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}[A-Za-z0-9_])?\.?$)", text);
}
bool is_mac(std::string_view text) {
  return matches(R"(^([0-9A-Fa-f]{2}[:-]){5}([0-9A-Fa-f]{2}[:-]){0,2}[0-9A-Fa-f]{2}$)", text);
}
bool is_uuid(std::string_view text) {
  return matches(R"(^[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}$)", text);
}
bool is_uuid_of(std::string_view text, char version) {
  std::string digits(text);
  std::erase(digits, '-');
  return is_uuid(text) && digits[12] == version;
}
bool is_byte(std::string_view text) { return base64_decode(text).has_value(); }
bool is_hex_color(std::string_view text) {
  return matches("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$", text);
}
bool is_rgb_color(std::string_view text) {
  return matches(R"(^rgb\(\s*(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])\s*,\s*(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])\s*,\s*(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])\s*\)$)", text);
}
bool is_ssn(std::string_view text) { return matches(R"(^\d{3}[- ]?\d{2}[- ]?\d{4}$)", text); }
bool is_object_id(std::string_view text) { return text.size() == 24 && all(text, is_hex); }

std::string only_digits(std::string_view text) {
  std::string out(text);
  std::erase_if(out, [](char c) { return c == '-' || c == ' '; });
  return out;
}

bool is_isbn10(std::string_view text) {
  const std::string digits = only_digits(text);
  if (digits.size() != 10) return false;
  int sum = 0;
  for (int i = 0; i < 10; ++i) {
    const char c = digits[static_cast<std::size_t>(i)];
    if (!is_digit(c) && !(i == 9 && c == 'X')) return false;
    sum += (10 - i) * (c == 'X' ? 10 : c - '0');
  }
  return sum % 11 == 0;
}

bool is_isbn13(std::string_view text) {
  const std::string digits = only_digits(text);
  if (digits.size() != 13 || !all(digits, is_digit)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < 13; ++i) sum += (i % 2 == 0 ? 1 : 3) * (digits[i] - '0');
  return sum % 10 == 0;
}

// Luhn's sum.
bool is_credit_card(std::string_view text) {
  const std::string digits = only_digits(text);
  if (digits.size() < 13 || digits.size() > 19 || !all(digits, is_digit)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[digits.size() - 1 - i] - '0';
    const int twice = digit * 2;
    sum += i % 2 == 0 ? digit : (twice > 9 ? twice - 9 : twice);
  }
  return sum % 10 == 0;
}

struct Format {
  std::string_view name;
  bool (*test)(std::string_view);
};
constexpr Format kFormats[] = {
    {"bsonobjectid", &is_object_id},
    {"byte", &is_byte},
    {"cidr", &is_cidr},
    {"creditcard", &is_credit_card},
    {"date", &is_date},
    {"date-time", &is_date_time},
    {"datetime", &is_date_time},
    {"duration", &is_duration},
    {"email", &is_email},
    {"hexcolor", &is_hex_color},
    {"hostname", &is_hostname},
    {"ipv4", &is_ipv4},
    {"ipv6", &is_ipv6},
    {"isbn", [](std::string_view text) { return is_isbn10(text) || is_isbn13(text); }},
    {"isbn10", &is_isbn10},
    {"isbn13", &is_isbn13},
    {"mac", &is_mac},
    {"rgbcolor", &is_rgb_color},
    {"ssn", &is_ssn},
    {"uri", &is_uri},
    {"uuid", &is_uuid},
    {"uuid3", [](std::string_view text) { return is_uuid_of(text, '3'); }},
    {"uuid4", [](std::string_view text) { return is_uuid_of(text, '4'); }},
    {"uuid5", [](std::string_view text) { return is_uuid_of(text, '5'); }},
};

}  // namespace

bool has_format(std::string_view format, std::string_view text) {
  if (format.empty()) return true;
  const auto found = std::ranges::find(kFormats, format, &Format::name);
  return found == std::end(kFormats) || found->test(text);
}

}  // namespace minato::kube
