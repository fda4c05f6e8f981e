#include <fmt/format.h>

#include <algorithm>

#include "kube/reflect.h"
#include "kube/types/apps.h"
#include "kube/types/autoscaling.h"
#include "kube/types/policy.h"
#include "kube/types/service.h"
#include "lint/rules.h"

namespace minato::lint {
namespace {

using Labels = std::map<std::string, std::string>;

bool selects(const Labels& selector, const Labels& labels) {
  return std::ranges::all_of(selector, [&](const auto& pair) {
    const auto found = labels.find(pair.first);
    return found != labels.end() && found->second == pair.second;
  });
}

bool is_none(const kube::IntOrString& value) {
  return value.is_int() ? value.number() <= 0 : value.text() == "0%";
}

const kube::HorizontalPodAutoscaler* autoscaler_of(const Manifests& manifests,
                                                   const kube::Deployment& deployment) {
  for (const auto& [path, each] : manifests.of<kube::HorizontalPodAutoscaler>()) {
    const auto& target = each->spec.scale_target_ref;
    if (each->metadata.namespace_ == deployment.metadata.namespace_ &&
        target.kind == "Deployment" && target.name == deployment.metadata.name) {
      return each;
    }
  }
  return nullptr;
}

void check_container(const std::string& path, const kube::PodSpec& pod,
                     const kube::Container& container, const Sink& found) {
  // A sidecar without ports gets no requests that it could be unready for.
  if (!container.readiness_probe && !container.ports.empty())
    found("D5", path, container.name + " has no readiness probe");
  if (container.readiness_probe && container.liveness_probe &&
      kube::equal(*container.readiness_probe, *container.liveness_probe)) {
    found(
        "D5", path,
        container.name +
            ": liveness and readiness are the same probe, so a busy Pod is restarted, not spared");
  }
  for (const char* resource : {"cpu", "memory"}) {
    if (!container.resources.requests.contains(resource))
      found("D7", path, fmt::format("{} asks for no {}", container.name, resource));
  }
  if (container.image.ends_with(":latest")) found("D10", path, container.image);
  const bool hook = container.lifecycle && container.lifecycle->pre_stop;
  if (!hook && !container.ports.empty()) found("D3", path, container.name + " has no preStop");
  if (!hook || !container.lifecycle->pre_stop->sleep) return;
  const std::int64_t sleep = container.lifecycle->pre_stop->sleep->seconds;
  const std::int64_t grace = pod.termination_grace_period_seconds.value_or(30);
  if (grace <= sleep) {
    found("D4", path,
          fmt::format("{}: a grace period of {} s, of which preStop sleeps {} s", container.name,
                      grace, sleep));
  }
}

void check_deployment(const Manifests& manifests, const std::string& path,
                      const kube::Deployment& deployment, const Sink& found) {
  const kube::PodSpec& pod = deployment.spec.template_.spec;
  if (autoscaler_of(manifests, deployment) != nullptr && deployment.spec.replicas) {
    found("D1", path, fmt::format("replicas: {}", *deployment.spec.replicas));
  }
  const auto& rolling = deployment.spec.strategy.rolling_update;
  if (deployment.spec.strategy.type == "Recreate" || !rolling || !rolling->max_unavailable ||
      !is_none(*rolling->max_unavailable)) {
    found("D2", path, "Pods may go before new ones are there");
  }
  if (pod.topology_spread_constraints.empty() && !pod.affinity)
    found("D6", path, "nothing spreads the Pods");
  if (deployment.spec.selector &&
      !selects(deployment.spec.selector->match_labels, deployment.spec.template_.metadata.labels)) {
    found("X7", path, "the selector does not match the Pods' own labels");
  }
  for (const kube::Container& container : pod.containers)
    check_container(path, pod, container, found);
}

void check_budget(const Manifests& manifests, const std::string& path,
                  const kube::PodDisruptionBudget& budget, const Sink& found) {
  const auto& spec = budget.spec;
  if (spec.max_unavailable && is_none(*spec.max_unavailable))
    found("H2", path, "maxUnavailable allows none");
  if (!spec.min_available) return;
  if (!spec.min_available->is_int()) {
    if (spec.min_available->text() == "100%") found("H2", path, "minAvailable: 100%");
    return;
  }
  for (const auto& [other, deployment] : manifests.of<kube::Deployment>()) {
    if (!spec.selector ||
        !selects(spec.selector->match_labels, deployment->spec.template_.metadata.labels))
      continue;
    const auto* autoscaler = autoscaler_of(manifests, *deployment);
    const std::int32_t least = autoscaler ? autoscaler->spec.min_replicas.value_or(1)
                                          : deployment->spec.replicas.value_or(1);
    if (spec.min_available->number() >= least) {
      found("H2", path,
            fmt::format("minAvailable {} of {} Pods that there may be",
                        spec.min_available->number(), least));
    }
  }
}

bool has_port(const kube::PodSpec& pod, const kube::IntOrString& wanted) {
  for (const kube::Container& container : pod.containers) {
    for (const kube::ContainerPort& port : container.ports) {
      if (wanted.is_int() ? port.container_port == wanted.number() : port.name == wanted.text())
        return true;
    }
  }
  return false;
}

void check_service(const Manifests& manifests, const std::string& path,
                   const kube::Service& service, const Sink& found) {
  for (const kube::ServicePort& port : service.spec.ports) {
    if (service.spec.type == "NodePort" && (port.node_port < 30000 || port.node_port > 32767)) {
      found("H3", path,
            port.node_port == 0 ? "no nodePort: the cluster would choose one"
                                : fmt::format("nodePort {}", port.node_port));
    }
  }
  if (service.spec.selector.empty()) return;
  bool any = false;
  for (const auto& [other, deployment] : manifests.of<kube::Deployment>()) {
    const auto& pod = deployment->spec.template_;
    if (deployment->metadata.namespace_ != service.metadata.namespace_ ||
        !selects(service.spec.selector, pod.metadata.labels))
      continue;
    any = true;
    for (const kube::ServicePort& port : service.spec.ports) {
      const kube::IntOrString target =
          port.target_port == kube::IntOrString() ? kube::IntOrString(port.port) : port.target_port;
      if (!has_port(pod.spec, target))
        found("X7", path,
              fmt::format("no container has the port {}",
                          target.is_int() ? std::to_string(target.number()) : target.text()));
    }
  }
  if (!any) found("X7", path, "selects no Pods of any Deployment here");
}

}  // namespace

void check_manifests(const Manifests& manifests, const Sink& found) {
  for (const Problem& problem : manifests.problems) found("X8", problem.path, problem.message);
  for (const auto& [path, each] : manifests.of<kube::Deployment>())
    check_deployment(manifests, path, *each, found);
  for (const auto& [path, each] : manifests.of<kube::PodDisruptionBudget>())
    check_budget(manifests, path, *each, found);
  for (const auto& [path, each] : manifests.of<kube::Service>())
    check_service(manifests, path, *each, found);
}

}  // namespace minato::lint
