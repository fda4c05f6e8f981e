// The scale subresource: how many replicas an object is to have and has, whatever its kind.
//
// scale_of() and set_replicas() are pure. get_scale() and update_scale() are the two verbs of the
// subresource over any Client, as upstream's ScaleREST does them: read, compare, change
// spec.replicas alone, and write with the version that was read. Loop thread only.
// Rules: k8s.io/kubernetes pkg/registry/apps/{deployment,replicaset}/storage (ScaleREST).
#pragma once

#include "kube/client.h"
#include "kube/types/autoscaling.h"

namespace minato::kube {

// True for the kinds that have a scale: Deployment, ReplicaSet, StatefulSet, ReplicationController,
// and custom kinds whose definition says where their replicas are.
bool has_scale(const Kind& kind);

// Requires: has_scale(object.kind()).
Scale scale_of(const Object& object);
void set_replicas(Object& object, std::int32_t replicas);

// Errors: NotFound (the object, or its kind has no scale).
Result<Scale> get_scale(Client& client, const Kind& kind, const ObjectKey& key);
// Errors: as get_scale(); Invalid (negative); Conflict when the object is another one than the
// Scale was read from, or has changed since. A Scale without uid and resourceVersion overwrites.
Result<Scale> update_scale(Client& client, const Kind& kind, const Scale& scale);

}  // namespace minato::kube
