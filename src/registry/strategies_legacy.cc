// core/v1 Endpoints, PodTemplate and ReplicationController: what later kinds have replaced. Nothing
// here acts on them, but what is stored is what upstream would store.
// Rules: k8s.io/kubernetes pkg/apis/core, defaults.go and validation.go.
#include "kube/defaults.h"
#include "kube/types/endpoints.h"
#include "kube/types/quota.h"
#include "registry/pod_template.h"
#include "registry/strategy.h"

namespace minato::registry {

using kube::FieldErrors;
using kube::FieldPath;
using kube::Object;

namespace {

void one_replica(Object& object) {
  auto& replicas = mutable_as<kube::ReplicationController>(object).spec.replicas;
  if (!replicas) replicas = 1;
}

void pod_template_defaults(Object& object) {
  kube::set_defaults(mutable_as<kube::PodTemplate>(object).template_.spec);
}

void validate_pod_template(const Object& object, FieldErrors& errors) {
  const auto& pod_template = kube::as<kube::PodTemplate>(object).template_;
  const FieldPath path("template");
  kube::validate_labels(pod_template.metadata.labels, path.child("labels"), errors);
  validate_pod_spec(pod_template.spec, path.child("spec"), errors);
}

void endpoints_defaults(Object& object) {
  for (kube::EndpointSubset& subset : mutable_as<kube::Endpoints>(object).subsets) {
    for (kube::CoreEndpointPort& port : subset.ports) {
      if (port.protocol.empty()) port.protocol = "TCP";
    }
  }
}

void validate_addresses(const std::vector<kube::EndpointAddress>& addresses, const FieldPath& path,
                        FieldErrors& errors) {
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const kube::EndpointAddress& address = addresses[i];
    const FieldPath at = path.index(i);
    const FieldPath ip = at.child("ip"), host = at.child("hostname");
    errors.grammar(ip, address.ip, kube::check_ipv4(address.ip));
    if (address.ip.starts_with("127."))
      errors.invalid(ip, address.ip, "may not be in the loopback range");
    if (address.ip.starts_with("169.254."))
      errors.invalid(ip, address.ip, "may not be in the link-local range");
    if (!address.hostname.empty())
      errors.grammar(host, address.hostname, kube::check_dns1123_label(address.hostname));
  }
}

void validate_ports(const std::vector<kube::CoreEndpointPort>& ports, const FieldPath& path,
                    FieldErrors& errors) {
  constexpr std::string_view kProtocols[] = {"SCTP", "TCP", "UDP"};
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const FieldPath at = path.index(i);
    const FieldPath name = at.child("name");
    if (!ports[i].name.empty()) {
      errors.grammar(name, ports[i].name, kube::check_dns1123_label(ports[i].name));
    } else if (ports.size() > 1) {
      errors.required(name);
    }
    errors.port(at.child("port"), ports[i].port);
    errors.one_of(at.child("protocol"), ports[i].protocol, kProtocols);
  }
}

void validate_endpoints(const Object& object, FieldErrors& errors) {
  const auto& subsets = kube::as<kube::Endpoints>(object).subsets;
  const FieldPath path("subsets");
  for (std::size_t i = 0; i < subsets.size(); ++i) {
    const kube::EndpointSubset& subset = subsets[i];
    const FieldPath at = path.index(i);
    if (subset.addresses.empty() && subset.not_ready_addresses.empty())
      errors.required(at, "must specify `addresses` or `notReadyAddresses`");
    validate_addresses(subset.addresses, at.child("addresses"), errors);
    validate_addresses(subset.not_ready_addresses, at.child("notReadyAddresses"), errors);
    validate_ports(subset.ports, at.child("ports"), errors);
  }
}

bool template_changed(const Object& before, const Object& after) {
  return !kube::equal(kube::as<kube::PodTemplate>(before).template_,
                      kube::as<kube::PodTemplate>(after).template_);
}

}  // namespace

Strategy replication_controller_strategy() {
  Strategy out = make_strategy<kube::ReplicationController>();
  out.changes_generation = &spec_changed<kube::ReplicationController>;
  out.set_defaults = &one_replica;
  return out;
}

Strategy pod_template_strategy() {
  Strategy out = make_strategy<kube::PodTemplate>();
  out.changes_generation = &template_changed;
  out.set_defaults = &pod_template_defaults;
  out.validate = &validate_pod_template;
  return out;
}

Strategy endpoints_strategy() {
  Strategy out = make_strategy<kube::Endpoints>();
  out.set_defaults = &endpoints_defaults;
  out.validate = &validate_endpoints;
  return out;
}

}  // namespace minato::registry
