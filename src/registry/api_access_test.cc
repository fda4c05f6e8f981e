// What a new Pod gets of its ServiceAccount where Pods may ask the API.
#include "registry/fixture.h"

namespace minato::registry {
namespace {

class ApiAccessTest : public RegistryFixture {
 protected:
  ApiAccessTest() : RegistryFixture({.api_access = ApiAccess::kForPods}) { make_account("default"); }

  void make_account(const std::string& name, std::optional<bool> automount = {}) {
    kube::ServiceAccount account;
    account.metadata.namespace_ = "default";
    account.metadata.name = name;
    account.automount_service_account_token = automount;
    account.image_pull_secrets = {{.name = "registry"}};
    ASSERT_TRUE(kube::create(in_process_, std::move(account)));
  }
  Result<std::shared_ptr<const kube::Pod>> create(kube::Pod pod) {
    return kube::create(in_process_, std::move(pod));
  }
  static bool has_access(const kube::Pod& pod) {
    return std::ranges::any_of(pod.spec.volumes, [](const kube::Volume& volume) {
      return volume.name.starts_with("kube-api-access-");
    });
  }
};

TEST_F(ApiAccessTest, EveryContainerGetsTheVolume) {
  kube::Pod pod = make_pod("web");
  pod.spec.init_containers.push_back({"first", "web:1"});
  const auto made = create(std::move(pod));
  ASSERT_TRUE(made) << made.error().message;
  const kube::PodSpec& spec = (*made)->spec;
  ASSERT_EQ(spec.volumes.size(), 1u);
  EXPECT_EQ(spec.volumes[0].name.size(), std::string("kube-api-access-").size() + 5);
  const auto& projected = *spec.volumes[0].volume_source.projected;
  EXPECT_EQ(projected.default_mode, 0644);
  ASSERT_EQ(projected.sources.size(), 3u);
  EXPECT_EQ(projected.sources[0].service_account_token->path, "token");
  EXPECT_EQ(projected.sources[0].service_account_token->expiration_seconds, 3607);
  EXPECT_EQ(projected.sources[1].config_map->local_object_reference.name, "kube-root-ca.crt");
  EXPECT_EQ(projected.sources[2].downward_api->items.at(0).field_ref->field_path,
            "metadata.namespace");
  for (const auto* containers : {&spec.init_containers, &spec.containers}) {
    ASSERT_EQ(containers->at(0).volume_mounts.size(), 1u);
    const kube::VolumeMount& mount = containers->at(0).volume_mounts[0];
    EXPECT_EQ(mount.name, spec.volumes[0].name);
    EXPECT_EQ(mount.mount_path, "/var/run/secrets/kubernetes.io/serviceaccount");
    EXPECT_TRUE(mount.read_only);
  }
  EXPECT_EQ(spec.image_pull_secrets.at(0).name, "registry");
}

TEST_F(ApiAccessTest, ThePodDecidesAndThenItsAccount) {
  make_account("shy", false);
  kube::Pod quiet = make_pod("quiet");
  quiet.spec.service_account_name = "shy";
  EXPECT_FALSE(has_access(**create(std::move(quiet))));
  kube::Pod all_the_same = make_pod("all-the-same");
  all_the_same.spec.service_account_name = "shy";
  all_the_same.spec.automount_service_account_token = true;
  EXPECT_TRUE(has_access(**create(std::move(all_the_same))));
  kube::Pod without = make_pod("without");
  without.spec.automount_service_account_token = false;
  EXPECT_FALSE(has_access(**create(std::move(without))));
}

TEST_F(ApiAccessTest, WhatIsMountedThereAlreadyStays) {
  kube::Pod pod = make_pod("own");
  kube::Volume& own = pod.spec.volumes.emplace_back();
  own.name = "own";
  own.volume_source.empty_dir.emplace();
  pod.spec.containers[0].volume_mounts.push_back(
      {.name = "own", .mount_path = "/var/run/secrets/kubernetes.io/serviceaccount"});
  const auto made = create(std::move(pod));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ((*made)->spec.volumes.size(), 1u);
  EXPECT_EQ((*made)->spec.containers[0].volume_mounts.size(), 1u);
}

TEST_F(ApiAccessTest, AnAccountThatIsMissingIsNamed) {
  kube::Pod pod = make_pod("lost");
  pod.spec.service_account_name = "nobody";
  const auto made = create(std::move(pod));
  ASSERT_TRUE(failed_with(made, Reason::kForbidden));
  EXPECT_NE(made.error().message.find("error looking up service account default/nobody: "
                                      "serviceaccount \"nobody\" not found"),
            std::string::npos)
      << made.error().message;
}

}  // namespace
}  // namespace minato::registry
