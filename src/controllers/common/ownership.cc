#include "controllers/common/ownership.h"

#include <algorithm>

#include "controllers/common/pods.h"

namespace minato::controllers {

const kube::OwnerReference* controller_of(const kube::ObjectMeta& meta) {
  const auto found =
      std::ranges::find_if(meta.owner_references,
                           [](const kube::OwnerReference& ref) { return ref.controller == true; });
  return found == meta.owner_references.end() ? nullptr : &*found;
}

bool is_controlled_by(const kube::ObjectMeta& meta, const std::string& owner_uid) {
  const kube::OwnerReference* owner = controller_of(meta);
  return owner != nullptr && owner->uid == owner_uid;
}

kube::OwnerReference controller_reference(const kube::Object& owner) {
  kube::OwnerReference out;
  out.api_version = owner.kind().api_version();
  out.kind = owner.kind().kind;
  out.name = owner.metadata.name;
  out.uid = owner.metadata.uid;
  out.controller = true;
  out.block_owner_deletion = true;
  return out;
}

Claim decide_claim(const kube::ObjectMeta& owner, const kube::ObjectMeta& candidate,
                   bool selected) {
  if (const kube::OwnerReference* controller = controller_of(candidate)) {
    if (controller->uid != owner.uid) return Claim::kIgnore;
    if (selected) return Claim::kKeep;
    return is_deleting(owner) ? Claim::kIgnore : Claim::kRelease;
  }
  if (is_deleting(owner) || !selected || is_deleting(candidate)) return Claim::kIgnore;
  return Claim::kAdopt;
}

}  // namespace minato::controllers
