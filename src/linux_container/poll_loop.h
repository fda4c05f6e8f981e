// The shim's own small event loop: poll(2), timers and the ends of child processes on one thread.
// A shim lives once per Pod, so it must stay far smaller than an io_context.
//
// Callbacks may watch, unwatch and cancel anything, themselves included. Nothing here fails but
// the creation.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "base/time.h"
#include "host/files.h"

namespace minato::linux_container {

class PollLoop {
 public:
  // Blocks SIGCHLD, which arrives through a descriptor, and ignores SIGPIPE.
  static Result<PollLoop> create();

  using OnReady = std::function<void(short revents)>;
  void watch(int fd, short events, OnReady on_ready);  // Replaces an earlier watch of the fd.
  void set_events(int fd, short events);  // 0 pauses; hang-ups are then not reported either.
  void unwatch(int fd);

  using TimerId = std::uint64_t;
  TimerId after(Duration delay, std::function<void()> task);
  void cancel(TimerId id);

  // Calls back once with the wait status. A child that ended before anyone asked (its parent left
  // it to us and its pid was not known yet) is remembered; at most kMaxUnclaimed of them.
  using OnExit = std::function<void(int wait_status)>;
  void watch_child(pid_t pid, OnExit on_exit);

  void run();  // Until stop().
  void stop() { stopped_ = true; }

  static MonoTime now();

 private:
  static constexpr std::size_t kMaxUnclaimed = 256;
  struct Watch {
    short events;
    std::shared_ptr<OnReady> on_ready;
  };

  explicit PollLoop(host::Fd signals) : signals_(std::move(signals)) {}
  void reap();
  void run_due_timers();
  int poll_timeout_ms() const;

  host::Fd signals_;
  std::map<int, Watch> watches_;
  std::map<std::pair<MonoTime, TimerId>, std::function<void()>> timers_;
  std::map<TimerId, MonoTime> timer_due_;
  TimerId next_timer_ = 1;
  std::map<pid_t, OnExit> children_;
  std::map<pid_t, int> unclaimed_;
  bool stopped_ = false;
};

}  // namespace minato::linux_container
