#include "kube/defaults.h"

#include <algorithm>

namespace minato::kube {
namespace {

constexpr std::int32_t kFileMode = 0644;
constexpr std::int64_t kTokenSeconds = 3600;
constexpr std::int32_t kSessionAffinitySeconds = 10800;
constexpr std::int32_t kHistoryLimit = 10;

void fill(std::string& value, std::string_view fallback) {
  if (value.empty()) value = fallback;
}
template <class T>
void fill(std::optional<T>& value, const T& fallback) {
  if (!value) value = fallback;
}
void fill(std::int32_t& value, std::int32_t fallback) {
  if (value == 0) value = fallback;
}

void fill(HTTPGetAction& action) {
  fill(action.path, "/");
  fill(action.scheme, "HTTP");
}

void fill(Box<Probe>& probe) {
  if (!probe) return;
  fill(probe->timeout_seconds, 1);
  fill(probe->period_seconds, 10);
  fill(probe->success_threshold, 1);
  fill(probe->failure_threshold, 3);
  if (probe->probe_handler.http_get) fill(*probe->probe_handler.http_get);
  if (probe->probe_handler.grpc) fill(probe->probe_handler.grpc->service, std::string());
}

void fill(Box<LifecycleHandler>& handler) {
  if (handler && handler->http_get) fill(*handler->http_get);
}

// An image without a tag is its :latest, which may change; a digest never does.
std::string_view pull_policy(std::string_view image) {
  if (image.find('@') != std::string_view::npos) return "IfNotPresent";
  const std::size_t slash = image.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? image : image.substr(slash + 1);
  const std::size_t colon = name.rfind(':');
  const bool latest = colon == std::string_view::npos || name.substr(colon + 1) == "latest";
  return latest ? "Always" : "IfNotPresent";
}

template <class AnyContainer>  // Container and EphemeralContainerCommon have the same fields.
void fill_container(AnyContainer& container, bool host_network) {
  fill(container.image_pull_policy, pull_policy(container.image));
  fill(container.termination_message_path, "/dev/termination-log");
  fill(container.termination_message_policy, "File");
  for (ContainerPort& port : container.ports) {
    fill(port.protocol, "TCP");
    if (host_network) fill(port.host_port, port.container_port);
  }
  for (EnvVar& variable : container.env) {
    if (variable.value_from && variable.value_from->field_ref) {
      fill(variable.value_from->field_ref->api_version, "v1");
    }
  }
  fill(container.liveness_probe);
  fill(container.readiness_probe);
  fill(container.startup_probe);
  if (container.lifecycle) {
    fill(container.lifecycle->post_start);
    fill(container.lifecycle->pre_stop);
  }
}

template <class Files>
void fill_field_refs(Files& files) {
  for (auto& file : files) {
    if (file.field_ref) fill(file.field_ref->api_version, "v1");
  }
}

void fill(VolumeSource& source) {
  if (is_empty(type_of<VolumeSource>(), &source)) source.empty_dir.emplace();
  if (source.secret) fill(source.secret->default_mode, kFileMode);
  if (source.config_map) fill(source.config_map->default_mode, kFileMode);
  if (source.host_path) fill(source.host_path->type, std::string());
  if (source.downward_api) {
    fill(source.downward_api->default_mode, kFileMode);
    fill_field_refs(source.downward_api->items);
  }
  if (!source.projected) return;
  fill(source.projected->default_mode, kFileMode);
  for (VolumeProjection& projection : source.projected->sources) {
    if (projection.downward_api) fill_field_refs(projection.downward_api->items);
    if (projection.service_account_token) {
      fill(projection.service_account_token->expiration_seconds, kTokenSeconds);
    }
  }
}

void request_limits(std::vector<Container>& containers) {
  for (Container& container : containers) {
    for (const auto& [name, limit] : container.resources.limits) {
      container.resources.requests.try_emplace(name, limit);
    }
  }
}

void fill(Box<HPAScalingRules>& rules, std::initializer_list<HPAScalingPolicy> policies) {
  HPAScalingRules& out = rules.ensure();
  fill(out.select_policy, std::string("Max"));
  if (out.policies.empty()) out.policies = policies;
}

}  // namespace

void set_defaults(PodSpec& spec) {
  fill(spec.dns_policy, "ClusterFirst");
  fill(spec.restart_policy, "Always");
  fill(spec.scheduler_name, "default-scheduler");
  fill(spec.termination_grace_period_seconds, std::int64_t{30});
  // Once such Pods were accepted, and ended at once.
  if (*spec.termination_grace_period_seconds < 0) spec.termination_grace_period_seconds = 1;
  spec.security_context.ensure();
  // Two spellings of one field.
  if (!spec.service_account_name.empty() || !spec.service_account.empty()) {
    fill(spec.service_account_name, spec.service_account);
    spec.service_account = spec.service_account_name;
  }
  for (Container& container : spec.init_containers) fill_container(container, spec.host_network);
  for (Container& container : spec.containers) fill_container(container, spec.host_network);
  for (EphemeralContainer& container : spec.ephemeral_containers) {
    fill_container(container.ephemeral_container_common, false);
  }
  for (Volume& volume : spec.volumes) fill(volume.volume_source);
}

void set_defaults(Pod& pod) {
  set_defaults(pod.spec);
  fill(pod.spec.enable_service_links, true);
  request_limits(pod.spec.init_containers);
  request_limits(pod.spec.containers);
}

void set_defaults(Deployment& deployment) {
  DeploymentSpec& spec = deployment.spec;
  set_defaults(spec.template_.spec);
  fill(spec.replicas, 1);
  fill(spec.revision_history_limit, kHistoryLimit);
  fill(spec.progress_deadline_seconds, 600);
  fill(spec.strategy.type, "RollingUpdate");
  if (spec.strategy.type != "RollingUpdate") return;
  RollingUpdateDeployment& rolling = spec.strategy.rolling_update.ensure();
  const IntOrString quarter(std::string("25%"));
  fill(rolling.max_unavailable, quarter);
  fill(rolling.max_surge, quarter);
}

void set_defaults(ReplicaSet& replica_set) {
  set_defaults(replica_set.spec.template_.spec);
  fill(replica_set.spec.replicas, 1);
}

void set_defaults(DaemonSet& daemon_set) {
  DaemonSetSpec& spec = daemon_set.spec;
  set_defaults(spec.template_.spec);
  fill(spec.revision_history_limit, kHistoryLimit);
  fill(spec.update_strategy.type, "RollingUpdate");
  if (spec.update_strategy.type != "RollingUpdate") return;
  RollingUpdateDaemonSet& rolling = spec.update_strategy.rolling_update.ensure();
  fill(rolling.max_unavailable, IntOrString(1));
  fill(rolling.max_surge, IntOrString(0));
}

void set_defaults(Service& service) {
  ServiceSpec& spec = service.spec;
  fill(spec.session_affinity, "None");
  fill(spec.type, "ClusterIP");
  if (spec.session_affinity == "None") spec.session_affinity_config.reset();
  if (spec.session_affinity == "ClientIP") {
    fill(spec.session_affinity_config.ensure().client_ip.ensure().timeout_seconds,
         kSessionAffinitySeconds);
  }
  for (ServicePort& port : spec.ports) {
    fill(port.protocol, "TCP");
    const bool unset = port.target_port.is_int() ? port.target_port.number() == 0
                                                 : port.target_port.text().empty();
    if (unset) port.target_port = port.port;
  }
  if (spec.type == "ExternalName") return;
  fill(spec.internal_traffic_policy, std::string("Cluster"));
  const bool external = spec.type == "NodePort" || spec.type == "LoadBalancer";
  if (external || !spec.external_ips.empty()) fill(spec.external_traffic_policy, "Cluster");
  if (spec.type == "LoadBalancer") fill(spec.allocate_load_balancer_node_ports, true);
}

void set_defaults(Namespace& name_space) {
  if (name_space.metadata.name.empty()) return;
  name_space.metadata.labels["kubernetes.io/metadata.name"] = name_space.metadata.name;
}

void set_defaults(Secret& secret) {
  fill(secret.type, "Opaque");
  for (auto& [key, text] : secret.string_data) secret.data[key].data = std::move(text);
  secret.string_data.clear();  // Write-only.
}

void set_defaults(Node& node) {
  for (const auto& [name, amount] : node.status.capacity) {
    node.status.allocatable.try_emplace(name, amount);
  }
}

void set_defaults(EndpointSlice& slice) {
  for (EndpointPort& port : slice.ports) {
    fill(port.name, std::string());
    fill(port.protocol, std::string("TCP"));
  }
}

void set_defaults(PriorityClass& priority_class) {
  fill(priority_class.preemption_policy, std::string("PreemptLowerPriority"));
}

void set_defaults(HorizontalPodAutoscaler& autoscaler) {
  HorizontalPodAutoscalerSpec& spec = autoscaler.spec;
  fill(spec.min_replicas, 1);
  if (spec.metrics.empty()) {
    MetricSpec& metric = spec.metrics.emplace_back();
    metric.type = "Resource";
    ResourceMetricSource& resource = metric.resource.emplace();
    resource.name = "cpu";
    resource.target.type = "Utilization";
    resource.target.average_utilization = 80;
  }
  if (!spec.behavior) return;
  // Who says something of one direction gets the defaults of both, as upstream does. The window of
  // scaleDown stays open: it is an option of the controller.
  fill(spec.behavior->scale_up, {{.type = "Pods", .value = 4, .period_seconds = 15},
                                 {.type = "Percent", .value = 100, .period_seconds = 15}});
  fill(spec.behavior->scale_up->stabilization_window_seconds, 0);
  fill(spec.behavior->scale_down, {{.type = "Percent", .value = 100, .period_seconds = 15}});
}

}  // namespace minato::kube
