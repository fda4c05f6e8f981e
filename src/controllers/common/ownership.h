// Controller references: who owns an object, and how an owner takes and gives up what its selector
// says.
//
// Rules: k8s.io/kubernetes pkg/controller/controller_ref_manager.go. An object has at most one
// controller; an owner adopts matching orphans and releases what no longer matches, unless it is
// itself being deleted. Writes carry the resourceVersion they were decided on.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "informer/informer.h"
#include "kube/client.h"
#include "kube/object.h"
#include "kube/selector.h"

namespace minato::controllers {

// The reference with controller: true, or null.
const kube::OwnerReference* controller_of(const kube::ObjectMeta& meta);
bool is_controlled_by(const kube::ObjectMeta& meta, const std::string& owner_uid);
// A reference with controller and blockOwnerDeletion.
kube::OwnerReference controller_reference(const kube::Object& owner);

enum class Claim { kIgnore, kKeep, kAdopt, kRelease };
Claim decide_claim(const kube::ObjectMeta& owner, const kube::ObjectMeta& candidate, bool selected);

// Indexes by which an owner finds what it has and what it may adopt without walking a namespace.
template <class T>
void index_by_controller(informer::Informer<T>& informer) {
  informer.add_index("controller", [](const T& object) {
    const kube::OwnerReference* owner = controller_of(object.metadata);
    return owner == nullptr ? std::vector<std::string>{} : std::vector<std::string>{owner->uid};
  });
  informer.add_index("orphans", [](const T& object) {
    return controller_of(object.metadata) != nullptr
               ? std::vector<std::string>{}
               : std::vector<std::string>{object.metadata.namespace_};
  });
}
template <class T>
std::vector<std::shared_ptr<const T>> controlled_by(const informer::Informer<T>& informer,
                                                    const std::string& owner_uid) {
  return informer.by_index("controller", owner_uid);
}

// Everything that `owner` controls after adopting and releasing, ordered by key. Requires:
// index_by_controller(informer). Errors: those of the writes.
template <class T>
Result<std::vector<std::shared_ptr<const T>>> claim(kube::Client& client,
                                                    const informer::Informer<T>& informer,
                                                    const kube::Object& owner,
                                                    const kube::Selector& selector) {
  std::vector<std::shared_ptr<const T>> candidates = controlled_by(informer, owner.metadata.uid);
  for (auto& orphan : informer.by_index("orphans", owner.metadata.namespace_)) {
    candidates.push_back(std::move(orphan));
  }
  std::vector<std::shared_ptr<const T>> claimed;
  for (const auto& candidate : candidates) {
    const Claim decision = decide_claim(owner.metadata, candidate->metadata,
                                        selector.matches(candidate->metadata.labels));
    if (decision == Claim::kIgnore) continue;
    if (decision == Claim::kKeep) {
      claimed.push_back(candidate);
      continue;
    }
    T changed = *candidate;
    auto& references = changed.metadata.owner_references;
    if (decision == Claim::kAdopt) {
      references.push_back(controller_reference(owner));
    } else {
      std::erase_if(references, [&](const auto& ref) { return ref.uid == owner.metadata.uid; });
    }
    auto written = kube::update(client, std::move(changed));
    if (failed_with(written, Reason::kNotFound)) continue;
    if (!written) return std::unexpected(std::move(written).error());
    if (decision == Claim::kAdopt) claimed.push_back(*written);
  }
  // In order already, but for what was adopted.
  const auto key = [](const auto& object) {
    return std::tie(object->metadata.namespace_, object->metadata.name);
  };
  if (!std::ranges::is_sorted(claimed, {}, key)) std::ranges::sort(claimed, {}, key);
  return claimed;
}

}  // namespace minato::controllers
