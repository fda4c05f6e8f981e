#include "control/protocol.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <array>

namespace minato::control {
namespace json = boost::json;
namespace {

constexpr auto kReasons = std::to_array<Reason>(
    {Reason::kUnauthorized, Reason::kForbidden, Reason::kNotFound, Reason::kAlreadyExists,
     Reason::kConflict, Reason::kGone, Reason::kExpired, Reason::kInvalid, Reason::kBadRequest,
     Reason::kTooManyRequests, Reason::kTimeout, Reason::kInternalError, Reason::kUnavailable,
     Reason::kAborted});

Reason reason_named(std::string_view name) {
  for (const Reason reason : kReasons) {
    if (to_string(reason) == name) return reason;
  }
  return Reason::kUnknown;
}

Result<json::object> parse_object(std::string_view line) {
  json::error_code error;
  json::value value = json::parse({line.data(), line.size()}, error);
  if (error || !value.is_object()) return fail(Reason::kBadRequest, "not a line of JSON");
  return std::move(value.get_object());
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

std::string Request::text(std::string_view name) const { return text_of(arguments, name); }

std::int64_t Request::integer(std::string_view name, std::int64_t fallback) const {
  const json::value* value = arguments.if_contains({name.data(), name.size()});
  return value != nullptr && value->is_int64() ? value->get_int64() : fallback;
}

bool Request::flag(std::string_view name) const {
  const json::value* value = arguments.if_contains({name.data(), name.size()});
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::string encode(const Request& request) {
  return json::serialize(json::object{{"verb", request.verb}, {"arguments", request.arguments}}) + "\n";
}

Result<Request> decode(std::string_view line) {
  ASSIGN_OR_RETURN(json::object object, parse_object(line));
  Request out{text_of(object, "verb"), {}};
  if (out.verb.empty()) return fail(Reason::kBadRequest, "a request needs a verb");
  if (json::value* arguments = object.if_contains("arguments"); arguments && arguments->is_object()) {
    out.arguments = std::move(arguments->get_object());
  }
  return out;
}

std::string encode_data(const json::value& data) {
  return json::serialize(json::object{{"data", data}}) + "\n";
}

std::string encode_end(const Status& status) {
  if (status) return "{\"done\":true}\n";
  json::object error{{"reason", std::string(to_string(status.error().reason))},
                     {"message", status.error().message}};
  return json::serialize(json::object{{"error", std::move(error)}}) + "\n";
}

Result<Line> decode_line(std::string_view line) {
  ASSIGN_OR_RETURN(json::object object, parse_object(line));
  Line out;
  if (json::value* data = object.if_contains("data")) {
    out.data = std::move(*data);
    return out;
  }
  out.last = true;
  if (const json::value* error = object.if_contains("error"); error && error->is_object()) {
    out.status = fail(reason_named(text_of(error->get_object(), "reason")),
                      text_of(error->get_object(), "message"));
  }
  return out;
}

}  // namespace minato::control
