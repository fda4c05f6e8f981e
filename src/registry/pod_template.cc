#include "registry/pod_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "kube/selector.h"
#include "registry/ephemeral_containers.h"

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
constexpr std::string_view kEffects[] = {"NoExecute", "NoSchedule", "PreferNoSchedule"};
constexpr std::string_view kUnsatisfiable[] = {"DoNotSchedule", "ScheduleAnyway"};
constexpr std::string_view kSchemes[] = {"HTTP", "HTTPS"};

void validate_port_reference(const kube::IntOrString& port, const FieldPath& path,
                             FieldErrors& errors) {
  if (port.is_int()) {
    errors.port(path, port.number());
  } else {
    errors.grammar(path, port.text(), kube::check_port_name(port.text()));
  }
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
    errors.non_negative(path.child("sleep.seconds"), handler.sleep->seconds);
  }
  if (actions == 0) errors.required(path, "must specify a handler type");
  if (actions > 1) errors.forbidden(path, "may not specify more than 1 handler type");
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

void validate_resources(const kube::ResourceRequirements& resources, const FieldPath& path,
                        FieldErrors& errors) {
  const FieldPath limits = path.child("limits"), requests = path.child("requests");
  const auto check = [&errors](const std::string& name, const Quantity& amount,
                               const FieldPath& at) {
    errors.grammar(at, name, kube::check_qualified_name(name));
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
    if (limit == resources.limits.end()) continue;
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
}

void validate_ports(const Container& container, const FieldPath& path, bool host_network,
                    FieldErrors& errors) {
  std::set<std::string> names;
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
    if (host_network && port.host_port != port.container_port) {
      errors.invalid(host_port, port.host_port,
                     "must match `containerPort` when `hostNetwork` is true");
    }
  }
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
    if (mount.sub_path.starts_with('/')) {
      errors.invalid(at.child("subPath"), mount.sub_path, "must be a relative path");
    }
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
  validate_mounts(container, path.child("volumeMounts"), volumes, errors);
  validate_probe(container.liveness_probe, path.child("livenessProbe"), ProbeKind::kOther, errors);
  validate_probe(container.readiness_probe, path.child("readinessProbe"), ProbeKind::kReadiness,
                 errors);
  validate_probe(container.startup_probe, path.child("startupProbe"), ProbeKind::kOther, errors);
  if (!container.lifecycle) return;
  if (container.lifecycle->post_start) {
    validate_handler(*container.lifecycle->post_start, lifecycle.child("postStart"), errors);
  }
  if (container.lifecycle->pre_stop) {
    validate_handler(*container.lifecycle->pre_stop, lifecycle.child("preStop"), errors);
  }
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

std::set<std::string> validate_volumes(const PodSpec& spec, const FieldPath& path,
                                       FieldErrors& errors) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < spec.volumes.size(); ++i) {
    const kube::Volume& volume = spec.volumes[i];
    const FieldPath at = path.index(i);
    const FieldPath name = at.child("name");
    if (volume.name.empty()) {
      errors.required(name);
    } else {
      errors.grammar(name, volume.name, kube::check_dns1123_label(volume.name));
    }
    if (!names.insert(volume.name).second) errors.duplicate(name, volume.name);
    int sources = 0;
    const kube::TypeInfo& type = kube::type_of<kube::VolumeSource>();
    for (const kube::FieldInfo& field : type.fields) {
      sources += field.type().get(kube::member_of(field, &volume.volume_source)) ? 1 : 0;
    }
    if (sources > 1) errors.forbidden(at, "may not specify more than 1 volume type");
  }
  return names;
}

void validate_tolerations(const PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  constexpr std::string_view kOperators[] = {"Equal", "Exists"};
  for (std::size_t i = 0; i < spec.tolerations.size(); ++i) {
    const kube::Toleration& toleration = spec.tolerations[i];
    const FieldPath at = path.index(i);
    const FieldPath op = at.child("operator");
    if (!toleration.key.empty()) {
      errors.grammar(at.child("key"), toleration.key, kube::check_qualified_name(toleration.key));
    } else if (toleration.operator_ != "Exists") {
      errors.invalid(op, toleration.operator_,
                     "operator must be Exists when `key` is empty, which means \"match all values "
                     "and all keys\"");
    }
    if (!toleration.operator_.empty()) errors.one_of(op, toleration.operator_, kOperators);
    if (toleration.operator_ == "Exists" && !toleration.value.empty()) {
      errors.invalid(op, toleration.value, "value must be empty when `operator` is 'Exists'");
    }
    if (!toleration.effect.empty()) {
      errors.one_of(at.child("effect"), toleration.effect, kEffects);
    }
    if (toleration.toleration_seconds && toleration.effect != "NoExecute") {
      errors.invalid(at.child("effect"), toleration.effect,
                     "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
  }
}

void validate_spread(const PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < spec.topology_spread_constraints.size(); ++i) {
    const kube::TopologySpreadConstraint& constraint = spec.topology_spread_constraints[i];
    const FieldPath at = path.index(i);
    if (constraint.max_skew <= 0) {
      errors.invalid(at.child("maxSkew"), constraint.max_skew, "must be greater than zero");
    }
    if (constraint.topology_key.empty()) {
      errors.required(at.child("topologyKey"), "can not be empty");
    }
    errors.one_of(at.child("whenUnsatisfiable"), constraint.when_unsatisfiable, kUnsatisfiable);
    if (constraint.min_domains.value_or(1) <= 0) {
      errors.invalid(at.child("minDomains"), *constraint.min_domains, "must be greater than zero");
    }
    if (constraint.label_selector) {
      kube::validate_label_selector(*constraint.label_selector, at.child("labelSelector"), errors);
    }
  }
}

void validate_affinity_terms(const std::vector<kube::PodAffinityTerm>& terms, const FieldPath& path,
                             FieldErrors& errors) {
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const FieldPath at = path.index(i);
    if (terms[i].topology_key.empty()) {
      errors.required(at.child("topologyKey"), "can not be empty");
    }
    if (terms[i].label_selector) {
      kube::validate_label_selector(*terms[i].label_selector, at.child("labelSelector"), errors);
    }
  }
}

void validate_affinity(const PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  if (!spec.affinity) return;
  constexpr std::string_view kRequired = "requiredDuringSchedulingIgnoredDuringExecution";
  const FieldPath node = path.child("nodeAffinity"), pod = path.child("podAffinity"),
                  anti = path.child("podAntiAffinity");
  if (spec.affinity->node_affinity) {
    const auto& required =
        spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
    if (required && required->node_selector_terms.empty()) {
      const FieldPath at = node.child(kRequired);
      errors.required(at.child("nodeSelectorTerms"), "must have at least one node selector term");
    }
  }
  if (spec.affinity->pod_affinity) {
    validate_affinity_terms(
        spec.affinity->pod_affinity->required_during_scheduling_ignored_during_execution,
        pod.child(kRequired), errors);
  }
  if (spec.affinity->pod_anti_affinity) {
    validate_affinity_terms(
        spec.affinity->pod_anti_affinity->required_during_scheduling_ignored_during_execution,
        anti.child(kRequired), errors);
  }
}

}  // namespace

void validate_pod_spec(const PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  const std::set<std::string> volumes = validate_volumes(spec, path.child("volumes"), errors);
  validate_containers(spec, path, volumes, errors);
  errors.one_of(path.child("restartPolicy"), spec.restart_policy, kRestartPolicies);
  errors.one_of(path.child("dnsPolicy"), spec.dns_policy, kDnsPolicies);
  errors.non_negative(path.child("terminationGracePeriodSeconds"),
                      spec.termination_grace_period_seconds.value_or(0));
  if (spec.active_deadline_seconds.value_or(1) < 1) {
    errors.invalid(path.child("activeDeadlineSeconds"), *spec.active_deadline_seconds,
                   "must be between 1 and 2147483647, inclusive");
  }
  kube::validate_labels(spec.node_selector, path.child("nodeSelector"), errors);
  validate_tolerations(spec, path.child("tolerations"), errors);
  validate_spread(spec, path.child("topologySpreadConstraints"), errors);
  validate_affinity(spec, path.child("affinity"), errors);
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
