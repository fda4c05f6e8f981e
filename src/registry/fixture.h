// For tests in this directory: a Registry in memory on virtual time, bootstrapped, and objects to
// put into it.
#pragma once

#include <gtest/gtest.h>

#include "env/virtual_time.h"
#include "kube/json.h"
#include "kube/names.h"
#include "kube/types/apps.h"
#include "kube/types/config.h"
#include "kube/types/policy.h"
#include "kube/types/scheduling.h"
#include "kube/types/service.h"
#include "registry/in_process_client.h"

namespace minato::registry {

class RegistryFixture : public testing::Test {
 protected:
  explicit RegistryFixture(const RegistryOptions& options = {})
      : registry_(*Registry::make(env::Env{time_, time_, log_, env::Rng(1)}, store_, options)),
        in_process_(*registry_) {
    EXPECT_TRUE(registry_->bootstrap());
  }

  static kube::Pod make_pod(const std::string& name) {
    kube::Pod pod;
    pod.metadata.name = name;
    pod.metadata.namespace_ = "default";
    pod.metadata.labels["app"] = "web";
    pod.spec.containers.push_back({"main", "web:1"});
    return pod;
  }
  static kube::Deployment make_deployment(const std::string& name) {
    kube::Deployment deployment;
    deployment.metadata.name = name;
    deployment.metadata.namespace_ = "default";
    deployment.spec.selector.emplace().match_labels["app"] = "web";
    deployment.spec.template_.metadata.labels["app"] = "web";
    deployment.spec.template_.spec = make_pod("").spec;
    return deployment;
  }
  static kube::Service make_service(const std::string& name, const std::string& type) {
    kube::Service service;
    service.metadata.name = name;
    service.metadata.namespace_ = "default";
    service.spec.type = type;
    service.spec.ports.push_back({.port = 80});
    return service;
  }

  template <class T>
  std::shared_ptr<const T> must_create(T object) {
    auto created = kube::create(client_, std::move(object));
    EXPECT_TRUE(created) << created.error().message;
    return created ? *created : std::make_shared<const T>();
  }
  template <class T>
  std::shared_ptr<const T> must_update(T object,
                                       kube::Subresource part = kube::Subresource::kNone) {
    auto updated = kube::update(client_, std::move(object), part);
    EXPECT_TRUE(updated) << updated.error().message;
    return updated ? *updated : std::make_shared<const T>();
  }
  template <class T>
  std::shared_ptr<const T> read(const std::string& name, const std::string& space = "default") {
    const bool cluster = T::static_kind().scope == kube::Scope::kCluster;
    const auto found = kube::get<T>(client_, {cluster ? "" : space, name});
    return found ? *found : nullptr;
  }
  // A Pod on a node, running and ready.
  std::shared_ptr<const kube::Pod> run_pod(const std::string& name) {
    const auto created = must_create(make_pod(name));
    EXPECT_TRUE(client_.bind(created->key(), "", "node-a"));
    kube::Pod pod = *read<kube::Pod>(name);
    pod.status.phase = kube::kPodRunning;
    pod.status.conditions.push_back({.type = "Ready", .status = "True"});
    return must_update(std::move(pod), kube::Subresource::kStatus);
  }

  env::VirtualTime time_;
  env::NullLog log_;
  store::Store store_;
  std::unique_ptr<Registry> registry_;
  InProcessClient in_process_;
  kube::Client& client_ = in_process_;  // With the seam's default arguments.
};

}  // namespace minato::registry
