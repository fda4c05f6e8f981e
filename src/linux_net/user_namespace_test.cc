// As an ordinary user without subordinate ids, in a child process that becomes one: that user is
// root of its namespace and nobody else is there.
#include "linux_net/user_namespace.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "host/files.h"

namespace minato::linux_net {
namespace {

constexpr uid_t kNobody = 65534;
constexpr int kRefused = 77;

// The exit status of `body` as nobody.
int as_nobody(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::setresgid(kNobody, kNobody, kNobody) != 0 || ::setresuid(kNobody, kNobody, kNobody) != 0)
      ::_exit(kRefused);
    ::prctl(PR_SET_DUMPABLE, 1);  // Else its own files in /proc would be root's.
    ::_exit(body());
  }
  int wait_status = 0;
  ::waitpid(pid, &wait_status, 0);
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
}

class WorldIdsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become an ordinary user";
    char pattern[] = "/tmp/minato-test-XXXXXX";
    dir_ = ::mkdtemp(pattern);
    ASSERT_EQ(::chown(dir_.c_str(), kNobody, kNobody), 0);
    const int refused = as_nobody([] {
      const Status status = run_with_world_ids([] { return Status{}; });
      return failed_with(status, Reason::kForbidden) ? kRefused : 0;
    });
    if (refused == kRefused) GTEST_SKIP() << "user namespaces are closed to ordinary users here";
  }
  void TearDown() override { EXPECT_TRUE(host::remove_tree(dir_)); }
  std::string dir_ = "/nonexistent";
};

TEST_F(WorldIdsTest, AnOrdinaryUserIsRootInsideAndItsFilesAreItsOwn) {
  const int code = as_nobody([this] {
    const Status status = run_with_world_ids([this]() -> Status {
      if (::geteuid() != 0) return fail(Reason::kInternalError, "not root");
      return host::write_file_atomic(dir_ + "/file", "x");
    });
    return status && ::geteuid() == kNobody ? 0 : 1;
  });
  EXPECT_EQ(code, 0);
  struct stat about {};
  ASSERT_EQ(::stat((dir_ + "/file").c_str(), &about), 0);
  EXPECT_EQ(about.st_uid, kNobody);
}

TEST_F(WorldIdsTest, WhatWentWrongInsideComesBack) {
  const int code = as_nobody([] {
    const Status status =
        run_with_world_ids([]() -> Status { return fail(Reason::kConflict, "the reason"); });
    return failed_with(status, Reason::kConflict) && status.error().message == "the reason" ? 0 : 1;
  });
  EXPECT_EQ(code, 0);
}

TEST_F(WorldIdsTest, ADeathInsideIsNoSuccess) {
  const int killed = as_nobody([] {
    const Status status = run_with_world_ids([]() -> Status { std::abort(); });
    return failed_with(status, Reason::kAborted) ? 0 : 1;
  });
  EXPECT_EQ(killed, 0);
}

TEST_F(WorldIdsTest, RootNeedsNoNamespace) {
  pid_t inside = 0;
  EXPECT_TRUE(run_with_world_ids([&]() -> Status {
    inside = ::getpid();
    return {};
  }));
  EXPECT_EQ(inside, ::getpid());
}

}  // namespace
}  // namespace minato::linux_net
