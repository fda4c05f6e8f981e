#include "kube/scale.h"

#include <gtest/gtest.h>

#include "kube/json.h"
#include "kube/types/apps.h"

namespace minato::kube {
namespace {

Deployment web() {
  Deployment out;
  out.metadata.name = "web";
  out.metadata.namespace_ = "default";
  out.metadata.uid = "u-1";
  out.metadata.resource_version = "7";
  out.spec.replicas = 3;
  out.spec.selector.ensure().match_labels["app"] = "web";
  out.status.replicas = 2;
  return out;
}

TEST(ScaleTest, IsTheSameViewOfEveryKind) {
  const Scale scale = scale_of(web());
  EXPECT_EQ(scale.metadata.uid, "u-1");
  EXPECT_EQ(scale.spec.replicas, 3);
  EXPECT_EQ(scale.status.replicas, 2);
  EXPECT_EQ(scale.status.selector, "app=web");
  ReplicaSet set;
  set.spec.selector.ensure().match_labels["app"] = "web";
  EXPECT_EQ(scale_of(set).spec.replicas, 1);  // Unset is one.
}

TEST(ScaleTest, ChangesNothingButTheNumber) {
  Deployment changed = web();
  set_replicas(changed, 5);
  EXPECT_EQ(changed.spec.replicas, 5);
  changed.spec.replicas = 3;
  EXPECT_TRUE(equal(changed, web()));
}

TEST(ScaleTest, IsWrittenAsAutoscalingV1) {
  EXPECT_NE(to_json(scale_of(web())).find("\"apiVersion\":\"autoscaling/v1\""), std::string::npos);
}

TEST(ScaleTest, OtherKindsHaveNone) {
  EXPECT_TRUE(has_scale(Deployment::static_kind()));
  EXPECT_TRUE(has_scale(ReplicaSet::static_kind()));
  EXPECT_FALSE(has_scale(DaemonSet::static_kind()));
}

}  // namespace
}  // namespace minato::kube
