// What kubectl shows of a Pod in its READY and STATUS columns. Pure.
// Rules: k8s.io/kubernetes pkg/printers/internalversion/printers.go (printPod).
#pragma once

#include <cstdint>
#include <string>

#include "kube/types/node.h"
#include "kube/types/pod.h"

namespace minato::kube {

struct PodDisplay {
  std::string ready;   // "1/1"
  std::string status;  // "Running", "CrashLoopBackOff", "Init:0/1", "Terminating", …
  std::int32_t restarts = 0;
};
PodDisplay display(const Pod& pod);

// "Ready", "NotReady", "Unknown", with ",SchedulingDisabled" when cordoned.
std::string display_status(const Node& node);

bool is_condition_true(const Pod& pod, std::string_view type);

}  // namespace minato::kube
