// Whether the API server is to be asked at all: calls block the loop, so one that does not answer,
// or that asks for patience, is let alone for a while instead of costing every call its timeout.
//
// After a failure to reach it calls fail at once for kFirst, and twice as long after each further
// one, at most kLongest; what it asks for itself (Retry-After) counts likewise, up to kPatience.
// An answer ends it. A value; time is the caller's. Errors: Unavailable.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"

namespace minato::kube_http {

class Breaker {
 public:
  static constexpr Duration kFirst = 1s;
  static constexpr Duration kLongest = 10s;
  static constexpr Duration kPatience = 30s;

  Status admit(MonoTime now) const;
  void answered();
  void unreachable(MonoTime now, const std::string& why);
  void asked_for_patience(MonoTime now, Duration wait, const std::string& why);

 private:
  MonoTime until_{};
  Duration next_ = kFirst;
  std::string why_;
};

}  // namespace minato::kube_http
