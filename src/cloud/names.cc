#include "cloud/auto_scaling.h"
#include "cloud/load_balancing.h"

namespace minato::cloud {

std::string_view to_string(Market market) {
  return market == Market::kSpot ? "spot" : "on-demand";
}

std::string_view to_string(LifecycleState state) {
  switch (state) {
    case LifecycleState::kPending: return "Pending";
    case LifecycleState::kPendingWait: return "Pending:Wait";
    case LifecycleState::kPendingProceed: return "Pending:Proceed";
    case LifecycleState::kInService: return "InService";
    case LifecycleState::kTerminating: return "Terminating";
    case LifecycleState::kTerminatingWait: return "Terminating:Wait";
    case LifecycleState::kTerminatingProceed: return "Terminating:Proceed";
    case LifecycleState::kTerminated: return "Terminated";
  }
  return "";
}

bool is_terminating(LifecycleState state) { return state >= LifecycleState::kTerminating; }

std::string_view to_string(OnDemandAllocationStrategy strategy) {
  return strategy == OnDemandAllocationStrategy::kPrioritized ? "prioritized" : "lowest-price";
}

std::string_view to_string(SpotAllocationStrategy strategy) {
  switch (strategy) {
    case SpotAllocationStrategy::kPriceCapacityOptimized: return "price-capacity-optimized";
    case SpotAllocationStrategy::kCapacityOptimized: return "capacity-optimized";
    case SpotAllocationStrategy::kCapacityOptimizedPrioritized:
      return "capacity-optimized-prioritized";
    case SpotAllocationStrategy::kLowestPrice: return "lowest-price";
  }
  return "";
}

std::string_view to_string(TargetState state) {
  switch (state) {
    case TargetState::kInitial: return "initial";
    case TargetState::kHealthy: return "healthy";
    case TargetState::kUnhealthy: return "unhealthy";
    case TargetState::kDraining: return "draining";
    case TargetState::kUnused: return "unused";
  }
  return "";
}

}  // namespace minato::cloud
