#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace minato {

DEFINE_SPECIAL_MEMBERS(Error);
Error::Error(Reason why, std::string sentence, std::vector<Cause> places)
    : reason(why), message(std::move(sentence)), causes(std::move(places)) {}

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kUnknown: return "Unknown";
    case Reason::kUnauthorized: return "Unauthorized";
    case Reason::kForbidden: return "Forbidden";
    case Reason::kNotFound: return "NotFound";
    case Reason::kAlreadyExists: return "AlreadyExists";
    case Reason::kConflict: return "Conflict";
    case Reason::kGone: return "Gone";
    case Reason::kExpired: return "Expired";
    case Reason::kInvalid: return "Invalid";
    case Reason::kBadRequest: return "BadRequest";
    case Reason::kMethodNotAllowed: return "MethodNotAllowed";
    case Reason::kUnsupportedMediaType: return "UnsupportedMediaType";
    case Reason::kTooManyRequests: return "TooManyRequests";
    case Reason::kTimeout: return "Timeout";
    case Reason::kInternalError: return "InternalError";
    case Reason::kUnavailable: return "ServiceUnavailable";
    case Reason::kAborted: return "Aborted";
  }
  return "Unknown";
}

std::unexpected<Error> fail(Reason reason, std::string message) {
  return std::unexpected(Error{reason, std::move(message)});
}

std::unexpected<Error> wrap(std::string_view context, Error error) {
  error.message = std::string(context) + ": " + error.message;
  return std::unexpected(std::move(error));
}

namespace {

Reason reason_of_errno(int error_number) {
  switch (error_number) {
    case ENOENT: return Reason::kNotFound;
    case EEXIST: return Reason::kAlreadyExists;
    case EACCES:
    case EPERM: return Reason::kForbidden;
    case ETIMEDOUT: return Reason::kTimeout;
    case EINVAL: return Reason::kInvalid;
    case EADDRINUSE:
    case ENOSPC:
    case EDQUOT:
    case ECONNREFUSED: return Reason::kUnavailable;
    default: return Reason::kInternalError;
  }
}

}  // namespace

std::unexpected<Error> fail_errno(std::string_view context, int error_number) {
  // generic_category().message() and not strerror(): the latter is not thread-safe.
  return fail(reason_of_errno(error_number),
              std::string(context) + ": " + std::generic_category().message(error_number));
}

Status ignore_not_found(Status status) {
  if (!status && status.error().reason == Reason::kNotFound) return {};
  return status;
}

}  // namespace minato
