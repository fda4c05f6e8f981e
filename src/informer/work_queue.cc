#include "informer/work_queue.h"

#include <algorithm>

#include "base/check.h"

namespace minato::informer {

WorkQueue::WorkQueue(const env::Env& env, Options options, std::function<void()> on_ready)
    : clock_(env.clock), executor_(env.executor), options_(options), on_ready_(std::move(on_ready)) {}

void WorkQueue::add(const kube::ObjectKey& key) {
  if (!dirty_.insert(key).second) return;
  if (processing_.contains(key)) return;  // done() queues it again.
  queue_.push_back(key);
  if (queue_.size() == 1) on_ready_();
}

void WorkQueue::add_after(const kube::ObjectKey& key, Duration delay) {
  if (delay <= Duration{0}) return add(key);
  const MonoTime due = clock_.monotonic() + delay;
  const auto found = delayed_.find(key);
  if (found != delayed_.end() && found->second.due <= due) return;
  env::TimerHandle timer = executor_.after(delay, [this, key] {
    delayed_.erase(key);
    add(key);
  });
  delayed_.insert_or_assign(key, Delayed{due, std::move(timer)});
}

void WorkQueue::add_rate_limited(const kube::ObjectKey& key) {
  const int failures = failures_[key]++;
  Duration delay = options_.backoff_base;
  for (int i = 0; i < failures && delay < options_.backoff_max; ++i) delay *= 2;
  add_after(key, std::min(delay, options_.backoff_max));
}

std::optional<kube::ObjectKey> WorkQueue::take() {
  if (queue_.empty()) return std::nullopt;
  kube::ObjectKey key = std::move(queue_.front());
  queue_.pop_front();
  dirty_.erase(key);
  processing_.insert(key);
  return key;
}

void WorkQueue::done(const kube::ObjectKey& key, Duration rest) {
  if (rest > Duration{0}) {
    resting_[key] = executor_.after(rest, [this, key] {
      resting_.erase(key);
      done(key);
    });
    return;
  }
  CHECK(processing_.erase(key) == 1, "{} was not being processed", key.to_string());
  if (!dirty_.contains(key)) return;
  queue_.push_back(key);
  if (queue_.size() == 1) on_ready_();
}

}  // namespace minato::informer
