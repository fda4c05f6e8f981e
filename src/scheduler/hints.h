// Which waiting Pods an event could help. Erring towards yes costs an attempt; erring towards no
// costs up to five minutes, so every rule is complete for the filters that refused the Pod.
//
// Pure. Rules: the EventsToRegister and isSchedulableAfter… functions of pkg/scheduler plugins.
#pragma once

#include "scheduling/placer.h"

namespace minato::scheduler {

// A Node came, or changed in what placement looks at.
bool node_may_help(const scheduling::PodInfo& waiting, scheduling::FilterSet rejecting,
                   const scheduling::NodeInfo& node);
// A Node left: a topology domain may have gone with it.
bool node_removal_may_help(scheduling::FilterSet rejecting);
// A Pod was placed: one to be near to, or one that evens out the others.
bool placed_pod_may_help(const scheduling::PodInfo& waiting, scheduling::FilterSet rejecting,
                         const scheduling::PodInfo& placed);
// A Pod left, and its Node has the room: `placer` decides for that Node, terms for others.
bool gone_pod_may_help(const scheduling::PodInfo& waiting, scheduling::FilterSet rejecting,
                       const scheduling::PodInfo& gone, const std::string& node,
                       scheduling::Placer& placer);

}  // namespace minato::scheduler
