// Containers that are added to a running Pod.
#include "kubelet/test_world.h"

namespace minato::kubelet {
namespace {

class EphemeralTest : public KubeletTest {
 protected:
  void add(const std::string& name, const std::string& target = {}) {
    kube::Pod changed = *get();
    kube::EphemeralContainer& added = changed.spec.ephemeral_containers.emplace_back();
    added.ephemeral_container_common.name = name;
    added.ephemeral_container_common.image = "registry.local/shell:1";
    added.target_container_name = target;
    const auto written = kube::update(*client_, std::move(changed),
                                      kube::Subresource::kEphemeralContainers);
    ASSERT_TRUE(written) << written.error().message;
    time_.settle();
  }
  const kube::ContainerStatus& ephemeral_status(std::size_t index = 0) {
    last_ = get();
    return last_->status.ephemeral_container_statuses.at(index);
  }
};

TEST_F(EphemeralTest, StartsInTheRunningPodAndChangesNothingElseOfIt) {
  start_kubelet();
  create(pod());
  add("debugger");
  EXPECT_TRUE(ephemeral_status().state.running);
  EXPECT_FALSE(ephemeral_status().ready);
  EXPECT_EQ(status_of().restart_count, 0);
  EXPECT_EQ(get()->status.phase, "Running");
  EXPECT_EQ(condition("Ready"), "True");
  EXPECT_TRUE(kubelet_->container_ref({"default", "web"}, "debugger"));
}

TEST_F(EphemeralTest, IsNotStartedAgain) {
  start_kubelet();
  create(pod());
  add("debugger");
  runtime_.exit_now("debugger", 1);
  time_.advance(10min);
  ASSERT_TRUE(ephemeral_status().state.terminated);
  EXPECT_EQ(ephemeral_status().state.terminated->exit_code, 1);
  EXPECT_EQ(traced("start debugger").size(), 1u);
  EXPECT_EQ(get()->status.phase, "Running");
  add("another");
  EXPECT_TRUE(ephemeral_status(1).state.running);
}

TEST_F(EphemeralTest, IsKnownAgainAfterARestartOfTheKubelet) {
  start_kubelet();
  create(pod());
  add("debugger");
  kubelet_.reset();
  start_kubelet();
  EXPECT_TRUE(ephemeral_status().state.running);
  EXPECT_EQ(traced("start debugger").size(), 1u);
}

TEST_F(EphemeralTest, WaitsForItsTarget) {
  start_kubelet();
  create(pod());
  runtime_.exit_now("web", 1);
  time_.settle();
  runtime_.exit_now("web", 1);  // From now on it waits for its next try.
  time_.settle();
  ASSERT_FALSE(status_of().state.running);
  add("debugger", "web");
  EXPECT_FALSE(ephemeral_status().state.running);
  time_.advance(1min);
  EXPECT_TRUE(status_of().state.running);
  EXPECT_TRUE(ephemeral_status().state.running);
}

TEST_F(EphemeralTest, EndsWithThePod) {
  start_kubelet();
  create(pod());
  add("debugger");
  remove();
  time_.advance(1min);
  EXPECT_EQ(get(), nullptr);
  EXPECT_EQ(traced("stop debugger").size(), 1u);
}

}  // namespace
}  // namespace minato::kubelet
