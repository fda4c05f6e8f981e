// The pure parts: environment, volumes, resources, back-off, DNS.

#include <gtest/gtest.h>

#include "kubelet/admission.h"
#include "kubelet/backoff.h"
#include "kubelet/container_config.h"
#include "kubelet/node_metrics.h"
#include "kubelet/resources.h"

namespace minato::kubelet {
namespace {

class PartsTest : public testing::Test {
 protected:
  PartsTest() {
    pod_.metadata.namespace_ = "shop";
    pod_.metadata.name = "web-1";
    pod_.metadata.uid = "u-1";
    pod_.metadata.labels = {{"app", "web"}, {"tier", "front"}};
    pod_.spec.node_name = "node-a";
    container_.name = "web";
    container_.resources.limits["memory"] = kube::Quantity::bytes(64 << 20);
    pod_.spec.containers.push_back(container_);
  }
  PodFacts facts() const { return {pod_, "10.0.0.1", "10.77.1.11", {2000, 4 << 20, 10}}; }
  ConfigSources sources() const {
    return {.config_map = [this](const kube::ObjectKey& key) {
              return key == config_map_.key() ? std::make_shared<const kube::ConfigMap>(config_map_)
                                              : nullptr;
            },
            .secret = [this](const kube::ObjectKey& key) {
              return key == secret_.key() ? std::make_shared<const kube::Secret>(secret_) : nullptr;
            },
            .services = [this](const std::string& name_space) {
              return name_space == "shop" ? services_
                                          : std::vector<std::shared_ptr<const kube::Service>>{};
            }};
  }
  void add_env(const std::string& name, const std::string& value) {
    kube::EnvVar variable;
    variable.name = name;
    variable.value = value;
    container_.env.push_back(variable);
  }
  void add_field(const std::string& name, const std::string& path) {
    kube::EnvVar variable;
    variable.name = name;
    variable.value_from.ensure().field_ref.ensure().field_path = path;
    container_.env.push_back(variable);
  }
  std::string value(const std::string& name) const {
    const auto built = build_environment(facts(), container_, sources());
    if (!built) return "error: " + built.error().message;
    for (const auto& [key, text] : *built) {
      if (key == name) return text;
    }
    return "(none)";
  }

  kube::Pod pod_;
  kube::Container container_;
  kube::ConfigMap config_map_;
  kube::Secret secret_;
  std::vector<std::shared_ptr<const kube::Service>> services_;
};

TEST_F(PartsTest, VariablesExpandInOrder) {
  add_env("A", "1");
  add_env("B", "$(A)-$(C)-$$(A)-$x");
  add_env("C", "$(B)");
  EXPECT_EQ(value("B"), "1-$(C)-$(A)-$x");
  EXPECT_EQ(value("C"), "1-$(C)-$(A)-$x");
}

TEST_F(PartsTest, FieldsAndResourcesOfTheDownwardApi) {
  add_field("LABEL", "metadata.labels['app']");
  add_field("IP", "status.podIP");
  add_field("NODE", "spec.nodeName");
  add_field("BAD", "status.phase");
  EXPECT_EQ(value("BAD"), "error: unsupported fieldPath: status.phase");
  container_.env.pop_back();
  EXPECT_EQ(value("LABEL"), "web");
  EXPECT_EQ(value("IP"), "10.0.0.1");
  EXPECT_EQ(value("NODE"), "node-a");
  kube::ResourceFieldSelector field;
  field.resource = "limits.memory";
  field.divisor = kube::Quantity::bytes(1 << 20);
  EXPECT_EQ(*resource_value(facts(), field, "web"), "64");
  field.resource = "limits.cpu";  // Not set: the Node's allocatable stands for it.
  field.divisor = {};
  EXPECT_EQ(*resource_value(facts(), field, "web"), "2");
  EXPECT_EQ(*field_value(facts(), "metadata.labels"), "app=\"web\"\ntier=\"front\"");
}

TEST_F(PartsTest, EnvFromWithPrefixIsBelowEnv) {
  config_map_.metadata.namespace_ = "shop";
  config_map_.metadata.name = "settings";
  config_map_.data = {{"MODE", "blue"}, {"SIZE", "3"}};
  kube::EnvFromSource from;
  from.prefix = "APP_";
  from.config_map_ref.ensure().local_object_reference.name = "settings";
  container_.env_from.push_back(from);
  add_env("APP_SIZE", "4");
  EXPECT_EQ(value("APP_MODE"), "blue");
  EXPECT_EQ(value("APP_SIZE"), "4");
  container_.env_from[0].config_map_ref->local_object_reference.name = "other";
  EXPECT_EQ(value("APP_MODE"), "error: configmap \"other\" not found");
  container_.env_from[0].config_map_ref->optional = true;
  EXPECT_EQ(value("APP_MODE"), "(none)");
}

TEST_F(PartsTest, MissingKeysAreNamed) {
  secret_.metadata.namespace_ = "shop";
  secret_.metadata.name = "login";
  kube::EnvVar variable;
  variable.name = "PASSWORD";
  auto& selector = variable.value_from.ensure().secret_key_ref.ensure();
  selector.local_object_reference.name = "login";
  selector.key = "password";
  container_.env.push_back(variable);
  EXPECT_EQ(value("PASSWORD"), "error: couldn't find key password in Secret shop/login");
  secret_.data["password"].data = "x";
  EXPECT_EQ(value("PASSWORD"), "x");
}

TEST_F(PartsTest, ServiceLinksCanBeTurnedOff) {
  auto service = std::make_shared<kube::Service>();
  service->metadata.namespace_ = "shop";
  service->metadata.name = "cart-api";
  service->spec.cluster_ip = "10.100.0.9";
  kube::ServicePort port;
  port.name = "http";
  port.port = 80;
  service->spec.ports.push_back(port);
  services_.push_back(service);
  EXPECT_EQ(value("CART_API_SERVICE_HOST"), "10.100.0.9");
  EXPECT_EQ(value("CART_API_PORT_80_TCP"), "tcp://10.100.0.9:80");
  pod_.spec.enable_service_links = false;
  EXPECT_EQ(value("CART_API_SERVICE_HOST"), "(none)");
}

TEST_F(PartsTest, VolumesBecomeMounts) {
  config_map_.metadata.namespace_ = "shop";
  config_map_.metadata.name = "settings";
  config_map_.data = {{"a.conf", "A"}, {"b.conf", "B"}};
  kube::Volume projected;
  projected.name = "all";
  auto& source = projected.volume_source.projected.ensure();
  source.sources.resize(2);
  auto& from_map = source.sources[0].config_map.ensure();
  from_map.local_object_reference.name = "settings";
  from_map.items.push_back({.key = "a.conf", .path = "conf/a"});
  kube::DownwardAPIVolumeFile file;
  file.path = "name";
  file.field_ref.ensure().field_path = "metadata.name";
  source.sources[1].downward_api.ensure().items.push_back(file);
  kube::Volume scratch;
  scratch.name = "tmp";
  scratch.volume_source.empty_dir.ensure().medium = "Memory";
  pod_.spec.volumes = {projected, scratch};
  const auto volumes = build_volumes(facts(), sources());
  ASSERT_TRUE(volumes.has_value()) << volumes.error().message;
  kube::VolumeMount mount;
  mount.name = "all";
  mount.mount_path = "/etc/app";
  mount.sub_path_expr = "$(POD)";
  container_.volume_mounts = {mount};
  mount = {};
  mount.name = "tmp";
  mount.mount_path = "/tmp";
  container_.volume_mounts.push_back(mount);
  const auto mounts = build_mounts(container_, *volumes, {{"POD", "web-1"}});
  ASSERT_TRUE(mounts.has_value());
  EXPECT_EQ((*mounts)[0].files,
            (std::map<std::string, container::VolumeFile>{{"conf/a", {"A"}}, {"name", {"web-1"}}}));
  EXPECT_EQ((*mounts)[0].sub_path, "web-1");
  EXPECT_TRUE((*mounts)[0].read_only);
  EXPECT_TRUE((*mounts)[1].memory_medium);
  EXPECT_FALSE((*mounts)[1].read_only);
}

TEST_F(PartsTest, VolumesThatCannotBeMadeSayWhy) {
  kube::Volume volume;
  volume.name = "data";
  volume.volume_source.persistent_volume_claim.ensure().claim_name = "data";
  pod_.spec.volumes = {volume};
  const auto built = build_volumes(facts(), sources());
  ASSERT_FALSE(built.has_value());
  EXPECT_TRUE(built.error().message.starts_with(
      "MountVolume.SetUp failed for volume \"data\" : this kind of volume is not supported"));
}

TEST_F(PartsTest, RequestsCountSidecarsAndTheInitPeak) {
  const auto with_cpu = [](std::int64_t milli) {
    kube::Container out;
    out.resources.requests["cpu"] = kube::Quantity::milli(milli);
    return out;
  };
  pod_.spec.containers = {with_cpu(100)};
  kube::Container sidecar = with_cpu(50);
  sidecar.restart_policy = "Always";
  pod_.spec.init_containers = {with_cpu(120), sidecar, with_cpu(200)};
  EXPECT_EQ(pod_requests(pod_).cpu_milli, 250);
  pod_.spec.init_containers.pop_back();
  EXPECT_EQ(pod_requests(pod_).cpu_milli, 150);
}

TEST_F(PartsTest, HostPortsAreGivenOnce) {
  Options options;
  options.capacity = {2000, 4 << 20, 10};
  kube::ContainerPort port;
  port.container_port = 8080;
  port.host_port = 80;
  pod_.spec.containers[0].ports.push_back(port);
  pod_.spec.containers[0].resources = {};
  EXPECT_FALSE(admit(pod_, {}, options));
  EXPECT_EQ(admit(pod_, {&pod_}, options)->reason, "NodePorts");
  options.capacity.pods = 1;
  EXPECT_EQ(admit(pod_, {&pod_}, options)->reason, "OutOfpods");
}

TEST_F(PartsTest, ClusterFirstSearchesTheNamespaceFirst) {
  Options options;
  options.dns_server = "10.100.0.10";
  const auto config = build_sandbox_config(pod_, options);
  EXPECT_EQ(config.dns_servers, std::vector<std::string>{"10.100.0.10"});
  EXPECT_EQ(config.dns_searches, (std::vector<std::string>{"shop.svc.cluster.local",
                                                           "svc.cluster.local", "cluster.local"}));
  pod_.spec.dns_policy = "Default";
  EXPECT_TRUE(build_sandbox_config(pod_, options).dns_servers.empty());
}

TEST_F(PartsTest, SeccompIsThatOfTheContainerThenThePodThenTheRuntime) {
  using Seccomp = container::SecurityContext::Seccomp;
  const auto seccomp = [this] {
    return build_container_config(facts(), container_, 0, {}, sources())->security.seccomp;
  };
  EXPECT_EQ(seccomp(), Seccomp::kRuntimeDefault);
  pod_.spec.security_context.ensure().seccomp_profile.ensure().type = "Unconfined";
  EXPECT_EQ(seccomp(), Seccomp::kUnconfined);
  container_.security_context.ensure().seccomp_profile.ensure().type = "RuntimeDefault";
  EXPECT_EQ(seccomp(), Seccomp::kRuntimeDefault);
  container_.security_context->seccomp_profile->type = "Localhost";
  EXPECT_EQ(seccomp(), Seccomp::kLocalhost);
}

TEST(BackoffTest, DurationsAreWrittenAsGoDoes) {
  EXPECT_EQ(go_duration(10s), "10s");
  EXPECT_EQ(go_duration(80s), "1m20s");
  EXPECT_EQ(go_duration(300s), "5m0s");
  EXPECT_EQ(go_duration(1500ms), "1.5s");
  EXPECT_EQ(go_duration(20ms), "20ms");
}

TEST(NodeMetricsTest, ACounterThatWentBackIsANewProcess) {
  container::NodeStats earlier{.at = WallTime(10s), .cpu_usage_ns = 1'000'000'000};
  container::NodeStats later{.at = WallTime(20s), .cpu_usage_ns = 500'000'000};
  EXPECT_EQ(usage_between(earlier, later)->cpu_milli, 50);
  EXPECT_FALSE(usage_between(later, earlier));
}

}  // namespace
}  // namespace minato::kubelet
