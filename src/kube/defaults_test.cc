#include "kube/defaults.h"

#include <gtest/gtest.h>

#include "kube/json.h"

namespace minato::kube {
namespace {

struct DefaultsCase {
  const char* what;
  const char* given;
  const char* defaulted;  // All of the object.
};

template <class T>
void expect_defaults(const DefaultsCase& c) {
  auto object = object_from_json(std::string_view(c.given));
  ASSERT_TRUE(object) << c.what << ": " << object.error().message;
  set_defaults(static_cast<T&>(**object));
  auto expected = object_from_json(std::string_view(c.defaulted));
  ASSERT_TRUE(expected) << c.what << ": " << expected.error().message;
  EXPECT_EQ(to_json(**object), to_json(**expected)) << c.what;
  set_defaults(static_cast<T&>(**object));
  EXPECT_EQ(to_json(**object), to_json(**expected)) << c.what << ", a second time";
}

TEST(DefaultsTest, APod) {
  expect_defaults<Pod>(
      {"pod",
       R"({"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"c","image":"i",
        "ports":[{"containerPort":80}],
        "resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"500m"}},
        "env":[{"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}}],
        "readinessProbe":{"httpGet":{"port":80}}}],"volumes":[{"name":"v"},
        {"name":"c","configMap":{"name":"x"}}]}})",
       R"({"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"c","image":"i",
        "ports":[{"containerPort":80,"protocol":"TCP"}],
        "resources":{"limits":{"cpu":"1","memory":"1Gi"},
                     "requests":{"cpu":"500m","memory":"1Gi"}},
        "env":[{"name":"IP","valueFrom":{"fieldRef":{"apiVersion":"v1",
                                                     "fieldPath":"status.podIP"}}}],
        "readinessProbe":{"httpGet":{"path":"/","port":80,"scheme":"HTTP"},"timeoutSeconds":1,
          "periodSeconds":10,"successThreshold":1,"failureThreshold":3},
        "terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File",
        "imagePullPolicy":"Always"}],
        "volumes":[{"name":"v","emptyDir":{}},
                   {"name":"c","configMap":{"name":"x","defaultMode":420}}],
        "restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst",
        "securityContext":{},"schedulerName":"default-scheduler","enableServiceLinks":true}})"});
}

TEST(DefaultsTest, PullPolicyFollowsTheTag) {
  const std::pair<const char*, const char*> cases[] = {
      {"web", "Always"},
      {"web:latest", "Always"},
      {"web:1", "IfNotPresent"},
      {"host:5000/web", "Always"},
      {"host:5000/web:1", "IfNotPresent"},
      {"web@sha256:0000", "IfNotPresent"}};
  for (const auto& [image, policy] : cases) {
    PodSpec spec;
    spec.containers.push_back({"c", image});
    set_defaults(spec);
    EXPECT_EQ(spec.containers[0].image_pull_policy, policy) << image;
  }
}

TEST(DefaultsTest, Workloads) {
  Deployment deployment;
  set_defaults(deployment);
  EXPECT_EQ(deployment.spec.replicas, 1);
  EXPECT_EQ(deployment.spec.strategy.rolling_update->max_surge, IntOrString(std::string("25%")));
  EXPECT_EQ(deployment.spec.revision_history_limit, 10);
  EXPECT_EQ(deployment.spec.progress_deadline_seconds, 600);
  Deployment recreate;
  recreate.spec.strategy.type = "Recreate";
  set_defaults(recreate);
  EXPECT_FALSE(recreate.spec.strategy.rolling_update);
  DaemonSet daemon_set;
  set_defaults(daemon_set);
  EXPECT_EQ(daemon_set.spec.update_strategy.rolling_update->max_unavailable, IntOrString(1));
  EXPECT_EQ(daemon_set.spec.update_strategy.rolling_update->max_surge, IntOrString(0));
}

TEST(DefaultsTest, Services) {
  Service service;
  service.spec.type = "NodePort";
  service.spec.ports = {{.port = 80}};
  set_defaults(service);
  EXPECT_EQ(service.spec.ports[0].target_port, IntOrString(80));
  EXPECT_EQ(service.spec.ports[0].protocol, "TCP");
  EXPECT_EQ(service.spec.external_traffic_policy, "Cluster");
  EXPECT_EQ(service.spec.internal_traffic_policy, "Cluster");
  EXPECT_EQ(service.spec.session_affinity, "None");
}

TEST(DefaultsTest, SecretsTakeTheirTexts) {
  Secret secret;
  secret.string_data["k"] = "v";
  set_defaults(secret);
  EXPECT_EQ(secret.type, "Opaque");
  EXPECT_EQ(secret.data.at("k").data, "v");
  EXPECT_TRUE(secret.string_data.empty());
}

TEST(DefaultsTest, AutoscalersMeasureCpu) {
  HorizontalPodAutoscaler autoscaler;
  autoscaler.spec.behavior.emplace().scale_down.emplace();
  set_defaults(autoscaler);
  EXPECT_EQ(autoscaler.spec.min_replicas, 1);
  EXPECT_EQ(autoscaler.spec.metrics.at(0).resource->target.average_utilization, 80);
  EXPECT_EQ(autoscaler.spec.behavior->scale_down->policies.at(0).value, 100);
  EXPECT_FALSE(autoscaler.spec.behavior->scale_down->stabilization_window_seconds);
  ASSERT_TRUE(autoscaler.spec.behavior->scale_up);
  EXPECT_EQ(autoscaler.spec.behavior->scale_up->stabilization_window_seconds, 0);
  EXPECT_EQ(autoscaler.spec.behavior->scale_up->policies.at(0).value, 4);
}

}  // namespace
}  // namespace minato::kube
