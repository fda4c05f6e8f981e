// The states of one container of a Pod and how they look in the API. Values and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "container/runtime.h"
#include "kube/types/pod.h"

namespace minato::kubelet {

enum class ContainerRole {
  kInit,     // Runs to completion before the next one.
  kSidecar,  // An init container with restartPolicy Always.
  kMain,
  kEphemeral,  // Added while the Pod runs; never started again.
};

//  kIdle ─► kPulling ─► kStarting ─► kPostStart ─► kRunning ─► kPreStop ─► kAwaitingTurn
//    ▲          │           │            │            │                         │
//    └──────────┘           └────────────┴────────────┴──► kExited ◄─ kStopping ◄┘
// From kExited a restart goes to kPulling again; waiting for a back-off happens in kIdle (image,
// configuration) or kExited (crash).
enum class ContainerPhase {
  kIdle,
  kPulling,
  kStarting,
  kPostStart,
  kRunning,
  kPreStop,
  kAwaitingTurn,
  kStopping,
  kExited,
};

// Something of it exists in the runtime or is being made there.
inline bool is_under_way(ContainerPhase phase) {
  return phase != ContainerPhase::kIdle && phase != ContainerPhase::kExited;
}
inline bool is_process(ContainerPhase phase) {
  return phase == ContainerPhase::kPostStart || phase == ContainerPhase::kRunning ||
         phase == ContainerPhase::kPreStop || phase == ContainerPhase::kAwaitingTurn ||
         phase == ContainerPhase::kStopping;
}

// All that a status says about a container.
struct ContainerView {
  const kube::Container* spec = nullptr;
  ContainerRole role = ContainerRole::kMain;
  ContainerPhase phase = ContainerPhase::kIdle;
  std::string waiting_reason;  // "" when nothing special is waited for.
  std::string waiting_message;
  std::optional<container::Container> running;
  std::optional<kube::ContainerStateTerminated> exited;    // The newest end.
  std::optional<kube::ContainerStateTerminated> previous;  // The end before that.
  std::string image_id;
  std::string container_id;
  std::int32_t restart_count = 0;
  bool ready = false;
  bool started = false;
};

kube::ContainerStateTerminated terminated_state(const container::Container& container);

// `before_start` is what a container is waiting for that has not been looked at yet:
// "ContainerCreating" or "PodInitializing".
kube::ContainerStatus container_status(const ContainerView& view, std::string_view before_start);

// Pods find out by this hash that a container was changed in place (only its image may be).
std::string container_hash(const kube::Container& container);
inline constexpr char kHashAnnotation[] = "minato.dev/container-hash";

}  // namespace minato::kubelet
