// The status of a Deployment: counts, and the conditions Available, Progressing and ReplicaFailure.
//
// Pure. Rules: k8s.io/kubernetes pkg/controller/deployment/progress.go and sync.go
// (calculateStatus), util/deployment_util.go (DeploymentComplete, DeploymentProgressing,
// DeploymentTimedOut, SetDeploymentCondition).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "controllers/deployment/rollout_plan.h"
#include "kube/types/apps.h"

namespace minato::controllers {

inline constexpr std::string_view kDeploymentAvailable = "Available";
inline constexpr std::string_view kDeploymentProgressing = "Progressing";
inline constexpr std::string_view kDeploymentReplicaFailure = "ReplicaFailure";
inline constexpr std::string_view kReasonNewReplicaSetAvailable = "NewReplicaSetAvailable";
inline constexpr std::string_view kReasonProgressDeadlineExceeded = "ProgressDeadlineExceeded";

bool has_progress_deadline(const kube::Deployment& deployment);
// All Pods are new, available and as many as wanted.
bool is_complete(const kube::Deployment& deployment, const kube::DeploymentStatus& status);

// Keeps the transition time while the status stays; a condition with the same status and reason is
// left alone.
void set_condition(kube::DeploymentStatus& status, std::string_view type, std::string_view value,
                   std::string_view reason, std::string message, kube::Time now);

// Counts and Available.
kube::DeploymentStatus counted_status(const kube::Deployment& deployment, const ReplicaSets& sets,
                                      kube::Time now);
// Progressing and ReplicaFailure too.
kube::DeploymentStatus rollout_status(const kube::Deployment& deployment, const ReplicaSets& sets,
                                      kube::Time now);

// How long until a roll-out that stands still has to be looked at again; nothing when it is
// complete, given up, or has no deadline.
std::optional<Duration> until_deadline(const kube::Deployment& deployment,
                                       const kube::DeploymentStatus& status, WallTime now);

}  // namespace minato::controllers
