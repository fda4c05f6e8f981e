// Lets at most `limit` asynchronous pieces of work run at a time; the others wait in order.
//
// Work gets a Slot and is at its end when the Slot is destroyed. Loop thread only. Destroying the
// Limiter drops what waits; Slots may outlive it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <utility>

namespace minato::linux_container {

class Limiter {
  struct State;

 public:
  class Slot {
   public:
    explicit Slot(std::weak_ptr<State> state) : state_(std::move(state)) {}
    Slot(Slot&& other) noexcept : state_(std::exchange(other.state_, {})) {}
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (const auto state = state_.lock()) {
        --state->running;
        next(state);
      }
    }

   private:
    std::weak_ptr<State> state_;
  };
  using Work = std::move_only_function<void(Slot)>;

  explicit Limiter(std::size_t limit) : state_(std::make_shared<State>(limit)) {}
  // Runs at once when there is room.
  void run(Work work) {
    state_->waiting.push_back(std::move(work));
    next(state_);
  }

 private:
  struct State {
    explicit State(std::size_t most) : limit(most) {}
    std::size_t limit;
    std::size_t running = 0;
    std::deque<Work> waiting;
  };
  static void next(const std::shared_ptr<State>& state) {
    if (state->running >= state->limit || state->waiting.empty()) return;
    Work work = std::move(state->waiting.front());
    state->waiting.pop_front();
    ++state->running;
    work(Slot(state));
  }

  std::shared_ptr<State> state_;
};

}  // namespace minato::linux_container
