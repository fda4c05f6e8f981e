#include "cluster/scaling.h"

namespace minato::cluster {

removal::Options removal_options(const Profile& profile) {
  removal::Options out;
  out.replacement_patience = profile.autoscaler_provision;
  return out;
}

descheduler::Descheduler::Options descheduler_options(const Profile& profile) {
  descheduler::Descheduler::Options out;
  out.scan_interval = profile.descheduler_scan;
  out.settle = profile.descheduler_settle;
  return out;
}

autoscaler::Options autoscaler_options(const Profile& profile, const std::vector<blueprint::NodeGroup>& groups) {
  autoscaler::Options out;
  out.scan_interval = profile.autoscaler_scan;
  out.scale_up.max_node_provision_time = profile.autoscaler_provision;
  out.scale_up.backoff_initial = profile.autoscaler_backoff;
  out.scale_up.backoff_max = profile.autoscaler_backoff_max;
  out.scale_down.group.unneeded_time = profile.autoscaler_unneeded;
  out.scale_down.group.unready_time = profile.autoscaler_unready;
  out.scale_down.delay_after_add = profile.autoscaler_after_add;
  out.spot.back_to_spot_after = profile.back_to_spot;
  out.zones.settle = profile.zones_settle;
  for (const blueprint::NodeGroup& group : groups) {
    out.spot.on_demand_base[group.group.name] = group.group.distribution.on_demand_base_capacity;
  }
  return out;
}

}  // namespace minato::cluster
