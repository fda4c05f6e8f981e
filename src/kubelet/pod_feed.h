// What all kubelets of one process read from the shared caches: their Pods, and what Pods refer to.
//
// One handler and two indexes (by Node, by what volumes name) on the Pod informer serve every
// kubelet, so a change of a Pod costs the same with one Node as with thousands. Constructed before
// the informers are started; the Informers outlive it, it outlives the kubelets. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "informer/informer.h"
#include "kubelet/environment.h"

namespace minato::kubelet {

class PodFeed {
 public:
  // Called from inside the write: they may only note what to do later.
  struct Sink {
    std::function<void(const informer::Delta<kube::Pod>&)> pod;
    // A ConfigMap or Secret that a volume of the Pod names was made, changed or deleted.
    std::function<void(const std::string& pod_uid)> config;
  };

  // Ends its subscription when destroyed; may outlive the PodFeed.
  class Subscription {
   public:
    Subscription() = default;
    explicit Subscription(std::function<void()> end) : end_(std::move(end)) {}
    Subscription(Subscription&& other) noexcept : end_(std::exchange(other.end_, nullptr)) {}
    Subscription& operator=(Subscription&& other) noexcept {
      if (this != &other) {
        if (end_) end_();
        end_ = std::exchange(other.end_, nullptr);
      }
      return *this;
    }
    ~Subscription() {
      if (end_) end_();
    }

   private:
    std::function<void()> end_;
  };

  explicit PodFeed(informer::Informers& informers, TokenIssuer issue_token = {});

  // Changes of the Pods bound to `node` and of their volumes, from now on. Requires: nobody has
  // subscribed to it.
  [[nodiscard]] Subscription subscribe(const std::string& node, Sink sink);
  // Ordered by key.
  std::vector<std::shared_ptr<const kube::Pod>> pods_on(const std::string& node) const;
  ConfigSources sources() const;

 private:
  using Sinks = std::map<std::string, Sink>;
  template <class T>
  void follow_config();

  informer::Informers& informers_;
  TokenIssuer issue_token_;
  std::shared_ptr<Sinks> sinks_;  // The informer's handler cannot be taken back; it looks here.
};

}  // namespace minato::kubelet
