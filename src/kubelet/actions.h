// Exec, HTTP, TCP, gRPC and sleep: what probes and lifecycle hooks have in common.
//
// Rules: k8s.io/kubernetes pkg/probe/{http,tcp,exec,grpc} (200 to 399 is success; the texts of
// failures) and pkg/kubelet/lifecycle/handlers.go. Answers arrive through `done`, exactly once,
// never from inside the call; destroying the Action drops the answer.
#pragma once

#include <functional>
#include <string>

#include "kubelet/node_context.h"

namespace minato::kubelet {

struct Outcome {
  enum class Verdict {
    kSuccess,
    kFailure,
    kError,  // The question could not be asked; says nothing about the container.
  };
  Verdict verdict = Verdict::kSuccess;
  std::string output;
};

class Action {
 public:
  using Done = std::function<void(const Outcome&)>;
  Action(NodeContext& node, const PodScope& scope, const kube::Container& container,
         container::ContainerRef ref)
      : node_(node), scope_(scope), container_(container), ref_(std::move(ref)) {}

  void probe(const kube::ProbeHandler& handler, Duration timeout, Done done);
  void hook(const kube::LifecycleHandler& handler, Duration timeout, Done done);

 private:
  void exec(const kube::ExecAction& action, Duration timeout, Done done);
  void http(const kube::HTTPGetAction& action, Duration timeout, Done done);
  void tcp(const kube::TCPSocketAction& action, Duration timeout, Done done);
  void health(const kube::GRPCAction& action, Duration timeout, Done done);
  void answer_later(Duration delay, Outcome outcome, Done done);

  NodeContext& node_;
  const PodScope& scope_;
  const kube::Container& container_;
  container::ContainerRef ref_;
  env::TimerHandle timer_;
  Guard guard_;
};

// A number, or the name of one of the container's ports. Errors: Invalid.
Result<std::uint16_t> resolve_port(const kube::IntOrString& port, const kube::Container& container);

}  // namespace minato::kubelet
