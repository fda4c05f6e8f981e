// The promises of container::Runtime as tests, the same for every implementation.
//
// A test program gives a factory of worlds and instantiates the suite:
//
//   INSTANTIATE_TEST_SUITE_P(Linux, RuntimeContract, testing::Values(WorldFactory(make_world)));
//
// A factory that cannot make a world here returns null, and the tests skip aloud.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "container/runtime.h"

namespace minato::container {

// An implementation under test with what makes it run.
class RuntimeWorld {
 public:
  virtual ~RuntimeWorld() = default;
  virtual Runtime& runtime() = 0;
  // Destroys the Runtime and makes a new one over the same containers.
  virtual void restart() = 0;
  // Runs the loop until the condition holds; false when it does not within a generous time.
  virtual bool run_until(const std::function<bool()>& condition) = 0;

  // How this world's containers are made to behave.
  enum class Behaviour { kExitsWithThree, kStopsOnSignal, kIgnoresSignal, kCommandIsMissing };
  virtual ContainerConfig container(Behaviour behaviour) = 0;
  virtual std::vector<std::string> command_that_exits_with(int code) = 0;
  // Runs the loop until the container heeds signals: a process that has just been started has not
  // installed its handlers yet.
  virtual void wait_until_ready(const ContainerRef&) {}
};
using WorldFactory = std::function<std::unique_ptr<RuntimeWorld>()>;

class RuntimeContract : public testing::TestWithParam<WorldFactory> {
 protected:
  using Behaviour = RuntimeWorld::Behaviour;

  void SetUp() override {
    world_ = GetParam()();
    if (!world_) GTEST_SKIP() << "this world cannot be made here (it may need root)";
    watch();
  }

  Runtime& runtime() { return world_->runtime(); }

  void restart() {
    world_->restart();
    watch();
  }

  // Calls `start(done)` and runs the loop until the result is there.
  template <class T, class Start>
  Result<T> wait_for(Start start) {
    auto result = std::make_shared<std::optional<Result<T>>>();
    start([result](Result<T> got) { *result = std::move(got); });
    EXPECT_FALSE(result->has_value()) << "called back from inside the call";
    if (!world_->run_until([&] { return result->has_value(); })) {
      return fail(Reason::kTimeout, "no answer");
    }
    return std::move(**result);
  }

  Result<Sandbox> run_sandbox(const std::string& uid) {
    SandboxConfig config;
    config.pod_uid = uid;
    config.pod_namespace = "default";
    config.pod_name = "pod-" + uid;
    config.hostname = config.pod_name;
    config.annotations["kept"] = "yes";
    return wait_for<Sandbox>(
        [&](Done<Sandbox> done) { runtime().run_sandbox(config, std::move(done)); });
  }

  Result<Container> start(const std::string& uid, Behaviour behaviour,
                          const std::string& name = "app", std::uint32_t attempt = 0) {
    ContainerConfig config = world_->container(behaviour);
    config.name = name;
    config.attempt = attempt;
    const auto pulled = wait_for<Image>([&](Done<Image> done) {
      runtime().pull_image(config.image, PullPolicy::kIfNotPresent, std::move(done));
    });
    if (!pulled) return std::unexpected(pulled.error());
    return wait_for<Container>(
        [&](Done<Container> done) { runtime().start_container(uid, config, std::move(done)); });
  }

  Status stop(const ContainerRef& ref, Duration grace) {
    return wait_for<void>(
        [&](DoneStatus done) { runtime().stop_container(ref, grace, std::move(done)); });
  }

  Runtime::Inventory list() {
    auto inventory = wait_for<Runtime::Inventory>(
        [&](Done<Runtime::Inventory> done) { runtime().list(std::move(done)); });
    EXPECT_TRUE(inventory.has_value());
    return inventory ? std::move(*inventory) : Runtime::Inventory{};
  }

  std::optional<Container> find(const ContainerRef& ref) {
    for (const Container& container : list().containers) {
      if (ContainerRef{container.pod_uid, container.name, container.attempt} == ref)
        return container;
    }
    return std::nullopt;
  }

  // The exit as the sink told it.
  std::optional<Container> wait_for_exit(const ContainerRef& ref) {
    std::optional<Container> found;
    world_->run_until([&] {
      for (const Container& event : events_) {
        if (ContainerRef{event.pod_uid, event.name, event.attempt} == ref &&
            event.state == ContainerState::kExited) {
          found = event;
        }
      }
      return found.has_value();
    });
    return found;
  }

  std::vector<Container> events_;  // Outlives the world, whose end may bring more of them.
  std::unique_ptr<RuntimeWorld> world_;

 private:
  void watch() {
    runtime().set_sink([this](const Container& container) { events_.push_back(container); });
  }
};

TEST_P(RuntimeContract, ContainerRunsAndItsExitCodeIsTold) {
  ASSERT_TRUE(run_sandbox("a"));
  const auto started = start("a", Behaviour::kExitsWithThree);
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_TRUE(is_set(started->started_at));
  EXPECT_FALSE(started->id.empty());
  const auto exited = wait_for_exit({"a", "app", 0});
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->exit_code, 3);
  EXPECT_EQ(exited->reason, "Error");
  EXPECT_FALSE(exited->oom_killed);
  EXPECT_GE(exited->finished_at, exited->started_at);
}

TEST_P(RuntimeContract, SandboxIsTheSameWhenRunAgain) {
  const auto first = run_sandbox("a");
  const auto second = run_sandbox("a");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->ip, second->ip);
  EXPECT_EQ(first->created_at, second->created_at);
  EXPECT_EQ(list().sandboxes.size(), 1u);
}

TEST_P(RuntimeContract, StopSignalEndsAContainerThatHeedsIt) {
  ASSERT_TRUE(run_sandbox("a"));
  ASSERT_TRUE(start("a", Behaviour::kStopsOnSignal));
  world_->wait_until_ready({"a", "app", 0});
  ASSERT_TRUE(stop({"a", "app", 0}, 30s));
  const auto exited = wait_for_exit({"a", "app", 0});
  ASSERT_TRUE(exited);
  EXPECT_NE(exited->signal, 9);
  EXPECT_TRUE(stop({"a", "app", 0}, 30s)) << "ending what has ended is success";
}

TEST_P(RuntimeContract, ContainerThatIgnoresTheSignalIsKilledAfterTheGrace) {
  ASSERT_TRUE(run_sandbox("a"));
  ASSERT_TRUE(start("a", Behaviour::kIgnoresSignal));
  world_->wait_until_ready({"a", "app", 0});
  ASSERT_TRUE(stop({"a", "app", 0}, 100ms));
  const auto exited = wait_for_exit({"a", "app", 0});
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->exit_code, 137);
  EXPECT_EQ(exited->signal, 9);
}

TEST_P(RuntimeContract, GraceOfZeroKillsAtOnce) {
  ASSERT_TRUE(run_sandbox("a"));
  ASSERT_TRUE(start("a", Behaviour::kStopsOnSignal));
  ASSERT_TRUE(stop({"a", "app", 0}, 0s));
  const auto exited = wait_for_exit({"a", "app", 0});
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->exit_code, 137);
}

TEST_P(RuntimeContract, MissingCommandIsInvalid) {
  ASSERT_TRUE(run_sandbox("a"));
  const auto started = start("a", Behaviour::kCommandIsMissing);
  ASSERT_TRUE(failed_with(started, Reason::kInvalid));
  EXPECT_NE(started.error().message.find("no such file or directory"), std::string::npos)
      << started.error().message;
}

TEST_P(RuntimeContract, StartingNeedsASandbox) {
  EXPECT_TRUE(failed_with(start("none", Behaviour::kStopsOnSignal), Reason::kNotFound));
}

TEST_P(RuntimeContract, ContainersAreAdoptedAfterARestart) {
  ASSERT_TRUE(run_sandbox("a"));
  const auto running = start("a", Behaviour::kStopsOnSignal, "stays");
  ASSERT_TRUE(running);
  ASSERT_TRUE(start("a", Behaviour::kExitsWithThree, "ends"));
  restart();
  const Runtime::Inventory inventory = list();
  ASSERT_EQ(inventory.sandboxes.size(), 1u);
  EXPECT_EQ(inventory.sandboxes[0].pod_name, "pod-a");
  EXPECT_EQ(inventory.sandboxes[0].annotations.at("kept"), "yes");
  const auto stays = find({"a", "stays", 0});
  ASSERT_TRUE(stays);
  EXPECT_EQ(stays->state, ContainerState::kRunning);
  EXPECT_EQ(stays->id, running->id);
  EXPECT_EQ(stays->started_at, running->started_at);
  ASSERT_TRUE(world_->run_until([&] {
    const auto ends = find({"a", "ends", 0});
    return ends && ends->state == ContainerState::kExited && ends->exit_code == 3;
  }));
  ASSERT_TRUE(stop({"a", "stays", 0}, 0s));
  EXPECT_TRUE(wait_for_exit({"a", "stays", 0}));
}

TEST_P(RuntimeContract, AttemptsOfAContainerAreDistinct) {
  ASSERT_TRUE(run_sandbox("a"));
  ASSERT_TRUE(start("a", Behaviour::kExitsWithThree, "app", 0));
  ASSERT_TRUE(wait_for_exit({"a", "app", 0}));
  ASSERT_TRUE(start("a", Behaviour::kStopsOnSignal, "app", 1));
  EXPECT_EQ(find({"a", "app", 0})->state, ContainerState::kExited);
  EXPECT_EQ(find({"a", "app", 1})->state, ContainerState::kRunning);
}

TEST_P(RuntimeContract, ExecGivesTheExitCode) {
  ASSERT_TRUE(run_sandbox("a"));
  ASSERT_TRUE(start("a", Behaviour::kStopsOnSignal));
  for (const int code : {0, 5}) {
    const auto result = wait_for<ExecResult>([&](Done<ExecResult> done) {
      runtime().exec({"a", "app", 0}, world_->command_that_exits_with(code), 30s, std::move(done));
    });
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->exit_code, code);
  }
  const auto absent = wait_for<ExecResult>([&](Done<ExecResult> done) {
    runtime().exec({"a", "none", 0}, world_->command_that_exits_with(0), 30s, std::move(done));
  });
  EXPECT_TRUE(failed_with(absent, Reason::kNotFound));
}

TEST_P(RuntimeContract, RemovedContainersAndSandboxesAreGone) {
  ASSERT_TRUE(run_sandbox("a"));
  ASSERT_TRUE(start("a", Behaviour::kExitsWithThree, "ends"));
  ASSERT_TRUE(wait_for_exit({"a", "ends", 0}));
  ASSERT_TRUE(start("a", Behaviour::kIgnoresSignal, "runs"));
  EXPECT_TRUE(wait_for<void>(
      [&](DoneStatus done) { runtime().remove_container({"a", "ends", 0}, std::move(done)); }));
  EXPECT_FALSE(find({"a", "ends", 0}));
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(
        wait_for<void>([&](DoneStatus done) { runtime().remove_sandbox("a", std::move(done)); }));
  }
  const Runtime::Inventory inventory = list();
  EXPECT_TRUE(inventory.sandboxes.empty());
  EXPECT_TRUE(inventory.containers.empty());
}

}  // namespace minato::container
