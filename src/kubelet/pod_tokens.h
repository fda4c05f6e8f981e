// The ServiceAccount tokens that one Pod's volumes show. Each is bound to the Pod, kept while it is
// good, and got anew when a fifth of its life is left or it is a day old; one that cannot be got
// anew stays as long as it lasts.
//
// Owned by the Pod's PodScope; what the constructor is given outlives it. Loop thread only.
// Errors: those of the issuer; Unavailable (this cluster issues none).
// Rules: k8s.io/kubernetes pkg/kubelet/token/token_manager.go.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "env/env.h"
#include "kubelet/environment.h"

namespace minato::kubelet {

class PodTokens {
 public:
  PodTokens(env::Env& env, const ConfigSources& sources) : env_(env), sources_(sources) {}

  Result<std::string> get(const kube::Pod& pod, const kube::ServiceAccountTokenProjection& wanted);
  // Until the next one is due, by the wall clock as it is now; nothing when none was asked for.
  std::optional<Duration> due_in() const;

 private:
  struct Held {
    std::string token;
    WallTime expires;
    WallTime renew_at;
  };
  Result<Held> issue(const kube::Pod& pod, const kube::ServiceAccountTokenProjection& wanted);

  env::Env& env_;
  const ConfigSources& sources_;
  std::map<std::pair<std::string, std::int64_t>, Held> held_;  // By audience and seconds.
};

}  // namespace minato::kubelet
