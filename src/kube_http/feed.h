// One watch as its sink sees it: events in order of versions and each once, whatever becomes of the
// connections behind it. Loop thread only. Private to kube_http.
//
// Keeps what is there (shared with the caches), for two ends: after a new list the sink is told what
// came, changed and went meanwhile; and what this process writes itself is told at once, from inside
// the write, as kube::WatchSink promises, and not again when the server tells of it. Versions of one
// kind are compared as numbers (KEP-5504).
#pragma once

#include <map>

#include "kube/client.h"

namespace minato::kube_http {

class Feed {
 public:
  // `present`: what was listed before.
  Feed(const kube::Kind& kind, kube::ListOptions options, kube::WatchSink sink,
       const std::vector<kube::ObjectPtr>& present);

  const kube::Kind& kind() const { return kind_; }
  void apply(const kube::WatchEvent& event);
  void replace(const kube::ObjectList& list);
  // A write of ours was answered with this.
  void wrote(const kube::ObjectPtr& object);

 private:
  void put(const kube::ObjectPtr& object, std::uint64_t version);
  void erase(const kube::ObjectPtr& last, std::uint64_t version);

  const kube::Kind& kind_;
  kube::ListOptions options_;
  kube::WatchSink sink_;
  std::map<kube::ObjectKey, kube::ObjectPtr> known_;
};

}  // namespace minato::kube_http
