// What a running Pod's volumes show follows their ConfigMaps, Secrets and the Pod itself.
#include "kubelet/test_world.h"

namespace minato::kubelet {
namespace {

class VolumeUpdateTest : public KubeletTest {
 protected:
  static kube::Volume config_volume(bool optional = false) {
    kube::Volume volume;
    volume.name = "settings";
    auto& source = volume.volume_source.config_map.emplace();
    source.local_object_reference.name = "settings";
    if (optional) source.optional = true;
    return volume;
  }
  void run_pod(kube::Volume volume) {
    start_kubelet();
    kube::Pod wanted = pod();
    wanted.metadata.labels["tier"] = "gold";
    kube::VolumeMount& mount = wanted.spec.containers[0].volume_mounts.emplace_back();
    mount.name = volume.name;
    mount.mount_path = "/settings";
    wanted.spec.volumes = {std::move(volume)};
    create(wanted);
  }
  void put_config(const std::string& mode, bool immutable = false) {
    kube::ConfigMap config;
    config.metadata.namespace_ = "default";
    config.metadata.name = "settings";
    config.data["mode"] = mode;
    if (immutable) config.immutable = true;
    if (const auto found = kube::get<kube::ConfigMap>(*client_, config.key())) {
      config.metadata.resource_version = (*found)->metadata.resource_version;
      ASSERT_TRUE(kube::update(*client_, config));
    } else {
      ASSERT_TRUE(kube::create(*client_, config));
    }
    time_.settle();
  }
  void delete_config() {
    ASSERT_TRUE(client_->remove(kube::ConfigMap::static_kind(), {"default", "settings"}, {}));
    time_.settle();
  }
};

TEST_F(VolumeUpdateTest, ChangedConfigMapsAreShownAtOnce) {
  put_config("slow");
  run_pod(config_volume());
  EXPECT_EQ(traced("files"), Lines{});
  put_config("fast");
  EXPECT_EQ(traced("files"), Lines{"0s files settings: mode=fast"});
  put_config("faster");
  EXPECT_EQ(traced("files").size(), 2u);
}

TEST_F(VolumeUpdateTest, ChangedSecretsInProjectedVolumesAreShown) {
  kube::Secret secret;
  secret.metadata.namespace_ = "default";
  secret.metadata.name = "token";
  secret.data["token"].data = "one";
  ASSERT_TRUE(kube::create(*client_, secret));
  kube::Volume volume;
  volume.name = "access";
  auto& sources = volume.volume_source.projected.emplace().sources;
  sources.emplace_back().secret.emplace().local_object_reference.name = "token";
  run_pod(std::move(volume));
  const auto found = kube::get<kube::Secret>(*client_, secret.key());
  ASSERT_TRUE(found);
  secret.metadata.resource_version = (*found)->metadata.resource_version;
  secret.data["token"].data = "two";
  ASSERT_TRUE(kube::update(*client_, secret));
  time_.settle();
  EXPECT_EQ(traced("files"), Lines{"0s files access: token=two"});
}

TEST_F(VolumeUpdateTest, LabelsOfTheDownwardApiFollowThePod) {
  kube::Volume volume;
  volume.name = "about";
  auto& item = volume.volume_source.downward_api.emplace().items.emplace_back();
  item.path = "tier";
  item.field_ref.emplace().field_path = "metadata.labels['tier']";
  run_pod(std::move(volume));
  kube::Pod changed = *get();
  changed.metadata.labels["tier"] = "silver";
  ASSERT_TRUE(kube::update(*client_, changed));
  time_.settle();
  EXPECT_EQ(traced("files"), Lines{"0s files about: tier=silver"});
}

TEST_F(VolumeUpdateTest, OptionalConfigMapsMayComeAndGo) {
  run_pod(config_volume(true));
  EXPECT_EQ(status_of().ready, true);
  put_config("late");
  delete_config();
  EXPECT_EQ(traced("files"), (Lines{"0s files settings: mode=late", "0s files settings:"}));
}

TEST_F(VolumeUpdateTest, DeletedConfigMapsStayShown) {
  put_config("slow");
  run_pod(config_volume());
  delete_config();
  EXPECT_EQ(traced("files"), Lines{});
  EXPECT_EQ(events("FailedMount"), Lines{"MountVolume.SetUp failed for volume \"settings\" : "
                                         "configmap \"settings\" not found"});
  EXPECT_EQ(status_of().ready, true);
  put_config("again");
  EXPECT_EQ(traced("files"), Lines{"0s files settings: mode=again"});
}

TEST_F(VolumeUpdateTest, ImmutableConfigMapsAreNotLookedAtAgain) {
  put_config("fixed", true);
  run_pod(config_volume());
  delete_config();
  put_config("other");
  EXPECT_EQ(traced("files"), Lines{});
  EXPECT_EQ(events("FailedMount"), Lines{});
}

TEST_F(VolumeUpdateTest, PodsThatWaitForAConfigMapStartWhenItComes) {
  run_pod(config_volume());
  EXPECT_EQ(traced("start"), Lines{});
  put_config("there");
  EXPECT_EQ(traced("start"), Lines{"0s start web/0"});
}

TEST_F(VolumeUpdateTest, ChangesWhileNoKubeletWasThereAreShown) {
  put_config("slow");
  run_pod(config_volume());
  kubelet_.reset();
  put_config("fast");
  start_kubelet();
  EXPECT_EQ(traced("files"), Lines{"0s files settings: mode=fast"});
}

TEST_F(VolumeUpdateTest, FailuresAreToldAndTriedAgain) {
  put_config("slow");
  run_pod(config_volume());
  runtime_.files_error = Error{Reason::kUnavailable, "no space left on device"};
  put_config("fast");
  EXPECT_EQ(events("FailedMount"), Lines{"no space left on device"});
  runtime_.files_error.reset();
  time_.advance(options_.retry_period);
  EXPECT_EQ(traced("files").size(), 2u);
  time_.advance(10 * options_.retry_period);
  EXPECT_EQ(traced("files").size(), 2u);
}

}  // namespace
}  // namespace minato::kubelet
