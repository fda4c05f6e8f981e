// Ephemeral containers: added to a Pod that is there, and nothing else of it with them.
#include "registry/fixture.h"

namespace minato::registry {
namespace {

using kube::Subresource;

class EphemeralContainersTest : public RegistryFixture {
 protected:
  void SetUp() override { ASSERT_TRUE(kube::create(in_process_, make_pod("web"))); }

  kube::Pod pod() { return **kube::get<kube::Pod>(in_process_, {"default", "web"}); }
  static kube::EphemeralContainer debugger(const std::string& name) {
    kube::EphemeralContainer out;
    out.ephemeral_container_common.name = name;
    out.ephemeral_container_common.image = "shell:1";
    return out;
  }
  Result<std::shared_ptr<const kube::Pod>> add(kube::EphemeralContainer container) {
    kube::Pod changed = pod();
    changed.spec.ephemeral_containers.push_back(std::move(container));
    return write(std::move(changed));
  }
  Result<std::shared_ptr<const kube::Pod>> write(kube::Pod changed) {
    return kube::update(in_process_, std::move(changed), Subresource::kEphemeralContainers);
  }
  static std::string refusal(const auto& result) {
    return result ? std::string("accepted") : result.error().message;
  }
};

TEST_F(EphemeralContainersTest, AreAddedOneAfterTheOther) {
  ASSERT_TRUE(add(debugger("first")));
  kube::EphemeralContainer second = debugger("second");
  second.target_container_name = "main";
  ASSERT_TRUE(add(std::move(second)));
  ASSERT_EQ(pod().spec.ephemeral_containers.size(), 2u);
  EXPECT_EQ(pod().spec.ephemeral_containers[0].ephemeral_container_common.image_pull_policy,
            "IfNotPresent");
}

TEST_F(EphemeralContainersTest, NothingElseChangesWithThem) {
  kube::Pod changed = pod();
  changed.spec.containers[0].image = "other:2";
  changed.metadata.labels["more"] = "1";
  changed.spec.ephemeral_containers.push_back(debugger("first"));
  ASSERT_TRUE(write(std::move(changed)));
  EXPECT_EQ(pod().spec.containers[0].image, "web:1");
  EXPECT_FALSE(pod().metadata.labels.contains("more"));
  EXPECT_EQ(pod().spec.ephemeral_containers.size(), 1u);
}

TEST_F(EphemeralContainersTest, AreNeitherChangedNorTakenAway) {
  ASSERT_TRUE(add(debugger("first")));
  kube::Pod changed = pod();
  changed.spec.ephemeral_containers[0].ephemeral_container_common.image = "other:2";
  EXPECT_NE(refusal(write(changed)).find("\"first\" may not be changed"), std::string::npos);
  changed.spec.ephemeral_containers.clear();
  EXPECT_NE(refusal(write(changed)).find("\"first\" may not be removed"), std::string::npos);
  EXPECT_FALSE(kube::update(in_process_, changed)) << "nor by an update of the Pod";
}

TEST_F(EphemeralContainersTest, WhatOthersCouldDependOnIsRefused) {
  const auto refuses = [this](const auto& change, const std::string& why) {
    kube::EphemeralContainer wrong = debugger("wrong");
    change(wrong);
    const std::string said = refusal(add(std::move(wrong)));
    EXPECT_NE(said.find(why), std::string::npos) << said;
  };
  refuses([](auto& each) { each.ephemeral_container_common.ports.push_back({.container_port = 80}); },
          "spec.ephemeralContainers[0].ports: Forbidden");
  refuses([](auto& each) { each.ephemeral_container_common.readiness_probe.emplace(); },
          "readinessProbe: Forbidden");
  refuses([](auto& each) { each.ephemeral_container_common.name = "main"; }, "Duplicate value");
  refuses([](auto& each) { each.ephemeral_container_common.image.clear(); }, "image: Required");
  refuses([](auto& each) { each.target_container_name = "nobody"; },
          "targetContainerName: Not found: \"nobody\"");
  refuses([](auto& each) {
    each.ephemeral_container_common.volume_mounts.push_back({.name = "none", .mount_path = "/x"});
  }, "Not found: \"none\"");
}

TEST_F(EphemeralContainersTest, NoPodBeginsWithThem) {
  kube::Pod early = make_pod("early");
  early.spec.ephemeral_containers.push_back(debugger("first"));
  EXPECT_NE(refusal(kube::create(in_process_, std::move(early))).find("cannot be set on create"),
            std::string::npos);
  kube::Deployment deployment = make_deployment("web");
  deployment.spec.template_.spec.ephemeral_containers.push_back(debugger("first"));
  EXPECT_NE(refusal(kube::create(in_process_, std::move(deployment)))
                .find("ephemeral containers not allowed in pod template"),
            std::string::npos);
}

}  // namespace
}  // namespace minato::registry
