#include "linux_container/poll_loop.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/check.h"

namespace minato::linux_container {

Result<PollLoop> PollLoop::create() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return fail_errno("blocking SIGCHLD", errno);
  ::signal(SIGPIPE, SIG_IGN);
  host::Fd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return fail_errno("signalfd", errno);
  return PollLoop(std::move(signals));
}

void PollLoop::watch(int fd, short events, OnReady on_ready) {
  watches_[fd] = Watch{events, std::make_shared<OnReady>(std::move(on_ready))};
}

void PollLoop::set_events(int fd, short events) {
  if (const auto it = watches_.find(fd); it != watches_.end()) it->second.events = events;
}

void PollLoop::unwatch(int fd) { watches_.erase(fd); }

PollLoop::TimerId PollLoop::after(Duration delay, std::function<void()> task) {
  const TimerId id = next_timer_++;
  const MonoTime due = now() + delay;
  timers_.emplace(std::pair(due, id), std::move(task));
  timer_due_.emplace(id, due);
  return id;
}

void PollLoop::cancel(TimerId id) {
  const auto it = timer_due_.find(id);
  if (it == timer_due_.end()) return;
  timers_.erase({it->second, id});
  timer_due_.erase(it);
}

void PollLoop::watch_child(pid_t pid, OnExit on_exit) {
  const auto ended = unclaimed_.extract(pid);
  // Numbers are used again: a child that is still to be waited for is not the one that ended.
  siginfo_t info;
  const bool is_there = ::waitid(P_PID, static_cast<id_t>(pid), &info,
                                 WEXITED | WNOHANG | WNOWAIT) == 0;
  if (ended.empty() || is_there) {
    children_[pid] = std::move(on_exit);
    return;
  }
  after(Duration{0},
        [on_exit = std::move(on_exit), wait_status = ended.mapped()] { on_exit(wait_status); });
}

void PollLoop::run() {
  while (!stopped_) {
    std::vector<pollfd> fds{{signals_.get(), POLLIN, 0}};
    std::vector<std::shared_ptr<OnReady>> callbacks{nullptr};
    for (const auto& [fd, watch] : watches_) {
      if (watch.events == 0) continue;
      fds.push_back({fd, watch.events, 0});
      callbacks.push_back(watch.on_ready);
    }
    const int ready = ::poll(fds.data(), fds.size(), poll_timeout_ms());
    CHECK(ready >= 0 || errno == EINTR, "poll: {}", errno);
    if (ready > 0) {
      if (fds[0].revents != 0) reap();
      for (std::size_t i = 1; i < fds.size() && !stopped_; ++i) {
        if (fds[i].revents == 0) continue;
        // An earlier callback may have closed this descriptor, or reused its number.
        const auto it = watches_.find(fds[i].fd);
        if (it != watches_.end() && it->second.on_ready == callbacks[i]) {
          (*callbacks[i])(fds[i].revents);
        }
      }
    }
    run_due_timers();
  }
}

void PollLoop::reap() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) > 0) {
  }
  int wait_status = 0;
  pid_t pid = 0;
  while ((pid = ::waitpid(-1, &wait_status, WNOHANG)) > 0) {
    const auto it = children_.find(pid);
    if (it == children_.end()) {
      if (unclaimed_.size() >= kMaxUnclaimed) unclaimed_.erase(unclaimed_.begin());
      unclaimed_[pid] = wait_status;
      continue;
    }
    const OnExit on_exit = std::move(it->second);
    children_.erase(it);
    on_exit(wait_status);
  }
}

void PollLoop::run_due_timers() {
  const MonoTime limit = now();
  while (!timers_.empty() && timers_.begin()->first.first <= limit) {
    auto node = timers_.extract(timers_.begin());
    timer_due_.erase(node.key().second);
    node.mapped()();
  }
}

int PollLoop::poll_timeout_ms() const {
  if (timers_.empty()) return -1;
  const Duration wait = timers_.begin()->first.first - now();
  constexpr std::int64_t kLongestMs = 60'000;
  const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return static_cast<int>(std::clamp<std::int64_t>(wait_ms, 0, kLongestMs));
}

MonoTime PollLoop::now() { return MonoTime{std::chrono::steady_clock::now().time_since_epoch()}; }

}  // namespace minato::linux_container
