#include "apiserver/service_accounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

#include "kube/types/config.h"
#include "kube/types/pod.h"

namespace minato::apiserver {
namespace json = boost::json;
namespace {

constexpr std::int64_t kDefaultSeconds = 3600;
constexpr std::int64_t kShortestSeconds = 600;
constexpr Duration kLeeway = 1min;
constexpr std::int64_t kLongestSeconds = std::int64_t{1} << 32;

std::int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string text_at(const json::object& object, std::string_view path) {
  const json::value* found = nullptr;
  const json::object* at = &object;
  while (at != nullptr) {
    const std::size_t slash = path.find('/');
    found = at->if_contains(path.substr(0, slash));
    if (slash == std::string_view::npos || found == nullptr) break;
    at = found->if_object();
    path.remove_prefix(slash + 1);
  }
  return at != nullptr && found != nullptr && found->is_string() ? std::string(found->get_string())
                                                                 : std::string();
}

std::int64_t number_at(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

bool is_for_us(const json::object& claims) {
  const json::value* audience = claims.if_contains("aud");
  return audience != nullptr && audience->is_array() &&
         std::ranges::find(audience->get_array(), json::value(kIssuer)) !=
             audience->get_array().end();
}

// What a token may be bound to.
const kube::Kind* bound_kind(std::string_view kind) {
  if (kind == "Pod") return &kube::Pod::static_kind();
  if (kind == "Secret") return &kube::Secret::static_kind();
  return nullptr;
}

}  // namespace

User service_account_user(std::string_view namespace_, std::string_view name, std::string uid) {
  return {fmt::format("system:serviceaccount:{}:{}", namespace_, name),
          std::move(uid),
          {"system:serviceaccounts", fmt::format("system:serviceaccounts:{}", namespace_),
           std::string(kAuthenticated)}};
}

Status ServiceAccountTokens::check_bound(const kube::ObjectKey& account,
                                         const kube::BoundObjectReference& bound,
                                         std::string& uid) const {
  const kube::Kind* kind = bound_kind(bound.kind);
  if (kind == nullptr) {
    return minato::fail(Reason::kBadRequest,
                        fmt::format("cannot bind token for serviceaccount \"{}\" to a {}",
                                    account.name, bound.kind));
  }
  ASSIGN_OR_RETURN(const auto object, registry_.get(*kind, {account.namespace_, bound.name}));
  uid = object->metadata.uid;
  if (!bound.uid.empty() && bound.uid != uid) {
    return minato::fail(
        Reason::kConflict,
        fmt::format("the UID in the bound object reference ({}) does not match the UID in record. "
                    "The object might have been deleted and then recreated",
                    bound.uid));
  }
  if (bound.kind == "Pod" && kube::as<kube::Pod>(*object).spec.service_account_name != account.name) {
    return minato::fail(Reason::kBadRequest,
                        fmt::format("cannot bind token for serviceaccount \"{}\" to pod running "
                                    "with different serviceaccount name.",
                                    account.name));
  }
  return {};
}

Result<kube::TokenRequest> ServiceAccountTokens::issue(const kube::ObjectKey& account,
                                                       kube::TokenRequest request) {
  ASSIGN_OR_RETURN(const auto found, registry_.get(kube::ServiceAccount::static_kind(), account));
  const std::int64_t seconds = request.spec.expiration_seconds.value_or(kDefaultSeconds);
  if (seconds < kShortestSeconds || seconds > kLongestSeconds) {
    return minato::fail(
        Reason::kInvalid,
        fmt::format("TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: "
                    "Invalid value: {}: may not specify a duration {}",
                    seconds,
                    seconds < kShortestSeconds ? "less than 10 minutes"
                                               : "larger than 2^32 seconds"));
  }
  request.spec.expiration_seconds = seconds;
  if (request.spec.audiences.empty()) request.spec.audiences = {std::string(kIssuer)};
  const WallTime now = env_.clock.wall();
  json::array audiences;
  for (const std::string& audience : request.spec.audiences) audiences.emplace_back(audience);
  json::object about{
      {"namespace", account.namespace_},
      {"serviceaccount", {{"name", account.name}, {"uid", found->metadata.uid}}}};
  if (const auto& bound = request.spec.bound_object_ref) {
    std::string uid;
    RETURN_IF_ERROR(check_bound(account, *bound, uid));
    about[bound->kind == "Pod" ? "pod" : "secret"] =
        json::object{{"name", bound->name}, {"uid", uid}};
  }
  const json::object claims{
      {"iss", kIssuer},
      {"sub", service_account_user(account.namespace_, account.name, "").name},
      {"aud", std::move(audiences)},
      {"iat", seconds_of(now)},
      {"nbf", seconds_of(now)},
      {"exp", seconds_of(now) + seconds},
      {"kubernetes.io", std::move(about)}};
  ASSIGN_OR_RETURN(request.status.token, key_.sign(claims));
  request.status.expiration_timestamp = kube::Time(now + std::chrono::seconds(seconds));
  request.metadata.name = account.name;
  request.metadata.namespace_ = account.namespace_;
  return request;
}

Result<User> ServiceAccountTokens::verify(std::string_view token) const {
  const auto refused = [](std::string_view why) {
    return minato::fail(Reason::kUnauthorized, std::string(why));
  };
  ASSIGN_OR_RETURN(const json::object claims, key_.verify(token));
  const std::int64_t now = seconds_of(env_.clock.wall());
  if (text_at(claims, "iss") != kIssuer || !is_for_us(claims))
    return refused("the token is for somebody else");
  if (now >= number_at(claims, "exp") || now < number_at(claims, "nbf"))
    return refused("the token has expired");
  const std::string namespace_ = text_at(claims, "kubernetes.io/namespace");
  const std::string name = text_at(claims, "kubernetes.io/serviceaccount/name");
  const auto account =
      registry_.get(kube::ServiceAccount::static_kind(), {namespace_, name});
  const auto lives = [](const auto& object, const std::string& uid) {
    return object && (*object)->metadata.uid == uid && (*object)->metadata.deletion_timestamp == kube::Time{};
  };
  if (!lives(account, text_at(claims, "kubernetes.io/serviceaccount/uid")))
    return refused("the token's ServiceAccount is gone");
  for (const auto& [member, kind] : {std::pair("pod", "Pod"), std::pair("secret", "Secret")}) {
    const std::string path = std::string("kubernetes.io/") + member;
    const std::string bound = text_at(claims, path + "/name");
    if (bound.empty()) continue;
    const auto object = registry_.get(*bound_kind(kind), {namespace_, bound});
    if (!object || (*object)->metadata.uid != text_at(claims, path + "/uid"))
      return refused("what the token is bound to is gone");
    // A Pod that is going may still use it; one that should have gone long ago may not.
    const WallTime gone = (*object)->metadata.deletion_timestamp;
    if (is_set(gone) && gone + kLeeway < env_.clock.wall())
      return refused("what the token is bound to should be gone");
  }
  return service_account_user(namespace_, name, (*account)->metadata.uid);
}

}  // namespace minato::apiserver
