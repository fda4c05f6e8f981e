// What kube-apiserver refuses, and at which field, of Pods' rarer members, Services and the kinds
// that are only stored. Each object is right but for one member.
#include <fmt/format.h>

#include <boost/json/object.hpp>

#include "base/strings.h"
#include "kube/types/batch.h"
#include "kube/types/stateful.h"
#include "registry/fixture.h"

namespace minato::registry {
namespace {

namespace json = boost::json;

struct Wrong {
  const char* member;  // "spec.dnsConfig": what is set …
  const char* value;   // … to this JSON.
  const char* field;   // Of the first cause.
};

class ValidationTest : public RegistryFixture {
 protected:
  Result<kube::ObjectPtr> create(const json::value& value) {
    ASSIGN_OR_RETURN(auto object, kube::object_from_json(value));
    return registry_->create(std::move(object), Persist::kDryRun);
  }
  void expect_refused(const char* text, const std::vector<Wrong>& all) {
    const json::value right = *kube::parse_json(text);
    const auto made = create(right);
    ASSERT_TRUE(made) << made.error().message;
    for (const Wrong& wrong : all) {
      json::value object = right;
      set(object, wrong.member, *kube::parse_json(wrong.value));
      const auto refused = create(object);
      ASSERT_FALSE(refused) << wrong.member << " " << wrong.value;
      ASSERT_FALSE(refused.error().causes.empty()) << refused.error().message;
      EXPECT_EQ(refused.error().causes[0].field, wrong.field) << refused.error().message;
    }
  }

 private:
  static void set(json::value& object, std::string_view path, json::value value) {
    json::value* at = &object;
    for (const std::string& name : split(path, '.')) {
      at = name == "0" ? &at->get_array()[0] : &at->get_object()[name];
    }
    *at = std::move(value);
  }
};

constexpr const char* kPod = R"({"apiVersion":"v1","kind":"Pod",
  "metadata":{"name":"web","namespace":"default"},
  "spec":{"containers":[{"name":"web","image":"web:1"}],"securityContext":{},
          "volumes":[{"name":"data","emptyDir":{}}]}})";

TEST_F(ValidationTest, PodsSayOfDnsHostsAndSecurityOnlyWhatIs) {
  expect_refused(kPod, {
    {"spec.dnsPolicy", R"("None")", "spec.dnsConfig"},
    {"spec.dnsConfig", R"({"nameservers":["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]})", "spec.dnsConfig.nameservers"},
    {"spec.dnsConfig", R"({"nameservers":["x"]})", "spec.dnsConfig.nameservers[0]"},
    {"spec.dnsConfig", R"({"options":[{"name":""}]})", "spec.dnsConfig.options[0]"},
    {"spec.hostAliases", R"([{"ip":"x"}])", "spec.hostAliases[0].ip"},
    {"spec.hostAliases", R"([{"ip":"1.2.3.4","hostnames":["A B"]}])", "spec.hostAliases[0].hostnames[0]"},
    {"spec.readinessGates", R"([{"conditionType":"a b"}])", "spec.readinessGates[0].conditionType"},
    {"spec.schedulingGates", R"([{"name":"a b"}])", "spec.schedulingGates[0]"},
    {"spec.os", R"({"name":"beos"})", "spec.os"},
    {"spec.securityContext.runAsUser", "-1", "spec.securityContext.runAsUser"},
    {"spec.securityContext.supplementalGroups", "[-1]", "spec.securityContext.supplementalGroups[0]"},
    {"spec.securityContext.sysctls", R"([{"name":"a b","value":"1"}])", "spec.securityContext.sysctls[0].name"},
    {"spec.securityContext.fsGroupChangePolicy", R"("Else")", "spec.securityContext.fsGroupChangePolicy"},
    {"spec.securityContext.seccompProfile", R"({"type":"Else"})", "spec.securityContext.seccompProfile.type"}});
}

TEST_F(ValidationTest, VolumesAreWholeAndStayBelowWhereTheyAre) {
  expect_refused(kPod, {
    {"spec.volumes.0", R"({"name":"a","emptyDir":{"sizeLimit":"-1"}})", "spec.volumes[0].emptyDir.sizeLimit"},
    {"spec.volumes.0", R"({"name":"a","hostPath":{"path":""}})", "spec.volumes[0].hostPath.path"},
    {"spec.volumes.0", R"({"name":"a","hostPath":{"path":"/a/../b"}})", "spec.volumes[0].hostPath.path"},
    {"spec.volumes.0", R"({"name":"a","hostPath":{"path":"/a","type":"Else"}})", "spec.volumes[0].hostPath.type"},
    {"spec.volumes.0", R"({"name":"a","configMap":{}})", "spec.volumes[0].configMap.name"},
    {"spec.volumes.0", R"({"name":"a","configMap":{"name":"m","defaultMode":1000}})", "spec.volumes[0].configMap.defaultMode"},
    {"spec.volumes.0", R"({"name":"a","configMap":{"name":"m","items":[{"key":"a","path":"../a"}]}})", "spec.volumes[0].configMap.items[0].path"},
    {"spec.volumes.0", R"({"name":"a","secret":{}})", "spec.volumes[0].secret.secretName"},
    {"spec.volumes.0", R"({"name":"a","persistentVolumeClaim":{}})", "spec.volumes[0].persistentVolumeClaim.claimName"},
    {"spec.volumes.0", R"({"name":"a","downwardAPI":{"items":[{"path":"p"}]}})", "spec.volumes[0].downwardAPI"},
    {"spec.volumes.0", R"({"name":"a","projected":{"sources":[{"serviceAccountToken":{"path":"t","expirationSeconds":5}}]}})", "spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds"},
    {"spec.containers.0.volumeMounts", R"([{"name":"data","mountPath":"/a","subPath":"../b"}])", "spec.containers[0].volumeMounts.subPath"},
    {"spec.containers.0.volumeDevices", R"([{"name":"x","devicePath":"/a"}])", "spec.containers[0].volumeDevices[0].name"}});
}

TEST_F(ValidationTest, ContainersAreChecked) {
  expect_refused(kPod, {
    {"spec.containers.0.ports", R"([{"containerPort":80,"hostPort":80},{"containerPort":81,"hostPort":80}])", "spec.containers[0].ports[1].hostPort"},
    {"spec.containers.0.env", R"([{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"spec.nothing"}}}])", "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath"},
    {"spec.containers.0.env", R"([{"name":"A","valueFrom":{"configMapKeyRef":{"name":"m"}}}])", "spec.containers[0].env[0].valueFrom.configMapKeyRef.key"},
    {"spec.containers.0.env", R"([{"name":"A","valueFrom":{"resourceFieldRef":{"resource":"limits.disk"}}}])", "spec.containers[0].env[0].valueFrom.resourceFieldRef.resource"},
    {"spec.containers.0.envFrom", "[{}]", "spec.containers[0].envFrom[0]"},
    {"spec.containers.0.envFrom", R"([{"prefix":"1=","secretRef":{"name":"a"}}])", "spec.containers[0].envFrom[0].prefix"},
    {"spec.containers.0.resources", R"({"limits":{"nothing":"1"}})", "spec.containers[0].resources.limits[nothing]"},
    {"spec.containers.0.resources", R"({"requests":{"example.com/gpu":"1"}})", "spec.containers[0].resources.limits"},
    {"spec.containers.0.resources", R"({"limits":{"hugepages-2Mi":"2Mi"}})", "spec.containers[0].resources"},
    {"spec.containers.0.readinessProbe", R"({"httpGet":{"port":80,"httpHeaders":[{"name":"a b","value":"x"}]}})", "spec.containers[0].readinessProbe.httpGet.httpHeaders"},
    {"spec.containers.0.lifecycle", R"({"preStop":{"sleep":{"seconds":99}}})", "spec.containers[0].lifecycle.preStop.sleep"},
    {"spec.containers.0.securityContext", R"({"runAsUser":-1})", "spec.containers[0].securityContext.runAsUser"},
    {"spec.containers.0.securityContext", R"({"privileged":true,"allowPrivilegeEscalation":false})", "spec.containers[0].securityContext"}});
}

TEST_F(ValidationTest, PlacementIsChecked) {
  expect_refused(kPod, {
    {"spec.affinity", R"({"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a","operator":"In"}]}]}}})",
     "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values"},
    {"spec.affinity", R"({"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":0,"preference":{}}]}})",
     "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight"},
    {"spec.affinity", R"({"podAntiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":101,"podAffinityTerm":{"topologyKey":"zone"}}]}})",
     "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight"},
    {"spec.topologySpreadConstraints", R"([{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"ScheduleAnyway","minDomains":2}])",
     "spec.topologySpreadConstraints[0].minDomains"},
    {"spec.topologySpreadConstraints", R"([{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"ScheduleAnyway"},{"maxSkew":2,"topologyKey":"zone","whenUnsatisfiable":"ScheduleAnyway"}])",
     "spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}"}});
}

TEST_F(ValidationTest, ServicesHaveWhatTheirTypeAllows) {
  expect_refused(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"default"},
                     "spec":{"ports":[{"port":80}]}})", {
    {"spec.externalTrafficPolicy", R"("Local")", "spec.externalTrafficPolicy"},
    {"spec.healthCheckNodePort", "30005", "spec.healthCheckNodePort"},
    {"spec.ipFamilies", R"(["IPv6"])", "spec.ipFamilies[0]"},
    {"spec.ipFamilyPolicy", R"("RequireDualStack")", "spec.ipFamilyPolicy"},
    {"spec.externalIPs", R"(["x"])", "spec.externalIPs[0]"},
    {"spec.externalIPs", R"(["127.0.0.1"])", "spec.externalIPs[0]"},
    {"spec.loadBalancerSourceRanges", R"(["1.2.3.4/8"])", "spec.LoadBalancerSourceRanges"},
    {"spec.loadBalancerClass", R"("a.com/b")", "spec.loadBalancerClass"},
    {"spec.trafficDistribution", R"("Else")", "spec.trafficDistribution"},
    {"spec.ports.0.appProtocol", R"("a b")", "spec.ports[0].appProtocol"}});
}

TEST_F(ValidationTest, SecretsOfKnownTypesHaveTheirKeys) {
  expect_refused(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"default"}})", {
    {"type", R"("kubernetes.io/tls")", "data[tls.crt]"},
    {"type", R"("kubernetes.io/basic-auth")", "data[username]"},
    {"type", R"("kubernetes.io/ssh-auth")", "data[ssh-privatekey]"},
    {"type", R"("kubernetes.io/service-account-token")", "metadata.annotations[kubernetes.io/service-account.name]"}});
}

TEST_F(ValidationTest, JobsAreDefaultedAndChecked) {
  constexpr const char* kJob = R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"once","namespace":"default"},
    "spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"b"}]}}}})";
  expect_refused(kJob, {
    {"spec.template.spec.restartPolicy", R"("Always")", "spec.template.spec.restartPolicy"},
    {"spec.parallelism", "-1", "spec.parallelism"},
    {"spec.backoffLimit", "-1", "spec.backoffLimit"},
    {"spec.completionMode", R"("Else")", "spec.completionMode"},
    {"spec.selector", R"({"matchLabels":{"a":"b"}})", "spec.selector"}});
  const auto made = create(*kube::parse_json(kJob));
  ASSERT_TRUE(made);
  const auto& job = kube::as<kube::Job>(**made);
  EXPECT_EQ(job.spec.backoff_limit, 6);
  EXPECT_EQ(job.spec.template_.metadata.labels.at("batch.kubernetes.io/job-name"), "once");
  EXPECT_EQ(job.spec.selector->match_labels.at("batch.kubernetes.io/controller-uid"), job.metadata.uid);
  expect_refused(R"({"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"often","namespace":"default"},
    "spec":{"schedule":"*/5 0 * * mon","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"b"}]}}}}}})", {
    {"spec.schedule", R"("")", "spec.schedule"},
    {"spec.schedule", R"("* * * *")", "spec.schedule"},
    {"spec.concurrencyPolicy", R"("Else")", "spec.concurrencyPolicy"}});
}

TEST_F(ValidationTest, StatefulSetsAreDefaultedAndChecked) {
  constexpr const char* kSet = R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"web","namespace":"default"},
    "spec":{"serviceName":"web","selector":{"matchLabels":{"app":"web"}},
            "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"a","image":"b"}]}}}})";
  expect_refused(kSet, {
    {"spec.replicas", "-1", "spec.replicas"},
    {"spec.selector", "null", "spec.selector"},
    {"spec.podManagementPolicy", R"("Else")", "spec.podManagementPolicy"},
    {"spec.updateStrategy", R"({"type":"Else"})", "spec.updateStrategy"},
    {"spec.updateStrategy", R"({"rollingUpdate":{"partition":-1}})", "spec.updateStrategy.rollingUpdate.partition"}});
  const auto made = create(*kube::parse_json(kSet));
  ASSERT_TRUE(made);
  EXPECT_EQ(kube::as<kube::StatefulSet>(**made).spec.revision_history_limit, 10);
}

TEST_F(ValidationTest, IngressesAreChecked) {
  expect_refused(R"({"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"web","namespace":"default"},
    "spec":{"defaultBackend":{"service":{"name":"web","port":{"number":80}}}}})", {
    {"spec", "{}", "spec"},
    {"spec.defaultBackend", "{}", "spec.defaultBackend"},
    {"spec.defaultBackend.service.port", "{}", "spec.defaultBackend"},
    {"spec.rules", R"([{"host":"A b"}])", "spec.rules[0].host"},
    {"spec.rules", R"([{"http":{"paths":[]}}])", "spec.rules[0].http.paths"},
    {"spec.rules", R"([{"http":{"paths":[{"path":"x","pathType":"Prefix","backend":{"service":{"name":"web","port":{"number":80}}}}]}}])", "spec.rules[0].http.paths[0].path"},
    {"spec.tls", R"([{"hosts":["a b"]}])", "spec.tls[0].hosts[0]"}});
}

TEST_F(ValidationTest, StorageAndQuotasAreChecked) {
  expect_refused(R"({"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"disk","namespace":"default"},
    "spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}})", {
    {"spec.accessModes", "[]", "spec.accessModes"},
    {"spec.accessModes", R"(["Else"])", "spec.accessModes"},
    {"spec.resources", "{}", "spec.resources[storage]"},
    {"spec.resources.requests.storage", R"("-1")", "spec.resources[storage]"},
    {"spec.volumeMode", R"("Else")", "spec.volumeMode"}});
  expect_refused(R"({"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"fast"},"provisioner":"example.com/fast"})", {
    {"provisioner", "null", "provisioner"},
    {"reclaimPolicy", R"("Else")", "reclaimPolicy"},
    {"volumeBindingMode", R"("Else")", "volumeBindingMode"}});
  expect_refused(R"({"apiVersion":"v1","kind":"LimitRange","metadata":{"name":"l","namespace":"default"},"spec":{"limits":[]}})", {
    {"spec.limits", R"([{"type":"Container","max":{"cpu":"1"},"min":{"cpu":"2"}}])", "spec.limits[0].min[cpu]"},
    {"spec.limits", R"([{"type":"Pod","default":{"cpu":"1"}}])", "spec.limits[0].default"}});
  expect_refused(R"({"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"q","namespace":"default"},"spec":{"hard":{"pods":"5"}}})", {
    {"spec.hard.pods", R"("-1")", "spec.hard[pods]"},
    {"spec.hard.pods", R"("1.5")", "spec.hard[pods]"},
    {"spec.hard.nothing", R"("1")", "spec.hard[nothing]"},
    {"spec.scopes", R"(["Else"])", "spec.scopes"}});
}

TEST_F(ValidationTest, EndpointsAreChecked) {
  expect_refused(R"({"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"old","namespace":"default"},
    "subsets":[{"addresses":[{"ip":"10.1.2.3"}],"ports":[{"port":80}]}]})", {
    {"subsets", "[{}]", "subsets[0]"},
    {"subsets", R"([{"addresses":[{"ip":"x"}]}])", "subsets[0].addresses[0].ip"},
    {"subsets", R"([{"notReadyAddresses":[{"ip":"127.0.0.1"}]}])", "subsets[0].notReadyAddresses[0].ip"},
    {"subsets", R"([{"addresses":[{"ip":"10.1.1.1"}],"ports":[{"port":0}]}])", "subsets[0].ports[0].port"},
    {"subsets", R"([{"addresses":[{"ip":"10.1.1.1"}],"ports":[{"port":1},{"name":"b","port":2}]}])", "subsets[0].ports[0].name"}});
  expect_refused(R"({"apiVersion":"v1","kind":"PodTemplate","metadata":{"name":"t","namespace":"default"},
    "template":{"spec":{"containers":[{"name":"a","image":"a:1"}]}}})", {
    {"template.spec.containers", "[]", "template.spec.containers"}});
}

TEST_F(ValidationTest, WhatNoPodCanHaveHereIsForbidden) {
  for (const char* part : {R"("runtimeClassName":"missing")", R"("overhead":{"cpu":"1"})"}) {
    const auto refused = create(*kube::parse_json(fmt::format(
        R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"a","namespace":"default"}},
            "spec":{{"containers":[{{"name":"a","image":"a:1"}}],{}}}}})", part)));
    ASSERT_FALSE(refused) << part;
    EXPECT_EQ(refused.error().reason, Reason::kForbidden) << part;
  }
}

TEST_F(ValidationTest, ANegativeGraceIsASecond) {
  const auto made = create(*kube::parse_json(
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"default"},
          "spec":{"containers":[{"name":"a","image":"a:1"}],"terminationGracePeriodSeconds":-5}})"));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(kube::as<kube::Pod>(**made).spec.termination_grace_period_seconds, 1);
}

TEST_F(ValidationTest, OwnersAndGeneratedNamesAreChecked) {
  expect_refused(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"default","generateName":"made-"}})", {
    {"metadata.ownerReferences", R"([{"apiVersion":"v1","kind":"Event","name":"a","uid":"u"}])", "metadata.ownerReferences"}});
  const auto refused = create(json::value{
      {"apiVersion", "v1"}, {"kind", "ConfigMap"},
      {"metadata", {{"namespace", "default"}, {"generateName", std::string(300, 'x')}}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().causes.at(0).field, "metadata.generateName");
}

}  // namespace
}  // namespace minato::registry
