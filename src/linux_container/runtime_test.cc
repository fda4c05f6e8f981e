// How containers start, run and end.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "host/process.h"
#include "linux_container/testing/runtime_fixture.h"

namespace minato::linux_container {
namespace {

using container::Container;
using container::ContainerConfig;
using container::ContainerState;
using testing::HasSubstr;

TEST_F(RuntimeTest, ExitCodesAndSignalsAreTold) {
  run_sandbox();
  for (const int code : {0, 41}) {
    ContainerConfig config = world_->payload({"exit", std::to_string(code)});
    config.name = fmt::format("app-{}", code);
    const Container exited = run(config);
    EXPECT_EQ(exited.exit_code, code);
    EXPECT_EQ(exited.signal, 0);
    EXPECT_EQ(exited.reason, code == 0 ? "Completed" : "Error");
  }
  const Container trapped = run(world_->payload({"trap"}));
  EXPECT_NE(trapped.signal, 0);
  EXPECT_EQ(trapped.exit_code, 128 + trapped.signal);
}

TEST_F(RuntimeTest, TerminationMessageIsKept) {
  run_sandbox();
  const Container exited = run(world_->payload({"die", "the database is gone"}));
  EXPECT_EQ(exited.exit_code, 4);
  EXPECT_EQ(exited.message, "the database is gone");
}

TEST_F(RuntimeTest, MemoryBeyondTheLimitIsOOMKilled) {
  run_sandbox();
  ContainerConfig config = world_->payload({"eat", "200"});
  config.resources.memory_limit_bytes = 48 << 20;
  if (world_->cgroups().mode() == host::Cgroups::Mode::kNone) {
    GTEST_SKIP() << "cgroups cannot bound memory here";
  }
  const Container exited = run(config);
  EXPECT_TRUE(exited.oom_killed);
  EXPECT_EQ(exited.reason, "OOMKilled");
  EXPECT_EQ(exited.exit_code, 137);
  world_->restart();
  EXPECT_EQ(listed().at(0).reason, "OOMKilled");
}

TEST_F(RuntimeTest, WhatCannotRunSaysWhy) {
  run_sandbox();
  const auto message = [&](const ContainerConfig& config) {
    const auto started = start(config);
    EXPECT_TRUE(failed_with(started, Reason::kInvalid));
    return started ? "" : started.error().message;
  };
  ContainerConfig config = world_->payload({});
  config.name = "a";
  config.command = {"/nope"};
  EXPECT_EQ(message(config), "exec: \"/nope\": no such file or directory");
  config.name = "b";
  config.command = {"nope"};
  EXPECT_EQ(message(config), "exec: \"nope\": executable file not found in $PATH");
  config.name = "c";
  config.command = {"/etc"};
  EXPECT_THAT(message(config), testing::AnyOf(HasSubstr("denied"), HasSubstr("not permitted")));
  config = world_->payload({});
  config.name = "d";
  world_->images->config.user = "nosuch";
  EXPECT_THAT(message(config), HasSubstr("unable to find user nosuch"));
  world_->images->config.user = "";
  config.security.run_as_non_root = true;
  EXPECT_THAT(message(config), HasSubstr("runAsNonRoot"));
  config = world_->payload({});
  config.name = "e";
  config.security.seccomp = container::SecurityContext::Seccomp::kLocalhost;
  config.security.seccomp_profile = "mine.json";
  EXPECT_THAT(message(config), HasSubstr("cannot load seccomp profile \"mine.json\""));
  const auto containers = listed();
  ASSERT_EQ(containers.size(), 3u) << "those that the runtime tried to run";
  EXPECT_EQ(containers[0].reason, "ContainerCannotRun");
  EXPECT_EQ(containers[0].exit_code, 127);
}

TEST_F(RuntimeTest, StopThatComesDuringTheStartIsKept) {
  run_sandbox();
  bool started = false;
  runtime().start_container(kPod, world_->payload({"stubborn"}),
                            [&](const Result<Container>& result) { started = result.has_value(); });
  EXPECT_TRUE(stop(0s));
  EXPECT_EQ(wait_for_exit().exit_code, 137);
  EXPECT_TRUE(started);
}

TEST_F(RuntimeTest, SecondStopMayShortenTheGrace) {
  run_sandbox();
  ASSERT_TRUE(start(world_->payload({"stubborn"})));
  ASSERT_TRUE(world_->wait_for_output({kPod, "app", 0}, "ready"));
  EXPECT_TRUE(stop(3600s));
  EXPECT_TRUE(stop(50ms));
  EXPECT_TRUE(stop(3600s));
  EXPECT_EQ(wait_for_exit().exit_code, 137);
}

TEST_F(RuntimeTest, PullsOfOneReferenceAreShared) {
  int answers = 0;
  for (int i = 0; i < 5; ++i) {
    runtime().pull_image(
        "test/payload:1", container::PullPolicy::kAlways,
        [&](const Result<container::Image>& image) { answers += image.has_value(); });
  }
  EXPECT_TRUE(world_->run_until([&] { return answers == 5; }));
  EXPECT_EQ(world_->images->pulls, 1);
}

TEST_F(RuntimeTest, RuncServesWhereCrunDoesNot) {
  const auto runc = host::find_program("runc");
  if (!runc) GTEST_SKIP() << runc.error().message;
  world_->options.oci_runtime = *runc;
  world_->restart();
  watch();
  run_sandbox();
  ContainerConfig config = world_->payload({"nothing"});
  config.name = "missing";
  config.command = {"/nope"};
  const auto refused = start(config);
  ASSERT_TRUE(failed_with(refused, Reason::kInvalid));
  EXPECT_EQ(refused.error().message, "exec: \"/nope\": no such file or directory");
  ASSERT_TRUE(start(world_->payload({"sleep"})));
  EXPECT_EQ(exec({"/payload", "exit", "5"})->exit_code, 5);
  EXPECT_EQ(exec({"/nope"})->output, "exec: \"/nope\": no such file or directory");
  ASSERT_TRUE(world_->wait_for_output({kPod, "app", 0}, "ready"));
  ASSERT_TRUE(stop(30s));
  EXPECT_EQ(wait_for_exit().exit_code, 0);
}

TEST_F(RuntimeTest, ManyContainersStartAndEnd) {
  run_sandbox();
  constexpr int kContainers = 100;
  int started = 0;
  for (int i = 0; i < kContainers; ++i) {
    ContainerConfig config = world_->payload({"exit", "0"});
    config.name = fmt::format("quick-{}", i);
    runtime().start_container(
        kPod, config, [&](const Result<Container>& result) { started += result.has_value(); });
  }
  const auto exited = [&] {
    return std::ranges::count(events_, ContainerState::kExited, &Container::state);
  };
  EXPECT_TRUE(world_->run_until([&] { return started == kContainers && exited() == kContainers; }));
}

}  // namespace
}  // namespace minato::linux_container
