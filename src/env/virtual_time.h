// Virtual time: one object that is both Clock and Executor. Time stands still while tasks run and
// jumps to the next due timer when nothing is ready. Used by unit tests and by the simulated world.
//
// Order is total: (due time, sequence number). Every run is bounded by a step limit so that a loop
// that feeds itself fails loudly instead of hanging.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "env/env.h"

namespace minato::env {

class VirtualTime final : public Clock, public Executor {
 public:
  // 2026-01-01T00:00:00Z, so that API timestamps look like timestamps.
  static constexpr WallTime kDefaultStart{Duration{1'767'225'600'000'000'000}};

  explicit VirtualTime(WallTime start = kDefaultStart);
  ~VirtualTime() override;

  MonoTime monotonic() const override { return now_; }
  WallTime wall() const override { return wall_start_ + now_.time_since_epoch(); }
  void post(Task task) override;
  [[nodiscard]] TimerHandle after(Duration delay, Task task) override;
  void post_from_thread(Task task) override { post(std::move(task)); }

  // Moves the wall clock only, as an operator or NTP would.
  void jump_wall(Duration by) { wall_start_ += by; }

  // Runs everything that is due at the present instant.
  void settle();
  // Lets `duration` pass, running what falls due, in order.
  void advance(Duration duration);
  // Runs the single next task, jumping to its time if that is at most `until`. False: none left.
  bool step(MonoTime until);

  std::uint64_t steps() const { return steps_; }
  void set_step_limit(std::uint64_t limit) { step_limit_ = limit; }

 private:
  using Key = std::pair<MonoTime, std::uint64_t>;
  struct Queue {
    std::map<Key, Task> tasks;
  };
  void run_front();

  WallTime wall_start_;
  MonoTime now_{};
  std::uint64_t next_sequence_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t step_limit_ = UINT64_MAX;
  std::shared_ptr<Queue> queue_;  // Shared with timer handles, which may outlive this object.
};

// Drops everything; for tests that do not look at the log.
class NullLog final : public Log {
 public:
  void write(Level, std::string_view, std::string_view) override {}
};

}  // namespace minato::env
