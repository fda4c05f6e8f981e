#include "render/addons.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/value.hpp>
#include <map>

#include "blueprint/blueprint.h"
#include "kube/names.h"
#include "render/controllers.h"
#include "render/identity.h"
#include "render/yaml.h"

namespace minato::render {
namespace json = boost::json;
namespace {

struct Chart {
  std::string_view name;
  std::string_view repository;
  std::string_view version;
  std::string_view space;  // Namespace.
  json::object values;
  Comments comments;
};

json::object on_master() {
  return {{"nodeSelector", {{kube::kLabelNodeGroup, blueprint::kMasterGroup}}},
          {"tolerations", json::array{json::object{{"key", kube::kLabelNodeGroup},
                                                   {"operator", "Exists"},
                                                   {"effect", kube::kNoSchedule}}}}};
}

// Two replicas that one node does not take along.
json::array apart(std::string_view app) {
  return {json::object{{"maxSkew", 1},
                       {"topologyKey", "kubernetes.io/hostname"},
                       {"whenUnsatisfiable", "ScheduleAnyway"},
                       {"labelSelector", {{"matchLabels", {{"app.kubernetes.io/name", app}}}}}}};
}

// A service account of a chart, and the role that IRSA has it name.
json::object account(const spec::Spec& spec, std::string_view name, std::string_view role) {
  json::object out{{"name", name}};
  if (uses_irsa(spec)) out["annotations"] = json::object{{kRoleAnnotation, role_arn(spec, role)}};
  return out;
}

json::object with(json::object base, const json::object& more) {
  for (const auto& [key, value] : more) base[key] = value;
  return base;
}

// How long a node that is to go stands tainted: the load balancer must have seen it by then, by its
// health check (eks.target_health: node) or, at the latest, once it has drained the target.
Duration delete_delay(const spec::Spec& spec) {
  const spec::HealthCheck& check = spec.load_balancer.health_check;
  const bool by_health = spec.eks.target_health == spec::Eks::TargetHealth::kNode;
  return std::max<Duration>(60s, by_health ? check.interval * check.unhealthy + check.timeout
                                           : spec.load_balancer.deregistration_delay);
}

// Rule: kubernetes/autoscaler cluster-autoscaler FAQ, "What are the parameters to CA?".
Chart autoscaler(const spec::Spec& spec) {
  const bool split = spec.eks.split_groups;
  const json::object arguments{
      {"expander", split ? "priority,least-waste" : "least-waste"},
      {"balance-similar-node-groups", true},
      {"skip-nodes-with-local-storage", false},
      {"skip-nodes-with-system-pods", false},
      {"node-delete-delay-after-taint",
       fmt::format("{}s", std::chrono::ceil<std::chrono::seconds>(delete_delay(spec)).count())},
      {"max-graceful-termination-sec", 600}};
  json::object values{
      {"autoDiscovery", {{"clusterName", spec.service}}},
      {"awsRegion", spec.region},
      {"image", {{"tag", "v" + autoscaler_version(spec.eks.version)}}},
      {"replicaCount", 2},
      {"podDisruptionBudget", {{"maxUnavailable", 1}}},
      {"priorityClassName", "system-cluster-critical"},
      {"rbac", {{"serviceAccount", account(spec, kAutoscalerAccount, "cluster-autoscaler")}}},
      {"extraArgs", arguments},
      {"topologySpreadConstraints", apart("aws-cluster-autoscaler")}};
  if (split) {
    values["expanderPriorities"] =
        fmt::format("10:\n- ^{0}-on-demand$\n20:\n- ^{0}-scaling$\n", spec.service);
  }
  return {
      "cluster-autoscaler",
      "https://kubernetes.github.io/autoscaler",
      "9.59.0",
      kube::kNamespaceSystem,
      with(std::move(values), on_master()),
      {{"autoDiscovery.clusterName", "service; its groups carry the tag (terraform/nodes.tf)"},
       {"awsRegion", "region"},
       {"image.tag", "the minor of eks.version"},
       {"rbac.serviceAccount.name", "bound to an IAM role by terraform/identity.tf"},
       {"extraArgs.skip-nodes-with-local-storage", "an emptyDir must not keep a node"},
       {"extraArgs.node-delete-delay-after-taint",
        "the load balancer lets go of a node before its Pods leave (kubernetes/autoscaler#6679)"},
       {"extraArgs.expander", split ? "spot first, on demand where there is none" : "nodes that Pods leave least idle"},
       {"expanderPriorities", "eks.split_groups"}}};
}

// Rule: aws/aws-node-termination-handler config/helm README, IMDS mode.
Chart termination_handler(const spec::Spec& spec) {
  json::object values{{"enableSqsTerminationDraining", false},
                      {"enableSpotInterruptionDraining", spec.scaling.spot_percent > 0},
                      {"enableScheduledEventDraining", true},
                      {"enableASGLifecycleDraining", true},
                      {"enableRebalanceMonitoring", spec.scaling.spot_percent > 0},
                      {"enableRebalanceDraining", false},
                      {"excludeFromLoadBalancers", true},
                      {"emitKubernetesEvents", true},
                      {"podTerminationGracePeriod", -1},
                      {"nodeTerminationGracePeriod", 120}};
  return {"aws-node-termination-handler",
          "oci://public.ecr.aws/aws-ec2/helm",
          "0.27.6",
          kube::kNamespaceSystem,
          values,
          {{"enableASGLifecycleDraining", "the hook in terraform/nodes.tf holds the instance"},
           {"enableRebalanceMonitoring", "cordons only: the group itself launches ahead"},
           {"podTerminationGracePeriod", "the Pods' own: stop.drain + stop.timeout"},
           {"nodeTerminationGracePeriod", "the notice that spot gives"}}};
}

Chart metrics_server() {
  json::object values{{"replicas", 2},
                      {"podDisruptionBudget", {{"enabled", true}, {"minAvailable", 1}}},
                      {"topologySpreadConstraints", apart("metrics-server")}};
  return {"metrics-server",
          "https://kubernetes-sigs.github.io/metrics-server",
          "3.13.1",
          kube::kNamespaceSystem,
          with(std::move(values), on_master()),
          {{"replicas", "the HorizontalPodAutoscaler is blind without it"}}};
}

Chart external_secrets(const spec::Spec& spec) {
  json::object values{
      {"replicaCount", 2},
      {"leaderElect", true},
      {"serviceAccount", account(spec, kExternalSecretsAccount, "external-secrets")},
      {"podDisruptionBudget", {{"enabled", true}, {"minAvailable", 1}}}};
  values = with(std::move(values), on_master());
  values["webhook"] = on_master();
  values["certController"] = on_master();
  return {"external-secrets",
          "https://charts.external-secrets.io",
          "2.9.0",
          kExternalSecretsNamespace,
          std::move(values),
          {{"serviceAccount.name", "bound to an IAM role by terraform/identity.tf"}}};
}

json::object chart_entry(const Chart& chart) {
  return {{"name", chart.name},
          {"repo", chart.repository},
          {"version", chart.version},
          {"releaseName", chart.name},
          {"namespace", chart.space},
          {"includeCRDs", true},
          {"valuesFile", fmt::format("{}-values.yaml", chart.name)}};
}

}  // namespace

std::string autoscaler_version(const std::string& cluster_version) {
  static const std::map<std::string, std::string> versions{
      {"1.33", "1.33.6"}, {"1.34", "1.34.5"}, {"1.35", "1.35.2"}, {"1.36", "1.36.1"}};
  const auto found = versions.find(cluster_version);
  return found == versions.end() ? "" : found->second;
}

bool uses_external_secrets(const spec::Spec& spec) {
  return !spec.secrets.empty() && spec.eks.secrets == spec::Eks::Secrets::kExternalSecrets;
}

void add_addon_files(const spec::Spec& spec, const std::string& directory, Files& files) {
  std::vector<Chart> charts{metrics_server()};
  // Two autoscalers of one group would undo each other's work.
  if (!uses_own_controllers(spec))
    charts.insert(charts.begin(), {autoscaler(spec), termination_handler(spec)});
  json::array resources;
  if (uses_external_secrets(spec)) {
    charts.push_back(external_secrets(spec));
    resources.push_back("namespace.yaml");
    files[directory + "namespace.yaml"] =
        to_yaml(json::object{{"apiVersion", "v1"},
                             {"kind", "Namespace"},
                             {"metadata", {{"name", kExternalSecretsNamespace}}}});
  }
  json::array entries;
  for (const Chart& chart : charts) {
    entries.push_back(chart_entry(chart));
    files[directory + std::string(chart.name) + "-values.yaml"] =
        to_yaml(chart.values, chart.comments);
  }
  json::object kustomization{{"apiVersion", "kustomize.config.k8s.io/v1beta1"},
                             {"kind", "Kustomization"}};
  if (!resources.empty()) kustomization["resources"] = std::move(resources);
  kustomization["helmCharts"] = std::move(entries);
  files[directory + "kustomization.yaml"] =
      "# kubectl kustomize --enable-helm kubernetes/addons | kubectl apply --server-side -f -\n" +
      to_yaml(kustomization);
}

}  // namespace minato::render
