// get and list: pages of one snapshot, resourceVersion rules, and bodies that are made while the
// client takes them.
//
// A page token names a snapshot that is kept for a while, so all pages are of one resourceVersion.
// At most kSnapshots are kept, each for kSnapshotAge; a token of one that is gone gets 410 Expired,
// which clients answer with a fresh list. Objects are shared with the store: a snapshot costs a
// pointer per object. Loop thread only.
// Rules: k8s.io/apiserver pkg/endpoints/handlers/get.go, pkg/storage (continue tokens).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "apiserver/call.h"
#include "env/env.h"

namespace minato::apiserver {

class Lists {
 public:
  static constexpr std::size_t kSnapshots = 64;
  static constexpr Duration kSnapshotAge = 5min;

  Lists(env::Env env, registry::Registry& registry) : env_(std::move(env)), registry_(registry) {}

  void get(const CallPtr& call);
  void list(const CallPtr& call);

 private:
  using Items = std::shared_ptr<const std::vector<kube::ObjectPtr>>;
  struct Snapshot {
    const kube::Kind* kind = nullptr;
    std::string query;  // Selectors and namespace: a token is good for the same request only.
    Items items;
    std::uint64_t resource_version = 0;
    MonoTime used{};
  };
  struct Page {
    Items items;
    std::size_t begin = 0, end = 0;
    std::uint64_t resource_version = 0;
    std::string next;  // Token; "" on the last page.
    bool has_selectors = false;
  };
  Result<Page> first_page(const Call& call);
  Result<Page> next_page(const Call& call, std::string_view token);
  static Status check_parameters(const Call& call, const Accepted& accepted);
  Status check_version(const Call& call) const;
  void cut(Page& page, std::size_t limit, std::uint64_t snapshot) const;
  std::uint64_t keep(Snapshot snapshot);
  void forget_old();
  void send(const CallPtr& call, const Accepted& accepted, const Page& page) const;

  env::Env env_;
  registry::Registry& registry_;
  std::map<std::uint64_t, Snapshot> snapshots_;
};

// {"resourceVersion":…,"continue":…,"remainingItemCount":…}
std::string list_metadata(std::uint64_t resource_version, std::string_view next,
                          std::int64_t remaining);

}  // namespace minato::apiserver
