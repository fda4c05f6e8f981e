// core/v1 Binding: which Node a Pod goes to. A subresource of Pods; nothing of it is stored.
//
// Field names and numbers are those of k8s.io/api v0.32 (core/v1 types.go).
#pragma once

#include "kube/types/meta.h"
#include "kube/types/pod.h"

namespace minato::kube {

struct Binding {
  ObjectMeta metadata;
  ObjectReference target;
  UnknownFields unknown;
};
const TypeInfo& reflect(const Binding*);

}  // namespace minato::kube
