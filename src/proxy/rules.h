// What one Node's Service rules must be, from Services and EndpointSlices. Pure.
//
// Rules: k8s.io/kubernetes pkg/proxy (servicechangetracker, endpointslicecache) and
// pkg/proxy/topology.go (CategorizeEndpoints): ready endpoints; when a Service has none,
// terminating ones that still serve; zone hints only when every ready endpoint has them and one is
// for this zone. Headless and ExternalName Services have no rules.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kube/types/discovery.h"
#include "kube/types/service.h"
#include "network/network.h"

namespace minato::proxy {

struct NodeView {
  std::string name;
  std::string zone;  // "" ignores hints.
};

using Services = std::vector<std::shared_ptr<const kube::Service>>;
using Slices = std::vector<std::shared_ptr<const kube::EndpointSlice>>;

// The rules of one Service; `slices` are its own. Equal addresses are merged.
std::vector<network::ServicePort> build_service_ports(const kube::Service& service,
                                                      const Slices& slices, const NodeView& node);

// Everything; `slices` may be of any Service.
network::NodeRules build_rules(const Services& services, const Slices& slices,
                               const NodeView& node);

// The Service that a slice belongs to; empty name when it belongs to none.
kube::ObjectKey service_of(const kube::EndpointSlice& slice);

}  // namespace minato::proxy
