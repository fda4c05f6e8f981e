// drill::World over a SimWorld, and one drill from a seed: the same declarations and the same Runner
// as on real machines, in virtual time.
//
// Machines and containers take as long as the calibration says, give or take a fifth. Loop thread
// (the caller's) only; worlds share nothing, so each may run on a thread of its own.
#pragma once

#include <memory>
#include <string>

#include "drill/calibration.h"
#include "drill/memory.h"
#include "drill/observer.h"
#include "drill/runner.h"
#include "sim/sim_world.h"

namespace minato::sim {

struct DrillSetup {
  spec::Spec spec;
  cluster::Profile profile = cluster::kFast;
  drill::RunOptions options;
  drill::Calibration calibration;
  const cloud::Catalogue* catalogue = &cloud::Catalogue::built_in();
};

class DrillWorld final : public drill::World {
 public:
  explicit DrillWorld(SimWorld& world);
  ~DrillWorld() override;

  void observe(Sink sink) override;
  void act(const drill::Act& act, Done done) override;
  Status set_load(double requests_per_second, const std::string& path) override;
  void stop_load() override;
  const drill::Timeline& timeline() const override { return timeline_; }
  drill::Latency latency() const override;

 private:
  Status perform(const drill::Act& act);
  Status end_processes(const std::string& pod);
  Status end_role(const std::string& role);
  Status fail_readiness(const std::string& pod);
  Status bad_release(const std::string& image);
  void watch_release();
  void restart_control();
  void begin_observing();
  void tell(const drill::Observation& seen);
  void tell_control(const char* state);
  void count();
  env::Env env(std::string_view name);

  SimWorld& world_;
  Sink sink_;
  drill::Memory memory_;
  std::unique_ptr<drill::Observer> observer_;
  drill::Timeline timeline_;
  RequestCounts counted_;
  env::NullLog log_;
  env::TimerHandle count_timer_;
  env::TimerHandle control_timer_;
  env::TimerHandle release_timer_;
  env::TimerHandle readiness_timer_;
  env::TimerHandle whole_timer_;
};

// Refused (Outcome::was_refused) where the model does not have what the drill breaks.
drill::Outcome run_drill(const DrillSetup& setup, const drill::Drill& drill, std::uint64_t seed);

}  // namespace minato::sim
