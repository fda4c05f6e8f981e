// The keys a controller has to look at: each at most once, in order of arrival, also when it is
// added again while being processed, or later with a delay or back-off.
//
// Rules: k8s.io/client-go util/workqueue (queue, delaying, ItemExponentialFailureRateLimiter).
// Loop thread only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "env/env.h"
#include "kube/object.h"

namespace minato::informer {

class WorkQueue {
 public:
  struct Options {
    Duration backoff_base = 5ms;
    Duration backoff_max = 1000s;
  };
  // `on_ready` is called (from inside add) when the queue becomes non-empty.
  WorkQueue(const env::Env& env, Options options, std::function<void()> on_ready);

  void add(const kube::ObjectKey& key);
  // Due at the earlier of what was asked for before and now.
  void add_after(const kube::ObjectKey& key, Duration delay);
  // After a failure: doubling per key from backoff_base.
  void add_rate_limited(const kube::ObjectKey& key);
  void forget(const kube::ObjectKey& key) { failures_.erase(key); }

  // Next key, which counts as being processed until done() and for `rest` thereafter.
  std::optional<kube::ObjectKey> take();
  void done(const kube::ObjectKey& key, Duration rest = {});
  bool empty() const { return queue_.empty(); }
  std::size_t size() const { return queue_.size(); }

 private:
  struct Delayed {
    MonoTime due;
    env::TimerHandle timer;
  };
  env::Clock& clock_;
  env::Executor& executor_;
  Options options_;
  std::function<void()> on_ready_;
  std::deque<kube::ObjectKey> queue_;
  std::set<kube::ObjectKey> dirty_;
  std::set<kube::ObjectKey> processing_;
  std::map<kube::ObjectKey, Delayed> delayed_;
  std::map<kube::ObjectKey, env::TimerHandle> resting_;
  std::map<kube::ObjectKey, int> failures_;
};

}  // namespace minato::informer
