#include "kubelet/container_state.h"

#include <fmt/format.h>

namespace minato::kubelet {
namespace {

constexpr std::string_view kContainerIdScheme = "minato://";

WallTime seconds(WallTime time) { return std::chrono::floor<std::chrono::seconds>(time); }

}  // namespace

kube::ContainerStateTerminated terminated_state(const container::Container& container) {
  kube::ContainerStateTerminated out;
  out.exit_code = container.exit_code;
  // Upstream leaves `signal` alone: the exit code says it.
  out.reason = container.oom_killed ? "OOMKilled" : container.reason;
  if (out.reason.empty()) out.reason = container.exit_code == 0 ? "Completed" : "Error";
  out.message = container.message;
  out.started_at = seconds(container.started_at);
  out.finished_at = seconds(container.finished_at);
  if (!container.id.empty()) {
    out.container_id = fmt::format("{}{}", kContainerIdScheme, container.id);
  }
  return out;
}

kube::ContainerStatus container_status(const ContainerView& view, std::string_view before_start) {
  kube::ContainerStatus out;
  out.name = view.spec->name;
  out.image = view.spec->image;
  out.image_id = view.image_id;
  out.restart_count = view.restart_count;
  out.ready = view.ready;
  out.started = view.started;
  if (is_process(view.phase) && view.running) {
    out.state.running.emplace().started_at = seconds(view.running->started_at);
    if (view.previous) out.last_state.terminated = *view.previous;
  } else if (!view.waiting_reason.empty() || !view.exited) {
    auto& waiting = out.state.waiting.emplace();
    waiting.reason = view.waiting_reason.empty() ? std::string(before_start) : view.waiting_reason;
    waiting.message = view.waiting_message;
    if (view.exited) out.last_state.terminated = *view.exited;
  } else {
    out.state.terminated = *view.exited;
    if (view.previous) out.last_state.terminated = *view.previous;
  }
  if (!view.container_id.empty()) {
    out.container_id = fmt::format("{}{}", kContainerIdScheme, view.container_id);
  }
  return out;
}

std::string container_hash(const kube::Container& container) {
  // FNV-1a over what may change in place, as upstream picks fields since 1.31.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : container.name + '\n' + container.image) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace minato::kubelet
