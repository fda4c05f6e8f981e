// From a Service and its Pods to endpoints, and from endpoints to slices with few changes. Pure.
//
// Rules: k8s.io/endpointslice (reconciler.go, utils.go) and k8s.io/kubernetes
// pkg/controller/util/endpoint. Endpoints stay in the slice they are in; holes are filled in slices
// that change anyway, then in the fullest slice with room, and only then a new slice is made. A
// Service without endpoints keeps one empty slice.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kube/types/discovery.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"
#include "kube/types/service.h"

namespace minato::controllers {

inline constexpr std::string_view kEndpointSliceManager = "endpointslice-controller.k8s.io";

// Endpoints that share a port list: named target ports may differ from Pod to Pod.
struct EndpointGroup {
  std::string address_type;  // "IPv4" or "IPv6".
  std::vector<kube::EndpointPort> ports;
  std::vector<kube::Endpoint> endpoints;  // By Pod key.
};

// Null: no such Node.
using FindNode = std::function<std::shared_ptr<const kube::Node>(const std::string& name)>;
// Pods without an address, finished Pods, and (unless publishNotReadyAddresses) Pods on Nodes that
// are gone are left out. Ordered by address type and ports.
std::vector<EndpointGroup> desired_endpoints(
    const kube::Service& service, const std::vector<std::shared_ptr<const kube::Pod>>& pods,
    const FindNode& find_node);

using SlicePtr = std::shared_ptr<const kube::EndpointSlice>;
struct SlicePlan {
  std::vector<kube::EndpointSlice> create;
  std::vector<kube::EndpointSlice> update;
  std::vector<SlicePtr> remove;
};
SlicePlan plan_slices(const kube::Service& service, const std::vector<SlicePtr>& existing,
                      std::vector<EndpointGroup> desired, std::size_t max_per_slice);

}  // namespace minato::controllers
