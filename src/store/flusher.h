// Commits a Store at the end of each loop turn that wrote to it: the group in group commit. What
// must be durable before the turn ends (an answer to a client, an effect outside) calls
// Store::flush() itself; then there is nothing left to do here.
//
// After a failed commit the store is read-only; the Flusher says so in the log and tries again
// every kRetryInterval until it succeeds. The Store outlives the Flusher. Loop thread only.
#pragma once

#include <memory>

#include "env/env.h"
#include "store/store.h"

namespace minato::store {

class Flusher {
 public:
  static constexpr Duration kRetryInterval = 1s;

  Flusher(env::Env env, Store& store);
  ~Flusher();
  Flusher(const Flusher&) = delete;
  Flusher& operator=(const Flusher&) = delete;

 private:
  void schedule();
  void flush();

  env::Env env_;
  Store& store_;
  bool failing_ = false;
  env::TimerHandle retry_;
  std::shared_ptr<Flusher*> self_;  // Posted tasks may outlive this object.
};

}  // namespace minato::store
