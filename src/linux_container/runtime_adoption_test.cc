// What is found and mended after a Runtime, a shim or a Node has ended.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "base/strings.h"
#include "host/files.h"
#include "linux_container/shim_process.h"
#include "linux_container/testing/runtime_fixture.h"

namespace minato::linux_container {
namespace {

using container::Container;
using container::ContainerConfig;
using container::ContainerState;
using testing::HasSubstr;

TEST_F(RuntimeTest, ExitsWhileNobodyWatchedAreFound) {
  run_sandbox();
  ContainerConfig config = world_->payload({"exit", "7"});
  ASSERT_TRUE(start(config));
  world_->stop_runtime();
  const std::string status = world_->pod_run_dir(kPod) + "/containers/app-0/status.json";
  ASSERT_TRUE(world_->run_until(
      [&] { return host::read_file(status)->find("exited") != std::string::npos; }));
  world_->start_runtime();
  const auto containers = listed();
  ASSERT_EQ(containers.size(), 1u);
  EXPECT_EQ(containers[0].state, ContainerState::kExited);
  EXPECT_EQ(containers[0].exit_code, 7);
}

// The number here of the container's process. Its pid file counts in the Pod's PID namespace, where
// the same number is another process than here; the kernel tells both (proc(5), NSpid). There is
// one Pod, so the second number names the process. The shim's children do not: an intermediate
// process of the OCI runtime may be among them for a moment.
Result<pid_t> container_process(const std::string& pid_file) {
  ASSIGN_OR_RETURN(const std::string in_pod, host::read_file(pid_file));
  std::error_code error;
  for (const auto& item : std::filesystem::directory_iterator("/proc", error)) {
    const auto pid = parse_int(item.path().filename().string());
    if (!pid) continue;
    const auto status = host::read_file(item.path().string() + "/status");  // It may just end.
    const auto names = fmt::format("\nNSpid:\t{}\t{}\t", *pid, trim(in_pod));
    if (status && status->contains(names)) return static_cast<pid_t>(*pid);
  }
  return fail(Reason::kNotFound, "no process is number " + in_pod + " of a Pod");
}

TEST_F(RuntimeTest, ExitBetweenTheFilesAndTheConnectionIsFound) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"sleep"})));
  const auto shim = find_shim(world_->pod_run_dir(kPod) + "/shim.pid");
  ASSERT_TRUE(shim);
  const auto pid = container_process(world_->pod_run_dir(kPod) + "/containers/app-0/pid");
  ASSERT_TRUE(pid) << pid.error().message;
  // The shim stands still: the new Runtime connects and reads that the container runs. Afterwards
  // the shim hears of the end before it gets round to the connection.
  world_->stop_runtime();
  ASSERT_EQ(::kill(shim->pid, SIGSTOP), 0);
  ASSERT_EQ(::kill(*pid, SIGKILL), 0);
  const std::string stat = fmt::format("/proc/{}/stat", *pid);
  ASSERT_TRUE(world_->run_until(
      [&] { return host::read_file(stat).value_or("").find(") Z ") != std::string::npos; }));
  world_->start_runtime();
  watch();
  EXPECT_EQ(listed().at(0).state, ContainerState::kRunning);
  ASSERT_EQ(::kill(shim->pid, SIGCONT), 0);
  EXPECT_EQ(wait_for_exit().signal, SIGKILL);
  EXPECT_EQ(listed().at(0).state, ContainerState::kExited);
}

TEST_F(RuntimeTest, DeathOfTheShimEndsItsContainers) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"stubborn"})));
  ::kill(find_shim(world_->pod_run_dir(kPod) + "/shim.pid")->pid, SIGKILL);
  const Container exited = wait_for_exit();
  EXPECT_EQ(exited.reason, "Error");
  EXPECT_EQ(exited.exit_code, 137);
  EXPECT_THAT(exited.message, HasSubstr("supervised"));
  // The sandbox comes back for the next attempt.
  run_sandbox();
  ContainerConfig next = world_->payload({"exit", "0"});
  next.attempt = 1;
  next.name = "next";
  EXPECT_EQ(run(next).exit_code, 0);
  EXPECT_EQ(listed().size(), 2u);
}

TEST_F(RuntimeTest, DeathOfTheShimWhileNobodyWatchedIsFound) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"stubborn"})));
  world_->stop_runtime();
  auto shim = find_shim(world_->pod_run_dir(kPod) + "/shim.pid");
  ASSERT_TRUE(shim);
  ::kill(shim->pid, SIGKILL);
  world_->start_runtime();
  watch();
  ASSERT_TRUE(world_->run_until([&] {
    const auto containers = listed();
    return containers.size() == 1 && containers[0].state == ContainerState::kExited;
  }));
  EXPECT_EQ(listed()[0].reason, "Error");
}

TEST_F(RuntimeTest, KillingTheNodesCgroupLeavesNothingBehind) {
  if (world_->cgroups().mode() == host::Cgroups::Mode::kNone) {
    GTEST_SKIP() << "cgroups are not available here";
  }
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"stubborn"})));
  ASSERT_TRUE(world_->cgroups().kill(world_->options.cgroup));
  EXPECT_EQ(wait_for_exit().reason, "Error");
  EXPECT_FALSE(find_shim(world_->pod_run_dir(kPod) + "/shim.pid"));
}

TEST_F(RuntimeTest, UnfinishedPodDirectoriesAreRemoved) {
  world_->stop_runtime();
  const std::string stale = world_->pod_run_dir("stale");
  ASSERT_TRUE(host::make_directories(stale + "/containers/app-0"));
  world_->start_runtime();
  EXPECT_TRUE(world_->run_until([&] { return !std::filesystem::exists(stale); }));
}

TEST_F(RuntimeTest, DestroyedRuntimeDropsCallbacks) {
  run_sandbox();
  runtime().start_container(kPod, world_->payload({"sleep"}),
                            [](const Result<Container>&) { ADD_FAILURE() << "must be dropped"; });
  runtime().list([](const Result<container::Runtime::Inventory>&) { ADD_FAILURE(); });
  world_->restart();
  EXPECT_TRUE(listed().size() <= 1u);
}

}  // namespace
}  // namespace minato::linux_container
