// What autoscaler, removal and descheduler are set to, by the profile and the groups: the same in every world. Pure.
#pragma once

#include <vector>

#include "autoscaler/options.h"
#include "blueprint/blueprint.h"
#include "cluster/profile.h"
#include "descheduler/descheduler.h"
#include "removal/plan.h"

namespace minato::cluster {

removal::Options removal_options(const Profile& profile);
descheduler::Descheduler::Options descheduler_options(const Profile& profile);
// With the catalogue that is built in.
autoscaler::Options autoscaler_options(const Profile& profile, const std::vector<blueprint::NodeGroup>& groups = {});

}  // namespace minato::cluster
