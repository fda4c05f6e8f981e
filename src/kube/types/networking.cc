#include "kube/types/networking.h"

#include "kube/reflect_define.h"

namespace minato::kube {

MINATO_ATOMIC_STRUCT(ServiceBackendPort,
  FIELD(name, "name", 1),
  FIELD(number, "number", 2))

MINATO_STRUCT(IngressServiceBackend,
  FIELD(name, "name", 1, kAlways),
  FIELD(port, "port", 2))

MINATO_STRUCT(IngressBackend,
  FIELD(service, "service", 4),
  FIELD(resource, "resource", 3))

MINATO_STRUCT(IngressTLS,
  FIELD(hosts, "hosts", 1, kAtomic),
  FIELD(secret_name, "secretName", 2))

MINATO_STRUCT(HTTPIngressPath,
  FIELD(path, "path", 1),
  FIELD(path_type, "pathType", 3, kAlways),
  FIELD(backend, "backend", 2, kAlways))

MINATO_STRUCT(HTTPIngressRuleValue,
  FIELD(paths, "paths", 1, kAtomic))

MINATO_STRUCT(IngressRuleValue,
  FIELD(http, "http", 1))

MINATO_STRUCT(IngressRule,
  FIELD(host, "host", 1),
  FIELD(ingress_rule_value, "", 2, kInline))

MINATO_STRUCT(IngressSpec,
  FIELD(ingress_class_name, "ingressClassName", 4),
  FIELD(default_backend, "defaultBackend", 1),
  FIELD(tls, "tls", 2, kAtomic),
  FIELD(rules, "rules", 3, kAtomic))

MINATO_STRUCT(IngressPortStatus,
  FIELD(port, "port", 1, kAlways),
  FIELD(protocol, "protocol", 2, kAlways),
  FIELD(error, "error", 3))

MINATO_STRUCT(IngressLoadBalancerIngress,
  FIELD(ip, "ip", 1),
  FIELD(hostname, "hostname", 2),
  FIELD(ports, "ports", 4, kAtomic))

MINATO_STRUCT(IngressLoadBalancerStatus,
  FIELD(ingress, "ingress", 1, kAtomic))

MINATO_STRUCT(IngressStatus,
  FIELD(load_balancer, "loadBalancer", 1))

DEFINE_SPECIAL_MEMBERS(Ingress);
MINATO_STRUCT(Ingress,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2),
  FIELD(status, "status", 3))

MINATO_STRUCT(IngressClassParametersReference,
  FIELD(api_group, "apiGroup", 1),
  FIELD(kind, "kind", 2, kAlways),
  FIELD(name, "name", 3, kAlways),
  FIELD(scope, "scope", 4, kAlways),
  FIELD(namespace_, "namespace", 5))

MINATO_STRUCT(IngressClassSpec,
  FIELD(controller, "controller", 1),
  FIELD(parameters, "parameters", 2))

DEFINE_SPECIAL_MEMBERS(IngressClass);
MINATO_STRUCT(IngressClass,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2))

MINATO_STRUCT(NetworkPolicyPort,
  FIELD(protocol, "protocol", 1),
  FIELD(port, "port", 2),
  FIELD(end_port, "endPort", 3))

MINATO_STRUCT(IPBlock,
  FIELD(cidr, "cidr", 1, kAlways),
  FIELD(except, "except", 2, kAtomic))

MINATO_STRUCT(NetworkPolicyPeer,
  FIELD(pod_selector, "podSelector", 1),
  FIELD(namespace_selector, "namespaceSelector", 2),
  FIELD(ip_block, "ipBlock", 3))

MINATO_STRUCT(NetworkPolicyIngressRule,
  FIELD(ports, "ports", 1, kAtomic),
  FIELD(from, "from", 2, kAtomic))

MINATO_STRUCT(NetworkPolicyEgressRule,
  FIELD(ports, "ports", 1, kAtomic),
  FIELD(to, "to", 2, kAtomic))

MINATO_STRUCT(NetworkPolicySpec,
  FIELD(pod_selector, "podSelector", 1, kAlways),
  FIELD(ingress, "ingress", 2, kAtomic),
  FIELD(egress, "egress", 3, kAtomic),
  FIELD(policy_types, "policyTypes", 4, kAtomic))

DEFINE_SPECIAL_MEMBERS(NetworkPolicy);
MINATO_STRUCT(NetworkPolicy,
  FIELD(metadata, "metadata", 1),
  FIELD(spec, "spec", 2))

}  // namespace minato::kube
