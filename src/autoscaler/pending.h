// Which waiting Pods are the autoscaler's business, and which of those have a place already: on
// Nodes that are there, or on those on their way. What is left makes groups grow.
//
// Works on the Snapshot of the Observation inside a fork of the caller's; leaves there what it
// placed. Pods of one scheduling template are one equivalence group: no rule tells them apart.
// Rules: cluster-autoscaler core/podlistprocessor (filter_out_expendable, _daemon_sets,
// _schedulable), core/static_autoscaler.go filterOutYoungPods, core/scaleup/equivalence.
#pragma once

#include <string>
#include <vector>

#include "autoscaler/groups.h"

namespace minato::autoscaler {

inline constexpr std::string_view kAnnotationPodDelay =
    "cluster-autoscaler.kubernetes.io/pod-scale-up-delay";
inline constexpr std::string_view kUpcomingPrefix = "upcoming/";

struct PodGroup {
  scheduling::PodTemplatePtr pod_template;
  std::vector<scheduling::PodInfoPtr> pods;  // By key.
  const scheduling::PodInfo& first() const { return *pods.front(); }
};

struct Pending {
  std::vector<PodGroup> groups;  // Most important first; without a place.
  std::vector<PodOutcome> settled;
  std::vector<std::string> upcoming_nodes;  // As they are called in the Snapshot.
  std::vector<std::string> spared;          // Scale-downs that waiting Pods need the Nodes of.
};

// Age at which the Pod counts. An annotation that cannot be read, or that would shorten the delay,
// is not heeded.
Duration pod_delay(const kube::Pod& pod, Duration delay);
// Why a waiting Pod is left out; "": it counts.
std::string why_ignored(const kube::Pod& pod, WallTime wall, const Options& options);

// No Pod elsewhere matters to where these Pods may go.
bool stands_alone(const scheduling::PodTemplate& pod, const scheduling::Snapshot& snapshot);

// The Snapshot as it will be soon: Nodes that go or are not ready are no places, those on their way
// are, Pods that anybody may displace are not there.
std::vector<std::string> prepare_snapshot(const Observation& seen, const Groups& groups,
                                          const Options& options, const Memory& memory);
Pending find_pending(const Observation& seen, const Groups& groups, const Options& options,
                     const Memory& memory);

}  // namespace minato::autoscaler
