// Reading HTTP/1.1 requests of strangers (RFC 9112), and the few texts around it.
//
// Pure functions and values. Whatever is malformed gives the status to refuse it with; sizes are
// bounded by the caller (head) and by kBodyLimit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hello {

inline constexpr std::int64_t kBodyLimit = 1 << 20;
inline constexpr std::int64_t kLongestWaitMs = 60'000;

struct Request {
  std::string method;
  std::string path;
  std::string query;
  bool keep_alive = true;
  std::int64_t body_bytes = 0;
};

// The head of a request, without the empty line that ends it. 0, or the status of the refusal.
int parse_head(std::string_view head, Request& request);

// The N of a query "ms=N", up to kLongestWaitMs.
std::optional<std::int64_t> milliseconds_of(std::string_view query);

// A decimal number from 0 to `largest`.
std::optional<std::int64_t> parse_number(std::string_view text, std::int64_t largest);
// "250ms", "5s" or "5"; anything else is 0.
std::chrono::milliseconds parse_delay(std::string_view text);

std::string json_string(std::string_view text);
std::string upper(std::string_view text);  // ASCII.

}  // namespace hello
