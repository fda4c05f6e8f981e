#include "kube/types/service.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_STRUCT(ServicePort,
  FIELD(name, "name", 1),
  FIELD(protocol, "protocol", 2),
  FIELD(app_protocol, "appProtocol", 6),
  FIELD(port, "port", 3, kAlways),
  FIELD(target_port, "targetPort", 4),
  FIELD(node_port, "nodePort", 5))

MINATO_STRUCT(ClientIPConfig,
  FIELD(timeout_seconds, "timeoutSeconds", 1))

MINATO_STRUCT(SessionAffinityConfig,
  FIELD(client_ip, "clientIP", 1))

DEFINE_SPECIAL_MEMBERS(ServiceSpec);
MINATO_STRUCT(ServiceSpec,
  FIELD(ports, "ports", 1, kMerge, "port", "port,protocol"),
  FIELD(selector, "selector", 2, kAtomic),
  FIELD(cluster_ip, "clusterIP", 3),
  FIELD(cluster_ips, "clusterIPs", 18, kAtomic),
  FIELD(type, "type", 4),
  FIELD(external_ips, "externalIPs", 5, kAtomic),
  FIELD(session_affinity, "sessionAffinity", 7),
  FIELD(load_balancer_ip, "loadBalancerIP", 8),
  FIELD(load_balancer_source_ranges, "loadBalancerSourceRanges", 9, kAtomic),
  FIELD(external_name, "externalName", 10),
  FIELD(external_traffic_policy, "externalTrafficPolicy", 11),
  FIELD(health_check_node_port, "healthCheckNodePort", 12),
  FIELD(publish_not_ready_addresses, "publishNotReadyAddresses", 13),
  FIELD(session_affinity_config, "sessionAffinityConfig", 14),
  FIELD(ip_families, "ipFamilies", 19, kAtomic),
  FIELD(ip_family_policy, "ipFamilyPolicy", 17),
  FIELD(allocate_load_balancer_node_ports, "allocateLoadBalancerNodePorts", 20),
  FIELD(load_balancer_class, "loadBalancerClass", 21),
  FIELD(internal_traffic_policy, "internalTrafficPolicy", 22),
  FIELD(traffic_distribution, "trafficDistribution", 23))

MINATO_STRUCT(PortStatus,
  FIELD(port, "port", 1, kAlways),
  FIELD(protocol, "protocol", 2, kAlways),
  FIELD(error, "error", 3))

MINATO_STRUCT(LoadBalancerIngress,
  FIELD(ip, "ip", 1),
  FIELD(hostname, "hostname", 2),
  FIELD(ip_mode, "ipMode", 3),
  FIELD(ports, "ports", 4, kAtomic))

MINATO_STRUCT(LoadBalancerStatus,
  FIELD(ingress, "ingress", 1, kAtomic))

MINATO_STRUCT(ServiceStatus,
  FIELD(load_balancer, "loadBalancer", 1),
  FIELD(conditions, "conditions", 2, kMerge, "type"))

DEFINE_SPECIAL_MEMBERS(Service);
MINATO_STRUCT(Service,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

}  // namespace minato::kube
