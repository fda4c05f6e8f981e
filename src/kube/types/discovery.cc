#include "kube/types/discovery.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(EndpointConditions,
  FIELD(ready, "ready", 1),
  FIELD(serving, "serving", 2),
  FIELD(terminating, "terminating", 3))

MINATO_STRUCT(ForZone,
  FIELD(name, "name", 1, kAlways))

MINATO_STRUCT(EndpointHints,
  FIELD(for_zones, "forZones", 1, kAtomic))

MINATO_STRUCT(Endpoint,
  FIELD(addresses, "addresses", 1, kAlways | kSet),
  FIELD(conditions, "conditions", 2),
  FIELD(hostname, "hostname", 3),
  FIELD(target_ref, "targetRef", 4),
  FIELD(deprecated_topology, "deprecatedTopology", 5),
  FIELD(node_name, "nodeName", 6),
  FIELD(zone, "zone", 7),
  FIELD(hints, "hints", 8))

MINATO_STRUCT(EndpointPort,
  FIELD(name, "name", 1),
  FIELD(protocol, "protocol", 2),
  FIELD(port, "port", 3),
  FIELD(app_protocol, "appProtocol", 4))

DEFINE_SPECIAL_MEMBERS(EndpointSlice);
MINATO_STRUCT(EndpointSlice,
  FIELD(metadata, "metadata", 1),
  FIELD(address_type, "addressType", 4, kAlways),
  FIELD(endpoints, "endpoints", 2, kAlways | kAtomic),
  FIELD(ports, "ports", 3, kAlways | kAtomic))

}  // namespace minato::kube
