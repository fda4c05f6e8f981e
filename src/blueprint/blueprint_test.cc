#include "blueprint/blueprint.h"

#include <gtest/gtest.h>

#include "kube/json.h"
#include "kube/types/apps.h"
#include "kube/types/config.h"
#include "kube/types/networking.h"
#include "kube/types/scheduling.h"

namespace minato::blueprint {
namespace {

spec::Spec shop() {
  spec::Spec spec;
  spec.service = "shop";
  spec.image = "oci:x";
  spec.port = 8080;
  spec.env = {{"LOG_LEVEL", "info"}};
  return spec;
}

template <class T>
std::shared_ptr<const T> find(const Blueprint& blueprint) {
  for (const kube::ObjectPtr& object : blueprint.objects) {
    if (object->kind() == T::static_kind()) return kube::as<T>(object);
  }
  return nullptr;
}

TEST(BlueprintTest, DeploymentNeverTakesAwayBeforeItGives) {
  const auto deployment = find<kube::Deployment>(compile(shop(), {}));
  ASSERT_TRUE(deployment);
  EXPECT_EQ(deployment->spec.strategy.rolling_update->max_unavailable->number(), 0);
  const auto& pod = deployment->spec.template_.spec;
  EXPECT_EQ(pod.termination_grace_period_seconds, 30);
  EXPECT_EQ(pod.containers[0].lifecycle->pre_stop->sleep->seconds, 10);
}

TEST(BlueprintTest, SecretsStandInTheSecretOnly) {
  const Blueprint blueprint = compile(shop(), {{"TOKEN", "hunter2"}});
  for (const kube::ObjectPtr& object : blueprint.objects) {
    EXPECT_EQ(kube::to_json(*object).find("hunter2"), std::string::npos) << object->kind().kind;
  }
  EXPECT_EQ(find<kube::Secret>(blueprint)->data.at("TOKEN").data, "hunter2");
}

TEST(BlueprintTest, HeadroomAsksForAsMuchAsAPodAndIsNoneOfTheService) {
  spec::Spec spec = shop();
  const std::size_t without = compile(spec, {}).objects.size();
  spec.replicas.headroom = 2;
  const Blueprint blueprint = compile(spec, {}, {.image = "room", .args = {"pause"}});
  ASSERT_EQ(blueprint.objects.size(), without + 2);
  const auto& room = kube::as<kube::Deployment>(*blueprint.objects.back());
  EXPECT_EQ(room.metadata.name, headroom_name(spec));
  EXPECT_EQ(room.spec.replicas, 2);
  const kube::PodSpec& pod = room.spec.template_.spec;
  const auto service = find<kube::Deployment>(blueprint);
  EXPECT_EQ(pod.containers[0].image, "room");
  EXPECT_EQ(pod.containers[0].resources.requests,
            service->spec.template_.spec.containers[0].resources.requests);
  EXPECT_EQ(pod.termination_grace_period_seconds, 0);
  const auto selected = service->spec.selector->match_labels.at("app.kubernetes.io/name");
  EXPECT_NE(room.spec.template_.metadata.labels.at("app.kubernetes.io/name"), selected);
  const auto& priority = kube::as<kube::PriorityClass>(*blueprint.objects.at(without));
  EXPECT_EQ(priority.metadata.name, pod.priority_class_name);
  EXPECT_LT(priority.value, 0);
  EXPECT_GE(priority.value, -10) << "below, the node autoscaler would not count them";
}

TEST(BlueprintTest, NamesFollowContent) {
  spec::Spec changed = shop();
  changed.env[0].second = "debug";
  const auto a = find<kube::ConfigMap>(compile(shop(), {})),
             b = find<kube::ConfigMap>(compile(changed, {}));
  EXPECT_NE(a->metadata.name, b->metadata.name);
  EXPECT_EQ(a->metadata.name, find<kube::ConfigMap>(compile(shop(), {}))->metadata.name);
}

TEST(BlueprintTest, PodsAreConfinedSoFarAsImagesThatStartAsRootBearIt) {
  const auto deployment = find<kube::Deployment>(compile(shop(), {}));
  const kube::PodSpec& pod = deployment->spec.template_.spec;
  EXPECT_EQ(pod.security_context->seccomp_profile->type, "RuntimeDefault");
  EXPECT_EQ(pod.priority_class_name, find<kube::PriorityClass>(compile(shop(), {}))->metadata.name);
  const kube::SecurityContext& security = *pod.containers[0].security_context;
  EXPECT_EQ(security.allow_privilege_escalation, false);
  EXPECT_FALSE(security.run_as_non_root);
  EXPECT_EQ(security.capabilities->drop, (std::vector<std::string>{"MKNOD", "NET_RAW"}));
}

TEST(BlueprintTest, WhoIsNotRootHasNoCapabilities) {
  spec::Spec spec = shop();
  spec.confinement = {
      .user = 1000, .group = 2000, .non_root = true, .read_only_root = true, .capabilities = {}};
  const Blueprint blueprint = compile(spec, {});
  const auto deployment = find<kube::Deployment>(blueprint);
  const kube::SecurityContext& security =
      *deployment->spec.template_.spec.containers[0].security_context;
  EXPECT_EQ(security.run_as_user, 1000);
  EXPECT_EQ(security.run_as_group, 2000);
  EXPECT_EQ(security.run_as_non_root, true);
  EXPECT_EQ(security.capabilities->drop, std::vector<std::string>{"ALL"});
  EXPECT_EQ(
      find<kube::Namespace>(blueprint)->metadata.labels.at("pod-security.kubernetes.io/enforce"),
      "restricted");
}

TEST(BlueprintTest, NetworkPolicyLetsRequestsInAndNamesOut) {
  spec::Spec spec = shop();
  EXPECT_FALSE(find<kube::NetworkPolicy>(compile(spec, {})));
  spec.network_policy.emplace();
  const auto open = find<kube::NetworkPolicy>(compile(spec, {}));
  EXPECT_EQ(open->spec.ingress.at(0).ports.at(0).port->number(), 8080);
  EXPECT_TRUE(open->spec.ingress.at(0).from.empty())
      << "the load balancer comes by way of any Node";
  EXPECT_EQ(open->spec.egress.at(0).ports.size(), 2u);
  EXPECT_EQ(open->spec.egress.at(1).to.at(0).ip_block->except,
            std::vector<std::string>{"169.254.169.254/32"});
  spec.network_policy->egress = {"10.0.0.0/8"};
  const auto narrow = find<kube::NetworkPolicy>(compile(spec, {}));
  EXPECT_EQ(narrow->spec.egress.at(1).to.at(0).ip_block->cidr, "10.0.0.0/8");
  EXPECT_EQ(narrow->spec.egress.at(1).to.at(1).ip_block->cidr, "169.254.170.23/32")
      << "EKS Pod Identity";
}

TEST(BlueprintTest, SidecarsStartAndStopInTheirOrder) {
  spec::Spec spec = shop();
  spec.volumes = {{.name = "sockets", .size_bytes = 1 << 20, .in_memory = true}};
  spec.mounts = {{.path = "/run/proxy", .volume = "sockets"}};
  spec::Sidecar first, around, beside;
  first.name = "migrate", first.runs = spec::Sidecar::Runs::kFirst;
  around.name = "proxy", around.port = 9000, around.health = "/ready", around.mounts = spec.mounts;
  beside.name = "cache", beside.runs = spec::Sidecar::Runs::kBeside,
  beside.check = {"redis-cli", "ping"};
  beside.secrets = {"TOKEN"};
  beside.env = {{"PLAIN", "$5"}, {"TEMPLATE", "$(HOST)"}};
  spec.sidecars = {around, first, beside};
  const auto deployment = find<kube::Deployment>(compile(spec, {{"TOKEN", "x"}}));
  const kube::PodSpec& pod = deployment->spec.template_.spec;
  ASSERT_EQ(pod.init_containers.size(), 2u);
  EXPECT_EQ(pod.init_containers[0].restart_policy, "Always")
      << "goes on, and ends after the service";
  EXPECT_EQ(pod.init_containers[0].startup_probe->probe_handler.http_get->port.number(), 9000);
  EXPECT_EQ(pod.init_containers[0].volume_mounts.at(0).mount_path, "/run/proxy");
  EXPECT_FALSE(pod.init_containers[1].restart_policy);
  ASSERT_EQ(pod.containers.size(), 2u);
  EXPECT_EQ(pod.containers[0].name, "shop");
  EXPECT_TRUE(pod.containers[1].lifecycle->pre_stop->sleep) << "no sooner gone than the service";
  EXPECT_EQ(pod.containers[1].env.at(0).value, "$5");
  EXPECT_EQ(pod.containers[1].env.at(1).value, "$$(HOST)") << "what the file says, not a reference";
  EXPECT_EQ(pod.containers[1].env.at(2).value_from->secret_key_ref->key, "TOKEN");
  EXPECT_EQ(pod.volumes.at(0).volume_source.empty_dir->medium, "Memory");
}

TEST(BlueprintTest, OnlyTheScalingGroupIsATarget) {
  const Blueprint blueprint = compile(shop(), {});
  ASSERT_EQ(blueprint.groups.size(), 2u);
  EXPECT_FALSE(blueprint.groups[0].group.attached_to_target_group);
  EXPECT_EQ(blueprint.groups[0].taints.size(), 1u);
  EXPECT_TRUE(blueprint.groups[1].group.attached_to_target_group);
  EXPECT_EQ(blueprint.groups[1].group.zones,
            (std::vector<std::string>{"us-east-1a", "us-east-1b", "us-east-1c"}));
}

}  // namespace
}  // namespace minato::blueprint
