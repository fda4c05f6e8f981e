// Carries out one drill after the other on a World and measures it.
//
// Of each: looks whether all is well (else refuses), sends load, breaks something, waits for the
// phases and until the SLO is held with all that is broken as it is, mends, waits until the world is
// at rest, and only then ends the load. A guard, a phase that does not come, or abort() mends and
// ends early; a world that is no more ends at once. The Outcome says so.
//
// Owned by the caller; refers to the World. Runs on the turns of its Env.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drill/tracker.h"
#include "drill/world.h"
#include "env/env.h"

namespace minato::drill {

struct RunOptions {
  double rate = 200;  // Requests per second.
  std::string path = "/";
  double availability_percent = 99.9;  // Of the SLO. Its p99 is known to the World's timeline.
  Duration hold = 5s;                  // Recovered: the SLO held for so long.
  Duration warm_up = 3s;               // Of load before the failure; a failed request refuses the drill.
  // And up to so long more, by chance: else every failure of a row would come in the same phase of
  // probes and checks, for which the recovery before it has waited.
  Duration jitter{};
  Duration limit = 10min;              // From the failure until the service must be back.
  Duration patience = 5min;            // For a world at rest, before and after.
  std::int32_t guard_percent = 95;     // More than this share of failures for guard_time ends it.
  Duration guard_time = 10s;
  // For so long kubelets remember restarts of a Pod and hold the next one back: a Pod is hit after
  // that. Twice crash_backoff_max.
  Duration restart_memory{};
  // For so long a drill that hits a Node or a zone waits for Nodes and Pods that crowd to be spread
  // again over these zones, as its bound assumes.
  Duration spread_patience{};
  std::vector<std::string> zones;
};

// What happened in one drill.
struct Outcome {
  Drill drill;
  Status status;  // Refused, aborted, or a phase did not come.
  bool was_refused = false;  // Nothing was broken.
  bool is_world_gone = false;
  double rate = 0;
  MonoTime begun{};
  MonoTime injected{};
  MonoTime mended{};
  MonoTime ended{};
  std::map<Phase, MonoTime> at;
  Victims victims;
  Counts before;
  Timeline timeline;
  Latency latency;
  std::vector<Observation> events;  // What changed, from the failure on; before it, what there was.

  bool is_recovered() const { return at.contains(Phase::kRecovered); }
  Duration recovery() const;  // From the failure; 0 when it is not recovered.
  // Of one phase: since the one before it that was reached. Sum up to recovery().
  Duration length_of(Phase phase) const;
  // Of all that were due from the failure on.
  Slice requests() const;
};

class Runner {
 public:
  // `say` gets a line for people whenever something happens; may be empty.
  Runner(env::Env env, World& world, RunOptions options, std::function<void(const std::string&)> say = {});
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner();

  // One at a time. `done` comes in a turn of its own.
  void run(Drill drill, std::function<void(Outcome)> done);
  // Mends and ends what runs; `done` is still called.
  void abort(const std::string& why);
  void set_limit(Duration limit) { options_.limit = limit; }
  const Tracker& tracker() const { return tracker_; }

 private:
  enum class Step { kIdle, kLook, kWarmUp, kWait, kHold, kMend, kRest };
  using Done = std::function<void(const Status&)>;
  void seen(const Observation& observation);
  void tick();
  void look();
  bool is_calm();
  bool is_spread();
  void warm_up();
  void inject();
  void acted(const Status& status);
  void advance(MonoTime at);
  void crash_again(const Observation& seen);
  void follow();
  void hold();
  void mend();
  void rest();
  void vanish();
  bool find_recovery();
  bool is_guard_crossed();
  std::string why_not_seen() const;
  void give_up(Error error);
  void finish();
  void enter(Step step);
  void say(const std::string& text) const;
  void perform(const Action& action, Done done);
  void perform_all(std::vector<Action> actions, Done done);

  env::Env env_;
  World& world_;
  RunOptions options_;
  std::function<void(const std::string&)> say_;
  Tracker tracker_;
  Step step_ = Step::kIdle;
  MonoTime since_{};  // Of the step.
  Outcome out_;
  std::vector<Phase> ahead_;  // Phases to come.
  std::function<void(Outcome)> done_;
  bool has_failed_ = false;
  std::int32_t crashes_left_ = 0;
  std::int32_t restarts_seen_ = 0;
  bool was_injected_ = false;
  bool said_waiting_ = false;
  bool said_unwell_ = false;
  bool said_crowded_ = false;
  Duration warm_up_{};  // Of this drill.
  bool is_world_gone_ = false;
  env::TimerHandle timer_;
  std::shared_ptr<Runner*> self_;  // Callbacks of the World, which may outlive us, look here.
};

}  // namespace minato::drill
