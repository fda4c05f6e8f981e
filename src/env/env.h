// The outside world as controllers may see it: time, turns, chance and a log. Real and simulated
// worlds implement these; nothing below the adapters uses a clock, a thread or randomness directly.
//
// Threading: everything here is called from the one control thread ("the loop"), except
// Executor::post_from_thread(). Ownership: the world owns the implementations and they outlive
// every component that was given an Env.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"

namespace minato::env {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime monotonic() const = 0;  // For intervals and deadlines.
  virtual WallTime wall() const = 0;       // For API timestamps and leases; may jump.
};

using Task = std::move_only_function<void()>;

// Cancels its timer when destroyed: after that the task never runs. Movable; may outlive the
// Executor (cancelling is then a no-op).
class TimerHandle {
 public:
  TimerHandle() = default;
  explicit TimerHandle(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
  TimerHandle(TimerHandle&& other) noexcept : cancel_(std::exchange(other.cancel_, nullptr)) {}
  TimerHandle& operator=(TimerHandle&& other) noexcept {
    if (this != &other) {
      cancel();
      cancel_ = std::exchange(other.cancel_, nullptr);
    }
    return *this;
  }
  TimerHandle(const TimerHandle&) = delete;
  TimerHandle& operator=(const TimerHandle&) = delete;
  ~TimerHandle() { cancel(); }
  void cancel() {
    if (auto cancel = std::exchange(cancel_, nullptr)) cancel();
  }

 private:
  std::function<void()> cancel_;
};

// Runs tasks to completion, one at a time, ordered by (due time, order of submission). A task is
// never run inside post() or after() themselves.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void post(Task task) = 0;
  [[nodiscard]] virtual TimerHandle after(Duration delay, Task task) = 0;
  // The only call allowed from other threads (adapters' workers hand results back with it).
  virtual void post_from_thread(Task task) = 0;
};

// Deterministic integers (splitmix64 / xoshiro256**): same seed, same sequence, on every compiler.
// Each component forks its own stream by name, so that one more draw elsewhere shifts nothing.
class Rng {
 public:
  explicit Rng(std::uint64_t seed);
  Rng fork(std::string_view name) const;
  std::uint64_t next();
  // Uniform in [0, bound). Requires: bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // True with probability numerator/denominator.
  bool chance(std::uint64_t numerator, std::uint64_t denominator);
  Duration between(Duration low, Duration high);
  // Lower-case names as upstream makes them: alphabet without vowels and look-alikes
  // (k8s.io/apimachinery pkg/util/rand).
  std::string suffix(std::size_t length);
  std::string uuid();

 private:
  std::uint64_t seed_;
  std::uint64_t state_[4];
};

enum class Level { kDebug, kInfo, kWarning, kError };

class Log {
 public:
  virtual ~Log() = default;
  // `component` is a short constant such as "kubelet"; `message` is one line, free of secrets.
  virtual void write(Level level, std::string_view component, std::string_view message) = 0;
};

// What a component is constructed with. References: the world outlives it.
struct Env {
  Clock& clock;
  Executor& executor;
  Log& log;
  Rng rng;  // A stream of its own: fork() when passing an Env on.

  Env fork(std::string_view name) const { return Env{clock, executor, log, rng.fork(name)}; }
};

}  // namespace minato::env
