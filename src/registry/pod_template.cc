#include "registry/pod_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "kube/selector.h"
#include "registry/ephemeral_containers.h"
#include "registry/pod_placement.h"
#include "registry/pod_settings.h"
#include "registry/volumes.h"

namespace minato::registry {

using kube::Container;
using kube::FieldErrors;
using kube::FieldPath;
using kube::PodSpec;
using kube::Probe;
using kube::Quantity;

namespace {

constexpr std::string_view kProtocols[] = {"SCTP", "TCP", "UDP"};
constexpr std::string_view kPullPolicies[] = {"Always", "IfNotPresent", "Never"};
constexpr std::string_view kMessagePolicies[] = {"FallbackToLogsOnError", "File"};
constexpr std::string_view kRestartPolicies[] = {"Always", "Never", "OnFailure"};
constexpr std::string_view kDnsPolicies[] = {"ClusterFirst", "ClusterFirstWithHostNet", "Default",
                                             "None"};
constexpr std::string_view kSchemes[] = {"HTTP", "HTTPS"};

void validate_port_reference(const kube::IntOrString& port, const FieldPath& path,
                             FieldErrors& errors) {
  if (port.is_int()) {
    errors.port(path, port.number());
  } else {
    errors.grammar(path, port.text(), kube::check_port_name(port.text()));
  }
}

std::string_view check_header_name(std::string_view name) {
  const bool well_formed = !name.empty() && std::ranges::all_of(name, [](char c) {
    return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') || c == '-';
  });
  return well_formed ? "" : "must consist of letters, digits and '-' (for example 'X-Header-Name')";
}

// One action, well formed. Probes may use grpc, life cycle hooks sleep.
template <class Handler>
void validate_handler(const Handler& handler, const FieldPath& path, FieldErrors& errors) {
  int actions = 0;
  if (handler.exec) {
    ++actions;
    if (handler.exec->command.empty()) errors.required(path.child("exec.command"));
  }
  if (handler.http_get) {
    ++actions;
    const FieldPath at = path.child("httpGet");
    if (handler.http_get->path.empty()) errors.required(at.child("path"));
    validate_port_reference(handler.http_get->port, at.child("port"), errors);
    errors.one_of(at.child("scheme"), handler.http_get->scheme, kSchemes);
    for (const kube::HTTPHeader& header : handler.http_get->http_headers)
      errors.grammar(at.child("httpHeaders"), header.name, check_header_name(header.name));
  }
  if (handler.tcp_socket) {
    ++actions;
    validate_port_reference(handler.tcp_socket->port, path.child("tcpSocket.port"), errors);
  }
  if constexpr (requires { handler.grpc; }) {
    if (handler.grpc) {
      ++actions;
      errors.port(path.child("grpc.port"), handler.grpc->port);
    }
  } else if (handler.sleep) {
    ++actions;
  }
  if (actions == 0) errors.required(path, "must specify a handler type");
  if (actions > 1) errors.forbidden(path, "may not specify more than 1 handler type");
}

void validate_hook(const kube::Box<kube::LifecycleHandler>& hook, const FieldPath& path,
                   std::int64_t grace, FieldErrors& errors) {
  if (!hook) return;
  validate_handler(*hook, path, errors);
  if (!hook->sleep) return;
  const std::int64_t seconds = hook->sleep->seconds;
  if (seconds > 0 && seconds <= grace) return;
  errors.invalid(path.child("sleep"), seconds,
                 fmt::format("must be greater than 0 and less than terminationGracePeriodSeconds "
                             "({})", grace));
}

enum class ProbeKind { kReadiness, kOther };

void validate_probe(const kube::Box<Probe>& probe, const FieldPath& path, ProbeKind kind,
                    FieldErrors& errors) {
  if (!probe) return;
  validate_handler(probe->probe_handler, path, errors);
  const auto at_least_one = [&](std::string_view name, std::int32_t value) {
    if (value < 1) errors.invalid(path.child(name), value, "must be greater than or equal to 1");
  };
  errors.non_negative(path.child("initialDelaySeconds"), probe->initial_delay_seconds);
  at_least_one("timeoutSeconds", probe->timeout_seconds);
  at_least_one("periodSeconds", probe->period_seconds);
  at_least_one("successThreshold", probe->success_threshold);
  at_least_one("failureThreshold", probe->failure_threshold);
  if (kind == ProbeKind::kReadiness) {
    if (probe->termination_grace_period_seconds) {
      errors.invalid(path.child("terminationGracePeriodSeconds"),
                     *probe->termination_grace_period_seconds,
                     "must not be set for readinessProbes");
    }
  } else {
    if (probe->success_threshold != 1) {
      errors.invalid(path.child("successThreshold"), probe->success_threshold, "must be 1");
    }
    if (probe->termination_grace_period_seconds.value_or(1) < 1) {
      errors.invalid(path.child("terminationGracePeriodSeconds"),
                     *probe->termination_grace_period_seconds, "must be greater than 0");
    }
  }
}

bool is_extended(std::string_view resource) {
  return resource.find('/') != std::string_view::npos && !resource.starts_with("kubernetes.io/");
}

bool is_container_resource(std::string_view name) {
  return name.find('/') != std::string_view::npos || name == "cpu" || name == "memory" ||
         name == "ephemeral-storage" || name.starts_with("hugepages-");
}

// Huge pages are for those who have ordinary memory or CPU too.
void validate_huge_pages(const kube::ResourceRequirements& resources, const FieldPath& path,
                         FieldErrors& errors) {
  bool has_huge = false, has_ordinary = false;
  for (const auto* amounts : {&resources.limits, &resources.requests}) {
    for (const auto& [name, amount] : *amounts) {
      has_huge |= name.starts_with("hugepages-");
      has_ordinary |= name == "cpu" || name == "memory";
    }
  }
  if (has_huge && !has_ordinary) errors.forbidden(path, "HugePages require cpu or memory");
}

void validate_resources(const kube::ResourceRequirements& resources, const FieldPath& path,
                        FieldErrors& errors) {
  const FieldPath limits = path.child("limits"), requests = path.child("requests");
  const auto check = [&errors](const std::string& name, const Quantity& amount,
                               const FieldPath& at) {
    errors.grammar(at, name, kube::check_qualified_name(name));
    if (!is_container_resource(name))
      errors.invalid(at, name, "must be a standard resource type or fully qualified");
    if (amount < Quantity()) {
      errors.invalid(at, amount.to_string(), "must be greater than or equal to 0");
    } else if (is_extended(name) && amount != Quantity::of(amount.value())) {
      errors.invalid(at, amount.to_string(), "must be an integer");
    }
  };
  for (const auto& [name, limit] : resources.limits) check(name, limit, limits.key(name));
  for (const auto& [name, request] : resources.requests) {
    const FieldPath at = requests.key(name);
    check(name, request, at);
    const auto limit = resources.limits.find(name);
    if (limit == resources.limits.end()) {
      if (is_extended(name)) errors.required(limits, "Limit must be set for non overcommitable resources");
      continue;
    }
    if (request > limit->second) {
      errors.invalid(requests, request.to_string(),
                     fmt::format("must be less than or equal to {} limit of {}", name,
                                 limit->second.to_string()));
    } else if (is_extended(name) && request != limit->second) {
      errors.invalid(requests, request.to_string(),
                     fmt::format("must be equal to {} limit of {}", name,
                                 limit->second.to_string()));
    }
  }
  validate_huge_pages(resources, path, errors);
}

void validate_ports(const Container& container, const FieldPath& path, bool host_network,
                    FieldErrors& errors) {
  std::set<std::string> names, host_ports;
  for (std::size_t i = 0; i < container.ports.size(); ++i) {
    const kube::ContainerPort& port = container.ports[i];
    const FieldPath at = path.index(i);
    const FieldPath name = at.child("name"), host_port = at.child("hostPort");
    if (!port.name.empty()) {
      errors.grammar(name, port.name, kube::check_port_name(port.name));
      if (!names.insert(port.name).second) errors.duplicate(name, port.name);
    }
    errors.port(at.child("containerPort"), port.container_port);
    errors.one_of(at.child("protocol"), port.protocol, kProtocols);
    if (port.host_port == 0) continue;
    errors.port(host_port, port.host_port);
    const std::string taken = fmt::format("{}/{}/{}", port.protocol, port.host_ip, port.host_port);
    if (!host_ports.insert(taken).second) errors.duplicate(host_port, taken);
    if (host_network && port.host_port != port.container_port) {
      errors.invalid(host_port, port.host_port,
                     "must match `containerPort` when `hostNetwork` is true");
    }
  }
}

template <class Reference>
void validate_key(const Reference& reference, const FieldPath& path, FieldErrors& errors) {
  if (reference.local_object_reference.name.empty()) errors.required(path.child("name"));
  const FieldPath key = path.child("key");
  if (reference.key.empty()) {
    errors.required(key);
  } else {
    errors.grammar(key, reference.key, kube::check_config_key(reference.key));
  }
}

// What the Pod tells its containers of itself.
bool is_known_field(std::string_view path) {
  constexpr std::string_view kFields[] = {
      "metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels",
      "metadata.annotations", "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
      "status.hostIPs", "status.podIP", "status.podIPs"};
  return path.starts_with("metadata.labels['") || path.starts_with("metadata.annotations['") ||
         std::ranges::find(kFields, path) != std::end(kFields);
}

void validate_env_source(const kube::EnvVarSource& source, const FieldPath& path,
                         FieldErrors& errors) {
  constexpr std::string_view kAmounts[] = {
      "limits.cpu",   "limits.ephemeral-storage",   "limits.memory",
      "requests.cpu", "requests.ephemeral-storage", "requests.memory"};
  if (source.field_ref) {
    const FieldPath at = path.child("fieldRef.fieldPath");
    const std::string& field = source.field_ref->field_path;
    if (field.empty()) {
      errors.required(at);
    } else if (!is_known_field(field)) {
      errors.invalid(at, field, "there is no such field");
    }
  }
  if (source.resource_field_ref) {
    const std::string& amount = source.resource_field_ref->resource;
    const bool is_huge = amount.starts_with("limits.hugepages-") || amount.starts_with("requests.hugepages-");
    if (!is_huge) errors.one_of(path.child("resourceFieldRef.resource"), amount, kAmounts);
  }
  if (source.config_map_key_ref)
    validate_key(*source.config_map_key_ref, path.child("configMapKeyRef"), errors);
  if (source.secret_key_ref) validate_key(*source.secret_key_ref, path.child("secretKeyRef"), errors);
}

void validate_env(const Container& container, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < container.env.size(); ++i) {
    const kube::EnvVar& variable = container.env[i];
    const FieldPath at = path.index(i);
    const FieldPath name = at.child("name"), from = at.child("valueFrom");
    if (variable.name.empty()) {
      errors.required(name);
    } else {
      errors.grammar(name, variable.name, kube::check_env_name(variable.name));
    }
    if (!variable.value_from) continue;
    const kube::EnvVarSource& source = *variable.value_from;
    const int sources = (source.field_ref ? 1 : 0) + (source.resource_field_ref ? 1 : 0) +
                        (source.config_map_key_ref ? 1 : 0) + (source.secret_key_ref ? 1 : 0);
    if (!variable.value.empty()) {
      errors.invalid(from, "", "may not be specified when `value` is not empty");
    }
    if (sources != 1) errors.invalid(from, "", "must specify exactly one source");
    validate_env_source(source, from, errors);
  }
}

void validate_env_from(const Container& container, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < container.env_from.size(); ++i) {
    const kube::EnvFromSource& source = container.env_from[i];
    const FieldPath at = path.index(i);
    const FieldPath prefix = at.child("prefix");
    if (!source.prefix.empty())
      errors.grammar(prefix, source.prefix, kube::check_env_name(source.prefix));
    if (source.config_map_ref && source.config_map_ref->local_object_reference.name.empty())
      errors.required(at.child("configMapRef.name"));
    if (source.secret_ref && source.secret_ref->local_object_reference.name.empty())
      errors.required(at.child("secretRef.name"));
    if (!source.config_map_ref && !source.secret_ref) {
      errors.invalid(at, "", "must specify one of: `configMapRef` or `secretRef`");
    } else if (source.config_map_ref && source.secret_ref) {
      errors.invalid(at, "", "may not have more than one field specified at a time");
    }
  }
}

void validate_mounts(const Container& container, const FieldPath& path,
                     const std::set<std::string>& volumes, FieldErrors& errors) {
  std::set<std::string> paths;
  for (std::size_t i = 0; i < container.volume_mounts.size(); ++i) {
    const kube::VolumeMount& mount = container.volume_mounts[i];
    const FieldPath at = path.index(i);
    const FieldPath name = at.child("name"), mount_path = at.child("mountPath");
    if (mount.name.empty()) {
      errors.required(name);
    } else if (!volumes.contains(mount.name)) {
      errors.invalid(name, mount.name, "must be the name of a volume of the pod");
    }
    if (mount.mount_path.empty()) errors.required(mount_path);
    if (!paths.insert(mount.mount_path).second) {
      errors.invalid(mount_path, mount.mount_path, "must be unique");
    }
    // Upstream leaves out which mount it is.
    if (!mount.sub_path.empty())
      errors.grammar(path.child("subPath"), mount.sub_path, check_local_path(mount.sub_path));
  }
}

void validate_devices(const Container& container, const FieldPath& path,
                      const std::set<std::string>& volumes, FieldErrors& errors) {
  for (std::size_t i = 0; i < container.volume_devices.size(); ++i) {
    const kube::VolumeDevice& device = container.volume_devices[i];
    const FieldPath at = path.index(i);
    const FieldPath name = at.child("name");
    if (device.name.empty()) {
      errors.required(name);
    } else if (!volumes.contains(device.name)) {
      errors.add(name, fmt::format("Not found: \"{}\"", device.name));
    }
    if (device.device_path.empty()) errors.required(at.child("devicePath"));
  }
}

void validate_container(const Container& container, const PodSpec& spec, const FieldPath& path,
                        const std::set<std::string>& volumes, FieldErrors& errors) {
  const FieldPath name = path.child("name"), lifecycle = path.child("lifecycle");
  if (container.name.empty()) {
    errors.required(name);
  } else {
    errors.grammar(name, container.name, kube::check_dns1123_label(container.name));
  }
  const FieldPath image = path.child("image");
  if (container.image.empty()) {
    errors.required(image);
  } else if (container.image.find_first_of(" \t\n") != std::string::npos) {
    errors.invalid(image, container.image, "must not have white space");
  }
  errors.one_of(path.child("imagePullPolicy"), container.image_pull_policy, kPullPolicies);
  errors.one_of(path.child("terminationMessagePolicy"), container.termination_message_policy,
                kMessagePolicies);
  validate_ports(container, path.child("ports"), spec.host_network, errors);
  validate_env(container, path.child("env"), errors);
  validate_resources(container.resources, path.child("resources"), errors);
  validate_env_from(container, path.child("envFrom"), errors);
  validate_mounts(container, path.child("volumeMounts"), volumes, errors);
  validate_devices(container, path.child("volumeDevices"), volumes, errors);
  if (container.security_context)
    validate_security(*container.security_context, path.child("securityContext"), errors);
  validate_probe(container.liveness_probe, path.child("livenessProbe"), ProbeKind::kOther, errors);
  validate_probe(container.readiness_probe, path.child("readinessProbe"), ProbeKind::kReadiness,
                 errors);
  validate_probe(container.startup_probe, path.child("startupProbe"), ProbeKind::kOther, errors);
  if (!container.lifecycle) return;
  const std::int64_t grace = spec.termination_grace_period_seconds.value_or(0);
  validate_hook(container.lifecycle->post_start, lifecycle.child("postStart"), grace, errors);
  validate_hook(container.lifecycle->pre_stop, lifecycle.child("preStop"), grace, errors);
}

// Only a sidecar (an init container that restarts always) has hooks and probes.
void validate_init_container(const Container& container, const FieldPath& path,
                             FieldErrors& errors) {
  const FieldPath policy = path.child("restartPolicy");
  constexpr std::string_view kAlways[] = {"Always"};
  if (container.restart_policy) {
    errors.one_of(policy, *container.restart_policy, kAlways);
    return;
  }
  const auto refuse = [&](bool present, std::string_view field) {
    if (present) {
      errors.forbidden(path.child(field),
                       "may not be set for init containers without restartPolicy=Always");
    }
  };
  refuse(static_cast<bool>(container.lifecycle), "lifecycle");
  refuse(static_cast<bool>(container.liveness_probe), "livenessProbe");
  refuse(static_cast<bool>(container.readiness_probe), "readinessProbe");
  refuse(static_cast<bool>(container.startup_probe), "startupProbe");
}

void validate_containers(const PodSpec& spec, const FieldPath& path,
                         const std::set<std::string>& volumes, FieldErrors& errors) {
  const FieldPath containers = path.child("containers"), inits = path.child("initContainers");
  std::set<std::string> names;
  if (spec.containers.empty()) errors.required(containers);
  for (std::size_t i = 0; i < spec.containers.size(); ++i) {
    const Container& container = spec.containers[i];
    const FieldPath at = containers.index(i);
    validate_container(container, spec, at, volumes, errors);
    if (!names.insert(container.name).second) errors.duplicate(at.child("name"), container.name);
    if (container.restart_policy) {
      errors.forbidden(at.child("restartPolicy"), "may not be set for non-init containers");
    }
  }
  for (std::size_t i = 0; i < spec.init_containers.size(); ++i) {
    const Container& container = spec.init_containers[i];
    const FieldPath at = inits.index(i);
    validate_container(container, spec, at, volumes, errors);
    validate_init_container(container, at, errors);
    if (!names.insert(container.name).second) errors.duplicate(at.child("name"), container.name);
  }
}

}  // namespace

void validate_pod_spec(const PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  const std::set<std::string> volumes =
      validate_volumes(spec.volumes, path.child("volumes"), errors);
  validate_containers(spec, path, volumes, errors);
  errors.one_of(path.child("restartPolicy"), spec.restart_policy, kRestartPolicies);
  errors.one_of(path.child("dnsPolicy"), spec.dns_policy, kDnsPolicies);
  if (spec.active_deadline_seconds.value_or(1) < 1) {
    errors.invalid(path.child("activeDeadlineSeconds"), *spec.active_deadline_seconds,
                   "must be between 1 and 2147483647, inclusive");
  }
  validate_placement(spec, path, errors);
  validate_pod_settings(spec, path, errors);
  const auto name = [&](std::string_view field, const std::string& value, kube::NameRule rule) {
    if (!value.empty()) errors.grammar(path.child(field), value, rule(value));
  };
  name("serviceAccountName", spec.service_account_name, &kube::check_dns1123_subdomain);
  name("nodeName", spec.node_name, &kube::check_dns1123_subdomain);
  name("hostname", spec.hostname, &kube::check_dns1123_label);
  name("subdomain", spec.subdomain, &kube::check_dns1123_label);
  name("priorityClassName", spec.priority_class_name, &kube::check_dns1123_subdomain);
}

void validate_template(const kube::Box<kube::LabelSelector>& selector,
                       const kube::PodTemplateSpec& pod_template, const FieldPath& spec,
                       FieldErrors& errors) {
  const FieldPath path = spec.child("selector"), at = spec.child("template");
  const FieldPath labels = at.child("metadata.labels"), pod = at.child("spec");
  kube::validate_labels(pod_template.metadata.labels, labels, errors);
  validate_pod_spec(pod_template.spec, pod, errors);
  refuse_ephemeral_containers(pod_template.spec, pod,
                              "ephemeral containers not allowed in pod template", errors);
  if (pod_template.spec.active_deadline_seconds)
    errors.forbidden(pod.child("activeDeadlineSeconds"), "is for Pods that end");
  if (!selector) {
    errors.required(path);
    return;
  }
  kube::validate_label_selector(*selector, path, errors);
  if (selector->match_labels.empty() && selector->match_expressions.empty()) {
    errors.invalid(path, "{}", "empty selector is invalid for workloads");
    return;
  }
  const auto parsed = kube::Selector::from(*selector);
  if (parsed && !parsed->matches(pod_template.metadata.labels)) {
    errors.invalid(labels, "", "`selector` does not match template `labels`");
  }
}

}  // namespace minato::registry
