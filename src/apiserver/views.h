// Versions of a kind that clients speak and the store does not: autoscaling/v1
// HorizontalPodAutoscaler (stored as v2) and events.k8s.io/v1 Event (stored as core/v1).
//
// A request in such a version is made one in the stored version before anything else looks at its
// body, and what answers it is made one in the client's version on its way out, events of watches
// included. Pure but for the Exchange it wraps. Loop thread only.
// Rules: k8s.io/kubernetes pkg/apis/autoscaling/v1/conversion.go, pkg/apis/core/v1/conversion.go
// (Event in both groups is one object).
#pragma once

#include <boost/json/object.hpp>

#include "apiserver/http.h"
#include "base/result.h"
#include "kube/object.h"

namespace minato::apiserver {

struct VersionView {
  const kube::Kind* seen = nullptr;
  const kube::Kind* stored = nullptr;
  // Members of an object, or of a merge patch, in place.
  void (*to_stored)(boost::json::object& object) = nullptr;
  void (*to_seen)(boost::json::object& object) = nullptr;
};

// All there are.
const std::vector<VersionView>& views();
// Null: the resource is served as it is stored.
const VersionView* find_view(std::string_view group, std::string_view version, std::string_view resource);

// Errors: BadRequest (a body that cannot be read), UnsupportedMediaType (a JSON patch).
Status convert_request(const VersionView& view, HttpRequest& request, Url& url);
// An Exchange that converts what goes through to `inner`.
ExchangePtr convert_answers(const VersionView& view, ExchangePtr inner);

}  // namespace minato::apiserver
