// networking.k8s.io/v1: Ingress, IngressClass, NetworkPolicy.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (networking.k8s.io/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/scalars.h"
#include "kube/types/volume.h"

namespace minato::kube {

struct ServiceBackendPort {
  std::string name;
  std::int32_t number = 0;
  UnknownFields unknown;
};
const TypeInfo& reflect(const ServiceBackendPort*);

struct IngressServiceBackend {
  std::string name;
  ServiceBackendPort port;
  UnknownFields unknown;
};
const TypeInfo& reflect(const IngressServiceBackend*);

struct IngressBackend {
  Box<IngressServiceBackend> service;
  Box<TypedLocalObjectReference> resource;
  UnknownFields unknown;
};
const TypeInfo& reflect(const IngressBackend*);

struct IngressTLS {
  std::vector<std::string> hosts;
  std::string secret_name;
  UnknownFields unknown;
};
const TypeInfo& reflect(const IngressTLS*);

struct HTTPIngressPath {
  std::string path;
  std::optional<std::string> path_type;
  IngressBackend backend;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HTTPIngressPath*);

struct HTTPIngressRuleValue {
  std::vector<HTTPIngressPath> paths;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HTTPIngressRuleValue*);

struct IngressRuleValue {
  Box<HTTPIngressRuleValue> http;
  UnknownFields unknown;
};
const TypeInfo& reflect(const IngressRuleValue*);

struct IngressRule {
  std::string host;
  IngressRuleValue ingress_rule_value;
  UnknownFields unknown;
};
const TypeInfo& reflect(const IngressRule*);

struct IngressSpec {
  std::optional<std::string> ingress_class_name;
  Box<IngressBackend> default_backend;
  std::vector<IngressTLS> tls;
  std::vector<IngressRule> rules;
  UnknownFields unknown;
};
const TypeInfo& reflect(const IngressSpec*);

struct IngressPortStatus {
  std::int32_t port = 0;
  std::string protocol;
  std::optional<std::string> error;
  UnknownFields unknown;
};
const TypeInfo& reflect(const IngressPortStatus*);

struct IngressLoadBalancerIngress {
  std::string ip;
  std::string hostname;
  std::vector<IngressPortStatus> ports;
  UnknownFields unknown;
};
const TypeInfo& reflect(const IngressLoadBalancerIngress*);

struct IngressLoadBalancerStatus {
  std::vector<IngressLoadBalancerIngress> ingress;
  UnknownFields unknown;
};
const TypeInfo& reflect(const IngressLoadBalancerStatus*);

struct IngressStatus {
  IngressLoadBalancerStatus load_balancer;
  UnknownFields unknown;
};
const TypeInfo& reflect(const IngressStatus*);

struct Ingress final : ObjectOf<Ingress> {
  DECLARE_SPECIAL_MEMBERS(Ingress);
  static const Kind& static_kind();
  IngressSpec spec;
  IngressStatus status;
};
const TypeInfo& reflect(const Ingress*);

struct IngressClassParametersReference {
  std::optional<std::string> api_group;
  std::string kind;
  std::string name;
  std::optional<std::string> scope;
  std::optional<std::string> namespace_;
  UnknownFields unknown;
};
const TypeInfo& reflect(const IngressClassParametersReference*);

struct IngressClassSpec {
  std::string controller;
  Box<IngressClassParametersReference> parameters;
  UnknownFields unknown;
};
const TypeInfo& reflect(const IngressClassSpec*);

struct IngressClass final : ObjectOf<IngressClass> {
  DECLARE_SPECIAL_MEMBERS(IngressClass);
  static const Kind& static_kind();
  IngressClassSpec spec;
};
const TypeInfo& reflect(const IngressClass*);

struct NetworkPolicyPort {
  std::optional<std::string> protocol;
  std::optional<IntOrString> port;
  std::optional<std::int32_t> end_port;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NetworkPolicyPort*);

struct IPBlock {
  std::string cidr;
  std::vector<std::string> except;
  UnknownFields unknown;
};
const TypeInfo& reflect(const IPBlock*);

struct NetworkPolicyPeer {
  Box<LabelSelector> pod_selector;
  Box<LabelSelector> namespace_selector;
  Box<IPBlock> ip_block;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NetworkPolicyPeer*);

struct NetworkPolicyIngressRule {
  std::vector<NetworkPolicyPort> ports;
  std::vector<NetworkPolicyPeer> from;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NetworkPolicyIngressRule*);

struct NetworkPolicyEgressRule {
  std::vector<NetworkPolicyPort> ports;
  std::vector<NetworkPolicyPeer> to;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NetworkPolicyEgressRule*);

struct NetworkPolicySpec {
  LabelSelector pod_selector;
  std::vector<NetworkPolicyIngressRule> ingress;
  std::vector<NetworkPolicyEgressRule> egress;
  std::vector<std::string> policy_types;
  UnknownFields unknown;
};
const TypeInfo& reflect(const NetworkPolicySpec*);

struct NetworkPolicy final : ObjectOf<NetworkPolicy> {
  DECLARE_SPECIAL_MEMBERS(NetworkPolicy);
  static const Kind& static_kind();
  NetworkPolicySpec spec;
};
const TypeInfo& reflect(const NetworkPolicy*);

}  // namespace minato::kube
