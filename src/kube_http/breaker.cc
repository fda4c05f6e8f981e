#include "kube_http/breaker.h"

#include <algorithm>

namespace minato::kube_http {

Status Breaker::admit(MonoTime now) const {
  if (now >= until_) return {};
  return fail(Reason::kUnavailable,
              "the API server is not asked for another " + format_duration(std::chrono::ceil<std::chrono::milliseconds>(until_ - now)) + ": " + why_);
}

void Breaker::answered() {
  until_ = {};
  next_ = kFirst;
}

void Breaker::unreachable(MonoTime now, const std::string& why) {
  until_ = now + next_;
  next_ = std::min(next_ * 2, kLongest);
  why_ = why;
}

void Breaker::asked_for_patience(MonoTime now, Duration wait, const std::string& why) {
  until_ = now + std::min(wait, kPatience);
  why_ = why;
}

}  // namespace minato::kube_http
