#include "kube/display.h"

#include <fmt/format.h>

#include <algorithm>

#include "kube/names.h"

namespace minato::kube {
namespace {

std::string terminated_reason(const ContainerStateTerminated& terminated) {
  if (!terminated.reason.empty()) return terminated.reason;
  return terminated.signal != 0 ? fmt::format("Signal:{}", terminated.signal)
                                : fmt::format("ExitCode:{}", terminated.exit_code);
}

bool is_sidecar(const Pod& pod, const std::string& name) {
  return std::ranges::any_of(pod.spec.init_containers, [&](const Container& container) {
    return container.name == name && container.restart_policy == "Always";
  });
}

// The state of initialization as STATUS, or "" when it is over.
std::string init_status(const Pod& pod) {
  const auto& statuses = pod.status.init_container_statuses;
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    const ContainerStatus& status = statuses[i];
    const auto& terminated = status.state.terminated;
    if (terminated && terminated->exit_code == 0) continue;
    if (is_sidecar(pod, status.name) && status.started.value_or(false)) continue;
    if (terminated) return "Init:" + terminated_reason(*terminated);
    const auto& waiting = status.state.waiting;
    if (waiting && !waiting->reason.empty() && waiting->reason != "PodInitializing") {
      return "Init:" + waiting->reason;
    }
    return fmt::format("Init:{}/{}", i, pod.spec.init_containers.size());
  }
  return {};
}

std::string main_status(const Pod& pod, const std::string& fallback) {
  std::string reason = fallback;
  bool has_running = false;
  for (auto it = pod.status.container_statuses.rbegin(); it != pod.status.container_statuses.rend(); ++it) {
    if (it->state.waiting && !it->state.waiting->reason.empty()) {
      reason = it->state.waiting->reason;
    } else if (it->state.terminated) {
      reason = terminated_reason(*it->state.terminated);
    } else if (it->ready && it->state.running) {
      has_running = true;
    }
  }
  if (reason == "Completed" && has_running) {
    return is_condition_true(pod, kReady) ? "Running" : "NotReady";
  }
  return reason;
}

}  // namespace

bool is_condition_true(const Pod& pod, std::string_view type) {
  return std::ranges::any_of(pod.status.conditions, [&](const PodCondition& condition) {
    return condition.type == type && condition.status == kTrue;
  });
}

PodDisplay display(const Pod& pod) {
  PodDisplay out;
  std::size_t ready = 0, total = pod.spec.containers.size();
  for (const ContainerStatus& status : pod.status.container_statuses) {
    out.restarts += status.restart_count;
    if (status.ready) ++ready;
  }
  for (const ContainerStatus& status : pod.status.init_container_statuses) {
    if (!is_sidecar(pod, status.name)) continue;
    ++total;
    if (status.ready) ++ready;
  }
  out.ready = fmt::format("{}/{}", ready, total);
  const std::string phase =
      pod.status.reason.empty() ? (pod.status.phase.empty() ? std::string(kPodPending) : pod.status.phase)
                                : pod.status.reason;
  const std::string initializing = init_status(pod);
  out.status = initializing.empty() ? main_status(pod, phase) : initializing;
  if (is_set(pod.metadata.deletion_timestamp)) {
    out.status = pod.status.reason == "NodeLost" ? "Unknown" : "Terminating";
  }
  return out;
}

std::string display_status(const Node& node) {
  std::string out = "Unknown";
  for (const NodeCondition& condition : node.status.conditions) {
    if (condition.type != kReady) continue;
    // Unknown means that the Node stopped reporting; kubectl calls both NotReady.
    out = condition.status == kTrue ? "Ready" : "NotReady";
  }
  if (node.spec.unschedulable) out += ",SchedulingDisabled";
  return out;
}

}  // namespace minato::kube
