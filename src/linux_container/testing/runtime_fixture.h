// The fixture of LinuxRuntime's tests: one Pod on a World, with everything that was told of it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "linux_container/testing/world.h"

namespace minato::linux_container {

inline constexpr const char* kPod = "11111111-2222-3333-4444-555555555555";

class RuntimeTest : public testing::Test {
 protected:
  void SetUp() override {
    world_ = World::create();
    if (!world_) GTEST_SKIP() << "needs root and crun or runc";
    watch();
  }
  void watch() {
    runtime().set_sink(
        [this](const container::Container& container) { events_.push_back(container); });
  }
  LinuxRuntime& runtime() { return world_->runtime(); }

  template <class T, class Start>
  Result<T> wait_for(Start start) {
    auto result = std::make_shared<std::optional<Result<T>>>();
    start([result](Result<T> got) { *result = std::move(got); });
    if (!world_->run_until([&] { return result->has_value(); })) return fail(Reason::kTimeout, "");
    return std::move(**result);
  }

  static container::SandboxConfig sandbox_config() {
    container::SandboxConfig config;
    config.pod_uid = kPod;
    config.pod_namespace = "default";
    config.pod_name = "shop";
    config.hostname = "shop-host";
    config.dns_servers = {"10.77.0.2"};
    config.dns_searches = {"default.svc.cluster.local"};
    return config;
  }
  void run_sandbox(const container::SandboxConfig& config = sandbox_config()) {
    const auto sandbox =
        wait_for<container::Sandbox>([&](container::Done<container::Sandbox> done) {
          runtime().run_sandbox(config, std::move(done));
        });
    ASSERT_TRUE(sandbox) << sandbox.error().message;
  }
  Result<container::Container> start(const container::ContainerConfig& config) {
    return wait_for<container::Container>([&](container::Done<container::Container> done) {
      runtime().start_container(kPod, config, std::move(done));
    });
  }
  container::Container wait_for_exit(const std::string& name = "app") {
    container::Container found;
    EXPECT_TRUE(world_->run_until([&] {
      const auto it = std::ranges::find_if(events_, [&](const container::Container& event) {
        return event.name == name && event.state == container::ContainerState::kExited;
      });
      if (it != events_.end()) found = *it;
      return it != events_.end();
    }));
    return found;
  }
  container::Container run(const container::ContainerConfig& config) {
    const auto started = start(config);
    EXPECT_TRUE(started) << started.error().message;
    return wait_for_exit(config.name);
  }
  Status stop(Duration grace) {
    return wait_for<void>([&](container::DoneStatus done) {
      runtime().stop_container({kPod, "app", 0}, grace, std::move(done));
    });
  }
  std::string read_log(container::LogOptions options = {}, const std::string& name = "app") {
    std::string text;
    std::unique_ptr<container::Runtime::LogStream> stream;
    const Status read = wait_for<void>([&](container::DoneStatus done) {
      stream = runtime().read_log(
          {kPod, name, 0}, options, [&](std::string_view chunk) { text += chunk; },
          std::move(done));
    });
    EXPECT_TRUE(read) << read.error().message;
    return text;
  }
  std::string output_of(const container::ContainerConfig& config) {
    run(config);
    return read_log();
  }
  Result<container::ExecResult> exec(std::vector<std::string> command, Duration timeout = 30s) {
    return wait_for<container::ExecResult>([&](container::Done<container::ExecResult> done) {
      runtime().exec({kPod, "app", 0}, command, timeout, std::move(done));
    });
  }
  std::vector<container::Container> listed() {
    auto inventory = wait_for<container::Runtime::Inventory>(
        [&](container::Done<container::Runtime::Inventory> done) {
          runtime().list(std::move(done));
        });
    return inventory ? inventory->containers : std::vector<container::Container>{};
  }

  std::vector<container::Container> events_;  // Outlives the world.
  std::unique_ptr<World> world_;
};

}  // namespace minato::linux_container
