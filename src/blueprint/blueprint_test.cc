#include "blueprint/blueprint.h"

#include <gtest/gtest.h>

#include "kube/json.h"
#include "kube/types/apps.h"
#include "kube/types/config.h"

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

TEST(BlueprintTest, NamesFollowContent) {
  spec::Spec changed = shop();
  changed.env[0].second = "debug";
  const auto a = find<kube::ConfigMap>(compile(shop(), {})), b = find<kube::ConfigMap>(compile(changed, {}));
  EXPECT_NE(a->metadata.name, b->metadata.name);
  EXPECT_EQ(a->metadata.name, find<kube::ConfigMap>(compile(shop(), {}))->metadata.name);
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
