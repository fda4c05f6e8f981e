// What a Pod says about being evicted by those who could leave it where it is (autoscaler,
// descheduler). Pure.
// Rules: kubernetes/autoscaler cluster-autoscaler FAQ.md, annotations.
#pragma once

#include <string_view>

namespace minato::controllers {

inline constexpr std::string_view kAnnotationSafeToEvict =
    "cluster-autoscaler.kubernetes.io/safe-to-evict";
inline constexpr std::string_view kAnnotationLocalVolumes =
    "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";

}  // namespace minato::controllers
