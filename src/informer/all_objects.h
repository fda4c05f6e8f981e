// Every change of every object, whatever its kind: for those who look at all of them (owners and
// dependents, namespaces). Kinds that definitions make are followed while they are there. Events are
// not among them: they own nothing, nothing owns them, and they end by age.
//
// Keeps no objects. Owned by Informers (informer/informer.h), which starts it; handlers are added
// before that, and follow the rules of Informer's. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "kube/client.h"

namespace minato::informer {

class AllObjects {
 public:
  using Handler = std::function<void(const kube::WatchEvent&)>;

  void on_change(Handler handler) { handlers_.push_back(std::move(handler)); }
  // Tells of everything that is there, as kAdded, and from then on of every change.
  Status start(kube::Client& client);

 private:
  Status follow(const kube::Kind& kind);
  void follow_definitions();
  void notify(const kube::WatchEvent& event);

  kube::Client* client_ = nullptr;
  std::vector<Handler> handlers_;
  std::map<const kube::Kind*, std::unique_ptr<kube::Watch>> watches_;  // Order is of no matter.
};

}  // namespace minato::informer
