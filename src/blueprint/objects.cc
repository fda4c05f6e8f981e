#include "blueprint/objects.h"

#include <fmt/format.h>

#include <algorithm>

#include "kube/json.h"
#include "kube/names.h"

namespace minato::blueprint {
namespace {

constexpr std::string_view kPortName = "http";

// Names change with content: a new value makes a new object, and so a rollout, and a rollback finds
// the old one again (as Kustomize's generators do).
std::string content_hash(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("{:010x}", hash & 0xFFFFFFFFFF);
}

std::int32_t seconds(Duration duration) {
  return static_cast<std::int32_t>(std::chrono::ceil<std::chrono::seconds>(duration).count());
}

kube::EnvVar field_env(std::string name, std::string path) {
  kube::EnvVar out;
  out.name = std::move(name);
  out.value_from.emplace().field_ref.emplace().field_path = std::move(path);
  return out;
}

kube::Probe http_probe(const spec::Spec& spec, std::int32_t period_s, std::int32_t failures) {
  kube::Probe probe;
  auto& get = probe.probe_handler.http_get.emplace();
  get.path = spec.health;
  get.port = std::string(kPortName);
  probe.period_seconds = period_s;
  probe.timeout_seconds = 1;
  probe.failure_threshold = failures;
  probe.success_threshold = 1;
  return probe;
}

kube::Container make_container(const spec::Spec& spec, const std::string& config_map,
                               const std::string& secret) {
  kube::Container out;
  out.name = spec.service;
  out.image = spec.image;
  out.command = spec.command;
  out.args = spec.args;
  out.image_pull_policy = "IfNotPresent";
  out.ports.push_back({.name = std::string(kPortName), .container_port = spec.port, .protocol = "TCP"});
  out.env = {field_env("POD_NAME", "metadata.name"), field_env("POD_IP", "status.podIP"),
             field_env("NODE_NAME", "spec.nodeName"),
             // Set on the Pod when it is bound (upstream: PodTopologyLabels admission).
             field_env("ZONE", fmt::format("metadata.labels['{}']", kube::kLabelZone))};
  kube::EnvVar service;
  service.name = "SERVICE";
  service.value = spec.service;
  out.env.push_back(std::move(service));
  if (!config_map.empty()) {
    out.env_from.emplace_back().config_map_ref.emplace().local_object_reference.name = config_map;
  }
  if (!secret.empty()) {
    out.env_from.emplace_back().secret_ref.emplace().local_object_reference.name = secret;
  }
  // Memory is bounded at its request so that a leak ends its own container, not its neighbours.
  // CPU is not: a limit throttles the very requests that a free core could serve.
  out.resources.requests = {{std::string(kube::kCpu), kube::Quantity::milli(spec.cpu_milli)},
                            {std::string(kube::kMemory), kube::Quantity::bytes(spec.memory_bytes)}};
  out.resources.limits = {{std::string(kube::kMemory), kube::Quantity::bytes(spec.memory_bytes)}};
  // The startup probe alone may take long; once it has passed the other two can be quick.
  out.startup_probe = http_probe(spec, 1, std::max(1, seconds(spec.startup)));
  out.readiness_probe = http_probe(spec, 2, 2);
  out.liveness_probe = http_probe(spec, 5, 3);
  if (spec.stop.drain > Duration{0}) {
    out.lifecycle.emplace().pre_stop.emplace().sleep.emplace().seconds = seconds(spec.stop.drain);
  }
  auto& security = out.security_context.emplace();
  security.allow_privilege_escalation = false;
  security.read_only_root_filesystem = spec.read_only_root;
  return out;
}

// Upstream's default lets Pods of a dead Node stand for five minutes before they are replaced; a
// service that can start anywhere wants them elsewhere as soon as the Node is known to be lost.
kube::Toleration tolerate_briefly(std::string_view taint) {
  kube::Toleration out;
  out.key = taint;
  out.operator_ = "Exists";
  out.effect = kube::kNoExecute;
  out.toleration_seconds = kLostNodeSeconds;
  return out;
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

}  // namespace

std::map<std::string, std::string> labels_of(const spec::Spec& spec) {
  return {{"app.kubernetes.io/name", spec.service}, {"app.kubernetes.io/managed-by", "minato"}};
}

kube::Namespace make_namespace(const spec::Spec& spec) {
  kube::Namespace out;
  out.metadata.name = spec.service;
  out.metadata.labels = labels_of(spec);
  return out;
}

kube::ConfigMap make_config_map(const spec::Spec& spec) {
  kube::ConfigMap out;
  for (const auto& [name, value] : spec.env) out.data.emplace(name, value);
  out.metadata.name = fmt::format("{}-env-{}", spec.service, content_hash(kube::to_json_text(out.data)));
  out.metadata.namespace_ = spec.service;
  out.metadata.labels = labels_of(spec);
  out.immutable = true;
  return out;
}

kube::Secret make_secret(const spec::Spec& spec, const SecretValues& secrets) {
  kube::Secret out;
  out.type = "Opaque";
  for (const auto& [name, value] : secrets) out.data.emplace(name, kube::Bytes{value});
  out.metadata.name = fmt::format("{}-secret-{}", spec.service, content_hash(kube::to_json_text(out.data)));
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
  out.spec.progress_deadline_seconds = seconds(spec.startup) + 60;

  kube::PodTemplateSpec& pod = out.spec.template_;
  pod.metadata.labels = labels_of(spec);
  pod.spec.containers.push_back(make_container(spec, config_map, secret));
  pod.spec.node_selector = {{std::string(kube::kLabelNodeGroup), std::string(kScalingGroup)}};
  pod.spec.tolerations = {tolerate_briefly(kube::kTaintNotReady), tolerate_briefly(kube::kTaintUnreachable)};
  pod.spec.topology_spread_constraints = {spread_over(kube::kLabelZone, spec),
                                          spread_over(kube::kLabelHostname, spec)};
  pod.spec.termination_grace_period_seconds = seconds(spec.stop.drain) + seconds(spec.stop.timeout);
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
  port.name = kPortName;
  port.protocol = "TCP";
  port.port = 80;
  port.target_port = std::string(kPortName);
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
  out.spec.scale_target_ref = {.kind = "Deployment", .name = spec.service, .api_version = "apps/v1"};
  out.spec.min_replicas = spec.replicas.min;
  out.spec.max_replicas = spec.replicas.max;
  kube::MetricSpec& metric = out.spec.metrics.emplace_back();
  metric.type = "Resource";
  auto& resource = metric.resource.emplace();
  resource.name = kube::kCpu;
  resource.target.type = "Utilization";
  resource.target.average_utilization = spec.replicas.cpu_percent;
  return out;
}

kube::PodDisruptionBudget make_disruption_budget(const spec::Spec& spec) {
  kube::PodDisruptionBudget out;
  out.metadata.name = spec.service;
  out.metadata.namespace_ = spec.service;
  out.metadata.labels = labels_of(spec);
  out.spec.max_unavailable = kube::IntOrString("25%");
  out.spec.selector.emplace().match_labels = {{"app.kubernetes.io/name", spec.service}};
  // A Pod that is not ready serves nobody: it must not hold up a drain.
  out.spec.unhealthy_pod_eviction_policy = "AlwaysAllow";
  return out;
}

}  // namespace minato::blueprint
