#include <fmt/format.h>

#include <algorithm>

#include "blueprint/objects.h"
#include "kube/names.h"

namespace minato::blueprint {
namespace {

constexpr std::int32_t kSidecarAnswerSeconds = 5;
constexpr std::int32_t kSidecarLivenessSeconds = 10;
constexpr std::int64_t kPauseUser = 65535;  // As in the image of the same name.

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
  get.port = std::string(kServicePort);
  probe.period_seconds = period_s;
  probe.timeout_seconds = 1;
  probe.failure_threshold = failures;
  probe.success_threshold = 1;
  return probe;
}

void confine(const spec::Confinement& confinement, kube::Container& container) {
  auto& security = container.security_context.emplace();
  security.run_as_user = confinement.user;
  security.run_as_group = confinement.group;
  if (confinement.non_root) security.run_as_non_root = true;
  security.allow_privilege_escalation = false;
  security.read_only_root_filesystem = confinement.read_only_root;
  auto& capabilities = security.capabilities.emplace();
  capabilities.drop = confinement.dropped_capabilities();
  if (confinement.capabilities) capabilities.add = *confinement.capabilities;
}

void mount(const std::vector<spec::Mount>& mounts, kube::Container& container) {
  for (const spec::Mount& mount : mounts) {
    kube::VolumeMount& out = container.volume_mounts.emplace_back();
    out.name = mount.volume;
    out.mount_path = mount.path;
  }
}

// Memory is bounded at its request so that a leak ends its own container, not its neighbours.
// CPU is not: a limit throttles the very requests that a free core could serve.
void size(std::int64_t cpu_milli, std::int64_t memory_bytes, kube::Container& container) {
  container.resources.requests = {
      {std::string(kube::kCpu), kube::Quantity::milli(cpu_milli)},
      {std::string(kube::kMemory), kube::Quantity::bytes(memory_bytes)}};
  container.resources.limits = {{std::string(kube::kMemory), kube::Quantity::bytes(memory_bytes)}};
}

void drain_before_stop(const spec::Spec& spec, kube::Container& container) {
  if (spec.stop.drain > Duration{0})
    container.lifecycle.emplace().pre_stop.emplace().sleep.emplace().seconds =
        whole_seconds(spec.stop.drain);
}

void add_sidecar_probes(const spec::Sidecar& sidecar, kube::Container& container) {
  if (sidecar.health.empty() && sidecar.check.empty()) return;
  kube::Probe probe;
  if (sidecar.check.empty()) {
    auto& get = probe.probe_handler.http_get.emplace();
    get.path = sidecar.health;
    get.port = kube::IntOrString(sidecar.port);
  } else {
    probe.probe_handler.exec.emplace().command = sidecar.check;
  }
  probe.timeout_seconds = kSidecarAnswerSeconds;
  probe.success_threshold = 1;
  probe.period_seconds = 1;
  probe.failure_threshold = std::max(1, whole_seconds(sidecar.startup));
  container.startup_probe = probe;
  probe.period_seconds = kSidecarLivenessSeconds;
  probe.failure_threshold = 3;
  container.liveness_probe = std::move(probe);
}

// A value that says itself: "$(NAME)" in it would be replaced, and "$$" be read as "$".
// Rule: Kubernetes API reference, EnvVar.value.
std::string literal(const std::string& value) {
  if (value.find("$(") == std::string::npos && value.find("$$") == std::string::npos) return value;
  std::string out;
  for (const char c : value) out.append(c == '$' ? 2 : 1, c);
  return out;
}

kube::Container make_sidecar(const spec::Spec& spec, const spec::Sidecar& sidecar,
                             const std::string& secret) {
  kube::Container out;
  out.name = sidecar.name;
  out.image = sidecar.image;
  out.image_pull_policy = "IfNotPresent";
  out.command = sidecar.command;
  out.args = sidecar.args;
  for (const auto& [name, value] : sidecar.env) {
    kube::EnvVar& variable = out.env.emplace_back();
    variable.name = name;
    variable.value = literal(value);
  }
  for (const std::string& name : sidecar.secrets) {
    kube::EnvVar& variable = out.env.emplace_back();
    variable.name = name;
    auto& ref = variable.value_from.emplace().secret_key_ref.emplace();
    ref.local_object_reference.name = secret;
    ref.key = name;
  }
  size(sidecar.cpu_milli, sidecar.memory_bytes, out);
  mount(sidecar.mounts, out);
  add_sidecar_probes(sidecar, out);
  confine(sidecar.confinement, out);
  // What runs around the service is told to stop once that has; what runs beside it, with it.
  if (sidecar.runs == spec::Sidecar::Runs::kBeside) drain_before_stop(spec, out);
  if (sidecar.runs == spec::Sidecar::Runs::kAround) out.restart_policy = "Always";
  return out;
}

}  // namespace

kube::Container make_service_container(const spec::Spec& spec, const std::string& config_map,
                                       const std::string& secret) {
  kube::Container out;
  out.name = spec.service;
  out.image = spec.image;
  out.command = spec.command;
  out.args = spec.args;
  out.image_pull_policy = "IfNotPresent";
  out.ports.push_back(
      {.name = std::string(kServicePort), .container_port = spec.port, .protocol = "TCP"});
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
  size(spec.cpu_milli, spec.memory_bytes, out);
  mount(spec.mounts, out);
  // The startup probe alone may take long; once it has passed the other two can be quick.
  out.startup_probe = http_probe(spec, 1, std::max(1, whole_seconds(spec.startup)));
  out.readiness_probe = http_probe(spec, 2, 2);
  out.liveness_probe = http_probe(spec, 5, 3);
  drain_before_stop(spec, out);
  confine(spec.confinement, out);
  return out;
}

std::vector<kube::Volume> make_volumes(const spec::Spec& spec) {
  std::vector<kube::Volume> out;
  for (const spec::Volume& volume : spec.volumes) {
    kube::Volume& each = out.emplace_back();
    each.name = volume.name;
    auto& directory = each.volume_source.empty_dir.emplace();
    directory.size_limit = kube::Quantity::bytes(volume.size_bytes);
    if (volume.in_memory) directory.medium = "Memory";
  }
  return out;
}

void add_sidecars(const spec::Spec& spec, const std::string& secret, kube::PodSpec& pod) {
  for (const spec::Sidecar& sidecar : spec.sidecars) {
    const bool beside = sidecar.runs == spec::Sidecar::Runs::kBeside;
    (beside ? pod.containers : pod.init_containers).push_back(make_sidecar(spec, sidecar, secret));
  }
}

kube::Container make_placeholder_container(const spec::Spec& spec,
                                           const Placeholder& placeholder) {
  kube::Container out;
  out.name = "pause";
  out.image = placeholder.image;
  out.image_pull_policy = "IfNotPresent";
  out.args = placeholder.args;
  const spec::PodSize pod = spec::pod_size(spec);
  size(pod.cpu_milli, pod.memory_bytes, out);
  spec::Confinement strictest;
  strictest.user = kPauseUser;
  strictest.non_root = true;
  strictest.read_only_root = true;
  strictest.capabilities.emplace();
  confine(strictest, out);
  return out;
}

}  // namespace minato::blueprint
