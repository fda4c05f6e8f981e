// What the workers of one Node share, and what the containers of one Pod share. Plain references:
// the Kubelet owns the NodeContext, the PodWorker its PodScope; both outlive those who use them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "container/runtime.h"
#include "env/env.h"
#include "informer/event_recorder.h"
#include "kube/client.h"
#include "kube/names.h"
#include "kubelet/environment.h"
#include "kubelet/options.h"
#include "kubelet/pod_tokens.h"
#include "kubelet/resources.h"

namespace minato::kubelet {

struct PodScope {
  std::shared_ptr<const kube::Pod> pod;  // The newest that was seen.
  std::string ip;
  MonoTime created{};          // When this kubelet first saw the Pod: where probe ticks count from.
  std::function<void()> wake;  // Asks for a sync() of the Pod in a turn of its own.
  std::unique_ptr<PodTokens> tokens;

  const std::string& uid() const { return pod->metadata.uid; }
  // "web-1_default(0a1b…)": how upstream's messages name a Pod.
  std::string described() const {
    return pod->metadata.name + "_" + pod->metadata.namespace_ + "(" + uid() + ")";
  }
};

struct NodeContext {
  env::Env env;
  kube::Client& client;
  container::Runtime& runtime;
  informer::EventRecorder& events;
  const Options& options;
  ConfigSources sources;
  MonoTime started{};  // Of this kubelet; probes of Pods found then are spread out.

  MonoTime now() const { return env.clock.monotonic(); }
  // API times have seconds; a finer value would differ from itself after a round trip.
  WallTime wall_seconds() const {
    return std::chrono::floor<std::chrono::seconds>(env.clock.wall());
  }
  PodFacts facts(const PodScope& scope) const {
    return {*scope.pod, scope.ip, options.private_ip, allocatable(options), scope.tokens.get()};
  }
  void normal(const kube::Pod& pod, std::string_view reason, std::string_view message,
              const std::string& container = {}) const {
    if (options.events == EventDetail::kAll) record(pod, kube::kNormal, reason, message, container);
  }
  void warning(const kube::Pod& pod, std::string_view reason, std::string_view message,
               const std::string& container = {}) const {
    record(pod, kube::kWarning, reason, message, container);
  }

 private:
  void record(const kube::Pod& pod, std::string_view type, std::string_view reason,
              std::string_view message, const std::string& container) const {
    events.record(pod, type, reason, message,
                  container.empty() ? "" : "spec.containers{" + container + "}");
  }
};

// Answers from a seam may come after whoever asked is gone: a callback wrapped by a Guard runs only
// while the Guard lives, and only until the next reset().
class Guard {
 public:
  Guard() = default;
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  void reset() { token_ = std::make_shared<char>(); }
  template <class F>
  auto wrap(F callback) {
    return [alive = std::weak_ptr<char>(token_), callback = std::move(callback)](
               auto&&... arguments) mutable {
      if (alive.lock()) callback(std::forward<decltype(arguments)>(arguments)...);
    };
  }

 private:
  std::shared_ptr<char> token_ = std::make_shared<char>();
};

}  // namespace minato::kubelet
