#include "kubelet/status.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "kube/names.h"
#include "kubelet/resources.h"

namespace minato::kubelet {
namespace {

constexpr std::string_view kReadyToStart = "PodReadyToStartContainers";

bool init_done(const ContainerView& view) {
  if (view.role == ContainerRole::kSidecar) return view.started;
  return view.phase == ContainerPhase::kExited && view.exited->exit_code == 0;
}

// Some of the Pod's init work is still to be done. Once a main container ran, it is all done.
bool initializing(const PodView& view) {
  const bool begun = std::any_of(view.containers.begin(), view.containers.end(),
                                 [](const ContainerView& c) { return c.running || c.exited; });
  return !begun &&
         !std::all_of(view.init_containers.begin(), view.init_containers.end(), init_done);
}

bool init_failed_for_good(const PodView& view) {
  return view.pod.spec.restart_policy == "Never" &&
         std::any_of(view.init_containers.begin(), view.init_containers.end(),
                     [](const ContainerView& c) {
                       return c.role == ContainerRole::kInit && c.exited &&
                              c.phase == ContainerPhase::kExited && c.exited->exit_code != 0;
                     });
}

struct Counts {
  int waiting = 0;
  int running = 0;
  int stopped = 0;
  int succeeded = 0;
};

Counts count(const std::vector<ContainerView>& containers) {
  Counts out;
  for (const ContainerView& container : containers) {
    if (container.running) {
      ++out.running;
    } else if (container.exited) {
      ++out.stopped;
      // One that waits for its restart has not succeeded, whatever its last exit.
      if (container.waiting_reason.empty() && container.exited->exit_code == 0) ++out.succeeded;
    } else {
      ++out.waiting;
    }
  }
  return out;
}

std::string_view final_phase(const PodView& view, const Counts& counts) {
  if (view.verdict != nullptr || init_failed_for_good(view) || counts.waiting > 0) {
    return kube::kPodFailed;
  }
  return counts.stopped == counts.succeeded ? kube::kPodSucceeded : kube::kPodFailed;
}

std::string_view phase_of(const PodView& view) {
  const Counts counts = count(view.containers);
  if (view.ended) return final_phase(view, counts);
  if (initializing(view) || counts.waiting > 0) return kube::kPodPending;
  // All stopped and none to be restarted becomes final only when sidecars are gone as well.
  return kube::kPodRunning;
}

kube::PodCondition condition(std::string_view type, std::string_view status,
                             std::string_view reason = {}, std::string message = {}) {
  kube::PodCondition out;
  out.type = type;
  out.status = status;
  out.reason = reason;
  out.message = std::move(message);
  return out;
}

std::string names_of(const std::vector<ContainerView>& containers,
                     bool (*lacking)(const ContainerView&)) {
  std::vector<std::string> names;
  for (const ContainerView& container : containers) {
    if (lacking(container)) names.push_back(container.spec->name);
  }
  return join(names, " ");
}

kube::PodCondition initialized(const PodView& view, std::string_view phase) {
  if (phase == kube::kPodSucceeded) {
    return condition(kube::kInitialized, kube::kTrue, "PodCompleted");
  }
  if (!initializing(view)) return condition(kube::kInitialized, kube::kTrue);
  const std::string names = names_of(view.init_containers,
                                     [](const ContainerView& c) { return !init_done(c); });
  return condition(kube::kInitialized, kube::kFalse, "ContainersNotInitialized",
                   fmt::format("containers with incomplete status: [{}]", names));
}

kube::PodCondition containers_ready(const PodView& view, std::string_view phase) {
  if (phase == kube::kPodSucceeded) {
    return condition(kube::kContainersReady, kube::kFalse, "PodCompleted");
  }
  if (phase == kube::kPodFailed) {
    return condition(kube::kContainersReady, kube::kFalse, "PodFailed");
  }
  std::string names = names_of(view.init_containers, [](const ContainerView& c) {
    return c.role == ContainerRole::kSidecar && !c.ready;
  });
  const std::string mains =
      names_of(view.containers, [](const ContainerView& c) { return !c.ready; });
  if (!names.empty() && !mains.empty()) names += " ";
  names += mains;
  if (names.empty()) return condition(kube::kContainersReady, kube::kTrue);
  return condition(kube::kContainersReady, kube::kFalse, "ContainersNotReady",
                   fmt::format("containers with unready status: [{}]", names));
}

// Ready is ContainersReady and every readiness gate.
kube::PodCondition ready(const PodView& view, const kube::PodCondition& containers) {
  kube::PodCondition out = containers;
  out.type = kube::kReady;
  if (containers.status != kube::kTrue) return out;
  std::vector<std::string> problems;
  for (const kube::PodReadinessGate& gate : view.pod.spec.readiness_gates) {
    const auto& conditions = view.pod.status.conditions;
    const auto found = std::find_if(conditions.begin(), conditions.end(), [&](const auto& c) {
      return c.type == gate.condition_type;
    });
    if (found == conditions.end()) {
      problems.push_back(fmt::format(
          "corresponding condition of pod readiness gate \"{}\" does not exist.",
          gate.condition_type));
    } else if (found->status != kube::kTrue) {
      problems.push_back(fmt::format(
          "the status of pod readiness gate \"{}\" is not \"True\", but {}", gate.condition_type,
          found->status));
    }
  }
  if (problems.empty()) return out;
  return condition(kube::kReady, kube::kFalse, "ReadinessGatesNotReady", join(problems, ", "));
}

void put(kube::PodStatus& status, kube::PodCondition wanted, WallTime now) {
  const auto found = std::find_if(status.conditions.begin(), status.conditions.end(),
                                  [&](const auto& c) { return c.type == wanted.type; });
  if (found == status.conditions.end()) {
    wanted.last_transition_time = now;
    status.conditions.push_back(std::move(wanted));
    return;
  }
  wanted.last_transition_time = found->status == wanted.status ? found->last_transition_time : now;
  wanted.last_probe_time = found->last_probe_time;
  wanted.unknown = found->unknown;
  *found = std::move(wanted);
}

std::vector<kube::ContainerStatus> statuses(const std::vector<ContainerView>& views,
                                            std::string_view before_start) {
  std::vector<kube::ContainerStatus> out;
  for (const ContainerView& view : views) {
    kube::ContainerStatus status = container_status(view, before_start);
    // A finished init container is "ready": it stands in nobody's way.
    if (view.role == ContainerRole::kInit) status.ready = init_done(view);
    if (view.role == ContainerRole::kEphemeral) {  // Nothing waits for one.
      status.ready = false;
      status.started.reset();
    }
    out.push_back(std::move(status));
  }
  return out;
}

void set_addresses(const PodView& view, kube::PodStatus& status) {
  status.host_ip = view.host_ip;
  status.host_ips.clear();
  if (!view.host_ip.empty()) status.host_ips.push_back({.ip = view.host_ip});
  // The address stays in the status of a Pod that has ended.
  if (view.pod_ip.empty()) return;
  status.pod_ip = view.pod_ip;
  status.pod_ips = {{.ip = view.pod_ip}};
}

}  // namespace

bool is_terminal(const kube::Pod& pod) {
  return pod.status.phase == kube::kPodSucceeded || pod.status.phase == kube::kPodFailed;
}

kube::PodStatus build_pod_status(const PodView& view) {
  kube::PodStatus out = view.pod.status;
  out.phase = phase_of(view);
  out.reason = view.verdict != nullptr ? view.verdict->reason : std::string();
  out.message = view.verdict != nullptr ? view.verdict->message : std::string();
  out.start_time = view.start_time;
  out.qos_class = qos_class(view.pod);
  set_addresses(view, out);
  if (view.verdict == nullptr || view.verdict->kind != Verdict::Kind::kRejected) {
    const bool early = view.init_containers.empty() || !initializing(view);
    out.init_container_statuses = statuses(view.init_containers, "PodInitializing");
    out.container_statuses =
        statuses(view.containers, early ? "ContainerCreating" : "PodInitializing");
    out.ephemeral_container_statuses = statuses(view.ephemeral_containers, "ContainerCreating");
  }
  put(out, condition(kReadyToStart, view.sandbox_ready ? kube::kTrue : kube::kFalse), view.now);
  put(out, initialized(view, out.phase), view.now);
  const kube::PodCondition of_containers = containers_ready(view, out.phase);
  put(out, ready(view, of_containers), view.now);
  put(out, of_containers, view.now);
  put(out, condition(kube::kPodScheduled, kube::kTrue), view.now);
  if (view.verdict != nullptr && view.verdict->kind == Verdict::Kind::kEvicted) {
    put(out, condition(kube::kDisruptionTarget, kube::kTrue, "TerminationByKubelet",
                       view.verdict->message),
        view.now);
  }
  return out;
}

}  // namespace minato::kubelet
