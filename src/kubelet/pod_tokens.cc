#include "kubelet/pod_tokens.h"

#include <fmt/format.h>

#include <algorithm>

namespace minato::kubelet {
namespace {

constexpr std::int64_t kDefaultSeconds = 3600;
constexpr Duration kOldest = 24h;
// Pods that were started together do not all ask at once.
constexpr Duration kJitter = 10s;

}  // namespace

Result<PodTokens::Held> PodTokens::issue(const kube::Pod& pod,
                                         const kube::ServiceAccountTokenProjection& wanted) {
  if (!sources_.issue_token) {
    return fail(Reason::kUnavailable, "this cluster issues no ServiceAccount tokens to Pods");
  }
  const std::int64_t seconds = wanted.expiration_seconds.value_or(kDefaultSeconds);
  kube::TokenRequest request;
  if (!wanted.audience.empty()) request.spec.audiences = {wanted.audience};
  request.spec.expiration_seconds = seconds;
  auto& bound = request.spec.bound_object_ref.emplace();
  bound.kind = "Pod";
  bound.api_version = "v1";
  bound.name = pod.metadata.name;
  bound.uid = pod.metadata.uid;
  ASSIGN_OR_RETURN(kube::TokenRequest issued,
                   sources_.issue_token({pod.metadata.namespace_, pod.spec.service_account_name},
                                        std::move(request)));
  const WallTime expires = issued.status.expiration_timestamp;
  const Duration life = std::chrono::seconds(seconds);
  return Held{std::move(issued.status.token), expires,
              expires - life + std::min<Duration>(life - life / 5, kOldest) -
                  env_.rng.between(Duration{}, kJitter)};
}

Result<std::string> PodTokens::get(const kube::Pod& pod,
                                   const kube::ServiceAccountTokenProjection& wanted) {
  const auto key =
      std::pair(wanted.audience, wanted.expiration_seconds.value_or(kDefaultSeconds));
  const auto known = held_.find(key);
  const WallTime now = env_.clock.wall();
  if (known != held_.end() && now < known->second.renew_at) return known->second.token;
  auto issued = issue(pod, wanted);
  if (issued) return (held_[key] = std::move(*issued)).token;
  if (known == held_.end()) {
    return fail(issued.error().reason, "failed to fetch token: " + issued.error().message);
  }
  if (now < known->second.expires) return known->second.token;
  return fail(issued.error().reason,
              "the token has expired and no other was given: " + issued.error().message);
}

std::optional<Duration> PodTokens::due_in() const {
  std::optional<Duration> out;
  for (const auto& [key, held] : held_) {
    const Duration left = held.renew_at - env_.clock.wall();
    if (!out || left < *out) out = left;
  }
  return out;
}

}  // namespace minato::kubelet
