// scheduling.k8s.io/v1: PriorityClass.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (scheduling.k8s.io/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct PriorityClass final : ObjectOf<PriorityClass> {
  DECLARE_SPECIAL_MEMBERS(PriorityClass);
  static const Kind& static_kind();
  std::int32_t value = 0;
  bool global_default = false;
  std::string description;
  std::optional<std::string> preemption_policy;
};
const TypeInfo& reflect(const PriorityClass*);

}  // namespace minato::kube
