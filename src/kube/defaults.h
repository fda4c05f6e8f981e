// Values that the API fills in where an object says nothing, so that every reader sees one
// explicit object. Idempotent; pure; thread-safe.
// Rules: k8s.io/kubernetes pkg/apis/*/*/defaults.go, v1.32.
#pragma once

#include "kube/types/apps.h"
#include "kube/types/autoscaling.h"
#include "kube/types/config.h"
#include "kube/types/discovery.h"
#include "kube/types/node.h"
#include "kube/types/scheduling.h"
#include "kube/types/service.h"

namespace minato::kube {

// What Pods and Pod templates share.
void set_defaults(PodSpec& spec);
// Pods alone get these too: requests from limits, service links.
void set_defaults(Pod& pod);
void set_defaults(Deployment& deployment);
void set_defaults(ReplicaSet& replica_set);
void set_defaults(DaemonSet& daemon_set);
void set_defaults(Service& service);
void set_defaults(Namespace& name_space);
void set_defaults(Secret& secret);
void set_defaults(Node& node);
void set_defaults(EndpointSlice& slice);
void set_defaults(PriorityClass& priority_class);
void set_defaults(HorizontalPodAutoscaler& autoscaler);

}  // namespace minato::kube
