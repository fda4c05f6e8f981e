// A call for every kind that has a cache, for controllers that look at all of them.
//
// Events are not among them: they own nothing, nothing owns them, and they end by age.
#pragma once

#include "kube/types/apps.h"
#include "kube/types/autoscaling.h"
#include "kube/types/config.h"
#include "kube/types/coordination.h"
#include "kube/types/discovery.h"
#include "kube/types/node.h"
#include "kube/types/pod.h"
#include "kube/types/policy.h"
#include "kube/types/scheduling.h"
#include "kube/types/service.h"

namespace minato::controllers {

// `visit.template operator()<T>()` for each kind, in a fixed order.
template <class Visit>
void for_each_served_kind(Visit visit) {
  visit.template operator()<kube::Namespace>();
  visit.template operator()<kube::Node>();
  visit.template operator()<kube::PriorityClass>();
  visit.template operator()<kube::ConfigMap>();
  visit.template operator()<kube::Secret>();
  visit.template operator()<kube::ServiceAccount>();
  visit.template operator()<kube::Service>();
  visit.template operator()<kube::EndpointSlice>();
  visit.template operator()<kube::Deployment>();
  visit.template operator()<kube::ReplicaSet>();
  visit.template operator()<kube::DaemonSet>();
  visit.template operator()<kube::Pod>();
  visit.template operator()<kube::HorizontalPodAutoscaler>();
  visit.template operator()<kube::PodDisruptionBudget>();
  visit.template operator()<kube::Lease>();
}

}  // namespace minato::controllers
