// A controller: told of keys, brings the world nearer to what the object says.
//
// reconcile() reads caches, writes through kube::Client, returns at once, and may be called again
// for the same key at any time. It never sleeps and keeps no promise in memory that a restart would
// lose. An error is logged, counted and retried with back-off by the Runner; Conflict is retried
// without noise.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "env/env.h"
#include "informer/work_queue.h"
#include "kube/object.h"

namespace minato::informer {

// Work over many objects that is done again for each change of one of them would take all of the
// time there is: whoever has looked at so many rests for so long, and changes gather meanwhile.
// After few there is no need to; after 5,000 it is a second, as between two syncs of kube-proxy.
Duration rest_after(std::size_t objects);

// When to look at the key again; never, unless something changes, by default.
struct Requeue {
  std::optional<Duration> after;
  Duration rest{};  // Not before, whatever changes.
  static Requeue done() { return {}; }
  static Requeue in(Duration delay) { return {.after = delay}; }
  Requeue resting(Duration duration) const { return {.after = after, .rest = duration}; }
};

class Controller {
 public:
  virtual ~Controller() = default;
  virtual std::string_view name() const = 0;
  virtual Result<Requeue> reconcile(const kube::ObjectKey& key) = 0;
};

// Feeds one controller from its queue, one key per turn of the loop. Owned by whoever composes the
// controllers; outlives nothing that it refers to.
class Runner {
 public:
  Runner(env::Env env, Controller& controller, WorkQueue::Options options = {});
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  WorkQueue& queue() { return queue_; }
  // Does nothing until started (caches must be complete first); keys gather meanwhile.
  void start();
  std::uint64_t reconciles() const { return reconciles_; }
  std::uint64_t errors() const { return errors_; }

 private:
  void schedule();
  void run_one();

  env::Env env_;
  Controller& controller_;
  WorkQueue queue_;
  std::shared_ptr<bool> alive_;  // Posted turns outlive a destroyed Runner.
  bool started_ = false;
  bool scheduled_ = false;
  std::uint64_t reconciles_ = 0;
  std::uint64_t errors_ = 0;
};

}  // namespace minato::informer
