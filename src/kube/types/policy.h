// policy/v1: PodDisruptionBudget, Eviction.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (policy/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/meta.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct PodDisruptionBudgetSpec {
  std::optional<IntOrString> min_available;
  Box<LabelSelector> selector;
  std::optional<IntOrString> max_unavailable;
  std::optional<std::string> unhealthy_pod_eviction_policy;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodDisruptionBudgetSpec*);

struct PodDisruptionBudgetStatus {
  std::int64_t observed_generation = 0;
  std::map<std::string, Time> disrupted_pods;
  std::int32_t disruptions_allowed = 0;
  std::int32_t current_healthy = 0;
  std::int32_t desired_healthy = 0;
  std::int32_t expected_pods = 0;
  std::vector<Condition> conditions;
  UnknownFields unknown;
};
const TypeInfo& reflect(const PodDisruptionBudgetStatus*);

struct PodDisruptionBudget final : ObjectOf<PodDisruptionBudget> {
  DECLARE_SPECIAL_MEMBERS(PodDisruptionBudget);
  static const Kind& static_kind();
  PodDisruptionBudgetSpec spec;
  PodDisruptionBudgetStatus status;
};
const TypeInfo& reflect(const PodDisruptionBudget*);

struct Eviction final : ObjectOf<Eviction> {
  DECLARE_SPECIAL_MEMBERS(Eviction);
  static const Kind& static_kind();
  Box<DeleteOptions> delete_options;
};
const TypeInfo& reflect(const Eviction*);

}  // namespace minato::kube
