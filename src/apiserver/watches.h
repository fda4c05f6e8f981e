// watch: initial events, changes, bookmarks, time-outs, and an end for clients that are too slow.
//
// Memory is bounded: an event is encoded once for all watchers that want the same form; a watcher
// holds at most kPendingBytes that its client has not taken (and kQueuedEvents while its initial
// events are under way) and is cut off beyond that, as upstream does; clients resume from the last
// version they saw. Initial events are encoded as the client takes them.
//
// Loop thread only. Destroying it ends all streams.
// Rules: k8s.io/apiserver pkg/endpoints/handlers/watch.go, pkg/storage/cacher; KEP-3157
// (WatchList).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "apiserver/call.h"
#include "env/env.h"

namespace minato::apiserver {

struct WatchLimits {
  std::size_t watchers = 20'000;
  std::size_t pending_bytes = 4 << 20;
  std::size_t queued_events = 10'000;
  Duration bookmark_interval = 60s;
  Duration shortest_default = 1800s;  // Without timeoutSeconds: this to twice this.
};

class Watches {
 public:
  Watches(env::Env env, registry::Registry& registry, WatchLimits limits = {});
  ~Watches();

  void open(const CallPtr& call);
  // Ends the watches of custom kinds that are not served any more.
  void end_unserved(const Catalogue& catalogue);
  std::size_t count() const { return watchers_.size(); }

 private:
  class Watcher;
  // The newest event in one of its forms, which the next watcher most likely wants too.
  struct Encoded {
    kube::ObjectPtr object;
    kube::WatchEventType type{};
    const kube::Kind* kind = nullptr;  // The version that it is shown in.
    std::shared_ptr<const std::string> text;
  };
  std::shared_ptr<const std::string> encode(const kube::WatchEvent& event, const kube::Kind& kind,
                                            const Accepted& accepted);
  void send_bookmarks();
  void close(std::uint64_t id);

  env::Env env_;
  registry::Registry& registry_;
  WatchLimits limits_;
  std::map<std::uint64_t, std::shared_ptr<Watcher>> watchers_;
  std::uint64_t next_id_ = 1;
  std::map<Accepted, Encoded> encoded_;
  env::TimerHandle bookmark_timer_;
};

}  // namespace minato::apiserver
