// A Node's world for the kubelet's tests: the real in-process API in virtual time over a
// FakeRuntime.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "env/virtual_time.h"
#include "kubelet/fake_runtime.h"
#include "kubelet/kubelet.h"
#include "registry/in_process_client.h"

namespace minato::kubelet {

class KubeletTest : public testing::Test {
 protected:
  KubeletTest() {
    auto made = registry::Registry::make(env_.fork("registry"), store_);
    CHECK(made.has_value(), "{}", made.error().message);
    registry_ = *std::move(made);
    CHECK(registry_->bootstrap().has_value(), "bootstrap");
    client_ = std::make_unique<registry::InProcessClient>(*registry_);
    informers_ = std::make_unique<informer::Informers>(*client_);
    feed_ = std::make_unique<PodFeed>(*informers_);
    CHECK(informers_->start().has_value(), "informers");
    options_.node_name = "node-a";
    options_.private_ip = "10.77.1.11";
    options_.provider_id = "aws:///ap-northeast-1a/i-1";
    options_.capacity = {.cpu_milli = 2000, .memory_bytes = std::int64_t{4} << 30, .pods = 10};
    options_.metrics_interval = {};
    time_.set_step_limit(200'000);
  }

  void start_kubelet() {
    kubelet_ = std::make_unique<Kubelet>(env_, *client_, *feed_, runtime_, options_);
    kubelet_->start();
    time_.settle();
  }

  static kube::Container container(const std::string& name) {
    kube::Container out;
    out.name = name;
    out.image = "registry.local/" + name + ":1";
    return out;
  }
  static kube::Container sidecar(const std::string& name) {
    kube::Container out = container(name);
    out.restart_policy = "Always";
    return out;
  }
  static kube::Pod pod(const std::string& name = "web") {
    kube::Pod out;
    out.metadata.namespace_ = "default";
    out.metadata.name = name;
    out.spec.node_name = "node-a";
    out.spec.containers.push_back(container(name));
    return out;
  }
  static kube::Probe http_probe(std::int32_t period = 10) {
    kube::Probe out;
    kube::HTTPGetAction& action = out.probe_handler.http_get.emplace();
    action.path = "/healthz";
    action.port.value = 8080;
    out.period_seconds = period;
    out.timeout_seconds = 1;
    out.success_threshold = 1;
    out.failure_threshold = 3;
    return out;
  }

  void create(kube::Pod wanted) {
    const auto made = kube::create(*client_, std::move(wanted));
    ASSERT_TRUE(made.has_value()) << made.error().message;
    time_.settle();
  }
  std::shared_ptr<const kube::Pod> get(const std::string& name = "web") {
    return kube::get<kube::Pod>(*client_, {"default", name}).value_or(nullptr);
  }
  void remove(const std::string& name = "web", std::optional<std::int64_t> grace = {}) {
    const Status removed = client_->remove(kube::Pod::static_kind(), {"default", name},
                                           {.grace_period_seconds = grace});
    ASSERT_TRUE(removed.has_value()) << removed.error().message;
    time_.settle();
  }
  const kube::ContainerStatus& status_of(const std::string& name = "web") {
    last_ = get(name);
    CHECK(last_ && !last_->status.container_statuses.empty(), "no status of {}", name);
    return last_->status.container_statuses[0];
  }
  std::string waiting_reason(const std::string& name = "web") {
    const kube::ContainerState& state = status_of(name).state;
    return state.waiting ? state.waiting->reason : "";
  }
  std::string condition(const std::string& type, const std::string& name = "web") {
    const auto found = get(name);
    for (const kube::PodCondition& one : found->status.conditions) {
      if (one.type == type) return one.status;
    }
    return "";
  }
  // Everything asked of the runtime whose text contains `part`.
  std::vector<std::string> traced(const std::string& part = {}) {
    std::vector<std::string> out;
    for (const std::string& line : runtime_.trace()) {
      if (line.find(part) != std::string::npos) out.push_back(line);
    }
    return out;
  }
  std::vector<std::string> events(const std::string& reason) {
    std::vector<std::string> out;
    const auto found = kube::list<kube::Event>(*client_);
    for (const auto& event : found.value()) {
      if (event->reason == reason) out.push_back(event->message);
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  env::VirtualTime time_;
  env::NullLog log_;
  env::Env env_{time_, time_, log_, env::Rng(1)};
  store::Store store_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<registry::InProcessClient> client_;
  std::unique_ptr<informer::Informers> informers_;
  std::unique_ptr<PodFeed> feed_;
  Options options_;
  FakeRuntime runtime_{time_, time_};
  std::unique_ptr<Kubelet> kubelet_;
  std::shared_ptr<const kube::Pod> last_;
};

using Lines = std::vector<std::string>;

}  // namespace minato::kubelet
