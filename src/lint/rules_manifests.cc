#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/strings.h"
#include "kube/reflect.h"
#include "kube/types/apps.h"
#include "kube/types/autoscaling.h"
#include "kube/types/config.h"
#include "kube/types/policy.h"
#include "kube/types/rbac.h"
#include "kube/types/scheduling.h"
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
                     const kube::Container& container, bool gets_requests, const Sink& found) {
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
  if (!hook && gets_requests && !container.ports.empty())
    found("D3", path, container.name + " has no preStop");
  if (!hook || !container.lifecycle->pre_stop->sleep) return;
  const std::int64_t sleep = container.lifecycle->pre_stop->sleep->seconds;
  const std::int64_t grace = pod.termination_grace_period_seconds.value_or(30);
  if (grace <= sleep) {
    found("D4", path,
          fmt::format("{}: a grace period of {} s, of which preStop sleeps {} s", container.name,
                      grace, sleep));
  }
}

void check_privileges(const std::string& path, const kube::Container& container,
                      const Sink& found) {
  const auto* security = container.security_context.get();
  if (security != nullptr && security->privileged.value_or(false)) {
    found("D8", path, container.name + " is privileged");
  } else if (security == nullptr || security->allow_privilege_escalation.value_or(true)) {
    found("D8", path, container.name + " may gain privileges (allowPrivilegeEscalation)");
  }
}

// Nodes that Pods select by label are the only ones that count (nodeAffinityPolicy: Honor is the
// default); tainted ones do, unless it is said otherwise.
void check_spread(const std::string& path, const kube::PodSpec& pod, const Sink& found) {
  const bool selects_nodes =
      !pod.node_selector.empty() || (pod.affinity && pod.affinity->node_affinity);
  for (const kube::TopologySpreadConstraint& each : pod.topology_spread_constraints) {
    const bool honors = each.node_taints_policy && *each.node_taints_policy == "Honor";
    if (each.when_unsatisfiable == "DoNotSchedule" && !honors && !selects_nodes)
      found("D13", path, each.topology_key + ": DoNotSchedule, and tainted nodes count");
  }
}

std::string account_of(const kube::PodSpec& pod) {
  return pod.service_account_name.empty() ? "default" : pod.service_account_name;
}

// The Pod's own word counts before its account's.
bool mounts_token(const Manifests& manifests, const kube::Deployment& deployment) {
  const kube::PodSpec& pod = deployment.spec.template_.spec;
  if (pod.automount_service_account_token) return *pod.automount_service_account_token;
  for (const auto& [path, account] : manifests.of<kube::ServiceAccount>()) {
    if (account->metadata.namespace_ == deployment.metadata.namespace_ &&
        account->metadata.name == account_of(pod))
      return account->automount_service_account_token.value_or(true);
  }
  return true;
}

// Pods that only keep a place warm, below all that say nothing: whether they are there is no matter.
bool holds_room(const Manifests& manifests, const kube::PodSpec& pod) {
  const auto classes = manifests.of<kube::PriorityClass>();
  return std::ranges::any_of(classes, [&](const auto& one) {
    return one.second->metadata.name == pod.priority_class_name && one.second->value < 0;
  });
}

// A Service selects its Pods, or nobody says which Services there are.
bool gets_requests(const Manifests& manifests, const kube::Deployment& deployment) {
  const auto services = manifests.of<kube::Service>();
  return services.empty() || std::ranges::any_of(services, [&](const auto& service) {
    return service.second->metadata.namespace_ == deployment.metadata.namespace_ &&
           selects(service.second->spec.selector, deployment.spec.template_.metadata.labels);
  });
}

// A binding names the account: its Pods ask something of the API.
bool is_given_access(const Manifests& manifests, const kube::Deployment& deployment) {
  const auto names = [&](const auto& binding) {
    return std::ranges::any_of(binding.second->subjects, [&](const kube::Subject& subject) {
      return subject.kind == "ServiceAccount" && subject.name == account_of(deployment.spec.template_.spec) &&
             subject.namespace_ == deployment.metadata.namespace_;
    });
  };
  return std::ranges::any_of(manifests.of<kube::ClusterRoleBinding>(), names) ||
         std::ranges::any_of(manifests.of<kube::RoleBinding>(), names);
}

void check_deployment(const Manifests& manifests, const std::string& path,
                      const kube::Deployment& deployment, const Sink& found) {
  const kube::PodSpec& pod = deployment.spec.template_.spec;
  if (autoscaler_of(manifests, deployment) != nullptr && deployment.spec.replicas) {
    found("D1", path, fmt::format("replicas: {}", *deployment.spec.replicas));
  }
  const auto& rolling = deployment.spec.strategy.rolling_update;
  const bool gapless = deployment.spec.strategy.type != "Recreate" && rolling &&
                       rolling->max_unavailable && is_none(*rolling->max_unavailable);
  if (!gapless && !holds_room(manifests, pod)) {
    found("D2", path, "Pods may go before new ones are there");
  }
  if (pod.topology_spread_constraints.empty() && !pod.affinity)
    found("D6", path, "nothing spreads the Pods");
  if (deployment.spec.selector &&
      !selects(deployment.spec.selector->match_labels, deployment.spec.template_.metadata.labels)) {
    found("X7", path, "the selector does not match the Pods' own labels");
  }
  for (const kube::Container& container : pod.containers)
    check_container(path, pod, container, gets_requests(manifests, deployment), found);
  for (const auto* containers : {&pod.containers, &pod.init_containers}) {
    for (const kube::Container& container : *containers) check_privileges(path, container, found);
  }
  check_spread(path, pod, found);
  if (mounts_token(manifests, deployment) && !is_given_access(manifests, deployment))
    found("D9", path, "its Pods get a token of the service account " + account_of(pod));
}

// Deployments whose Pods a budget is about.
std::vector<const kube::Deployment*> covered_by(const Manifests& manifests,
                                                const kube::PodDisruptionBudget& budget) {
  std::vector<const kube::Deployment*> out;
  for (const auto& [path, deployment] : manifests.of<kube::Deployment>()) {
    if (budget.spec.selector && budget.metadata.namespace_ == deployment->metadata.namespace_ &&
        selects(budget.spec.selector->match_labels, deployment->spec.template_.metadata.labels)) {
      out.push_back(deployment);
    }
  }
  return out;
}

std::string text_of(const kube::IntOrString& value) {
  return value.is_int() ? std::to_string(value.number()) : value.text();
}

// Of so many Pods. Rule: the disruption controller rounds percentages up.
std::int32_t rounded_up(const kube::IntOrString& value, std::int32_t pods) {
  if (value.is_int()) return value.number();
  const std::string& text = value.text();
  const auto percent = parse_int(text.substr(0, text.find('%')));
  return percent ? static_cast<std::int32_t>((*percent * pods + 99) / 100) : 0;
}

void check_budget(const Manifests& manifests, const std::string& path,
                  const kube::PodDisruptionBudget& budget, const Sink& found) {
  const auto& spec = budget.spec;
  if (spec.max_unavailable && is_none(*spec.max_unavailable))
    found("H2", path, "maxUnavailable allows none");
  if (spec.unhealthy_pod_eviction_policy != "AlwaysAllow")
    found("H6", path, "Pods that are not ready are protected like those that are");
  if (!spec.min_available) return;
  for (const kube::Deployment* deployment : covered_by(manifests, budget)) {
    const auto* autoscaler = autoscaler_of(manifests, *deployment);
    const std::int32_t least = autoscaler ? autoscaler->spec.min_replicas.value_or(1)
                                          : deployment->spec.replicas.value_or(1);
    const std::int32_t needed = rounded_up(*spec.min_available, least);
    if (needed >= least) {
      found("H2", path,
            fmt::format("minAvailable {} is {} of {} Pods that there may be",
                        text_of(*spec.min_available), needed, least));
    }
  }
}

// The eviction API refuses a Pod that it finds under two of them.
void check_budgets_apart(const Manifests& manifests, const Sink& found) {
  std::map<const kube::Deployment*, std::string> first;
  for (const auto& [path, budget] : manifests.of<kube::PodDisruptionBudget>()) {
    for (const kube::Deployment* deployment : covered_by(manifests, *budget)) {
      const auto [other, is_first] = first.emplace(deployment, path);
      if (!is_first)
        found("H5", path,
              fmt::format("{} is under that of {}, too", deployment->metadata.name, other->second));
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
        found("X7", path, fmt::format("no container has the port {}", text_of(target)));
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
  check_budgets_apart(manifests, found);
  for (const auto& [path, each] : manifests.of<kube::Service>())
    check_service(manifests, path, *each, found);
}

}  // namespace minato::lint
