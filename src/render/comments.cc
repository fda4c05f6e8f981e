#include "render/comments.h"

#include <fmt/format.h>

#include "blueprint/blueprint.h"
#include "kube/types/config.h"

namespace minato::render {
namespace {

const Comments kDeployment{
    {"metadata.name", "service"},
    {"spec.selector.matchLabels", "never changes: a Deployment's selector cannot"},
    {"spec.strategy.rollingUpdate.maxUnavailable", "new Pods serve before old ones stop"},
    {"spec.progressDeadlineSeconds", "startup, and four minutes for a new node"},
    {"spec.template.spec.containers[0].image", "image: pinned by the overlay"},
    {"spec.template.spec.containers[0].command", "command"},
    {"spec.template.spec.containers[0].args", "args"},
    {"spec.template.spec.containers[0].ports[0].containerPort", "port"},
    {"spec.template.spec.containers[0].envFrom", "env and secrets"},
    {"spec.template.spec.containers[0].resources.limits",
     "a leak ends its own container; CPU is not limited"},
    {"spec.template.spec.containers[0].resources.limits.memory", "memory"},
    {"spec.template.spec.containers[0].resources.requests.cpu", "cpu"},
    {"spec.template.spec.containers[0].resources.requests.memory", "memory"},
    {"spec.template.spec.containers[0].startupProbe.failureThreshold", "startup"},
    {"spec.template.spec.containers[0].startupProbe.httpGet.path", "health"},
    {"spec.template.spec.containers[0].readinessProbe.httpGet.path", "health"},
    {"spec.template.spec.containers[0].livenessProbe.httpGet.path", "health"},
    {"spec.template.spec.containers[0].lifecycle.preStop.sleep.seconds", "stop.drain"},
    {"spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem", "read_only_root"},
    {"spec.template.spec.containers[0].securityContext.capabilities",
     "capabilities; by default, what images that start as root do not use"},
    {"spec.template.spec.containers[0].securityContext.runAsUser", "user"},
    {"spec.template.spec.containers[0].securityContext.runAsNonRoot", "non_root, or user"},
    {"spec.template.spec.terminationGracePeriodSeconds", "stop.drain + stop.timeout"},
    {"spec.template.spec.nodeSelector", "nodes.scaling"},
    {"spec.template.spec.serviceAccountName", "its AWS permissions: eks.policies"},
    {"spec.template.spec.tolerations",
     "off a lost node within seconds; upstream waits five minutes"},
    {"spec.template.spec.topologySpreadConstraints",
     "zones first, then nodes; a lost zone blocks nothing"},
};

const Comments kNamespace{
    {"metadata.labels.pod-security.kubernetes.io/enforce", "what the service's own Pods keep"},
};

const Comments kPriorityClass{
    {"value", "above the 0 of Pods that say nothing: they make room when nodes are lost"},
};

const Comments kHeadroom{
    {"spec.replicas", "replicas.headroom"},
    {"spec.template.spec.containers[0].image", "does nothing"},
    {"spec.template.spec.containers[0].resources.requests", "as one Pod of the service"},
    {"spec.template.spec.priorityClassName", "whoever says nothing takes its place"},
    {"spec.template.spec.terminationGracePeriodSeconds", "at once"},
};

const Comments kHeadroomClass{
    {"value", "below the 0 of Pods that say nothing, above what the autoscaler leaves out"},
};

const Comments kService{
    {"metadata.name", "service"},
    {"spec.externalTrafficPolicy", "every node answers, wherever the Pods are"},
    {"spec.ports[0].nodePort", "the target group's port (terraform/locals.tf)"},
};

const Comments kAutoscaler{
    {"spec.minReplicas", "replicas.min"},
    {"spec.maxReplicas", "replicas.max"},
    {"spec.metrics[0].resource.target.averageUtilization", "replicas.cpu"},
    {"spec.metrics[1].resource.target.averageUtilization", "replicas.memory"},
};

const Comments kBudget{
    {"spec.unhealthyPodEvictionPolicy", "a Pod that serves nobody holds up no drain"},
};

const Comments kAccount{
    {"metadata.name", "bound to an IAM role by terraform/identity.tf"},
};

// Where each container and what it mounts stand in the file.
Comments deployment_comments(const spec::Spec& spec) {
  Comments out = kDeployment;
  if (!spec.mounts.empty()) out.emplace("spec.template.spec.containers[0].volumeMounts", "mounts");
  if (!spec.volumes.empty()) out.emplace("spec.template.spec.volumes", "volumes");
  std::size_t before = 0, beside = 1;
  for (const spec::Sidecar& sidecar : spec.sidecars) {
    const bool is_beside = sidecar.runs == spec::Sidecar::Runs::kBeside;
    const std::string at = is_beside ? fmt::format("containers[{}]", beside++)
                                     : fmt::format("initContainers[{}]", before++);
    const std::string path = "spec.template.spec." + at;
    out.emplace(path + ".name", fmt::format("sidecars.{}", sidecar.name));
    if (sidecar.runs == spec::Sidecar::Runs::kAround)
      out.emplace(path + ".restartPolicy",
                  "runs: around; it starts before the service and ends after it");
  }
  return out;
}

Comments network_policy_comments(const spec::Spec& spec) {
  Comments out{{"spec.ingress[0].ports[0].port", "port; from anyone, since requests bear the address of a node"},
               {"spec.egress[0].ports", "names"},
               {"spec.egress[1].to", "network_policy.egress"}};
  const std::size_t blocks = spec.network_policy->egress.size();
  if (blocks == 0) {
    out.emplace("spec.egress[1].to[0].ipBlock.except", "the instance metadata");
  } else {
    out.emplace(fmt::format("spec.egress[1].to[{}].ipBlock.cidr", blocks), "EKS Pod Identity's agent, on each node");
  }
  return out;
}

Comments config_map_comments(const spec::Spec& spec) {
  Comments out{{"metadata.name",
                "follows the content: a change is a rollout, a rollback finds the old one"}};
  for (const auto& [name, value] : spec.env) out.emplace("data." + name, "env." + name);
  return out;
}

}  // namespace

Comments comments_of(const spec::Spec& spec, const kube::Object& object) {
  const std::string_view kind = object.kind().kind;
  if (object.metadata.name.ends_with(blueprint::headroom_name(spec)))
    return kind == "Deployment" ? kHeadroom : kHeadroomClass;
  if (kind == "Deployment") return deployment_comments(spec);
  if (kind == "Namespace") return kNamespace;
  if (kind == "PriorityClass") return kPriorityClass;
  if (kind == "NetworkPolicy") return network_policy_comments(spec);
  if (kind == "Service") return kService;
  if (kind == "HorizontalPodAutoscaler") return kAutoscaler;
  if (kind == "PodDisruptionBudget") return kBudget;
  if (kind == "ServiceAccount") return kAccount;
  if (kind == "ConfigMap") return config_map_comments(spec);
  return {};
}

}  // namespace minato::render
