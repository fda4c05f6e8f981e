// What the cloud has to do later: every deadline of the model in one ordered list over one timer,
// kept as wall time in the saved state, so that a restarted control process is late at most, and
// never forgets.
//
// Owned by Cloud. Entries run in a later turn than the one that set them, in order of (due time,
// order of setting). Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "env/env.h"

namespace minato::cloudmodel {

// What is due; the subject is an instance id unless said otherwise. Saved as numbers: append only.
enum class Due {
  kLaunchRetry,     // Subject: market and group.
  kInstanceCheck,   // The group learns that the machine has died.
  kElbCheck,        // The group learns that the target is unhealthy.
  kProceed,         // Pending:Proceed ends.
  kHookTimeout,     // Subject: instance id and hook.
  kDrained,         // The deregistration delay is over.
  kDestroyRetry,    // The driver could not end the machine.
  kSpotNotice,      // The interruption notice appears.
  kInterruption,    // EC2 takes the Spot Instance back.
  kMaintenance,     // Subject: instance id and event id.
  kZoneCheck,       // Subject: group.
  kPoolAvoided,     // Subject: pool that refused a launch; it is tried again.
};

class Agenda {
 public:
  struct Entry {
    Due due{};
    std::string subject;
    WallTime at{};
    bool operator==(const Entry&) const = default;
  };
  using Run = std::function<void(Due due, const std::string& subject)>;

  Agenda(env::Clock& clock, env::Executor& executor, Run run)
      : clock_(clock), executor_(executor), run_(std::move(run)) {}

  // Nothing runs before.
  void start();
  // Replaces what was set for the same subject.
  void set(Due due, const std::string& subject, Duration delay);
  // False: there was none.
  bool cancel(Due due, const std::string& subject);
  // All entries of an instance: its id, and subjects that begin with "<id>/".
  void cancel_subject(const std::string& id);
  bool contains(Due due, const std::string& subject) const;
  std::optional<WallTime> at(Due due, const std::string& subject) const;

  std::vector<Entry> entries() const;  // In the order in which they will run.
  // The same as elements of a JSON array: [due, subject, nanoseconds], …
  void append_to(std::string& json) const;
  void restore(const std::vector<Entry>& entries);

 private:
  using Key = std::pair<std::string, Due>;
  struct Planned {
    MonoTime at{};
    std::uint64_t sequence = 0;
    std::string quoted;  // The subject as JSON.
  };
  WallTime to_wall(MonoTime time) const;
  void arm();
  void fire();
  void erase(std::map<Key, Planned>::iterator entry);

  env::Clock& clock_;
  env::Executor& executor_;
  Run run_;
  bool started_ = false;
  std::uint64_t next_sequence_ = 0;
  std::map<Key, Planned> planned_;
  std::set<std::tuple<MonoTime, std::uint64_t, Key>> order_;
  std::optional<MonoTime> armed_for_;
  env::TimerHandle timer_;
};

}  // namespace minato::cloudmodel
