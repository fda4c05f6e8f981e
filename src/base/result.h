// Result<T>: the only way expected failure travels in minato.
//
// A failure is an `Error`: a Kubernetes StatusReason that callers may branch on, a sentence for
// people, and optional causes (field paths). Own code throws nothing; libraries that throw are
// called in one adapter each. Errors are values: copyable, thread-compatible.
//
// Reasons: k8s.io/apimachinery pkg/apis/meta/v1/types.go (StatusReason). Two are ours:
// kUnavailable (a world or program is not there) and kAborted (interrupted before it was done).
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/special_members.h"

namespace minato {

enum class Reason {
  kUnknown,
  kUnauthorized,
  kForbidden,
  kNotFound,
  kAlreadyExists,
  kConflict,
  kGone,
  kExpired,
  kInvalid,
  kBadRequest,
  kMethodNotAllowed,
  kUnsupportedMediaType,
  kTooManyRequests,
  kTimeout,
  kInternalError,
  kUnavailable,
  kAborted,
};

// The name as Kubernetes spells it in Status.reason, e.g. "NotFound".
std::string_view to_string(Reason reason);

struct Cause {
  std::string field;    // Path such as "spec.containers[0].name"; may be empty.
  std::string message;  // What is wrong there.
  bool operator==(const Cause&) const = default;
};

struct [[nodiscard]] Error {
  DECLARE_SPECIAL_MEMBERS(Error);
  Error(Reason why, std::string sentence, std::vector<Cause> places = {});
  Reason reason = Reason::kUnknown;
  std::string message;
  std::vector<Cause> causes;
  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

// Builds the failure side of any Result: `return fail(Reason::kNotFound, "pods \"a\" not found");`
[[nodiscard]] std::unexpected<Error> fail(Reason reason, std::string message);
// Keeps the reason and causes, prefixes the message: "reading /x: permission denied".
[[nodiscard]] std::unexpected<Error> wrap(std::string_view context, Error error);
// errno as an Error: reason from the number, message "context: strerror".
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view context, int error_number);

inline bool is(const Error& error, Reason reason) { return error.reason == reason; }
template <class T>
bool failed_with(const Result<T>& result, Reason reason) {
  return !result && result.error().reason == reason;
}
// NotFound is success for whoever only wants the thing gone.
Status ignore_not_found(Status status);

}  // namespace minato

#define MINATO_CONCAT_INNER(a, b) a##b
#define MINATO_CONCAT(a, b) MINATO_CONCAT_INNER(a, b)

// RETURN_IF_ERROR(call()); hands a failure to the caller.
#define RETURN_IF_ERROR(expr)                                          \
  do {                                                                 \
    if (auto minato_status = (expr); !minato_status)                   \
      return std::unexpected(std::move(minato_status).error());        \
  } while (false)

// ASSIGN_OR_RETURN(auto value, call()); unwraps or hands the failure to the caller.
#define ASSIGN_OR_RETURN(decl, expr) \
  MINATO_ASSIGN_OR_RETURN_IMPL(MINATO_CONCAT(minato_result_, __COUNTER__), decl, expr)
#define MINATO_ASSIGN_OR_RETURN_IMPL(tmp, decl, expr)           \
  auto tmp = (expr);                                            \
  if (!tmp) return std::unexpected(std::move(tmp).error());     \
  decl = std::move(tmp).value()
