// How the command line talks to a running world: one Unix socket per world, mode 0600 in a 0700
// directory, and only the user who owns the world (or root) is answered.
//
// One request per connection, a line of JSON: {"verb":"status","arguments":{…}}. The answer is any
// number of lines {"data":…} and a last one, {"done":true} or {"error":{"reason":…,"message":…}}.
// Text is bounded: 1 MiB per request, 16 MiB per answer line.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace minato::control {

inline constexpr std::size_t kMaxRequestBytes = 1 << 20;
inline constexpr std::size_t kMaxLineBytes = 16 << 20;

struct Request {
  std::string verb;
  boost::json::object arguments;

  // "" when the argument is absent or of another type.
  std::string text(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t fallback) const;
  bool flag(std::string_view name) const;
};

std::string encode(const Request& request);
Result<Request> decode(std::string_view line);
std::string encode_data(const boost::json::value& data);
std::string encode_end(const Status& status);

// One line of an answer.
struct Line {
  boost::json::value data;  // Null for the last line.
  bool last = false;
  Status status;  // Of the last line.
};
Result<Line> decode_line(std::string_view line);

}  // namespace minato::control
