#include "request.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace hello {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_token(std::string_view text) {
  static constexpr std::string_view kSeparators = "\"(),/:;<=>?@[\\]{}";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 127 && kSeparators.find(c) == std::string_view::npos;
  });
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

// One header field; 0, or the status to refuse the request with.
int parse_field(std::string_view line, Request& request, int& hosts, int& lengths) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return 400;
  const std::string name = upper(line.substr(0, colon));
  const std::string_view value = trim(line.substr(colon + 1));
  if (name == "HOST") ++hosts;
  if (name == "TRANSFER-ENCODING") return 501;
  if (name == "CONNECTION") {
    const std::string option = upper(value);
    if (option.find("CLOSE") != std::string::npos) request.keep_alive = false;
    if (option.find("KEEP-ALIVE") != std::string::npos) request.keep_alive = true;
  }
  if (name == "CONTENT-LENGTH") {
    const auto length = parse_number(value, INT64_MAX);
    if (!length || ++lengths > 1) return 400;
    if (*length > kBodyLimit) return 413;
    request.body_bytes = *length;
  }
  return 0;
}

}  // namespace

int parse_head(std::string_view head, Request& request) {
  int hosts = 0, lengths = 0;
  std::size_t line_end = head.find("\r\n");
  const std::string_view line = head.substr(0, line_end);
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return 400;
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  request.method = line.substr(0, first);
  if (!is_token(request.method) || (version != "HTTP/1.1" && version != "HTTP/1.0")) return 400;
  if (!target.starts_with('/') || !is_printable(target)) return 400;
  request.path = target.substr(0, target.find('?'));
  if (request.path.size() < target.size()) request.query = target.substr(request.path.size() + 1);
  request.keep_alive = version == "HTTP/1.1";
  while (line_end != std::string_view::npos) {
    const std::size_t begin = line_end + 2;
    line_end = head.find("\r\n", begin);
    const bool is_last = line_end == std::string_view::npos;
    const std::string_view field = head.substr(begin, is_last ? head.npos : line_end - begin);
    if (const int status = parse_field(field, request, hosts, lengths); status != 0) return status;
  }
  if (hosts > 1 || (hosts == 0 && version == "HTTP/1.1")) return 400;
  return 0;
}

std::optional<std::int64_t> milliseconds_of(std::string_view query) {
  if (!query.starts_with("ms=")) return {};
  return parse_number(query.substr(3), kLongestWaitMs);
}

std::optional<std::int64_t> parse_number(std::string_view text, std::int64_t largest) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  if (value < 0 || value > largest || text.front() == '-') return {};
  return value;
}

std::chrono::milliseconds parse_delay(std::string_view text) {
  std::int64_t unit = 1000;
  if (text.ends_with("ms")) {
    unit = 1;
    text.remove_suffix(2);
  } else if (text.ends_with("s")) {
    text.remove_suffix(1);
  }
  return std::chrono::milliseconds(parse_number(text, 3600).value_or(0) * unit);
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

}  // namespace hello
