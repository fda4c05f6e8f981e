#include "env/virtual_time.h"

#include "base/check.h"

namespace minato::env {

VirtualTime::VirtualTime(WallTime start) : wall_start_(start), queue_(std::make_shared<Queue>()) {}

VirtualTime::~VirtualTime() {
  // Tasks may own the handles of their own timers: these must find the queue gone, not half-cleared.
  const auto tasks = std::move(queue_->tasks);
  queue_.reset();
}

void VirtualTime::post(Task task) {
  queue_->tasks.emplace(Key{now_, next_sequence_++}, std::move(task));
}

TimerHandle VirtualTime::after(Duration delay, Task task) {
  const Key key{now_ + std::max(delay, Duration{0}), next_sequence_++};
  queue_->tasks.emplace(key, std::move(task));
  return TimerHandle([queue = std::weak_ptr(queue_), key] {
    // Taken out before it is destroyed: the task may own this very handle.
    const auto alive = queue.lock();
    if (!alive) return;
    const auto cancelled = alive->tasks.extract(key);
  });
}

void VirtualTime::run_front() {
  ++steps_;
  CHECK(steps_ <= step_limit_, "more than {} steps: something feeds itself", step_limit_);
  auto node = queue_->tasks.extract(queue_->tasks.begin());
  now_ = std::max(now_, node.key().first);
  node.mapped()();
}

bool VirtualTime::step(MonoTime until) {
  if (queue_->tasks.empty() || queue_->tasks.begin()->first.first > until) return false;
  run_front();
  return true;
}

void VirtualTime::settle() {
  while (step(now_)) {
  }
}

void VirtualTime::advance(Duration duration) {
  const MonoTime until = now_ + duration;
  while (step(until)) {
  }
  now_ = until;
}

}  // namespace minato::env
