// What the cloud keeps of one instance, of one group and of one target. Internal to the module.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cloud/auto_scaling.h"
#include "cloud/load_balancing.h"
#include "cloudmodel/costs.h"
#include "cloudmodel/kept.h"

namespace minato::cloudmodel {

// spot/instance-action of IMDS.
struct SpotNotice {
  std::string action = "terminate";
  WallTime time{};  // When EC2 acts.
  bool operator==(const SpotNotice&) const = default;
};

// One entry of events/maintenance/scheduled of IMDS.
struct MaintenanceEvent {
  std::string event_id;  // "instance-event-0123456789abcdef0"
  std::string code;      // "system-reboot", "instance-retirement"
  std::string description;
  WallTime not_before{};
  std::string state = "active";  // "active", "canceled", "completed"
  bool operator==(const MaintenanceEvent&) const = default;
};

// A hook that an instance waits for.
struct HookWait {
  std::string hook;
  Duration heartbeat_timeout{};
  cloud::LifecycleResult default_result = cloud::LifecycleResult::kAbandon;
  WallTime limit{};  // No heartbeat prolongs the wait beyond this.
};

// Why EC2, and not the group, ends an instance.
enum class Reclaim { kNone, kInterruption, kRetirement };

struct Record {
  cloud::Instance instance;
  bool alive = true;  // Nobody has taken the machine away, as far as EC2 knows.
  std::uint64_t activity = 0;  // The scaling activity in progress; 0: none.
  std::string relieves;        // Ends this one when it is healthy itself; "" for most.
  WallTime in_service_since{};
  std::vector<HookWait> waits;
  Bill bill;
  std::optional<WallTime> rebalance;  // Of the recommendation.
  std::optional<SpotNotice> notice;
  Duration notice_length{};  // Of the notice to come.
  Reclaim reclaim = Reclaim::kNone;
  std::vector<MaintenanceEvent> maintenance;
};

struct Group {
  cloud::AutoScalingGroup spec;
  std::array<Duration, 2> retry{};  // Present back-off by market; zero after a success.
  std::set<std::string> members;    // Instances that are not terminating.
};

struct Target {
  cloud::TargetHealth health;
  bool passed_once = false;
  // Draining: nothing is in flight any more, or EC2 has ended the machine.
  bool idle = false;
};

}  // namespace minato::cloudmodel
