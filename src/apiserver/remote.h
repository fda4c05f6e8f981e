// exec, attach and port-forward: connections between a client and something in a Pod.
//
// What is behind them comes through a seam that the world gives (PodStreams). Flow control works
// through: while kPendingBytes wait on one side, the other is not read. A client that goes away
// ends the command. Loop thread only.
// Rules: k8s.io/kubernetes pkg/registry/core/pod/rest/subresources.go, pkg/kubelet/server.
#pragma once

#include <functional>
#include <memory>

#include "apiserver/call.h"
#include "apiserver/subresources.h"
#include "container/streams.h"

namespace minato::apiserver {

// Each may be empty: this world has no such thing.
struct PodStreams {
  std::function<Result<std::unique_ptr<container::Streams>>(
      const kube::Pod& pod, const std::string& container, container::CommandOptions options,
      container::Streams::Events events)>
      command;
  std::function<Result<std::unique_ptr<container::Streams>>(
      const kube::Pod& pod, const std::string& container, container::AttachOptions options,
      container::Streams::Events events)>
      attach;
  std::function<Result<std::unique_ptr<container::Streams>>(
      const kube::Pod& pod, std::uint16_t port, container::Streams::Events events)>
      port;
};

class Remote {
 public:
  static constexpr std::size_t kPendingBytes = 1 << 20;

  Remote(env::Env env, registry::Registry& registry, PodStreams streams)
      : env_(std::move(env)), registry_(registry), streams_(std::move(streams)) {}

  void exec(const CallPtr& call);
  void attach(const CallPtr& call);
  void port_forward(const CallPtr& call);

 private:
  Result<kube::ObjectPtr> running_pod(const Call& call) const;

  env::Env env_;
  registry::Registry& registry_;
  PodStreams streams_;
};

}  // namespace minato::apiserver
