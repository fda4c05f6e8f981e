// What one Node's Service rules must be, from Services and EndpointSlices. Pure.
//
// Rules: k8s.io/kubernetes pkg/proxy (servicechangetracker, endpointslicecache) and
// pkg/proxy/topology.go (CategorizeEndpoints): ready endpoints; when a Service has none,
// terminating ones that still serve; zone hints only when every ready endpoint has them and one is
// for this zone. Headless and ExternalName Services have no rules.
#pragma once

#include <map>
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

// The rules of one Service for every Node. What Nodes have in common is computed once and shared by
// their rules. Equal addresses are merged.
class ServicePorts {
 public:
  // `slices` are the Service's own.
  ServicePorts(const kube::Service& service, const Slices& slices);
  // Sorted by port name.
  std::vector<network::ServicePort> on(const NodeView& node) const;
  std::size_t endpoints() const { return endpoints_; }

 private:
  struct Port {
    network::ServicePort common;  // For Nodes of zones without hints.
    bool is_local = false;        // internalTrafficPolicy Local.
    std::map<std::string, network::Endpoints> by_zone;
    std::map<std::string, network::Endpoints> by_node;  // Local ones.
  };
  std::vector<Port> ports_;
  std::size_t endpoints_ = 0;
};

// The Service that a slice belongs to; empty name when it belongs to none.
kube::ObjectKey service_of(const kube::EndpointSlice& slice);

}  // namespace minato::proxy
