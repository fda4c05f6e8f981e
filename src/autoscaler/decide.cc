#include "autoscaler/decide.h"

#include <fmt/format.h>

#include "autoscaler/markets.h"
#include "autoscaler/pools.h"
#include "autoscaler/scale_down.h"
#include "autoscaler/scale_up.h"
#include "autoscaler/status.h"
#include "autoscaler/zones.h"

namespace minato::autoscaler {
namespace {

std::string halt_text(const Groups& groups) {
  return fmt::format("Cluster is not ready for autoscaling: {} of {} Nodes are unready",
                     groups.total.unready, groups.total.registered());
}

void act(const Observation& seen, const Groups& groups, const Options& options, Memory& memory,
         env::Rng& rng, Plan& plan) {
  Pending pending = find_pending(seen, groups, options, memory);
  plan.cancel = pending.spared;
  memory.spared.insert(plan.cancel.begin(), plan.cancel.end());
  plan.pods = std::move(pending.settled);
  plan_scale_up(seen, groups, pending, options, memory, rng, plan);
  plan_markets(seen, groups, pending, options, memory, plan);
  plan_zones(seen, groups, pending, options, memory, plan);
  if (options.scale_down.enabled) plan_scale_down(seen, groups, pending, options, memory, plan);
}

}  // namespace

Plan decide(const Observation& seen, const Options& options, Memory& memory, env::Rng& rng) {
  Plan plan;
  if (!memory.active_since) memory.active_since = seen.now;
  seen.snapshot().fork();
  learn_activities(seen, memory);
  const Groups groups = observe_groups(seen, options, memory, plan);
  plan_corrections(seen, groups, memory, plan);
  if (!groups.healthy) {
    plan.halted = halt_text(groups);
    plan.announcements.push_back(
        {.warning = true, .reason = "ClusterUnhealthy", .message = plan.halted});
    memory.unneeded.clear();
  } else if (!plan.changes_anything()) {
    // After a correction the sizes are others than those seen: the next scan goes on.
    act(seen, groups, options, memory, rng, plan);
  }
  plan.groups = group_verdicts(seen, groups, options, memory, plan);
  plan.status = status_text(seen, groups, memory, plan);
  seen.snapshot().revert();
  return plan;
}

}  // namespace minato::autoscaler
