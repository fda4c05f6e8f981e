#include "apiserver/status.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace minato::apiserver {
namespace json = boost::json;
namespace {

constexpr int kRetryAfterSeconds = 1;
constexpr int kEvictionRetrySeconds = 10;

// field.Error prints its kind first, so the text tells the cause's reason.
std::string_view cause_reason(std::string_view message) {
  constexpr std::pair<std::string_view, std::string_view> kReasons[] = {
      {"Required value", "FieldValueRequired"},
      {"Duplicate value", "FieldValueDuplicate"},
      {"Unsupported value", "FieldValueNotSupported"},
      {"Forbidden", "FieldValueForbidden"},
      {"Not found", "FieldValueNotFound"},
      {"Too long", "FieldValueTooLong"},
      {"Too many", "FieldValueTooMany"},
      {"Invalid value", "FieldValueInvalid"},
      {"Precondition failed", ""},
      {"conflict with", "FieldManagerConflict"},
      {"The disruption budget", "DisruptionBudget"}};
  for (const auto& [start, reason] : kReasons) {
    if (message.starts_with(start)) return reason;
  }
  return "FieldValueInvalid";
}

bool is_too_large_version(const Error& error) {
  return error.reason == Reason::kTimeout &&
         error.message.starts_with("Too large resource version");
}

json::array causes_of(const Error& error) {
  json::array out;
  if (is_too_large_version(error)) {
    out.push_back(
        {{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}});
  }
  for (const Cause& cause : error.causes) {
    json::object entry{{"reason", cause_reason(cause.message)}, {"message", cause.message}};
    if (!cause.field.empty()) entry["field"] = cause.field;
    out.push_back(std::move(entry));
  }
  return out;
}

int retry_after(const Error& error) {
  if (error.reason == Reason::kTooManyRequests) return kEvictionRetrySeconds;
  if (error.reason == Reason::kUnavailable || error.reason == Reason::kTimeout)
    return kRetryAfterSeconds;
  return 0;
}

// Failures of an object, which say of which one; the others are of the request.
bool names_its_subject(const Error& error) {
  switch (error.reason) {
    case Reason::kNotFound:
    case Reason::kAlreadyExists:
    case Reason::kForbidden:
    case Reason::kInvalid: return true;
    case Reason::kConflict: return error.causes.empty();  // Those of an apply have one each.
    default: return false;
  }
}

json::object details_of(const Error& error, const Subject& subject) {
  json::object out;
  if (names_its_subject(error)) {
    if (!subject.name.empty()) out["name"] = subject.name;
    if (!subject.group.empty()) out["group"] = subject.group;
    const std::string& kind = error.reason == Reason::kInvalid ? subject.kind : subject.resource;
    if (!kind.empty()) out["kind"] = kind;
  }
  if (json::array causes = causes_of(error); !causes.empty()) out["causes"] = std::move(causes);
  if (const int seconds = retry_after(error); seconds > 0) out["retryAfterSeconds"] = seconds;
  return out;
}

json::object status_object(int code, std::string_view reason, std::string_view message,
                           json::object details) {
  json::object out{{"kind", "Status"},
                   {"apiVersion", "v1"},
                   {"metadata", json::object()},
                   {"status", "Failure"},
                   {"message", message}};
  if (!reason.empty()) out["reason"] = reason;
  if (!details.empty()) out["details"] = std::move(details);
  out["code"] = code;
  return out;
}

json::object status_of(const Error& error, const Subject& subject) {
  return status_object(http_status(error.reason), to_string(error.reason), error.message,
                       details_of(error, subject));
}

}  // namespace

int http_status(Reason reason) {
  switch (reason) {
    case Reason::kUnauthorized: return 401;
    case Reason::kForbidden: return 403;
    case Reason::kNotFound: return 404;
    case Reason::kMethodNotAllowed: return 405;
    case Reason::kAlreadyExists:
    case Reason::kConflict: return 409;
    case Reason::kGone:
    case Reason::kExpired: return 410;
    case Reason::kUnsupportedMediaType: return 415;
    case Reason::kInvalid: return 422;
    case Reason::kBadRequest: return 400;
    case Reason::kTooManyRequests: return 429;
    case Reason::kUnavailable:
    case Reason::kAborted: return 503;
    case Reason::kTimeout: return 504;
    case Reason::kUnknown:
    case Reason::kInternalError: return 500;
  }
  return 500;
}

HttpAnswer failure(const Error& error, const Subject& subject) {
  HttpAnswer out{.status = http_status(error.reason)};
  out.body = json::serialize(status_of(error, subject)) + "\n";
  if (const int seconds = retry_after(error); seconds > 0 && out.status != 504) {
    out.headers.emplace_back("Retry-After", std::to_string(seconds));
  }
  return out;
}

HttpAnswer failure(int code, std::string_view reason, std::string_view message) {
  return {.status = code, .body = json::serialize(status_object(code, reason, message, {})) + "\n"};
}

std::string failure_status(const Error& error, const Subject& subject) {
  return json::serialize(status_of(error, subject));
}

HttpAnswer success(const Subject& subject) {
  json::object details{{"name", subject.name}, {"kind", subject.resource}};
  if (!subject.group.empty()) details["group"] = subject.group;
  if (!subject.uid.empty()) details["uid"] = subject.uid;
  const json::object out{{"kind", "Status"},
                         {"apiVersion", "v1"},
                         {"metadata", json::object()},
                         {"status", "Success"},
                         {"details", std::move(details)}};
  return {.body = json::serialize(out) + "\n"};
}

}  // namespace minato::apiserver
