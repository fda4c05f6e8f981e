// core/v1 Service.
#include <fmt/format.h>

#include <set>

#include "kube/defaults.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;
using kube::Object;
using kube::Service;
using kube::ServicePort;
using kube::ServiceSpec;

namespace {

constexpr std::string_view kTypes[] = {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"};
constexpr std::string_view kProtocols[] = {"SCTP", "TCP", "UDP"};
constexpr std::string_view kAffinities[] = {"ClientIP", "None"};
constexpr std::string_view kPolicies[] = {"Cluster", "Local"};
constexpr std::string_view kDistributions[] = {"PreferClose"};
constexpr std::int64_t kMaxAffinitySeconds = 86400;

void service_defaults(Object& object) { kube::set_defaults(mutable_as<Service>(object)); }

void validate_target(const ServicePort& port, const FieldPath& path, FieldErrors& errors) {
  if (port.target_port.is_int()) {
    errors.port(path, port.target_port.number());
  } else {
    errors.grammar(path, port.target_port.text(),
                   kube::check_port_name(port.target_port.text()));
  }
}

void validate_ports(const ServiceSpec& service, const FieldPath& ports, FieldErrors& errors) {
  std::set<std::string> names;
  std::set<std::pair<std::int32_t, std::string>> numbers, node_ports;
  for (std::size_t i = 0; i < service.ports.size(); ++i) {
    const ServicePort& port = service.ports[i];
    const FieldPath at = ports.index(i);
    const FieldPath name = at.child("name"), node_port = at.child("nodePort");
    if (port.name.empty()) {
      if (service.ports.size() > 1) errors.required(name);
    } else {
      errors.grammar(name, port.name, kube::check_dns1123_label(port.name));
      if (!names.insert(port.name).second) errors.duplicate(name, port.name);
    }
    errors.port(at.child("port"), port.port);
    errors.one_of(at.child("protocol"), port.protocol, kProtocols);
    validate_target(port, at.child("targetPort"), errors);
    if (port.app_protocol)
      errors.grammar(at.child("appProtocol"), *port.app_protocol,
                     kube::check_qualified_name(*port.app_protocol));
    if (!numbers.emplace(port.port, port.protocol).second) {
      errors.duplicate(at, fmt::format("{}/{}", port.port, port.protocol));
    }
    if (port.node_port == 0) continue;
    if (service.type == "ClusterIP" || service.type == "ExternalName") {
      errors.forbidden(node_port,
                       fmt::format("may not be used when `type` is '{}'", service.type));
    }
    if (!node_ports.emplace(port.node_port, port.protocol).second) {
      errors.duplicate(node_port, std::to_string(port.node_port));
    }
  }
}

void validate_external(const ServiceSpec& service, const FieldPath& spec, FieldErrors& errors) {
  const bool is_balanced = service.type == "LoadBalancer";
  const bool is_external = is_balanced || service.type == "NodePort" || !service.external_ips.empty();
  const FieldPath policy = spec.child("externalTrafficPolicy"),
                  health = spec.child("healthCheckNodePort"), ips = spec.child("externalIPs"),
                  ranges = spec.child("LoadBalancerSourceRanges");
  constexpr std::string_view kOnlyBalanced = "may only be used when `type` is 'LoadBalancer'";
  if (!service.external_traffic_policy.empty() && !is_external) {
    errors.invalid(policy, service.external_traffic_policy,
                   "may only be set for externally-accessible services");
  }
  const bool has_health = is_balanced && service.external_traffic_policy == "Local";
  if (service.health_check_node_port != 0 && !has_health) {
    errors.invalid(health, service.health_check_node_port,
                   "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
  }
  for (std::size_t i = 0; i < service.external_ips.size(); ++i) {
    const std::string& address = service.external_ips[i];
    const FieldPath at = ips.index(i);
    errors.grammar(at, address, kube::check_ipv4(address));
    if (address.starts_with("127.")) errors.invalid(at, address, "may not be in the loopback range");
  }
  if (!service.load_balancer_source_ranges.empty() && !is_balanced) errors.forbidden(ranges, kOnlyBalanced);
  for (std::size_t i = 0; is_balanced && i < service.load_balancer_source_ranges.size(); ++i) {
    const std::string& range = service.load_balancer_source_ranges[i];
    const std::size_t slash = range.find('/');
    const bool is_range = slash != std::string::npos && kube::check_ipv4(range.substr(0, slash)).empty();
    if (!is_range) errors.invalid(ranges.index(i), range, "must be a valid CIDR value");
  }
  if (service.load_balancer_class && !is_balanced)
    errors.forbidden(spec.child("loadBalancerClass"), kOnlyBalanced);
  if (service.allocate_load_balancer_node_ports && !is_balanced)
    errors.forbidden(spec.child("allocateLoadBalancerNodePorts"), kOnlyBalanced);
}

// The cluster has IPv4 and nothing else.
void validate_families(const ServiceSpec& service, const FieldPath& spec, FieldErrors& errors) {
  constexpr std::string_view kFamilies[] = {"IPv4", "IPv6"};
  constexpr std::string_view kFamilyPolicies[] = {"PreferDualStack", "RequireDualStack",
                                                  "SingleStack"};
  const FieldPath families = spec.child("ipFamilies"), policy = spec.child("ipFamilyPolicy");
  for (std::size_t i = 0; i < service.ip_families.size(); ++i) {
    const std::string& family = service.ip_families[i];
    errors.one_of(families.index(i), family, kFamilies);
    if (family == "IPv6") errors.invalid(families.index(i), family, "not configured on this cluster");
  }
  if (!service.ip_family_policy) return;
  errors.one_of(policy, *service.ip_family_policy, kFamilyPolicies);
  if (*service.ip_family_policy == "RequireDualStack") {
    errors.invalid(policy, *service.ip_family_policy,
                   "this cluster is not configured for dual-stack services");
  }
}

void validate_service(const Object& object, FieldErrors& errors) {
  const ServiceSpec& service = kube::as<Service>(object).spec;
  const FieldPath spec("spec");
  const FieldPath ports = spec.child("ports"), affinity = spec.child("sessionAffinity");
  const bool headless = service.cluster_ip == "None";
  const bool is_external_name = service.type == "ExternalName";
  errors.one_of(spec.child("type"), service.type, kTypes);
  errors.one_of(affinity, service.session_affinity, kAffinities);
  kube::validate_labels(service.selector, spec.child("selector"), errors);
  if (service.ports.empty() && !headless && !is_external_name) errors.required(ports);
  validate_ports(service, ports, errors);
  if (headless && (service.type == "NodePort" || service.type == "LoadBalancer")) {
    errors.invalid(spec.child("clusterIPs[0]"), "None",
                   "may not be set to 'None' for LoadBalancer and NodePort services");
  }
  if (is_external_name) {
    errors.grammar(spec.child("externalName"), service.external_name,
                   kube::check_dns1123_subdomain(service.external_name));
  }
  if (!service.external_traffic_policy.empty()) {
    errors.one_of(spec.child("externalTrafficPolicy"), service.external_traffic_policy, kPolicies);
  }
  validate_external(service, spec, errors);
  validate_families(service, spec, errors);
  if (service.traffic_distribution)
    errors.one_of(spec.child("trafficDistribution"), *service.traffic_distribution, kDistributions);
  if (service.internal_traffic_policy) {
    errors.one_of(spec.child("internalTrafficPolicy"), *service.internal_traffic_policy, kPolicies);
  }
  if (service.session_affinity_config && service.session_affinity_config->client_ip) {
    errors.in_range(spec.child("sessionAffinityConfig.clientIP.timeoutSeconds"),
                    service.session_affinity_config->client_ip->timeout_seconds.value_or(0), 1,
                    kMaxAffinitySeconds);
  }
}

void validate_service_update(const Object& before, const Object& after, FieldErrors& errors) {
  const ServiceSpec& old_service = kube::as<Service>(before).spec;
  const ServiceSpec& service = kube::as<Service>(after).spec;
  const FieldPath spec("spec");
  const bool had_address = !old_service.cluster_ip.empty() && old_service.type != "ExternalName";
  if (had_address && service.type != "ExternalName" &&
      service.cluster_ip != old_service.cluster_ip) {
    errors.invalid(spec.child("clusterIPs[0]"), service.cluster_ip,
                   "may not change once set");
  }
  if (old_service.type == "LoadBalancer" && service.type == "LoadBalancer" &&
      old_service.load_balancer_class != service.load_balancer_class) {
    errors.invalid(spec.child("loadBalancerClass"), service.load_balancer_class.value_or(""),
                   "may not change once set");
  }
}

// The cluster's own; like addresses they are allocated, not defaulted, and nobody owns them.
void choose_families(Object& object) {
  ServiceSpec& service = mutable_as<Service>(object).spec;
  if (service.type == "ExternalName") return;
  if (!service.ip_family_policy) service.ip_family_policy = "SingleStack";
  if (service.ip_families.empty()) service.ip_families = {"IPv4"};
}

// What a type does not have is dropped when a Service turns into it, unless it was asked for anew.
void drop_fields_of_old_type(const Object& before, Object& after) {
  const ServiceSpec& old_service = kube::as<Service>(before).spec;
  ServiceSpec& service = mutable_as<Service>(after).spec;
  choose_families(after);
  if (old_service.type == service.type) return;
  const bool external = service.type == "NodePort" || service.type == "LoadBalancer";
  if (!external && service.external_ips.empty() &&
      service.external_traffic_policy == old_service.external_traffic_policy) {
    service.external_traffic_policy.clear();
  }
  if (service.type != "LoadBalancer" && service.allocate_load_balancer_node_ports ==
                                            old_service.allocate_load_balancer_node_ports) {
    service.allocate_load_balancer_node_ports.reset();
  }
  if (service.type == "ExternalName") {
    service.internal_traffic_policy.reset();
    service.ip_family_policy.reset();
    service.ip_families.clear();
  }
}

}  // namespace

Strategy service_strategy() {
  Strategy out = make_strategy<Service>();
  out.name_rule = &kube::check_dns1035_label;
  out.set_defaults = &service_defaults;
  out.prepare_create = &choose_families;
  out.prepare_update = &drop_fields_of_old_type;
  out.validate = &validate_service;
  out.validate_update = &validate_service_update;
  return out;
}

}  // namespace minato::registry
