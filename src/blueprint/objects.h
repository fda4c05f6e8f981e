// The Kubernetes objects of a Blueprint, one function each. Internal to the module.
#pragma once

#include "blueprint/blueprint.h"
#include "kube/types/apps.h"
#include "kube/types/autoscaling.h"
#include "kube/types/config.h"
#include "kube/types/networking.h"
#include "kube/types/policy.h"
#include "kube/types/scheduling.h"
#include "kube/types/service.h"

namespace minato::blueprint {

inline constexpr std::string_view kServicePort = "http";
inline constexpr std::int32_t kDnsPort = 53;

kube::Namespace make_namespace(const spec::Spec& spec);
kube::ConfigMap make_config_map(const spec::Spec& spec);
kube::Secret make_secret(const spec::Spec& spec, const SecretValues& secrets);
kube::Deployment make_deployment(const spec::Spec& spec, const std::string& config_map,
                                 const std::string& secret);
kube::Service make_service(const spec::Spec& spec);
kube::HorizontalPodAutoscaler make_autoscaler(const spec::Spec& spec);
kube::PodDisruptionBudget make_disruption_budget(const spec::Spec& spec);
// Not the service's name alone: names that begin with "system-" are the system's.
std::string priority_class_name(const spec::Spec& spec);
kube::PriorityClass make_priority_class(const spec::Spec& spec);
// Of a spec that asks for headroom: Pods that do nothing and ask for as much as one of the service.
// Whoever is more important takes their place at once; then they wait, and the group grows.
kube::PriorityClass make_headroom_class(const spec::Spec& spec);
kube::Deployment make_headroom(const spec::Spec& spec, const Placeholder& placeholder);
kube::Container make_placeholder_container(const spec::Spec& spec, const Placeholder& placeholder);
// Of a spec that asks for one.
kube::NetworkPolicy make_network_policy(const spec::Spec& spec);

kube::Container make_service_container(const spec::Spec& spec, const std::string& config_map,
                                       const std::string& secret);
std::vector<kube::Volume> make_volumes(const spec::Spec& spec);
// After the service's own container, or before it as init containers.
void add_sidecars(const spec::Spec& spec, const std::string& secret, kube::PodSpec& pod);
// Upstream's default lets Pods of a dead Node stand for five minutes before they are replaced; a
// service that can start anywhere wants them elsewhere as soon as the Node is known to be lost.
kube::Toleration tolerate_briefly(std::string_view taint);

// Kubernetes counts these in whole seconds.
std::int32_t whole_seconds(Duration duration);

// app.kubernetes.io/* labels; `name` is also the selector.
std::map<std::string, std::string> labels_of(const spec::Spec& spec);

template <class T>
kube::ObjectPtr shared(T object) {
  return std::make_shared<const T>(std::move(object));
}

}  // namespace minato::blueprint
