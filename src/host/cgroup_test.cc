// Real control groups below a root of this process's own, removed at the end. Where they may not
// be made, the tests say so and skip.
#include "host/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "host/process.h"

namespace minato::host {
namespace {

class CgroupTest : public testing::Test {
 protected:
  void SetUp() override {
    cgroups_ = Cgroups::detect(fmt::format("minato-test-{}", ::getpid()));
    if (cgroups_.mode() == Cgroups::Mode::kNone) GTEST_SKIP() << cgroups_.describe();
  }
  void TearDown() override {
    const Status removed = cgroups_.remove_root();
    EXPECT_TRUE(removed) << removed.error().message;
    for (const pid_t pid : children_) ::waitpid(pid, nullptr, 0);
  }
  // A child in the group that runs `body`; it is killed with the group at the latest.
  template <class Body>
  pid_t start_in(const std::string& path, Body body) {
    const std::vector<std::string> files = cgroups_.join_files(path);
    const pid_t pid = ::fork();
    if (pid == 0) {
      for (const std::string& file : files) {
        const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
        if (fd < 0 || ::write(fd, "0", 1) != 1) ::_exit(101);
        ::close(fd);
      }
      body();
      ::_exit(0);
    }
    children_.push_back(pid);
    return pid;
  }
  pid_t start_sleeper(const std::string& path) {
    return start_in(path, [] {
      while (true) ::pause();
    });
  }
  void wait_until_in(const std::string& path, pid_t pid) {
    while (true) {
      const auto inside = cgroups_.processes(path);
      // The v2 tree is joined last; the process counts once per hierarchy before that.
      if (std::ranges::find(inside, pid) != inside.end()) return;
    }
  }
  int wait_status_of(pid_t pid) {
    std::erase(children_, pid);
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return status;
  }
  Cgroups cgroups_ = Cgroups::detect("minato-test-none");
  std::vector<pid_t> children_;
};

TEST_F(CgroupTest, SaysHowItBounds) { EXPECT_FALSE(cgroups_.describe().empty()); }

TEST_F(CgroupTest, CreateIsIdempotentAndChangesLimits) {
  ASSERT_TRUE(cgroups_.create("i-1/pod", {.cpu_milli = 500, .memory_bytes = 64 << 20}));
  ASSERT_TRUE(cgroups_.create("i-1/pod", {.cpu_milli = 250, .memory_bytes = 32 << 20, .pids = 9}));
  ASSERT_TRUE(cgroups_.create("i-1/pod", {}));
  EXPECT_TRUE(cgroups_.remove("i-1"));
  EXPECT_TRUE(cgroups_.remove("i-1")) << "removing what is gone is success";
}

TEST_F(CgroupTest, RefusesPathsThatLeaveTheRoot) {
  EXPECT_TRUE(failed_with(cgroups_.create("../x", {}), Reason::kInvalid));
  EXPECT_TRUE(failed_with(cgroups_.remove("a//b"), Reason::kInvalid));
}

TEST_F(CgroupTest, AChildMayAskForMoreCpuThanItsParentHas) {
  ASSERT_TRUE(cgroups_.create("i-1", {.cpu_milli = 500}));
  const Status status = cgroups_.create("i-1/pod/app", {.cpu_milli = 4000});
  EXPECT_TRUE(status) << status.error().message;
}

TEST_F(CgroupTest, KillEndsEverythingBelow) {
  ASSERT_TRUE(cgroups_.create("i-1/pod-a/app", {}));
  ASSERT_TRUE(cgroups_.create("i-1/pod-b", {}));
  const pid_t first = start_sleeper("i-1/pod-a/app");
  const pid_t second = start_sleeper("i-1/pod-b");
  wait_until_in("i-1/pod-a/app", first);
  wait_until_in("i-1", second);
  const Status killed = cgroups_.kill("i-1");
  ASSERT_TRUE(killed) << killed.error().message;
  EXPECT_EQ(WTERMSIG(wait_status_of(first)), SIGKILL);
  EXPECT_EQ(WTERMSIG(wait_status_of(second)), SIGKILL);
  EXPECT_TRUE(cgroups_.processes("i-1").empty());
  EXPECT_TRUE(cgroups_.remove("i-1"));
}

TEST_F(CgroupTest, KillEndsWhatIsFrozen) {
  ASSERT_TRUE(cgroups_.create("i-1", {}));
  const pid_t pid = start_sleeper("i-1");
  wait_until_in("i-1", pid);
  ASSERT_TRUE(cgroups_.freeze("i-1", true));
  ASSERT_TRUE(cgroups_.kill("i-1"));
  EXPECT_EQ(WTERMSIG(wait_status_of(pid)), SIGKILL);
}

TEST_F(CgroupTest, FreezeStopsTheClockOfAGroup) {
  ASSERT_TRUE(cgroups_.create("i-1", {}));
  const pid_t pid = start_in("i-1", [] {
    for (volatile std::uint64_t turns = 0;;) turns = turns + 1;
  });
  wait_until_in("i-1", pid);
  while (cgroups_.usage("i-1")->cpu_ns == 0) ::usleep(1000);
  ASSERT_TRUE(cgroups_.freeze("i-1", true));
  ::usleep(30'000);  // Freezing is asynchronous; afterwards usage stands still.
  const std::uint64_t before = cgroups_.usage("i-1")->cpu_ns;
  ::usleep(50'000);
  EXPECT_EQ(cgroups_.usage("i-1")->cpu_ns, before);
  ASSERT_TRUE(cgroups_.freeze("i-1", false));
  while (cgroups_.usage("i-1")->cpu_ns == before) ::usleep(1000);
}

TEST_F(CgroupTest, CpuQuotaBoundsABusyProcess) {
  ASSERT_TRUE(cgroups_.create("i-1", {.cpu_milli = 100}));
  const pid_t pid = start_in("i-1", [] {
    for (volatile std::uint64_t turns = 0;;) turns = turns + 1;
  });
  wait_until_in("i-1", pid);
  const auto start = std::chrono::steady_clock::now();
  const std::uint64_t before = cgroups_.usage("i-1")->cpu_ns;
  ::usleep(1'000'000);
  const std::uint64_t used = cgroups_.usage("i-1")->cpu_ns - before;
  const auto elapsed = std::chrono::steady_clock::now() - start;
  // 100m of the time that passed, with two periods of slack; without a bound it would be all.
  EXPECT_LT(used, static_cast<std::uint64_t>(Duration(elapsed).count()) * 2 / 5);
}

TEST_F(CgroupTest, MemoryLimitEndsInAnOutOfMemoryKill) {
  ASSERT_TRUE(cgroups_.create("i-1/pod", {.memory_bytes = 16 << 20}));
  const pid_t pid = start_in("i-1/pod", [] {
    constexpr std::size_t kSize = 64 << 20;
    void* memory =
        ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memset(memory, 1, kSize);
  });
  EXPECT_EQ(WTERMSIG(wait_status_of(pid)), SIGKILL);
  const auto usage = cgroups_.usage("i-1");
  ASSERT_TRUE(usage) << usage.error().message;
  EXPECT_EQ(usage->oom_kills, 1u) << "kills below a group count for it";
}

TEST_F(CgroupTest, UsageOfAnUnknownGroupIsNotFound) {
  EXPECT_TRUE(failed_with(cgroups_.usage("i-9"), Reason::kNotFound));
}

TEST_F(CgroupTest, ProcessLimitHolds) {
  ASSERT_TRUE(cgroups_.create("i-1", {.pids = 2}));
  const pid_t pid = start_in("i-1", [] {
    const pid_t first = ::fork();
    if (first == 0) {
      while (true) ::pause();
    }
    const pid_t second = ::fork();
    if (second == 0) ::_exit(0);
    ::_exit(first > 0 && second < 0 ? 42 : 1);
  });
  EXPECT_EQ(WEXITSTATUS(wait_status_of(pid)), 42);
  EXPECT_TRUE(cgroups_.kill("i-1"));
}

}  // namespace
}  // namespace minato::host
