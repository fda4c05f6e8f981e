// How requests to a Kubernetes API are spelled, and what its answers say. Pure; thread-safe.
// Private to kube_http.
// Rules: kubernetes.io/docs/reference/using-api/api-concepts; k8s.io/apimachinery
// pkg/api/errors/errors.go (NewGenericServerResponse, for answers without a Status).
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kube/client.h"
#include "kube_http/transport.h"

namespace minato::kube_http {

// "/apis/apps/v1/namespaces/shop/deployments"; all namespaces for "".
std::string collection_path(const kube::Kind& kind, const std::string& name_space);
std::string object_path(const kube::Kind& kind, const kube::ObjectKey& key, std::string_view subresource = {});
std::string_view subresource_name(kube::Subresource subresource);
std::string_view content_type(kube::PatchType type);
// Label and field selectors as query parameters, each with '&' before it.
std::string selectors(const kube::ListOptions& options);
boost::json::object delete_options(const kube::RemoveOptions& options);

// What an answer that is no success says: reason, message and causes of its Status, or what its code
// and text tell without one. `request` goes first where the server says nothing itself.
Error error_of(const Answer& answer, std::string_view request);
// details.retryAfterSeconds, or the header.
std::optional<Duration> retry_after_of(const Answer& answer);

// metadata.resourceVersion as a number; zero where it is none.
std::uint64_t version_of(std::string_view text);
Result<kube::ObjectPtr> object_of(const kube::Kind& kind, const boost::json::value& value);

// An object that cannot be read is left out: one of somebody else's must not blind us to all others.
struct Page {
  kube::ObjectList list;
  std::string continue_;  // "": the last one.
  std::vector<std::string> unreadable;  // What was left out, and why: one each.
};
Result<Page> page_of(const kube::Kind& kind, std::string_view body);

}  // namespace minato::kube_http
