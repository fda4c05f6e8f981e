// Real holders, whose control is a shell script. Where namespaces are not allowed, the tests say
// so and skip.
#include "linux_net/holder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/strings.h"
#include "base/time.h"
#include "host/cgroup.h"
#include "host/files.h"
#include "host/process.h"

namespace minato::linux_net {
namespace {

class HolderTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/minato-test-XXXXXX";
    dir_ = ::mkdtemp(pattern);
  }
  void TearDown() override {
    if (holder_) {
      EXPECT_TRUE(stop_holder(*holder_));
    }
    EXPECT_TRUE(host::remove_tree(dir_));
  }
  HolderOptions options(const std::string& script) {
    return {.state_dir = dir_ + "/state",
            .run_dir = dir_ + "/run",
            .control = {"/bin/sh", "-c", script},
            .environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "D=" + dir_},
            .log_file = dir_ + "/log"};
  }
  // False (and the test skips) where the host does not allow it.
  bool start(const HolderOptions& options) {
    auto started = start_holder(options);
    if (!started && is(started.error(), Reason::kForbidden) && ::geteuid() != 0) {
      skip_reason_ = started.error().message;
      return false;
    }
    EXPECT_TRUE(started) << started.error().message << "\n" << log();
    if (started) holder_ = *started;
    return started.has_value();
  }
  std::string log() { return host::read_file(dir_ + "/log").value_or(""); }
  // The content of a file that control writes, as soon as it has a whole line.
  std::string await(const std::string& name) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < deadline) {
      const std::string text = host::read_file(dir_ + "/" + name).value_or("");
      if (text.ends_with('\n')) return std::string(trim(text));
      std::this_thread::sleep_for(5ms);
    }
    ADD_FAILURE() << name << " did not appear; log:\n" << log();
    return {};
  }
  void await_end() {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (is_alive(*holder_) && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(5ms);
    }
    EXPECT_FALSE(is_alive(*holder_)) << log();
  }
  std::string dir_;
  std::string skip_reason_;
  std::optional<HolderInfo> holder_;
};

#define START_OR_SKIP(options) \
  if (!start(options)) GTEST_SKIP() << skip_reason_

ino_t namespace_of(const std::string& pid, const std::string& kind) {
  struct stat info{};
  ::stat(fmt::format("/proc/{}/ns/{}", pid, kind).c_str(), &info);
  return info.st_ino;
}

TEST_F(HolderTest, ControlRunsInNamespacesOfItsOwn) {
  START_OR_SKIP(
      options("echo $PPID $(id -u) > $D/ids; ls /sys > /dev/null; cat /proc/self/mounts "
              "> $D/mounts; exec sleep 1000"));
  EXPECT_EQ(await("ids"), "1 0");
  const std::string pid = std::to_string(holder_->process.pid);
  for (const char* kind : {"user", "net", "mnt", "pid_for_children"}) {
    EXPECT_NE(namespace_of(pid, kind), namespace_of("self", kind)) << kind;
  }
  EXPECT_NE(await("mounts").find("tmpfs /run tmpfs"), std::string::npos);
  const std::string title = host::read_file(fmt::format("/proc/{}/cmdline", pid)).value_or("");
  EXPECT_TRUE(title.starts_with("minato holder")) << title;
}

TEST_F(HolderTest, FindsTheRunningHolderAgain) {
  START_OR_SKIP(options("exec sleep 1000"));
  const auto found = find_holder(dir_ + "/state");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->process, holder_->process);
  EXPECT_EQ(found->note, holder_->note);
  ASSERT_TRUE(stop_holder(*holder_));
  EXPECT_TRUE(failed_with(find_holder(dir_ + "/state"), Reason::kNotFound));
}

TEST_F(HolderTest, ASecondOneForTheSameStateIsRefused) {
  START_OR_SKIP(options("exec sleep 1000"));
  EXPECT_TRUE(failed_with(start_holder(options("exec sleep 1000")), Reason::kAlreadyExists));
  EXPECT_TRUE(is_alive(*holder_));
  ASSERT_TRUE(stop_holder(*holder_));
  START_OR_SKIP(options("exec sleep 1000"));
}

TEST_F(HolderTest, RestartsAControlThatDies) {
  START_OR_SKIP(
      options("echo x >> $D/starts; [ $(wc -l < $D/starts) -ge 3 ] && "
              "echo done > $D/third && exec sleep 1000; kill -9 $$"));
  EXPECT_EQ(await("third"), "done");
  EXPECT_NE(log().find("control was ended by signal 9; starting it again in 100ms"),
            std::string::npos);
  EXPECT_NE(log().find("starting it again in 200ms"), std::string::npos);
  EXPECT_TRUE(is_alive(*holder_));
}

TEST_F(HolderTest, WhatControlStartedOutlivesItAndIsReaped) {
  // The first control leaves an orphan; the second one looks for it.
  START_OR_SKIP(
      options("if [ -e $D/first ]; then cat /proc/$(cat $D/first)/stat | cut -d' ' -f4 > "
              "$D/parent; exec sleep 1000; fi; sleep 1000 & echo $! > $D/first; exit 1"));
  EXPECT_EQ(await("parent"), "1");
}

TEST_F(HolderTest, EndsWithControlsSuccess) {
  START_OR_SKIP(options("sleep 1000 & sleep 0.05; exit 0"));
  await_end();
}

TEST_F(HolderTest, EndsOnTermination) {
  START_OR_SKIP(options("trap '' TERM; echo up > $D/up; while :; do sleep 1; done"));
  await("up");
  ASSERT_EQ(::kill(holder_->process.pid, SIGTERM), 0);
  await_end();
}

TEST_F(HolderTest, KillingItLeavesNothing) {
  START_OR_SKIP(
      options("ip link add minato-t0 type veth peer name minato-t1 && "
              "mkdir -p /run/netns && ip netns add minato-test && "
              "mkdir $D/mnt && mount -t tmpfs none $D/mnt && touch $D/mnt/inside && "
              "echo made > $D/up; sleep 1000 & sleep 1000 & wait"));
  EXPECT_EQ(await("up"), "made");
  const ino_t netns = namespace_of(std::to_string(holder_->process.pid), "net");
  EXPECT_NE(::access((dir_ + "/mnt/inside").c_str(), F_OK), 0) << "the mount must stay inside";
  EXPECT_NE(::access("/run/netns/minato-test", F_OK), 0);
  ASSERT_TRUE(stop_holder(*holder_));
  const auto processes = host::run_command({"sh", "-c", "readlink /proc/[0-9]*/ns/net"});
  EXPECT_EQ(processes->output.find(std::to_string(netns)), std::string::npos);
  const auto links = host::run_command({"ip", "link"});
  EXPECT_EQ(links->output.find("minato-t0"), std::string::npos);
}

TEST_F(HolderTest, NetworkingWorksInside) {
  START_OR_SKIP(options(
      "{ ip link add b0 type bridge && nft add table ip t && nft add chain ip t c '{ type nat hook "
      "postrouting priority 100; }' && nft add rule ip t c masquerade && mkdir $D/l $D/u $D/w $D/m "
      "&& mount -t overlay overlay -o lowerdir=$D/l,upperdir=$D/u,workdir=$D/w $D/m && echo ok; } "
      "> $D/result 2>&1; exec sleep 1000"));
  EXPECT_EQ(await("result"), "ok");
  ASSERT_TRUE(stop_holder(*holder_));
  // The overlay's work directory has a directory without permissions, which only root may remove.
  (void)host::run_command({"chmod", "-R", "u+rwx", dir_});
}

// Other tests of this program as control: a whole network and machines in the holder's namespaces.
TEST_F(HolderTest, AWorldRunsInside) {
  HolderOptions world = options("");
  char program[4096] = {};
  ASSERT_GT(::readlink("/proc/self/exe", program, sizeof program - 1), 0);
  world.control = {program,
                   "--gtest_filter=ServiceRulesTest.HairpinIsMasqueraded:"
                   "InstancesTest.TerminationEndsWhatRunsThereAndLeavesNothing"};
  START_OR_SKIP(world);
  await_end();
  EXPECT_NE(log().find("[  PASSED  ] 2 tests."), std::string::npos) << log();
}

TEST_F(HolderTest, ControlGroupsOfTheHostStayWritableForRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  if (host::Cgroups::detect("minato-test-holder").mode() != host::Cgroups::Mode::kV1) {
    GTEST_SKIP() << "the host has no control groups of version 1";
  }
  const std::string group = fmt::format("/sys/fs/cgroup/cpu/minato-test-{}", ::getpid());
  START_OR_SKIP(options(fmt::format(
      "{{ mkdir {0} && echo 20000 > {0}/cpu.cfs_quota_us && cat {0}/cpu.cfs_quota_us; rmdir {0}; "
      "}} > $D/result 2>&1; exec sleep 1000",
      group)));
  EXPECT_EQ(await("result"), "20000");
}

TEST_F(HolderTest, DescriptorsReachEveryControl) {
  const host::Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::listen(listener.get(), 4), 0);
  HolderOptions with_listener = options(
      "readlink /proc/self/fd/9 > $D/fd; [ -e $D/again ] && exec sleep 1000; "
      "touch $D/again; rm $D/fd; exit 1");
  with_listener.descriptors = {{listener.get(), 9}};
  START_OR_SKIP(with_listener);
  EXPECT_TRUE(await("fd").starts_with("socket:"));
}

TEST_F(HolderTest, DirectoriesBelowRunStayVisible) {
  HolderOptions below = options(
      "echo inside > $R/from-control; ls -A /run | tr '\\n' ' ' > $D/run; "
      "echo >> $D/run; exec sleep 1000");
  const std::string run = fmt::format("/run/minato-test-{}", ::getpid());
  below.run_dir = run;
  below.environment.push_back("R=" + run);
  if (::access("/run", W_OK) != 0) GTEST_SKIP() << "/run is not writable";
  START_OR_SKIP(below);
  EXPECT_EQ(await("run"), fmt::format("minato-test-{}", ::getpid()));
  EXPECT_EQ(host::read_file(run + "/from-control").value_or(""), "inside\n");
  ASSERT_TRUE(stop_holder(*holder_));
  EXPECT_TRUE(host::remove_tree(run));
}

TEST_F(HolderTest, AMissingProgramIsSaidAtOnce) {
  HolderOptions missing = options("");
  missing.control = {"minato-no-such-program"};
  EXPECT_TRUE(failed_with(start_holder(missing), Reason::kNotFound));
}

TEST_F(HolderTest, AnotherProcessWithTheSamePidIsNotTheHolder) {
  HolderInfo other{.process = identify(::getpid()).value()};
  EXPECT_TRUE(is_alive(other));
  ++other.process.start_time;
  EXPECT_FALSE(is_alive(other));
  EXPECT_TRUE(stop_holder(other)) << "and must not be killed";
}

TEST_F(HolderTest, WorksForAnOrdinaryUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "the other tests have shown it";
  constexpr uid_t kSomeUser = 61234;
  ASSERT_EQ(::chown(dir_.c_str(), kSomeUser, kSomeUser), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(kSomeUser) != 0 || ::setuid(kSomeUser) != 0) ::_exit(1);
    ::prctl(PR_SET_DUMPABLE, 1);  // Lost with the change of user; a login's process has it.
    const auto started =
        start_holder(options("{ ip link add b0 type bridge && id -u; } > $D/ids; exec sleep 1000"));
    if (!started) {
      ::dprintf(2, "%s\n", started.error().message.c_str());
      ::_exit(is(started.error(), Reason::kForbidden) ? 77 : 1);
    }
    const std::string ids = await("ids");
    const bool limited = started->note.find("root only") != std::string::npos;
    ::_exit(stop_holder(*started) && ids == "0" && limited ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "ordinary users may not make namespaces here";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace minato::linux_net
