#include "blueprint/own_controllers.h"

#include <fmt/format.h>

#include "blueprint/access.h"
#include "blueprint/objects.h"
#include "blueprint/roles.h"
#include "kube/types/rbac.h"

namespace minato::blueprint {
namespace {

constexpr std::string_view kRbacGroup = "rbac.authorization.k8s.io";
constexpr std::int64_t kNobody = 65532;
constexpr std::int64_t kMemoryReserve = 4;  // Limit by request: caches grow with the cluster.
// A call of the API holds the loop that answers probes, for 5 s at most.
constexpr std::int32_t kProbeTimeout = 10;
constexpr std::int64_t kGraceSeconds = 15;  // Giving the lead back is such a call.

std::vector<kube::PolicyRule> rules_of(const std::vector<Permission>& permissions,
                                       std::string_view name_space) {
  std::vector<kube::PolicyRule> out;
  for (const Permission& each : permissions) {
    if (each.name_space != name_space) continue;
    kube::PolicyRule& rule = out.emplace_back();
    rule.api_groups = {std::string(each.group)};
    rule.resources = {std::string(each.resource)};
    rule.verbs.assign(each.verbs.begin(), each.verbs.end());
  }
  return out;
}

// A role and its binding, where there is something to allow.
template <class RoleKind, class Binding>
void allow(const Role& role, std::vector<kube::PolicyRule> rules,
           std::vector<kube::ObjectPtr>& out) {
  if (rules.empty()) return;
  auto allowed = named<RoleKind>(role);
  allowed.rules = std::move(rules);
  auto binding = named<Binding>(role);
  kube::Subject& subject = binding.subjects.emplace_back();
  subject.kind = "ServiceAccount";
  subject.name = object_name(role);
  subject.namespace_ = kube::kNamespaceSystem;
  binding.role_ref.api_group = kRbacGroup;
  binding.role_ref.kind = RoleKind::static_kind().kind;
  binding.role_ref.name = object_name(role);
  out.push_back(shared(std::move(allowed)));
  out.push_back(shared(std::move(binding)));
}

void add_access(const Role& role, const std::vector<Permission>& permissions,
                const std::map<std::string, std::string>& annotations,
                std::vector<kube::ObjectPtr>& out) {
  auto account = named<kube::ServiceAccount>(role);
  account.metadata.annotations = annotations;
  account.automount_service_account_token = false;  // Pods ask for it.
  out.push_back(shared(std::move(account)));
  allow<kube::ClusterRole, kube::ClusterRoleBinding>(role, rules_of(permissions, ""), out);
  allow<kube::Role, kube::RoleBinding>(role, rules_of(permissions, kube::kNamespaceSystem), out);
}

kube::Probe make_probe(std::string_view path, std::int32_t period, std::int32_t failures) {
  kube::Probe out;
  auto& get = out.probe_handler.http_get.emplace();
  get.path = path;
  get.port = std::string("health");
  out.period_seconds = period;
  out.timeout_seconds = kProbeTimeout;
  out.failure_threshold = failures;
  return out;
}

kube::EnvVar variable(std::string_view name, const std::string& value) {
  kube::EnvVar out;
  out.name = name;
  out.value = value;
  return out;
}

kube::Container confined(const Role& role, const std::string& image, std::uint16_t health_port,
                         std::vector<std::string> arguments) {
  kube::Container out = make_container(role, image, std::move(arguments));
  out.ports.push_back({.name = "health", .container_port = health_port, .protocol = "TCP"});
  out.readiness_probe = make_probe("/readyz", 5, 3);
  out.liveness_probe = make_probe("/healthz", 20, 6);
  out.resources.limits = {{std::string(kube::kMemory),
                           kube::Quantity::bytes((role.memory_mib * kMemoryReserve) << 20)}};
  auto& security = *out.security_context;
  security.run_as_non_root = true;
  security.run_as_user = kNobody;
  security.run_as_group = kNobody;
  security.capabilities.emplace().drop = {"ALL"};
  security.seccomp_profile.emplace().type = "RuntimeDefault";
  return out;
}

void give_account(const Role& role, kube::PodSpec& pod) {
  pod.service_account_name = object_name(role);
  pod.automount_service_account_token = true;
  pod.termination_grace_period_seconds = kGraceSeconds;
}

kube::Deployment make_controller(const OwnControllers& options) {
  kube::Container container =
      confined(kControllerPod, options.image, kHealthPort,
               {"--cluster=" + options.cluster, "--target-group=" + options.target_group});
  container.env.push_back(variable("AWS_REGION", options.region));
  kube::PodTemplateSpec pod = master_pod(kControllerPod, std::move(container));
  give_account(kControllerPod, pod.spec);
  kube::Deployment out = make_deployment(kControllerPod, std::move(pod));
  out.spec.strategy.rolling_update->max_unavailable = kube::IntOrString(0);
  return out;
}

kube::DaemonSet make_agent(const OwnControllers& options) {
  const auto hook = std::chrono::ceil<std::chrono::seconds>(options.hook_timeout).count();
  kube::Container container = confined(
      kAgentPod, options.image, kAgentHealthPort,
      {"--node=$(NODE_NAME)", fmt::format("--health-port={}", kAgentHealthPort),
       fmt::format("--hook-seconds={}", hook)});
  kube::EnvVar name;
  name.name = "NODE_NAME";
  name.value_from.emplace().field_ref.emplace().field_path = "spec.nodeName";
  container.env.push_back(std::move(name));
  kube::DaemonSet out = make_node_agent(kAgentPod, std::move(container));
  give_account(kAgentPod, out.spec.template_.spec);
  out.spec.update_strategy.type = "RollingUpdate";
  out.spec.update_strategy.rolling_update.emplace().max_unavailable = kube::IntOrString("10%");
  return out;
}

}  // namespace

std::vector<kube::ObjectPtr> own_controller_objects(const OwnControllers& options) {
  std::vector<kube::ObjectPtr> out;
  add_access(kControllerPod, controller_access(), options.controller_annotations, out);
  add_access(kAgentPod, agent_access(), {}, out);
  out.push_back(shared(make_budget(kControllerPod)));
  out.push_back(shared(make_controller(options)));
  out.push_back(shared(make_agent(options)));
  return out;
}

}  // namespace minato::blueprint
