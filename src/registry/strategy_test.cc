// What the kinds refuse, what they let change, and what admission adds.
#include "registry/strategy.h"

#include <functional>

#include "kube/scale.h"
#include "kube/types/autoscaling.h"
#include "kube/types/coordination.h"
#include "kube/types/networking.h"
#include "kube/types/node.h"
#include "registry/fixture.h"

namespace minato::registry {
namespace {

using kube::Pod;

template <class T>
struct Refusal {
  const char* field;  // Of the first cause.
  std::function<void(T&)> spoil;
};

class StrategyTest : public RegistryFixture {
 protected:
  // Each change on its own makes the otherwise valid object invalid, at that field.
  template <class T>
  void expect_refused(const T& valid, const std::vector<Refusal<T>>& refusals) {
    for (const Refusal<T>& refusal : refusals) {
      T object = valid;
      refusal.spoil(object);
      expect_field(kube::create(client_, object), refusal.field);
    }
    must_create(valid);
  }
  template <class T>
  void expect_update_refused(const std::string& name, const std::vector<Refusal<T>>& refusals) {
    const auto stored = read<T>(name);
    for (const Refusal<T>& refusal : refusals) {
      T object = *stored;
      refusal.spoil(object);
      expect_field(kube::update(client_, object), refusal.field);
    }
    EXPECT_EQ(read<T>(name), stored);
  }
  template <class R>
  void expect_field(const R& result, const char* field) {
    ASSERT_FALSE(result) << field;
    EXPECT_EQ(result.error().reason, Reason::kInvalid) << field;
    ASSERT_FALSE(result.error().causes.empty()) << field << ": " << result.error().message;
    EXPECT_EQ(result.error().causes[0].field, field) << result.error().message;
  }
};

kube::Probe http_probe() {
  kube::Probe probe;
  probe.probe_handler.http_get.emplace().port = 80;
  return probe;
}

kube::NetworkPolicy network_policy() {
  kube::NetworkPolicy out;
  out.metadata.namespace_ = "default";
  out.metadata.name = "web";
  auto& rule = out.spec.ingress.emplace_back();
  rule.ports.emplace_back().port = 80;
  rule.from.emplace_back().ip_block.emplace().cidr = "10.0.0.0/8";
  rule.from[0].ip_block->except = {"10.1.0.0/16"};
  return out;
}

TEST_F(StrategyTest, NetworkPoliciesAreChecked) {
  using Policy = kube::NetworkPolicy;
  expect_refused<Policy>(network_policy(),
      {{"spec.podSelector.matchLabels", [](Policy& p) { p.spec.pod_selector.match_labels = {{"a b", "c"}}; }},
       {"spec.policyTypes[0]", [](Policy& p) { p.spec.policy_types = {"Else"}; }},
       {"spec.policyTypes", [](Policy& p) { p.spec.policy_types = {"Ingress", "Egress", "Ingress"}; }},
       {"spec.ingress[0].ports[0].port", [](Policy& p) { p.spec.ingress[0].ports[0].port = 0; }},
       {"spec.ingress[0].ports[0].port", [](Policy& p) { p.spec.ingress[0].ports[0].port = kube::IntOrString("A_B"); }},
       {"spec.ingress[0].ports[0].endPort", [](Policy& p) { p.spec.ingress[0].ports[0].end_port = 79; }},
       {"spec.ingress[0].ports[0].protocol", [](Policy& p) { p.spec.ingress[0].ports[0].protocol = "ICMP"; }},
       {"spec.ingress[0].from[0]", [](Policy& p) { p.spec.ingress[0].from[0].ip_block = {}; }},
       {"spec.ingress[0].from[0]", [](Policy& p) { p.spec.ingress[0].from[0].pod_selector.emplace(); }},
       {"spec.ingress[0].from[0].ipBlock.cidr", [](Policy& p) { p.spec.ingress[0].from[0].ip_block->cidr = "10.0.0.0/99"; }},
       {"spec.ingress[0].from[0].ipBlock.except[0]", [](Policy& p) { p.spec.ingress[0].from[0].ip_block->except = {"10.0.0.0/8"}; }},
       {"spec.egress[0].to[0]", [](Policy& p) { p.spec.egress.emplace_back().to.emplace_back(); }}});
  const auto stored = read<Policy>("web");
  EXPECT_EQ(stored->spec.policy_types, std::vector<std::string>{"Ingress"});
  EXPECT_EQ(stored->spec.ingress[0].ports[0].protocol, "TCP");
}

TEST_F(StrategyTest, PodsAreChecked) {
  Pod valid = make_pod("web");
  valid.spec.containers[0].readiness_probe = http_probe();
  valid.spec.containers[0].ports.push_back({.name = "http", .container_port = 80});
  expect_refused<Pod>(
      valid,
      {{"metadata.name", [](Pod& p) { p.metadata.name = "Web"; }},
       {"metadata.labels", [](Pod& p) { p.metadata.labels["a"] = "b c"; }},
       {"spec.containers", [](Pod& p) { p.spec.containers.clear(); }},
       {"spec.containers[0].name", [](Pod& p) { p.spec.containers[0].name = ""; }},
       {"spec.containers[0].image", [](Pod& p) { p.spec.containers[0].image = ""; }},
       {"spec.containers[1].name",
        [](Pod& p) { p.spec.containers.push_back({"main", "i"}); }},
       {"spec.containers[0].ports[0].containerPort",
        [](Pod& p) { p.spec.containers[0].ports[0].container_port = 70000; }},
       {"spec.containers[0].ports[0].name",
        [](Pod& p) { p.spec.containers[0].ports[0].name = "UPPER"; }},
       {"spec.containers[0].readinessProbe.periodSeconds",
        [](Pod& p) { p.spec.containers[0].readiness_probe->period_seconds = -1; }},
       {"spec.containers[0].readinessProbe",
        [](Pod& p) { p.spec.containers[0].readiness_probe->probe_handler = {}; }},
       {"spec.containers[0].readinessProbe.httpGet.port",
        [](Pod& p) { p.spec.containers[0].readiness_probe->probe_handler.http_get->port = 0; }},
       {"spec.containers[0].livenessProbe.successThreshold",
        [](Pod& p) {
          p.spec.containers[0].liveness_probe = http_probe();
          p.spec.containers[0].liveness_probe->success_threshold = 2;
        }},
       {"spec.containers[0].resources.requests",
        [](Pod& p) {
          p.spec.containers[0].resources.limits["cpu"] = kube::Quantity::milli(100);
          p.spec.containers[0].resources.requests["cpu"] = kube::Quantity::milli(200);
        }},
       {"spec.containers[0].resources.limits[cpu]",
        [](Pod& p) {
          p.spec.containers[0].resources.limits["cpu"] = kube::Quantity::milli(-1);
        }},
       {"spec.containers[0].env[0].name",
        [](Pod& p) { p.spec.containers[0].env.push_back({.name = ""}); }},
       {"spec.containers[0].volumeMounts[0].name",
        [](Pod& p) {
          p.spec.containers[0].volume_mounts.push_back({.name = "none", .mount_path = "/x"});
        }},
       {"spec.initContainers[0].readinessProbe",
        [](Pod& p) {
          p.spec.init_containers.push_back({"i", "i"});
          p.spec.init_containers[0].readiness_probe = http_probe();
        }},
       {"spec.restartPolicy", [](Pod& p) { p.spec.restart_policy = "Sometimes"; }},
       {"spec.tolerations[0].operator",
        [](Pod& p) { p.spec.tolerations.push_back({.operator_ = "Equal"}); }},
       {"spec.topologySpreadConstraints[0].maxSkew",
        [](Pod& p) {
          p.spec.topology_spread_constraints.push_back(
              {.topology_key = "zone", .when_unsatisfiable = "DoNotSchedule"});
        }},
       {"spec.volumes[1].name",
        [](Pod& p) { p.spec.volumes = {{.name = "v"}, {.name = "v"}}; }}});
}

TEST_F(StrategyTest, OfAPodLittleMayChange) {
  run_pod("web");
  expect_update_refused<Pod>(
      "web", {{"spec", [](Pod& p) { p.spec.containers[0].args = {"x"}; }},
              {"spec", [](Pod& p) { p.spec.node_name = "node-b"; }},
              {"spec", [](Pod& p) { p.spec.termination_grace_period_seconds = 5; }},
              {"spec.tolerations", [](Pod& p) { p.spec.tolerations.clear(); }},
              {"spec.nodeName",
               [](Pod& p) { p.spec.scheduling_gates.push_back({.name = "example.com/g"}); }}});
  Pod change = *read<Pod>("web");
  change.spec.containers[0].image = "web:2";
  change.spec.tolerations.push_back({.key = "new", .operator_ = "Exists"});
  change.spec.active_deadline_seconds = 60;
  change = *must_update(change);
  EXPECT_EQ(change.spec.containers[0].image, "web:2");
  change.spec.active_deadline_seconds = 90;
  expect_field(kube::update(client_, change), "spec.activeDeadlineSeconds");
}

TEST_F(StrategyTest, GatedPodsMayBeSteeredAndUngated) {
  Pod pod = make_pod("web");
  pod.spec.scheduling_gates.push_back({.name = "example.com/gate"});
  pod = *must_create(pod);
  EXPECT_EQ(pod.status.conditions.at(0).reason, "SchedulingGated");
  EXPECT_TRUE(failed_with(client_.bind(pod.key(), "", "node-a"), Reason::kConflict));
  pod.spec.node_selector["zone"] = "a";
  pod.spec.scheduling_gates.clear();
  must_update(pod);
  EXPECT_TRUE(client_.bind(pod.key(), "", "node-a"));
}

TEST_F(StrategyTest, QualityOfServiceFollowsResources) {
  const auto quality = [this](const std::string& name, auto set) {
    Pod pod = make_pod(name);
    set(pod.spec.containers[0].resources);
    return must_create(pod)->status.qos_class;
  };
  const auto one = *kube::Quantity::parse("1"), gib = *kube::Quantity::parse("1Gi");
  EXPECT_EQ(quality("a", [](auto&) {}), "BestEffort");
  EXPECT_EQ(quality("b", [&](auto& r) { r.requests = {{"cpu", one}}; }), "Burstable");
  EXPECT_EQ(quality("c", [&](auto& r) { r.limits = {{"cpu", one}}; }), "Burstable");
  EXPECT_EQ(quality("d", [&](auto& r) { r.limits = {{"cpu", one}, {"memory", gib}}; }),
            "Guaranteed");
  EXPECT_EQ(quality("e", [&](auto& r) {
              r.limits = {{"cpu", one}, {"memory", gib}};
              r.requests = {{"cpu", kube::Quantity::milli(500)}};
            }),
            "Burstable");
}

TEST_F(StrategyTest, PriorityComesFromTheClass) {
  EXPECT_EQ(must_create(make_pod("a"))->spec.priority, 0);
  Pod pod = make_pod("b");
  pod.spec.priority_class_name = "system-node-critical";
  EXPECT_EQ(must_create(pod)->spec.priority, 2'000'001'000);
  pod = make_pod("c");
  pod.spec.priority_class_name = "none";
  EXPECT_EQ(kube::create(client_, pod).error().message,
            "pods \"c\" is forbidden: no PriorityClass with name none was found");
  pod = make_pod("c");
  pod.spec.priority = 7;
  EXPECT_TRUE(failed_with(kube::create(client_, pod), Reason::kForbidden));
  kube::PriorityClass everyday;
  everyday.metadata.name = "everyday";
  everyday.value = 100;
  everyday.global_default = true;
  everyday.preemption_policy = "Never";
  must_create(everyday);
  const auto created = must_create(make_pod("d"));
  EXPECT_EQ(created->spec.priority, 100);
  EXPECT_EQ(created->spec.priority_class_name, "everyday");
  EXPECT_EQ(created->spec.preemption_policy, "Never");
}

TEST_F(StrategyTest, PodsTolerateLostNodesForFiveMinutes) {
  const auto pod = must_create(make_pod("a"));
  ASSERT_EQ(pod->spec.tolerations.size(), 2U);
  EXPECT_EQ(pod->spec.tolerations[0].key, "node.kubernetes.io/not-ready");
  EXPECT_EQ(pod->spec.tolerations[1].toleration_seconds, 300);
  Pod patient = make_pod("b");
  patient.spec.tolerations.push_back({.operator_ = "Exists"});
  EXPECT_EQ(must_create(patient)->spec.tolerations.size(), 1U);
  EXPECT_EQ(pod->spec.service_account_name, "default");
  EXPECT_TRUE(pod->spec.volumes.empty()) << "no API to ask";
}

TEST_F(StrategyTest, DeploymentsAreChecked) {
  using kube::Deployment;
  using kube::IntOrString;
  expect_refused<Deployment>(
      make_deployment("web"),
      {{"spec.selector", [](Deployment& d) { d.spec.selector.reset(); }},
       {"spec.selector", [](Deployment& d) { d.spec.selector.emplace(); }},
       {"spec.template.metadata.labels",
        [](Deployment& d) { d.spec.template_.metadata.labels["app"] = "other"; }},
       {"spec.template.spec.containers",
        [](Deployment& d) { d.spec.template_.spec.containers.clear(); }},
       {"spec.template.spec.restartPolicy",
        [](Deployment& d) { d.spec.template_.spec.restart_policy = "Never"; }},
       {"spec.replicas", [](Deployment& d) { d.spec.replicas = -1; }},
       {"spec.strategy.type", [](Deployment& d) { d.spec.strategy.type = "Blue"; }},
       {"spec.strategy.rollingUpdate.maxUnavailable",
        [](Deployment& d) {
          d.spec.strategy.rolling_update.emplace().max_unavailable = IntOrString(0);
          d.spec.strategy.rolling_update->max_surge = IntOrString(std::string("0%"));
        }},
       {"spec.strategy.rollingUpdate.maxSurge",
        [](Deployment& d) {
          d.spec.strategy.rolling_update.emplace().max_surge = IntOrString(std::string("many"));
        }},
       {"spec.strategy.rollingUpdate",
        [](Deployment& d) {
          d.spec.strategy.type = "Recreate";
          d.spec.strategy.rolling_update.emplace();
        }},
       {"spec.progressDeadlineSeconds", [](Deployment& d) { d.spec.min_ready_seconds = 600; }}});
  expect_update_refused<Deployment>(
      "web", {{"spec.selector", [](Deployment& d) {
                 d.spec.selector->match_labels["more"] = "yes";
                 d.spec.template_.metadata.labels["more"] = "yes";
               }}});
  Deployment noted = *read<Deployment>("web");
  noted.metadata.annotations["a"] = "b";
  EXPECT_EQ(must_update(noted)->metadata.generation, 2);
}

TEST_F(StrategyTest, OtherWorkloadsAreChecked) {
  kube::ReplicaSet replica_set;
  replica_set.metadata = {"web", "default"};
  replica_set.spec.selector = make_deployment("").spec.selector;
  replica_set.spec.template_ = make_deployment("").spec.template_;
  expect_refused<kube::ReplicaSet>(
      replica_set, {{"spec.selector", [](auto& r) { r.spec.selector.reset(); }},
                    {"spec.replicas", [](auto& r) { r.spec.replicas = -1; }}});
  kube::DaemonSet daemon_set;
  daemon_set.metadata = {"agent", "default"};
  daemon_set.spec.selector = make_deployment("").spec.selector;
  daemon_set.spec.template_ = make_deployment("").spec.template_;
  expect_refused<kube::DaemonSet>(
      daemon_set, {{"spec.updateStrategy.type",
                    [](auto& d) { d.spec.update_strategy.type = "Recreate"; }},
                   {"spec.updateStrategy.rollingUpdate.maxSurge", [](auto& d) {
                      d.spec.update_strategy.rolling_update.emplace().max_surge =
                          kube::IntOrString(1);
                    }}});
}

TEST_F(StrategyTest, ServicesAreChecked) {
  using kube::Service;
  expect_refused<Service>(
      make_service("web", "ClusterIP"),
      {{"metadata.name", [](Service& s) { s.metadata.name = "1web"; }},
       {"spec.type", [](Service& s) { s.spec.type = "Cloud"; }},
       {"spec.ports", [](Service& s) { s.spec.ports.clear(); }},
       {"spec.ports[0].port", [](Service& s) { s.spec.ports[0].port = 0; }},
       {"spec.ports[0].protocol", [](Service& s) { s.spec.ports[0].protocol = "ICMP"; }},
       {"spec.ports[0].name",
        [](Service& s) { s.spec.ports.push_back({.name = "b", .port = 81}); }},
       {"spec.ports[1]",
        [](Service& s) {
          s.spec.ports[0].name = "a";
          s.spec.ports.push_back({.name = "b", .port = 80});
        }},
       {"spec.sessionAffinity", [](Service& s) { s.spec.session_affinity = "Cookie"; }},
       {"spec.clusterIPs[0]", [](Service& s) {
          s.spec.type = "NodePort";
          s.spec.cluster_ip = "None";
        }}});
}

TEST_F(StrategyTest, BudgetsAndAutoscalersAreChecked) {
  kube::PodDisruptionBudget budget;
  budget.metadata = {"web", "default"};
  budget.spec.min_available = kube::IntOrString(1);
  expect_refused<kube::PodDisruptionBudget>(
      budget,
      {{"spec", [](auto& b) { b.spec.max_unavailable = kube::IntOrString(1); }},
       {"spec.minAvailable",
        [](auto& b) { b.spec.min_available = kube::IntOrString(std::string("120%")); }},
       {"spec.minAvailable", [](auto& b) { b.spec.min_available = kube::IntOrString(-1); }},
       {"spec.unhealthyPodEvictionPolicy",
        [](auto& b) { b.spec.unhealthy_pod_eviction_policy = "Maybe"; }}});
  kube::HorizontalPodAutoscaler autoscaler;
  autoscaler.metadata = {"web", "default"};
  autoscaler.spec.scale_target_ref = {.kind = "Deployment", .name = "web"};
  autoscaler.spec.max_replicas = 5;
  expect_refused<kube::HorizontalPodAutoscaler>(
      autoscaler,
      {{"spec.maxReplicas", [](auto& a) { a.spec.max_replicas = 0; }},
       {"spec.maxReplicas", [](auto& a) { a.spec.min_replicas = 9; }},
       {"spec.minReplicas", [](auto& a) { a.spec.min_replicas = 0; }},
       {"spec.scaleTargetRef.name", [](auto& a) { a.spec.scale_target_ref.name = ""; }},
       {"spec.scaleTargetRef.name", [](auto& a) { a.spec.scale_target_ref.name = "a/b"; }}});
}

TEST_F(StrategyTest, MetricsOfAutoscalersAreChecked) {
  using Autoscaler = kube::HorizontalPodAutoscaler;
  Autoscaler autoscaler;
  autoscaler.metadata = {"web", "default"};
  autoscaler.spec.scale_target_ref = {.kind = "Deployment", .name = "web"};
  autoscaler.spec.max_replicas = 5;
  kube::MetricSpec& metric = autoscaler.spec.metrics.emplace_back();
  metric.type = "Resource";
  metric.resource.emplace().name = "cpu";
  metric.resource->target = {.type = "Utilization", .average_utilization = 60};
  const auto replace = [](Autoscaler& a, std::string type) -> kube::MetricSpec& {
    a.spec.metrics.at(0) = {};
    a.spec.metrics.at(0).type = std::move(type);
    return a.spec.metrics.at(0);
  };
  expect_refused<Autoscaler>(
      autoscaler,
      {{"spec.metrics[0].type", [](auto& a) { a.spec.metrics[0].type = "Guess"; }},
       {"spec.metrics[0].pods", [](auto& a) { a.spec.metrics[0].type = "Pods"; }},
       {"spec.metrics[0].containerResource",
        [](auto& a) { a.spec.metrics[0].container_resource.emplace(); }},
       {"spec.metrics[0].resource.name", [](auto& a) { a.spec.metrics[0].resource->name = ""; }},
       {"spec.metrics[0].resource.target.type",
        [](auto& a) { a.spec.metrics[0].resource->target.type = "Ratio"; }},
       {"spec.metrics[0].resource.target.averageUtilization",
        [](auto& a) { a.spec.metrics[0].resource->target.average_utilization = 0; }},
       {"spec.metrics[0].resource.target.averageUtilization",
        [](auto& a) { a.spec.metrics[0].resource->target.average_utilization.reset(); }},
       {"spec.metrics[0].resource.target.averageValue",
        [](auto& a) { a.spec.metrics[0].resource->target.average_value = kube::Quantity::of(1); }},
       {"spec.metrics[0].containerResource.container",
        [&](auto& a) {
          kube::MetricSpec& changed = replace(a, "ContainerResource");
          changed.container_resource.emplace().name = "cpu";
          changed.container_resource->target = {.type = "Utilization", .average_utilization = 5};
        }},
       {"spec.metrics[0].pods.target.averageValue",
        [&](auto& a) {
          kube::MetricSpec& changed = replace(a, "Pods");
          changed.pods.emplace().metric.name = "requests";
          changed.pods->target.type = "AverageValue";
        }},
       {"spec.metrics[0].object.metric.name",
        [&](auto& a) {
          kube::MetricSpec& changed = replace(a, "Object");
          changed.object.emplace().described_object = {.kind = "Service", .name = "web"};
          changed.object->target = {.type = "Value", .value = kube::Quantity::of(1)};
        }},
       {"spec.metrics[0].external.target.value",
        [&](auto& a) {
          kube::MetricSpec& changed = replace(a, "External");
          changed.external.emplace().metric.name = "queue";
          changed.external->target = {.type = "Value",
                                      .value = kube::Quantity::of(1),
                                      .average_value = kube::Quantity::of(1)};
        }}});
}

TEST_F(StrategyTest, BehaviorOfAutoscalersIsChecked) {
  using Autoscaler = kube::HorizontalPodAutoscaler;
  Autoscaler autoscaler;
  autoscaler.metadata = {"web", "default"};
  autoscaler.spec.scale_target_ref = {.kind = "Deployment", .name = "web"};
  autoscaler.spec.max_replicas = 5;
  autoscaler.spec.behavior.emplace();
  const auto up = [](Autoscaler& a) -> kube::HPAScalingRules& {
    return a.spec.behavior->scale_up.ensure();
  };
  expect_refused<Autoscaler>(
      autoscaler,
      {{"spec.behavior.scaleUp.stabilizationWindowSeconds",
        [&](auto& a) { up(a).stabilization_window_seconds = -1; }},
       {"spec.behavior.scaleUp.stabilizationWindowSeconds",
        [&](auto& a) { up(a).stabilization_window_seconds = 3601; }},
       {"spec.behavior.scaleUp.selectPolicy", [&](auto& a) { up(a).select_policy = "Some"; }},
       {"spec.behavior.scaleUp.tolerance",
        [&](auto& a) { up(a).tolerance = *kube::Quantity::parse("-0.1"); }},
       {"spec.behavior.scaleUp.policies[0].type",
        [&](auto& a) { up(a).policies = {{.type = "X", .value = 1, .period_seconds = 1}}; }},
       {"spec.behavior.scaleUp.policies[0].value",
        [&](auto& a) { up(a).policies = {{.type = "Pods", .value = 0, .period_seconds = 1}}; }},
       {"spec.behavior.scaleUp.policies[0].periodSeconds",
        [&](auto& a) {
          up(a).policies = {{.type = "Pods", .value = 1, .period_seconds = 1801}};
        }}});
}

TEST_F(StrategyTest, AutoscalersCountTheChangesOfTheirSpec) {
  kube::HorizontalPodAutoscaler autoscaler;
  autoscaler.metadata = {"web", "default"};
  autoscaler.spec.scale_target_ref = {.kind = "Deployment", .name = "web"};
  autoscaler.spec.max_replicas = 5;
  kube::HorizontalPodAutoscaler stored = *must_create(autoscaler);
  EXPECT_EQ(stored.metadata.generation, 1);
  stored.status.desired_replicas = 3;
  EXPECT_EQ(must_update(stored, kube::Subresource::kStatus)->metadata.generation, 1);
  stored = *read<kube::HorizontalPodAutoscaler>("web");
  stored.spec.max_replicas = 6;
  EXPECT_EQ(must_update(stored)->metadata.generation, 2);
  stored = *read<kube::HorizontalPodAutoscaler>("web");
  EXPECT_EQ(stored.status.desired_replicas, 3);
  stored.status.desired_replicas = -1;
  EXPECT_FALSE(kube::update(client_, stored, kube::Subresource::kStatus));
}

TEST_F(StrategyTest, AScaleIsReadAndWrittenWithItsVersion) {
  const kube::Kind& kind = kube::Deployment::static_kind();
  must_create(make_deployment("web"));
  auto scale = kube::get_scale(client_, kind, {"default", "web"});
  ASSERT_TRUE(scale);
  scale->spec.replicas = 4;
  const auto written = kube::update_scale(client_, kind, *scale);
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(written->spec.replicas, 4);
  EXPECT_EQ(read<kube::Deployment>("web")->spec.replicas, 4);
  EXPECT_TRUE(failed_with(kube::update_scale(client_, kind, *scale), Reason::kConflict));
  kube::Scale other = *written;
  other.metadata.uid = "another";
  EXPECT_TRUE(failed_with(kube::update_scale(client_, kind, other), Reason::kConflict));
  kube::Scale negative = *written;
  negative.spec.replicas = -1;
  EXPECT_TRUE(failed_with(kube::update_scale(client_, kind, negative), Reason::kInvalid));
  const auto missing = kube::get_scale(client_, kind, {"default", "gone"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "deployments/scale.apps \"gone\" not found");
  EXPECT_TRUE(failed_with(
      kube::get_scale(client_, kube::ConfigMap::static_kind(), {"default", "web"}),
      Reason::kNotFound));
}

TEST_F(StrategyTest, ImmutableConfigStays) {
  kube::ConfigMap config;
  config.metadata = {"c", "default"};
  config.data["k"] = "v";
  config.immutable = true;
  must_create(config);
  expect_update_refused<kube::ConfigMap>(
      "c", {{"data", [](auto& c) { c.data["k"] = "w"; }},
            {"immutable", [](auto& c) { c.immutable = false; }}});
  kube::Secret secret;
  secret.metadata = {"s", "default"};
  must_create(secret);
  expect_update_refused<kube::Secret>(
      "s", {{"type", [](auto& s) { s.type = "example.com/other"; }},
            {"data[a b]", [](auto& s) { s.data["a b"].data = "x"; }}});
}

TEST_F(StrategyTest, NodesAreRegisteredWithTheirStatus) {
  kube::Node node;
  node.metadata.name = "node-a";
  node.status.capacity["cpu"] = *kube::Quantity::parse("2");
  node.spec.provider_id = "aws:///a/i-1";
  const auto created = must_create(node);
  EXPECT_EQ(created->status.allocatable.at("cpu"), *kube::Quantity::parse("2"));
  expect_update_refused<kube::Node>(
      "node-a", {{"spec.taints[0].effect",
                  [](auto& n) { n.spec.taints = {{.key = "k", .effect = "Maybe"}}; }},
                 {"spec.providerID", [](auto& n) { n.spec.provider_id = "other"; }}});
}

TEST_F(StrategyTest, SystemPriorityIsReserved) {
  kube::PriorityClass mine;
  mine.metadata.name = "mine";
  mine.value = 1'000'000'000;
  expect_refused<kube::PriorityClass>(
      mine, {{"value", [](auto& c) { c.value = 1'000'000'001; }},
             {"metadata.name", [](auto& c) { c.metadata.name = "system-mine"; }}});
  expect_update_refused<kube::PriorityClass>("mine",
                                             {{"value", [](auto& c) { c.value = 1; }}});
}

TEST_F(StrategyTest, EventsLiveBesideWhatTheyAreAbout) {
  kube::Event event;
  event.metadata = {"e", "default"};
  event.involved_object.namespace_ = "default";
  expect_refused<kube::Event>(
      event, {{"involvedObject.namespace", [](auto& e) { e.involved_object.namespace_ = "x"; }}});
}

}  // namespace
}  // namespace minato::registry
