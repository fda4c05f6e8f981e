#include "base/time.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>

#include "base/int128.h"

namespace minato {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ns;
};
// Longer names first where one is the prefix of another ("ms" before "m").
constexpr std::array<Unit, 7> kUnits{{{"ns", 1},
                                      {"us", 1'000},
                                      {"µs", 1'000},
                                      {"ms", 1'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000}}};

const Unit* unit_at(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (text.starts_with(unit.name)) return &unit;
  }
  return nullptr;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::unexpected<Error> bad_duration(std::string_view text) {
  return fail(Reason::kInvalid,
              fmt::format("'{}' is not a duration; write for example 500ms, 30s or 1m30s", text));
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  std::string_view rest = text;
  if (rest == "0") return Duration{0};
  if (rest.empty()) return bad_duration(text);
  Int128 total_ns = 0;
  while (!rest.empty()) {
    std::int64_t whole = 0;
    std::size_t digits = 0;
    while (digits < rest.size() && is_digit(rest[digits])) {
      if (whole > 1'000'000'000'000'000) return bad_duration(text);
      whole = whole * 10 + (rest[digits++] - '0');
    }
    std::int64_t fraction = 0;
    std::int64_t fraction_scale = 1;
    std::size_t next = digits;
    if (next < rest.size() && rest[next] == '.') {
      ++next;
      while (next < rest.size() && is_digit(rest[next])) {
        if (fraction_scale < 1'000'000'000) {
          fraction = fraction * 10 + (rest[next] - '0');
          fraction_scale *= 10;
        }
        ++next;
      }
      if (next == digits + 1 && digits == 0) return bad_duration(text);
    }
    if (next == 0) return bad_duration(text);
    rest.remove_prefix(next);
    const Unit* unit = unit_at(rest);
    if (unit == nullptr) return bad_duration(text);
    rest.remove_prefix(unit->name.size());
    total_ns += static_cast<Int128>(whole) * unit->ns +
                static_cast<Int128>(fraction) * unit->ns / fraction_scale;
    if (total_ns > INT64_MAX) return bad_duration(text);
  }
  return Duration{static_cast<std::int64_t>(total_ns)};
}

std::string format_duration(Duration duration) {
  std::int64_t ns = duration.count();
  if (ns == 0) return "0s";
  std::string out;
  if (ns < 0) {
    out = "-";
    ns = -ns;
  }
  if (ns < 1'000) return fmt::format("{}{}ns", out, ns);
  if (ns < 1'000'000) return fmt::format("{}{:g}us", out, static_cast<double>(ns) / 1e3);
  if (ns < 1'000'000'000) return fmt::format("{}{:g}ms", out, static_cast<double>(ns) / 1e6);
  const std::int64_t hours = ns / 3'600'000'000'000;
  ns %= 3'600'000'000'000;
  const std::int64_t minutes = ns / 60'000'000'000;
  ns %= 60'000'000'000;
  if (hours > 0) out += fmt::format("{}h", hours);
  if (minutes > 0) out += fmt::format("{}m", minutes);
  if (ns > 0) out += fmt::format("{:g}s", static_cast<double>(ns) / 1e9);
  return out;
}

std::string format_minutes(Duration duration) {
  const auto seconds = std::chrono::round<std::chrono::seconds>(duration).count();
  if (seconds >= 3600) {
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  }
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

std::string format_age(Duration duration) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration).count();
  if (seconds < 0) return "0s";
  if (seconds < 120) return fmt::format("{}s", seconds);
  const auto minutes = seconds / 60;
  if (minutes < 10) {
    return seconds % 60 == 0 ? fmt::format("{}m", minutes)
                             : fmt::format("{}m{}s", minutes, seconds % 60);
  }
  if (minutes < 180) return fmt::format("{}m", minutes);
  const auto hours = minutes / 60;
  if (hours < 8) {
    return minutes % 60 == 0 ? fmt::format("{}h", hours)
                             : fmt::format("{}h{}m", hours, minutes % 60);
  }
  if (hours < 48) return fmt::format("{}h", hours);
  const auto days = hours / 24;
  if (hours < 192 && hours % 24 != 0) return fmt::format("{}d{}h", days, hours % 24);
  return fmt::format("{}d", days);
}

std::string format_rfc3339(WallTime time, TimePrecision precision) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date{sys_days{day.time_since_epoch()}};
  const hh_mm_ss clock{floor<microseconds>(time - day)};
  std::string out = fmt::format(
      "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (precision == TimePrecision::kMicroseconds) {
    out += fmt::format(".{:06}", clock.subseconds().count());
  }
  return out + "Z";
}

namespace {

// Reads exactly `width` digits, or -1.
int digits_at(std::string_view text, std::size_t position, std::size_t width) {
  if (position + width > text.size()) return -1;
  int value = 0;
  for (std::size_t i = position; i < position + width; ++i) {
    if (!is_digit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// Nanoseconds in 64 bits reach from a part of 1677 to one of 2262.
constexpr int kFirstYear = 1678, kLastYear = 2261;

}  // namespace

Result<WallTime> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  const auto bad = [&] {
    return fail(Reason::kInvalid, fmt::format("'{}' is not an RFC 3339 time", text));
  };
  const int y = digits_at(text, 0, 4), mo = digits_at(text, 5, 2), d = digits_at(text, 8, 2);
  const int h = digits_at(text, 11, 2), mi = digits_at(text, 14, 2), s = digits_at(text, 17, 2);
  if (y < 0 || mo < 0 || d < 0 || h < 0 || mi < 0 || s < 0) return bad();
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') ||
      text[13] != ':' || text[16] != ':') {
    return bad();
  }
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)},
                            std::chrono::day{static_cast<unsigned>(d)}};
  if (!date.ok() || h > 23 || mi > 59 || s > 60) return bad();
  if (y < kFirstYear || y > kLastYear) {
    return fail(Reason::kInvalid,
                fmt::format("'{}' is outside of the years {} to {}", text, kFirstYear, kLastYear));
  }
  std::size_t at = 19;
  std::int64_t fraction_ns = 0;
  if (at < text.size() && text[at] == '.') {
    std::int64_t scale = 100'000'000;
    for (++at; at < text.size() && is_digit(text[at]); ++at, scale /= 10) {
      fraction_ns += scale * (text[at] - '0');
    }
  }
  minutes offset{0};
  const std::string_view zone = text.substr(at);
  if (zone != "Z" && zone != "z") {
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return bad();
    const int zh = digits_at(zone, 1, 2), zm = digits_at(zone, 4, 2);
    if (zh < 0 || zm < 0) return bad();
    offset = minutes{(zone[0] == '-' ? -1 : 1) * (zh * 60 + zm)};
  }
  const Duration since_epoch = sys_days{date}.time_since_epoch() + hours{h} + minutes{mi} +
                               seconds{s} + nanoseconds{fraction_ns} - offset;
  return WallTime{since_epoch};
}

}  // namespace minato
