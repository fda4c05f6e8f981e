#include "spec/values.h"

#include <fmt/format.h>

#include <algorithm>

#include "spec/units.h"

namespace minato::spec {
namespace {

constexpr std::size_t kMaxNameLength = 40;

bool is_lower(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

template <class Parsed>
Status assign(Result<Parsed> parsed, Parsed& out) {
  if (!parsed) return std::unexpected(std::move(parsed).error());
  out = *parsed;
  return {};
}

}  // namespace

Status check_name(const std::string& text) {
  const bool good = !text.empty() && text.size() <= kMaxNameLength && is_lower(text.front()) &&
                    is_lower(text.back()) &&
                    std::ranges::all_of(text, [](char c) { return is_lower(c) || c == '-'; });
  if (good) return {};
  return fail(
      Reason::kInvalid,
      fmt::format("'{}' must be 1 to {} of a-z, 0-9 and '-', and begin and end with a letter "
                  "or digit",
                  text, kMaxNameLength));
}

void read_duration(Reader& in, const std::string& key, Duration& out, Duration low, Duration high) {
  in.scalar(key, [&](const std::string& text) -> Status {
    ASSIGN_OR_RETURN(const Duration value, parse_duration(text));
    if (value < low || value > high) {
      return fail(Reason::kInvalid, fmt::format("{} is not between {} and {}", text,
                                                format_duration(low), format_duration(high)));
    }
    out = value;
    return {};
  });
}

void read_port(Reader& in, const std::string& key, std::uint16_t& out) {
  std::int32_t number = out;
  in.integer(key, number, 1, 65535);
  out = static_cast<std::uint16_t>(number);
}

void read_cpu(Reader& in, std::int64_t& milli) {
  in.scalar("cpu", [&](const std::string& text) { return assign(parse_cpu_milli(text), milli); });
}

void read_memory(Reader& in, const std::string& key, std::int64_t& bytes) {
  in.scalar(key, [&](const std::string& text) { return assign(parse_bytes(text), bytes); });
}

void read_percent(Reader& in, const std::string& key, std::int32_t& percent) {
  in.scalar(key, [&](const std::string& text) -> Status {
    ASSIGN_OR_RETURN(const std::int64_t value, parse_percent(text));
    percent = static_cast<std::int32_t>(value);
    return {};
  });
}

void read_share(Reader& in, const std::string& key, double& percent) {
  in.scalar(key,
            [&](const std::string& text) { return assign(parse_fraction_percent(text), percent); });
}

void read_path(Reader& in, const std::string& key, std::string& out) {
  in.scalar(key, [&](const std::string& text) -> Status {
    if (!text.starts_with('/'))
      return fail(Reason::kInvalid, "must be a path that begins with '/'");
    out = text;
    return {};
  });
}

Status check_variable_name(const std::string& name) {
  const auto follows = [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  if (!name.empty() && is_letter(name.front()) && std::ranges::all_of(name, follows)) return {};
  return fail(Reason::kInvalid, "is not a name for a variable");
}

void read_variables(Reader& in, const std::string& key, Variables& out) {
  in.entries(key, [&](const std::string& name, const std::string& value) -> Status {
    RETURN_IF_ERROR(check_variable_name(name));
    std::erase_if(out, [&](const auto& entry) { return entry.first == name; });
    out.emplace_back(name, value);
    return {};
  });
}

}  // namespace minato::spec
