// Needs a PID namespace of its own, as the runtime's test program has it, to choose a number.
#include "linux_container/poll_loop.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace minato::linux_container {
namespace {

constexpr int kSkipped = 77;

pid_t child(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  return pid;
}

// The next process is number `pid`, if that is free.
Status choose_next(pid_t pid) {
  return host::write_kernel_file("/proc/sys/kernel/ns_last_pid", fmt::format("{}", pid - 1));
}

// 0 when the second process of a number was told from the first, which nobody had asked for.
int use_a_number_twice() {
  auto loop = PollLoop::create();
  if (!loop) return 1;
  const pid_t first = child([] { return 3; });
  siginfo_t info;
  if (::waitid(P_PID, static_cast<id_t>(first), &info, WEXITED | WNOWAIT) != 0) return 1;
  int result = 1;
  const auto use_again = [&] {
    if (!choose_next(first)) return loop->stop();
    const pid_t second = child([] { return ::pause(); });
    if (second != first) result = kSkipped;
    loop->watch_child(second, [&](int wait_status) {
      if (result != kSkipped) result = WIFSIGNALED(wait_status) ? 0 : 1;
      loop->stop();
    });
    ::kill(second, SIGKILL);
  };
  // Both are waited for in one go: afterwards the first one is remembered, and its number free.
  loop->watch_child(child([] { return 0; }), [&](int) { loop->after(Duration{0}, use_again); });
  loop->run();
  return result;
}

TEST(PollLoopTest, ANumberThatIsUsedAgainIsNotTakenForItsFormerOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to choose a process's number";
  int wait_status = 0;  // The loop changes signal handling, so it has a process of its own.
  ASSERT_GT(::waitpid(child(use_a_number_twice), &wait_status, 0), 0);
  ASSERT_TRUE(WIFEXITED(wait_status));
  if (WEXITSTATUS(wait_status) == kSkipped) GTEST_SKIP() << "the number was taken meanwhile";
  EXPECT_EQ(WEXITSTATUS(wait_status), 0);
}

}  // namespace
}  // namespace minato::linux_container
