// coordination.k8s.io/v1: Lease.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (coordination.k8s.io/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct LeaseSpec {
  std::optional<std::string> holder_identity;
  std::optional<std::int32_t> lease_duration_seconds;
  MicroTime acquire_time;
  MicroTime renew_time;
  std::optional<std::int32_t> lease_transitions;
  std::optional<std::string> strategy;
  std::optional<std::string> preferred_holder;
  UnknownFields unknown;
};
const TypeInfo& reflect(const LeaseSpec*);

struct Lease final : ObjectOf<Lease> {
  DECLARE_SPECIAL_MEMBERS(Lease);
  static const Kind& static_kind();
  LeaseSpec spec;
};
const TypeInfo& reflect(const Lease*);

}  // namespace minato::kube
