// The selector by which Pods without spread constraints of their own are spread: the Pods of the
// same Services and the same ReplicaSet.
//
// Owned by Scheduler; reads informers. Loop thread only.
// Rules: pkg/scheduler/framework/plugins/helper/spread.go (DefaultSelector). ReplicationControllers
// and StatefulSets are not served here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "informer/informer.h"
#include "kube/types/apps.h"
#include "kube/types/pod.h"
#include "kube/types/service.h"

namespace minato::scheduler {

class DefaultSpread {
 public:
  explicit DefaultSpread(informer::Informers& informers);
  DefaultSpread(const DefaultSpread&) = delete;
  DefaultSpread& operator=(const DefaultSpread&) = delete;

  // Nullopt: nothing chooses this Pod.
  std::optional<kube::Selector> selector_for(const kube::Pod& pod) const;
  // Grows when an answer may have changed.
  std::uint64_t version() const { return version_; }

 private:
  informer::Informer<kube::ReplicaSet>& replica_sets_;
  // By namespace, then name: selectors of Services that have one.
  std::map<std::string, std::map<std::string, kube::Labels>> services_;
  std::uint64_t version_ = 1;
};

}  // namespace minato::scheduler
