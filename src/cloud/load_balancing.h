// Seam: Elastic Load Balancing v2, as far as minato's controllers use it: the targets of the
// service's one target group. Names are AWS's.
//
// Implementations and their duties: as auto_scaling.h. Loop thread only.
//
// Rules: Elastic Load Balancing API Reference (TargetHealth) and "Target groups for your Application
// Load Balancers".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cloud/auto_scaling.h"

namespace minato::cloud {

enum class TargetState { kInitial, kHealthy, kUnhealthy, kDraining, kUnused };
std::string_view to_string(TargetState state);  // "initial", …

struct TargetHealth {
  std::string instance_id;
  std::string ip;
  std::uint16_t port = 0;
  std::string zone;
  TargetState state = TargetState::kInitial;
  std::string reason;       // "Elb.RegistrationInProgress", "Target.Timeout", …; "" when healthy.
  std::string description;
  WallTime since{};         // Of the present state.
  // Requests being served by it now; nothing where the API does not tell (AWS's does not).
  std::optional<std::uint64_t> in_flight;
};

class LoadBalancing {
 public:
  virtual ~LoadBalancing() = default;

  // By instance id. A deregistered target is `draining` until its delay is over, then it is gone.
  virtual std::vector<TargetHealth> describe_target_health() const = 0;
  virtual Duration deregistration_delay() const = 0;
  // Registering what is there is success; a draining target serves again. Errors: NotFound (no such
  // instance).
  virtual void register_target(const std::string& instance_id, Done done) = 0;
  // NotFound is success.
  virtual void deregister_target(const std::string& instance_id, Done done) = 0;
};

}  // namespace minato::cloud
