// Words of the Kubernetes API that several modules use, spelled once.
#pragma once

#include <string_view>

namespace minato::kube {

// Pod phases (core/v1 PodPhase).
inline constexpr std::string_view kPodPending = "Pending";
inline constexpr std::string_view kPodRunning = "Running";
inline constexpr std::string_view kPodSucceeded = "Succeeded";
inline constexpr std::string_view kPodFailed = "Failed";

// Condition types and statuses.
inline constexpr std::string_view kTrue = "True";
inline constexpr std::string_view kFalse = "False";
inline constexpr std::string_view kUnknown = "Unknown";
inline constexpr std::string_view kReady = "Ready";
inline constexpr std::string_view kPodScheduled = "PodScheduled";
inline constexpr std::string_view kContainersReady = "ContainersReady";
inline constexpr std::string_view kInitialized = "Initialized";
inline constexpr std::string_view kDisruptionTarget = "DisruptionTarget";

// Labels, annotations and taints (kubernetes.io/docs/reference/labels-annotations-taints).
inline constexpr std::string_view kLabelHostname = "kubernetes.io/hostname";
inline constexpr std::string_view kLabelZone = "topology.kubernetes.io/zone";
inline constexpr std::string_view kLabelRegion = "topology.kubernetes.io/region";
inline constexpr std::string_view kLabelInstanceType = "node.kubernetes.io/instance-type";
inline constexpr std::string_view kLabelArch = "kubernetes.io/arch";
inline constexpr std::string_view kLabelOs = "kubernetes.io/os";
inline constexpr std::string_view kLabelServiceName = "kubernetes.io/service-name";
inline constexpr std::string_view kLabelManagedBy = "endpointslice.kubernetes.io/managed-by";
inline constexpr std::string_view kLabelExcludeFromLoadBalancers =
    "node.kubernetes.io/exclude-from-external-load-balancers";
inline constexpr std::string_view kLabelPodTemplateHash = "pod-template-hash";
inline constexpr std::string_view kLabelControllerRevisionHash = "controller-revision-hash";
inline constexpr std::string_view kLabelNodeGroup = "minato.dev/node-group";
inline constexpr std::string_view kAnnotationRevision = "deployment.kubernetes.io/revision";
inline constexpr std::string_view kTaintNotReady = "node.kubernetes.io/not-ready";
inline constexpr std::string_view kTaintUnreachable = "node.kubernetes.io/unreachable";
inline constexpr std::string_view kTaintUnschedulable = "node.kubernetes.io/unschedulable";
inline constexpr std::string_view kTaintMemoryPressure = "node.kubernetes.io/memory-pressure";

inline constexpr std::string_view kNoSchedule = "NoSchedule";
inline constexpr std::string_view kPreferNoSchedule = "PreferNoSchedule";
inline constexpr std::string_view kNoExecute = "NoExecute";

inline constexpr std::string_view kNormal = "Normal";
inline constexpr std::string_view kWarning = "Warning";

inline constexpr std::string_view kNamespaceDefault = "default";
inline constexpr std::string_view kNamespaceSystem = "kube-system";
inline constexpr std::string_view kNamespaceNodeLease = "kube-node-lease";

// How Pods find and believe the API: its Service in "default", and the ConfigMap of each namespace.
inline constexpr std::string_view kApiService = "kubernetes";
inline constexpr std::string_view kRootCaConfigMap = "kube-root-ca.crt";
inline constexpr std::string_view kRootCaKey = "ca.crt";

inline constexpr std::string_view kFinalizerForeground = "foregroundDeletion";
inline constexpr std::string_view kFinalizerOrphan = "orphan";

inline constexpr std::string_view kCpu = "cpu";
inline constexpr std::string_view kMemory = "memory";
inline constexpr std::string_view kPods = "pods";

}  // namespace minato::kube
