// autoscaling/v1: HorizontalPodAutoscaler as older clients write it; stored as v2.
//
// Field names, numbers, merge keys and order are those of k8s.io/api v0.32 (autoscaling/v1 types.go).
// What a field means is said there; how structs work here is in kube/reflect.h.
#pragma once

#include "kube/object.h"
#include "kube/types/autoscaling.h"
#include "kube/types/meta.h"
#include "kube/types/scalars.h"

namespace minato::kube {

struct HorizontalPodAutoscalerSpecV1 {
  CrossVersionObjectReference scale_target_ref;
  std::optional<std::int32_t> min_replicas;
  std::int32_t max_replicas = 0;
  std::optional<std::int32_t> target_cpu_utilization_percentage;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HorizontalPodAutoscalerSpecV1*);

struct HorizontalPodAutoscalerStatusV1 {
  std::optional<std::int64_t> observed_generation;
  Time last_scale_time;
  std::int32_t current_replicas = 0;
  std::int32_t desired_replicas = 0;
  std::optional<std::int32_t> current_cpu_utilization_percentage;
  UnknownFields unknown;
};
const TypeInfo& reflect(const HorizontalPodAutoscalerStatusV1*);

struct HorizontalPodAutoscalerV1 final : ObjectOf<HorizontalPodAutoscalerV1> {
  DECLARE_SPECIAL_MEMBERS(HorizontalPodAutoscalerV1);
  static const Kind& static_kind();
  HorizontalPodAutoscalerSpecV1 spec;
  HorizontalPodAutoscalerStatusV1 status;
};
const TypeInfo& reflect(const HorizontalPodAutoscalerV1*);

}  // namespace minato::kube
