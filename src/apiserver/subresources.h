// The subresources that are not parts of the object: scale, eviction, binding, log.
//
// Logs come through a seam that the world gives (PodLogs): whoever knows the Nodes' runtimes. A
// client that does not keep up loses the rest of its log: at most kLogPendingBytes wait for it.
// Loop thread only.
// Rules: k8s.io/kubernetes pkg/registry/core/pod (storage, rest/log.go), apps/*/storage.
#pragma once

#include <functional>
#include <memory>

#include "apiserver/call.h"
#include "container/runtime.h"
#include "env/env.h"
#include "kube/types/autoscaling.h"

namespace minato::apiserver {

struct LogRequest {
  std::string container;
  bool previous = false;
  container::LogOptions options;
};

// Starts reading; `chunk` any number of times, then `done` once. Dropping the handle ends it.
// Errors: NotFound (the container has not started, there was no previous one), Unavailable.
using PodLogs = std::function<Result<std::unique_ptr<container::Runtime::LogStream>>(
    const kube::Pod& pod, const LogRequest& request, std::function<void(std::string_view)> chunk,
    container::DoneStatus done)>;

// The container of a Pod that a request means. Errors: BadRequest.
Result<std::string> chosen_container(const kube::Pod& pod, std::string_view asked);

class Subresources {
 public:
  static constexpr std::size_t kLogPendingBytes = 16 << 20;

  Subresources(env::Env env, registry::Registry& registry, PodLogs logs)
      : env_(std::move(env)), registry_(registry), logs_(std::move(logs)) {}

  void scale(const CallPtr& call);
  void evict(const CallPtr& call);
  void bind(const CallPtr& call);
  void log(const CallPtr& call);

 private:
  Result<kube::Scale> changed_scale(const Call& call, const kube::Object& object) const;
  Result<kube::Scale> do_scale(const Call& call) const;
  Status do_evict(const Call& call) const;
  Status do_bind(const Call& call) const;

  env::Env env_;
  registry::Registry& registry_;
  PodLogs logs_;
};

}  // namespace minato::apiserver
