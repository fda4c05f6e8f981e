// Sends requests along a LoadCurve: one by one while anything changes or fails, and counted in bulk
// while nothing does, so that high rates are cheap and still every request has its end.
//
// Around changes: whatever touches what requests can see (Datacenter::about_to_change) ends the
// steady state first; from then on each request takes its own way, until everything has been as it
// should be for kSettle. Above kExactRate a request stands for several.
// Owned by SimWorld. Loop thread only.
#pragma once

#include "env/env.h"
#include "sim/balancer.h"
#include "sim/load_curve.h"

namespace minato::sim {

class Traffic {
 public:
  static constexpr Duration kSettle = 1s;        // Between looks whether all is steady.
  static constexpr Duration kSteadyStep = 5s;    // For so long a rate is taken to be constant.
  static constexpr double kExactRate = 1000;     // Per second, one by one.

  Traffic(env::Env env, Datacenter& datacenter, SimBalancer& balancer, SimBalancer::Work work);

  // From now on; the curve's time begins now.
  void follow(LoadCurve curve);
  void set_work(SimBalancer::Work work);
  const RequestCounts& counts();
  double rate() const;
  bool is_steady() const { return steady_; }

 private:
  Duration elapsed() const;
  void run();
  void send();
  void step();
  void settle_steady();
  void disturb();

  env::Env env_;
  SimBalancer& balancer_;
  SimBalancer::Work work_;
  LoadCurve curve_;
  MonoTime begun_{};
  bool steady_ = false;
  Duration counted_{};             // Of the curve: until here all are sent.
  double fraction_ = 0;            // Of a request, not sent yet.
  std::uint64_t in_flight_ = 0;    // Of those sent while steady.
  MonoTime look_again_{};
  env::TimerHandle timer_;
};

}  // namespace minato::sim
