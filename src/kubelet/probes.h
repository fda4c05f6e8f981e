// One probe of one running container: when it is asked, and what a row of answers means.
//
// Rules: k8s.io/kubernetes pkg/kubelet/prober/worker.go. Ticks count from when the kubelet first
// saw the Pod; a container is first probed at the first tick after initialDelaySeconds, except that
// readiness is asked at once when the container has started. Ticks of Pods found at the start of
// the kubelet are moved by a random part of the period. Thresholds count equal answers in a row; an
// error of the asking itself counts for nothing.
//
// Where the runtime knows that a passed probe would pass again and tells when that ends, ticks until
// then are left out: they would change nothing.
//
// Owned by its ContainerWorker for as long as the container runs. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "kubelet/actions.h"

namespace minato::kubelet {

enum class ProbeType { kStartup, kReadiness, kLiveness };
std::string_view to_string(ProbeType type);  // "Startup", as messages begin.

enum class ProbeResult { kSuccess, kFailure };

class ProbeWorker {
 public:
  // Called when a threshold is reached, on every answer from then on. May destroy the worker.
  using Sink = std::function<void(ProbeResult)>;
  // `container` and `spec` are the ContainerWorker's own copies and stay where they are.
  ProbeWorker(NodeContext& node, const PodScope& scope, const kube::Container& container,
              container::ContainerRef ref, ProbeType type, const kube::Probe& spec,
              MonoTime container_started, Sink sink);

 private:
  Duration period() const;
  MonoTime next_tick(MonoTime not_before) const;
  void schedule(MonoTime at);
  void ask();
  void answered(const Outcome& outcome);
  bool rests();

  NodeContext& node_;
  const PodScope& scope_;
  std::string container_name_;
  ProbeType type_;
  const kube::Probe& spec_;
  Sink sink_;
  Action action_;
  MonoTime origin_{};  // Ticks are at origin_ + n * period().
  ProbeResult last_ = ProbeResult::kSuccess;
  int run_ = 0;  // How many answers like last_ came in a row.
  env::TimerHandle timer_;
  Guard guard_;
};

}  // namespace minato::kubelet
