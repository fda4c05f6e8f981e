// core/v1: Service.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (core/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct ServicePort {
  std::string name;
  std::string protocol;
  std::optional<std::string> app_protocol;
  std::int32_t port = 0;
  IntOrString target_port;
  std::int32_t node_port = 0;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ServicePort*);

struct ClientIPConfig {
  std::optional<std::int32_t> timeout_seconds;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ClientIPConfig*);

struct SessionAffinityConfig {
  Box<ClientIPConfig> client_ip;
  UnknownFields unknown;
};
const TypeInfo& reflect(const SessionAffinityConfig*);

struct ServiceSpec {
  DECLARE_SPECIAL_MEMBERS(ServiceSpec);
  std::vector<ServicePort> ports;
  std::map<std::string, std::string> selector;
  std::string cluster_ip;
  std::vector<std::string> cluster_ips;
  std::string type;
  std::vector<std::string> external_ips;
  std::string session_affinity;
  std::string load_balancer_ip;
  std::vector<std::string> load_balancer_source_ranges;
  std::string external_name;
  std::string external_traffic_policy;
  std::int32_t health_check_node_port = 0;
  bool publish_not_ready_addresses = false;
  Box<SessionAffinityConfig> session_affinity_config;
  std::vector<std::string> ip_families;
  std::optional<std::string> ip_family_policy;
  std::optional<bool> allocate_load_balancer_node_ports;
  std::optional<std::string> load_balancer_class;
  std::optional<std::string> internal_traffic_policy;
  std::optional<std::string> traffic_distribution;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ServiceSpec*);

struct PortStatus {
  std::int32_t port = 0;
  std::string protocol;
  std::optional<std::string> error;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PortStatus*);

struct LoadBalancerIngress {
  std::string ip;
  std::string hostname;
  std::optional<std::string> ip_mode;
  std::vector<PortStatus> ports;
  UnknownFields unknown;
};
const TypeInfo& reflect(const LoadBalancerIngress*);

struct LoadBalancerStatus {
  std::vector<LoadBalancerIngress> ingress;
  UnknownFields unknown;
};
const TypeInfo& reflect(const LoadBalancerStatus*);

struct ServiceStatus {
  LoadBalancerStatus load_balancer;
  std::vector<Condition> conditions;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ServiceStatus*);

struct Service final : ObjectOf<Service> {
  DECLARE_SPECIAL_MEMBERS(Service);
  static const Kind& static_kind();
  ServiceSpec spec;
  ServiceStatus status;
};
const TypeInfo& reflect(const Service*);

}  // namespace minato::kube
