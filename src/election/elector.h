// One of several: of processes that run the same controllers, the one that holds a Lease acts, and
// the others stand by.
//
// Whoever holds the Lease renews it every retry_period; whoever does not looks as often, and takes it
// when it has not changed for as long as it is good for, counted from when that was seen here, so that
// clocks need not agree. Who has not managed to renew for renew_deadline leads no more, before anyone
// else can: leads() says so by the clock, in the middle of a turn too, and is what every write asks
// (kube_http::HttpClient::Options::may_write). Given back at the end, the next one takes it at once.
//
// The client is one of its own, so that its writes are not asked in turn. Ownership: Env and client
// outlive the Elector. Loop thread only. Errors of the API are logged and tried again.
// Rules: k8s.io/client-go tools/leaderelection/leaderelection.go (15 s, 10 s, 2 s, jitter 1.2).
#pragma once

#include <functional>
#include <string>

#include "env/env.h"
#include "kube/client.h"
#include "kube/types/coordination.h"

namespace minato::election {

class Elector {
 public:
  struct Options {
    kube::ObjectKey lease;
    std::string identity;  // Another one for each process, also after a restart.
    Duration lease_duration = 15s;
    Duration renew_deadline = 10s;
    Duration retry_period = 2s;
  };
  // `changed` is called in a turn, with whether it leads from now on.
  Elector(env::Env env, kube::Client& client, Options options, std::function<void(bool leads)> changed);
  Elector(const Elector&) = delete;
  Elector& operator=(const Elector&) = delete;

  void start();
  // Gives the Lease back and never takes it again: for the end of the process.
  void release();
  bool leads() const;
  // Forbidden, with who leads, while it does not.
  Status may_write() const;
  const std::string& holder() const { return holder_; }  // As last seen; "": nobody.

 private:
  void tick();
  void arm(Duration delay);
  Status acquire_or_renew();
  void observe(const kube::Lease& lease);
  bool is_held_by_another(const kube::Lease& lease) const;
  kube::Lease taken(const kube::Lease& lease) const;
  void told(bool leads);

  env::Env env_;
  kube::Client& client_;
  Options options_;
  std::function<void(bool)> changed_;
  std::string observed_;      // The Lease's spec, as last seen …
  MonoTime observed_at_{};    // … and since when it is so.
  std::string holder_;
  bool is_told_ = false;      // What `changed` was last told.
  bool holds_ = false;        // By the last answer.
  bool is_released_ = false;
  MonoTime renewed_{};
  env::TimerHandle timer_;
  env::TimerHandle deadline_;
};

}  // namespace minato::election
