// Taints, tolerations and required node affinity as controllers judge them.
//
// Pure functions over values. Rules: k8s.io/component-helpers scheduling/corev1 (helpers.go,
// nodeaffinity/nodeaffinity.go); a taint is known by key and effect.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/types/node.h"
#include "kube/types/pod.h"

namespace minato::controllers {

inline constexpr std::string_view kTaintDiskPressure = "node.kubernetes.io/disk-pressure";
inline constexpr std::string_view kTaintPidPressure = "node.kubernetes.io/pid-pressure";
inline constexpr std::string_view kTaintNetworkUnavailable =
    "node.kubernetes.io/network-unavailable";
inline constexpr std::string_view kTaintOutOfService = "node.kubernetes.io/out-of-service";

// A toleration that holds whatever the taint's value.
kube::Toleration tolerate(std::string_view key, std::string_view effect);
bool tolerates(const kube::Toleration& toleration, const kube::Taint& taint);
bool tolerated(const std::vector<kube::Toleration>& tolerations, const kube::Taint& taint);
bool has_taint(const std::vector<kube::Taint>& taints, std::string_view key,
               std::string_view effect);

// nodeSelector and requiredDuringSchedulingIgnoredDuringExecution (terms are alternatives, the
// requirements of a term must all hold; an empty term matches nothing).
bool matches_required_affinity(const kube::PodSpec& pod, const kube::Node& node);

}  // namespace minato::controllers
