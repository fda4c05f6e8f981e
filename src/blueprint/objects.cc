#include "blueprint/objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kube/json.h"
#include "kube/names.h"

namespace minato::blueprint {
namespace {

// Names change with content: a new value makes a new object, and so a rollout, and a rollback finds
// the old one again (as Kustomize's generators do).
std::string content_hash(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("{:010x}", hash & 0xFFFFFFFFFF);
}

kube::TopologySpreadConstraint spread_over(std::string_view key, const spec::Spec& spec) {
  kube::TopologySpreadConstraint out;
  out.max_skew = 1;
  out.topology_key = key;
  // A lost zone must not keep replacements from starting elsewhere.
  out.when_unsatisfiable = "ScheduleAnyway";
  out.label_selector.emplace().match_labels = {{"app.kubernetes.io/name", spec.service}};
  // Each revision is spread by itself, else old Pods push new ones to the wrong side.
  out.match_label_keys = {std::string(kube::kLabelPodTemplateHash)};
  return out;
}

kube::MetricSpec utilization_of(std::string_view resource, std::int32_t percent) {
  kube::MetricSpec out;
  out.type = "Resource";
  auto& metric = out.resource.emplace();
  metric.name = resource;
  metric.target.type = "Utilization";
  metric.target.average_utilization = percent;
  return out;
}

// The strictest standard that all containers of the service keep, so that no Pod beside them goes
// below it.
std::string_view security_level(const spec::Spec& spec) {
  constexpr std::array<std::string_view, 3> kLevels{"privileged", "baseline", "restricted"};
  const auto level_of = [&](const spec::Confinement& confinement) {
    return std::ranges::find(kLevels, confinement.security_level());
  };
  auto least = level_of(spec.confinement);
  for (const spec::Sidecar& sidecar : spec.sidecars)
    least = std::min(least, level_of(sidecar.confinement));
  return *least;
}

}  // namespace

kube::Toleration tolerate_briefly(std::string_view taint) {
  kube::Toleration out;
  out.key = taint;
  out.operator_ = "Exists";
  out.effect = kube::kNoExecute;
  out.toleration_seconds = kLostNodeSeconds;
  return out;
}

std::int32_t whole_seconds(Duration duration) {
  return static_cast<std::int32_t>(std::chrono::ceil<std::chrono::seconds>(duration).count());
}

std::map<std::string, std::string> labels_of(const spec::Spec& spec) {
  return {{"app.kubernetes.io/name", spec.service}, {"app.kubernetes.io/managed-by", "minato"}};
}

kube::Namespace make_namespace(const spec::Spec& spec) {
  kube::Namespace out;
  out.metadata.name = spec.service;
  out.metadata.labels = labels_of(spec);
  out.metadata.labels["pod-security.kubernetes.io/enforce"] = security_level(spec);
  return out;
}

kube::ConfigMap make_config_map(const spec::Spec& spec) {
  kube::ConfigMap out;
  for (const auto& [name, value] : spec.env) out.data.emplace(name, value);
  out.metadata.name =
      fmt::format("{}-env-{}", spec.service, content_hash(kube::to_json_text(out.data)));
  out.metadata.namespace_ = spec.service;
  out.metadata.labels = labels_of(spec);
  out.immutable = true;
  return out;
}

kube::Secret make_secret(const spec::Spec& spec, const SecretValues& secrets) {
  kube::Secret out;
  out.type = "Opaque";
  for (const auto& [name, value] : secrets) out.data.emplace(name, kube::Bytes{value});
  out.metadata.name =
      fmt::format("{}-secret-{}", spec.service, content_hash(kube::to_json_text(out.data)));
  out.metadata.namespace_ = spec.service;
  out.metadata.labels = labels_of(spec);
  out.immutable = true;
  return out;
}

kube::Deployment make_deployment(const spec::Spec& spec, const std::string& config_map,
                                 const std::string& secret) {
  kube::Deployment out;
  out.metadata.name = spec.service;
  out.metadata.namespace_ = spec.service;
  out.metadata.labels = labels_of(spec);
  out.spec.replicas = spec.replicas.min;
  out.spec.selector.emplace().match_labels = {{"app.kubernetes.io/name", spec.service}};
  out.spec.strategy.type = "RollingUpdate";
  auto& rolling = out.spec.strategy.rolling_update.emplace();
  rolling.max_unavailable = kube::IntOrString(0);
  rolling.max_surge = kube::IntOrString("25%");
  out.spec.revision_history_limit = 10;
  // Long enough for one Pod to start, with room for a Node to be added for it.
  out.spec.progress_deadline_seconds = whole_seconds(spec.startup) + 60;

  kube::PodTemplateSpec& pod = out.spec.template_;
  pod.metadata.labels = labels_of(spec);
  pod.spec.containers.push_back(make_service_container(spec, config_map, secret));
  add_sidecars(spec, secret, pod.spec);
  pod.spec.volumes = make_volumes(spec);
  pod.spec.security_context.emplace().seccomp_profile.emplace().type = "RuntimeDefault";
  pod.spec.priority_class_name = priority_class_name(spec);
  pod.spec.node_selector = {{std::string(kube::kLabelNodeGroup), std::string(kScalingGroup)}};
  pod.spec.tolerations = {tolerate_briefly(kube::kTaintNotReady),
                          tolerate_briefly(kube::kTaintUnreachable)};
  pod.spec.topology_spread_constraints = {spread_over(kube::kLabelZone, spec),
                                          spread_over(kube::kLabelHostname, spec)};
  pod.spec.termination_grace_period_seconds =
      whole_seconds(spec.stop.drain) + whole_seconds(spec.stop.timeout);
  pod.spec.automount_service_account_token = false;
  pod.spec.enable_service_links = false;
  return out;
}

kube::Service make_service(const spec::Spec& spec) {
  kube::Service out;
  out.metadata.name = spec.service;
  out.metadata.namespace_ = spec.service;
  out.metadata.labels = labels_of(spec);
  out.spec.type = "NodePort";
  out.spec.selector = {{"app.kubernetes.io/name", spec.service}};
  // Cluster: every Node answers on the NodePort whether or not it holds a Pod, so that the load
  // balancer's view does not lag behind where the Pods are.
  out.spec.external_traffic_policy = "Cluster";
  kube::ServicePort port;
  port.name = kServicePort;
  port.protocol = "TCP";
  port.port = 80;
  port.target_port = std::string(kServicePort);
  port.node_port = kNodePort;
  out.spec.ports.push_back(std::move(port));
  return out;
}

// Also where minimum and maximum are the same: then it holds the number, and a file may raise the
// maximum later.
kube::HorizontalPodAutoscaler make_autoscaler(const spec::Spec& spec) {
  kube::HorizontalPodAutoscaler out;
  out.metadata.name = spec.service;
  out.metadata.namespace_ = spec.service;
  out.metadata.labels = labels_of(spec);
  out.spec.scale_target_ref = {
      .kind = "Deployment", .name = spec.service, .api_version = "apps/v1"};
  out.spec.min_replicas = spec.replicas.min;
  out.spec.max_replicas = spec.replicas.max;
  out.spec.metrics.push_back(utilization_of(kube::kCpu, spec.replicas.cpu_percent));
  if (spec.replicas.memory_percent > 0)
    out.spec.metrics.push_back(utilization_of(kube::kMemory, spec.replicas.memory_percent));
  return out;
}

}  // namespace minato::blueprint
