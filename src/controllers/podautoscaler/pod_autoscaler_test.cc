// What the controller writes: scale, status, conditions and Events, case by case.
#include <gtest/gtest.h>

#include "controllers/podautoscaler/metric_values.h"
#include "controllers/podautoscaler/test_autoscaling.h"

namespace minato::controllers {
namespace {

class PodAutoscalerTest : public AutoscalingFixture {};

TEST_F(PodAutoscalerTest, ScalesUpAndSaysSo) {
  run_deployment("web", 3);
  use(500);
  world_.create(autoscaler("web", 2, 10, cpu_metric(30)));
  world_.advance(14s);
  EXPECT_EQ(replicas(), 3);  // Not before a period is over.
  world_.advance(1s);
  EXPECT_EQ(replicas(), 5);
  EXPECT_EQ(condition("AbleToScale"), "True SucceededRescale");
  EXPECT_EQ(condition_message("AbleToScale"),
            "the HPA controller was able to update the target scale to 5");
  EXPECT_EQ(condition("ScalingActive"), "True ValidMetricFound");
  EXPECT_EQ(condition_message("ScalingActive"),
            "the HPA was able to successfully calculate a replica count from cpu resource "
            "utilization (percentage of request)");
  EXPECT_EQ(condition("ScalingLimited"), "False DesiredWithinRange");
  const auto found = stored();
  EXPECT_EQ(found->status.current_replicas, 3);
  EXPECT_EQ(found->status.desired_replicas, 5);
  EXPECT_EQ(found->status.observed_generation, 1);
  EXPECT_EQ(found->status.last_scale_time, api_now(world_.time));
  ASSERT_EQ(found->status.current_metrics.size(), 1u);
  EXPECT_EQ(found->status.current_metrics[0].type, "Resource");
  EXPECT_EQ(found->status.current_metrics[0].resource->current.average_utilization, 50);
  EXPECT_EQ(found->status.current_metrics[0].resource->current.average_value->to_string(), "500m");
  EXPECT_TRUE(world_.has_event("SuccessfulRescale",
                               "New size: 5; reason: cpu resource utilization (percentage of "
                               "request) above target"));
}

TEST_F(PodAutoscalerTest, ScalesDownOnceTheWindowIsOver) {
  run_deployment("web", 5);
  use(100);
  world_.create(autoscaler("web", 2, 10, cpu_metric(50)));
  world_.advance(30s);
  EXPECT_EQ(replicas(), 5);
  EXPECT_EQ(condition("AbleToScale"), "True ScaleDownStabilized");
  world_.advance(5min + 15s);
  EXPECT_EQ(replicas(), 2);
  EXPECT_EQ(condition("ScalingLimited"), "True TooFewReplicas");
  EXPECT_TRUE(
      world_.has_event("SuccessfulRescale", "New size: 2; reason: All metrics below target"));
}

TEST_F(PodAutoscalerTest, BringsTheNumberIntoItsRangeWithoutAskingForMetrics) {
  run_deployment("web", 8);
  run_deployment("small", 1);
  metrics_.down = fail(Reason::kUnavailable, "away");
  world_.create(autoscaler("web", 2, 6, cpu_metric(50)));
  world_.create(autoscaler("small", 2, 6, cpu_metric(50)));
  world_.advance(15s);
  EXPECT_EQ(replicas(), 6);
  EXPECT_EQ(replicas("small"), 2);
  EXPECT_TRUE(world_.has_event(
      "SuccessfulRescale",
      "New size: 6; reason: Current number of replicas above Spec.MaxReplicas"));
  EXPECT_TRUE(world_.has_event(
      "SuccessfulRescale",
      "New size: 2; reason: Current number of replicas below Spec.MinReplicas"));
}

TEST_F(PodAutoscalerTest, ZeroReplicasTurnItOff) {
  run_deployment("web", 0);
  use(900);
  world_.create(autoscaler("web", 2, 6, cpu_metric(50)));
  world_.advance(1min);
  EXPECT_EQ(replicas(), 0);
  EXPECT_EQ(condition("ScalingActive"), "False ScalingDisabled");
  EXPECT_EQ(condition_message("ScalingActive"),
            "scaling is disabled since the replica count of the target is zero");
  EXPECT_EQ(condition("AbleToScale"), "True SucceededGetScale");
}

TEST_F(PodAutoscalerTest, MissingMetricsChangeNothingAndAreTold) {
  run_deployment("web", 4);
  metrics_.down = fail(Reason::kUnavailable,
                       "the server is currently unable to handle the request "
                       "(get pods.metrics.k8s.io)");
  world_.create(autoscaler("web", 2, 10, cpu_metric(50)));
  world_.advance(10min);
  EXPECT_EQ(replicas(), 4);
  const std::string why =
      "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch "
      "metrics from resource metrics API: the server is currently unable to handle the request "
      "(get pods.metrics.k8s.io)";
  EXPECT_EQ(condition("ScalingActive"), "False FailedGetResourceMetric");
  EXPECT_EQ(condition_message("ScalingActive"),
            "the HPA was unable to compute the replica count: " + why);
  EXPECT_TRUE(world_.has_event("FailedGetResourceMetric", why));
  EXPECT_TRUE(world_.has_event("FailedComputeMetricsReplicas",
                               "invalid metrics (1 invalid out of 1), first error is: failed to "
                               "get cpu resource metric value: " + why));
  EXPECT_EQ(stored()->status.current_replicas, 4);
  ASSERT_EQ(stored()->status.current_metrics.size(), 1u);
  EXPECT_EQ(stored()->status.current_metrics[0].type, "");
  metrics_.down = {};
  use(900);
  world_.advance(15s);
  EXPECT_EQ(replicas(), 8);
  EXPECT_EQ(condition("ScalingActive"), "True ValidMetricFound");
}

TEST_F(PodAutoscalerTest, ATargetThatIsNotThereIsTold) {
  world_.create(autoscaler("web", 2, 6, cpu_metric(50)));
  world_.advance(15s);
  EXPECT_EQ(condition("AbleToScale"), "False FailedGetScale");
  EXPECT_EQ(condition_message("AbleToScale"),
            "the HPA controller was unable to get the target's current scale: "
            "deployments/scale.apps \"web\" not found");
  EXPECT_TRUE(world_.has_event("FailedGetScale", "deployments/scale.apps \"web\" not found"));
  const auto refer = [&](const std::string& version, const std::string& kind) {
    world_.edit<kube::HorizontalPodAutoscaler>("default", "web", [&](auto& changed) {
      changed.spec.scale_target_ref = {.kind = kind, .name = "web", .api_version = version};
    });
    world_.advance(15s);
    return condition_message("AbleToScale");
  };
  EXPECT_NE(refer("apps/v1", "Wagon").find("no matches for kind \"Wagon\" in group \"apps\""),
            std::string::npos);
  EXPECT_NE(refer("a/b/c", "Deployment").find("unexpected GroupVersion string: a/b/c"),
            std::string::npos);
  EXPECT_NE(refer("apps/v1", "DaemonSet").find("could not find the requested resource"),
            std::string::npos);
}

TEST_F(PodAutoscalerTest, AReplicaSetIsATargetToo) {
  kube::ReplicaSet set = replica_set("plain", 3);
  set.spec.template_.spec.containers[0].resources.requests["cpu"] = kube::Quantity::milli(1000);
  world_.create(std::move(set));
  world_.advance(6min);
  use(500);
  kube::HorizontalPodAutoscaler wanted = autoscaler("plain", 2, 10, cpu_metric(30));
  wanted.spec.scale_target_ref.kind = "ReplicaSet";
  world_.create(std::move(wanted));
  world_.advance(15s);
  EXPECT_EQ(world_.get<kube::ReplicaSet>("default", "plain")->spec.replicas, 5);
}

TEST_F(PodAutoscalerTest, TwoAutoscalersOfTheSamePodsStandStill) {
  run_deployment("web", 3);
  use(900);
  world_.create(autoscaler("web", 2, 20, cpu_metric(50)));
  kube::HorizontalPodAutoscaler second = autoscaler("web", 2, 20, cpu_metric(50));
  second.metadata.name = "again";
  world_.create(std::move(second));
  world_.advance(30s);
  const std::int32_t before = replicas();
  world_.advance(5min);
  EXPECT_EQ(replicas(), before);
  const std::string why =
      "pods by selector app=web are controlled by multiple HPAs: [{again default} {web default}]";
  for (const char* name : {"web", "again"}) {
    EXPECT_EQ(condition("ScalingActive", name), "False AmbiguousSelector");
    EXPECT_EQ(condition_message("ScalingActive", name), why);
  }
  EXPECT_TRUE(world_.has_event("AmbiguousSelector", why));
  ASSERT_TRUE(world_.client().remove(kube::HorizontalPodAutoscaler::static_kind(),
                                     {"default", "again"}));
  world_.advance(15s);
  EXPECT_EQ(condition("ScalingActive"), "True ValidMetricFound");
}

TEST_F(PodAutoscalerTest, TheGreatestOfSeveralMetricsDecides) {
  run_deployment("web", 3);
  use(500);
  kube::HorizontalPodAutoscaler wanted = autoscaler("web", 2, 20, cpu_metric(50));
  kube::MetricSpec& queue = wanted.spec.metrics.emplace_back();
  queue.type = "External";
  queue.external.emplace().metric.name = "queue";
  queue.external->metric.selector.ensure().match_labels["name"] = "orders";
  queue.external->target = {.type = "AverageValue", .average_value = kube::Quantity::of(10)};
  metrics_.values_milli["queue"] = 55'000;
  world_.create(std::move(wanted));
  world_.advance(15s);
  EXPECT_EQ(replicas(), 6);
  EXPECT_TRUE(world_.has_event(
      "SuccessfulRescale",
      "New size: 6; reason: external metric queue(&LabelSelector{MatchLabels:map[string]string{"
      "name: orders,},MatchExpressions:[]LabelSelectorRequirement{},}) above target"));
  ASSERT_EQ(stored()->status.current_metrics.size(), 2u);
  EXPECT_EQ(stored()->status.current_metrics[1].external->current.average_value->to_string(),
            "18334m");
}

TEST_F(PodAutoscalerTest, AFailedMetricForbidsGoingDownOnly) {
  run_deployment("web", 4);
  use(100);
  kube::HorizontalPodAutoscaler wanted = autoscaler("web", 2, 20, cpu_metric(50));
  kube::MetricSpec& queue = wanted.spec.metrics.emplace_back();
  queue.type = "External";
  queue.external.emplace().metric.name = "queue";
  queue.external->target = {.type = "Value", .value = kube::Quantity::of(10)};
  world_.create(std::move(wanted));
  world_.advance(10min);
  EXPECT_EQ(replicas(), 4);
  EXPECT_EQ(condition("ScalingActive"), "False FailedGetExternalMetric");
  EXPECT_TRUE(world_.has_event("FailedComputeMetricsReplicas",
                               "invalid metrics (1 invalid out of 2)"));
  use(1000);
  world_.advance(15s);
  EXPECT_EQ(replicas(), 8);
  EXPECT_EQ(condition("ScalingActive"), "True ValidMetricFound");
  EXPECT_EQ(stored()->status.current_metrics.at(0).type, "Resource");
  EXPECT_EQ(stored()->status.current_metrics.at(1).type, "");
}

TEST_F(PodAutoscalerTest, MetricsOfItsOwnAndOfOthers) {
  run_deployment("web", 4);
  metrics_.values_milli = {{"qps", 30'000}, {"hits", 400'000}};
  kube::HorizontalPodAutoscaler wanted = autoscaler("web", 2, 20, {});
  kube::MetricSpec& pods = wanted.spec.metrics.at(0);
  pods.type = "Pods";
  pods.pods.emplace().metric.name = "qps";
  pods.pods->target = {.type = "AverageValue", .average_value = kube::Quantity::of(20)};
  world_.create(wanted);
  world_.advance(15s);
  EXPECT_EQ(replicas(), 6);
  EXPECT_TRUE(world_.has_event("SuccessfulRescale", "reason: pods metric qps above target"));
  world_.edit<kube::HorizontalPodAutoscaler>("default", "web", [](auto& changed) {
    kube::MetricSpec& object = changed.spec.metrics.at(0) = {};
    object.type = "Object";
    object.object.emplace().metric.name = "hits";
    object.object->described_object = {.kind = "Service", .name = "web", .api_version = "v1"};
    object.object->target = {.type = "Value", .value = kube::Quantity::of(200)};
  });
  world_.advance(6min);
  EXPECT_GE(replicas(), 12);
  EXPECT_TRUE(world_.has_event("SuccessfulRescale", "reason: Service metric hits above target"));
  EXPECT_EQ(stored()->status.observed_generation, 2);
  EXPECT_EQ(stored()->status.current_metrics.at(0).object->current.value->to_string(), "400");
}

TEST_F(PodAutoscalerTest, OneContainerOfEachPodMayBeFollowed) {
  run_deployment("web", 3);
  use(500);
  kube::HorizontalPodAutoscaler wanted = autoscaler("web", 2, 20, {});
  kube::MetricSpec& metric = wanted.spec.metrics.at(0);
  metric.type = "ContainerResource";
  metric.container_resource.emplace().name = "cpu";
  metric.container_resource->container = "web";
  metric.container_resource->target = {.type = "Utilization", .average_utilization = 30};
  world_.create(std::move(wanted));
  world_.advance(15s);
  EXPECT_EQ(replicas(), 5);
  EXPECT_TRUE(world_.has_event("SuccessfulRescale",
                               "reason: cpu container resource utilization (percentage of "
                               "request) above target"));
  const kube::MetricStatus status = stored()->status.current_metrics.at(0);
  EXPECT_EQ(status.type, "ContainerResource");
  EXPECT_EQ(status.container_resource->container, "web");
  EXPECT_EQ(status.container_resource->current.average_utilization, 50);
  world_.edit<kube::HorizontalPodAutoscaler>("default", "web", [](auto& changed) {
    changed.spec.metrics.at(0).container_resource->container = "db";
  });
  world_.advance(15s);
  EXPECT_EQ(condition("ScalingActive"), "False FailedGetContainerResourceMetric");
  EXPECT_NE(condition_message("ScalingActive").find("failed to get container metrics: container db "
                                                    "not present in metrics for pod default/web-"),
            std::string::npos);
}

TEST_F(PodAutoscalerTest, MemoryIsFollowedByItsAmount) {
  run_deployment("web", 2);
  use(0);
  kube::HorizontalPodAutoscaler wanted = autoscaler("web", 2, 20, {});
  kube::MetricSpec& metric = wanted.spec.metrics.at(0);
  metric.type = "Resource";
  metric.resource.emplace().name = "memory";
  metric.resource->target = {.type = "AverageValue",
                             .average_value = kube::Quantity::bytes(16 << 20)};
  world_.create(std::move(wanted));
  world_.advance(15s);
  EXPECT_EQ(replicas(), 4);  // 8 by proportion, at most four or twice as many at a time.
  EXPECT_EQ(condition("ScalingLimited"), "True ScaleUpLimit");
  EXPECT_TRUE(world_.has_event("SuccessfulRescale", "reason: memory resource above target"));
}

TEST_F(PodAutoscalerTest, ARefusedWriteIsTold) {
  run_deployment("web", 3);
  use(900);
  world_.create(autoscaler("web", 2, 20, cpu_metric(50)));
  world_.picky().refuse_update = [](const kube::Object& object) -> Status {
    if (object.kind() == kube::Deployment::static_kind()) {
      return fail(Reason::kForbidden, "no changes today");
    }
    return {};
  };
  world_.advance(15s);
  EXPECT_EQ(replicas(), 3);
  EXPECT_EQ(condition("AbleToScale"), "False FailedUpdateScale");
  EXPECT_TRUE(world_.has_event("FailedRescale", "New size: 6; reason: cpu resource utilization "
                                                "(percentage of request) above target; error: "
                                                "no changes today"));
  EXPECT_EQ(stored()->status.desired_replicas, 0);
  world_.picky().refuse_update = [](const kube::Object& object) -> Status {
    if (object.kind() == kube::HorizontalPodAutoscaler::static_kind()) {
      return fail(Reason::kConflict, "it has changed");
    }
    return {};
  };
  world_.advance(15s);
  EXPECT_EQ(replicas(), 6);
  EXPECT_TRUE(world_.has_event("FailedUpdateStatus", "it has changed"));
}

TEST_F(PodAutoscalerTest, BehaviorHasTolerances) {
  run_deployment("web", 4);
  use(560);
  kube::HorizontalPodAutoscaler wanted = autoscaler("web", 2, 20, cpu_metric(50));
  world_.create(wanted);
  world_.advance(15s);
  EXPECT_EQ(replicas(), 5);
  world_.edit<kube::HorizontalPodAutoscaler>("default", "web", [](auto& changed) {
    changed.spec.behavior.emplace().scale_up.emplace().tolerance = *kube::Quantity::parse("0.2");
  });
  world_.advance(10min);
  EXPECT_EQ(replicas(), 5);
  EXPECT_EQ(condition("AbleToScale"), "True ReadyForNewScale");
}

TEST_F(PodAutoscalerTest, ExplainsItself) {
  const kube::ObjectKey key{"default", "web"};
  EXPECT_EQ(world_.controllers().explain_autoscaler(key), nullptr);
  run_deployment("web", 3);
  use(900);
  world_.create(autoscaler("web", 2, 5, cpu_metric(50)));
  world_.advance(15s);
  const ScalingExplanation* why = world_.controllers().explain_autoscaler(key);
  ASSERT_NE(why, nullptr);
  EXPECT_EQ(why->proposed_replicas, 6);
  EXPECT_EQ(why->stabilized_replicas, 6);
  EXPECT_EQ(why->desired_replicas, 5);
  EXPECT_EQ(to_text(*why),
            "Deployment/web: 3 replicas, from 2 to 5, at 2026-01-01T00:06:15Z\n"
            "metric cpu resource utilization (percentage of request): 90% (900m) of 50%, ratio "
            "1.800\n"
            "  Pods: 3 ready, 0 unready, 0 without metrics, 0 ignored\n"
            "  asks for 6\n"
            "proposal: 6 by cpu resource utilization (percentage of request)\n"
            "stabilization: 6 (ReadyForNewScale: recommended size matches current size)\n"
            "limits: 5 (TooManyReplicas: the desired replica count is more than the maximum "
            "replica count)\n"
            "outcome: New size: 5; reason: cpu resource utilization (percentage of request) above "
            "target\n");
  metrics_.cpu_milli = nullptr;
  world_.advance(15s);
  why = world_.controllers().explain_autoscaler(key);
  EXPECT_NE(to_text(*why).find("no metrics returned from resource metrics API"),
            std::string::npos);
  EXPECT_NE(to_text(*why).find("outcome: nothing done"), std::string::npos);
  ASSERT_TRUE(world_.client().remove(kube::HorizontalPodAutoscaler::static_kind(), key));
  EXPECT_EQ(world_.controllers().explain_autoscaler(key), nullptr);
}

TEST(MetricValuesTest, AWorldWithoutAnApiFailsAsOneThatIsNotRegistered) {
  const metrics::Sources none;
  const kube::MetricIdentifier metric{.name = "queue"};
  EXPECT_EQ(resource_samples(none, "cpu", "default", {}, "").error().message,
            "unable to fetch metrics from resource metrics API: the server could not find the "
            "requested resource (get pods.metrics.k8s.io)");
  const std::string custom =
      "unable to fetch metrics from custom metrics API: no custom metrics API "
      "(custom.metrics.k8s.io) registered";
  EXPECT_EQ(custom_samples(none, metric, "default", {}).error().message, custom);
  EXPECT_EQ(object_value(none, metric, "default", {}).error().message, custom);
  EXPECT_EQ(external_value(none, metric, "default").error().message,
            "unable to fetch metrics from external metrics API: the server could not find the "
            "requested resource (get queue.external.metrics.k8s.io)");
}

TEST(MetricValuesTest, SelectorsReadAsInGo) {
  kube::Box<kube::LabelSelector> selector;
  EXPECT_EQ(go_text(selector), "nil");
  selector.emplace().match_labels = {{"a", "1"}, {"b", "2"}};
  selector->match_expressions.push_back({.key = "c", .operator_ = "In", .values = {"x", "y"}});
  EXPECT_EQ(go_text(selector),
            "&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:"
            "[]LabelSelectorRequirement{LabelSelectorRequirement{Key:c,Operator:In,Values:[x y],"
            "},},}");
}

}  // namespace
}  // namespace minato::controllers
