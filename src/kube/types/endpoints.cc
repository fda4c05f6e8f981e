#include "kube/types/endpoints.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_ATOMIC_STRUCT(EndpointAddress,
  FIELD(ip, "ip", 1, kAlways),
  FIELD(hostname, "hostname", 3),
  FIELD(node_name, "nodeName", 4),
  FIELD(target_ref, "targetRef", 2))

MINATO_ATOMIC_STRUCT(CoreEndpointPort,
  FIELD(name, "name", 1),
  FIELD(port, "port", 2, kAlways),
  FIELD(protocol, "protocol", 3),
  FIELD(app_protocol, "appProtocol", 4))

MINATO_STRUCT(EndpointSubset,
  FIELD(addresses, "addresses", 1, kAtomic),
  FIELD(not_ready_addresses, "notReadyAddresses", 2, kAtomic),
  FIELD(ports, "ports", 3, kAtomic))

DEFINE_SPECIAL_MEMBERS(Endpoints);
MINATO_STRUCT(Endpoints,
  FIELD(metadata, "metadata", 1),
  FIELD(subsets, "subsets", 2, kAtomic))

DEFINE_SPECIAL_MEMBERS(PodTemplate);
MINATO_STRUCT(PodTemplate,
  FIELD(metadata, "metadata", 1),
  FIELD(template_, "template", 2))

}  // namespace minato::kube
